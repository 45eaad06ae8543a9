"""One pass of the student for both networks: a third less time than AdvMix's turns; ours, not the paper's.

The generator follows the reversed gradient of the task loss. For that, every mixed crop is for one thing: with
probability α the student learns from the teacher on it, else from the target. On average that is the student's loss of
the paper's program (Wang et al., CVPR 2021, eq. 8), and the gradient that the generator gets is of the task loss alone
(eq. 9).
"""

from __future__ import annotations

import torch

from robustpose.train.batches import Share
from robustpose.train.objectives import Batch, nothing, take, take_batch
from robustpose.train.steps import Losses, Step, add_losses, name_losses


class SimultaneousStep(Step):
    """Train a student on mixed views, and at once the mixer against it. The arguments are those of `Step`.

    A teacher is always shown outputs of the mix.
    """

    def __call__(self, batch: Batch, share: Share | None = None) -> Losses:
        """Update student and generator once; arguments and losses are those of `AdvMixStep`."""
        total: Losses = {}
        for part, weight in self._take_turns(self._start(batch, share)):
            add_losses(total, self._learn_from(part, weight), weight)
        for learner in self._learners:
            learner.update()
        return total

    def _learn_from(self, batch: Batch, weight: float) -> Losses:
        """Leave gradients of part of a batch, times `weight`, in both networks, and return its losses."""
        mixed, weights = self._mix(batch["views"], keep=True)
        n_crops = len(mixed)
        # The first crops are for the teacher: which ones these are, the shuffled order has drawn.
        alpha = 0.0 if self._teacher is None else self._teacher.alpha
        n_taught = int(alpha * n_crops + float(torch.rand(())))
        factors = torch.zeros(n_crops, 1, 1, 1, device=mixed.device)
        factors[n_taught:] = -n_crops / max(n_crops - n_taught, 1)
        if mixed.requires_grad:  # of a mixer that learns: what it gets of each crop's gradient
            mixed.register_hook(lambda gradient: gradient * factors.to(gradient.dtype))
        outputs = self._student.forward(mixed)
        task, taught = slice(n_taught, None), slice(n_taught)
        if n_taught < n_crops:
            terms = self._objective.task(take(outputs, task), take_batch(batch, task))
            loss = torch.stack(list(terms.values())).sum() * ((n_crops - n_taught) / n_crops)
        else:
            loss = nothing(outputs)
            terms = dict.fromkeys(self._objective.names, loss)
        hard = terms[self._objective.names[0]]
        terms["distill"] = torch.zeros_like(hard)
        if self._teacher is not None and n_taught:
            answer = self._ask(self._teacher, self._take_clean(batch["views"][taught]))
            distill = self._objective.distill(take(outputs, taught), answer, take_batch(batch, taught))
            distill = distill * (n_taught / n_crops)
            loss = loss + distill
            terms["distill"] = distill / alpha  # so that its mean over steps is that of all crops
        self._fabric.backward(loss * weight)
        if self._generator is not None:
            terms["adversarial"] = -hard
        return name_losses(loss, terms, weights)
