import json

import numpy as np
import pytest

from robustpose.decoding.heatmaps import decode_heatmaps, score_people, suppress_duplicates, unmirror_heatmaps
from robustpose.metrics.coco_ap import FIGURES, CocoAP
from robustpose.pose.crop import map_xy_to_xy
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Poses, Truth


def blob(x, y, height=16, width=12):
    down, across = np.mgrid[0:height, 0:width]
    return np.exp(-((across - x) ** 2 + (down - y) ** 2) / 8)


def test_peak_moves_a_quarter_pixel_towards_the_larger_neighbour():
    map_xy, maxima = decode_heatmaps(blob(5.3, 7.6)[None, None])
    np.testing.assert_allclose(map_xy, [[[5.25, 7.75]]])
    np.testing.assert_allclose(maxima, blob(5.3, 7.6).max())


def test_peak_at_the_border_stays_where_it_is():
    map_xy, _ = decode_heatmaps(np.stack([blob(1, 8), blob(11, 15)])[None])
    np.testing.assert_array_equal(map_xy, [[[1, 8], [11, 15]]])


def test_joint_without_a_positive_value_is_at_the_origin():
    map_xy, maxima = decode_heatmaps(np.full((1, 1, 16, 12), -0.5))
    np.testing.assert_array_equal(map_xy, 0)
    assert maxima == -0.5


def test_mirrored_heatmaps_come_back_with_joints_exchanged_and_one_pixel_to_the_right():
    maps = np.stack([blob(3, 5), blob(8, 9)])[None]
    back = unmirror_heatmaps(maps[..., ::-1], (1, 0))
    np.testing.assert_array_equal(back[0, 0, :, 1:], maps[0, 1, :, :-1])
    np.testing.assert_array_equal(back[0, 1, :, 1:], maps[0, 0, :, :-1])
    np.testing.assert_array_equal(back[..., 0], maps[:, ::-1, :, 0])


def test_person_score_is_the_mean_of_the_clear_joints_times_the_box_score():
    scores = score_people(np.array([[0.1, 0.4, 0.6], [0.1, 0.2, 0.0]]), np.array([0.5, 1.0]))
    np.testing.assert_allclose(scores, [0.25, 0])


@pytest.fixture(scope="module")
def golden(shared):
    with np.load(shared / "goldens/topdown_decoding.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def ours(golden):
    """Decode, rescore and suppress the golden heatmaps: (image_id, xy, maxima, score) per person kept."""
    heatmaps = golden["heatmaps"].astype(np.float32)
    map_xy, maxima = decode_heatmaps(heatmaps)
    xy = map_xy_to_xy(map_xy, golden["center"], golden["scale"], heatmaps.shape[:1:-1])
    scores = score_people(maxima, golden["box_score"])
    all_poses = []
    for image_id in dict.fromkeys(golden["image_id"].tolist()):
        here = np.flatnonzero(golden["image_id"] == image_id)
        kept = here[suppress_duplicates(xy[here], scores[here], golden["scale"][here], COCO.sigmas)]
        all_poses.append(Poses(image_id, xy[kept], maxima[kept], scores[kept]))
    return xy, maxima, all_poses


def test_decoding_equals_the_hrnet_program(golden, ours):
    xy, maxima, _ = ours
    np.testing.assert_allclose(xy, golden["decoded"][:, :, :2], atol=1e-3)
    np.testing.assert_array_equal(maxima, golden["decoded"][:, :, 2])


def test_same_people_are_kept_with_the_same_scores(golden, ours):
    all_poses = ours[2]
    image_ids = [poses.image_id for poses in all_poses for _ in poses.score]
    assert image_ids == golden["kept_image_id"].tolist()
    points = np.concatenate([np.concatenate([p.xy, p.confidence[:, :, None]], 2) for p in all_poses])
    np.testing.assert_allclose(points.reshape(-1, 51), golden["kept_keypoints"], atol=1e-3)
    np.testing.assert_allclose(np.concatenate([p.score for p in all_poses]), golden["kept_score"], atol=1e-6)


def test_ten_figures_equal_the_official_evaluation(golden, ours):
    content = json.loads(bytes(golden["annotations"]))
    metric = CocoAP(COCO.sigmas)
    for poses in ours[2]:
        people = [a for a in content["annotations"] if a["image_id"] == poses.image_id]
        metric.update(poses, truth_of(poses.image_id, people))
    figures = metric.compute()
    np.testing.assert_allclose([figures[name] for name in FIGURES], golden["stats"], atol=1e-12)


def truth_of(image_id, people):
    points = np.array([a["keypoints"] for a in people], float).reshape(-1, 17, 3)
    boxes = np.array([a["bbox"] for a in people], float).reshape(-1, 4)
    return Truth(
        image_id,
        points[:, :, :2],
        points[:, :, 2].astype(int),
        np.array([a["area"] for a in people], float),
        np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1),
        np.array([bool(a.get("iscrowd")) for a in people], bool),
    )
