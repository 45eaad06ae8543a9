"""The training loop: epochs, steps, evaluation, log, checkpoints. It knows no way of training: `steps` does.

A run folder holds `settings.yaml` (resolved), `log.jsonl` (one line per epoch), `last.ckpt` (the whole state, to go on
from), `best.safetensors` (the weights that scored best so far) and, at the end, `model.safetensors`: the product.

Killed at any moment and started again, a run goes on from `last.ckpt` and ends, on a CPU, with the same bits.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import nn

from robustpose import models, registry
from robustpose.config import (
    DataSettings,
    TrainSettings,
    list_differences,
    make_settings,
    write_settings,
)
from robustpose.data.opening import open_dataset
from robustpose.errors import UserError
from robustpose.estimators.backends import as_callable, limit_threads
from robustpose.estimators.topdown import TopDown
from robustpose.evaluate import Dataset, evaluate, make_metric
from robustpose.files import lock_folder, write_text
from robustpose.models.card import ModelCard
from robustpose.models.weights import load_weights, save_weights
from robustpose.train.checkpoint import read_checkpoint, write_checkpoint
from robustpose.train.samples import Batches, PersonCrops, check_enough
from robustpose.train.seeding import make_torch_seed
from robustpose.train.steps import Step, SupervisedStep

# Settings that change how a run goes but not what comes out; a run may go on with other ones.
FREE = ("checkpoint_every", "engine.workers", "engine.cache_mb")


@dataclass(frozen=True)
class Progress:
    """Tell how far a run is: after every step, and once more after every evaluation.

    Attributes:
        epoch: the one at work, from 1.
        n_epochs: all.
        step: steps done in the whole run.
        n_steps: all.
        lr: learning rate.
        losses: of this step, by name.
        figures: of the evaluation, by name, 0..1; None after a step.
    """

    epoch: int
    n_epochs: int
    step: int
    n_steps: int
    lr: float
    losses: dict[str, float]
    figures: dict[str, float] | None = None


@dataclass
class _Position:
    """Where a run is, besides what the step remembers."""

    epoch: int = 0
    step: int = 0  # done in this epoch
    totals: dict[str, float] = field(default_factory=dict)  # sums of this epoch's losses
    best: float | None = None


def train(settings: TrainSettings, out: Path, report: Callable[[Progress], None] | None = None) -> Path:
    """Train, or go on where the run in folder `out` stopped, and return the path of the weights.

    Args:
        settings: the whole run.
        out: run folder; made if it is not there.
        report: called after every step and every evaluation.

    Raises:
        UserError: the run in `out` has other settings, the data or the model do not fit, or a loss is not finite.
    """
    engine = settings.engine
    fabric = Fabric(accelerator=engine.accelerator, devices=engine.devices, precision=engine.precision)
    fabric.launch()
    # One process of a run holds the folder for all of them.
    lock = lock_folder(out) if fabric.is_global_zero else nullcontext()
    with lock, torch.random.fork_rng(devices=[]), limit_threads(engine.threads):
        return _train(fabric, settings, out, report if fabric.is_global_zero else None)


def _train(fabric: Fabric, settings: TrainSettings, out: Path, report: Callable[[Progress], None] | None) -> Path:
    train_data, val_data = _open_data(settings.train_data, "train"), _open_data(settings.val_data, "val")
    joints = train_data.skeleton.joints
    if val_data.skeleton.joints != joints:
        raise UserError("train_data and val_data must have the same joints")
    card = ModelCard(name=settings.model, input_wh=settings.input_wh, joints=joints, sigma=settings.sigma)

    crops = PersonCrops(train_data, card, settings.augment, settings.seed, settings.engine.cache_mb)
    check_enough(crops, settings.batch_size)
    batches = Batches(len(crops), settings.batch_size, settings.seed, fabric.global_rank, fabric.world_size)
    workers = settings.engine.workers
    loader: Any = fabric.setup_dataloaders(
        torch.utils.data.DataLoader(crops, batch_sampler=batches, num_workers=workers, persistent_workers=workers > 0),
        use_distributed_sampler=False,
    )
    step = SupervisedStep(fabric, _build_network(settings, joints), settings.lr)

    last = out / "last.ckpt"
    at = _resume(last, settings, step)
    n_steps = settings.epochs * len(batches)
    done = at.epoch * len(batches) + at.step
    if fabric.is_global_zero:
        write_settings(settings, out / "settings.yaml")
        _cut_log(out / "log.jsonl", at.epoch)

    def checkpoint() -> None:
        if fabric.is_global_zero:
            write_checkpoint({"settings": settings.model_dump(mode="json"), "at": vars(at), "step": step.state()}, last)

    while at.epoch < settings.epochs:
        lr = _lr_at(settings, at.epoch)
        step.set_lr(lr)
        batches.start_at(at.epoch, at.step)
        for batch in loader:
            torch.manual_seed(make_torch_seed(settings.seed, "step", done, fabric.global_rank))
            losses = _average(fabric, step(batch))
            done += 1
            at.step += 1
            _check_finite(losses, done, settings, last)
            at.totals = {name: at.totals.get(name, 0.0) + loss for name, loss in losses.items()}
            if report:
                report(Progress(at.epoch + 1, settings.epochs, done, n_steps, lr, losses))
            if done % settings.checkpoint_every == 0:
                checkpoint()

        line: dict[str, Any] = {"epoch": at.epoch + 1, "step": done, "lr": lr}
        line["losses"] = {name: total / len(batches) for name, total in at.totals.items()}
        is_due = (at.epoch + 1) % settings.evaluate_every == 0 or at.epoch + 1 == settings.epochs
        if is_due and fabric.is_global_zero:
            figures = evaluate(val_data, TopDown(as_callable(step.network), card, val_data.skeleton))
            line["figures"] = figures
            score = figures[make_metric(val_data.metric, val_data.skeleton).primary]
            if at.best is None or score > at.best:
                at.best = score
                save_weights(step.network, card, out / "best.safetensors")
            if report:
                report(Progress(at.epoch + 1, settings.epochs, done, n_steps, lr, line["losses"], figures))
        if fabric.is_global_zero:
            _append_log(out / "log.jsonl", line)
        at.epoch, at.step, at.totals = at.epoch + 1, 0, {}
        checkpoint()
        fabric.barrier()

    product = out / "model.safetensors"
    if fabric.is_global_zero:
        save_weights(step.network, card, product)
    fabric.barrier()
    return product


def _open_data(settings: DataSettings, split: str) -> Dataset:
    if settings.name == "toy":
        from robustpose.data.toy import ToyPeople  # imported when asked for, like every dataset

        return ToyPeople(settings.n_images, settings.seed, split)
    spec = None if settings.name == "coco" else settings.name
    return open_dataset(spec, settings.annotations, settings.images)


def _build_network(settings: TrainSettings, joints: tuple[str, ...]) -> nn.Module:
    torch.manual_seed(make_torch_seed(settings.seed, "weights"))
    network = registry.load(settings.model, models.TABLE, kind="model")(len(joints))
    if settings.start_from:
        card = load_weights(network, settings.start_from)
        if card and card.joints and card.joints != joints:
            raise UserError(f"{settings.start_from} finds other joints than train_data has: {', '.join(card.joints)}")
    return network


def _resume(last: Path, settings: TrainSettings, step: Step) -> _Position:
    if not last.exists():
        return _Position()
    state = read_checkpoint(last)
    differences = list_differences(make_settings(state["settings"], f"settings in {last}"), settings)
    differences = [line for line in differences if line.split(":")[0] not in FREE]
    if differences:
        raise UserError(
            f"{last.parent} holds a run with other settings ({'; '.join(differences)}): "
            "give the same ones to go on with it, or another folder"
        )
    step.restore(state["step"])
    return _Position(**state["at"])


def _lr_at(settings: TrainSettings, epoch: int) -> float:
    return settings.lr * settings.decay ** sum(epoch >= start for start in settings.decay_at)


def _average(fabric: Fabric, losses: dict[str, torch.Tensor]) -> dict[str, float]:
    averaged = cast(torch.Tensor, fabric.all_reduce(torch.stack(list(losses.values())), reduce_op="mean"))
    return dict(zip(losses, averaged.tolist(), strict=True))


def _check_finite(losses: dict[str, float], step: int, settings: TrainSettings, last: Path) -> None:
    broken = [f"{name} is {loss}" for name, loss in losses.items() if not abs(loss) < float("inf")]
    if broken:
        kept = f"{last} holds the last good state" if last.exists() else "there is no checkpoint yet"
        raise UserError(
            f"training has diverged: {', '.join(broken)} at step {step}; {kept}: "
            f"try a lower lr than {settings.lr} in another run folder"
        )


def _append_log(path: Path, line: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def _cut_log(path: Path, n_epochs: int) -> None:
    """Drop what was logged after so many epochs: it will be logged again."""
    if not path.exists():
        return
    lines = path.read_text().splitlines(keepends=True)
    # A line without its end is one that the process was killed in.
    kept = [line for line in lines if line.endswith("\n") and json.loads(line)["epoch"] <= n_epochs]
    write_text(path, "".join(kept))
