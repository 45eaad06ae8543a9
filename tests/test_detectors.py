"""Detectors: a spec becomes an estimator of boxes; a callable's boxes are checked, and counted by their classes."""

import pickle

import numpy as np
import pytest

from robustpose import detectors
from robustpose.carried import place_files
from robustpose.detectors.carrying import carry
from robustpose.detectors.classes import group_classes, name_classes
from robustpose.errors import UserError
from robustpose.pose.box_poses import BOX, as_boxes, as_poses
from robustpose.pose.types import Frame

FRAME = Frame("street", lambda: np.zeros((48, 64, 3), np.uint8))


def find_two(image):
    return [[8.0, 4.0, 40.0, 44.0, 0.9], [0.0, 0.0, 10.0, 10.0, 0.02]]


def find_animals(image):
    return np.array([[1, 2, 3, 4, 0.5, 1], [5, 6, 7, 8, 0.6, 2], [0, 0, 9, 9, 0.9, 0]])


find_animals.names = {0: "person", 1: "dog", 2: "cat"}


def test_callable_gives_boxes_above_the_score():
    detector = detectors.build("tests.test_detectors:find_two", ["person"], {})
    (found,) = detector.predict([FRAME])
    assert (detector.skeleton, detector.needs_boxes, detector.needs_images) == (BOX, False, True)
    np.testing.assert_array_equal(as_boxes(found), [[8, 4, 40, 44]])
    assert found.score.tolist() == [0.9]
    assert found.categories is None


def test_boxes_of_several_categories_are_known_by_the_names_of_classes():
    detector = detectors.build("tests.test_detectors:find_animals", ["cat", "dog"], {})
    (found,) = detector.predict([FRAME])
    assert found.score.tolist() == [0.6, 0.5]
    assert found.categories.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("yolov8n.onnx", r"unknown detector 'yolov8n\.onnx' \(did you mean 'onnx:yolov8n\.onnx'\?\): expected"),
        ("yolo:nets/yolov8n.onnx", r"no module 'yolo' on the Python path \(did you mean 'onnx:nets/yolov8n\.onnx'\?\)"),
        ("yolov8n.pt", r"it is PyTorch's: export it \(yolo export model=yolov8n\.pt format=onnx\), then --model"),
        ("onnx:yolov8n.pt", r"onnx: does not read yolov8n\.pt: it is PyTorch's: export it"),
        ("facebook/detr-resnet-50", r"\(did you mean 'hf:facebook/detr-resnet-50'\?\)"),
        ("https://huggingface.co/facebook/detr", r"\(did you mean 'hf:facebook/detr'\?\)"),
        ("demo", "unknown detector 'demo': expected one of hf:NAME, onnx:FILE"),
    ],
)
def test_misnamed_detector_says_what_is_meant(spec, words):
    with pytest.raises(UserError, match=words):
        detectors.build(spec, ["person"], {})


def test_unknown_detector_lists_what_there_is():
    with pytest.raises(UserError, match=r"unknown detector 'onx' \(did you mean 'onnx'\?\): expected one of hf:NAME, "):
        detectors.build("onx", ["person"], {})


def find_strange(image):
    return find_strange.found


class Finder:
    """A detector with predict() of its own."""

    def __init__(self):
        self.skeleton, self.needs_boxes = BOX, False

    def predict(self, frames):
        return [as_poses(frame.image_id, np.zeros((0, 4)), np.zeros(0)) for frame in frames]


def test_object_with_predict_is_taken_as_it_is():
    detector = detectors.build("tests.test_detectors:Finder", ["person"], {})
    assert len(detector.predict([FRAME])[0].score) == 0
    with pytest.raises(UserError, match=r"has predict\(\), and so no options: leave out min_score"):
        detectors.build("tests.test_detectors:Finder", ["person"], {"min_score": 0.2})


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([[1, 2, 3, 4]], r"must return \(N, 5 or 6\), x1 y1 x2 y2 score class, for image street, got \(1, 4\)"),
        ([[10, 10, 5, 5, 0.5]], "x2 or y2 below x1 or y1: is it x y width height"),
        ([[1, 2, 3, 4, 80]], r"a score that is not in 0\.\.1"),
        ([[1, 2, 3, 4, float("nan")]], "a value that is not finite"),
        ([[1, 2, 3, 4, 0.5, 0.5]], "a class that is no whole number"),
        ("boxes", "it must be an array of numbers, got str"),
        ([[1, 2, 3, 4, 0.5, 1]], r"does not name its classes; say classes=, a number from 0"),
    ],
)
def test_what_is_no_box_is_refused(found, words, monkeypatch):
    monkeypatch.setattr(find_strange, "found", found, raising=False)
    with pytest.raises(UserError, match=words):
        detectors.build("tests.test_detectors:find_strange", ["person"], {}).predict([FRAME])


def test_classes_of_boxes_without_one_are_refused():
    with pytest.raises(UserError, match=r"gives no classes of boxes, \(N, 5\): leave out classes=, or return \(N, 6\)"):
        detectors.build("tests.test_detectors:find_two", ["person"], {"classes": "person"}).predict([FRAME])


def test_boxes_of_nobody_knows_which_category_are_refused_in_the_loop():
    from robustpose.benchmark.detecting.work import detect

    detector = detectors.build("tests.test_detectors:find_two", ["cat", "dog"], {})
    with pytest.raises(UserError, match="the data are of 2 categories, and the detector does not say of which"):
        detect([FRAME], detector, 2)


def test_boxes_of_other_classes_are_none_whatever_the_score():
    detector = detectors.build("tests.test_detectors:find_animals", ["cat"], {"min_score": 0})
    assert detector.predict([FRAME])[0].score.tolist() == [0.6]


def test_nothing_found_is_no_box(monkeypatch):
    monkeypatch.setattr(find_strange, "found", [], raising=False)
    (found,) = detectors.build("tests.test_detectors:find_strange", ["person"], {}).predict([FRAME])
    assert found.xy.shape == (0, 2, 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"threshold": 0.3},
            r"there is no option 'threshold' \(did you mean 'min_score'\?\); its options are classes, ",
        ),
        ({"min_score": 5}, r"option 'min_score' must be one number in 0\.\.1, got 5"),
        ({"max_boxes": 0}, "option 'max_boxes' must be at least 1, got 0"),
        ({"classes": ""}, "option 'classes' must be names or numbers of classes with commas"),
    ],
)
def test_options_that_are_none_are_refused(options, words):
    with pytest.raises(UserError, match=words):
        detectors.build("tests.test_detectors:find_two", ["person"], options)


@pytest.mark.parametrize(
    ("categories", "said", "groups"),
    [
        (["person"], None, [[0]]),
        (["People"], None, [[0]]),
        (["person"], ("1", "dog"), [[1, 16]]),
        (["dog", "cat"], None, [[16], [15]]),
        (["animal"], ("cat", "dog"), [[15, 16]]),
        (["fox", "cat"], ("dog=fox", "cat"), [[16], [15]]),
    ],
)
def test_classes_are_grouped_by_the_categories_that_they_count_as(categories, said, groups):
    assert group_classes("it", name_classes(80), 80, categories, said) == groups


@pytest.mark.parametrize(
    ("categories", "said", "words"),
    [
        (["zebras"], None, r"it has no class 'zebras', which .*\(did you mean 'zebra'\?\); say classes="),
        (["fox", "cat"], ("dog", "cat"), "category of the data is called as class 'dog': they are 'fox', 'cat'; say"),
        (["fox", "cat"], ("cat",), "classes=cat name none for the category 'fox' of the data"),
        (["fox", "cat"], ("dog=wolf",), "no category of the data is called 'wolf'"),
        (["person"], ("persn",), r"has no class 'persn' \(did you mean 'person'\?\)"),
        (["person"], ("99",), "has 80 classes, counted from 0: classes=99 is none of them"),
    ],
)
def test_classes_that_count_as_nothing_are_refused(categories, said, words):
    with pytest.raises(UserError, match=words):
        group_classes("it", name_classes(80), 80, categories, said)


def test_ids_of_coco_have_its_names_at_their_places():
    assert [name_classes(91)[i] for i in (1, 12, 13, 90)] == ["person", "", "stop sign", "toothbrush"]
    assert [name_classes(90)[i] for i in (0, 11, 12, 89)] == ["person", "", "stop sign", "toothbrush"]


def test_carried_file_finds_the_same_elsewhere(tmp_path):
    pytest.importorskip("onnxruntime")
    from tests.network_files import make_outputs

    for name in ("home", "brought"):
        (tmp_path / name).mkdir()
    spec = make_outputs(tmp_path / "home/net.onnx", ("output0", (5, 64), "float32"), most=1)  # 48x64: 64 cells
    here = detectors.build(spec, ["person"], {"min_score": 0.3}).predict([FRAME])[0]
    make, files = carry(spec, {"min_score": 0.3})
    for digest, path in files.items():
        (tmp_path / "brought" / digest).write_bytes(path.read_bytes())
    (tmp_path / "home").rename(tmp_path / "hidden")
    place_files(tmp_path / "brought")
    elsewhere = pickle.loads(pickle.dumps(make))(["person"]).predict([FRAME])[0]
    np.testing.assert_array_equal(here.xy, elsewhere.xy)
    assert len(here.score) > 0


def test_carried_code_goes_by_its_name():
    make, files = carry("tests.test_detectors:find_two", {})
    assert files == {}
    assert len(make(["person"]).predict([FRAME])[0].score) == 1
