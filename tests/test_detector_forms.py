"""Files of detectors: each form is told by its outputs, a box comes out where it is, and what could be two is asked."""

import numpy as np
import pytest

from robustpose import detectors
from robustpose.decoding.boxes.nanodet import place_cells
from robustpose.errors import UserError
from robustpose.pose.box_poses import as_boxes
from robustpose.pose.types import Frame

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from tests.model_files import make_constant_onnx

WIDTH, HEIGHT = 96, 64  # of the input, px
CELLS = 126  # of strides 8, 16, 32
FRAME = Frame("street", lambda: np.zeros((128, 192, 3), np.uint8))  # twice the input, so that nothing is around it
BOX = np.array([20.0, 10.0, 60.0, 50.0])  # px of the input
CENTER = np.array([40.0, 30.0, 40.0, 40.0])
SHARES = CENTER / [WIDTH, HEIGHT, WIDTH, HEIGHT]
ROW = 17  # of the person among all rows
PLACES = np.concatenate([place_cells((WIDTH, HEIGHT), stride, 0.0) for stride in (8, 16, 32)])


def fill_rows(n_rows, n_classes, box, more=()):
    """Return rows (1, n, …) that reach over the input, all of nobody but for one person and a dog at the same place."""
    rows = np.zeros((1, n_rows, 4 + len(more) + n_classes), np.float32)
    rows[0, :, :2] = np.linspace(0, 1, n_rows)[:, None] * (1 if max(box) < 1 else WIDTH)
    rows[0, [ROW, ROW + 1], :4] = box
    rows[0, :, 4 : 4 + len(more)] = more
    rows[0, ROW, 4 + len(more)] = 0.9
    rows[0, ROW + 1, 4 + len(more) + min(16, n_classes - 1)] = 0.8
    return rows


def fill_logits(n_classes, nothing=False, person=0):
    logits = np.full((1, 100, n_classes + nothing), -30, np.float32)
    logits[..., -1] = 10 if nothing else -30
    logits[0, ROW, [person, -1]] = np.log(9), 0.0 if nothing else -30  # 0.9 for a person either way
    boxes = np.tile(SHARES, (1, 100, 1)).astype(np.float32)
    return {"logits": logits, "pred_boxes": boxes}


def fill_yolox():
    rows = fill_rows(CELLS, 80, CENTER, more=[1.0])
    rows[0, :, :4] = 0.5
    strides = PLACES[[ROW, ROW + 1], 2:]
    rows[0, [ROW, ROW + 1], :2] = (CENTER[:2] - PLACES[[ROW, ROW + 1], :2]) / strides
    rows[0, [ROW, ROW + 1], 2:4] = np.log(CENTER[2:] / strides)
    return {"output": rows}


def fill_maps(plus):
    """Return NanoDet's outputs, or those of NanoDet-Plus: one cell whose distances are certain."""
    places = [place_cells((WIDTH, HEIGHT), stride, 0.0 if plus else 0.5) for stride in (8, 16, 32, 64)[: 3 + plus]]
    n_bins = 8 if plus else 11
    outputs = {}
    for i, place in enumerate(places):
        scores = np.zeros((1, len(place), 80), np.float32)
        logits = np.zeros((1, len(place), 4, n_bins), np.float32)
        if i == 1:  # stride 16: the cell at the box's middle
            cell = np.abs(place[:, :2] - CENTER[:2]).sum(1).argmin()
            sides = np.concatenate([place[cell, :2] - BOX[:2], BOX[2:] - place[cell, :2]]) / 16
            low = np.floor(sides).astype(int)
            logits[0, cell] = -100
            logits[0, cell, np.arange(4), low] = np.log(1 - sides + low + 1e-30)
            logits[0, cell, np.arange(4), low + 1] = np.log(sides - low + 1e-30)
            scores[0, cell, 0] = 0.9
        outputs[f"scores_{i}"], outputs[f"logits_{i}"] = scores, logits.reshape(1, len(place), -1)
    if not plus:
        return outputs
    rows = [np.concatenate([outputs[f"scores_{i}"], outputs[f"logits_{i}"]], axis=2) for i in range(4)]
    return {"output": np.concatenate(rows, axis=1)}


FORMS = {
    "nanodet": lambda: fill_maps(plus=False),
    "nanodet-plus": lambda: fill_maps(plus=True),
    "yolo": lambda: {"output0": fill_rows(CELLS, 80, CENTER).transpose(0, 2, 1)},
    "yolo-obj": lambda: {"output": fill_rows(3 * CELLS, 80, CENTER, more=[1.0])},
    "yolox": fill_yolox,
    "yolox-px": lambda: {"output": fill_rows(CELLS, 80, CENTER, more=[1.0])},
    "rtdetr-rows": lambda: {"output0": fill_rows(300, 80, SHARES)},
    "detr": lambda: fill_logits(91, nothing=True, person=1),
    "deformable-detr": lambda: fill_logits(91, person=1),
    "rtdetr": lambda: fill_logits(80),
}


def build(tmp_path, outputs, categories=("person",), **options):
    make_constant_onnx(tmp_path / "net.onnx", (1, 3, HEIGHT, WIDTH), outputs)
    return detectors.build(f"onnx:{tmp_path / 'net.onnx'}", categories, options)


def refusal(tmp_path, outputs, **options):
    with pytest.raises(UserError) as caught:
        build(tmp_path, outputs, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("form", FORMS)
def test_form_is_found_and_the_box_is_where_it_is(form, tmp_path):
    detector = build(tmp_path, FORMS[form](), max_boxes=1)
    assert detector.provenance["form"] == form
    (found,) = detector.predict([FRAME])
    np.testing.assert_allclose(as_boxes(found), [BOX * 2], atol=0.01)
    np.testing.assert_allclose(found.score, [0.9], atol=1e-4)


def test_suppressed_rows_carry_their_class(tmp_path):
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, :2] = [[*BOX, 0.9, 0], [*BOX, 0.8, 16]]
    detector = build(tmp_path, {"output0": rows}, ["dog", "person"], classes="0=person,16=dog")
    (found,) = detector.predict([FRAME])
    np.testing.assert_allclose(found.score, [0.9, 0.8], atol=1e-4)
    assert found.categories.tolist() == [1, 0]
    assert detector.provenance["class_numbers"] == [[16], [0]]


def test_positions_in_shares_of_the_input_are_told_by_their_size(tmp_path):
    detector = build(tmp_path, {"output0": fill_rows(CELLS, 80, SHARES).transpose(0, 2, 1)}, max_boxes=1)
    (found,) = detector.predict([FRAME])
    assert detector.provenance["units"] == "01"
    np.testing.assert_allclose(as_boxes(found), [BOX * 2], atol=0.01)


def test_px_taken_for_shares_are_refused_in_every_image(tmp_path):
    rows = np.zeros((1, 300, 7), np.float32)  # of which nothing can be told on a black image
    detector = build(tmp_path, {"output0": rows}, classes="0")
    assert detector.provenance["units"] == "01"
    find = detector._network
    detector._network = lambda x: [np.where(np.arange(7) == 4, 0.9, np.float32(200.0)) + 0 * find(x)[0]]
    with pytest.raises(UserError, match=r"gives positions up to 300, read as shares of the input's sides \(form=rtd"):
        detector.predict([FRAME])


def test_overlapping_boxes_go_but_not_those_of_other_categories(tmp_path):
    rows = fill_rows(CELLS, 80, CENTER)
    rows[0, ROW + 2, [0, 1, 2, 3, 4]] = [42, 30, 40, 40, 0.7]
    outputs = {"output0": rows.transpose(0, 2, 1)}
    scores = [build(tmp_path, outputs, ["person", "dog"], iou=iou).predict([FRAME])[0].score for iou in (0.7, 0.95)]
    np.testing.assert_allclose(scores[0], [0.9, 0.8], atol=1e-4)
    np.testing.assert_allclose(scores[1], [0.9, 0.8, 0.7], atol=1e-4)


def test_boxes_are_cut_off_at_the_edges_and_those_beside_the_image_go(tmp_path):
    rows = fill_rows(CELLS, 80, [10, 30, 40, 40])
    rows[0, ROW + 2, [0, 1, 2, 3, 4]] = [-30, 30, 40, 40, 0.9]
    (found,) = build(tmp_path, {"output0": rows.transpose(0, 2, 1)}).predict([FRAME])
    np.testing.assert_allclose(as_boxes(found), [[0, 20, 60, 100]], atol=0.01)


def test_boxes_beside_the_image_do_not_count(tmp_path):
    rows = fill_rows(CELLS, 80, CENTER)
    rows[0, ROW + 2, [0, 1, 2, 3, 4]] = [-30, 30, 40, 40, 0.99]
    for iou in (0.7, 0):
        (found,) = build(tmp_path, {"output0": rows.transpose(0, 2, 1)}, max_boxes=1, iou=iou).predict([FRAME])
        np.testing.assert_allclose(as_boxes(found), [BOX * 2], atol=0.01)


@pytest.mark.parametrize("form", ["yolo", "yolox", "nanodet"])
def test_boxes_of_yolo_come_back_by_one_factor(form, tmp_path):
    detector = build(tmp_path, FORMS[form](), max_boxes=1)
    frame = Frame("odd", lambda: np.zeros((107, 201, 3), np.uint8))  # 51.1 px high in the input
    (found,) = detector.predict([frame])
    top = {"yolo": (64 - 51) // 2, "yolox": 0, "nanodet": 0}[form]
    factors = np.array([201 / 96, 107 / 51]) if form == "nanodet" else 201 / 96
    expected = (BOX.reshape(2, 2) - [0, top]) * factors
    np.testing.assert_allclose(as_boxes(found)[0], np.clip(expected, 0, [201, 107]).ravel(), atol=0.01)


def test_detr_with_an_unusual_number_of_classes_is_asked_for_and_can_be_said(tmp_path):
    outputs = fill_logits(7)
    message = refusal(tmp_path, outputs)
    assert "which several forms have: say form=detr (6 classes, rgb, grey levels minus a mean) or form=def" in message
    detector = build(tmp_path, outputs, form="rtdetr", classes="0")
    assert detector.predict([FRAME])[0].score.round(3).tolist() == [0.9]


def test_suppressed_boxes_of_mmdetection_need_the_values_said(tmp_path):
    from tests.network_files import make_outputs

    spec = make_outputs(tmp_path / "net.onnx", ("dets", (9, 5), "float32"), ("labels", (9,), "int64"), most=1)
    with pytest.raises(UserError, match=r"say form=mmdet-yolox \(bgr, grey levels 0\.\.255\) or form=mmdet-rtmdet"):
        detectors.build(spec, ["person"], {})
    detector = detectors.build(spec, ["person"], {"form": "mmdet-rtmdet", "classes": 0})
    assert detector.predict([FRAME])[0].xy.shape[1:] == (2, 2)


def test_pose_network_is_no_detector(tmp_path):
    rows = fill_rows(CELLS, 52, CENTER)
    rows[0, :, 5:] = 30.0  # positions of joints
    message = refusal(tmp_path, {"output0": rows.transpose(0, 2, 1)})
    assert "are no scores in 0..1: is it a network of poses or masks, or one that gives logits?" in message


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 17, 16, 24), "maps are heatmaps or masks, or are still to be decoded"),
        ((1, 3, 8, 12, 85), "maps of anchors (1, 3, h, w, 5 + C) are not read"),
        ((1, 1, 17, 3), "these look like the joints of a pose network"),
        ((1, 6, 56), "expected the outputs of a detector of one of the forms"),  # MoveNet's people
        ((1, 1000), "expected the outputs of a detector of one of the forms nanodet, nanodet-plus, "),
    ],
)
def test_outputs_of_no_detector_are_refused_by_what_they_look_like(shape, words, tmp_path):
    assert words in refusal(tmp_path, {"output": np.zeros(shape, np.float32)})


def test_unknown_output_and_unfit_form_are_refused(tmp_path):
    outputs = FORMS["yolo"]()
    message = refusal(tmp_path, outputs, output="outputs0")
    assert "has no output 'outputs0' (did you mean 'output0'?): its outputs are output0 (1, 84, 126)" in message
    message = refusal(tmp_path, outputs, form="detr")
    assert "output0 (1, 84, 126): expected of form=detr (1, Q, C + 1) and (1, Q, 4)" in message


def test_unknown_class_lists_those_there_are(tmp_path):
    message = refusal(tmp_path, FORMS["yolo"](), classes="persn")
    assert "has no class 'persn' (did you mean 'person'?): its classes are 'person', 'bicycle'" in message
    message = refusal(tmp_path, FORMS["yolo"](), classes="80")
    assert "has 80 classes, counted from 0: classes=80 is none of them" in message


def test_boxes_that_a_file_scales_to_a_size_are_those_of_the_input(tmp_path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    corners = np.tile(BOX / [WIDTH, HEIGHT, WIDTH, HEIGHT], (1, 9, 1)).astype(np.float32)
    scores = np.zeros((1, 9), np.float32)
    scores[0, 3] = 0.9
    constants = {"shares": corners, "zeros": np.zeros((1, 9), np.int64), "all_scores": scores}
    nodes = [
        helper.make_node("Cast", ["orig_target_sizes"], ["size"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["size", "size"], ["sides"], axis=1),
        helper.make_node("Mul", ["shares", "sides"], ["boxes"]),
        *(helper.make_node("Identity", [a], [b]) for a, b in (("zeros", "labels"), ("all_scores", "scores"))),
    ]
    inputs = [
        helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, HEIGHT, WIDTH]),
        helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, ["N", 2]),
    ]
    outputs = [
        helper.make_tensor_value_info(name, kind, shape)
        for name, kind, shape in (
            ("labels", TensorProto.INT64, [1, 9]), ("boxes", TensorProto.FLOAT, [1, 9, 4]),
            ("scores", TensorProto.FLOAT, [1, 9]),
        )
    ]  # fmt: skip
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs, tensors),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
    )
    onnx.save(model, str(tmp_path / "net.onnx"))
    detector = detectors.build(f"onnx:{tmp_path / 'net.onnx'}", ["person"], {"classes": 0})
    (found,) = detector.predict([FRAME])
    assert detector.provenance["form"] == "rtdetr-px"
    np.testing.assert_allclose(as_boxes(found), [BOX * 2], atol=0.01)


def test_parts_of_tensorflow_have_y_first(tmp_path):
    boxes = np.tile((BOX / [WIDTH, HEIGHT, WIDTH, HEIGHT])[[1, 0, 3, 2]], (1, 9, 1)).astype(np.float32)
    scores = np.linspace(0.9, 0.01, 9, dtype=np.float32)[None]
    labels = np.array([[0, 0, 17, 0, 0, 0, 0, 0, 0]], np.float32)
    path = tmp_path / "net.onnx"
    make_fixed(path, {"boxes": boxes, "labels": labels, "scores": scores})
    detector = detectors.build(f"onnx:{path}", ["person"], {"classes": 0, "max_boxes": 1})
    (found,) = detector.predict([FRAME])
    assert detector.provenance["form"] == "ssd"
    np.testing.assert_allclose(as_boxes(found), [BOX * 2], atol=0.01)


def make_fixed(path, outputs):
    """Write a network that gives the same for every image, to the last bit."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [helper.make_node("Identity", [f"all_{name}"], [name]) for name in outputs]
    tensors = [numpy_helper.from_array(array, f"all_{name}") for name, array in outputs.items()]
    images = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])
    declared = [helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape) for name, array in outputs.items()]
    graph = helper.make_graph(nodes, "g", [images], declared, tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))


def note(path, **notes):
    """Note in a file what Ultralytics does."""
    import onnx

    model = onnx.load(path)
    for key, value in notes.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, str(path))


def test_classes_that_a_file_names_are_known_by_these_names(tmp_path):
    make_constant_onnx(tmp_path / "net.onnx", (1, 3, HEIGHT, WIDTH), {"output0": fill_rows(300, 2, CENTER)[..., :6]})
    with pytest.raises(UserError, match="has no class 'dog', which the data look for: it does not name its classes"):
        detectors.build(f"onnx:{tmp_path / 'net.onnx'}", ["dog"], {})
    note(tmp_path / "net.onnx", task="detect", names="{0: 'cat', 1: 'dog'}")
    detector = detectors.build(f"onnx:{tmp_path / 'net.onnx'}", ["dog"], {})
    assert detector.provenance["class_names"] == [["dog"]]
    assert detector.provenance["form"] == "yolo-nms"


@pytest.mark.parametrize(("n_names", "n_outputs"), [(2, 1), (1, 2), (3, 2), (80, 1), (79, 80)])
def test_other_number_of_names_than_of_classes_is_refused(n_names, n_outputs, tmp_path):
    outputs = {"output0": fill_rows(CELLS, n_outputs, CENTER).transpose(0, 2, 1)}
    make_constant_onnx(tmp_path / "net.onnx", (1, 3, HEIGHT, WIDTH), outputs)
    note(tmp_path / "net.onnx", names=str({i: "person" if i == n_names - 1 else f"thing {i}" for i in range(n_names)}))
    words = (
        rf"net\.onnx names {n_names} classes in its metadata, but its outputs, read as form=yolo, have {n_outputs}: "
    )
    for classes in ({}, {"classes": "person"}, {"classes": "0"}):
        with pytest.raises(UserError, match=words):
            detectors.build(f"onnx:{tmp_path / 'net.onnx'}", ["person"], classes)


def test_class_beyond_those_that_a_file_names_is_refused(tmp_path):
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, :2] = [[*BOX, 0.9, 0], [*BOX, 0.8, 16]]
    make_constant_onnx(tmp_path / "net.onnx", (1, 3, HEIGHT, WIDTH), {"output0": rows})
    note(tmp_path / "net.onnx", names="{0: 'person', 1: 'dog'}")
    with pytest.raises(UserError, match="has 2 classes, counted from 0: classes=5 is none of them"):
        detectors.build(f"onnx:{tmp_path / 'net.onnx'}", ["person"], {"classes": "5"})
    detector = detectors.build(f"onnx:{tmp_path / 'net.onnx'}", ["person"], {})
    with pytest.raises(UserError, match="names 2 classes in its metadata, counted from 0, and gives a box of class 16"):
        detector.predict([FRAME])


@pytest.mark.parametrize("names", ["{0: 'cat'", "open('x')", "7", "[" * 9999])
def test_notes_that_are_no_names_are_none(names, tmp_path):
    make_constant_onnx(tmp_path / "net.onnx", (1, 3, HEIGHT, WIDTH), FORMS["yolo"]())
    note(tmp_path / "net.onnx", names=names)
    assert detectors.build(f"onnx:{tmp_path / 'net.onnx'}", ["dog"], {}).provenance["class_names"] == [["dog"]]


def test_file_of_another_task_says_which(tmp_path):
    make_constant_onnx(tmp_path / "net.onnx", (1, 3, HEIGHT, WIDTH), FORMS["yolo"]())
    note(tmp_path / "net.onnx", task="pose", names="{0: 'person'}")
    with pytest.raises(UserError, match="says that its task is pose: name a detector"):
        detectors.build(f"onnx:{tmp_path / 'net.onnx'}", ["person"], {})


def test_file_of_several_images_a_call_is_refused_and_one_of_grey_levels_is_not(tmp_path):
    from tests.network_files import make_outputs

    spec = make_outputs(tmp_path / "four.onnx", ("output0", (5, 64), "float32"), batch=4)
    with pytest.raises(UserError, match="takes 4 images at a time: export the detector for one, or any number"):
        detectors.build(spec, ["person"], {})
    levels = ("image", (3, 64, 48), "uint8")
    spec = make_outputs(tmp_path / "levels.onnx", ("output0", (5, 64), "float32"), image=levels, most=1)
    assert detectors.build(spec, ["person"], {}).provenance["std"] == [1 / 255] * 3


def test_results_do_not_depend_on_other_images_of_the_call(tmp_path):
    detector = build(tmp_path, FORMS["yolo"]())
    one, two = detector.predict([FRAME, FRAME])
    np.testing.assert_array_equal(one.xy, two.xy)


def test_nanodet_of_real_weights_finds_the_people(shared):
    from PIL import Image

    image = np.asarray(Image.open(shared / "data/coco-mini/images/val2017/000000000785.jpg").convert("RGB"))
    detector = detectors.build(f"onnx:{shared / 'weights/nanodet_g416.onnx'}", ["person"], {"min_score": 0.3})
    (found,) = detector.predict([Frame(785, lambda: image)])
    assert detector.provenance["form"] == "nanodet"
    assert detector.provenance["class_names"] == [["person"]]
    x1, y1, x2, y2 = as_boxes(found)[0]  # annotated: 280 45 499 389
    np.testing.assert_allclose([x1, y1, x2, y2], [280, 45, 499, 389], atol=15)
