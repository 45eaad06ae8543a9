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

    Crops and scores are HRNet's, which are RTMPose's as well, of boxes as annotation files have them. `split_ratio` is
    the number of bins per px.
    """

    takes_edges = True

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

    def _crop(self, images: Sequence[Image], boxes: Floats) -> Sequence[Image]:
        input_wh = self.input_spec.input_wh
        centers, scales = boxes_to_center_scale(boxes, input_wh)
        return [crop_person(*person, input_wh) for person in zip(images, centers, scales, strict=True)]

    def _find_joints(self, images: Sequence[Image], boxes: Floats) -> tuple[Floats, Floats]:
        input_wh = self.input_spec.input_wh
        centers, scales = boxes_to_center_scale(boxes, input_wh)
        x_bins, y_bins = self._find_bins(self._make_inputs(images, boxes))
        crop_xy, confidence = decode_simcc(x_bins, y_bins, self._split_ratio)
        return map_xy_to_xy(crop_xy, centers, scales, input_wh), confidence

    def _find_bins(self, inputs: Array) -> tuple[Floats, Floats]:
        n_crops = len(inputs)
        outputs = self._look(inputs)
        n_rows = n_crops * (2 if self._flip_test else 1)
        self._check(outputs, n_rows)
        x_bins, y_bins = outputs
        if not self._flip_test:
            return x_bins, y_bins
        mirrored = unmirror_simcc(x_bins[n_crops:], y_bins[n_crops:], self.own_skeleton.flip_order, self._split_ratio)
        half = np.float32(0.5)
        return (x_bins[:n_crops] + mirrored[0]) * half, (y_bins[:n_crops] + mirrored[1]) * half

    def _check(self, outputs: object, n_rows: int) -> None:
        """Raise UserError if outputs are not the bins of so many crops."""
        n_joints, input_spec = self.own_skeleton.n_joints, self.input_spec
        expected = [(n_rows, n_joints, round(side * self._split_ratio)) for side in input_spec.input_wh]
        parts = outputs if isinstance(outputs, tuple | list) else [outputs]
        shapes = [part.shape if isinstance(part, np.ndarray) else type(part).__name__ for part in parts]
        if shapes == expected:
            return
        hint = ""
        if shapes == expected[::-1]:
            hint = ": are x and y exchanged?"
        elif len(shapes) == 2 and all(
            isinstance(shape, tuple) and len(shape) == 3 and shape[1] != n_joints for shape in shapes
        ):
            hint = ": is this a model of another skeleton?"
        raise UserError(
            f"model '{input_spec.name}' must give bins of x {expected[0]} and of y {expected[1]} for skeleton "
            f"'{self.own_skeleton.name}' and split ratio {self._split_ratio:g}, got "
            f"{' and '.join(map(str, shapes)) or 'nothing'}{hint}"
        )
