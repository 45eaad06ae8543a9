"""What a dataset of somebody's own is known by: the pixels of its images, too."""

import json
from functools import partial

import numpy as np
import pytest

import robustpose
from robustpose.contents import MOST_IMAGES, hash_some_images
from robustpose.data.coco import read_coco
from robustpose.data.identity import identify_dataset
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError
from robustpose.pose.types import Frame
from tests import outside

bench = partial(robustpose.bench, corruptions="none", workers=1, resamples=0, report=False, progress=False)
PIXELS = "the pixels that the dataset gives, which must be the same at each reading, have changed since"


class Few(outside.Squares):
    """Images of one person each, of which some are turned upside down."""

    def __init__(self, n_images=6, flipped=()):
        self.n_images, self.flipped, self.read = n_images, flipped, []

    def __len__(self):
        return self.n_images

    def frame(self, index):
        frame = super().frame(index)

        def read():
            self.read.append(index)
            return frame.image[::-1].copy() if index in self.flipped else frame.image

        return Frame(index, read, frame.boxes)


class Drawn(Few):
    """Images that are drawn anew each time."""

    def frame(self, index):
        pixels = partial(np.random.default_rng().integers, 0, 255, (64, 64, 3), np.uint8)
        return Frame(index, pixels, super().frame(index).boxes)


@pytest.mark.parametrize("flipped", [0, 5, 2])
def test_changed_pixels_of_a_dataset_in_memory_are_refused(tmp_path, flipped):
    made = bench(outside.guess_from_pixels, Few(), out=tmp_path)
    assert bench(outside.guess_from_pixels, Few(), out=tmp_path).clean == made.clean
    with pytest.raises(UserError, match=PIXELS):
        bench(outside.guess_from_pixels, Few(flipped=[flipped]), out=tmp_path)


def test_under_a_larger_limit_the_images_of_the_smaller_one_are_compared(tmp_path):
    bench(outside.guess_from_pixels, Few(), limit=3, out=tmp_path)
    with pytest.raises(UserError, match=PIXELS):
        bench(outside.guess_from_pixels, Few(flipped=[2]), limit=5, out=tmp_path)
    grown = bench(outside.guess_from_pixels, Few(flipped=[4]), limit=5, out=tmp_path)
    assert grown.clean == bench(outside.guess_from_pixels, Few(flipped=[4]), limit=5).clean
    with pytest.raises(UserError, match=PIXELS):
        bench(outside.guess_from_pixels, Few(), limit=5, out=tmp_path)


def test_dataset_that_draws_anew_each_time_is_refused_when_its_run_goes_on(tmp_path):
    bench(outside.guess_from_pixels, Drawn(), out=tmp_path)
    with pytest.raises(UserError, match=PIXELS):
        bench(outside.guess_from_pixels, Drawn(), out=tmp_path)


def test_run_that_did_not_note_pixels_goes_on(tmp_path):
    bench(outside.guess_from_pixels, Few(), out=tmp_path)
    note = json.loads((tmp_path / "run.json").read_text())
    del note["dataset"]["pixels_sha256"]
    (tmp_path / "run.json").write_text(json.dumps(note))
    bench(outside.guess_from_pixels, Few(), out=tmp_path)


def test_pixels_are_read_for_nobody_who_does_not_look_at_them(tmp_path):
    made = bench(outside.guess_from_pixels, Few(), out=tmp_path / "run")
    unread = Few()
    again = bench(f"results:{made.folder}", unread, out=tmp_path / "again")
    assert (again.clean, unread.read) == (made.clean, [])
    robustpose.compare(made, again, names=["one", "other"])


def test_images_in_files_and_drawn_people_of_ours_are_known_without_pixels(coco_folder):
    for dataset in (read_coco(coco_folder / "people.json", coco_folder / "images"), DataSpec(name="toy").open()):
        assert "pixels_sha256" not in identify_dataset(dataset, [])[0]


def test_few_images_are_read_once_first_and_last_among_them():
    read = []
    hash_some_images(1000, lambda index: read.append(index) or np.zeros((1, 1, 3)))
    assert (len(read), read[0], read[-1], len(set(read))) == (MOST_IMAGES, 0, 999, MOST_IMAGES)
    for n_images in (1, 2, MOST_IMAGES):
        read.clear()
        hash_some_images(n_images, lambda index: read.append(index) or np.zeros((1, 1, 3)))
        assert read == [*range(n_images)]
