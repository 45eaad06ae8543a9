"""Detectors of transformers: images and boxes are those of its own image processors; what is none is said."""

import json
import pickle

import numpy as np
import pytest

from robustpose import detectors
from robustpose.carried import place_files
from robustpose.detectors.carrying import carry
from robustpose.errors import UserError
from robustpose.estimators.image_processors.whole_images import Edges, Settings, WholeImageProcessor, read_processor
from robustpose.pose.box_poses import as_boxes

pytest.importorskip("transformers")
from tests import hub_detectors
from tests.hub_models import make_frames, make_vitpose

MODELS = {
    "Detr": (hub_detectors.make_detr, "DetrForObjectDetection"),
    "ConditionalDetr": (
        lambda folder: hub_detectors.make_detr(folder, "ConditionalDetr"),
        "ConditionalDetrForObjectDetection",
    ),
    "Yolos": (hub_detectors.make_yolos, "YolosForObjectDetection"),
    "RTDetr": (hub_detectors.make_rt_detr, "RTDetrForObjectDetection"),
}


@pytest.fixture(scope="module")
def detr(tmp_path_factory):
    return hub_detectors.make_detr(tmp_path_factory.mktemp("detr"))


@pytest.mark.parametrize("processor", MODELS)
def test_pixels_and_boxes_are_those_of_transformers(processor, tmp_path):
    make, model = MODELS[processor]
    find = hub_detectors.detector_of_transformers(make(tmp_path), model, processor, threshold=0.05)
    detector = detectors.build(f"hf:{tmp_path}", ["dog", "person"], {"max_boxes": 20})
    for frame in make_frames():
        pixels, found = find(frame.image)
        np.testing.assert_array_equal(read_processor(tmp_path, processor)[0].prepare(frame.image), pixels)
        labels, scores = found["labels"].numpy(), found["scores"].numpy()
        sides = np.array([*frame.image.shape[1::-1]] * 2)
        boxes = np.clip(found["boxes"].numpy(), 0, sides)
        kept = np.isin(labels, [1, 2]) & (boxes[:, 2:] > boxes[:, :2]).all(1)
        order = np.flatnonzero(kept)[np.argsort(-scores[kept], kind="stable")][:20]
        (own,) = detector.predict([frame])
        np.testing.assert_allclose(own.score, scores[order], atol=1e-6)
        np.testing.assert_allclose(as_boxes(own), boxes[order], atol=1e-3)
        np.testing.assert_array_equal(own.categories, np.where(labels[order] == 2, 0, 1))


def test_boxes_do_not_depend_on_other_images_of_the_call(detr):
    detector, frames = detectors.build(f"hf:{detr}", ["person"], {}), make_frames()
    alone = [detector.predict([frame])[0] for frame in reversed(frames)][::-1]
    for one, other in zip(alone, detector.predict(frames), strict=True):
        np.testing.assert_array_equal(as_boxes(one), as_boxes(other))


def test_carried_model_finds_the_same_elsewhere(detr, tmp_path):
    here = detectors.build(f"hf:{detr}", ["dog", "person"], {}).predict(make_frames()[:1])[0]
    make, files = carry(f"hf:{detr}", {})
    for digest, path in files.items():
        (tmp_path / digest).write_bytes(path.read_bytes())
    place_files(tmp_path)
    elsewhere = pickle.loads(pickle.dumps(make))(["dog", "person"]).predict(make_frames()[:1])[0]
    np.testing.assert_array_equal(here.xy, elsewhere.xy)
    assert len(here.score) > 0


def test_image_that_the_network_does_not_take_is_one_line(tmp_path):
    settings = {"size": {"height": 8, "width": 8}}  # fewer px than the network has strides
    detector = detectors.build(f"hf:{hub_detectors.make_rt_detr(tmp_path, **settings)}", ["person"], {})
    with pytest.raises(UserError, match=r"does not run on images of 8x8 px, as preprocessor_config\.json has "):
        detector.predict(make_frames()[:1])


def test_images_of_upright_yolos_have_sides_of_whole_patches():
    processor = WholeImageProcessor("Yolos", Settings(size=Edges(shortest_edge=512, longest_edge=864)))
    assert processor.find_size((480, 640)) == (512, 672)
    assert processor.find_size((100, 400)) == (208, 864)
    assert processor.find_size((1, 4000)) == (16, 864)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_processor_type": "CLIPImageProcessor"}, "is of a CLIPImageProcessor: expected the settings of a"),
        ({"size": {"height": 64}}, "size must be height and width, or shortest_edge, got {'height': 64}"),
        ({"do_pad": True, "pad_size": {"height": 9, "width": 9}}, "which is not done here"),
        ({"image_std": [0.1, 0, 0.1]}, "image_std must be other than 0"),
    ],
)
def test_settings_that_no_processor_has_are_refused(change, message, tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(change))
    with pytest.raises(UserError, match=r"preprocessor_config\.json") as caught:
        read_processor(tmp_path, "Detr")
    assert message in str(caught.value)


def test_pose_model_is_no_detector(tmp_path):
    with pytest.raises(UserError, match="VitPoseForPoseEstimation, which finds joints in boxes, not boxes; detectors"):
        detectors.build(f"hf:{make_vitpose(tmp_path)}", ["person"], {})


def test_backbone_of_another_library_is_refused_with_a_way_out(tmp_path, detr):
    config = json.loads((detr / "config.json").read_text()) | {"backbone": "resnet50", "use_timm_backbone": True}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="often have a revision=no_timm without it"):
        detectors.build(f"hf:{tmp_path}", ["person"], {})


def test_class_that_the_model_does_not_have_is_refused(detr):
    with pytest.raises(
        UserError, match=r"has no class 'cat', which the data look for: its classes are 'person', 'dog'"
    ):
        detectors.build(f"hf:{detr}", ["cat"], {})


def test_openvino_needs_images_of_one_size(detr):
    pytest.importorskip("openvino")
    with pytest.raises(UserError, match="needs images of one size"):
        detectors.build(f"hf:{detr}", ["person"], {"backend": "openvino"})
