"""Rows of one-stage networks: what they are is told by their shapes, and who is left of them as a plain loop says."""

import numpy as np
import pytest

from robustpose.decoding.one_stage import KINDS, NoForm, RowForm, choose_form, choose_people, overlap_each, read_people

YOLO_WH = (640, 640)


def why_not(shapes, input_wh):
    with pytest.raises(NoForm) as error:
        choose_form(shapes, input_wh, 17)
    return str(error.value)


@pytest.mark.parametrize(
    ("shapes", "input_wh", "kind"),
    [
        ([(1, 56, 8400)], YOLO_WH, "yolo"),
        ([(1, 8400, 56)], YOLO_WH, "yolo"),
        ([(1, 39, 8400)], YOLO_WH, "yolo"),  # joints without confidences
        ([(1, 56, 100)], (96, 96), "yolo"),  # as many rows as no network has
        ([(1, 10, 56)], (96, 96), "yolo"),
        ([(1, 25200, 57)], YOLO_WH, "yolo-obj"),
        ([(1, 57375, 57)], (960, 960), "yolo-obj"),
        ([(1, 300, 57)], YOLO_WH, "yolo-nms"),
        ([(1, 300, 40)], YOLO_WH, "yolo-nms"),
        ([(1, 0, 57)], YOLO_WH, "yolo-nms"),
        ([(1, 12, 5), (1, 12, 17, 3)], YOLO_WH, "rtmo"),
        ([(1, 0, 17, 3), (1, 0, 5)], YOLO_WH, "rtmo"),
        ([(1, 6, 56)], (384, 384), "movenet"),
    ],
)
def test_kind_is_told_by_shapes(shapes, input_wh, kind):
    assert choose_form(shapes, input_wh, 17).kind == kind


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ([(1, 57, 8400)], "rows=yolo classes=2 (x y v of each joint), or rows=yolo classes=19 (x y of each joint)"),
        ([(1, 57, 300)], "rows=yolo-obj classes=1 (x y v of each joint), or rows=yolo classes=2"),
        ([(1, 56, 56)], "classes=1 columns=first (x y v of each joint), or rows=yolo classes=1 columns=last"),
        ([(1, 56, 57)], "rows=yolo-nms (x y v of each joint), or rows=yolo classes=1"),
        ([(1, 56, 8400)] * 2, "several of these can be the rows of people: say which with --model-set output=NAME"),
        ([(1, 84, 8400)], "a detector's, 80 classes and no joints"),
        ([(1, 47, 8400)], "people with 14 joints, but the annotations have 17: use a model of that skeleton"),
        ([(1, 41, 8400)], "12 joints, but the annotations have 17: use a model of that skeleton, or if it has several"),
        ([(1, 300, 69)], "people with 21 joints, but the annotations have 17"),
        ([(1, 6, 47)], "people with 14 joints, but the annotations have 17"),
        ([(1, 12, 14, 3), (1, 12, 5)], "people with 14 joints, but the annotations have 17"),
    ],
)
def test_what_cannot_be_told_is_asked_for_and_other_joints_are_named(shapes, said):
    assert said in why_not(shapes, YOLO_WH)


@pytest.mark.parametrize(
    "shapes",
    [
        [(1, 17, 64, 48)],
        [(1, 17, 384), (1, 17, 512)],
        [(1, 12, 384), (1, 12, 512)],
        [(1, 1, 17, 3)],
        [(1, 17, 2)],
        [(1, 34)],
        [],
    ],
)
def test_outputs_of_other_forms_are_no_rows_and_nothing_is_said_of_them(shapes):
    assert why_not(shapes, (192, 256)) == ""


@pytest.mark.parametrize(
    ("shape", "said", "form"),
    [
        ((1, 57, 8400), {"n_classes": 2}, RowForm("yolo", (0,), 8400, True, 2)),
        ((1, 57, 8400), {"n_classes": 19}, RowForm("yolo", (0,), 8400, True, 19, 2)),
        ((1, 6, 56), {"n_classes": 1}, RowForm("movenet", (0,), 6)),  # which says nothing that is not known
        ((1, 57, 300), {"n_classes": 1}, RowForm("yolo-obj", (0,), 300, True)),
        ((1, 8400, 57), {"kind": "yolo-nms"}, RowForm("yolo-nms", (0,), 8400)),
        ((1, 57, 300), {"kind": "yolo-obj"}, RowForm("yolo-obj", (0,), 300, True)),
        ((1, 56, 56), {"columns": "last"}, RowForm("yolo", (0,), 56)),
        ((1, 10, 56), {"kind": "movenet"}, RowForm("movenet", (0,), 10)),
        ((1, 58, 8400), {"kind": "yolo-obj", "n_classes": 2}, RowForm("yolo-obj", (0,), 8400, True, 2)),
    ],
)
def test_what_is_said_chooses_among_forms(shape, said, form):
    assert choose_form([shape], YOLO_WH, 17, **said) == form


@pytest.mark.parametrize("kind", KINDS)
def test_kind_that_does_not_fit_is_refused_with_what_it_must_be(kind):
    with pytest.raises(NoForm, match=f"rows={kind} must be .*, of K = 17 joints"):
        choose_form([(1, 17, 3)], YOLO_WH, 17, kind)


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
