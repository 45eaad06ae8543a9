"""Steps: one batch in, the networks updated, named losses out. The loop knows nothing else of a way of training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from robustpose.train.batches import Part, Share
from robustpose.train.heatmaps import HeatmapObjective
from robustpose.train.mixing import CLEAN, LastView, check_mixer
from robustpose.train.norms import SharedStatistics
from robustpose.train.objectives import Batch, Objective, Outputs, take_batch
from robustpose.train.optimisation import Learner, Optimisation, find_layout
from robustpose.train.teacher import Teacher

Losses = dict[str, Tensor]


class Dose(NamedTuple):
    """One part of a batch, as it is learned."""

    batch: Batch
    part: Part


class Step(ABC):
    """What every step holds: the student, who may have a teacher, and a mixer, which may learn.

    Args:
        student: crops (B, 3, h, w) to heatmaps (B, K, h', w'), or to what the objective takes; trained in place. Its
            weights' memory layout is kept: with channels last everything is faster, without it the published program's
            order of sums is kept.
        teacher: None for none.
        mixer: see `mixing`; None for the last view as it is.
        objective: what is learned; None for heatmaps by mean squared error.
        optimisation: learning rates, clipping, average of the weights, parts of a batch; None for its defaults.
        fabric: moves, wraps and differentiates; None for none: networks and batches stay where they are.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: Teacher | None = None,
        mixer: nn.Module | None = None,
        *,
        objective: Objective | None = None,
        optimisation: Optimisation | None = None,
        fabric: Fabric | None = None,
    ) -> None:
        self._fabric = fabric or _stay_where_things_are(student)
        self._objective = objective or HeatmapObjective()
        self._layout = find_layout(student)
        self._optimisation = o = optimisation or Optimisation()
        self._student = Learner(self._fabric, student, o.lr, o.clip, o.ema)
        self._teacher = teacher
        if teacher is not None:
            teacher.move_to(self._fabric.device)
        self.mixer = check_mixer(LastView() if mixer is None else mixer)
        self._generator: Learner | None = None
        if self.mixer.adversarial:
            self._generator = Learner(self._fabric, self.mixer, o.generator_lr or o.lr, o.clip)
        self._learners = [learner for learner in (self._student, self._generator) if learner is not None]
        parts = {"student": self._student, "teacher": teacher, "generator": self._generator}
        self._parts = {name: part for name, part in parts.items() if part is not None}

    @abstractmethod
    def __call__(self, batch: Batch, share: Share | None = None) -> Losses:
        """Update the networks once, and return the losses, detached scalars.

        A batch holds `views` (B, V, 3, h, w), normalised, the clean one first where there is a teacher or a mixer; and
        what the objective wants: for heatmaps `target` (B, K, h', w') and `weight` (B, K, 1). `share` says in which
        parts it is done, and is for several processes; the mean of their losses is that of all crops.
        """

    @property
    def network(self) -> nn.Module:
        """Return the student, or the average of its weights: what is evaluated and kept."""
        return self._student.product

    def set_lr_factor(self, factor: float) -> None:
        """Multiply the first learning rate of every optimiser."""
        for learner in self._learners:
            learner.set_lr_factor(factor)

    def state(self) -> dict[str, Any]:
        """Return all that the next updates depend on: tensors, numbers, strings."""
        return {name: part.state() for name, part in self._parts.items()}

    def describe_state(self) -> dict[str, Any]:
        """Return what `state` gives once there were updates, of any values."""
        return {name: part.describe_state() for name, part in self._parts.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        for name, part in self._parts.items():
            part.restore(state[name])

    def _start(self, batch: Batch, share: Share | None) -> list[Dose]:
        """Forget all gradients, and return the parts of a batch."""
        for learner in self._learners:
            learner.start()
        if share is None:
            n_crops = len(batch["views"])
            sizes = map(len, torch.arange(n_crops).tensor_split(min(self._optimisation.accumulate, n_crops)))
            parts = [Part(i, size, size / n_crops) for i, size in enumerate(sizes)]
            share = Share(tuple(parts), len(parts))
        self._share, doses, start = share, [], 0
        for part in share.parts:
            # The other processes wait for a gradient of every part: where there is none, any crop stands in.
            first = 0 if part.number is None else start
            doses.append(Dose(take_batch(batch, slice(first, first + part.n_crops)), part))
            start = first + part.n_crops
        return doses

    def _take_turns(self, doses: list[Dose]) -> Iterator[tuple[Batch, float]]:
        """Yield each part of a batch, and what it weighs. Gradients are left of it, which are added up at the end."""
        several, is_older = self._fabric.world_size > 1, self._share.is_older
        shared = several and not is_older and not self._optimisation.in_sync
        statistics = SharedStatistics(self._student.network, self._share.n_parts) if shared else None
        for i, (batch, part) in enumerate(doses):
            with ExitStack() as stack:
                if several and not is_older and i < len(doses) - 1:
                    for learner in self._learners:
                        stack.enter_context(self._fabric.no_backward_sync(learner.forward))
                if part.seed is not None:
                    torch.manual_seed(part.seed)
                if statistics is not None:
                    stack.enter_context(statistics.part(part.number))
                yield batch, part.weight
        if statistics is not None:
            statistics.finish()

    def _mix(self, views: Tensor, keep: bool) -> tuple[Tensor, Tensor]:
        """Return mixed (B, 3, h, w) and weights (B, V, h, w), with what the generator's gradient needs if `keep`."""
        if self._generator is None:
            with torch.no_grad():
                mixed, weights = self.mixer(views)
        else:
            with torch.set_grad_enabled(keep):
                mixed, weights = self._generator.forward(views)
        return mixed.contiguous(memory_format=self._layout), weights

    def _take_clean(self, views: Tensor) -> Tensor:
        return views[:, CLEAN].contiguous(memory_format=self._layout)

    def _ask(self, teacher: Teacher, clean: Tensor) -> Outputs:
        with self._fabric.autocast():
            return teacher.answer(clean)


def add_losses(total: Losses, losses: Losses, share: float) -> None:
    """Add a part's losses to those of its batch, `total`, which changes."""
    for name, loss in losses.items():
        scaled = loss.detach() * share
        total[name] = total[name] + scaled if name in total else scaled


def name_losses(loss: Tensor, terms: Losses, weights: Tensor) -> Losses:
    """Return what a step reports: `loss`, its terms, and of several views the mean weight of each: `view0`, …

    A single term of a single view is the loss, and named once.
    """
    n_views = weights.shape[1]
    if n_views == 1:
        return {"loss": loss, **(terms if len(terms) > 1 else {})}
    return {"loss": loss, **terms, **{f"view{i}": mean for i, mean in enumerate(weights.mean((0, 2, 3)))}}


def _stay_where_things_are(student: nn.Module) -> Fabric:
    device = next(student.parameters()).device
    devices: Any = 1 if device.type == "cpu" or device.index is None else [device.index]
    return Fabric(accelerator=device.type, devices=devices)
