import contextlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from robustpose.metrics.coco_ap import FIGURES, CocoAP
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Poses, Truth, no_poses
from tests.people import as_coco, draw_people, faster_figures, fill


def random_people(seed, n_images=12):
    """Return poses and truth of images with people of all sizes, found well, badly, twice and not at all."""
    rng = np.random.default_rng(seed)
    pairs = []
    for image_id in range(n_images):
        n_people = int(rng.integers(0, 5))
        corner = rng.uniform(0, 300, (n_people, 1, 2))
        size = rng.uniform(25, 250, (n_people, 1, 1))
        xy = corner + rng.uniform(0, 1, (n_people, 17, 2)) * size
        visible = rng.integers(0, 3, (n_people, 17))
        visible[rng.random(n_people) < 0.15] = 0
        boxes = np.concatenate([xy.min(1), xy.max(1)], axis=1)
        area = 0.5 * (boxes[:, 2:] - boxes[:, :2]).prod(1)
        truth = Truth(image_id, xy, visible, area, boxes, rng.random(n_people) < 0.1)
        error = rng.choice([0.01, 0.05, 0.3], (n_people, 1, 1)) * size
        found = np.concatenate([xy + rng.normal(size=xy.shape) * error, xy[: n_people // 2] + 1])
        poses = Poses(image_id, found, rng.random(found.shape[:2]), np.round(rng.random(len(found)), 1))
        pairs.append((poses, truth))
    return pairs


def official_figures(pairs, sigmas):
    """Return what pycocotools makes of the same poses and truth."""
    from pycocotools.coco import COCO as CocoApi
    from pycocotools.cocoeval import COCOeval

    images, annotations, results = as_coco(pairs)
    with contextlib.redirect_stdout(io.StringIO()):
        truth_api = CocoApi()
        truth_api.dataset = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
        truth_api.createIndex()
        evaluation = COCOeval(truth_api, truth_api.loadRes(results), "keypoints")
        evaluation.params.kpt_oks_sigmas = np.array(sigmas)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


def our_figures(pairs, sigmas=COCO.sigmas):
    metric = CocoAP(sigmas)
    for poses, truth in pairs:
        metric.update(poses, truth)
    return metric.compute()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("seed", range(6))
def test_ten_figures_equal_pycocotools(seed):
    pairs = random_people(seed)
    figures = our_figures(pairs)
    np.testing.assert_allclose([figures[n] for n in FIGURES], official_figures(pairs, COCO.sigmas), atol=1e-12)


@pytest.mark.parametrize("tied_in_image", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_ten_figures_are_those_of_faster_coco_eval_to_the_bit(seed, tied_in_image):
    rng = np.random.default_rng(seed)
    pairs = []
    for poses, truth in draw_people(seed, 4 + 2 * seed, tied_in_image):
        at_edges = rng.choice([0.0, 1024.0, 1023.9, 9216.0, 9216.1, 1e10, 2e10], len(truth.area))
        area = np.where(rng.random(len(truth.area)) < 0.2, at_edges, truth.area)
        size = rng.choice([1, 1, 1, 400])  # beyond COCO's largest area
        pairs.append((replace(poses, xy=size * poses.xy), replace(truth, area=area)))
    figures = our_figures(pairs)
    assert [figures[name] for name in FIGURES] == faster_figures(pairs)


def test_figures_are_of_all_images_taken_in_so_far():
    first, second = draw_people(1), draw_people(2)
    metric = fill(CocoAP(COCO.sigmas), first)
    assert metric.compute() == our_figures(first)
    assert fill(metric, second).compute() == our_figures([*first, *second])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sigmas_of_another_skeleton_are_used():
    pairs = random_people(1)
    sigmas = (1 / 17,) * 17
    figures = our_figures(pairs, sigmas)
    np.testing.assert_allclose([figures[n] for n in FIGURES], official_figures(pairs, sigmas), atol=1e-12)
    assert figures != our_figures(pairs)


def test_published_figures_are_reproduced(shared):
    folder = shared / "data/coco-ap-published"
    content = json.loads((folder / "gt_dataset.json").read_text())
    results = json.loads((folder / "dt_dataset.json").read_text())
    pairs = []
    for image in content["images"]:
        people = [a for a in content["annotations"] if a["image_id"] == image["id"]]
        found = [r for r in results if r["image_id"] == image["id"]]
        points = np.array([a["keypoints"] for a in people], float).reshape(-1, 17, 3)
        boxes = np.array([a["bbox"] for a in people], float).reshape(-1, 4)
        truth = Truth(
            image["id"], points[:, :, :2], points[:, :, 2].astype(int), np.array([a["area"] for a in people]),
            np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1),
            np.array([bool(a["iscrowd"]) for a in people]),
        )  # fmt: skip
        points = np.array([r["keypoints"] for r in found], float).reshape(-1, 17, 3)
        scores = np.array([r["score"] for r in found])
        pairs.append((Poses(image["id"], points[:, :, :2], points[:, :, 2], scores), truth))
    published = (0.50488, 0.72277, 0.63366, 0.46634, 0.75050, 0.51818, 0.72727, 0.63636, 0.46667, 0.75)
    figures = our_figures(pairs)
    np.testing.assert_allclose([figures[name] for name in FIGURES], published, atol=6e-6)


def test_finding_everybody_exactly_scores_one():
    pairs = []
    for _, truth in random_people(2):
        everybody = replace(truth, visible=np.full_like(truth.visible, 2), crowd=np.zeros_like(truth.crowd))
        pairs.append((Poses(truth.image_id, truth.xy, np.ones(truth.xy.shape[:2]), np.ones(len(truth.xy))), everybody))
    assert our_figures(pairs)["AP"] == pytest.approx(1)


def test_finding_nobody_scores_zero_and_having_nobody_to_find_is_minus_one():
    truths = [truth for _, truth in random_people(3)]
    assert our_figures([(no_poses(t.image_id, 17), t) for t in truths])["AP"] == 0
    empty = Truth(1, np.zeros((0, 17, 2)), np.zeros((0, 17), int), np.zeros(0), np.zeros((0, 4)), np.zeros(0, bool))
    assert our_figures([(no_poses(1, 17), empty)])["AP"] == -1
    assert our_figures([(Poses(1, np.ones((1, 17, 2)), np.ones((1, 17)), np.ones(1)), empty)])["AP"] == -1
