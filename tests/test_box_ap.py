"""Box AP: the figures of pycocotools, for one category and for several, and of resampled images."""

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest

from robustpose.metrics.box_ap import FIGURES, BoxMatches, measure_overlaps
from robustpose.pose.box_poses import as_boxes, as_poses
from robustpose.pose.types import Truth


def make_images(seed, n_images=6, n_categories=1, has_ties=True):
    """Return boxes found and people annotated: crowds, images without either, more than 100 boxes, equal scores."""
    rng = np.random.default_rng(seed)
    found, truths = [], []
    for number in range(n_images):
        n_people, n_wrong = (0, 5) if number == 1 else (rng.integers(1, 8), 130 if number == 2 else rng.integers(0, 9))
        corners = rng.uniform(0, 300, (n_people, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(5, 150, (n_people, 2))], axis=1)
        of_people = rng.integers(0, n_categories, n_people)
        truths.append(
            Truth(
                number, np.zeros((n_people, 1, 2)), np.zeros((n_people, 1), int), np.full(n_people, 900.0), boxes,
                rng.random(n_people) < 0.2, categories=of_people if n_categories > 1 else None,
            )
        )  # fmt: skip
        near = np.repeat(boxes, 2, axis=0) + rng.normal(0, 6, (2 * n_people, 4))
        low = rng.uniform(0, 300, (n_wrong, 2))
        far = np.concatenate([low, low + rng.uniform(5, 90, (n_wrong, 2))], axis=1)
        all_boxes = np.concatenate([near, far])
        all_boxes[:, 2:] = np.maximum(all_boxes[:, 2:], all_boxes[:, :2] + 1)
        scores = np.round(rng.random(len(all_boxes)), 1 if has_ties and number % 2 else 9)
        of_boxes = np.concatenate([np.repeat(of_people, 2), rng.integers(0, n_categories, n_wrong)])
        one = as_poses(number, all_boxes if number != 4 else all_boxes[:0], scores if number != 4 else scores[:0])
        found.append(replace(one, categories=of_boxes[: len(one.score)]) if n_categories > 1 else one)
    return found, truths


def score_by_pycocotools(found, truths, n_categories):
    """Return the figures that pycocotools gives."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def to_xywh(box):
        return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]

    people = [
        {
            "image_id": truth.image_id,
            "category_id": 1 + int(0 if truth.categories is None else truth.categories[row]),
            "bbox": to_xywh(truth.boxes[row]),
            "area": float(truth.area[row]),
            "iscrowd": int(truth.crowd[row]),
        }
        for truth in truths
        for row in range(len(truth.area))
    ]
    results = [
        {
            "image_id": one.image_id,
            "category_id": 1 + int(0 if one.categories is None else one.categories[row]),
            "bbox": to_xywh(box),
            "score": float(one.score[row]),
        }
        for one in found
        for row, box in enumerate(as_boxes(one))
    ]
    api = COCO()
    api.dataset = {
        "images": [{"id": truth.image_id} for truth in truths],
        "annotations": [{"id": number, **person} for number, person in enumerate(people, 1)],
        "categories": [{"id": number + 1} for number in range(n_categories)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        api.createIndex()
        evaluation = COCOeval(api, api.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(FIGURES, evaluation.stats[[0, 1, 2, 8]], strict=True))


@pytest.mark.parametrize(("seed", "n_categories"), [(0, 1), (1, 1), (2, 1), (3, 3), (4, 3)])
def test_figures_equal_pycocotools(seed, n_categories):
    found, truths = make_images(seed, n_categories=n_categories)
    ours = BoxMatches(found, truths, n_categories).figures()
    assert ours == pytest.approx(score_by_pycocotools(found, truths, n_categories), abs=1e-9)


def test_boxes_of_unsaid_categories_are_held_against_everybody():
    found, truths = make_images(3, n_categories=3)
    unsaid = [replace(one, categories=None) for one in found]
    as_one = [replace(truth, categories=None) for truth in truths]
    assert BoxMatches(unsaid, truths, 3).figures() == BoxMatches(unsaid, as_one, 1).figures()


@pytest.mark.parametrize("n_categories", [1, 3])
def test_resample_scores_as_images_that_are_there_as_often(n_categories):
    found, truths = make_images(5, n_categories=n_categories, has_ties=False)
    weights = np.array([[1] * 6, [2, 0, 1, 3, 0, 0]], np.uint8)
    scores = BoxMatches(found, truths, n_categories).score(weights)
    picked = np.repeat(np.arange(6), weights[1])
    again = BoxMatches([found[i] for i in picked], [truths[i] for i in picked], n_categories)
    expected = [BoxMatches(found, truths, n_categories).figures()["box_AP"], again.figures()["box_AP"]]
    assert scores == pytest.approx(expected, abs=1e-9)


def test_nobody_annotated_is_no_score():
    found, truths = make_images(0)
    nobody = [replace(truth, crowd=np.ones(len(truth.crowd), bool)) for truth in truths]
    assert set(BoxMatches(found, nobody).figures().values()) == {-1.0}
    assert np.isnan(BoxMatches(found, nobody).score(np.ones((2, 6), np.uint8))).all()


def test_nothing_found_is_zero():
    _, truths = make_images(0)
    nothing = [as_poses(truth.image_id, np.zeros((0, 4)), np.zeros(0)) for truth in truths]
    assert set(BoxMatches(nothing, truths).figures().values()) == {0.0}


def test_overlap_with_a_crowd_is_the_part_of_the_box_inside():
    boxes, annotated = np.array([[0.0, 0, 10, 10], [0, 0, 0, 0]]), np.array([[5.0, 0, 100, 100], [5, 0, 15, 10]])
    overlaps = measure_overlaps(boxes, annotated, np.array([True, False]))
    assert overlaps.tolist() == [[0.5, 50 / 150], [0.0, 0.0]]
