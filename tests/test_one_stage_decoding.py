"""Rows of one-stage networks: people are read from every kind, and who is left of them is what a plain loop says."""

import numpy as np
import pytest

from robustpose.decoding.one_stage import KINDS, RowForm, choose_form, choose_people, overlap_each, read_people

# People of rows


def draw_people(n, k=5):
    rng = np.random.default_rng(n)
    corner = rng.uniform(0, 40, (n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 20, (n, 2))], axis=1)
    joints = np.concatenate([rng.uniform(0, 60, (n, k, 2)), rng.uniform(0, 1, (n, k, 1))], axis=2)
    return boxes, rng.uniform(0.1, 1, n), joints


def write_rows(kind, boxes, scores, joints, others=()):
    """Return the outputs of a kind, with columns last, for people of class 0; `others` are scores of more classes."""
    n = len(boxes)
    flat, one = joints.reshape(n, np.prod(joints.shape[1:])), np.ones((n, 1))
    flat_yx = joints[:, :, [1, 0, *range(2, joints.shape[2])]].reshape(flat.shape)
    centered = np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)
    scores = scores[:, None]
    arrays = {
        "yolo": [[centered, scores, *others, flat]],
        "yolo-obj": [[centered, scores / 0.5, 0.5 * one, *others, flat]],
        "yolo-nms": [[boxes, scores, 0 * one, flat]],
        "rtmo": [[boxes, scores]],
        "movenet": [[flat_yx, boxes[:, [1, 0, 3, 2]], scores]],
    }[kind]
    outputs = [np.concatenate(parts, axis=1)[None].astype(np.float32) for parts in arrays]
    return [*outputs, joints[None].astype(np.float32)] if kind == "rtmo" else outputs


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [0, 1, 7])
def test_people_are_read_from_every_kind_of_rows(kind, n):
    boxes, scores, joints = draw_people(n)
    outputs = write_rows(kind, boxes, scores, joints)
    form = choose_form([output.shape for output in outputs], (64, 64), 5, kind)
    people = read_people(outputs, form, 0)
    for found, expected in zip(people, (boxes, scores, joints), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_columns_first_and_joints_without_confidence_are_read_too():
    boxes, scores, joints = draw_people(7)
    (rows,) = write_rows("yolo", boxes, scores, joints[:, :, :2])
    for output in (rows, rows.transpose(0, 2, 1)):
        people = read_people([output], choose_form([output.shape], (64, 64), 5, "yolo"), 0)
        np.testing.assert_allclose(people.joints[:, :, :2], joints[:, :, :2], rtol=1e-5)
        assert (people.joints[:, :, 2] == 1).all()


def test_only_people_of_the_class_and_above_the_threshold_are_read():
    boxes, scores, joints = draw_people(7)
    others = [np.linspace(0.21, 0.81, 7)[:, None]]
    for kind in ("yolo", "yolo-obj"):
        outputs = write_rows(kind, boxes, scores, joints, others)
        form = choose_form([outputs[0].shape], (64, 64), 5, kind, n_classes=2)
        np.testing.assert_allclose(read_people(outputs, form, 0).scores, scores, rtol=1e-5)
        factor = 1 if kind == "yolo" else scores[:, None] / 0.5
        second = (others[0] * factor)[:, 0]
        np.testing.assert_allclose(read_people(outputs, form, 0.3, 1).scores, second[second > 0.3], rtol=1e-5)
    (rows,) = write_rows("yolo-nms", boxes, scores, joints)
    rows[0, 2:4, 5] = 3
    form = RowForm("yolo-nms", (0,), 7)
    assert len(read_people([rows], form, 0).scores) == 5
    np.testing.assert_allclose(read_people([rows], form, 0, 3).scores, scores[2:4], rtol=1e-5)
    assert len(read_people([rows], form, float(rows[0, 4, 4])).scores) == sum(np.delete(scores, [2, 3]) > scores[4])


# Suppression


def suppress_plainly(boxes, scores, iou, most):
    """Return the people to keep, by a loop over pairs."""

    def overlap(a, b):
        width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        shared = max(width, 0) * max(height, 0)
        union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
        return shared / union if union > 0 else 0

    kept = []
    for i in sorted(range(len(scores)), key=lambda i: (-scores[i], i)):
        if all(overlap(boxes[j], boxes[i]) <= iou for j in kept):
            kept.append(i)
    return kept[:most]


def make_boxes():
    """Yield boxes and scores: drawn, in clusters, with equal scores, identical, nested, empty, and none."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(0, 90))
        corner = rng.uniform(0, 60, (n, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(0, 50, (n, 2))], axis=1)
        yield boxes, rng.random(n)
        yield boxes, rng.integers(0, 3, n) / 2
        whole = np.round(boxes / 10) * 10  # many identical, many without an area
        yield whole, rng.integers(0, 3, n) / 2
        yield np.repeat(boxes[:5], 4, axis=0), rng.integers(0, 3, len(boxes[:5]) * 4) / 2
    nested = np.array([[0, 0, side, side] for side in range(12)], float)
    yield nested, np.ones(12)
    yield nested[::-1], np.linspace(0, 1, 12)
    yield np.zeros((4, 4)), np.ones(4)
    yield np.zeros((0, 4)), np.zeros(0)


@pytest.mark.parametrize("iou", [0.0, 0.3, 0.5, 0.7, 1.0])
def test_suppression_is_that_of_a_plain_loop(iou):
    for boxes, scores in make_boxes():
        for most in (300, 3):
            assert choose_people(boxes, scores, iou, most).tolist() == suppress_plainly(boxes, scores, iou, most)


def test_without_suppression_the_best_stay_in_their_order():
    scores = np.array([0.2, 0.9, 0.5, 0.5, 0.5])
    assert choose_people(np.zeros((5, 4)), scores, None, 300).tolist() == [0, 1, 2, 3, 4]
    assert choose_people(np.zeros((5, 4)), scores, None, 3).tolist() == [1, 2, 3]  # the first of equals


def test_overlap_of_half_a_box_is_a_third():
    box, others = np.array([0.0, 0, 2, 2]), np.array([[1.0, 0, 3, 2], [0, 0, 2, 2], [5, 5, 6, 6], [0, 0, 0, 0]])
    np.testing.assert_allclose(overlap_each(box, others.T), [1 / 3, 1, 0, 0])
