"""Fields: what PifPaf's network learns (Kreiss et al., CVPR 2019): where joints and connections are, and how large.

Confidence is learned by cross entropy, vectors by a Laplace loss whose width the network predicts, too ("adaptive
regression loss" in the paper), joint scales by their relative error.

A teacher has a say in confidence and vectors, which is what people are grown from. Its answer takes the place of the
truth: where that is certain, these losses are distances from it, against a teacher's probabilities and widths they are
the divergences of the two distributions, 0 where student and teacher agree. Scales are learned from the truth alone.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from robustpose.train.objectives import Batch, Outputs, nothing, to_float

CELLS = 1000.0  # losses are of so many cells: a person has some hundreds of positive ones


class FieldObjective:
    """Heads of a PifPaf network, as `models.pifpaf.PifPaf` gives them, against the fields of whole images.

    Outputs are a tuple with one tuple of components per head, the first of joints and the second of connections; in
    training mode confidences are logits, while a teacher, in evaluation mode, answers with probabilities. A batch holds
    what `field_targets.draw_field_targets` gives of each crop.

    Losses are sums over cells, for 1,000 of them, and means over images: a joint counts the same beside many others and
    alone. Positive and background cells have the same weight.

    Further heads, such as the published networks' third with 25 more connections, are left as they are: their loss is
    0. They only help training, and which connections they are of we do not know well enough.

    Args:
        confidence_weight: of the confidences' cross entropy beside the vectors' loss. Weights above 1 favour who is
            there over where; small networks want less.
    """

    names = ("fields", "scale")

    def __init__(self, confidence_weight: float = 1.0) -> None:
        self._confidence_weight = confidence_weight

    def task(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of confidences and vectors of both heads, and of joint scales."""
        pif, paf, *others = to_float(outputs)
        logits, vector, spread, scale = pif
        fields = self._confidence_weight * compare_confidences(logits, batch["pif_confidence"])
        fields = fields + compare_vectors(vector, spread, batch["pif_vector"], batch["pif_confidence"])
        logits, *vectors_and_spreads = paf
        fields = fields + self._confidence_weight * compare_confidences(logits, batch["paf_confidence"])
        for end in (0, 1):
            vector, spread = vectors_and_spreads[end], vectors_and_spreads[2 + end]
            fields = fields + compare_vectors(vector, spread, batch["paf_vectors"][:, end], batch["paf_confidence"])
        if others:  # every weight takes part in the loss: processes that share a batch wait for all gradients
            fields = fields + nothing(tuple(others))
        return {"fields": fields, "scale": compare_scales(scale, batch["pif_scale"])}

    def distill(self, outputs: Outputs, answers: Outputs, batch: Batch) -> Tensor:
        """Return the divergence of confidences and vectors from a teacher's, wherever people are known.

        Vectors count as much as the teacher is sure that there is something, 0..1.
        """
        (logits, vector, spread, _), (paf_logits, *vectors), *others = to_float(outputs)
        (answer, to_joint, its_spread, _), (paf_answer, *to_ends), *_ = to_float(answers)
        known, paf_known = (~batch[f"{name}_confidence"].isnan() for name in ("pif", "paf"))
        loss = self._confidence_weight * diverge_confidences(logits, answer, known)
        loss = loss + diverge_vectors(vector, spread, to_joint, its_spread, answer * known)
        loss = loss + self._confidence_weight * diverge_confidences(paf_logits, paf_answer, paf_known)
        for end in (0, 1):
            student, teacher = (vectors[end], vectors[2 + end]), (to_ends[end], to_ends[2 + end])
            loss = loss + diverge_vectors(*student, *teacher, paf_answer * paf_known)
        return loss + nothing(tuple(others)) if others else loss


def compare_confidences(logits: Tensor, target: Tensor) -> Tensor:
    """Return the cross entropy of confidences.

    Args:
        logits: (B, F, h, w).
        target: likewise, 0..1; NaN where nothing is learned.
    """
    losses = F.binary_cross_entropy_with_logits(logits, target.nan_to_num(), reduction="none")
    return _sum_cells(losses * ~target.isnan())


def compare_vectors(vector: Tensor, spread: Tensor, target: Tensor, confidence: Tensor) -> Tensor:
    """Return the Laplace loss |v − target| / b + log 2b of vectors at positive cells.

    Args:
        vector: (B, F, 2, h, w) in cells.
        spread: (B, F, h, w), the logarithm of b.
        target: as `vector`.
        confidence: (B, F, h, w), 1 where a vector is learned.
    """
    distance = torch.linalg.vector_norm(vector - target, dim=2)
    return _sum_cells((distance * torch.exp(-spread) + spread + math.log(2)) * (confidence == 1))


def compare_scales(scale: Tensor, target: Tensor) -> Tensor:
    """Return |s − target| / (1 + target) of joint scales: the error in cells, of large joints the relative one.

    Args:
        scale: (B, K, h, w) in cells.
        target: likewise; 0 where nothing is learned.
    """
    return _sum_cells((scale - target).abs() / (1 + target) * (target > 0))


def diverge_confidences(logits: Tensor, answer: Tensor, weight: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of confidences from a teacher's.

    Args:
        logits: (B, F, h, w).
        answer: likewise, the teacher's probabilities.
        weight: likewise.
    """
    own = torch.special.entr(answer) + torch.special.entr(1 - answer)  # what no student can be below
    losses = F.binary_cross_entropy_with_logits(logits, answer, reduction="none") - own
    return _sum_cells(losses * weight)


def diverge_vectors(vector: Tensor, spread: Tensor, answer: Tensor, its_spread: Tensor, weight: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of vectors from a teacher's, as Laplace distributions of their distance.

    For a teacher of spread β, with d = |v − answer|: (d + β·exp(−d / β)) / b + log b / β − 1. For β -> 0 it is the loss
    of `compare_vectors`, up to what depends on the teacher alone.

    Args:
        vector: (B, F, 2, h, w) in cells.
        spread: (B, F, h, w), the logarithm of b.
        answer: as `vector`, the teacher's.
        its_spread: as `spread`.
        weight: (B, F, h, w).
    """
    distance = torch.linalg.vector_norm(vector - answer, dim=2)
    expected = distance + torch.exp(its_spread - distance * torch.exp(-its_spread))
    return _sum_cells((expected * torch.exp(-spread) + spread - its_spread - 1) * weight)


def _sum_cells(losses: Tensor) -> Tensor:
    return losses.sum() / (CELLS * len(losses))
