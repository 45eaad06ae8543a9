from __future__ import annotations

import copy
import json
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from robustpose.errors import NotFinite, UserError
from robustpose.train.advmix import AdvMixStep
from robustpose.train.checkpoint import find_difference, read_checkpoint, resume
from robustpose.train.divergence import check_losses, check_state, telling_divergence
from robustpose.train.identity import describe_inputs
from robustpose.train.loop import train
from robustpose.train.steps import Step
from tests.test_train_loop import Tiny, settings_for
from tests.training import stop_at, train_and_note

pytestmark = pytest.mark.usefixtures("one_thread")

HERE = __name__
SETTINGS = settings_for(epochs=2, evaluate_every=1)
INPUTS = describe_inputs(SETTINGS, SETTINGS.train_data.open(), SETTINGS.val_data.open())
N_BATCHES = 4
State = dict[str, Any]


class _NoScaler:
    """The state of a precision that has none."""

    def load_state_dict(self, state: State) -> None:
        pass


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that nothing interrupted."""
    return train_and_note(SETTINGS, tmp_path_factory.mktemp("runs") / "whole")[0]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was stopped after its first epoch."""
    folder = tmp_path_factory.mktemp("runs") / "stopped"
    with pytest.raises(KeyboardInterrupt):
        train(SETTINGS, folder, stop_at(6))
    return folder


@pytest.fixture
def folder(stopped: Path, tmp_path: Path) -> Path:
    """Return a copy of a run that was stopped after its first epoch."""
    shutil.copytree(stopped, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(scope="module")
def step() -> Step:
    """Return a step such as the run's."""
    return AdvMixStep(Tiny(17))


def assert_refused(path: Path, step: Step, reason: str) -> None:
    before = copy.deepcopy(step.state())
    with pytest.raises(UserError, match=reason) as caught:
        resume(path, SETTINGS, INPUTS, step, _NoScaler(), N_BATCHES)
    assert str(caught.value).startswith(f"cannot read checkpoint {path} (")
    assert "delete it to start anew" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not find_difference(before, step.state())
    assert all(torch.equal(a, b) for a, b in zip(_tensors(before), _tensors(step.state()), strict=True))


def _tensors(state: State) -> list[torch.Tensor]:
    return list(state["student"]["network"].values())


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def _flip_a_bit_of_a_weight(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


class _Evil:
    def __reduce__(self) -> Any:
        return subprocess.run, (["touch", "ran"],)


def _claim_a_terabyte(path: Path) -> None:
    with zipfile.ZipFile(path) as old:
        members = [(info.filename, old.read(info)) for info in old.infolist()]
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members:
            new.writestr(name, content)
        next(info for info in new.filelist if "/data/" in info.filename).file_size = 1 << 40


def _compress(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("archive/data.pkl", bytes(1 << 20))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_bytes(b""), "it is empty"),
        (lambda path: path.write_bytes(b"half of"), "it is cut off, damaged or none"),
        (_cut, "it is cut off, damaged or none"),
        (_flip_a_bit_of_a_weight, "it is damaged"),
        (_make_folder, "it is no file"),
        (lambda path: path.write_bytes(pickle.dumps(_Evil())), "it is cut off, damaged or none"),
        (lambda path: torch.save({"settings": _Evil()}, path), "it is cut off, damaged or none, UnpicklingError"),
        (_claim_a_terabyte, "it says that it holds more than its bytes"),
        (_compress, "it is compressed"),
        (lambda path: torch.save([1], path), "it lacks settings, at, step, precision"),
        (lambda path: torch.save({"at": {}, "step": {}}, path), "it lacks settings, precision"),
    ],
)
def test_file_that_is_no_checkpoint_is_one_line(
    damage: Callable[[Path], Any], reason: str, folder: Path, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    damage(folder / "last.ckpt")
    assert_refused(folder / "last.ckpt", step, reason)
    assert not (folder / "ran").exists()


def put(*keys: Any, value: Any) -> Callable[[State], None]:
    """Return a change of a state that puts a value somewhere."""

    def change(state: State) -> None:
        for key in keys[:-1]:
            state = state[key]
        state[keys[-1]] = value(state[keys[-1]]) if callable(value) else value

    return change


NETWORK = ("step", "student", "network")
WEIGHT = "layers.0.weight"
MOMENTS = ("step", "student", "optimizer", "state")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("settings", value=5), "its settings must be a group"),
        (put("settings", "train_data", value=None), r"its settings: train_data must be a group"),
        (put("settings", "train_data", "name", value=[1]), r"its settings: train_data\.name must be text"),
        (lambda state: state["settings"].pop("lr") and state["settings"].pop("model"), "'model' is missing"),
        (
            lambda state: state.update(version="9.9") or state["settings"].update(new=1),
            r"unknown key 'new'.* \(robustpose 9\.9 wrote it\)",
        ),
        (put("at", value=None), "it does not say where the run was"),
        (put("at", value={}), r"it does not say where the run was \(epoch, step, totals, best\)"),
        (put("at", "epoch", value=-1), r"it does not say where the run was \(epoch\)"),
        (put("at", "epoch", value=True), r"it does not say where the run was \(epoch\)"),
        (put("at", "best", value=float("nan")), r"it does not say where the run was \(best"),
        (put("at", "totals", value={"loss": "x"}), r"it does not say where the run was \(totals"),
        (put("at", "epoch", value=3), "it is of epoch 4, step 0, but the run has 2 epochs of 4 steps"),
        (put("at", "step", value=5), "it is of epoch 2, step 5, but the run has 2 epochs of 4 steps"),
        (put("at", "log", value=["{}"] * 2), "it has the log of 2 epochs, but 1 are done"),
        (put("step", value=[1]), "the state must be a group, got list"),
        (put("step", value={}), "the state lacks student"),
        (put("step", "teacher", value={}), "the state has teacher, which is unknown"),
        (lambda state: state["step"]["student"]["network"].pop(WEIGHT).sum(), f"network lacks {WEIGHT}"),
        (put(*NETWORK, "more", value=torch.zeros(1)), r"student\.network has more, which is unknown"),
        (
            put(*NETWORK, WEIGHT, value=torch.zeros(1).expand(10**6, 10**6)),
            r"layers\.0\.weight must be \(8, 3, 4, 4\) of float32, got \(1000000, 1000000\) of float32; has the net",
        ),
        (put(*NETWORK, WEIGHT, value=lambda weight: weight.double()), r"of float32, got \(8, 3, 4, 4\) of float64"),
        (put(*NETWORK, WEIGHT, value=5), r"must be \(8, 3, 4, 4\) of float32, got int"),
        (put(*NETWORK, WEIGHT, value=lambda weight: weight / 0), r"student\.network\.layers\.0\.weight is not finite"),
        (put(*MOMENTS, value=None), "optimizer.state must be a group, got NoneType"),
        (put(*MOMENTS, 99, value={}), r"optimizer\.state has 99, which is unknown"),
        (put(*MOMENTS, 0, value={}), r"optimizer\.state\.0 lacks step"),
        (put(*MOMENTS, 0, "exp_avg", value=torch.zeros(2)), r"state\.0\.exp_avg must be \(8, 3, 4, 4\)"),
        (put(*MOMENTS, 0, "exp_avg", value=lambda moment: moment / 0), r"state\.0\.exp_avg is not finite"),
    ],
)
def test_checkpoint_is_compared_before_anything_is_taken_over(
    change: Callable[[State], Any], reason: str, folder: Path, step: Step
) -> None:
    state = read_checkpoint(folder / "last.ckpt")
    change(state)
    torch.save(state, folder / "last.ckpt")
    assert_refused(folder / "last.ckpt", step, reason)


def test_run_starts_anew_once_its_damaged_checkpoint_is_deleted(folder: Path, whole: Path) -> None:
    (folder / "last.ckpt").write_bytes(b"")
    with pytest.raises(UserError, match=r"--init .*best\.safetensors begins with what was learned"):
        train(SETTINGS, folder)
    (folder / "last.ckpt").unlink()
    train(SETTINGS, folder)
    for name in ("model.safetensors", "best.safetensors", "log.jsonl"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize(
    "content", [None, b"", b'{"epoch": 1, "st', b"\xff\xfe\n", b'[1]\n"a"\n5\n{"epoch": "x"}\n', b"[" * 10_000]
)
def test_log_is_written_anew_from_the_checkpoint(content: bytes | None, folder: Path, whole: Path) -> None:
    (folder / "log.jsonl").unlink()
    if content is not None:
        (folder / "log.jsonl").write_bytes(content)
    train(SETTINGS, folder)
    assert (folder / "log.jsonl").read_bytes() == (whole / "log.jsonl").read_bytes()


@pytest.mark.parametrize("content", [b'{"epoch": 1, "st', b"\xff\xfe\n", b'[1]\n"a"\n5\n', b"[" * 10_000])
def test_damaged_log_of_a_run_of_0_1_0_is_told_and_does_not_stop_it(content: bytes, folder: Path) -> None:
    state = read_checkpoint(folder / "last.ckpt")
    del state["at"]["log"], state["version"]
    torch.save(state, folder / "last.ckpt")
    (folder / "log.jsonl").write_bytes(content)
    with pytest.warns(UserWarning, match=r"log\.jsonl lacks the losses and figures of epoch 1"):
        train(SETTINGS, folder)
    assert [json.loads(line)["epoch"] for line in (folder / "log.jsonl").read_text().splitlines()] == [2]


@pytest.mark.parametrize("content", [None, b"half"])
def test_lost_best_weights_are_told_and_those_of_later_epochs_kept(content: bytes | None, folder: Path) -> None:
    (folder / "best.safetensors").unlink()
    if content is not None:
        (folder / "best.safetensors").write_bytes(content)
    with pytest.warns(UserWarning, match="the best weights so far are lost"):
        train(SETTINGS, folder)
    assert (folder / "best.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


# Divergence


def test_weights_that_break_in_the_last_step_of_an_epoch_are_not_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = AdvMixStep.__call__

    def break_weights(self: AdvMixStep, *given: Any) -> Any:
        losses = update(self, *given)
        break_weights.n += 1  # type: ignore[attr-defined]
        if break_weights.n == 4:  # type: ignore[attr-defined]
            self.network.layers[0].weight.data[0] = float("nan")  # type: ignore[union-attr,index]
        return losses

    break_weights.n = 0  # type: ignore[attr-defined]
    monkeypatch.setattr(AdvMixStep, "__call__", break_weights)
    message = r"^training has diverged: student\.network\.layers\.0\.weight is not finite at step 4; .*last\.ckpt holds"
    with pytest.raises(UserError, match=message):
        train(settings_for(evaluate_every=1, checkpoint_every=3), tmp_path)
    assert not (tmp_path / "best.safetensors").exists()
    assert read_checkpoint(tmp_path / "last.ckpt")["at"]["step"] == 3


class OverflowsInEvaluation(Tiny):
    """A network of finite weights whose outputs are not, once it is evaluated."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = super().forward(x)
        return outputs if self.training or not x.any() else outputs * 1e38 * 1e38


def test_values_that_break_in_the_evaluation_are_the_same_message(tmp_path: Path) -> None:
    message = r"^training has diverged: model '.*Overflows.*' gives values that are not finite at step 4; there is no"
    with pytest.raises(UserError, match=message):
        train(settings_for(model=f"{HERE}:OverflowsInEvaluation", evaluate_every=1, checkpoint_every=9), tmp_path)


def test_data_that_are_not_finite_are_not_called_divergence() -> None:
    with pytest.raises(UserError, match=r"^train_data gives values that are not finite \(target\)") as caught:
        check_losses({"loss": float("nan")}, {"target": torch.tensor([float("nan")])})
    assert not isinstance(caught.value, NotFinite)
    with pytest.raises(NotFinite, match=r"^loss is inf$"):
        check_losses({"loss": float("inf"), "heatmap": 1.0}, {"target": torch.zeros(1)})


def test_state_is_looked_through_to_its_depth(tmp_path: Path) -> None:
    check_state({"a": [{"b": (torch.ones(2), 3, "x", None, torch.tensor(5))}]})
    message = r"^training has diverged: a\.b is not finite at step 7; there is no checkpoint yet: try a lower lr than"
    with pytest.raises(UserError, match=message), telling_divergence(7, 0.1, tmp_path / "last.ckpt"):
        check_state({"a": {"b": [1.0, float("nan")]}})


def test_exception_in_the_middle_of_a_checkpoint_leaves_the_old_one_and_the_process(tmp_path):
    words = """
import sys
from pathlib import Path
import torch
from robustpose.train.checkpoint import write_checkpoint

path = Path(sys.argv[1])
write_checkpoint({"a": torch.zeros(9)}, path)
before = path.read_bytes()

def interrupt(frame, event, called):
    if event == "c_call" and getattr(called, "__name__", "") == "write_end_of_file":
        raise RuntimeError("a child has ended")

sys.setprofile(interrupt)
try:
    write_checkpoint({"a": torch.ones(9)}, path)
except RuntimeError as error:
    sys.setprofile(None)
    assert str(error) == "a child has ended"
else:
    sys.exit("nothing was raised")
assert path.read_bytes() == before and [path] == list(path.parent.iterdir())
"""
    done = subprocess.run([sys.executable, "-c", words, tmp_path / "last.ckpt"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
