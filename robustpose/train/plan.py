"""The plan of a training: what there is to learn, how long that takes and how large the run folder gets.

A few steps are done on the first batch and taken back, as a run takes over a checkpoint, so nothing of them is left:
neither in the networks nor in the generators of random numbers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.utils.data import default_collate

from robustpose.amounts import about_time, count, count_bytes
from robustpose.evaluation import get_frames, predict
from robustpose.handed_over import name_shown
from robustpose.models.families import FAMILIES
from robustpose.random_state import same_random_numbers
from robustpose.train.build import make_guard
from robustpose.train.checkpoint import Position
from robustpose.train.opened import OpenedRun
from robustpose.train.settings import TrainSettings

N_STEPS = 3  # that are tried; the first is not counted, in which libraries choose their methods
MOST_SECONDS = 20.0  # for all of them, but for two
N_FRAMES = 8  # of the evaluation that are tried
SHEET_OF_CROP = 60_000  # bytes of a crop's views in a sheet, PNG


@dataclass(frozen=True)
class TrainPlan:
    """What a training will do; of a run that was stopped, what is left to do."""

    n_samples: int
    what: str  # samples are called
    epochs: int
    n_steps: int  # of the whole run
    n_done: int  # of them
    batch_size: int
    n_parts: int  # of a batch, which batch norms see one at a time
    network: str
    n_parameters: int
    strategy: str
    device: str  # such as cpu, 2 × cuda, or 32 × cuda of 4 nodes
    seconds: float | None  # for what is left; None where several devices share the work, so that nothing was tried
    checkpoint_bytes: int
    n_bytes: int  # of the run folder when all is done

    def __str__(self) -> str:
        there = f"{self.n_done:,} of them are done, " if self.n_done else ""
        takes = "time as of the first steps" if self.seconds is None else about_time(self.seconds)
        return (
            f"{count(self.n_samples, self.what.removesuffix('s'), self.what)}, {count(self.epochs, 'epoch')}, "
            f"{count(self.n_steps, 'step')}{self._describe_batch()}, {self.network} "
            f"({self.n_parameters / 1e6:.1f} M parameters), {self.strategy}: {there}{takes} on {self.device}, "
            f"{count_bytes(self.n_bytes)} (checkpoint {count_bytes(self.checkpoint_bytes)})"
        )

    def _describe_batch(self) -> str:
        """Return how a batch is done: ``, batch 256 in 8 parts of 32``."""
        if self.n_parts == 1:
            return f" of {self.batch_size}"
        size, rest = divmod(self.batch_size, self.n_parts)
        return f", batch {self.batch_size} in {self.n_parts} parts of {f'{size} or {size + 1}' if rest else size}"


def measure_plan(fabric: Fabric, opened: OpenedRun, at: Position) -> TrainPlan:
    """Return the plan of a run that stands at a position."""
    settings, n_batches = opened.settings, len(opened.batches)
    n_steps, done = settings.epochs * n_batches, at.epoch * n_batches + at.step
    seconds = None
    if fabric.world_size == 1 and done < n_steps:
        evaluations = sum(
            (epoch + 1) % settings.evaluate_every == 0 or epoch + 1 == settings.epochs
            for epoch in range(at.epoch, settings.epochs)
        )
        seconds = _time_step(opened, at) * (n_steps - done) + _time_evaluation(opened) * evaluations
    elif done >= n_steps:
        seconds = 0.0
    of_network = measure_tensors(opened.step.network.state_dict())
    of_checkpoint = measure_tensors(opened.step.describe_state())
    n_sheets = settings.epochs * min(settings.sheet_people, len(opened.samples))
    kind = fabric.device.type
    return TrainPlan(
        n_samples=len(opened.samples),
        what=opened.samples.what,
        epochs=settings.epochs,
        n_steps=n_steps,
        n_done=done,
        batch_size=settings.batch_size,
        n_parts=settings.accumulate if settings.engine.sync_batch_norm else settings.n_parts,
        network=name_shown(settings.model),
        n_parameters=sum(parameter.numel() for parameter in opened.step.network.parameters()),
        strategy=settings.strategy,
        device=_name_devices(settings, kind),
        seconds=seconds,
        checkpoint_bytes=of_checkpoint,
        n_bytes=of_checkpoint + 3 * of_network + n_sheets * SHEET_OF_CROP,  # the best, the last, and the last as .pth
    )


def _name_devices(settings: TrainSettings, kind: str) -> str:
    n_processes, n_nodes = settings.n_processes, settings.engine.nodes
    on = f" of {n_nodes} nodes" if n_nodes > 1 else ""
    return kind if n_processes == 1 else f"{n_processes} × {kind}{on}"


def measure_tensors(state: Any) -> int:
    """Return the bytes of all tensors in nested dicts and lists.

    >>> measure_tensors({"weight": torch.zeros(3), "moments": [torch.zeros(2), 0.9]})
    20
    """
    if isinstance(state, torch.Tensor):
        return state.numel() * state.element_size()
    parts = state.values() if isinstance(state, Mapping) else state if isinstance(state, list | tuple) else ()
    return sum(map(measure_tensors, parts))


def _time_step(opened: OpenedRun, at: Position) -> float:
    """Return the seconds of a step and of its samples, which loader processes draw meanwhile, if there are some."""
    step, samples, scaler, settings = opened.step, opened.samples, opened.scaler, opened.settings
    kept = deepcopy((step.state(), scaler.state_dict()))
    guard, start = make_guard(settings), time.perf_counter()
    times: list[tuple[float, float]] = []
    with same_random_numbers():
        # Stopped after the last step of an epoch, before it was evaluated: any other batch takes as long.
        number = at.step if at.step < len(opened.batches) else 0
        opened.batches.start_at(at.epoch, number)
        draws = next(iter(opened.batches))
        try:
            while len(times) < N_STEPS and (len(times) < 2 or time.perf_counter() - start < MOST_SECONDS):
                began = time.perf_counter()
                batch = default_collate([samples[draw] for draw in draws])
                drawn = time.perf_counter()
                batch = {name: tensor.to(_find_device(step)) for name, tensor in batch.items()}
                with guard():
                    losses = step(samples.prepare(batch), opened.batches.share(number))
                for loss in losses.values():
                    loss.item()  # a GPU has finished, too
                times.append((drawn - began, time.perf_counter() - drawn))
        finally:
            step.restore(kept[0])
            scaler.load_state_dict(kept[1])
    drawing, learning = (sum(some) / (len(times) - 1) for some in zip(*times[1:], strict=True))
    n_loaders = settings.engine.workers
    if n_loaders == 0:
        return drawing + learning
    if _find_device(step).type == "cpu":  # they share the cores
        n_cores = os.cpu_count() or 1
        return max(learning, drawing / n_loaders, (drawing + learning * (settings.engine.threads or n_cores)) / n_cores)
    return max(learning, drawing / n_loaders)


def _find_device(step: Any) -> torch.device:
    return next(step.network.parameters()).device


def _time_evaluation(opened: OpenedRun) -> float:
    """Return the seconds of an evaluation, from some images."""
    val, spec = opened.data.val, opened.input_spec
    with same_random_numbers():
        estimator = FAMILIES[spec.family].estimating.as_estimator(opened.step.network, spec, opened.data.evaluated)
        indices = range(min(N_FRAMES, len(val)))
        took = 0.0
        for some in (indices[:1], indices):  # the first call is not counted
            start = time.perf_counter()
            predict(get_frames(val, some), estimator)
            took = time.perf_counter() - start
    return took / len(indices) * len(val)
