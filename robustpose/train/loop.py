"""The training loop: epochs, steps, evaluation, log, checkpoints. It knows no way of training: `steps` does.

A run folder holds `settings.yaml` (resolved), `log.jsonl` (one line per epoch), `last.ckpt` (the whole state, to go on
from), `best.safetensors` (the weights that scored best so far), `sheets/` (what the strategy does to crops, after every
epoch) and, at the end, the product: `model.safetensors`, and `model.pth` for the programs that read that.

Killed at any moment and started again, a run goes on from `last.ckpt` and ends, on a CPU, with the same bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy

from robustpose.config import write_recipe
from robustpose.data.images import write_image
from robustpose.errors import UserError, show_doubts
from robustpose.estimators.running.backends import limit_threads
from robustpose.evaluate import measure
from robustpose.files import list_differences, lock_folder, without_parts, write_text
from robustpose.metrics import make_metric
from robustpose.models.families import FAMILIES
from robustpose.models.weights import save_pth, save_weights
from robustpose.models.zoo import make_input_spec
from robustpose.stopping import hold_signals
from robustpose.train.build import build_step
from robustpose.train.checkpoint import read_checkpoint, write_checkpoint
from robustpose.train.log import Log
from robustpose.train.samples import Batches, make_samples
from robustpose.train.seeding import make_torch_seed
from robustpose.train.settings import TrainSettings, make_settings_of_run
from robustpose.train.sheets import draw_sheet
from robustpose.train.steps import Step
from robustpose.train.workers import heed_lost_workers, start_worker

SETTINGS, LAST = "settings.yaml", "last.ckpt"
# Settings that change how a run goes but not what comes out; a run may go on with other ones.
FREE = ("checkpoint_every", "sheet_people", "engine.workers", "engine.cache_mb", "engine.tensorboard")


@dataclass(frozen=True)
class Progress:
    """Tell how far a run is: after every step, and once more after every evaluation."""

    epoch: int  # the one at work, from 1
    n_epochs: int
    step: int  # steps done in the whole run
    n_steps: int  # of the whole run
    lr: float
    losses: dict[str, float]  # of this step by name; after an evaluation, means over the epoch
    figures: dict[str, float] | None = None  # of the evaluation by name, 0..1; None after a step


@dataclass
class _Position:
    """Where a run is, besides what the step remembers."""

    epoch: int = 0
    step: int = 0  # done in this epoch
    totals: dict[str, float] = field(default_factory=dict)  # sums of this epoch's losses
    best: float | None = None


def train(settings: TrainSettings, out: Path, on_progress: Callable[[Progress], None] | None = None) -> Path:
    """Train, or go on where the run in folder `out` stopped, and return the path of the weights.

    Raises:
        UserError: the run in `out` has other settings, the data or the model do not fit, or a loss is not finite.
    """
    engine = settings.engine
    strategy: Any = "auto"
    if engine.devices > 1 or int(os.environ.get("WORLD_SIZE", 1)) > 1:
        # Every process keeps its own statistics of batch norms; those of the first are kept. Sent around between two
        # passes, they would break the first one's gradient.
        strategy = DDPStrategy(broadcast_buffers=False)
    fabric = Fabric(
        accelerator=engine.accelerator, devices=engine.devices, precision=engine.precision, strategy=strategy
    )
    fabric.launch()
    # One process of a run holds the folder for all of them.
    claim = _claim_folder(out) if fabric.is_global_zero else nullcontext()
    with claim, torch.random.fork_rng(devices=[]), limit_threads(engine.threads), heed_lost_workers():
        return _train(fabric, settings, out, on_progress if fabric.is_global_zero else None)


@contextmanager
def _claim_folder(out: Path) -> Iterator[None]:
    with lock_folder(out):
        others = sorted(entry.name for entry in out.iterdir() if not entry.name.startswith("."))
        if others and not {SETTINGS, LAST}.intersection(others):
            raise UserError(f"{out} is not empty ({others[0]}, …) and holds no training: choose another --out")
        with without_parts(out):
            yield


def _train(fabric: Fabric, settings: TrainSettings, out: Path, on_progress: Callable[[Progress], None] | None) -> Path:
    train_data, val_data = settings.train_data.open(), settings.val_data.open()
    if fabric.is_global_zero:
        show_doubts([*train_data.warnings, *val_data.warnings])
    if val_data.skeleton.joints != train_data.skeleton.joints:
        raise UserError(
            f"train_data and val_data must have the same joints in the same order, got "
            f"{', '.join(train_data.skeleton.joints)} and {', '.join(val_data.skeleton.joints)}"
        )
    input_spec = replace(
        make_input_spec(settings.model, train_data.skeleton, settings.input_wh, settings.family), sigma=settings.sigma
    )
    samples = make_samples(train_data, input_spec, settings)
    batches = Batches(len(samples), settings.batch_size, settings.seed, fabric.global_rank, fabric.world_size)
    workers = settings.engine.workers
    loader: Any = torch.utils.data.DataLoader(
        samples, batch_sampler=batches, num_workers=workers, persistent_workers=workers > 0, worker_init_fn=start_worker
    )
    loader = fabric.setup_dataloaders(loader, use_distributed_sampler=False)
    step = build_step(fabric, settings, input_spec.family, train_data.skeleton, samples)

    last = out / LAST
    scaler = fabric.strategy.precision  # of 16-mixed: it has a state
    at = _resume(last, settings, step, scaler)
    n_steps = settings.epochs * len(batches)
    done = at.epoch * len(batches) + at.step
    if fabric.is_global_zero:
        write_text(out / SETTINGS, write_recipe(settings))
    log = Log(out, settings.engine.tensorboard, at.epoch, done) if fabric.is_global_zero else None

    def checkpoint() -> None:
        if fabric.is_global_zero:
            state = {"settings": settings.model_dump(mode="json"), "at": vars(at), "step": step.state()}
            write_checkpoint({**state, "precision": scaler.state_dict()}, last)

    def tell(losses: dict[str, float], figures: dict[str, float] | None = None) -> None:
        if on_progress:
            on_progress(Progress(at.epoch + 1, settings.epochs, done, n_steps, lr, losses, figures))

    while at.epoch < settings.epochs:
        factor = settings.decay ** sum(at.epoch >= start for start in settings.decay_at)
        lr = settings.lr * factor  # of the student
        step.set_lr_factor(factor)
        batches.start_at(at.epoch, at.step)
        with hold_signals():  # workers start here, once
            drawn = iter(loader)
        for batch in drawn:
            torch.manual_seed(make_torch_seed(settings.seed, "step", done, fabric.global_rank))
            own = step(samples.prepare(batch))  # of this process
            averaged = cast(torch.Tensor, fabric.all_reduce(torch.stack(list(own.values())), reduce_op="mean"))
            losses = dict(zip(own, averaged.tolist(), strict=True))
            done += 1
            at.step += 1
            _check_finite(losses, done, settings, last)
            at.totals = {name: at.totals.get(name, 0.0) + loss for name, loss in losses.items()}
            if log:
                log.write_step(done, lr, losses)
            tell(losses)
            if done % settings.checkpoint_every == 0:
                checkpoint()

        line: dict[str, Any] = {"epoch": at.epoch + 1, "step": done, "lr": lr}
        line["losses"] = {name: total / len(batches) for name, total in at.totals.items()}
        is_due = (at.epoch + 1) % settings.evaluate_every == 0 or at.epoch + 1 == settings.epochs
        if is_due and fabric.is_global_zero:
            estimator = FAMILIES[input_spec.family].estimating.as_estimator(step.network, input_spec, val_data.skeleton)
            figures = measure(val_data, estimator)
            line["figures"] = figures
            score = figures[make_metric(val_data.metric, val_data.skeleton).primary]
            if at.best is None or score > at.best:
                at.best = score
                save_weights(step.network, input_spec, out / "best.safetensors")
            tell(line["losses"], figures)
        if log:
            log.write_epoch(line)
            if settings.sheet_people:
                sheet = out / "sheets" / f"epoch-{at.epoch + 1:03d}.png"
                views = samples.draw_views_of_first(at.epoch, settings.sheet_people, fabric.device)
                write_image(sheet, draw_sheet(views, step.mixer, settings.views, input_spec))
        at.epoch, at.step, at.totals = at.epoch + 1, 0, {}
        checkpoint()
        fabric.barrier()

    product = out / "model.safetensors"
    if fabric.is_global_zero:
        save_weights(step.network, input_spec, product)
        save_pth(step.network, product.with_suffix(".pth"))
    if log:
        log.close()
    fabric.barrier()
    return product


def _resume(last: Path, settings: TrainSettings, step: Step, precision: Any) -> _Position:
    if not last.exists():
        return _Position()
    state = read_checkpoint(last)
    before = make_settings_of_run(state["settings"], f"settings in {last}")
    differences = list_differences(before.model_dump(mode="json"), settings.model_dump(mode="json"))
    differences = [line for line in differences if line.split(":")[0] not in FREE]
    if differences:
        raise UserError(
            f"{last.parent} holds a run with other settings ({'; '.join(differences)}): "
            "give the same ones to go on with it, or another folder"
        )
    step.restore(state["step"])
    precision.load_state_dict(state["precision"])
    return _Position(**state["at"])


def _check_finite(losses: dict[str, float], step: int, settings: TrainSettings, last: Path) -> None:
    broken = [f"{name} is {loss}" for name, loss in losses.items() if not abs(loss) < float("inf")]
    if broken:
        kept = f"{last} holds the last good state" if last.exists() else "there is no checkpoint yet"
        raise UserError(
            f"training has diverged: {', '.join(broken)} at step {step}; {kept}: "
            f"try a lower lr than {settings.lr} in another run folder"
        )
