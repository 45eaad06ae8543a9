"""Identity: a run goes on only with the code, the weights and the files that it was begun with."""

import json
import sys

import pytest
import torch
from torch import nn

from robustpose import UserError, models
from robustpose.benchmark.job import Job
from robustpose.benchmark.run import run_bench
from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.estimators import heatmaps
from robustpose.models.weights import save_weights
from robustpose.models.zoo import make_input_spec
from robustpose.pose.cell import CLEAN
from robustpose.pose.skeletons import COCO
from tests.outside_network import TwoLayers
from tests.runs import files_of, forget_modules

MODULES = {
    "mypose/__init__.py": "",
    "mypose/model.py": """
import numpy as np
from mypose import helper
def find(image, boxes):
    from mypose.lazy import CONFIDENCE
    return np.full((len(boxes), 17, 3), helper.X + CONFIDENCE)
class Model:
    needs_boxes = True
    def __init__(self, skeleton):
        self.skeleton = skeleton
    def predict(self, frames):
        from robustpose.estimators.function import Function
        return Function(find, self.skeleton, "find").predict(frames)
model = None
""",
    "mypose/helper.py": "X = 0.25",
    "mypose/unused.py": "",
    "mypose/lazy.py": "CONFIDENCE = 0.5",
    "mypose/worse.py": "def darken(image, severity, rng):\n    return image // (1 + severity)\n",
    "mypose/data.py": "from tests.outside import Squares\nclass Few(Squares): pass\n",
    "mypose/ours.py": """
from robustpose import estimators
from robustpose.data.toy import ToyPeople
from robustpose.pose.skeletons import COCO
def make():
    return ToyPeople(1, 0, "val")
model = estimators.build("demo", COCO, {})
""",
    "mypose/metric.py": "from tests.outside import MeanScore\nclass Mine(MeanScore): pass\n",
    "mypose/net.py": "from mypose.layers import make\ndef build(joints):\n    return make(joints)\n",
    "mypose/layers.py": "from tests.outside_network import TwoLayers\ndef make(joints): return TwoLayers(joints)\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Somebody's modules, which are imported anew by every command of `bench`."""
    root = tmp_path / "project"
    for name, text in MODULES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.syspath_prepend(root)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield root
    forget_modules("mypose")


@pytest.fixture
def bench(run, project, coco_folder, tmp_path):
    """A function that benches two images in a folder and returns (exit code, errors)."""

    def do(*words, out="run"):
        forget_modules("mypose")
        data = ["--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--limit", 2]
        data = [] if "--data" in words else data
        shared = ["--corruptions", "none", "--workers", 1, "--resamples", 0, "--seed", 1, "--out", tmp_path / out]
        shared = shared[2:] if "--corruptions" in words else shared
        code, _, errors = run("bench", *data, *shared, *words)
        return code, errors.splitlines()

    return do


def change(path):
    path.write_text(path.read_text() + "\n\nCHANGED = 1\n")


def assert_refused(result, name, folder):
    code, errors = result
    assert code == 2
    hint = "choose another --out, or start over with --fresh"
    assert errors[-1] == f"error: {name} has changed since this run was begun ({folder}): {hint}"


FIND = ("--model", "mypose.model:find")
DARKEN = ("--corruptions", "mypose.worse:darken", "--severities", "1")


def assert_changes_are_refused(bench, project, tmp_path, words, files):
    assert bench(*words)[0] == 0
    before = files_of(tmp_path / "run")
    change(project / "mypose/unused.py")
    for file in files:
        content = (project / "mypose" / file).read_text()
        change(project / "mypose" / file)
        assert_refused(bench(*words), f"mypose/{file}", tmp_path / "run")
        (project / "mypose" / file).write_text(content)
    assert files_of(tmp_path / "run") == before
    assert bench(*words)[0] == 0


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (FIND, ("__init__.py", "model.py", "helper.py", "lazy.py")),
        (("--model", "mypose.model:Model"), ("lazy.py",)),
        (("--model", "mypose.ours:model", "--data", "mypose.ours:make"), ("ours.py",)),
        ((*FIND, "--data", "mypose.data:Few", "--metric", "mypose.metric:Mine"), ("data.py", "metric.py")),
    ],
)
def test_changed_code_is_refused_by_its_name(bench, project, tmp_path, words, files):
    assert_changes_are_refused(bench, project, tmp_path, words, files)


def test_changed_code_of_a_network_is_refused(bench, project, tmp_path):
    torch.manual_seed(0)
    save_weights(TwoLayers(17), make_input_spec("small", COCO, (96, 128)), tmp_path / "own.safetensors")
    words = ("--model", f"mypose.net:build:{tmp_path / 'own.safetensors'}")
    assert_changes_are_refused(bench, project, tmp_path, words, ("net.py", "layers.py"))


def test_changed_corruption_is_not_asked_for_where_it_is_not_wanted_and_others_come_in(bench, project, tmp_path):
    assert bench(*FIND)[0] == 0
    assert bench(*FIND, *DARKEN)[0] == 0
    noted = json.loads((tmp_path / "run/run.json").read_text())["corruption_code"]
    assert list(noted["mypose.worse:darken"]) == ["mypose/worse.py", "mypose/__init__.py"]
    change(project / "mypose/worse.py")
    assert bench(*FIND)[0] == 0
    assert "corruption_code" not in json.loads((tmp_path / "run/summary.json").read_text())["provenance"]
    assert_refused(bench(*FIND, *DARKEN), "mypose/worse.py", tmp_path / "run")


def test_moved_project_goes_on(bench, project, tmp_path, monkeypatch):
    assert bench(*FIND)[0] == 0
    project.rename(tmp_path / "elsewhere")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    assert bench(*FIND)[0] == 0


@pytest.mark.parametrize("own", [True, False])
def test_run_that_an_earlier_version_began_goes_on_unless_its_code_is_unknown(bench, tmp_path, own):
    words = FIND if own else ("--model", "demo")
    assert bench(*words)[0] == 0
    path = tmp_path / "run/run.json"
    note = json.loads(path.read_text())
    note["estimator"].pop("code", None)
    del note["corruption_code"]
    path.write_text(json.dumps(note))
    code, errors = bench(*words)
    assert code == (2 if own else 0)
    if own:
        assert "mypose/model.py, or what it uses, may have changed (an earlier version did not note code)" in errors[-1]
    else:
        assert json.loads(path.read_text()) == note
        assert bench(*words, *DARKEN)[0] == 2


def test_skeleton_file_that_changed_is_refused(bench, coco_folder, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(f"sigmas: {[0.05] * 17}")
    words = (*FIND, "--skeleton", path)
    assert bench(*words)[0] == 0
    path.write_text(f"sigmas: {[0.06] * 17}")
    assert_refused(bench(*words), "mine.yaml", tmp_path / "run")


def test_results_files_are_known_one_by_one(bench, tmp_path):
    assert bench(*FIND, "--corruptions", "fog", "--severities", "1,2", out="source")[0] == 0
    folder = tmp_path / "source/predictions"
    (folder / "fog-2.json").rename(tmp_path / "later.json")
    words = ("--model", f"results:{folder}", "--corruptions", "fog", "--severities")
    assert bench(*words, "1")[0] == 0
    (tmp_path / "later.json").rename(folder / "fog-2.json")
    assert bench(*words, "1,2")[0] == 0
    (folder / "fog-2.json").write_text("[]")
    assert bench(*words, "1")[0] == 0
    assert_refused(bench(*words, "1,2"), "fog-2.json", tmp_path / "run")


def test_corrupted_set_of_somebodys_own_corruption_is_of_one_code(run, project, coco_folder, tmp_path):
    words = ("corrupt", "--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--limit", 2)
    words += (*DARKEN, "--workers", 1, "--out", tmp_path / "set")
    assert run(*words)[0] == 0
    change(project / "mypose/worse.py")
    forget_modules("mypose")
    code, _, errors = run(*words)
    assert_refused((code, errors.splitlines()), "mypose/worse.py", tmp_path / "set")


def test_runs_are_compared_without_corruptions_whose_code_differs(bench, run, project, tmp_path):
    cells = ("--corruptions", "mypose.worse:darken,contrast", "--severities", "1")
    assert bench(*FIND, *cells, out="first")[0] == 0
    change(project / "mypose/model.py")
    assert bench(*FIND, *cells, out="model")[0] == 0
    change(project / "mypose/worse.py")
    assert bench(*FIND, *cells, out="corruption")[0] == 0
    for other, n_cells in (("model", 2), ("corruption", 1)):
        code, output, errors = run("compare", tmp_path / "first", tmp_path / other, "--out", tmp_path / "compared")
        assert code == 0, errors
        rows = json.loads((tmp_path / "compared/comparison.json").read_text())["rows"]
        assert len([row for row in rows if row["kind"] == "cell"]) == n_cells
        left_out = "mypose.worse:darken is left out: mypose/worse.py was not the same in first and corruption"
        assert (left_out in " ".join(output.split())) == (n_cells == 1)
    code, output, _ = run("leaderboard", tmp_path)
    assert (code, output.count("in percent on")) == (0, 2)  # other code of a corruption, another measurement


def test_external_data_of_an_onnx_file_is_a_part_of_it(bench, onnx_file, tmp_path):
    import onnx

    def write(factor):
        model = onnx.load(str(onnx_file))
        weights = onnx.numpy_helper.to_array(model.graph.initializer[0])
        model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(factor * weights, "mix"))
        kept = {"save_as_external_data": True, "location": "m.onnx.data", "size_threshold": 0}
        onnx.save(model, str(tmp_path / "m.onnx"), **kept)

    write(1)
    graph = (tmp_path / "m.onnx").read_bytes()
    words = ("--model", f"onnx:{tmp_path / 'm.onnx'}")
    assert bench(*words)[0] == 0
    (tmp_path / "m.onnx.data").unlink()
    write(2)
    assert (tmp_path / "m.onnx").read_bytes() == graph
    assert_refused(bench(*words), "m.onnx.data", tmp_path / "run")


# Given through Python


class Wrapped:
    """An estimator of somebody's own, around a network."""

    needs_boxes = False
    skeleton = COCO

    def __init__(self, network, scale=1.0):
        self.network, self.scale = network, scale

    def predict(self, frames):
        """Find nobody."""
        from robustpose.pose.types import no_poses

        return [no_poses(frame.image_id, 17) for frame in frames]


def from_network(seed):
    torch.manual_seed(seed)
    return heatmaps.as_estimator(models.build("small"), make_input_spec("small", COCO, (96, 128)), COCO)


def linear(seed):
    torch.manual_seed(seed)
    return nn.Linear(1, 1)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (from_network, "the network's weights have changed"),
        (lambda number: Wrapped(linear(number)), "network of what is benched has changed"),
        (lambda number: Wrapped(None, number), "scale of what is benched has changed"),
        (lambda number: Wrapped(from_network(number)), "network of what is benched has changed"),
    ],
)
def test_estimator_in_memory_that_is_made_otherwise_is_refused(coco_folder, tmp_path, make, name):
    data = DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images", limit=1)

    def bench(number):
        from robustpose.pose.protocols import Estimator, adopt

        adopted = adopt(make(number), Estimator, "estimator")
        run_bench(Job(data.open, lambda skeleton: adopted, MadeImages(1), tmp_path), [CLEAN], n_resamples=0)

    bench(1)
    bench(1)
    with pytest.raises(UserError, match=f"^{name} since this run was begun"):
        bench(2)
