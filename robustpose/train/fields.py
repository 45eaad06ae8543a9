"""Fields: what PifPaf's network learns (Kreiss et al., CVPR 2019): where joints and connections are, and how large.

Confidence is learned by cross entropy, vectors by a Laplace loss whose width the network predicts, too ("adaptive
regression loss" in the paper), joint scales by their relative error.

A teacher has a say in confidence and vectors, which is what people are grown from. Its answer takes the place of the
truth: where that is certain, these losses are distances from it, against a teacher's probabilities and widths they are
the divergences of the two distributions, 0 where student and teacher agree. Scales are learned from the truth alone.

Targets are composite fields as the paper defines them. Which cells are positive, and how large a joint is, it leaves
open; what is drawn here is what we know of the published program's version 0.10, and has not been held against its
output:

- Joints: the 4×4 cells around a joint, two columns on each side of it and two rows. Where those of two people meet, a
  cell belongs to the nearer joint. A joint's scale is its OKS sigma times the square root of the area of the box around
  the person's annotated joints, in the crop, those beyond its border included.
- Connections: the cells of a square of 3×3 that moves from joint to joint, between two annotated ones. It keeps 2.5
  cells away from both, or 0.4 of the way if that is less. Where two people's meet, a cell belongs to the nearer one.
- All other cells are background, right up to the positive ones. Of the people whom nobody has annotated, and outside
  the image, nothing is known; the program learns background outside.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from robustpose.models.input_spec import InputSpec
from robustpose.models.pifpaf import STRIDE, UPSCALE
from robustpose.pose.skeletons import COCO, Skeleton, list_connections
from robustpose.pose.types import Floats
from robustpose.train.field_kernels import draw_connections, draw_joints
from robustpose.train.objectives import Batch, Outputs, nothing, to_float
from robustpose.train.samples import CropSource
from robustpose.train.settings import TrainSettings
from robustpose.train.whole_images import PeopleInCrop, WholeImages, find_kept

CELLS = 1000.0  # losses are of so many cells: a person has some hundreds of positive ones
# Bounds of log-spreads (log of cells) and vectors (cells, along an axis) in losses, within which trained networks stay.
# Of a teacher that has learned nothing, whose batch norms have seen no image, exponentials would be infinite.
LEAST_SPREAD = -3.0  # of the student's; that of the published program
TEACHERS_SPREADS = (-60.0, 10.0)
TEACHERS_VECTORS = (-1000.0, 1000.0)
LEAST_AREA = 1.0  # cells², of a box that says how large somebody is
OUTPUTS = "fields of joints and connections (confidence, vectors, log-spreads, scale)"
MORE_OUTPUTS = True  # further heads are for training only
HOLD_UNKNOWN = ("pif_confidence", "paf_confidence")  # targets in which NaN says that nothing is known


def make_samples(source: CropSource, settings: TrainSettings) -> WholeImages:
    """Return the crops to learn from."""
    draw = partial(draw_field_targets, skeleton=source.dataset.skeleton)
    return WholeImages(source, settings.image_augment, draw)


def make_objective(settings: TrainSettings) -> FieldObjective:
    """Return what is learned."""
    return FieldObjective(settings.confidence_weight)


def expected_shapes(input_wh: tuple[int, int], skeleton: Skeleton) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Return the shape of each output for one crop, by head."""
    columns, rows = count_cells(input_wh)
    (pif, to_joint), (paf, to_end) = (
        ((1, number, rows, columns), (1, number, 2, rows, columns))
        for number in (skeleton.n_joints, len(list_connections(skeleton)))
    )
    return (pif, to_joint, pif, pif), (paf, to_end, to_end, paf, paf)


class FieldObjective:
    """Heads of a PifPaf network, as `models.pifpaf.PifPaf` gives them, against the fields of whole images.

    Outputs are a tuple with one tuple of components per head, the first of joints and the second of connections; in
    training mode confidences are logits, while a teacher, in evaluation mode, answers with probabilities. A batch holds
    what `draw_field_targets` gives of each crop.

    Losses are sums over cells, for 1,000 of them, and means over images: a joint counts the same beside many others and
    alone. Positive and background cells have the same weight. Further heads, such as the published networks' third with
    25 more connections, have a loss of 0: which connections they are of we do not know well enough.

    `confidence_weight` is that of the confidences' cross entropy beside the vectors' loss. Weights above 1 favour who
    is there over where; small networks want less.
    """

    names = ("fields", "scale")

    def __init__(self, confidence_weight: float = 1.0) -> None:
        self._confidence_weight = confidence_weight

    def task(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of confidences and vectors of both heads, and of joint scales."""
        heads, scale, others = _take_apart(outputs)
        targets = {"pif": [batch["pif_vector"]], "paf": batch["paf_vectors"].unbind(1)}
        fields: Any = 0.0
        for name, (logits, vectors) in heads.items():
            confidence = batch[f"{name}_confidence"]
            fields = fields + self._confidence_weight * compare_confidences(logits, confidence)
            for (vector, spread), target in zip(vectors, targets[name], strict=True):
                fields = fields + compare_vectors(vector, spread, target, confidence)
        if others:  # every weight takes part in the loss: processes that share a batch wait for all gradients
            fields = fields + nothing(others)
        return {"fields": fields, "scale": compare_scales(scale, batch["pif_scale"])}

    def distill(self, outputs: Outputs, answers: Outputs, batch: Batch) -> Tensor:
        """Return the divergence of confidences and vectors from a teacher's, wherever people are known.

        Vectors count as much as the teacher is sure that there is something, 0..1. Of fields, this stands for
        what eq. 7 of Wang et al., CVPR 2021, is of heatmaps.
        """
        heads, _, others = _take_apart(outputs)
        its_heads, *_ = _take_apart(answers)
        loss: Any = 0.0
        for name, (logits, vectors) in heads.items():
            answer, its_vectors = its_heads[name]
            known = ~batch[f"{name}_confidence"].isnan()
            loss = loss + self._confidence_weight * diverge_confidences(logits, answer, known)
            for own, its in zip(vectors, its_vectors, strict=True):
                loss = loss + diverge_vectors(*own, *its, answer * known)
        return loss + nothing(others) if others else loss


def _take_apart(outputs: Outputs) -> tuple[dict[str, tuple[Tensor, list[tuple[Tensor, Tensor]]]], Tensor, Outputs]:
    """Return the confidences of both heads with their (vector, log-spread) pairs, the joint scales, and other heads."""
    (pif, vector, spread, scale), (paf, first, second, *spreads), *others = to_float(outputs)
    pairs = list(zip((first, second), spreads, strict=True))
    return {"pif": (pif, [(vector, spread)]), "paf": (paf, pairs)}, scale, tuple(others)


def compare_confidences(logits: Tensor, target: Tensor) -> Tensor:
    """Return the cross entropy of logits (B, F, h, w) against confidences, 0..1, or NaN where nothing is learned."""
    losses = F.binary_cross_entropy_with_logits(logits, target.nan_to_num(), reduction="none")
    return _sum_cells(losses * ~target.isnan())


def compare_vectors(vector: Tensor, spread: Tensor, target: Tensor, confidence: Tensor) -> Tensor:
    """Return the Laplace loss |v − target| / b + log 2b of vectors (B, F, 2, h, w), in cells.

    `spread` (B, F, h, w) is log b; `confidence` (B, F, h, w) is 1 where a vector is learned.
    """
    distance = torch.linalg.vector_norm(vector - target, dim=2)
    spread = spread.clamp(min=LEAST_SPREAD)
    return _sum_cells((distance * torch.exp(-spread) + spread + math.log(2)) * (confidence == 1))


def compare_scales(scale: Tensor, target: Tensor) -> Tensor:
    """Return |s − target| / (1 + target) of joint scales (B, K, h, w): in cells, of large joints the relative error.

    The target is 0 where nothing is learned.
    """
    return _sum_cells((scale - target).abs() / (1 + target) * (target > 0))


def diverge_confidences(logits: Tensor, answer: Tensor, weight: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of logits from a teacher's probabilities; all are (B, F, h, w)."""
    own = torch.special.entr(answer) + torch.special.entr(1 - answer)  # what no student can be below
    losses = F.binary_cross_entropy_with_logits(logits, answer, reduction="none") - own
    return _sum_cells(losses * weight)


def diverge_vectors(vector: Tensor, spread: Tensor, answer: Tensor, its_spread: Tensor, weight: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of vectors from a teacher's, as Laplace distributions of their distance.

    For a teacher of spread β, with d = |v − answer|: (d + β·exp(−d / β)) / b + log b / β − 1. For β -> 0 it is the loss
    of `compare_vectors`, up to what depends on the teacher alone.

    Both vectors are (B, F, 2, h, w), in cells; `spread`, log b, `its_spread`, log β, and `weight` are (B, F, h, w).
    """
    answer = answer.clamp(*TEACHERS_VECTORS)
    its_spread = its_spread.clamp(*TEACHERS_SPREADS)
    spread = spread.clamp(min=LEAST_SPREAD)
    distance = torch.linalg.vector_norm(vector - answer, dim=2)
    expected = distance + torch.exp(its_spread - distance * torch.exp(-its_spread))
    return _sum_cells((expected * torch.exp(-spread) + spread - its_spread - 1) * weight)


def _sum_cells(losses: Tensor) -> Tensor:
    return losses.sum() / (CELLS * len(losses))


def draw_field_targets(
    people: PeopleInCrop, input_spec: InputSpec, skeleton: Skeleton = COCO
) -> dict[str, npt.NDArray[Any]]:
    """Return what `FieldObjective` wants of a crop: float32, lengths in cells.

    With K joints, L connections and (h, w) = `count_cells` of the input spec's input:

    - `pif_confidence` (K, h, w) and `paf_confidence` (L, h, w): 1 or 0, NaN where nothing is known;
    - `pif_vector` (K, 2, h, w): x and y from a positive cell to the joint, 0 elsewhere;
    - `pif_scale` (K, h, w): of the joint at a positive cell; 0 elsewhere, and where joints are too few or too near each
      other to tell;
    - `paf_vectors` (2, L, 2, h, w): from a positive cell to the connection's first and second joint, 0 elsewhere.

    Cell (i, j) is at pixel (8·i, 8·j).

    The skeleton gives sigmas and connections; of COCO's joints always COCO's own, which is what networks are made for.
    """
    ends = np.array(list_connections(skeleton), np.int64).reshape(-1, 2)
    map_wh = count_cells(input_spec.input_wh)
    joints = np.ascontiguousarray(people.crop_xy, np.float64) / STRIDE
    annotated = np.ascontiguousarray(people.visible > 0)
    scales = _measure_people(joints, annotated)[:, None] * np.array(skeleton.sigmas)  # (N, K)

    n, n_ends = skeleton.n_joints, len(ends)
    shapes = {"pif_confidence": (n,), "pif_vector": (n, 2), "pif_scale": (n,)}
    shapes |= {"paf_confidence": (n_ends,), "paf_vectors": (2, n_ends, 2)}
    targets = {name: np.zeros((*shape, *map_wh[::-1]), np.float32) for name, shape in shapes.items()}
    pif = (targets["pif_confidence"], targets["pif_vector"], targets["pif_scale"])
    draw_joints(joints, annotated, scales, *pif)
    draw_connections(joints, annotated, ends, targets["paf_confidence"], targets["paf_vectors"])
    unknown = find_kept(people.ignored, people.matrix, map_wh, STRIDE) == 0
    for name in ("pif_confidence", "paf_confidence"):  # what is annotated is known, whatever is behind it
        targets[name][(targets[name] == 0) & unknown] = np.nan
    return targets


def count_cells(input_wh: tuple[int, int]) -> tuple[int, int]:
    """Return the width and height of the fields of an input of that many px: (⌈side / 16⌉·2 − 1)."""
    width, height = (UPSCALE * -(-side // (UPSCALE * STRIDE)) - 1 for side in input_wh)
    return width, height


def _measure_people(joints: Floats, annotated: npt.NDArray[np.bool_]) -> Floats:
    """Return the square root of the area of each person's annotated joints' box (N,), 0 where it is too small."""
    shown = annotated[..., None]
    low, high = np.where(shown, joints, np.inf).min(1), np.where(shown, joints, -np.inf).max(1)
    area = np.prod(np.maximum(high - low, 0), axis=1)  # of somebody without joints 0
    return np.sqrt(np.where(area >= LEAST_AREA, area, 0))
