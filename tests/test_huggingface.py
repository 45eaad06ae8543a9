"""Pose models of transformers beside transformers itself; skipped where it is not installed."""

import json
import shutil

import numpy as np
import pytest

from robustpose import estimators
from robustpose.pose.skeletons import COCO
from tests.hub_models import make_frames, make_sapiens2, make_vitpose, sapiens2_of_transformers, vitpose_of_transformers
from tests.networks import error_of

pytest.importorskip("transformers", reason="needs transformers: pip install 'robustpose[hf]'")
pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = {"simple": {}, "classic": {"simple": False}, "experts": {"experts": 3}}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    made = {name: make_vitpose(folder / name, **options) for name, options in KINDS.items()}
    return {**made, "sapiens2": make_sapiens2(folder / "sapiens2")}


@pytest.fixture
def spoil(folders, tmp_path):
    """A function that copies a model and changes its config, or its processor's settings."""

    def change(name="simple", processor=None, **config):
        folder = shutil.copytree(folders[name], tmp_path / "spoilt", dirs_exist_ok=True)
        for file, changes in (("config.json", config), ("preprocessor_config.json", processor or {})):
            path = folder / file
            path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
        return folder

    return change


def build(folder, skeleton=COCO, **options):
    return estimators.build(f"hf:{folder}", skeleton, options)


def error_from(folder, skeleton=COCO, **options):
    return error_of(lambda: build(folder, skeleton, **options))


def assert_same(estimator, find):
    """Assert that poses are those of the processor, but for joints that rounding errors place."""
    frames = make_frames()
    for frame, poses in zip(frames, estimator.predict(frames), strict=True):
        xy, scores, sure = find(frame.image, frame.boxes)
        assert len(poses.xy) == len(xy)
        assert sure.mean() > 0.9
        for found_xy, found_scores in zip(poses.xy, poses.confidence, strict=True):
            person = np.abs(scores - found_scores).sum(1).argmin()
            assert np.abs(found_scores - scores[person]).max() < 1e-4
            assert np.abs(found_xy - xy[person])[sure[person]].max() < 0.05


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
