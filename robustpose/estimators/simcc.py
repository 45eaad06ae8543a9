"""SimCC: crop every person, a row of bins per joint and axis, mirror test, decode, score, drop near-duplicates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from robustpose.decoding.simcc import decode_simcc, unmirror_simcc
from robustpose.errors import UserError
from robustpose.estimators.options import CropOptions
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.top_down import DEFAULTS, TopDownEstimator
from robustpose.models.input_spec import InputSpec
from robustpose.pose.crop import boxes_to_center_scale, crop_person, map_xy_to_xy
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Image

# Normalised crops (B, 3, h, w) -> bins of columns (B, K, r·w) and of rows (B, K, r·h).
SimccNetwork = Callable[[Array], Sequence[Array]]


class SimccEstimator(TopDownEstimator[SimccNetwork]):
    """Estimate poses in given boxes with a network that gives SimCC's bins, as RTMPose is evaluated.

    Crops and scores are HRNet's, which are RTMPose's as well. `split_ratio` is the number of bins per px.
    """

    def __init__(
        self,
        network: SimccNetwork,
        input_spec: InputSpec,
        skeleton: Skeleton,
        options: CropOptions = DEFAULTS,
        split_ratio: float = 2.0,
    ) -> None:
        super().__init__(network, input_spec, skeleton, options)
        if not 1 <= split_ratio <= 100:
            raise UserError(f"split_ratio must be 1 to 100 bins per px, got {split_ratio:g}")
        self._split_ratio = split_ratio

    def _find_joints(self, images: Sequence[Image], boxes: Floats) -> tuple[Floats, Floats]:
        input_wh = self.input_spec.input_wh
        centers, scales = boxes_to_center_scale(boxes, input_wh)
        x_bins, y_bins = self._find_bins(
            [crop_person(*person, input_wh) for person in zip(images, centers, scales, strict=True)]
        )
        crop_xy, confidence = decode_simcc(x_bins, y_bins, self._split_ratio)
        return map_xy_to_xy(crop_xy, centers, scales, input_wh), confidence

    def _find_bins(self, crops: Sequence[Image]) -> tuple[Floats, Floats]:
        n_crops = len(crops)
        outputs = self._look(crops)
        n_rows, n_joints = n_crops * (2 if self._flip_test else 1), self.skeleton.n_joints
        expected = tuple((n_rows, n_joints, round(side * self._split_ratio)) for side in self.input_spec.input_wh)
        shapes = tuple(np.shape(output) for output in outputs) if isinstance(outputs, tuple | list) else ()
        if shapes != expected:
            raise UserError(
                f"model '{self.input_spec.name}' must give SimCC's bins of x {expected[0]} and of y {expected[1]} for "
                f"skeleton '{self.skeleton.name}' and split ratio {self._split_ratio:g}, got "
                f"{' and '.join(map(str, shapes)) or f'one output {np.shape(outputs)}'}"
            )
        x_bins, y_bins = outputs
        if not self._flip_test:
            return x_bins, y_bins
        mirrored = unmirror_simcc(x_bins[n_crops:], y_bins[n_crops:], self.own_skeleton.flip_order, self._split_ratio)
        half = np.float32(0.5)
        return (x_bins[:n_crops] + mirrored[0]) * half, (y_bins[:n_crops] + mirrored[1]) * half
