"""Pose models of transformers beside transformers itself; skipped where it is not installed."""

import json
import logging
import shutil
import sys

import numpy as np
import pytest

from robustpose import estimators
from robustpose.errors import UserError
from robustpose.pose.skeletons import COCO, MPII, Skeleton
from robustpose.pose.types import Frame
from tests.elsewhere import bring_model
from tests.hub_models import (
    NAMES,
    make_frames,
    make_sapiens2,
    make_vitpose,
    sapiens2_of_transformers,
    vitpose_of_transformers,
)
from tests.people import assert_same_poses

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = {"simple": {}, "classic": {"simple": False}, "experts": {"experts": 3}}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of tiny models by name."""
    pytest.importorskip("transformers", reason="needs transformers: pip install 'robustpose[hf]'")
    folder = tmp_path_factory.mktemp("hub")
    made = {name: make_vitpose(folder / name, **options) for name, options in KINDS.items()}
    return {**made, "sapiens2": make_sapiens2(folder / "sapiens2")}


@pytest.fixture
def spoil(folders, tmp_path):
    """A function that copies a model and changes its config, its processor's settings, or its weights."""

    def change(name="simple", processor=None, weights=None, **config):
        folder = shutil.copytree(folders[name], tmp_path / "spoilt", dirs_exist_ok=True)
        for file, changes in (("config.json", config), ("preprocessor_config.json", processor or {})):
            path = folder / file
            path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
        if weights is not None:
            from safetensors.torch import load_file, save_file

            tensors = load_file(folder / "model.safetensors")
            weights(tensors)
            save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return folder

    return change


def build(folder, skeleton=COCO, **options):
    return estimators.build(f"hf:{folder}", skeleton, options)


def refusal(folder, skeleton=COCO, **options):
    """Return the one line that building an estimator ends with."""
    with pytest.raises(UserError) as caught:
        build(folder, skeleton, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def assert_same(estimator, find):
    """Assert that poses are those of the processor, but for joints that rounding errors place."""
    frames = make_frames()
    for frame, poses in zip(frames, estimator.predict(frames), strict=True):
        xy, scores, sure = find(frame.image, frame.boxes)
        assert sure.mean() > 0.9
        assert np.abs(poses.confidence - scores).max() < 1e-4
        assert np.abs(poses.xy - xy)[sure].max() < 0.05


@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("kind", ["simple", "classic"])
def test_vitpose_finds_what_its_own_image_processor_finds(folders, kind, flip_test):
    estimator = build(folders[kind], flip_test=flip_test, batch_size=3)
    assert_same(estimator, vitpose_of_transformers(folders[kind], flip_test))


@pytest.mark.parametrize("dataset_index", [None, 2])
def test_experts_of_a_dataset_are_asked(folders, dataset_index):
    estimator = build(folders["experts"], dataset_index=dataset_index)
    assert_same(estimator, vitpose_of_transformers(folders["experts"], True, dataset_index or 0))
    assert estimator.provenance["dataset_index"] == (dataset_index or 0)


@pytest.mark.parametrize("flip_test", [False, True])
def test_sapiens2_finds_what_its_own_image_processor_finds(folders, flip_test):
    estimator = build(folders["sapiens2"], flip_test=flip_test)
    assert_same(estimator, sapiens2_of_transformers(folders["sapiens2"], flip_test))


@pytest.mark.parametrize(
    "settings",
    [
        {"do_normalize": False},
        {"do_rescale": False, "image_mean": [120, 110, 100], "image_std": 60.0},
        {"rescale_factor": 0.01, "image_mean": 0.5, "image_std": [0.1, 0.2, 0.3]},
        {"normalize_factor": 150.0},
    ],
)
def test_settings_of_the_image_processor_are_kept(spoil, settings):
    folder = spoil(processor=settings)
    estimator = build(folder, flip_test=False)
    assert_same(estimator, vitpose_of_transformers(folder))
    assert bool(estimator.warnings) == ("normalize_factor" in settings)  # the processor misplaces joints


def test_poses_do_not_depend_on_batches_or_order(folders):
    frames = make_frames()
    expected = build(folders["experts"]).predict(frames)
    one_by_one = build(folders["experts"], batch_size=1)
    assert_same_poses([one_by_one.predict([frame])[0] for frame in frames[::-1]][::-1], expected)


@pytest.mark.parametrize("adapt", ["bn", "tent"])
def test_a_decoder_with_batch_norms_adapts_and_models_without_cannot(folders, adapt):
    frames = make_frames()
    adapted = build(folders["classic"], adapt=adapt, adapt_images=2, adapt_prior=0)
    found = adapted.predict(frames)
    assert_same_poses(
        build(folders["classic"], adapt=adapt, adapt_images=2, adapt_prior=0, batch_size=1).predict(frames), found
    )
    plain = build(folders["classic"]).predict(frames)
    assert any(np.abs(one.confidence - other.confidence).max() > 1e-3 for one, other in zip(plain, found, strict=True))
    assert adapted.provenance["adapt"] == adapt
    with pytest.raises(UserError, match="batch norms, and this one has only"):
        build(folders["simple"], adapt=adapt)


def test_named_joints_come_in_the_order_of_the_data(folders, tmp_path, spoil):
    other = [*NAMES[5:], *NAMES[:5]]
    folder = spoil(id2label=dict(enumerate(other)))
    frames = make_frames()
    expected = build(folders["simple"], flip_test=False).predict(frames)
    found = build(folder, flip_test=False).predict(frames)
    for poses, others in zip(found, expected, strict=True):
        assert sorted(poses.confidence[0]) == sorted(others.confidence[0])
    # The model's first joint is the left shoulder, the data's sixth.
    assert found[0].confidence[0][5] == expected[0].confidence[0][0]


def test_joints_of_others_are_refused_by_name(spoil):
    message = refusal(spoil(id2label={i: f"joint{i}" for i in range(17)}))
    assert "finds 17 joints (joint0, joint1, …), but the annotations have 17, others, too: it lacks nose, " in message
    assert "right_eye, left_ear, … 17 in all: use a model of that skeleton" in message
    assert "leave out joints=coco" in refusal(spoil(id2label=dict(enumerate(NAMES))), joints="coco")


def test_unnamed_joints_must_be_as_many_and_in_a_known_order(folders):
    assert "finds 17 joints (nose, left_eye, …), but the annotations have 16" in refusal(folders["simple"], MPII)
    turned = COCO.arrange(COCO.joints[::-1])
    assert "say with --model-set joints=coco" in refusal(folders["simple"], turned)
    frames = make_frames()
    found = build(folders["simple"], turned, joints="coco").predict(frames)
    expected = build(folders["simple"]).predict(frames)
    assert np.array_equal(found[0].xy[:, ::-1], expected[0].xy)


@pytest.mark.parametrize("kind", ["simple", "sapiens2"])
def test_some_joints_are_found_where_they_are_among_all(folders, kind):
    frames, some = make_frames(), Skeleton("some", ("left_hip", "nose"), (), (0.1, 0.1))
    (found, *_), (whole, *_) = (
        build(folders[kind], of, joints="coco", dataset_index=None).predict(frames) for of in (some, COCO)
    )
    assert len(found.score)
    order = [np.argmin(np.abs(whole.xy[:, [11, 0]] - xy).sum((1, 2))) for xy in found.xy]  # scores differ
    assert np.array_equal(found.xy, whole.xy[order][:, [11, 0]])


def test_joints_of_the_data_are_taken_from_a_model_that_names_more(folders, tmp_path):
    few = Skeleton("few", ("right_wrist", "nose", "left_wrist"), ((0, 1),), (0.1, 0.1, 0.1))
    folder = shutil.copytree(folders["sapiens2"], tmp_path / "named")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "id2label": dict(enumerate(COCO.joints))}))
    frames = make_frames()
    estimator = build(folder, few)
    assert estimator.provenance["joints_taken"] == "3 of 17"
    for found, expected in zip(estimator.predict(frames), build(folder).predict(frames), strict=True):
        taken = {tuple(xy.ravel()) for xy in expected.xy[:, [10, 0, 9]]}
        assert {tuple(xy.ravel()) for xy in found.xy} == taken


def test_order_of_unnamed_joints_is_held_against_the_models_own_sides(folders, tmp_path):
    folder = shutil.copytree(folders["sapiens2"], tmp_path / "sided")
    config = json.loads((folder / "config.json").read_text())
    for pairs in (COCO.flip_pairs, [[0, 1]]):
        (folder / "config.json").write_text(json.dumps({**config, "flip_pairs": pairs}))
        if pairs == COCO.flip_pairs:
            build(folder)
    assert "says that its joints [[0, 1]] change sides" in refusal(folder)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "superpoint", "architectures": ["SuperPointForKeypointDetection"]}, "interest points"),
        ({"model_type": "detr", "architectures": ["DetrForObjectDetection"]}, "finds boxes, not joints"),
        ({"architectures": ["Sapiens2ForSemanticSegmentation"], "model_type": "sapiens2"}, "hf: runs VitPoseFor"),
        ({"model_type": "own", "architectures": ["Own"], "auto_map": {"AutoModel": "own.Own"}}, "is a Own; hf: runs"),
        ({"model_type": None, "architectures": None}, "no model_type"),
        ({"model_type": ["vitpose"]}, "of model_type \"['vitpose']\"; hf: runs"),
        ({"scale_factor": 0}, "cannot be loaded as a VitPoseForPoseEstimation"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "is quantised"),
        ({"attn_implementation": "kernels-community/any"}, "could be fetched"),
        ({"backbone": "some/other"}, "names another model, which would be fetched from elsewhere"),
        ({"use_pretrained_backbone": True}, "asks for weights of another model"),
        ({"use_timm_backbone": True}, "the library timm"),
        ({"backbone_config": {"model_type": "vitpose_backbone", "image_size": [64, 48]}}, "config.json asks for"),
        ({"backbone_config": {"model_type": "nonsense"}}, "cannot be loaded as a VitPoseForPoseEstimation"),
    ],
)
def test_other_models_are_refused_by_what_they_are(spoil, config, words):
    assert words in refusal(spoil(**config))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": {"height": 256, "width": 192}}, "says that crops are 192x256, but spoilt takes 48x64"),
        ({"size": {"shortest_edge": 64}}, "'size.height' is missing"),
        ({"do_affine_transform": False}, "crops nobody"),
        ({"image_processor_type": "ViTImageProcessor"}, "is of a ViTImageProcessor"),
        ({"image_std": [1, 0, 1]}, "image_std must be other than 0"),
    ],
)
def test_settings_that_cannot_be_kept_are_refused(spoil, settings, words):
    assert words in refusal(spoil(processor=settings))


def test_settings_of_backbones_that_ask_for_nothing_are_none(spoil):
    build(spoil(backbone=None, use_pretrained_backbone=False, use_timm_backbone=False))


def test_weights_must_be_those_of_the_config(spoil):
    assert "'head.conv.bias' is missing" in refusal(spoil(weights=lambda tensors: tensors.pop("head.conv.bias")))
    bias = "head.conv.bias"
    extra = spoil(weights=lambda tensors: tensors.update({"other": tensors[bias].clone()}))
    assert "'other' is unknown" in refusal(extra)
    shorter = spoil(weights=lambda tensors: tensors.update({bias: tensors[bias][:3].clone()}))
    assert f"'{bias}' must be (17,), got (3,)" in refusal(shorter)


def test_pickled_weights_are_not_read(spoil):
    folder = spoil()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "no model.safetensors, but pytorch_model.bin: pickled weights" in refusal(folder)


def test_model_without_settings_is_refused_where_the_default_does_not_fit(spoil):
    folder = spoil()
    (folder / "preprocessor_config.json").unlink()
    assert "crops of 192x256, its class's default, do not fit" in refusal(folder)


def test_dataset_index_is_of_models_with_experts(folders):
    assert "has no experts" in refusal(folders["simple"], dataset_index=0)
    assert "dataset_index must be 0 to 2, got 3" in refusal(folders["experts"], dataset_index=3)


def test_box_without_extent_finds_a_point(folders):
    image = np.zeros((50, 60, 3), np.uint8)
    for name in ("simple", "sapiens2"):
        poses = build(folders[name]).predict([Frame(1, lambda: image, boxes=np.array([[20.0, 30, 20, 30]]))])[0]
        assert np.abs(poses.xy - [20, 30]).max() < 1e-3


def test_openvino_finds_what_torch_finds_and_nothing_is_printed(folders, capfd):
    pytest.importorskip("openvino")
    frames = make_frames()[:1]
    expected = build(folders["simple"]).predict(frames)[0]
    capfd.readouterr()
    found = build(folders["simple"], backend="openvino").predict(frames)[0]
    assert capfd.readouterr() == ("", "")
    assert np.abs(found.confidence - expected.confidence).max() < 1e-4


def test_nothing_is_printed_and_what_prints_stays_as_it_was(folders, capfd):
    from transformers.utils.logging import is_progress_bar_enabled

    before = logging.root.manager.disable, is_progress_bar_enabled()
    build(folders["simple"])
    assert capfd.readouterr() == ("", "")
    assert (logging.root.manager.disable, is_progress_bar_enabled()) == before


def test_results_name_files_and_options(folders):
    about = build(folders["simple"], flip_test=False).provenance
    assert (about["kind"], about["name"]) == ("hf", "simple")
    assert set(about["sha256"]) == {"config.json", "preprocessor_config.json", "model.safetensors"}
    assert about["class"] == "VitPoseForPoseEstimation"
    assert about["flip_test"] is False


@pytest.mark.parametrize("kind", ["experts", "sapiens2"])
def test_folder_that_is_brought_elsewhere_finds_the_same(folders, tmp_path, kind):
    shutil.copytree(folders[kind], tmp_path / "home")
    (tmp_path / "brought").mkdir()
    before = build(tmp_path / "home")
    about = before.provenance
    brought = bring_model(f"hf:{tmp_path / 'home'}", {}, tmp_path / "brought", tmp_path / "home")(COCO)
    assert brought.provenance == about
    assert_same_poses(brought.predict(make_frames()), before.predict(make_frames()))


def test_model_of_the_hub_is_taken_from_the_cache(folders, tmp_path, monkeypatch):
    from huggingface_hub import constants

    commit = "0123456789" * 4
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    kept = tmp_path / "models--some--pose"
    shutil.copytree(folders["simple"], kept / "snapshots" / commit)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(commit)
    about = build("some/pose").provenance
    assert (about["name"], about["commit"]) == ("some/pose", commit)
    assert "revision v2 of the Hugging Face hub is not in the cache" in refusal("some/pose", revision="v2")
    assert "(HF_HUB_OFFLINE is set)" in refusal("some/other")
    (tmp_path / "brought").mkdir()
    brought = bring_model("hf:some/pose", {"revision": "main"}, tmp_path / "brought", kept)(COCO)
    assert {**brought.provenance, "name": "some/pose", "commit": commit} == about
    assert brought.input_spec.name == "pose"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "name the model"),
        ("/nowhere/at/all", "there is no folder /nowhere/at/all"),
        ("./a", "it is no name of the Hugging Face hub"),
        ("x" * 5000, "got 'xxx"),
        ("a\0b", "it is no name of the Hugging Face hub"),
    ],
)
def test_what_cannot_be_found_is_one_line(target, words):
    assert words in refusal(target)


def test_folder_has_no_revision_and_files_are_no_folders(folders):
    assert "is a folder: leave it out" in refusal(folders["simple"], revision="main")
    assert "name the folder that it is in" in refusal(folders["simple"] / "config.json")


def test_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert "pip install 'robustpose[hf]'" in refusal("some/pose")
