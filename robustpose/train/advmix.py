"""AdvMix: a generator mixes views to confuse the student, who learns from the mix and from a teacher.

Wang et al., CVPR 2021, sections 3.2.1 to 3.2.3, whose numbers the equations have. D is the student, G the generator, T
the teacher, I the clean crop, I_0 … I_K its views, and L the loss, of heatmaps half their mean squared error (6):

    mix         (5)    I_mix = Σ_k M_k ⊙ I_k, where M = softmax G(I_0, …, I_K)
    student     (8)    (1 − α)·L(D(I_mix), target) + α·L_kd, with distillation (7) L_kd = L(D(I), T(I))
    generator   (9)    −L(D(I_mix), target)
    game        (10)   D goes down (8), then G, against the new D, goes down (9)

    step = AdvMixStep(student, Teacher(student), GeneratorMix(make_generator(3, (192, 256))))
    losses = step({"views": views, "target": target, "weight": weight})

With a mixer that does not learn it is one of the paper's other ways of mixing; without mixer, fast pose distillation
(Zhang et al., CVPR 2019); without teacher and mixer, plain training.
"""

from __future__ import annotations

import torch

from robustpose.train.batches import Share
from robustpose.train.objectives import Batch
from robustpose.train.optimisation import hold_weights
from robustpose.train.steps import Losses, Step, add_losses, name_losses


class AdvMixStep(Step):
    """Train a student on mixed views, then the mixer against it. The arguments are those of `Step`."""

    def __call__(self, batch: Batch, share: Share | None = None) -> Losses:
        """Update student and generator once, and return their losses.

        `loss` of the student and its terms, for heatmaps `heatmap`, and `distill`; of the generator `adversarial`; and
        the mean weight of each view, `view0`, …
        """
        total: Losses = {}
        parts = self._start(batch, share)
        for part, weight in self._take_turns(parts):
            views = part["views"]
            mixed, weights = self._mix(views, keep=len(parts) == 1)  # (5)
            outputs = self._student.forward(mixed.detach())
            terms = self._objective.task(outputs, part)  # (6)
            if self._teacher is None:
                loss = torch.stack(list(terms.values())).sum()
            else:
                # The teacher shares the first loss; others, such as those of tags, stay whole beside it.
                first, *others = terms.values()
                alpha, clean = self._teacher.alpha, self._take_clean(views)
                if self._teacher.distill_on == "clean" and views.shape[1] > 1:
                    outputs = self._student.forward(clean)
                terms["distill"] = self._objective.distill(outputs, self._ask(self._teacher, clean), part)  # (7)
                loss = (1 - alpha) * first + alpha * terms["distill"]  # (8)
                if others:
                    loss = loss + torch.stack(others).sum()
            self._fabric.backward(loss * weight)
            add_losses(total, name_losses(loss, terms, weights), weight)
        self._student.update()  # (10), the student's turn

        if self._generator is None:
            return total
        with hold_weights(self._student.network, self._optimisation.second_norm_update):
            for part, weight in self._take_turns(parts):
                if len(parts) > 1:  # mixed again rather than kept: the generator's layers would not fit either
                    mixed, _ = self._mix(part["views"], keep=True)
                with self._fabric.autocast():
                    terms = self._objective.task(self._student.network(mixed), part)
                    adversarial = -terms[self._objective.names[0]]  # (9)
                self._fabric.backward(adversarial * weight)
                add_losses(total, {"adversarial": adversarial}, weight)
        self._generator.update()  # (10), the generator's turn
        return total
