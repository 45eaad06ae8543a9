from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from robustpose.data.images import read_image
from robustpose.errors import UserError
from robustpose.estimators import build as build_estimator
from robustpose.models.input_spec import InputSpec
from robustpose.models.weights import save_weights
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Truth
from robustpose.train.checkpoint import read_checkpoint
from robustpose.train.loop import Progress, train
from robustpose.train.recipes import read_settings
from robustpose.train.settings import TrainSettings
from robustpose.train.strategies import STRATEGIES
from robustpose.train.views.table import VIEWS, View
from tests.runs import files_of
from tests.test_train_loop import Dots, Tiny, settings_for
from tests.training import stop_at

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[1]


class Wide(nn.Module):
    """A larger teacher of the same joints."""

    def __init__(self, n_joints: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 16, 4, 4), nn.ReLU(), nn.Conv2d(16, n_joints, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Halved(Wide):
    """A network whose heatmaps are too small."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[:, :, ::2, ::2]


@pytest.fixture(scope="module")
def first_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of `Tiny` to start from."""
    torch.manual_seed(7)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_weights(Tiny(17), InputSpec("tiny", (32, 64), COCO.joints, sigma=1.0), path)
    return path


def settings_of(strategy: str, start_from: Path | None, **changes: object) -> TrainSettings:
    """Return settings of one epoch of four steps, or of what `changes` say."""
    mixing = {"generator_width": 4, **changes.pop("mixing", {})}  # type: ignore[dict-item]
    values: dict[str, Any] = {"strategy": strategy, "epochs": 1, "mixing": mixing, "start_from": start_from}
    return settings_for(**{**values, **changes})


def same_product(some: Path, others: Path) -> bool:
    return (some / "model.safetensors").read_bytes() == (others / "model.safetensors").read_bytes()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_trains_and_draws_its_sheet(strategy: str, tmp_path: Path, first_weights: Path) -> None:
    seen: list[Progress] = []
    train(settings_of(strategy, first_weights), tmp_path, seen.append)
    losses = seen[-1].losses
    assert ("distill" in losses) == STRATEGIES[strategy].distils
    assert ("adversarial" in losses) == strategy.startswith("advmix")
    n_views = len(STRATEGIES[strategy].views)
    assert ("view0" in losses) == (n_views > 1)
    sheet = read_image(tmp_path / "sheets/epoch-001.png")
    n_columns = 2 * n_views + 1 if n_views > 1 else 1
    assert sheet.shape[1] == n_columns * 34


@pytest.mark.parametrize("strategy", ["advmix", "equalmix"])
def test_any_number_of_views_is_mixed(strategy: str, tmp_path: Path, first_weights: Path) -> None:
    names = ["clean", "autoaugment", "gridmask", "sequential", "corrupted"]
    seen: list[Progress] = []
    settings = settings_of(strategy, first_weights, mixing={"views": names, "unseen": "none"})
    train(settings, tmp_path, seen.append)
    losses = seen[-1].losses
    assert sum(losses[f"view{i}"] for i in range(5)) == pytest.approx(1, abs=1e-5)
    assert "view5" not in losses
    assert "distill" in losses
    assert read_image(tmp_path / "sheets/epoch-001.png").shape[1] == 11 * 34
    if strategy == "advmix":
        first, *_, last = read_checkpoint(tmp_path / "last.ckpt")["step"]["generator"]["network"].values()
        assert (first.shape[1], len(last)) == (3 * 5, 5)
    seen.clear()
    train(read_settings(tmp_path / "settings.yaml", trust=True), tmp_path, seen.append)
    assert not seen  # the written settings are those of the finished run


def test_stopped_run_with_four_views_ends_with_the_same_bits(tmp_path: Path, first_weights: Path) -> None:
    views = ["clean", "corrupted", "gridmask", "sequential"]
    settings = settings_of("advmix", first_weights, epochs=2, mixing={"views": views, "unseen": "none"})
    train(settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "run", stop_at(5))
    train(settings, tmp_path / "run")
    assert same_product(tmp_path / "whole", tmp_path / "run")


def test_views_of_the_settings_take_the_place_of_the_strategys(tmp_path: Path, first_weights: Path) -> None:
    for strategy, views in (("supervised", ["gridmask"]), ("gridmask", None)):
        train(settings_of(strategy, first_weights, mixing={"views": views, "unseen": "none"}), tmp_path / strategy)
    assert same_product(tmp_path / "supervised", tmp_path / "gridmask")


def test_view_of_ones_own_is_one_row(tmp_path: Path, first_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VIEWS, "negative", View("the negative", lambda of: 255 - of.crop))
    train(settings_of("equalmix", first_weights, mixing={"views": ["clean", "negative"]}), tmp_path)
    sheet = read_image(tmp_path / "sheets/epoch-001.png").astype(int)
    clean, other = sheet[28 : 28 + 64, :32], sheet[28 : 28 + 64, 34 : 34 + 32]
    np.testing.assert_array_equal(clean + other, 255)


@pytest.mark.parametrize("name", ["outside:quarters", "outside_network:half", "outside_network:learn_shares"])
def test_strategy_of_ones_own_trains_and_resumes(name: str, tmp_path: Path, first_weights: Path) -> None:
    seen: list[Progress] = []
    settings = settings_of(f"tests.{name}", first_weights, mixing={"unseen": "none"})
    train(settings, tmp_path / "whole", seen.append)
    shares = {"quarters": [0.5, 0.25, 0.125, 0.125], "half": [0.5, 0.25, 0.25], "learn_shares": [1 / 3] * 3}
    losses, expected = seen[0].losses, shares[name.rpartition(":")[2]]
    assert [losses[f"view{i}"] for i in range(len(expected))] == pytest.approx(expected)
    assert ("adversarial" in losses) == ("learn" in name)
    assert ("distill" in losses) == ("quarters" not in name)
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "run", stop_at(2))
    train(settings, tmp_path / "run")
    assert same_product(tmp_path / "whole", tmp_path / "run")
    if "learn" in name:
        assert read_checkpoint(tmp_path / "run/last.ckpt")["step"]["generator"]["network"]["logits"].any()


def test_record_of_ones_own_may_have_one_view_and_no_mixer(tmp_path: Path) -> None:
    for strategy in ("tests.outside:no_teacher", "gridmask"):
        settings = settings_of(strategy, None, mixing={"unseen": "none"})
        train(settings, tmp_path / strategy.rpartition(":")[2])
    assert same_product(tmp_path / "no_teacher", tmp_path / "gridmask")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Flagless", r"with a flag adversarial, such as GeneratorMix\(generator\), got Flagless"),
        ("Mean", r"mixer Mean must give a mix \(B, 3, h, w\) and weights \(B, 3, h, w\) .*, got Tensor"),
    ],
)
def test_what_does_not_mix_is_one_line(name: str, message: str, tmp_path: Path, first_weights: Path) -> None:
    with pytest.raises(UserError, match=message) as caught:
        train(settings_of(f"tests.outside_network:{name}", first_weights), tmp_path)
    assert "\n" not in str(caught.value)


def test_list_and_help_name_every_strategy(run: Any) -> None:
    code, listed, _ = run("list", "strategies")
    assert code == 0
    for name, strategy in STRATEGIES.items():
        assert f"{name} " in listed
        assert strategy.description in listed
    _, explained, _ = run("train", "--help")
    assert all(name in explained for name in STRATEGIES)
    _, listed, _ = run("list", "views")
    assert all(name in listed for name in VIEWS)


def test_strategies_start_alike_and_end_differently(tmp_path: Path, first_weights: Path) -> None:
    ends = []
    for strategy in STRATEGIES:
        train(settings_of(strategy, first_weights), tmp_path / strategy)
        ends.append((tmp_path / strategy / "model.safetensors").read_bytes())
    assert len(set(ends)) == len(ends)


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_stopped_run_ends_with_the_same_student_generator_and_teacher(
    update: str, tmp_path: Path, first_weights: Path
) -> None:
    settings = settings_of("advmix", first_weights, epochs=3, ema=0.9, mixing={"update": update})
    train(settings, tmp_path / "whole")
    for step in (1, 5, 7, 12):
        with pytest.raises(KeyboardInterrupt):
            train(settings, tmp_path / f"{step}", stop_at(step))
        train(settings, tmp_path / f"{step}")
        assert files_of(tmp_path / f"{step}") == files_of(tmp_path / "whole")


def test_teacher_of_a_resumed_run_is_the_one_it_had_and_another_one_is_refused(
    tmp_path: Path, first_weights: Path
) -> None:
    settings = settings_of("advmix", tmp_path / "start.safetensors", epochs=2)
    (tmp_path / "start.safetensors").write_bytes(first_weights.read_bytes())
    train(settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "run", stop_at(5))
    torch.manual_seed(1)  # the file changes while the run is down
    save_weights(Tiny(17), InputSpec("tiny", (32, 64), COCO.joints), tmp_path / "start.safetensors")
    with pytest.raises(UserError, match=r"^start\.safetensors has changed since this run was begun"):
        train(settings, tmp_path / "run")
    (tmp_path / "start.safetensors").write_bytes(first_weights.read_bytes())
    train(settings, tmp_path / "run")
    assert same_product(tmp_path / "whole", tmp_path / "run")


def test_killed_process_goes_on_with_the_same_bits(tmp_path: Path, first_weights: Path) -> None:
    settings = settings_of("advmix", first_weights, epochs=3)
    train(settings, tmp_path / "whole")
    code = (
        "import sys\nfrom pathlib import Path\nfrom tests import test_strategies as t\n"
        "settings = t.settings_of('advmix', Path(sys.argv[2]), epochs=3)\n"
        "t.train(settings, Path(sys.argv[1]), lambda p: print(p.step, flush=True))\n"
    )
    for step in ("2", "6", "9"):  # one after the other in one run
        command = [sys.executable, "-c", code, str(tmp_path / "run"), str(first_weights)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == step:
                break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    train(settings, tmp_path / "run")
    assert same_product(tmp_path / "whole", tmp_path / "run")


def test_larger_teacher_has_its_own_network_and_weights(tmp_path: Path, first_weights: Path) -> None:
    torch.manual_seed(0)
    save_weights(Wide(17), InputSpec("wide", (32, 64), COCO.joints), tmp_path / "wide.safetensors")
    teacher = {"model": f"{__name__}:Wide", "weights": tmp_path / "wide.safetensors"}
    train(settings_of("distill", first_weights, teacher=teacher), tmp_path / "large")
    train(settings_of("distill", first_weights), tmp_path / "same")
    assert not same_product(tmp_path / "large", tmp_path / "same")
    assert "layers.0.weight" in read_checkpoint(tmp_path / "large/last.ckpt")["step"]["teacher"]


def test_without_distillation_no_teacher_is_needed(tmp_path: Path) -> None:
    seen: list[Progress] = []
    train(settings_of("advmix", None, mixing={"alpha": 0}), tmp_path, seen.append)
    assert "distill" not in seen[-1].losses


@pytest.mark.parametrize(
    ("strategy", "changes", "message"),
    [
        ("advmix", {}, r"learns from a teacher.*start_from \(--init FILE\)"),
        ("supervised", {"teacher": {"weights": "x"}}, "strategy 'supervised' has no teacher"),
        ("advmix", {"teacher": {"model": "small"}}, "teacher 'small' needs teacher.weights"),
        ("mixup", {}, r"unknown strategy 'mixup'.*: expected one of advmix, .*, or package\.module:attr"),
        ("advmix", {"mixing": {"views": ["clean", "gridmsk"]}}, r"unknown view 'gridmsk' \(did you mean 'gridmask'"),
        ("advmix", {"mixing": {"views": ["gridmask", "clean"]}}, "must begin with 'clean', got gridmask, clean"),
        ("distill", {"mixing": {"views": ["gridmask"]}}, "'distill' must begin with 'clean', got gridmask"),
        ("equalmix", {"mixing": {"views": ["clean", "clean"]}}, "one view or more, each once, got clean, clean"),
        ("equalmix", {"mixing": {"views": []}}, "one view or more, each once, got none"),
        ("supervised", {"mixing": {"views": ["clean", "gridmask"]}}, "'supervised' mixes nothing.*clean, gridmask"),
        (
            "sequentialmix",
            {"mixing": {"views": ["clean", "gridmask", "sequential"]}},
            "the student learns from one view beside the clean one that the teacher sees",
        ),
        ("tests.outside:no_such_view", {}, "unknown view 'mirror'"),
        ("tests.outside:not_callable", {}, "is of type int: expected a Strategy, a mixer"),
        ("tests.outside:gone", {}, "has no 'gone'"),
        ("advmix", {"mixing": {"alfa": 1}}, r"unknown key 'mixing\.alfa' \(did you mean 'mixing\.alpha'\?\)"),
        ("advmix", {"mixing": {"generator_scale": 3}}, "generator_scale must be 1, 2 or 4"),
        ("supervised", {"backbone": "x", "start_from": "y"}, "start_from brings all weights"),
    ],
)
def test_settings_that_contradict_are_one_line(strategy: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        settings_of(strategy, changes.pop("start_from", None), **changes)
    assert "\n" not in str(caught.value)


def test_teacher_that_does_not_fit_is_one_line(tmp_path: Path, first_weights: Path) -> None:
    for name, expected in (
        ("Wide", r"does not fit Wide: .* of another shape"),
        ("Halved", r"teacher .*Halved must give heatmaps \(1, 17, 16, 8\) of crops .*, got \(1, 17, 8, 4\)"),
    ):
        network = {"Wide": Wide, "Halved": Halved}[name](16 if name == "Wide" else 17)
        save_weights(network, InputSpec("x", (32, 64), COCO.joints), tmp_path / "x.safetensors")
        teacher = {"model": f"{__name__}:{name}", "weights": tmp_path / "x.safetensors"}
        with pytest.raises(UserError, match=expected):
            train(settings_of("advmix", first_weights, teacher=teacher), tmp_path / name)


def test_student_whose_heatmaps_have_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"network .*Halved must give heatmaps"):
        train(settings_of("supervised", None, model=f"{__name__}:Halved"), tmp_path)


def test_sync_batch_norm_of_one_process_changes_nothing_and_half_precision_is_for_gpus(tmp_path: Path) -> None:
    engine = {"accelerator": "cpu", "threads": 1}
    for name, more in (("plain", {}), ("sync", {"sync_batch_norm": True})):
        train(settings_of("supervised", None, epochs=1, engine={**engine, **more}), tmp_path / name)
    assert same_product(tmp_path / "plain", tmp_path / "sync")
    with pytest.raises(UserError, match="16-mixed is for GPUs"):
        train(settings_of("supervised", None, engine={**engine, "precision": "16-mixed"}), tmp_path / "half")


def test_bf16_and_clipping_and_parts_run_and_resume(tmp_path: Path, first_weights: Path) -> None:
    engine = {"accelerator": "cpu", "threads": 1, "precision": "bf16-mixed"}
    settings = settings_of("advmix", first_weights, epochs=2, engine=engine, clip=0.1, accumulate=2)
    train(settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "run", stop_at(6))
    train(settings, tmp_path / "run")
    assert same_product(tmp_path / "whole", tmp_path / "run")


def test_tensorboard_gets_losses_and_figures(tmp_path: Path, first_weights: Path) -> None:
    engine = {"accelerator": "cpu", "threads": 1, "tensorboard": True}
    train(settings_of("advmix", first_weights, engine=engine), tmp_path)
    content = b"".join(path.read_bytes() for path in (tmp_path / "tensorboard").iterdir())
    for name in (b"step/adversarial", b"epoch/heatmap", b"epoch/AP", b"lr"):
        assert name in content


class Normless(nn.Module):
    """Without batch norm and dropout: two processes with half a batch each do what one does with the whole."""

    def __init__(self, n_joints: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.ReLU(), nn.Conv2d(8, n_joints, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class OddDots(Dots):
    """One person less, so that the last batch cannot be shared evenly."""

    def truth(self, index: int) -> Truth:
        truth = super().truth(index)
        return replace(truth, crowd=np.array([False, index == 3]))


def shared_settings(devices: int, start_from: Path, update: str, batch_size: int, accumulate: int) -> TrainSettings:
    """Return settings of two epochs on OddDots, in so many processes."""
    return settings_of(
        "advmix",
        start_from,
        model="tests.test_strategies:Normless",
        train_data={"name": "tests.test_strategies:OddDots"},
        engine={"accelerator": "cpu", "threads": 1, "devices": devices},
        epochs=2,
        batch_size=batch_size,
        lr=1e-3,
        accumulate=accumulate,
        # Whom the teacher takes is drawn by each process.
        mixing={"update": update, "alpha": 0 if update == "simultaneous" else 0.1},
    )


# The last batches have 3 crops, of which one process has two, in two parts, and the other one; and a single one.
@pytest.mark.parametrize("batches", [("alternating", 4, 2), ("simultaneous", 10, 1)], ids=lambda batches: batches[0])
def test_two_processes_have_the_losses_of_one_with_the_whole_batch(
    batches: tuple[str, int, int], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    start = tmp_path / "x.safetensors"
    save_weights(Normless(17), InputSpec("x", (32, 64), COCO.joints), start)
    train(shared_settings(1, start, *batches), tmp_path / "1")
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom tests import test_strategies as t\n"
        f"t.train(t.shared_settings(2, Path(sys.argv[1]), *{batches}), Path(sys.argv[2]))\n"
    )
    command, environment = [sys.executable, script, start, tmp_path / "2"], {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    one, two = (
        [json.loads(line) for line in (tmp_path / devices / "log.jsonl").read_text().splitlines()] for devices in "12"
    )
    assert len(one) == len(two) == 2
    for alone, together in zip(one, two, strict=True):
        for name, loss in alone["losses"].items():
            assert together["losses"][name] == pytest.approx(loss, rel=2e-3), name


def test_product_is_benched_from_both_files(tmp_path: Path, first_weights: Path) -> None:
    train(settings_of("advmix", first_weights), tmp_path)
    spec = f"tests.test_train_loop:Tiny:{tmp_path / 'model.safetensors'}"
    frames = [Dots().frame(0)]
    poses = build_estimator(spec, COCO, {}).predict(frames)
    assert poses[0].xy.shape[1:] == (17, 2)
    tensors = torch.load(tmp_path / "model.pth", weights_only=True)
    assert set(tensors) == set(Tiny(17).state_dict())


def test_command_line_replaces_data_strategy_and_start(tmp_path: Path) -> None:
    recipe = "advmix/mobilenet_v2"
    data = {"train_data": {"annotations": Path("people.json"), "images": Path("images")}}
    settings = read_settings(recipe, ["start_from=x.pth", "strategy=equalmix", "seed=3"], data)
    assert (settings.strategy, settings.seed, settings.start_from) == ("equalmix", 3, Path("x.pth"))
    assert (settings.train_data.annotations, settings.train_data.root) == (Path("people.json"), None)
    assert settings.val_data.split == "val2017"
    data["train_data"]["images"] = None
    with pytest.raises(UserError, match=r"train_data: annotations .* came without images"):
        read_settings(recipe, ["start_from=x.pth"], data)


@pytest.mark.parametrize("name", ["toy", "toy_crowds", "toy_fields", "mobilenet_v2"])
def test_recipes_are_valid(name: str) -> None:
    settings = read_settings(f"advmix/{name}", ["start_from=x.pth"])
    assert settings.strategy == "advmix"
    assert settings.mixing.distill_on == "clean"


def test_root_takes_the_place_of_a_recipes(tmp_path: Path) -> None:
    settings = read_settings("mobilenet_v2", root=tmp_path)
    assert settings.train_data.root == settings.val_data.root == tmp_path


@pytest.mark.filterwarnings("ignore:.* images of val_data are learned from")
def test_train_command_hardens_on_coco_files(run: Any, coco_folder: Path, tmp_path: Path) -> None:
    words = ["--recipe", "advmix/toy", "--out", tmp_path / "run"]
    words += ["--init", "demo"]
    for prefix in ("", "val-"):
        words += [f"--{prefix}annotations", coco_folder / "people.json"]
    words += ["--images", coco_folder / "images", "--strategy", "equalmix", "--set", "epochs=1", "--set", "decay_at=[]"]
    code, output, errors = run("train", *words, "--set", "batch_size=4", "--set", "engine.workers=0")
    assert code == 0, errors
    assert "AP " in output
    assert "APL –" in output  # nobody is large
    assert "model.pth" in output
    code, _, errors = run("train", *words[:4], "--strategy", "advmixx")
    assert code == 2
    assert "unknown strategy 'advmixx' (did you mean 'advmix'?)" in errors
