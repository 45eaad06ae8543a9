"""Identity of a training: it goes on only with the data, weights and code that it was begun with."""

import json
import shutil
import sys

import pytest

from robustpose import UserError
from robustpose.fresh import StartOver
from robustpose.train.checkpoint import read_checkpoint, write_checkpoint
from robustpose.train.loop import train
from robustpose.train.settings import make_settings
from tests.runs import files_of, forget_modules
from tests.training import stop_at

MODULES = {
    "mytraining/__init__.py": "",
    "mytraining/net.py": "from mytraining.layers import build\n",
    "mytraining/layers.py": "from tests.outside_network import TwoLayers as build\n",
    "mytraining/mix.py": "from robustpose.train.mixing import EqualMix\nclass Mine(EqualMix): pass\n",
    "mytraining/data.py": "from tests.outside import Squares as Mine\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch, coco_folder):
    """A folder with somebody's modules, data and first weights."""
    root = tmp_path / "project"
    shutil.copytree(coco_folder, root / "data")
    for name, text in MODULES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.syspath_prepend(root)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield root
    forget_modules("mytraining")


def describe(root, **changes):
    files = {"annotations": root / "data/people.json", "images": root / "data/images"}
    values = {
        "model": "mytraining.net:build", "input_wh": (64, 64), "train_data": files,
        "val_data": {"name": "toy", "n_images": 1},
        "epochs": 1, "batch_size": 4, "decay_at": [], "checkpoint_every": 1, "sheet_people": 0,
        "engine": {"accelerator": "cpu", "threads": 1},
    }  # fmt: skip
    return make_settings({**values, **changes})


def begin(settings, out):
    with pytest.raises(KeyboardInterrupt):
        train(settings, out, stop_at(2))


@pytest.fixture
def start(project):
    """Weights to start from, which a finished run has made."""
    return train(describe(project), project / "start")


def append(path):
    path.write_bytes(path.read_bytes() + b"\n ")


def other_weights(path):
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    save_file({name: tensor + 1 for name, tensor in load_file(path).items()}, path, metadata)


CHANGES = [
    ("mytraining/layers.py", append, "mytraining/layers.py has changed"),
    ("mytraining/mix.py", append, "mytraining/mix.py has changed"),
    ("data/people.json", append, "people.json has changed"),
    ("data/images/000001.jpg", append, "the image files have changed"),
    ("start/model.safetensors", other_weights, "model.safetensors has changed"),
]


def test_change_between_stop_and_start_is_refused_by_name(project, start):
    settings = describe(project, start_from=start, strategy="mytraining.mix:Mine")
    begin(settings, project / "run")
    before = files_of(project / "run")
    hint = "choose another --out, or start over with --fresh"
    for name, change, message in CHANGES:
        content = (project / name).read_bytes()
        change(project / name)
        with pytest.raises(UserError) as error:
            train(settings, project / "run")
        assert str(error.value) == f"{message} since this run was begun ({project / 'run'}): {hint}"
        assert files_of(project / "run") == before
        (project / name).write_bytes(content)
    told = []
    train(settings, project / "run", fresh=StartOver(told.append))
    assert told == [f"started over: 1 file of training removed from {project / 'run'}"]


def test_project_that_was_moved_goes_on_to_the_same_bits(project, tmp_path, start, monkeypatch):
    moved = tmp_path / "elsewhere"
    whole = train(describe(project, start_from=start), tmp_path / "whole")
    begin(describe(project, start_from=start), project / "run")
    project.rename(moved)
    forget_modules("mytraining")
    monkeypatch.syspath_prepend(moved)
    product = train(describe(moved, start_from=moved / "start/model.safetensors"), moved / "run")
    assert product.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("model", ["small", "mytraining.net:build"])
def test_run_that_an_earlier_version_began_goes_on_unless_its_code_is_unknown(project, model):
    settings = describe(project, model=model)
    begin(settings, project / "run")
    last = project / "run/last.ckpt"
    state = read_checkpoint(last)
    assert json.dumps(state.pop("inputs"))
    write_checkpoint(state, last)
    if model == "small":
        train(settings, project / "run")
        return
    with pytest.raises(UserError, match=r"^mytraining/net\.py, or what it uses, may have changed \(an earlier"):
        train(settings, project / "run")


def test_data_of_somebodys_own_are_known_by_their_code_and_what_they_give(project):
    settings = describe(
        project, train_data={"name": "mytraining.data:Mine"}, val_data={"name": "tests.outside:Squares"}, batch_size=2
    )
    train(settings, project / "run")
    inputs = read_checkpoint(project / "run/last.ckpt")["inputs"]
    assert next(iter(inputs["train_data"]["code"])) == "mytraining/data.py"
    assert len(inputs["val_data"]["annotated_sha256"]) == 64


def test_fresh_leaves_what_is_not_of_the_training(project, start):
    out = start.parent
    (out / "notes.txt").write_text("mine")
    (out / "sheets").mkdir()
    (out / "sheets/mine.png").write_text("mine")
    train(describe(project, lr=0.1), out, fresh=StartOver(print))
    assert {"notes.txt", "sheets/mine.png", "model.safetensors"} <= set(files_of(out))
    with pytest.raises(UserError, match=r"--fresh would remove .*model\.safetensors, which this command reads"):
        train(describe(project, start_from=start), out, fresh=StartOver(print, [start]))
    (out / "settings.yaml").write_text("seed: 1")
    (out / "last.ckpt").unlink()
    with pytest.raises(UserError, match="is not that of a training: choose another --out; nothing was removed"):
        train(describe(project, lr=0.1), out, fresh=StartOver(print))
    assert start.is_file()
