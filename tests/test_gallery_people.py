import base64
import io
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.data.subset import DatasetAround
from robustpose.pose.cell import CLEAN, Cell
from robustpose.show.pages.gallery import make_gallery
from robustpose.show.pages.gallery_images import scale_regions
from robustpose.show.pages.people import bound_people, choose_people, frame_people, rate_people
from robustpose.show.pages.thumbnails import LONGEST_OF_CROP, LONGEST_SIDE, is_worth_cropping
from tests.people import poses_of, truth_of

CELLS = [CLEAN, Cell("gaussian_noise", 1), Cell("gaussian_noise", 4), Cell("contrast", 1), Cell("contrast", 4)]
TIMES, TIMES_PEOPLE = 10, 4


class Enlarged(DatasetAround):
    """Another dataset, whose images are ten times as large, and the people in their corner four times."""

    def frame(self, index):
        frame = super().frame(index)
        return replace(frame, read=lambda: frame.image.repeat(TIMES, 0).repeat(TIMES, 1), size_wh=None)

    def truth(self, index):
        truth = super().truth(index)
        return replace(truth, xy=TIMES_PEOPLE * truth.xy, boxes=TIMES_PEOPLE * truth.boxes)


@pytest.fixture(scope="module")
def small(coco_folder):
    return DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images").open()


@pytest.fixture(scope="module")
def enlarged(finished_run, small):
    return make_gallery(finished_run, Enlarged(small), MadeImages(5), CELLS)


def decode(content):
    return np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"), float)


@pytest.mark.parametrize("size", [(640, 480), (50, 40), (30, 2000), (33, 33)])
def test_regions_lie_in_the_image_around_the_person(size):
    rng = np.random.default_rng(0)
    corners = np.sort(rng.uniform(-0.2, 1.2, (200, 2, 2)) * size, axis=1)
    for box, (x0, y0, x1, y1) in zip(corners.reshape(-1, 4), frame_people(corners.reshape(-1, 4), size), strict=True):
        assert 0 <= x0 < x1 <= size[0]
        assert 0 <= y0 < y1 <= size[1]
        inside = np.clip(box, 0, [*size, *size])
        assert (inside[:2] >= [x0 - 1, y0 - 1]).all()
        assert (inside[2:] <= [x1 + 1, y1 + 1]).all()


def test_nobody_has_no_region_and_nobody_loses():
    truth = truth_of(np.zeros((0, 17, 2)))
    boxes = bound_people(truth)
    assert frame_people(boxes, (64, 48)) == []
    assert choose_people([rate_people(truth, boxes, None)], rate_people(truth, boxes, None)) == [-1]


def test_joints_that_are_not_annotated_and_boxes_elsewhere_do_not_move_a_region():
    xy = np.full((1, 17, 2), 20.0) + np.arange(17)[None, :, None]
    visible = np.full((1, 17), 2)
    visible[0, 0] = 0
    xy[0, 0] = 600
    truth = replace(truth_of(xy, visible), boxes=np.zeros((1, 4)))
    assert bound_people(truth).tolist() == [[21, 21, 36, 36]]
    around = replace(truth, boxes=np.array([[10.0, 15.0, 60.0, 90.0]]))
    assert bound_people(around).tolist() == [[10, 15, 60, 90]]


def test_who_loses_most_is_whose_pose_went_away():
    rng = np.random.default_rng(1)
    xy = rng.uniform(0, 60, (3, 17, 2)) + np.array([0, 200, 400])[:, None, None]
    truth = truth_of(xy)
    boxes = bound_people(truth)
    clean, without_second = poses_of(xy), poses_of(xy[[2, 0]])
    ratings = [rate_people(truth, boxes, found) for found in (clean, without_second, None)]
    assert ratings[0].tolist() == [1, 1, 1]
    assert choose_people(ratings, ratings[0])[1] == 1
    assert ratings[2].tolist() == [0, 0, 0]


def test_small_people_of_large_images_are_worth_cutting_out():
    assert is_worth_cropping((0, 0, 60, 80), (640, 480))
    assert not is_worth_cropping((0, 0, 60, 80), (320, 240))  # the thumbnail has all there is
    assert not is_worth_cropping((0, 0, 600, 480), (640, 480))  # the thumbnail shows as much


def test_who_loses_most_is_cut_out_of_corrupted_and_clean_images(enlarged):
    assert enlarged["crops"]
    for key in enlarged["crops"]:
        image, cell, person = map(int, key.split())
        assert cell == 0 or enlarged["images"][image]["people"][cell] == person
        assert f"{image} 0 {person}" in enlarged["crops"]


def test_a_cut_out_person_is_what_the_thumbnail_shows_there_and_sharper(enlarged):
    key, content = next(iter(enlarged["crops"].items()))
    image, _, person = map(int, key.split())
    of_image = enlarged["images"][image]
    x, y, width, height = of_image["regions"][person]
    crop = decode(content)
    assert max(crop.shape) > max(width, height)
    assert max(crop.shape[:2]) <= LONGEST_OF_CROP
    whole = decode(of_image["thumbnail"])
    part = whole[round(y + 0.5) : round(y + 0.5 + height), round(x + 0.5) : round(x + 0.5 + width)]
    same_size = np.asarray(PIL.Image.fromarray(crop.astype(np.uint8)).resize(part.shape[1::-1]), float)
    assert np.abs(same_size - part).mean() < 0.5 * np.abs(same_size - part[::-1]).mean()


def test_images_that_fit_are_not_cut(finished_run, small):
    content = make_gallery(finished_run, small, MadeImages(5), CELLS)
    assert content["crops"] == {}
    assert all(max(image["size"]) <= LONGEST_SIDE for image in content["images"])


def test_regions_begin_at_the_edge_of_the_first_pixel():
    assert scale_regions([(0, 0, 640, 480)], 0.5) == [[-0.5, -0.5, 320, 240]]


def test_bytes_count_who_is_cut_out(finished_run, small):
    content = make_gallery(finished_run, Enlarged(small), MadeImages(5), CELLS, n_bytes=120_000)
    parts = [image["thumbnail"] + image["poses"] for image in content["images"]]
    contents = [*parts, *content["corrupted"].values(), *content["crops"].values()]
    assert sum(map(len, contents)) <= 120_000
