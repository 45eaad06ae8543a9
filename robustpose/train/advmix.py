"""AdvMix: a generator mixes views to confuse the student, who learns from the mix and from a teacher.

Wang et al., CVPR 2021, section 4. `AdvMixStep` is one iteration, for this package's loop or anybody's own:

    step = AdvMixStep(student, teacher, make_generator(3, (192, 256)))
    losses = step({"views": views, "target": target, "weight": weight})

With another mixer (`mixing`) than the generator's it is one of the paper's other ways of mixing; with a single view,
fast pose distillation (Zhang et al., CVPR 2019).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from robustpose.models.fast import fast_input_gradient, fold_batch_norms, fuse_convolutions
from robustpose.train.losses import LossName
from robustpose.train.mixing import CLEAN, GeneratorMix
from robustpose.train.objectives import (
    Batch,
    HeatmapObjective,
    Objective,
    Outputs,
    nothing,
    take,
    take_batch,
    to_float,
)
from robustpose.train.steps import Learner, find_layout, split

DistillOn = Literal["clean", "mixed"]
Update = Literal["alternating", "simultaneous"]


class AdvMixStep:
    """Train a student on mixed views, and the generator that mixes them against it.

    Args:
        student: crops (B, 3, h, w) to heatmaps (B, K, h', w'), or to what the objective takes; trained in place. Its
            weights' memory layout is kept: with channels last everything is faster, without it the published program's
            order of sums is kept.
        teacher: likewise; a frozen copy is kept. None for none, as with `alpha` 0.
        generator: stacked views (B, 3·V, h, w) to logits (B, V, h, w); or a mixer of `mixing`.
        alpha: weight of the teacher's heatmaps against the targets, 0..1 (eq. 6; 0.1 in the paper).
        loss: `mse` as in the paper, or `smooth_l1` as in its program.
        objective: what is learned; None for heatmaps.
        distill_on: what the student shows the teacher: heatmaps of the clean crop, as in the paper (eq. 5), or of the
            mix, as in its program, which saves a pass.
        update: `alternating`, as published: the student learns, then the generator against the new student.
            `simultaneous`: one pass of the student for both, the generator following the reversed gradient of the task
            loss. For that, every mixed crop is for one thing: with probability `alpha` the student learns from the
            teacher on it, else from the target. On average that is the same student loss, and the gradient that the
            generator gets is of the task loss alone. `distill_on` is then always the mix.
        second_norm_update: let the student's batch norms take in the generator's pass, too, as the program does.
        lr: first learning rate of the student.
        generator_lr: of the generator; None for the same.
        clip: largest norm of a gradient; None for any.
        ema: see `Learner`; of the student.
        accumulate: parts that a batch is done in, for want of memory.
        fabric: moves, wraps and differentiates; None for none: networks and batches stay where they are.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: nn.Module | None,
        generator: nn.Module,
        *,
        alpha: float = 0.1,
        loss: LossName = "mse",
        objective: Objective | None = None,
        distill_on: DistillOn = "clean",
        update: Update = "alternating",
        second_norm_update: bool = True,
        lr: float = 1e-3,
        generator_lr: float | None = None,
        clip: float | None = None,
        ema: float | None = None,
        accumulate: int = 1,
        fabric: Fabric | None = None,
    ) -> None:
        self._fabric = fabric or _stay_where_things_are(student)
        self._objective = objective or HeatmapObjective(loss)
        self._alpha = alpha if teacher is not None else 0.0
        self._distill_on = distill_on
        self._update = update
        self._second_norm_update = second_norm_update
        self._accumulate = accumulate
        self._student = Learner(self._fabric, student, lr, clip, ema)
        self._layout = find_layout(student)
        self._teacher: nn.Module | None = None
        self._fast_teacher: nn.Module | None = None
        if self._alpha > 0:
            self._teacher = copy.deepcopy(teacher)
            self._freeze_teacher()
        self._mixer: Any = generator if hasattr(generator, "adversarial") else GeneratorMix(generator)
        self._generator: Learner | None = None
        if self._mixer.adversarial:
            self._generator = Learner(self._fabric, self._mixer, generator_lr or lr, clip)

    @property
    def network(self) -> nn.Module:
        """Return the student, or the average of its weights."""
        return self._student.product

    @property
    def mixer(self) -> nn.Module:
        """Return what mixes the views."""
        return self._mixer

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """Update student and generator once.

        Args:
            batch: `views` (B, V, 3, h, w) normalised, the clean one first; and what the objective wants: for heatmaps
                `target` (B, K, h', w') and `weight` (B, K, 1).

        Returns:
            `loss` of the student and its parts, for heatmaps `heatmap`, and `distill`; of the generator `adversarial`;
            and the mean weight of each view, `view0`, …
        """
        self._student.forward.train()
        self._student.clear()
        if self._generator is not None:
            self._generator.forward.train()
            self._generator.clear()
        parts = list(split(batch, self._accumulate))
        if self._update == "simultaneous":
            losses = _sum(self._learn_together(part, share) for part, share in parts)
            self._student.update()
            if self._generator is not None:
                self._generator.update()
            return losses
        mixes = [self._mix(part["views"], keep=len(parts) == 1) for part, _ in parts]
        losses = _sum(self._teach_student(*pair) for pair in zip(parts, mixes, strict=True))
        self._student.update()
        if self._generator is None:
            return losses
        if len(parts) > 1:  # mixed again rather than kept: the generator's layers would not fit either
            mixes = []
        with self._student_fixed():
            hard = _sum(
                self._teach_generator(part, share, mixes[i][0] if mixes else self._mix(part["views"], keep=True)[0])
                for i, (part, share) in enumerate(parts)
            )
        self._generator.update()
        return {**losses, **hard}

    def _mix(self, views: Tensor, keep: bool) -> tuple[Tensor, Tensor]:
        """Return mixed (B, 3, h, w) and weights (B, V, h, w), with what the generator's gradient needs if `keep`."""
        if self._generator is None:
            with torch.no_grad():
                mixed, weights = self._mixer(views)
        else:
            with torch.set_grad_enabled(keep):
                mixed, weights = self._generator.forward(views)
        return mixed.contiguous(memory_format=self._layout), weights

    def _teach_student(self, part: tuple[Batch, float], mix: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        (batch, share), (mixed, weights) = part, mix
        outputs = self._student.forward(mixed.detach())
        losses = self._objective.task(outputs, batch)
        loss, others = self._divide(losses)
        if self._teacher is not None:
            clean = batch["views"][:, CLEAN].contiguous(memory_format=self._layout)
            shown = outputs
            if self._distill_on == "clean" and batch["views"].shape[1] > 1:
                shown = self._student.forward(clean)
            losses["distill"] = self._objective.distill(shown, self._ask_teacher(clean), batch)
            loss = (1 - self._alpha) * loss + self._alpha * losses["distill"]
        if others is not None:
            loss = loss + others
        self._fabric.backward(loss * share)
        return _scale({"loss": loss, **losses, **_mean_weights(weights)}, share)

    def _divide(self, losses: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """Return the loss that is shared with the teacher, and the sum of the others, None where there are none."""
        main, *others = (losses[name] for name in self._objective.names)
        return main, torch.stack(others).sum() if others else None

    def _teach_generator(self, batch: Batch, share: float, mixed: Tensor) -> dict[str, Tensor]:
        with self._fabric.autocast():
            loss = -self._objective.task(self._student.network(mixed), batch)[self._objective.names[0]]
        self._fabric.backward(loss * share)
        return _scale({"adversarial": loss}, share)

    def _learn_together(self, batch: Batch, share: float) -> dict[str, Tensor]:
        mixed, weights = self._mix(batch["views"], keep=True)
        n_crops = len(mixed)
        # The first crops are for the teacher: which ones these are, the shuffled order has drawn.
        n_taught = int(self._alpha * n_crops + float(torch.rand(())))
        factors = torch.zeros(n_crops, 1, 1, 1, device=mixed.device)
        factors[n_taught:] = -n_crops / max(n_crops - n_taught, 1)
        outputs = self._student.forward(_ScaleGradient.apply(mixed, factors))
        task, taught = slice(n_taught, None), slice(n_taught)
        if n_taught < n_crops:
            losses = self._objective.task(take(outputs, task), take_batch(batch, task))
            share_of_task = (n_crops - n_taught) / n_crops
            loss = torch.stack(list(losses.values())).sum() * share_of_task
        else:
            loss = nothing(outputs)
            losses = dict.fromkeys(self._objective.names, loss)
        hard = losses[self._objective.names[0]]
        losses["distill"] = torch.zeros_like(hard)
        if n_taught:
            answer = self._ask_teacher(batch["views"][taught, CLEAN])
            distill = self._objective.distill(take(outputs, taught), answer, take_batch(batch, taught))
            distill = distill * (n_taught / n_crops)
            loss = loss + distill
            losses["distill"] = distill / self._alpha  # so that its mean over steps is that of all crops
        self._fabric.backward(loss * share)
        if self._generator is not None:
            losses["adversarial"] = -hard
        return _scale({"loss": loss, **losses, **_mean_weights(weights)}, share)

    @torch.no_grad()
    def _ask_teacher(self, clean: Tensor) -> Outputs:
        clean = clean.contiguous(memory_format=self._layout)
        with self._fabric.autocast():
            if self._fast_teacher is None:  # the first crops tell the shape
                self._fast_teacher = self._make_fast_teacher(clean)
            return to_float(self._fast_teacher(clean))

    def _make_fast_teacher(self, clean: Tensor) -> nn.Module:
        """Return the teacher or, where speed was asked for by channels last, the same function with fewer layers."""
        assert self._teacher is not None
        if self._layout != torch.channels_last:
            return self._teacher
        folded: Any = fold_batch_norms(self._teacher).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        is_float32_on_cpu = clean.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        return fuse_convolutions(folded, clean.shape) if is_float32_on_cpu else folded

    def _freeze_teacher(self) -> None:
        assert self._teacher is not None
        self._teacher.eval().requires_grad_(False).to(self._fabric.device)
        self._fast_teacher = None

    @contextmanager
    def _student_fixed(self) -> Iterator[None]:
        """Keep the student's weights from the generator's pass, and if so set, its batch norms' statistics."""
        student = self._student.network
        trainable = [parameter for parameter in student.parameters() if parameter.requires_grad]
        norms = [m for m in student.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        tracking = [norm.track_running_stats for norm in norms]
        for parameter in trainable:
            parameter.requires_grad_(False)
        for norm in norms:
            norm.track_running_stats = norm.track_running_stats and self._second_norm_update
        try:
            with fast_input_gradient(student):
                yield
        finally:
            for parameter in trainable:
                parameter.requires_grad_(True)
            for norm, before in zip(norms, tracking, strict=True):
                norm.track_running_stats = before

    def set_lr_factor(self, factor: float) -> None:
        """Multiply the first learning rates."""
        self._student.set_lr_factor(factor)
        if self._generator is not None:
            self._generator.set_lr_factor(factor)

    def state(self) -> dict[str, Any]:
        """Return all that the next updates depend on: student, teacher, generator, optimisers."""
        state: dict[str, Any] = {"student": self._student.state()}
        if self._teacher is not None:
            state["teacher"] = self._teacher.state_dict()
        if self._generator is not None:
            state["generator"] = self._generator.state()
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self._student.restore(state["student"])
        if self._teacher is not None:
            self._teacher.load_state_dict(state["teacher"])
            self._freeze_teacher()
        if self._generator is not None:
            self._generator.restore(state["generator"])


class _ScaleGradient(torch.autograd.Function):
    """Pass crops (B, 3, h, w) on as they are, and multiply their gradients by `factors` (B, 1, 1, 1)."""

    @staticmethod
    def forward(ctx: Any, crops: Tensor, factors: Tensor) -> Tensor:
        ctx.save_for_backward(factors)
        return crops.view_as(crops)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0] * ctx.saved_tensors[0].to(gradients[0].dtype), None


def _stay_where_things_are(student: nn.Module) -> Fabric:
    device = next(student.parameters()).device
    devices: Any = 1 if device.type == "cpu" or device.index is None else [device.index]
    return Fabric(accelerator=device.type, devices=devices)


def _mean_weights(weights: Tensor) -> dict[str, Tensor]:
    return {f"view{i}": mean for i, mean in enumerate(weights.mean((0, 2, 3)))} if weights.shape[1] > 1 else {}


def _scale(losses: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    return {name: loss.detach() * share for name, loss in losses.items()}


def _sum(all_losses: Iterator[dict[str, Tensor]]) -> dict[str, Tensor]:
    total: dict[str, Tensor] = {}
    for losses in all_losses:
        total = {name: total[name] + loss if name in total else loss for name, loss in losses.items()}
    return total
