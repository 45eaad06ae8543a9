"""Heatmaps: crop every person, one heatmap per joint, mirror test, decode, score, drop near-duplicates (top-down)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from robustpose.decoding.conventions import CONVENTIONS
from robustpose.decoding.heatmaps import unmirror_heatmaps
from robustpose.errors import UserError
from robustpose.estimators.adapting.options import AdaptOptions
from robustpose.estimators.joint_order import JointOrder
from robustpose.estimators.options import CropOptions, HeatmapOptions, NetworkOptions, Size, write_size
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.top_down import DEFAULTS, TopDownEstimator
from robustpose.models.input_spec import InputSpec
from robustpose.models.zoo import has_published_input, make_input_spec
from robustpose.pose.crop import boxes_to_center_scale
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Image

if TYPE_CHECKING:  # ONNX files need no PyTorch
    from torch import Tensor, nn

# Normalised crops (B, 3, h, w) -> heatmaps (B, K, h/stride, w/stride).
HeatmapNetwork = Callable[[Array], Array]
HEAD = "final_layer.weight"  # (K, c, 1, 1) in every official file: tells the number of joints


class Options(NetworkOptions, AdaptOptions, HeatmapOptions):
    """Options of a heatmap network."""

    input: Size | None = None
    """WIDTHxHEIGHT px, of official files; by default as their names say (_256x192: height first), or as is usual."""
    joints: JointOrder | None = None
    """Whose joints an official file has: data's, or of a skeleton such as coco (robustpose list skeletons)."""


class HeatmapEstimator(TopDownEstimator[HeatmapNetwork]):
    """Estimate poses in given boxes with a heatmap network, as SBL and HRNet are evaluated.

    With `decode` of `HeatmapOptions`, as networks of other conventions are.
    """

    def __init__(
        self, network: HeatmapNetwork, input_spec: InputSpec, skeleton: Skeleton, options: CropOptions = DEFAULTS
    ) -> None:
        super().__init__(network, input_spec, skeleton, options)
        decode = options.decode if isinstance(options, HeatmapOptions) else "quarter"
        self._convention = CONVENTIONS[decode]
        map_wh = [side // input_spec.stride for side in input_spec.input_wh]
        if min(map_wh) < self._convention.least_side:
            raise UserError(
                f"decode={decode} needs heatmaps of at least {self._convention.least_side} px a side, those of model "
                f"'{input_spec.name}' are {map_wh[0]}x{map_wh[1]}: use decode=quarter (--model-set)"
            )

    def _crop(self, images: Sequence[Image], boxes: Floats) -> Sequence[Image]:
        input_wh = self.input_spec.input_wh
        centers, scales = boxes_to_center_scale(boxes, input_wh)
        return [self._convention.crop(*person, input_wh) for person in zip(images, centers, scales, strict=True)]

    def _find_joints(self, images: Sequence[Image], boxes: Floats) -> tuple[Floats, Floats]:
        centers, scales = boxes_to_center_scale(boxes, self.input_spec.input_wh)
        heatmaps = self._find_heatmaps(self._make_inputs(images, boxes))
        map_xy, confidence = self._convention.decode(heatmaps, self.input_spec.sigma)
        map_wh = (heatmaps.shape[3], heatmaps.shape[2])
        return self._convention.to_image(map_xy, centers, scales, map_wh), confidence

    def _find_heatmaps(self, inputs: Array) -> Floats:
        n_crops = len(inputs)
        heatmaps = self._look(inputs)
        width, height = (side // self.input_spec.stride for side in self.input_spec.input_wh)
        expected = (n_crops * (2 if self._flip_test else 1), self.own_skeleton.n_joints, height, width)
        if heatmaps.shape != expected:
            hint = ": is this a model of another skeleton?" if heatmaps.ndim == 4 else ""
            raise UserError(
                f"model '{self.input_spec.name}' must give heatmaps {expected} for skeleton "
                f"'{self.own_skeleton.name}', got {heatmaps.shape}{hint}"
            )
        if not self._flip_test:
            return heatmaps
        mirrored = unmirror_heatmaps(heatmaps[n_crops:], self.own_skeleton.flip_order, self._convention.shift)
        return (heatmaps[:n_crops] + mirrored) * np.float32(0.5)


def build(name: str, target: str, skeleton: Skeleton, options: Options) -> HeatmapEstimator:
    """Return the estimator of a network with the weights of a file, `target`.

    A safetensors file written by training says in its input spec how it wants its crops; of an official ``.pth`` or
    ``.pth.tar``, `models.zoo` says it.
    """
    from robustpose.estimators.loading import OfficialJoints, load_network

    official = OfficialJoints(skeleton, options.joints)

    def describe_official(path: Path, tensors: dict[str, Tensor]) -> InputSpec | None:
        if not has_published_input(name):
            return None
        own = official.find(path, tensors, HEAD)
        return make_input_spec(name, own, options.input or find_size_in_name(path))

    loaded = load_network(name, target, skeleton, options, describe_official)
    input_wh = loaded.input_spec.input_wh
    if options.input not in (None, input_wh):
        raise UserError(
            f"{target} says that its input is {write_size(input_wh)}: leave out input={write_size(options.input)}, or "
            "take the weights of the row that is measured"
        )
    estimator = _make_estimator(loaded.network, loaded.input_spec, skeleton, options, **loaded.engine)
    about_joints = official.describe(estimator, target)
    estimator.describe = partial(
        loaded.describe,
        input=write_size(input_wh),
        channels=loaded.input_spec.channels,
        **about_joints,
        flip_test=options.flip_test,
        **options.describe_decoding(),
        **options.describe_adapting(),
    )
    return estimator


def find_size_in_name(path: Path) -> tuple[int, int] | None:
    """Return the width and height, px, that the name of an official file gives, height first; None if it gives none."""
    found = re.search(r"(?<!\d)(\d{2,4})x(\d{2,4})(?!\d)", path.name)
    return (int(found.group(2)), int(found.group(1))) if found else None


def as_estimator(
    network: nn.Module, input_spec: InputSpec, skeleton: Skeleton, options: CropOptions | None = None, **engine: Any
) -> HeatmapEstimator:
    """Return the estimator of a network in memory, whose weights are copied; `engine` goes to `as_callable`.

    By default there is a mirror test where the skeleton's sides are known.
    """
    from robustpose.estimators.loading import describe_network

    estimator = _make_estimator(network, input_spec, skeleton, options, **engine)
    decoding = options.describe_decoding() if isinstance(options, HeatmapOptions) else {}
    estimator.provenance = {**describe_network(network, input_spec), **decoding}
    return estimator


def _make_estimator(
    network: nn.Module, input_spec: InputSpec, skeleton: Skeleton, options: CropOptions | None = None, **engine: Any
) -> HeatmapEstimator:
    from robustpose.estimators.running.backends import as_callable

    options = options or Options(flip_test=not skeleton.sides_doubt)
    run = as_callable(network, input_wh=input_spec.input_wh, **engine)
    return HeatmapEstimator(run, input_spec, skeleton, options)
