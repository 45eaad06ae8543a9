"""Corruptions that are told where people are: who is told, what, and that nobody else is."""

import functools
import json

import numpy as np
import pytest

import robustpose
from robustpose.benchmark.job import Job
from robustpose.benchmark.run import run_bench
from robustpose.corruptions import corrupt, is_told_of_people
from robustpose.corruptions.told import find_inside, is_told
from robustpose.data.carrying import pack_frames, unpack_frames
from robustpose.data.corrupted import MadeImages
from robustpose.data.images import read_image, write_image
from robustpose.data.images_alone import read_images
from robustpose.data.joints import take_joints
from robustpose.data.own import adopt_dataset
from robustpose.data.people import frame_to_corrupt, frames_to_corrupt, identify_people
from robustpose.data.spec import DataSpec
from robustpose.data.stored import open_stored_images
from robustpose.data.subset import Adjusted
from robustpose.data.toy import ToyPeople
from robustpose.errors import DoubtWarning, UserError
from robustpose.estimators.carrying import NamedModel
from robustpose.evaluation import get_frames
from robustpose.export.write import SetJob, write_set
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.types import Truth, list_people
from tests import outside
from tests.runs import files_of
from tests.scenes import draw_scene

MASK, FOG = Cell("mask", 3), Cell("fog", 3)
MADE = MadeImages(7)


def point_out(image, severity, rng, people):
    """A corruption of somebody's own: a white pixel at each joint."""
    for xy in people:
        image[xy[:, 1].astype(int), xy[:, 0].astype(int)] = 255
    return image


class Pointing:
    """The same as an object."""

    def __call__(self, image, severity, rng, *, people):
        return point_out(image, severity, rng, people)


def make_truth(visible, crowd=False, uncounted=None):
    """Return the truth of one person of four joints."""
    xy = np.arange(8.0).reshape(1, 4, 2)
    box = np.array([[0.0, 0, 9, 9]])
    return Truth(1, xy, np.array([visible]), np.array([80.0]), box, np.array([crowd]), uncounted=uncounted)


def test_a_parameter_called_people_says_that_it_is_told():
    assert is_told_of_people("mask")
    assert not is_told_of_people("fog")
    assert is_told_of_people("tests.test_told:point_out")
    assert is_told(Pointing())
    assert is_told(functools.partial(point_out))
    assert not is_told(len)


def test_a_corruption_of_ones_own_is_told_of_joints_inside_the_image():
    image = np.zeros((40, 50, 3), np.uint8)
    people = [np.array([[3, 5], [70, 5]]), np.array([[-8.0, 2.0]]), np.array([[49.4, 39.4]])]
    corrupted = corrupt(image, "tests.test_told:point_out", 1, people=people)
    assert np.argwhere(corrupted[:, :, 0]).tolist() == [[5, 3], [39, 49]]
    (same,) = robustpose.corrupt_all(image, [("tests.test_told:point_out", 1)], people=people)
    np.testing.assert_array_equal(same, corrupted)
    assert corrupt(image, "tests.test_told:point_out", 1).max() == 0  # nobody says where people are


@pytest.mark.parametrize("people", [[np.zeros(2)], [np.zeros((2, 3))], [[["a", "b"]]], np.zeros((3, 2))])
def test_people_that_are_no_joints_are_one_line(people):
    with pytest.raises(UserError, match=r"people must be joints \(M, 2\) px of each person, got"):
        corrupt(draw_scene(40, 50), "mask", 1, people=people)


def test_what_is_not_finite_is_nowhere():
    assert find_inside([np.array([[np.nan, 3.0], [np.inf, 3.0]])], (40, 50, 3)) == []


@pytest.mark.parametrize(
    ("truth", "joints"),
    [
        (make_truth([0, 2, 1, 2]), [1, 3]),
        (make_truth([0, 1, 1, 0]), [1, 2]),  # of whom nothing can be seen: what is hidden
        (make_truth([0, 0, 0, 0]), None),
        (make_truth([2, 2, 2, 2], crowd=True), None),
        (make_truth([1, 1, 1, 1], uncounted=np.array([True])), None),
    ],
)
def test_people_are_those_who_are_scored_by_the_joints_that_can_be_seen(truth, joints):
    found = list_people(truth)
    assert [xy.tolist() for xy in found] == ([] if joints is None else [truth.xy[0, joints].tolist()])


def test_frames_say_where_people_are_only_where_a_corruption_is_told():
    toy = ToyPeople(2)
    assert all(frame.people is None for frame in get_frames(toy, range(2), [CLEAN, FOG]))
    (frame,) = frames_to_corrupt(toy, [1], [FOG, MASK])
    for found, expected in zip(frame.people, toy.people(1), strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(AssertionError, match="comes without its people"):
        MADE.read(toy.frame(0), MASK)


@pytest.mark.parametrize("cell", [CLEAN, FOG, MASK])
def test_estimators_are_not_handed_the_joints(cell):
    frame = frame_to_corrupt(ToyPeople(1), 0)
    seen = MADE.frame_in(frame, cell)
    assert seen.people is None
    np.testing.assert_array_equal(seen.image, frame.image if cell == CLEAN else MADE.read(frame, cell))
    (carried,) = next(unpack_frames(pack_frames([[seen]])))
    assert carried.people is None
    np.testing.assert_array_equal(carried.image, seen.image)


def test_squares_do_not_depend_on_which_joints_or_images_are_taken():
    toy = ToyPeople(3)
    some = Adjusted(take_joints(toy, ["left_ankle", "right_ankle"]), indices=[2])
    images = [MADE.frame_in(frame_to_corrupt(*of), MASK).image for of in ((toy, 2), (some, 0))]
    np.testing.assert_array_equal(*images)


class PeopleOfItsOwn(outside.Squares):
    """A dataset that says itself where people are."""

    def __init__(self, people):
        self.people_of_image = people

    def people(self, index):
        return self.people_of_image


def test_a_dataset_of_ones_own_may_say_where_people_are():
    people = [np.array([[3.0, 4.0]])]
    assert frame_to_corrupt(adopt_dataset(outside.Squares(), "data"), 1).people[0].shape == (17, 2)
    assert frame_to_corrupt(adopt_dataset(PeopleOfItsOwn(people), "data"), 1).people == tuple(people)
    with pytest.raises(UserError, match=r"data: people\(\) must return a Sequence, got NoneType"):
        frame_to_corrupt(adopt_dataset(PeopleOfItsOwn(None), "data"), 1)
    frame = frame_to_corrupt(adopt_dataset(PeopleOfItsOwn([3]), "data"), 1)
    with pytest.raises(UserError, match="people must be joints"):
        MADE.read(frame, MASK)


def test_images_alone_have_nobody(coco_folder):
    alone = read_images(coco_folder / "images", "gt", None)
    frame = frame_to_corrupt(alone, 0)
    assert frame.people == ()
    assert (MADE.read(frame, MASK) != frame.image).any()


@pytest.fixture
def data(coco_folder):
    return DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images", limit=3).open


def test_a_corrupted_set_says_which_people_it_was_made_with(data, tmp_path):
    cells = [Cell("mask", 1), MASK]
    for name, workers in (("set", 1), ("again", 2)):
        write_set(SetJob(data, MADE, "plain", "png", tmp_path / name), cells, workers)
    assert files_of(tmp_path / "again") == files_of(tmp_path / "set")
    manifest = json.loads((tmp_path / "set/manifest.json").read_text())
    assert manifest["people_sha256"] == identify_people(data(), [FOG, MASK])["people_sha256"]
    assert identify_people(data(), [FOG]) == {}
    frame = frame_to_corrupt(data(), 0)
    np.testing.assert_array_equal(
        read_image(tmp_path / "set/mask-3" / frame.file_name.replace(".jpg", ".png")), MADE.read(frame, MASK)
    )


def test_a_set_of_other_people_is_another_set(data, coco_folder, tmp_path):
    write_set(SetJob(data, MADE, "plain", "png", tmp_path / "set"), [MASK])
    content = json.loads((coco_folder / "people.json").read_text())
    content["annotations"][0]["keypoints"][0] += 9
    (tmp_path / "people.json").write_text(json.dumps(content))
    other = DataSpec(annotations=tmp_path / "people.json", images=coco_folder / "images", limit=3).open
    assert identify_people(data(), [MASK]) != identify_people(other(), [MASK])
    with pytest.raises(UserError, match="where people are, which decides pixels, has changed"):
        write_set(SetJob(other, MADE, "plain", "png", tmp_path / "set"), [MASK])


@pytest.fixture
def masked_set(data, tmp_path):
    write_set(SetJob(data, MADE, "plain", "png", tmp_path / "set"), [FOG, MASK])
    return tmp_path / "set"


def open_moved(coco_folder, tmp_path, **settings):
    """Return what opens the data with a person of the first image moved."""
    content = json.loads((coco_folder / "people.json").read_text())
    first = min(content["images"], key=lambda image: image["id"])["id"]
    moved = next(of for of in content["annotations"] if of["image_id"] == first and of["num_keypoints"])
    moved["keypoints"][::3] = [x + 9 for x in moved["keypoints"][::3]]
    (tmp_path / "moved.json").write_text(json.dumps(content))
    return DataSpec(annotations=tmp_path / "moved.json", images=coco_folder / "images", **settings).open


def bench_stored(open_data, root, out, cells=(CLEAN, MASK)):
    model = NamedModel("tests.outside:guess_from_pixels", {})
    return run_bench(Job(open_data, model, open_stored_images(root), out), cells, 1, n_resamples=0)


def test_a_run_from_a_set_of_its_people_is_the_run_and_says_who_they_were(data, masked_set, coco_folder, tmp_path):
    stored = bench_stored(data, masked_set, tmp_path / "stored")
    made = run_bench(
        Job(data, NamedModel("tests.outside:guess_from_pixels", {}), MADE, tmp_path / "made"), [CLEAN, MASK], 1,
        n_resamples=0,
    )  # fmt: skip
    assert stored["cells"] == made["cells"]
    whose = stored["provenance"]["corrupted_images"]["people_sha256"]
    assert whose == identify_people(data(), [MASK])["people_sha256"]
    fewer = DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images", limit=2).open
    bench_stored(fewer, masked_set, tmp_path / "fewer")


def test_a_set_that_was_made_for_other_people_is_refused(masked_set, coco_folder, tmp_path):
    moved = open_moved(coco_folder, tmp_path, limit=2)
    name = moved().frame(0).file_name
    message = rf"was made for other people than those of these data, or for none.*: {name}; make it again"
    with pytest.raises(UserError, match=message):
        bench_stored(moved, masked_set, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    bench_stored(moved, masked_set, tmp_path / "run", [CLEAN, FOG])  # which nobody tells of people


def test_a_set_that_was_made_without_people_is_refused(data, coco_folder, tmp_path):
    alone = DataSpec(images=coco_folder / "images", limit=3).open
    with pytest.warns(DoubtWarning, match="there are no annotations"):
        write_set(SetJob(alone, MADE, "plain", "png", tmp_path / "set"), [MASK])
    with pytest.raises(UserError, match="other people than those of these data, or for none"):
        bench_stored(data, tmp_path / "set", tmp_path / "run")


def test_of_a_set_that_does_not_say_for_whom_it_was_made_results_say_that_nobody_knows(data, masked_set, tmp_path):
    (masked_set / "manifest.json").unlink()
    doubt = "nobody knows for which people the images of mask in the corrupted set were made"
    with pytest.warns(DoubtWarning, match=doubt):
        summary = bench_stored(data, masked_set, tmp_path / "run")
    assert doubt in summary["warnings"]
    assert doubt not in bench_stored(data, masked_set, tmp_path / "fog", [CLEAN, FOG])["warnings"]


def test_a_run_is_the_same_with_any_workers_and_when_it_goes_on(data, tmp_path):
    model = NamedModel("tests.outside:guess_from_pixels", {})
    for name, workers, steps in (("one", 1, [[CLEAN, MASK]]), ("two", 2, [[CLEAN], [CLEAN, MASK]])):
        for cells in steps:
            run_bench(Job(data, model, MADE, tmp_path / name), cells, workers, n_resamples=0)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_shards_of_a_run_merge_to_the_same_run(run, coco_folder, tmp_path):
    words = ("--model", "tests.outside:guess_from_pixels", "--annotations", coco_folder / "people.json")
    words += ("--images", coco_folder / "images", "--corruptions", "mask", "--severities", 5, "--workers", 1)
    words += ("--seed", 7, "--resamples", 0, "--no-report")
    assert run("bench", *words, "--out", tmp_path / "whole")[0] == 0
    for number in (1, 2):
        assert run("bench", *words[:-3], "--shard", f"{number}/2", "--out", tmp_path / "merged")[0] == 0
    assert run("merge", tmp_path / "merged", *words[-3:])[0] == 0
    assert files_of(tmp_path / "merged") == files_of(tmp_path / "whole")


def test_photos_without_annotations_have_four_squares_anywhere(run, tmp_path):
    write_image(tmp_path / "a.png", np.full((240, 320, 3), 255, np.uint8))
    assert run("corrupt", tmp_path / "a.png", "--corruptions", "mask", "--severities", 5, "--out", tmp_path)[0] == 0
    masked = read_image(tmp_path / "a-mask-5.png")
    assert 25**2 < (masked == 0).all(2).sum() <= 4 * 25**2


def test_a_sheet_of_annotated_images_shows_their_people_masked(run, coco_folder, tmp_path):
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--limit", 1)
    assert run("corrupt", *data, "--corruptions", "mask", "--sheet", tmp_path / "sheet.html")[0] == 0
