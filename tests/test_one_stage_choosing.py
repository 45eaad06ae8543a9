"""Rows of one-stage networks: what they are is told by their shapes, or asked; what is none is called what it is."""

import pytest

from robustpose.decoding.one_stage import KINDS, NoForm, RowForm, choose_form

YOLO_WH = (640, 640)


def why_not(shapes, input_wh, **said):
    with pytest.raises(NoForm) as error:
        choose_form(shapes, input_wh, 17, **said)
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
        ([(1, 8400, 57)], "say --model-set rows=yolo-obj classes=1 (x y v of each joint), or rows=yolo classes=2"),
        ([(1, 57, 300)], "rows=yolo-obj classes=1 (x y v of each joint), or rows=yolo classes=2"),
        ([(1, 56, 56)], "classes=1 columns=first (x y v of each joint), or rows=yolo classes=1 columns=last"),
        ([(1, 56, 57)], "rows=yolo-nms (x y v of each joint), or rows=yolo classes=1"),
        ([(1, 56, 8400)] * 2, "several of these can be the rows of people: say which with --model-set output=NAME"),
        ([(1, 47, 8400)], "people with 14 joints, but the annotations have 17: use a model of that skeleton"),
        ([(1, 41, 8400)], "12 joints, but the annotations have 17: use a model of that skeleton, or if it has several"),
        ([(1, 300, 69)], "people with 21 joints, but the annotations have 17"),
        ([(1, 6, 47)], "people with 14 joints, but the annotations have 17"),
        ([(1, 12, 14, 3), (1, 12, 5)], "people with 14 joints, but the annotations have 17"),
    ],
)
def test_what_cannot_be_told_is_asked_for_and_other_joints_are_named(shapes, said):
    assert said in why_not(shapes, YOLO_WH)


MASKS = (1, 32, 160, 160)


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        *(([(1, n, 8400)], f"detector's, {n} numbers in a row, a box and") for n in (5, 24, 84, 85, 369, 605)),
        ([(1, 8400, 84)], "detector's, 84 numbers"),
        ([(1, 25200, 85)], "detector's, 85 numbers"),
        ([(1, 300, 6)], "detector's, boxes"),
        ([(1, 100, 92), (1, 100, 4)], "detector's, boxes"),
        ([(1, 100, 5), (1, 100)], "detector's, boxes"),
        ([(1, 116, 8400), MASKS], "segmentation network's, boxes, classes and 32 maps of masks"),
        ([(1, 56, 8400), MASKS], "segmentation network's"),  # as many numbers as of 17 joints
        ([(1, 300, 38), (1, 160, 160, 32)], "segmentation network's"),
    ],
)
def test_what_finds_no_joints_is_called_so(shapes, said):
    message = why_not(shapes, YOLO_WH)
    assert said in message
    assert message.endswith("and no joints: name a model of poses")


def test_number_of_classes_that_does_not_fit_recommends_no_detector():
    message = why_not([(1, 56, 8400)], YOLO_WH, n_classes=2)
    assert message.startswith("classes=2 does not fit these rows of people: say --model-set rows=yolo classes=1 (x y v")
    assert "detector's, 84 numbers" in why_not([(1, 84, 8400)], YOLO_WH, n_classes=2)


def test_more_classes_than_are_thought_of_can_be_said():
    assert choose_form([(1, 25200, 85)], YOLO_WH, 17, n_classes=29).kind == "yolo-obj"
    assert choose_form([(1, 369, 8400)], YOLO_WH, 17, n_classes=314).n_numbers == 3
    assert choose_form([(1, 56, 8400), MASKS], YOLO_WH, 17, "yolo").n_classes == 1


@pytest.mark.parametrize(
    "shapes", [[(1, 9, 5), (1, 9, 17, 2)], [(1, 8400, 4), (1, 8400, 1), (1, 8400, 17, 2), (1, 8400, 17)]]
)
def test_boxes_and_joints_apart_are_called_so(shapes):
    assert "boxes and joints" in why_not(shapes, YOLO_WH)
    assert "(1, N, 17, 3) with x y confidence are read" in why_not(shapes, YOLO_WH)


@pytest.mark.parametrize(
    ("shapes", "kind"),
    [
        ([(1, 300, 57)], "yolo-nms"),
        ([(1, 300, 40)], "yolo-nms"),
        ([(1, 57, 57)], "yolo-nms"),
        ([(1, 56, 57)], "yolo-nms"),
        ([(1, 9, 5), (1, 9, 17, 3)], "rtmo"),
        ([(1, 6, 56)], "movenet"),
    ],
)
def test_rows_that_are_finished_take_no_number_of_classes_and_lie_in_one_way(shapes, kind):
    for said in (None, kind):
        assert f"these fit rows={kind}, which" in why_not(shapes, YOLO_WH, kind=said, n_classes=2)
        assert "leave out classes=2" in why_not(shapes, YOLO_WH, kind=said, n_classes=2)
        if said or shapes != [(1, 56, 57)]:
            for columns in ("first", "last"):
                message = why_not(shapes, YOLO_WH, kind=said, columns=columns)
                assert message == f"these fit rows={kind}, which lie in one way: leave out columns={columns}"
    if kind == "yolo-nms":
        assert "category= alone says which people are" in why_not(shapes, YOLO_WH, n_classes=2)


def test_rows_that_are_said_not_to_be_finished_take_a_number_of_classes():
    assert "or say rows=yolo if nobody has been suppressed" in why_not([(1, 300, 57)], YOLO_WH, n_classes=2)
    assert choose_form([(1, 300, 57)], YOLO_WH, 17, "yolo", n_classes=2).kind == "yolo"


def test_columns_that_do_not_fit_are_refused_by_how_they_lie():
    message = "these fit rows=yolo, which have their numbers last: leave out columns=first"
    assert why_not([(1, 8400, 56)], YOLO_WH, columns="first") == message
    assert why_not([(1, 8400, 57)], YOLO_WH, columns="first", n_classes=2) == message


@pytest.mark.parametrize(
    ("shape", "kind", "fits"),
    [
        ((1, 56, 8400), "movenet", "rows=yolo"),
        ((1, 56, 8400), "yolo-obj", "rows=yolo"),
        ((1, 300, 57), "movenet", "rows=yolo-nms"),
        ((1, 6, 56), "yolo-nms", "rows=movenet"),
        ((1, 25200, 57), "rtmo", "rows=yolo-obj"),
    ],
)
def test_kind_that_is_not_the_one_of_the_rows_is_refused_by_the_name_of_that(shape, kind, fits):
    assert why_not([shape], YOLO_WH, kind=kind).endswith(f"of K = 17 joints; these fit {fits}")


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
