"""The training loop: epochs, steps, evaluation, log, checkpoints. It knows no way of training: `steps` does.

A run folder holds `settings.yaml` (resolved), `log.jsonl` (one line per epoch), `last.ckpt` (the whole state, to go on
from), `best.safetensors` (the weights that scored best so far), `sheets/` (what the strategy does to crops, after every
epoch) and, at the end, the product: `model.safetensors`, and `model.pth` for the programs that read that.

Killed at any moment and started again, a run goes on from `last.ckpt` and ends, on a CPU, with the same bits.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric

from robustpose.config import read_recipe, write_recipe
from robustpose.data.images import write_image
from robustpose.errors import UserError, show_doubts
from robustpose.estimators.running.numerics import limit_threads
from robustpose.files import lock_folder, without_parts, write_text
from robustpose.fresh import StartOver
from robustpose.metrics import make_metric
from robustpose.models.families import FAMILIES
from robustpose.models.weights import save_pth, save_weights
from robustpose.processes import start_processes
from robustpose.stopping import leave_telling
from robustpose.train.build import make_guard
from robustpose.train.checkpoint import Position, keeps_best, write_checkpoint
from robustpose.train.divergence import check_losses, check_state, telling_divergence
from robustpose.train.evaluating import measure_together
from robustpose.train.log import Log
from robustpose.train.machine import make_fabric
from robustpose.train.meeting import stopping_together, telling_of_waiting
from robustpose.train.opened import open_run
from robustpose.train.plan import TrainPlan, measure_plan
from robustpose.train.seeding import make_torch_seed
from robustpose.train.seen import note_seen, note_unknown
from robustpose.train.settings import TrainSettings
from robustpose.train.sheets import draw_sheet
from robustpose.train.start import check_machine, check_start
from robustpose.train.together import equalise, from_first, heed_lost_processes, in_all
from robustpose.train.workers import heed_lost_workers, start_worker
from robustpose.work import announce_plan

SETTINGS, LAST, BEST = "settings.yaml", "last.ckpt", "best.safetensors"
START = "start.safetensors"  # what a network in memory starts from; of others, settings name the file
PRODUCT = "model.safetensors"  # the weights at the end
MADE = ("log.jsonl", BEST, PRODUCT, "model.pth", "sheets/epoch-*.png", "tensorboard/events.*")


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


def train(
    settings: TrainSettings,
    out: Path,
    on_progress: Callable[[Progress], None] | None = None,
    fresh: StartOver | None = None,
    announce: Callable[[object], None] | None = None,
) -> Path:
    """Train, or go on where the run in folder `out` stopped unless `fresh`, and return the path of the weights.

    `announce` is told first what the views show that suites test, if they do, and the plan, for which a few steps are
    tried and taken back.

    Raises:
        UserError: the run in `out` has other settings, the data or the model do not fit, or a loss is not finite.
    """
    with _launch(settings) as fabric, ExitStack() as held:
        # One process of a run holds the folder for all of them.
        from_first(fabric, lambda: held.enter_context(claim_folder(out)) if fabric.is_global_zero else None)
        # Lost workers are heeded twice: PyTorch can raise what they are lost by again, while the others clean up.
        with heed_lost_workers():
            on_progress, announce = (on_progress, announce) if fabric.is_global_zero else (None, None)
            return _train(fabric, settings, out, on_progress, fresh, announce)


def plan_training(settings: TrainSettings, out: Path, fresh: StartOver | None = None) -> TrainPlan:
    """Return what `train` would do, with all checks of its start. Nothing is written or locked."""

    def look() -> None:
        if out.is_dir():
            check_is_free(out)
        elif os.path.lexists(out):
            raise UserError(f"{out} is no folder: choose another --out")

    with _launch(settings) as fabric:
        from_first(fabric, look)
        opened = open_run(fabric, settings, out / LAST, fresh)
        show_doubts([*opened.data.train.warnings, *opened.data.doubts])
        at = Position(log=[]) if fresh is not None else opened.resume(out / LAST)
        return measure_plan(fabric, opened, at)


@contextmanager
def _launch(settings: TrainSettings) -> Iterator[Fabric]:
    """Check what can be checked, start the other processes of a run or meet them, and set this one up."""
    check_start(settings)
    fabric = make_fabric(settings.engine)
    with (
        nullcontext() if fabric.world_size == 1 else stopping_together(fabric),
        heed_lost_processes(fabric.world_size),
        heed_lost_workers(),
        warnings.catch_warnings(),
    ):
        with telling_of_waiting(settings.engine):
            fabric.launch()
            if not fabric.is_global_zero:  # the first process says what there is to say
                warnings.simplefilter("ignore")
            in_all(fabric, lambda: check_machine(settings))
        if not fabric.is_global_zero:
            leave_telling()
        with torch.random.fork_rng(devices=[]), limit_threads(settings.engine.threads):
            yield fabric


@contextmanager
def claim_folder(out: Path) -> Iterator[None]:
    """Hold the folder of a run, which is made if it is not there; UserError for one that holds something else."""
    with lock_folder(out):
        check_is_free(out)
        with without_parts(out):
            yield


def check_is_free(out: Path) -> None:
    others = sorted(entry.name for entry in out.iterdir() if not entry.name.startswith("."))
    if others and not {SETTINGS, LAST, START}.intersection(others):
        raise UserError(f"{out} is not empty ({others[0]}, …) and holds no training: choose another --out")


def _train(
    fabric: Fabric,
    settings: TrainSettings,
    out: Path,
    on_progress: Callable[[Progress], None] | None,
    fresh: StartOver | None,
    announce: Callable[[object], None] | None,
) -> Path:
    last = out / LAST
    opened = open_run(fabric, settings, out / LAST, fresh)
    settings, data, input_spec, samples = opened.settings, opened.data, opened.input_spec, opened.samples
    batches, step = opened.batches, opened.step
    make_estimator = FAMILIES[input_spec.family].estimating.as_estimator
    workers = settings.engine.workers
    loader: Any = torch.utils.data.DataLoader(
        samples,
        batch_sampler=batches,
        num_workers=workers,
        persistent_workers=workers > 0,
        worker_init_fn=start_worker,
        pin_memory=fabric.device.type == "cuda",  # so the next batch travels while the GPU computes
    )
    loader = fabric.setup_dataloaders(loader, use_distributed_sampler=False)
    if fresh is not None:
        from_first(fabric, lambda: _clear_folder(out, fresh))
    at = opened.resume(last)
    n_steps = settings.epochs * len(batches)
    # Batches that the samples of an epoch fill: the last one counts for as much as it has.
    n_filled = sum(map(batches.count, range(len(batches)))) / settings.batch_size
    done = at.epoch * len(batches) + at.step
    if fabric.is_global_zero:
        write_text(out / SETTINGS, write_recipe(settings))
    log = Log(out, settings.engine.tensorboard, at, done) if fabric.is_global_zero else None
    if fabric.is_global_zero:
        show_doubts([*data.train.warnings, *data.doubts])
        if at.best is not None and not keeps_best(out / BEST, step.network):
            at.best = None
    if announce is not None and (note := note_seen(settings)):
        announce(f"note: {note}")
    if announce is not None and (note := note_unknown(opened.input_spec.seen)):
        announce(f"note: {note}")
    announce_plan(announce, partial(measure_plan, fabric, opened, at))

    def checkpoint() -> None:
        if fabric.is_global_zero:
            with telling_divergence(done, settings.lr, last):
                write_checkpoint(opened.describe(at), last)

    def tell(losses: dict[str, float], figures: dict[str, float] | None = None) -> None:
        if on_progress:
            on_progress(Progress(at.epoch + 1, settings.epochs, done, n_steps, lr, losses, figures))

    guard = make_guard(settings)
    hold_unknown = FAMILIES[input_spec.family].training.HOLD_UNKNOWN
    while at.epoch < settings.epochs:
        factor = settings.decay ** sum(at.epoch >= start for start in settings.decay_at)
        lr = settings.lr * factor  # of the student
        step.set_lr_factor(factor)
        batches.start_at(at.epoch, at.step)
        with start_processes():  # workers, once
            drawn = iter(loader)
        for batch in drawn:
            torch.manual_seed(make_torch_seed(settings.seed, "step", done, fabric.global_rank))
            with guard(), heed_lost_processes(fabric.world_size):
                own = step(samples.prepare(batch), batches.share(at.step))  # of this process
            averaged = cast(torch.Tensor, fabric.all_reduce(torch.stack(list(own.values())), reduce_op="mean"))
            losses = dict(zip(own, averaged.tolist(), strict=True))
            weight = batches.count(at.step) / settings.batch_size
            done += 1
            at.step += 1
            with telling_divergence(done, settings.lr, last):
                check_losses(losses, {name: tensor for name, tensor in batch.items() if name not in hold_unknown})
            at.totals = {name: at.totals.get(name, 0.0) + weight * loss for name, loss in losses.items()}
            if log:
                log.write_step(done, lr, losses)
            tell(losses)
            if done % settings.checkpoint_every == 0:
                checkpoint()

        line: dict[str, Any] = {"epoch": at.epoch + 1, "step": done, "lr": lr}
        line["losses"] = {name: total / n_filled for name, total in at.totals.items()}
        is_due = (at.epoch + 1) % settings.evaluate_every == 0 or at.epoch + 1 == settings.epochs
        figures = None
        if is_due:
            with telling_divergence(done, settings.lr, last):
                check_state(step.state())
                equalise(fabric, step.network)
                estimator = make_estimator(step.network, input_spec, data.evaluated)
                figures = measure_together(fabric, data.val, estimator)
        if figures is not None:
            line["figures"] = figures
            if data.doubts:
                line["warnings"] = data.doubts
            score = figures[make_metric(data.val.metric, data.val.skeleton).primary]
            if at.best is None or score > at.best:
                at.best = score
                save_weights(step.network, input_spec, out / BEST)
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

    product = out / PRODUCT
    if fabric.is_global_zero:
        save_weights(step.network, input_spec, product)
        save_pth(step.network, product.with_suffix(".pth"))
    if log:
        log.close()
    fabric.barrier()
    return product


def _clear_folder(out: Path, fresh: StartOver) -> None:
    """Remove a run from its folder but for its settings, which tell that it is one and are written anew."""
    made = [path for pattern in MADE for path in sorted(out.glob(pattern))]
    is_ours = (out / LAST).is_file()
    if not is_ours and (out / SETTINGS).is_file():
        is_ours = {"model", "train_data", "val_data"} <= read_recipe(out / SETTINGS).keys()
    if not is_ours and made:
        raise UserError(f"{out / SETTINGS} is not that of a training: choose another --out; nothing was removed")
    if is_ours:
        fresh.remove(out, [*made, out / LAST], "training")
