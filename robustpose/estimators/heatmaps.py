"""Heatmaps: crop every person, one heatmap per joint, mirror test, decode, score, drop near-duplicates (top-down)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from robustpose.decoding.heatmaps import decode_heatmaps, score_people, suppress_duplicates, unmirror_heatmaps
from robustpose.errors import UserError
from robustpose.estimators.options import CropOptions, NetworkOptions, Size, write_size
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.network_estimator import NetworkEstimator
from robustpose.limits import check_limit
from robustpose.models.input_spec import InputSpec
from robustpose.models.zoo import ZOO, find_published, make_input_spec
from robustpose.pose.crop import boxes_to_center_scale, crop_person, map_xy_to_xy
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Frame, Image, Poses, no_poses

if TYPE_CHECKING:  # ONNX files need no PyTorch
    from torch import Tensor, nn

# Normalised crops (B, 3, h, w) -> heatmaps (B, K, h/stride, w/stride).
HeatmapNetwork = Callable[[Array], Array]
HEAD = "final_layer.weight"  # (K, c, 1, 1) in every official file: tells the number of joints


class Options(NetworkOptions, CropOptions):
    """Options of a heatmap network."""

    input: Size | None = None
    """WIDTHxHEIGHT px, of official files; by default as their names say (_256x192: height first), or as is usual."""


DEFAULTS = Options()


class HeatmapEstimator(NetworkEstimator[HeatmapNetwork]):
    """Estimate poses in given boxes with a heatmap network, as SBL and HRNet are evaluated.

    A crop's heatmaps must not depend on the crops beside it.
    """

    needs_boxes = True

    def __init__(
        self, network: HeatmapNetwork, input_spec: InputSpec, skeleton: Skeleton, options: CropOptions = DEFAULTS
    ) -> None:
        super().__init__(network, input_spec, skeleton)
        if options.flip_test:
            self.own_skeleton.check_sides("flip_test", "flip_test=false (--model-set)")
        width, height = input_spec.input_wh
        n_crops = options.batch_size * (2 if options.flip_test else 1)
        check_limit("MEMORY_MB", n_crops * width * height * 12 / 2**20, f"batch_size={options.batch_size}", "MB")
        self._options = options

    def _find_poses(self, frames: Sequence[Frame]) -> list[Poses]:
        people = [(frame, box) for frame in frames for box in _boxes(frame)]
        if not people:
            return [no_poses(frame.image_id, self.skeleton.n_joints) for frame in frames]
        centers, scales = boxes_to_center_scale(np.stack([box for _, box in people]), self.input_spec.input_wh)
        decoded = []
        for start in range(0, len(people), self._options.batch_size):
            batch = range(start, min(start + self._options.batch_size, len(people)))
            crops = [crop_person(people[i][0].image, centers[i], scales[i], self.input_spec.input_wh) for i in batch]
            heatmaps = self._find_heatmaps(crops)
            map_xy, confidence = decode_heatmaps(heatmaps)
            map_wh = (heatmaps.shape[3], heatmaps.shape[2])
            part = slice(batch.start, batch.stop)
            decoded.append((map_xy_to_xy(map_xy, centers[part], scales[part], map_wh), confidence))
        xy, confidence = map(np.concatenate, zip(*decoded, strict=True))  # (N, K, 2), (N, K)
        return self._gather(frames, xy, confidence, scales)

    def _find_heatmaps(self, crops: list[Image]) -> Floats:
        n_crops = len(crops)
        width, height = self.input_spec.input_wh
        x = np.empty((n_crops * (2 if self._options.flip_test else 1), 3, height, width), np.float32)
        for i, crop in enumerate(crops):
            self._normaliser.normalise(crop, x[i])
        if not self._options.flip_test:
            return self._check(self._network(x), n_crops)
        x[n_crops:] = x[:n_crops, :, :, ::-1]  # the mirrored crops go through in the same call
        both = self._check(self._network(x), 2 * n_crops)
        mirrored = unmirror_heatmaps(both[n_crops:], self.own_skeleton.flip_order)
        return (both[:n_crops] + mirrored) * np.float32(0.5)

    def _check(self, heatmaps: Floats, n_crops: int) -> Floats:
        width, height = (side // self.input_spec.stride for side in self.input_spec.input_wh)
        expected = (n_crops, self.skeleton.n_joints, height, width)
        if heatmaps.shape != expected:
            hint = ": is this a model of another skeleton?" if heatmaps.ndim == 4 else ""
            raise UserError(
                f"model '{self.input_spec.name}' must give heatmaps {expected} for skeleton '{self.skeleton.name}', "
                f"got {heatmaps.shape}{hint}"
            )
        return heatmaps

    def _gather(self, frames: Sequence[Frame], xy: Floats, confidence: Floats, scales: Floats) -> list[Poses]:
        all_poses, start = [], 0
        for frame in frames:
            part = slice(start, start + len(_boxes(frame)))
            start = part.stop
            box_scores = np.ones(0) if frame.box_scores is None else frame.box_scores
            scores = score_people(confidence[part], box_scores)
            kept = list(range(len(scores)))
            if not frame.one_pose_per_box:
                kept = suppress_duplicates(xy[part], scores, scales[part], self.own_skeleton.sigmas)
            rows = None if frame.truth_rows is None else frame.truth_rows[kept]
            all_poses.append(Poses(frame.image_id, xy[part][kept], confidence[part][kept], scores[kept], rows))
        return all_poses


def _boxes(frame: Frame) -> Floats:
    return np.zeros((0, 4)) if frame.boxes is None else frame.boxes


def build(name: str, target: str, skeleton: Skeleton, options: Options) -> HeatmapEstimator:
    """Return the estimator of a network with the weights of a file, `target`.

    A safetensors file written by training says in its input spec how it wants its crops; of an official ``.pth`` or
    ``.pth.tar``, `models.zoo` says it.
    """
    from robustpose.estimators.loading import check_head, load_network

    def describe_official(path: Path, tensors: dict[str, Tensor]) -> InputSpec | None:
        if name not in {published.network for published in ZOO.values()}:
            return None
        check_head(path, tensors, HEAD, skeleton)
        in_name = re.search(r"(?<!\d)(\d{2,4})x(\d{2,4})(?!\d)", path.name)
        size = (int(in_name.group(2)), int(in_name.group(1))) if in_name else None
        return make_input_spec(name, find_published(skeleton), options.input or size)

    loaded = load_network(name, target, skeleton, options, describe_official)
    input_wh = loaded.input_spec.input_wh
    if options.input not in (None, input_wh):
        raise UserError(
            f"{target} says that its input is {write_size(input_wh)}: leave out input={write_size(options.input)}, or "
            "take the weights of the row that is measured"
        )
    estimator = _make_estimator(loaded.network, loaded.input_spec, skeleton, options, **loaded.engine)
    estimator.describe = partial(
        loaded.describe, input=write_size(input_wh), channels=loaded.input_spec.channels, flip_test=options.flip_test
    )
    return estimator


def as_estimator(
    network: nn.Module, input_spec: InputSpec, skeleton: Skeleton, options: CropOptions | None = None, **engine: Any
) -> HeatmapEstimator:
    """Return the estimator of a network in memory, whose weights are copied; `engine` goes to `as_callable`.

    By default there is a mirror test where the skeleton's sides are known.
    """
    from robustpose.estimators.loading import describe_network

    estimator = _make_estimator(network, input_spec, skeleton, options, **engine)
    estimator.provenance = describe_network(network, input_spec)
    return estimator


def _make_estimator(
    network: nn.Module, input_spec: InputSpec, skeleton: Skeleton, options: CropOptions | None = None, **engine: Any
) -> HeatmapEstimator:
    from robustpose.estimators.running.backends import as_callable

    options = options or Options(flip_test=not skeleton.sides_doubt)
    run = as_callable(network, input_wh=input_spec.input_wh, **engine)
    return HeatmapEstimator(run, input_spec, skeleton, options)
