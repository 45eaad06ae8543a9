from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from robustpose.errors import UserError
from robustpose.models.input_spec import InputSpec
from robustpose.models.small import SmallNet
from robustpose.models.weights import read_weights
from robustpose.pose.skeletons import COCO, Skeleton
from robustpose.pose.types import Frame, Truth
from robustpose.train.advmix import AdvMixStep
from robustpose.train.batches import Batches, Sharing
from robustpose.train.checkpoint import read_checkpoint, write_checkpoint
from robustpose.train.heatmaps import PersonCrops
from robustpose.train.loop import Progress, train
from robustpose.train.recipes import read_settings
from robustpose.train.samples import CropSource
from robustpose.train.seeding import make_rng, make_torch_seed
from robustpose.train.settings import TrainSettings, make_settings
from robustpose.train.settings_groups import AugmentSettings
from tests.runs import files_of
from tests.training import stop_at, train_and_note

pytestmark = pytest.mark.usefixtures("one_thread")

INPUT_SPEC = InputSpec("tiny", (32, 64), COCO.joints, sigma=1.0)


class Dots:
    """Two people per picture, each 17 coloured dots: what the real datasets look like, in microseconds."""

    skeleton = COCO
    metric = "coco_ap"
    seed = 0

    def __len__(self) -> int:
        return 6

    def frame(self, index: int) -> Frame:
        return Frame(index, lambda: self._draw(index), self.truth(index).boxes)

    def truth(self, index: int) -> Truth:
        rng = np.random.default_rng(self.seed + index)
        xy = rng.uniform([[[5, 5]], [[55, 5]]], [[[45, 95]], [[95, 95]]], (2, 17, 2))
        boxes = np.array([[5.0, 5, 45, 95], [55, 5, 95, 95]])
        return Truth(index, xy, np.full((2, 17), 2), np.full(2, 3600.0), boxes, np.zeros(2, bool))

    def _draw(self, index: int) -> np.ndarray:
        image = np.full((100, 100, 3), 90, np.uint8)
        for joint, places in enumerate(np.rint(self.truth(index).xy).astype(int).swapaxes(0, 1)):
            for x, y in places:
                image[y - 2 : y + 3, x - 2 : x + 3] = np.random.default_rng(joint).integers(0, 256, 3)
        return image


class OtherDots(Dots):
    """Other pictures of the same kind."""

    seed = 100


class Tiny(nn.Module):
    """A network with batch norm and dropout, so that resuming has something to get wrong."""

    def __init__(self, n_joints: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 4, 4), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2), nn.Conv2d(8, n_joints, 3, 1, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def settings_for(**changes: object) -> TrainSettings:
    values = {
        "model": f"{__name__}:Tiny",
        "input_wh": [32, 64],
        "sigma": 1.0,
        "train_data": {"name": f"{__name__}:Dots"},
        "val_data": {"name": f"{__name__}:OtherDots"},
        "epochs": 3,
        "batch_size": 3,
        "lr": 0.01,
        "decay_at": [2],
        "evaluate_every": 2,
        "checkpoint_every": 3,
        "engine": {"accelerator": "cpu", "threads": 1},
    }
    return make_settings(values | changes)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Progress]]:
    """Return the folder of a run that nothing interrupted, and what it reported."""
    return train_and_note(settings_for(), tmp_path_factory.mktemp("runs") / "finished")


def test_loss_on_a_fixed_batch_falls() -> None:
    step = AdvMixStep(SmallNet(17))
    crops = PersonCrops(CropSource(Dots(), INPUT_SPEC, seed=0), AugmentSettings())
    batch = next(iter(torch.utils.data.DataLoader(crops, batch_sampler=[[(0, person) for person in range(8)]])))
    batch = crops.prepare(batch)
    assert batch["views"].shape == (8, 1, 3, 64, 32)
    assert batch["target"].shape == (8, 17, 16, 8)
    assert batch["weight"].shape == (8, 17, 1)
    losses = [step(batch)["loss"].item() for _ in range(15)]
    assert losses[-1] < 0.7 * losses[0]


def test_crop_depends_on_seed_epoch_and_person_only() -> None:
    def views(seed: int, epoch: int, person: int, cache_mb: int = 0) -> Tensor:
        return PersonCrops(CropSource(Dots(), INPUT_SPEC, seed, cache_mb), AugmentSettings())[epoch, person]["crops"]

    used = PersonCrops(CropSource(Dots(), INPUT_SPEC, 0, cache_mb=1), AugmentSettings())
    for person in range(len(used)):
        used[0, person]
    assert torch.equal(used[1, 2]["crops"], views(0, 1, 2))
    assert not torch.equal(views(0, 1, 2), views(0, 2, 2))
    assert not torch.equal(views(0, 1, 2), views(1, 1, 2))


def test_mirrored_person_has_its_joints_renamed() -> None:
    still = {"rotation": 0, "scale": 0, "half_body_probability": 0}
    source = CropSource(Dots(), INPUT_SPEC, 0)
    plain = PersonCrops(source, AugmentSettings(**still, mirror_probability=0))[0, 0]["target"]
    mirrored = PersonCrops(source, AugmentSettings(**still, mirror_probability=1))[0, 0]["target"]
    columns, rows = plain.amax(1).argmax(1), plain.amax(2).argmax(1)
    order = list(COCO.flip_order)
    # Crop column x becomes w - x, so a heatmap column c becomes 8 - c, or one more or less by rounding.
    assert (mirrored.amax(1).argmax(1) - (8 - columns[order])).abs().max() <= 1
    assert torch.equal(mirrored.amax(2).argmax(1), rows[order])


def test_crowds_and_people_without_joints_are_left_out() -> None:
    class Few(Dots):
        def truth(self, index: int) -> Truth:
            full = super().truth(index)
            visible, crowd = full.visible.copy(), full.crowd.copy()
            visible[0, :] = 0 if index == 0 else 2
            crowd[1] = index == 1
            return Truth(full.image_id, full.xy, visible, full.area, full.boxes, crowd)

    assert len(PersonCrops(CropSource(Few(), INPUT_SPEC, 0), AugmentSettings())) == 10


def test_every_epoch_shuffles_all_people_in_its_own_order() -> None:
    batches = Batches(n_samples=12, batch_size=4, seed=0)
    epochs = []
    for epoch in (0, 1):
        batches.start_at(epoch, 0)
        draws = [draw for batch in batches for draw in batch]
        assert sorted(draws) == [(epoch, person) for person in range(12)]
        epochs.append([person for _, person in draws])
    assert epochs[0] != epochs[1]
    batches.start_at(1, 2)
    assert [person for batch in batches for _, person in batch] == epochs[1][8:]


def test_processes_share_every_batch() -> None:
    whole = list(Batches(12, 4, seed=0))
    parts = [list(Batches(12, 4, 0, Sharing(rank, 2))) for rank in (0, 1)]
    assert [sorted(a + b) for a, b in zip(*parts, strict=True)] == [sorted(batch) for batch in whole]


def test_random_numbers_belong_to_their_purpose() -> None:
    assert make_rng(0, "crop", 1, 2).random() == make_rng(0, "crop", 1, 2).random()
    others = [make_rng(0, "crop", 1, 2), make_rng(0, "crop", 12), make_rng(1, "crop", 1, 2), make_rng(0, "order", 1, 2)]
    assert len({rng.random() for rng in others}) == 4
    assert 0 <= make_torch_seed(0, "step", 3, 0) < 2**63


def test_run_reports_every_step_and_evaluation(finished: tuple[Path, list[Progress]]) -> None:
    _, seen = finished
    steps = [progress for progress in seen if progress.figures is None]
    assert [progress.step for progress in steps] == list(range(1, 13))
    assert {(progress.n_steps, progress.n_epochs) for progress in seen} == {(12, 3)}
    assert [progress.epoch for progress in seen if progress.figures] == [2, 3]  # every second, and the last
    assert [progress.lr for progress in steps] == pytest.approx([0.01] * 8 + [0.001] * 4)
    assert all(progress.losses["loss"] > 0 for progress in seen)


def test_run_folder_holds_settings_log_and_weights_with_their_card(finished: tuple[Path, list[Progress]]) -> None:
    out, seen = finished
    assert read_settings(out / "settings.yaml", trust=True) == settings_for()
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line["step"]) for line in log] == [(1, 4), (2, 8), (3, 12)]
    first = [progress.losses["loss"] for progress in seen[:4]]
    assert log[0]["losses"]["loss"] == pytest.approx(np.mean(first))
    assert "AP" in log[2]["figures"]
    for name in ("model.safetensors", "best.safetensors"):
        _, input_spec = read_weights(out / name)
        assert (input_spec.input_wh, input_spec.joints, input_spec.sigma) == ((32, 64), COCO.joints, 1.0)


@pytest.mark.parametrize("step", [2, 5, 8, 12])
def test_stopped_run_ends_with_the_same_bits(step: int, tmp_path: Path, finished: tuple[Path, list[Progress]]) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(settings_for(), tmp_path, stop_at(step))
    train(settings_for(), tmp_path)
    assert files_of(tmp_path) == files_of(finished[0])


def test_killed_process_goes_on_with_the_same_bits(tmp_path: Path, finished: tuple[Path, list[Progress]]) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom tests import test_train_loop as t\n"
        "def on_progress(p):\n    print(p.step, flush=True)\n    time.sleep(60 if p.step == 7 else 0)\n"
        "t.train(t.settings_for(), Path(sys.argv[1]), on_progress)\n"
    )
    root = Path(__file__).parents[1]
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root)
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "7":
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not (tmp_path / "model.safetensors").exists()
    product = train(settings_for(), tmp_path)
    assert product.read_bytes() == (finished[0] / "model.safetensors").read_bytes()


def test_log_line_cut_off_by_a_kill_is_written_again(tmp_path: Path, finished: tuple[Path, list[Progress]]) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(settings_for(), tmp_path, stop_at(6))
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"epoch": 2, "st')
    train(settings_for(), tmp_path)
    assert (tmp_path / "log.jsonl").read_text() == (finished[0] / "log.jsonl").read_text()


def test_epoch_is_logged_once_where_its_checkpoint_was_not_written(
    tmp_path: Path, finished: tuple[Path, list[Progress]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(state: dict[str, Any], path: Path) -> None:
        if state["at"]["epoch"] == 2:
            raise KeyboardInterrupt
        write_checkpoint(state, path)

    settings = settings_for(checkpoint_every=4)  # one at the last step of every epoch, one after its evaluation
    with monkeypatch.context() as patch:
        patch.setattr("robustpose.train.loop.write_checkpoint", write)
        with pytest.raises(KeyboardInterrupt):
            train(settings, tmp_path)
    train(settings, tmp_path)
    assert (tmp_path / "log.jsonl").read_text() == (finished[0] / "log.jsonl").read_text()


def test_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = train(settings_for(epochs=1), tmp_path).read_bytes()
    seen: list[Progress] = []
    assert train(settings_for(epochs=1), tmp_path, seen.append).read_bytes() == first
    assert not seen


def test_run_with_other_settings_is_refused(tmp_path: Path) -> None:
    train(settings_for(epochs=1), tmp_path)
    with pytest.raises(UserError, match=r"other settings \(lr: 0\.01 there, 0\.02 now\)"):
        train(settings_for(epochs=1, lr=0.02), tmp_path)
    train(settings_for(epochs=1, checkpoint_every=7), tmp_path)


def test_diverged_run_stops_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(settings_for(), tmp_path, stop_at(4))
    state = read_checkpoint(tmp_path / "last.ckpt")
    state["step"]["student"]["network"]["layers.4.weight"].fill_(3e38)
    write_checkpoint(state, tmp_path / "last.ckpt")
    before = (tmp_path / "last.ckpt").read_bytes()
    with pytest.raises(UserError, match=r"training has diverged: loss is .* at step 4; .*last\.ckpt holds"):
        train(settings_for(), tmp_path)
    assert (tmp_path / "last.ckpt").read_bytes() == before


def test_supervised_run_of_version_0_1_0_goes_on(tmp_path: Path, finished: tuple[Path, list[Progress]]) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(settings_for(), tmp_path, stop_at(4))
    state = read_checkpoint(tmp_path / "last.ckpt")
    del state["settings"]["mixing"]["views"]
    write_checkpoint({**state, "step": state["step"]["student"]}, tmp_path / "last.ckpt")  # as it was kept then
    assert train(settings_for(), tmp_path).read_bytes() == (finished[0] / "model.safetensors").read_bytes()


def test_checkpoint_with_a_value_that_is_not_finite_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    rest = dict.fromkeys(("settings", "at", "step", "precision"))
    write_checkpoint({**rest, "a": {"b": torch.zeros(2)}}, path)
    with pytest.raises(UserError, match=r"a\.b is not finite"):
        write_checkpoint({**rest, "a": {"b": torch.tensor([1.0, float("nan")])}}, path)
    assert read_checkpoint(path)["a"]["b"].tolist() == [0, 0]


def test_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").write_bytes(b"half of")
    with pytest.raises(UserError, match=r"cannot read checkpoint .*last\.ckpt"):
        train(settings_for(), tmp_path)


def test_run_can_start_from_weights(tmp_path: Path, finished: tuple[Path, list[Progress]]) -> None:
    weights = finished[0] / "model.safetensors"
    seen: list[Progress] = []
    train(settings_for(epochs=1, start_from=weights), tmp_path, seen.append)
    assert seen[0].losses["loss"] < finished[1][0].losses["loss"]


def test_training_leaves_the_callers_random_numbers_and_threads_alone(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    train(settings_for(epochs=1, engine={"accelerator": "cpu", "threads": 2}), tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 1


def test_two_processes_cannot_train_in_one_folder(tmp_path: Path) -> None:
    def start_another(progress: Progress) -> None:
        train(settings_for(), tmp_path)

    with pytest.raises(UserError, match="another process is writing"):
        train(settings_for(), tmp_path, start_another)


def test_what_a_killed_process_left_half_written_is_removed_by_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "sheets").mkdir()
    (tmp_path / "settings.yaml").touch()
    parts = [tmp_path / ".last.ckpt.123.part", tmp_path / "sheets/.epoch-001.png.123.part"]
    for part in parts:
        part.write_bytes(b"half")
    train(settings_for(epochs=1), tmp_path)
    assert not any(part.exists() for part in parts)


class Numbered(Dots):
    """The same people, whose joints have numbers for names."""

    skeleton = Skeleton("numbered", tuple(f"kp{i}" for i in range(17)), (), COCO.sigmas)


class OtherNumbered(Numbered):
    """Other pictures of them."""

    seed = 100


def test_mirrored_crops_of_joints_whose_sides_nobody_knows_are_an_error_and_others_are_learned(tmp_path: Path) -> None:
    data = {"train_data": {"name": f"{__name__}:Numbered"}, "val_data": {"name": f"{__name__}:OtherNumbered"}}
    with pytest.raises(UserError, match=r"^augment\.mirror_probability mirrors images, .* 'numbered' do not say"):
        train(settings_for(**data), tmp_path / "mirrored")
    plain = settings_for(**data, epochs=1, augment={"mirror_probability": 0})
    assert train(plain, tmp_path / "plain").is_file()  # evaluated, too: without a mirror test


def test_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    names = ["thesis.tex", ".thesis.tex.77.part"]
    for name in names:
        (tmp_path / name).write_text("precious")
    with pytest.raises(UserError, match=r"is not empty \(thesis\.tex, …\) and holds no training: choose another --out"):
        train(settings_for(epochs=1), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
