"""Callables that take batches: what they are handed, what they may give, and what is said where they give else."""

import re

import numpy as np
import pytest

from robustpose import Frame, UserError, estimators
from robustpose.estimators.function import Function, share_out
from robustpose.evaluation import predict
from robustpose.pose.skeletons import COCO
from tests import outside
from tests.people import assert_same_poses
from tests.scenes import draw_scene

PLAIN, BATCHED = "tests.outside:guess_from_pixels", "tests.outside:guess_in_batches"
COUNTS = (2, 0, 1, 5, 0, 3, 1)  # people in each image


def make_frames(counts=COUNTS):
    """Return frames with so many people each, in boxes of all sizes; those without people alternate in having boxes."""
    rng = np.random.default_rng(0)
    frames = []
    for number, n_people in enumerate(counts):
        corner = rng.uniform(0, 40, (n_people, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(25, 50, (n_people, 2))], axis=1)
        image = draw_scene(100, 90 + number, number)
        frames.append(Frame(number, lambda image=image: image, boxes, rng.uniform(0.1, 1, n_people)))
    return [*frames, Frame("no boxes", lambda: 1 / 0)]


def find(batch_size=32, answer=outside.guess_in_batches, counts=COUNTS):
    """Return the poses that a callable of batches finds in the boxes of `make_frames`."""
    estimator = Function(answer, COCO, "mine:f", batch_size)
    return predict([frame for frame in make_frames(counts) if frame.boxes is not None], estimator)


@pytest.mark.parametrize("batch_size", [None, 1, 2, 4, 32])
def test_batches_of_any_size_find_what_one_image_at_a_time_finds(batch_size):
    frames = make_frames()
    options = {} if batch_size is None else {"batch_size": batch_size}
    estimator, one_by_one = estimators.build(BATCHED, COCO, options), estimators.build(PLAIN, COCO, {})
    assert_same_poses(estimator.predict(frames), one_by_one.predict(frames))


def test_images_come_whole_in_order_and_without_those_that_have_no_boxes():
    calls = []

    def note(images, boxes_per_image):
        calls.append([len(boxes) for boxes in boxes_per_image])
        assert all(image.shape[0] == 100 and image.dtype == np.uint8 for image in images)
        return outside.guess_in_batches(images, boxes_per_image)

    find(6, note)
    assert calls == [[2, 3, 1], [1, 5]]


def test_no_call_where_nobody_has_a_box():
    assert [len(poses.score) for poses in find(answer=lambda *_: 1 / 0, counts=(0, 0))] == [0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_calls_are_about_as_many_as_those_of_our_own_networks(seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(2.5, 64).tolist()
    calls = share_out(counts, 16)
    assert sorted(i for call in calls for i in call) == [i for i, n in enumerate(counts) if n]
    assert all(sum(counts[i] for i in call) <= 16 for call in calls)
    assert len(calls) <= -(-sum(counts) // 16)


def test_image_with_more_people_than_fit_comes_alone():
    assert share_out([1, 9, 2, 1], 4) == [[0, 2, 3], [1]]


def test_images_boxes_and_lists_are_the_callables_own_to_change():
    def spoil(images, boxes_per_image):
        found = outside.guess_in_batches(images, boxes_per_image)
        for image, boxes in zip(images, boxes_per_image, strict=True):
            image[:] = 0
            boxes[:] = 0
        images.clear()
        boxes_per_image.clear()
        return found

    frames = make_frames()
    found = Function(spoil, COCO, "mine:f", 4).predict(frames)
    assert_same_poses(found, Function(outside.guess_from_pixels, COCO, "mine:f").predict(frames))


@pytest.mark.parametrize("batch_size", [None, 1])
def test_array_that_the_callable_uses_again_is_not_what_poses_hold(batch_size):
    kept = np.zeros((1, 17, 3))

    def fill_again(images, boxes_per_image):
        kept[:] += 1
        return kept if batch_size is None else [kept]

    estimator = Function(fill_again, COCO, "mine:f", batch_size)
    found = estimator.predict([Frame(i, lambda: draw_scene(64, 64), [[1, 1, 50, 50]]) for i in range(3)])
    assert [poses.xy[0, 0, 0] for poses in found] == [1, 2, 3]


@pytest.mark.parametrize(
    "answer",
    [
        lambda found: [points.tolist() for points in found],
        lambda found: [points.astype(np.float32) for points in found],
        lambda found: [points[0] if len(points) == 1 else points for points in found],
        lambda found: [pytest.importorskip("torch").tensor(points, requires_grad=True) for points in found],
    ],
    ids=["lists", "float32", "(K, 3) of one person", "tensors"],
)
def test_each_image_may_have_lists_arrays_or_tensors(answer):
    found = find(32, lambda *batch: answer(outside.guess_in_batches(*batch)))
    for some, others in zip(found, find(), strict=True):
        np.testing.assert_allclose(some.xy, others.xy, rtol=1e-6)


def give(change):
    """Return a callable whose answer is changed before it is given."""
    return lambda *batch: change(outside.guess_in_batches(*batch))


def spoil_joint(found):
    found[2][1, 4, 2] = np.nan
    return found


LIST = "'mine:f' must return a list with (people, joints, x y confidence) of each image, for 5 images with 12 people"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (give(tuple), f"{LIST} it returned a tuple of 5: put keypoints and confidence of an image into one array"),
        (give(np.concatenate), f"{LIST} it returned a ndarray of shape (12, 17, 3): split it by the number of people"),
        (give(lambda found: found[:-1]), f"{LIST} it returned a list of 4"),
        (give(lambda found: list(np.concatenate(found))), f"{LIST} it returned a list of 12"),
        (give(lambda found: None), f"{LIST} it returned a NoneType"),
        (give(lambda found: {"keypoints": found}), f"{LIST} it returned a dict"),
        (give(lambda found: (points for points in found)), f"{LIST} it returned a generator"),
        (
            give(lambda found: [points[:, :, :2] for points in found]),
            "'mine:f' must return (2, 17, 3) (people, joints, x y confidence) for image 0, got (2, 17, 2)",
        ),
        (
            give(lambda found: [*found[:2], found[2][:4], *found[3:]]),
            "'mine:f' must return (5, 17, 3) (people, joints, x y confidence) for image 3, got (4, 17, 3)",
        ),
        (give(spoil_joint), "(people, joints, x y confidence) for image 3, got ["),
        (give(lambda found: [*found[:4], "nobody"]), "for image 6: it must be an array of numbers, got str"),
    ],
)
def test_wrong_answer_is_one_line_that_says_what_came(answer, message):
    with pytest.raises(UserError, match=re.escape(message)) as error:
        find(32, answer)
    assert "\n" not in str(error.value)


def test_what_a_callable_raises_is_told_with_its_file_and_line():
    with pytest.raises(UserError, match=r"'mine:f' raised RuntimeError: .*outside\.py, line \d+, in fails"):
        find(32, outside.fails)
    with pytest.raises(UserError, match=r"cannot be called as f\(images, boxes_per_image\): .*1 positional argument"):
        find(32, lambda images: [])


def take_one(image, boxes):
    return np.zeros((len(boxes), 17, 3)) + image.shape[0] + boxes[:, :1, None]


ONE = "it was called as f(image, boxes), an image at a time: if it takes several images, say --model-set batched=true"
SEVERAL = (
    "it was called as f(images, boxes_per_image), several images at a time: if it takes one, say --model-set batched="
)


@pytest.mark.parametrize(
    ("answer", "batch_size", "message"),
    [
        (outside.guess_in_batches, None, ONE),
        (lambda images, boxes: [np.zeros((len(some), 17, 3)) for some in boxes[:, 0]], None, ONE),
        (lambda images, boxes: np.zeros((1, *boxes.shape[:1], 17, 3)), None, ONE),
        (outside.guess_from_pixels, 32, SEVERAL),
        (take_one, 32, SEVERAL),
    ],
)
def test_callable_that_is_called_the_other_way_is_told_how_to_say_it(answer, batch_size, message):
    with pytest.raises(UserError, match=re.escape(message)) as error:
        find(batch_size, answer)
    assert "\n" not in str(error.value)


def test_how_it_is_called_is_not_said_of_one_that_has_answered_or_fails_otherwise():
    def fails_later(image, boxes):
        return np.zeros((2, 17, 3)) if len(boxes) == 2 else np.zeros(3)[5]

    for answer in (fails_later, outside.fails, outside.wrong_shape):
        with pytest.raises(UserError) as error:
            find(None, answer)
        assert "called as" not in str(error.value)


def test_class_that_takes_no_skeleton_is_told_to(monkeypatch):
    class Plain:
        def predict(self, frames):
            return []

    monkeypatch.setattr(outside, "Plain", Plain, raising=False)
    message = (
        r"cannot be called as Plain\(skeleton\): give it __init__\(self, skeleton\), or name an object made of it: "
    )
    with pytest.raises(UserError, match=message):
        estimators.build("tests.outside:Plain", COCO, {})


@pytest.mark.parametrize("value", ["yes", 1, None, 16, [True]])
def test_attribute_must_be_true_or_false(monkeypatch, value):
    monkeypatch.setattr(outside.guess_from_pixels, "batched", value, raising=False)
    message = rf"'{PLAIN}'\.batched must be True or False, got {re.escape(repr(value))} \({type(value).__name__}\)"
    with pytest.raises(UserError, match=message):
        estimators.build(PLAIN, COCO, {})


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        (PLAIN, {"batch_size": 4}, r"an image at a time: leave out batch_size, or .* say --model-set batched=true"),
        (BATCHED, {"batch_size": 4, "batched": "no"}, "an image at a time: leave out batch_size"),
        (BATCHED, {"batch_size": 0}, "'batch_size' must be at least 1, got 0$"),
        (BATCHED, {"batched": "perhaps"}, "'batched' must be true or false, yes or no"),
        (BATCHED, {"flip_test": False}, "there is no option 'flip_test'; its options are batched, batch_size"),
        ("tests.outside:Centre", {"batched": True}, "has no options: leave out batched"),
    ],
)
def test_options_that_do_not_fit_are_refused(spec, options, message):
    with pytest.raises(UserError, match=message):
        estimators.build(spec, COCO, options)


def test_results_say_what_the_callable_itself_does_not(monkeypatch):
    named = {"kind": "function", "name": BATCHED}
    assert estimators.build(BATCHED, COCO, {"batched": True, "batch_size": 3}).provenance == named
    monkeypatch.delattr(outside.guess_in_batches, "batched")
    assert estimators.build(BATCHED, COCO, {"batched": "yes"}).provenance == {**named, "batched": True}


def test_bench_takes_a_callable_of_batches_with_its_options(run, tmp_path):
    words = ["bench", "--data", "tests.outside:Squares", "--corruptions", "none", "--resamples", 0]
    assert run(*words, "--model", PLAIN, "--out", tmp_path / "plain")[0] == 0
    batched = ["--model", BATCHED, "--batch-size", 1, "--model-set", "batched=true", "--out", tmp_path / "batched"]
    assert run(*words, *batched)[0] == 0
    found = [(tmp_path / name / "predictions/clean.json").read_text() for name in ("plain", "batched")]
    assert found[0] == found[1]


def test_function_that_is_to_be_awaited_is_one_line(monkeypatch):
    async def later(images, boxes):
        return []

    later.batched = True
    monkeypatch.setattr(outside, "guess_in_batches", later)
    with pytest.raises(UserError, match="it returned a coroutine"):
        estimators.build(BATCHED, COCO, {}).predict([Frame(1, lambda: np.zeros((9, 9, 3), np.uint8), np.ones((1, 4)))])
