import json
from itertools import permutations

import numpy as np
import pytest
import scipy.io

from robustpose.data.mpii import read_truth
from robustpose.errors import UserError
from robustpose.metrics import make_metric
from robustpose.metrics.pck import share_within
from robustpose.metrics.pckh import COLUMNS
from robustpose.metrics.pckh import pckh as compare
from robustpose.pose.skeletons import COCO, MPII, Skeleton
from robustpose.pose.types import Poses, Truth, no_poses

TWO = Skeleton("two", ("left_end", "right_end"), ((0, 1),), (0.1, 0.1))
THREE = Skeleton("three", ("top", "left_end", "right_end"), ((0, 1),), (0.1, 0.1, 0.1))
COLUMN_NAMES = (*COLUMNS, "Mean", "Mean@0.1")

# MPII val, percent, of two stacked hourglass networks (columns, mean); their predictions count pixels from 1.
HOURGLASS = {
    "hg_s8_b1": (96.79, 95.19, 90.08, 85.32, 87.48, 84.26, 80.73, 89.09),
    "hg_s2_b1": (95.80, 94.57, 88.12, 83.31, 86.24, 80.88, 77.44, 87.30),
}


@pytest.fixture(scope="module")
def golden(shared):
    """Return MPII's truth of 40 people, predictions (40, 16, 2) and the official figures in percent."""
    content = json.loads((shared / "goldens/pckh.json").read_text())
    truth = {name: np.array(content[name]) for name in ("pos_gt_src", "jnt_missing", "headboxes_src")}
    return truth, np.array(content["preds_0based"])[:, :, :2], content["official"]


def pckh(xy, arrays):
    """Return PCKh of predictions, counted from 0, for the arrays of gt_valid.mat."""
    return compare(xy + 1, *read_truth(arrays))


def truth_of(xy, visible=None, head_size=None, boxes=None, crowd=None):
    """Return the truth of one image; boxes are those around the joints if not given."""
    xy = np.array(xy, float)
    n_people, n_joints = xy.shape[:2]
    return Truth(
        image_id=1,
        xy=xy,
        visible=np.full((n_people, n_joints), 2) if visible is None else np.array(visible),
        area=np.full(n_people, 100.0),
        boxes=np.concatenate([xy.min(1), xy.max(1)], axis=1) if boxes is None else np.array(boxes, float),
        crowd=np.zeros(n_people, bool) if crowd is None else np.array(crowd),
        head_size=None if head_size is None else np.array(head_size, float),
    )


def poses_of(xy, truth_rows=None):
    """Return the poses in one image."""
    xy = np.array(xy, float)
    rows = None if truth_rows is None else np.array(truth_rows)
    return Poses(1, xy, np.ones(xy.shape[:2]), np.ones(len(xy)), rows)


def score_one(spec, skeleton, poses, truth):
    metric = make_metric(spec, skeleton)
    metric.update(poses, truth)
    return metric.compute()


def test_pckh_gives_the_official_figures(golden):
    truth, xy, official = golden
    figures = pckh(xy, truth)
    assert set(official) == set(COLUMN_NAMES)
    for name, percent in official.items():
        assert figures[name] == pytest.approx(percent / 100, abs=1e-9)


def test_mean_at_a_tenth_is_published_at_eleven_hundredths(golden):
    truth, xy, _ = golden
    figures = pckh(xy, truth)
    assert figures["Mean@0.1 exact"] < figures["Mean@0.1"] < figures["Mean"]


@pytest.mark.parametrize("network", HOURGLASS)
def test_pckh_gives_the_published_figures_of_hourglass_networks(shared, network):
    folder = shared / "data/mpii-val-published"
    xy = scipy.io.loadmat(folder / f"bearpaw-{network}.mat")["preds"] - 1
    figures = pckh(xy, scipy.io.loadmat(folder / "detections_our_format.mat"))
    found = [100 * figures[name] for name in (*COLUMNS, "Mean")]
    np.testing.assert_allclose(found, HOURGLASS[network], atol=0.01)


def test_joints_of_the_truth_may_come_in_another_order(golden, shared):
    truth, xy, _ = golden
    names = json.loads((shared / "goldens/pckh.json").read_text())["joints"]
    order = np.random.default_rng(0).permutation(16)
    for joints in ([names[i] for i in order], [MPII.joints[i] for i in order]):
        as_in_matlab = np.empty((1, 16), object)
        as_in_matlab[0] = [np.array([name]) for name in joints]
        for dataset_joints in (joints, as_in_matlab):
            other = {
                "pos_gt_src": truth["pos_gt_src"][order],
                "jnt_missing": truth["jnt_missing"][order],
                "headboxes_src": truth["headboxes_src"],
                "dataset_joints": dataset_joints,
            }
            assert pckh(xy, other) == pckh(xy, truth)


def without(truth, name):
    return {key: array for key, array in truth.items() if key != name}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda xy, truth: (xy[:-1], truth), r"pckh needs predictions \(40, 16, 2\) .*got \(39, 16, 2\)"),
        (lambda xy, truth: (xy[:, :, :1], truth), r"got \(40, 16, 1\)"),
        (lambda xy, truth: (xy[0], truth), r"got \(16, 2\)"),
        (lambda xy, truth: (xy, without(truth, "headboxes_src")), "truth lacks headboxes_src: expected the arrays"),
        (
            lambda xy, truth: (xy, {**truth, "jnt_missing": truth["jnt_missing"].T}),
            r"jnt_missing of MPII's truth must be \(16, 40\), got \(40, 16\)",
        ),
        (
            lambda xy, truth: (xy, {**truth, "dataset_joints": ["rank"] * 16}),
            r"truth must have the joints rank, rkne, .*, got .*rank.*, .*rank",
        ),
    ],
)
def test_truth_and_predictions_that_do_not_belong_together_are_refused(golden, spoil, message):
    truth, xy, _ = golden
    with pytest.raises(UserError, match=message):
        pckh(*spoil(xy, truth))


@pytest.mark.parametrize("people_per_image", [1, 3, 40])
@pytest.mark.parametrize("says_whom", [True, False])
def test_image_by_image_gives_the_figures_of_all_people_at_once(golden, people_per_image, says_whom):
    arrays, xy, _ = golden
    corner, opposite = arrays["headboxes_src"]
    head_size = 0.6 * np.linalg.norm(opposite - corner, axis=0)
    metric = make_metric("pckh", MPII)
    rng = np.random.default_rng(0)
    for start in range(0, 40, people_per_image):
        rows = range(start, min(start + people_per_image, 40))
        truth = truth_of(
            arrays["pos_gt_src"].transpose(2, 0, 1)[rows] - 1,
            visible=2 * (1 - arrays["jnt_missing"].T[rows]),
            head_size=head_size[rows],
        )
        order = rng.permutation(len(rows))
        metric.update(poses_of(xy[rows][order], order if says_whom else None), truth)
    figures, expected = metric.compute(), pckh(xy, arrays)
    assert figures["PCKh"] == figures["Mean"]
    if says_whom or people_per_image == 1:
        assert {name: figures[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    else:  # whoever is nearest may answer
        assert figures["Mean"] >= expected["Mean"] - 1e-12


def test_head_size_is_what_distances_are_measured_by():
    truth = truth_of([[[0, 0], [100, 0]]] * 2, head_size=[10, 20])
    poses = poses_of([[[5, 0], [100, 6]], [[0, 9], [100, 11]]], [0, 1])
    figures = score_one("pck:head_size@0.5", TWO, poses, truth)
    assert figures == {"PCK": 0.5, "left_end": 1.0, "right_end": 0.0}
    assert score_one("pck", TWO, poses, truth) == figures
    assert score_one("pck:head_size", TWO, poses, truth) == figures


def test_box_is_measured_by_its_longer_side():
    truth = truth_of([[[0, 0], [30, 40]]], boxes=[[0, 0, 50, 100]])
    poses = poses_of([[[0, 20], [30, 61]]], [0])
    assert score_one("pck:box@0.2", TWO, poses, truth) == {"PCK": 0.5, "left_end": 1.0, "right_end": 0.0}
    assert score_one("pck:box@0.21", TWO, poses, truth)["PCK"] == 1


def test_limb_is_measured_between_its_joints():
    truth = truth_of([[[0, 0], [0, 50], [30, 90]]])
    poses = poses_of([[[24, 0], [0, 75], [30, 116]]], [0])
    figures = score_one("pck:left_end-right_end@0.5", THREE, poses, truth)  # 50 px long
    assert figures == {"PCK": pytest.approx(2 / 3), "top": 1.0, "left_end": 1.0, "right_end": 0.0}


def test_joints_that_are_not_annotated_do_not_count():
    truth = truth_of([[[0, 0], [100, 0]]] * 2, visible=[[2, 0], [1, 0]], head_size=[10, 10])
    poses = poses_of([[[0, 0], [0, 0]], [[50, 0], [100, 0]]], [0, 1])
    assert score_one("pck", TWO, poses, truth) == {"PCK": 0.5, "left_end": 0.5, "right_end": -1.0}


def test_mean_is_over_joints_not_over_people():
    truth = truth_of([[[0, 0], [100, 0]]] * 2, visible=[[2, 2], [2, 0]], head_size=[10, 10])
    poses = poses_of([[[0, 0], [100, 0]], [[50, 0], [0, 0]]], [0, 1])
    assert score_one("pck", TWO, poses, truth)["PCK"] == pytest.approx(2 / 3)


def crowd_of(rng, n_people, n_joints=3, spread=40):
    xy = rng.uniform(0, spread, (n_people, n_joints, 2))
    return truth_of(xy, head_size=rng.uniform(5, 15, n_people), visible=rng.integers(0, 3, (n_people, n_joints)))


def test_order_of_poses_that_do_not_say_whom_they_answer_changes_nothing():
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth = crowd_of(rng, 5)
        xy = truth.xy[rng.permutation(5)] + rng.normal(0, 4, truth.xy.shape)
        expected = score_one("pck", THREE, poses_of(xy), truth)
        for _ in range(3):
            assert score_one("pck", THREE, poses_of(xy[rng.permutation(5)]), truth) == expected


def test_assignment_finds_as_many_right_joints_as_any_other():
    rng = np.random.default_rng(1)
    for _ in range(60):
        truth = crowd_of(rng, 4, spread=25)
        xy = truth.xy + rng.normal(0, 6, truth.xy.shape)
        best = max(score_one("pck", THREE, poses_of(xy, list(order)), truth)["PCK"] for order in permutations(range(4)))
        assert score_one("pck", THREE, poses_of(xy), truth)["PCK"] == best


def test_one_right_joint_more_outweighs_any_distances():
    # Pose i has the top of person i, and the ends, one of them right, of person i + 1; but the last has none right.
    top = np.array([[6 * i, 0] for i in range(4)], float)
    ends = np.array([[1000 * i, 1000] for i in range(4)], float)
    truth = truth_of(np.stack([top, ends, ends], axis=1), head_size=[10] * 4)
    left = np.roll(ends, -1, axis=0)
    right = left + np.array([6.0, 0])
    left[3] += [6, 0]
    figures = score_one("pck", THREE, poses_of(np.stack([top, left, right], axis=1)), truth)
    assert figures == {"PCK": pytest.approx(1 / 3), "top": 1, "left_end": 0, "right_end": 0}


def test_smaller_distances_decide_between_equal_assignments():
    truth = truth_of(np.stack([np.zeros((16, 2)), np.full((16, 2), [0, 40])]), head_size=[100, 100])
    figures = score_one("pckh", MPII, poses_of(truth.xy[::-1] + 1), truth)
    assert figures["Mean"] == pytest.approx(1)  # either way
    assert figures["Mean@0.1"] == pytest.approx(1)


def test_pose_of_the_wrong_person_is_wrong_where_it_says_whom_it_answers():
    truth = truth_of([[[0, 0], [10, 0]], [[200, 0], [210, 0]]], head_size=[10, 10])
    poses = truth.xy[::-1]
    assert score_one("pck", TWO, poses_of(poses), truth)["PCK"] == 1
    assert score_one("pck", TWO, poses_of(poses, [1, 0]), truth)["PCK"] == 1
    assert score_one("pck", TWO, poses_of(poses, [0, 1]), truth)["PCK"] == 0


def test_missing_pose_has_no_joint_right():
    truth = truth_of([[[0, 0], [10, 0]], [[200, 0], [210, 0]]], head_size=[10, 10])
    assert score_one("pck", TWO, no_poses(1, 2), truth)["PCK"] == 0
    assert score_one("pck", TWO, poses_of(truth.xy[1:]), truth)["PCK"] == 0.5
    assert score_one("pck", TWO, poses_of(truth.xy[1:], [1]), truth)["PCK"] == 0.5


def test_poses_beyond_the_people_there_are_cost_nothing():
    truth = truth_of([[[0, 0], [10, 0]]], head_size=[10])
    assert score_one("pck", TWO, poses_of([[[90, 0], [90, 0]], *truth.xy]), truth)["PCK"] == 1


def test_people_that_cannot_be_measured_are_left_out():
    xy = [[[0, 0], [10, 0]], [[200, 0], [210, 0]], [[400, 0], [410, 0]], [[600, 0], [610, 0]]]
    truth = truth_of(
        xy, visible=[[2, 2], [2, 2], [0, 0], [2, 2]], head_size=[10, 0, 10, 10], crowd=[False, False, False, True]
    )
    poses = poses_of([xy[0], np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2))], [0, 1, 2, 3])
    assert score_one("pck", TWO, poses, truth) == {"PCK": 1.0, "left_end": 1.0, "right_end": 1.0}
    assert score_one("pck", TWO, poses_of(poses.xy), truth)["PCK"] == 1


def test_people_whose_limb_is_not_annotated_are_left_out():
    xy = [[[0, 0], [0, 50], [30, 90]]] * 2
    truth = truth_of(xy, visible=[[2, 2, 2], [2, 0, 2]])
    figures = score_one("pck:left_end-right_end@0.5", THREE, poses_of([xy[0], np.full((3, 2), 900)], [0, 1]), truth)
    assert figures["PCK"] == 1


@pytest.mark.parametrize("spec", ["pck:head_size@0.5", "pck:box@0.2"])
def test_without_people_there_is_no_figure(spec):
    metric = make_metric(spec, TWO)
    assert metric.compute() == {"PCK": -1.0, "left_end": -1.0, "right_end": -1.0}
    metric.update(no_poses(1, 2), truth_of(np.zeros((0, 2, 2)), boxes=np.zeros((0, 4))))
    assert metric.compute() == {"PCK": -1.0, "left_end": -1.0, "right_end": -1.0}


def test_pckh_without_people_is_no_figure():
    metric = make_metric("pckh", MPII)
    assert metric.compute() == {"PCKh": -1.0}
    nobody = truth_of(np.zeros((1, 16, 2)), visible=np.zeros((1, 16), int), head_size=[10])
    metric.update(no_poses(1, 16), nobody)
    assert metric.compute() == {"PCKh": -1.0}


def test_truth_without_head_sizes_is_told_what_else_there_is():
    truth = truth_of([[[0, 0], [10, 0]]])
    with pytest.raises(UserError, match=r"image 1 has no head sizes .*gt_valid\.mat.* --metric pck:box@0\.2"):
        score_one("pck", TWO, no_poses(1, 2), truth)


@pytest.mark.parametrize(
    ("spec", "skeleton", "message"),
    [
        ("pck:foo", COCO, "by head_size, box or a limb JOINT-JOINT, got 'foo': the joints are nose, left_eye"),
        ("pck:left_hip", COCO, "got 'left_hip'"),
        ("pck:left_hip-", COCO, "got 'left_hip-'"),
        ("pck:left_hip-right_sholder", COCO, r"got 'left_hip-right_sholder' \(did you mean 'right_shoulder'\?\)"),
        ("pck:box@x", COCO, "the threshold of pck must be a number, got 'x'"),
        ("pck:box@", COCO, "the threshold of pck must be a number, got ''"),
        ("pck:box@0", COCO, "the threshold of pck must be above 0, got 0"),
        ("pck:box@-1", COCO, "the threshold of pck must be above 0, got -1"),
        ("pck:box@nan", COCO, "the threshold of pck must be above 0, got nan"),
        ("pck:box@inf", COCO, "the threshold of pck must be above 0, got inf"),
        ("pckh:3", MPII, "metric 'pckh' takes no '3' after a colon"),
        ("coco_ap:3", COCO, "metric 'coco_ap' takes no '3' after a colon"),
        ("pckh", COCO, r"of MPII's 16 joints, but skeleton 'coco' has 17 joints: use --metric pck:head_size@0\.5"),
        ("pcq", COCO, r"unknown metric 'pcq' \(did you mean 'pck'\?\): expected one of coco_ap, consistency, pck,"),
        ("pcq:box@0.5", COCO, "metric 'pcq:box@0.5': there is no module 'pcq'"),
        ("", COCO, "unknown metric ''"),
    ],
)  # fmt: skip
def test_metric_that_there_is_not_is_one_line(spec, skeleton, message):
    with pytest.raises(UserError, match=message) as error:
        make_metric(spec, skeleton)
    assert "\n" not in str(error.value)


def test_share_counts_what_is_visible_up_to_the_threshold():
    shares, counts = share_within(
        np.array([[0.5, 0.6], [0.1, np.inf]]), np.array([[True, True], [True, False]]), threshold=0.5
    )
    np.testing.assert_array_equal(shares, [1, 0])
    np.testing.assert_array_equal(counts, [2, 1])
