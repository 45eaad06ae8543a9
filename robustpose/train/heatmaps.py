"""Heatmaps: what networks that look at one person learn, and from which crops. One Gaussian per joint."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch.nn.functional as F
from torch import Tensor

from robustpose.pose.crop import SCALE_UNIT, boxes_to_center_scale
from robustpose.pose.protocols import Dataset
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Image
from robustpose.train.geometry import Placement, find_lower_body, place_half_body, vary_placement
from robustpose.train.objectives import Batch, Outputs
from robustpose.train.samples import Annotation, CropSource, Samples
from robustpose.train.settings import LossName, TrainSettings
from robustpose.train.settings_groups import AugmentSettings

# Of the smaller of two boxes, in the other one: from there a frame's box is that of the person in the same row, cut off
# or enlarged.
SAME_BOX = 0.5
STRIDE = 4  # crop px per heatmap px of what is expected of a network
OUTPUTS = "heatmaps"
MORE_OUTPUTS = False  # further ones are a mistake
HOLD_UNKNOWN = ()  # targets in which NaN says that nothing is known


def make_samples(source: CropSource, settings: TrainSettings) -> PersonCrops:
    """Return the crops to learn from."""
    return PersonCrops(source, settings.augment)


def make_objective(settings: TrainSettings) -> HeatmapObjective:
    """Return what is learned."""
    return HeatmapObjective(settings.loss)


def expected_shapes(input_wh: tuple[int, int], skeleton: Skeleton) -> tuple[tuple[int, ...], ...]:
    """Return the shape of each output for one crop."""
    return ((1, skeleton.n_joints, input_wh[1] // STRIDE, input_wh[0] // STRIDE),)


def joints_mse(heatmaps: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return half the mean squared error of heatmaps (B, K, h, w), averaged over joints: the loss of SBL and HRNet.

    Eq. 6 of Wang et al., CVPR 2021, halved as in these networks' programs. A joint of `weight` (B, K, 1) 0 adds
    nothing, but still counts in the average.
    """
    weight = weight[..., None]  # (B, K, 1, 1)
    return 0.5 * F.mse_loss(heatmaps * weight, target * weight)


def joints_smooth_l1(heatmaps: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return half the smooth L1 error (beta 1) per joint, averaged over joints: what AdvMix's program trains with.

    Its paper says mean squared error (Wang et al., CVPR 2021, eq. 6); for errors below 1 this is half of `joints_mse`.
    """
    weight = weight[..., None]
    return 0.5 * F.smooth_l1_loss(heatmaps * weight, target * weight)


LOSSES: dict[LossName, Callable[[Tensor, Tensor, Tensor], Tensor]] = {"mse": joints_mse, "smooth_l1": joints_smooth_l1}


class HeatmapObjective:
    """Compare heatmaps (B, K, h, w) with `target` (B, K, h, w), joints weighted by `weight` (B, K, 1): see `LOSSES`."""

    names = ("heatmap",)

    def __init__(self, loss: LossName = "mse") -> None:
        self._loss = LOSSES[loss]

    def task(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Return the loss of heatmaps against their targets (eq. 6)."""
        assert isinstance(outputs, Tensor)
        return {"heatmap": self._loss(outputs, batch["target"], batch["weight"])}

    def distill(self, outputs: Outputs, answers: Outputs, batch: Batch) -> Tensor:
        """Return the loss of heatmaps against a teacher's (eq. 7)."""
        assert isinstance(outputs, Tensor)
        assert isinstance(answers, Tensor)
        return self._loss(outputs, answers, batch["weight"])


def draw_heatmap_targets(
    crop_xy: Floats, visible: npt.NDArray[np.integer], map_wh: tuple[int, int], stride: int, sigma: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return targets (K, h, w), each with a peak of 1, and weights (K, 1).

    As SBL and HRNet draw them: centred on the heatmap pixel nearest to the joint, cut off beyond 3 sigma. A joint
    that is not annotated, or whose 3-sigma box lies outside the map, gets weight 0 and an empty target.

    `crop_xy` (K, 2) is in px of the crop, `stride` of which are one heatmap px; `visible` (K,) is above 0 where the
    joint is annotated; `sigma` is in heatmap px.
    """
    size = np.array(map_wh)
    peak = np.floor(crop_xy / stride + 0.5)  # (K, 2)
    reach = 3 * sigma
    # The published programs still give weight 1 to a joint whose box ends right at the map's left or upper border.
    inside = ((peak + reach >= 0) & (peak - reach <= size - 1)).all(1)
    weight = (visible > 0) & inside
    along_x, along_y = (_bell(peak[:, axis], size[axis], sigma, reach) for axis in (0, 1))  # (K, w), (K, h)
    target = along_y[:, :, None] * along_x[:, None, :] * weight[:, None, None]  # (K, h, w)
    return target.astype(np.float32), weight[:, None].astype(np.float32)


def _bell(centre: Floats, length: int, sigma: float, reach: float) -> Floats:
    distance = np.arange(length) - centre[:, None]  # (K, length)
    return np.exp(-(distance**2) / (2 * sigma**2)) * (np.abs(distance) <= reach)


class PersonCrops(Samples):
    """Give one person per number: a crop varied at random, with its targets.

    Groups of people, and people without an annotated joint, are left out.
    """

    what = "people"

    def __init__(self, source: CropSource, augment: AugmentSettings) -> None:
        dataset = source.dataset
        if augment.mirror_probability > 0:
            dataset.skeleton.check_sides("augment.mirror_probability", "augment.mirror_probability=0 (--set)")
        super().__init__(source, [person for index in range(len(dataset)) for person in _find_people(dataset, index)])
        self._augment = augment
        self._lower = find_lower_body(dataset.skeleton)

    def place(self, annotation: Annotation, image: Image, rng: np.random.Generator) -> Placement:
        """Return a placement around the person's box, or around half of the body, varied at random."""
        input_wh = self.source.input_spec.input_wh
        aspect = input_wh[0] / input_wh[1]
        placement = place_half_body(annotation.xy, annotation.visible, self._lower, aspect, self._augment, rng)
        if placement is None:
            centers, scales = boxes_to_center_scale(annotation.boxes[None], input_wh)
            placement = Placement(centers[0], float(scales[0, 0] * SCALE_UNIT), is_evaluated=True)
        return vary_placement(placement, self._augment, rng)

    def draw_targets(
        self, crop: Annotation, matrix: Floats, shape_hw: tuple[int, int]
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Return `target` (K, h', w') and `weight` (K, 1)."""
        (width, height), stride = self.source.input_spec.input_wh, self.source.input_spec.stride
        map_wh, sigma = (width // stride, height // stride), self.source.input_spec.sigma
        target, weight = draw_heatmap_targets(crop.xy, crop.visible, map_wh, stride, sigma)
        return {"target": target, "weight": weight}


def _find_people(dataset: Dataset, index: int) -> list[Annotation]:
    """Return the people of an image who count, have an area, and have a box that evaluation looks into."""
    truth, boxes = dataset.truth(index), find_crop_boxes(dataset, index)
    trainable = truth.counted & (truth.area > 0) & ((boxes[:, 2:] - boxes[:, :2]).max(1, initial=0.0) > 0)
    return [Annotation(index, truth.xy[i], truth.visible[i], boxes[i]) for i in np.flatnonzero(trainable)]


def find_crop_boxes(dataset: Dataset, index: int) -> Floats:
    """Return the boxes (N, 4) xyxy px that people are learned in: those that evaluation looks into, NaN for none.

    They are the dataset's own for learning, else the boxes of the frame, else, where these may be anybody's, the
    annotated ones.
    """
    own, frame = dataset.learning_boxes(index), dataset.frame(index)
    annotated = dataset.truth(index).boxes.astype(float)
    if own is not None:
        return own
    if frame.boxes is None:
        return annotated
    if frame.truth_rows is not None:
        boxes = np.full(annotated.shape, np.nan)
        boxes[frame.truth_rows[::-1]] = frame.boxes[::-1]  # of several boxes of a person, the first
        return boxes
    is_theirs = len(frame.boxes) == len(annotated) and bool((_share_boxes(frame.boxes, annotated) > SAME_BOX).all())
    return frame.boxes.astype(float) if is_theirs else annotated


def _share_boxes(boxes: Floats, others: Floats) -> Floats:
    """Return how much of the smaller of two boxes (4,) xyxy lies in the other one (N,), for N pairs."""
    common = np.minimum(boxes[:, 2:], others[:, 2:]) - np.maximum(boxes[:, :2], others[:, :2])
    areas = [(some[:, 2:] - some[:, :2]).clip(min=0).prod(1) for some in (boxes, others)]
    return common.clip(min=0).prod(1) / np.maximum(np.minimum(*areas), 1e-9)
