"""Tags: the whole image at once, heatmaps and tags, grouped to people; no boxes (bottom-up).

As HigherHRNet is evaluated (Cheng et al., CVPR 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from robustpose.decoding.tags import Maps, Outputs, group_people, merge_outputs
from robustpose.errors import UserError
from robustpose.estimators.adapting.options import AdaptOptions
from robustpose.estimators.joint_order import JointOrder
from robustpose.estimators.options import Count, ShorterSide, Switch, WholeImageOptions, parse_numbers, write_size
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.network_estimator import NetworkEstimator
from robustpose.models.input_spec import InputSpec
from robustpose.models.zoo import ZOO, make_input_spec
from robustpose.pose.crop import SCALE_UNIT, crop_person, map_xy_to_xy
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Frame, Image, Poses, no_poses

if TYPE_CHECKING:
    from torch import Tensor, nn

# Normalised images (B, 3, h, w) -> heatmaps and tags (B, 2K, h/4, w/4), finer heatmaps (B, K, h/2, w/2).
TagNetwork = Callable[[Array], Sequence[Maps]]
MULTIPLE = 64  # px: what the sides of an image are rounded up to
HALVED = 32  # networks halve their input five times
LEAST_SCALE = 0.1
HEAD = "final_layers.1.weight"  # (K, c, 1, 1) in official files of HigherHRNet: tells the number of joints


def _check_scales(value: Any) -> str:
    scales = parse_numbers(value)
    if any(not LEAST_SCALE <= scale <= 1 / LEAST_SCALE for scale in scales):
        raise ValueError(f"must be {LEAST_SCALE} to {1 / LEAST_SCALE:g}")
    if 1.0 not in scales:
        raise ValueError("must hold 1, whose tags are used")
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _check_threshold(value: Any) -> str:
    (*_, threshold) = numbers = parse_numbers(value)
    if len(numbers) != 1 or threshold < 0:
        raise ValueError("must be one number, at least 0")
    return str(value)


class Options(WholeImageOptions, AdaptOptions):
    """Options of a network that gives heatmaps and tags."""

    input: Annotated[ShorterSide, Field(ge=64)] | None = None
    """Px that the shorter side of an image is brought to, such as 512; by default what the network was trained on."""
    joints: JointOrder | None = None
    """Whose joints an official file has: data's, or of a skeleton such as coco (robustpose list skeletons)."""
    # Results say these two as they were written, so they are kept as text.
    scales: Annotated[str, BeforeValidator(_check_scales)] = "1"
    """Factors of the input size, 1 among them, such as 0.5,1,2: heatmaps are averaged over them, tags are of 1."""
    threshold: Annotated[str, BeforeValidator(_check_threshold)] = "0.1"
    """A joint's heatmap must be above it."""
    flip_test: Switch = True
    """Merge with what the network says of the mirrored image."""
    refine: Switch = True
    """Look for the joints that people lack."""
    max_people: Annotated[Count, Field(le=10_000)] = 30
    """Joints of a kind that are looked at in an image, at most."""


DEFAULTS = Options()


class TagEstimator(NetworkEstimator[TagNetwork]):
    """Estimate the poses of everybody in an image with a network that gives heatmaps and tags.

    Options say how images are looked at and people are grouped; what the network runs on is settled in `network`.
    """

    needs_boxes = False

    def __init__(
        self, network: TagNetwork, input_spec: InputSpec, skeleton: Skeleton, options: Options = DEFAULTS
    ) -> None:
        super().__init__(network, input_spec, skeleton)
        if options.flip_test:
            self.own_skeleton.check_sides("flip_test", "flip_test=false (--model-set)")
        self.short_side = options.input or min(input_spec.input_wh)
        # Largest first: the order in which the published program adds up.
        self._scales = sorted(parse_numbers(options.scales), reverse=True)
        self._flip_test = options.flip_test
        self._group = partial(
            group_people, refine=options.refine, max_people=options.max_people, threshold=float(options.threshold)
        )

    def _find_poses(self, frames: Sequence[Frame]) -> list[Poses]:
        return [self._predict_one(frame) for frame in frames]

    def _predict_one(self, frame: Frame) -> Poses:
        image = frame.image
        heatmaps, tags = self.find_maps(image)
        people, scores = self._group(heatmaps, tags)
        if not len(people):
            return no_poses(frame.image_id, self.own_skeleton.n_joints)
        size_wh, center, scale = place_image((image.shape[1], image.shape[0]), self.short_side, 1.0, min(self._scales))
        copies = (len(people), 1)
        xy = map_xy_to_xy(people[:, :, :2].astype(float), np.tile(center, copies), np.tile(scale, copies), size_wh)
        return Poses(frame.image_id, xy, people[:, :, 2].astype(float), scores.astype(float))

    def find_maps(self, image: Image) -> tuple[Maps, Maps]:
        """Return the heatmaps (K, H, W) and tags (K, H, W, T) of an image (h, w, 3), H and W those of scale 1."""
        image_wh = (image.shape[1], image.shape[0])
        size_wh, _, _ = place_image(image_wh, self.short_side, 1.0, min(self._scales))
        total: Maps | None = None
        kept: Maps | None = None
        for scale in self._scales:
            outputs = self._look(self._make_input(image, scale))
            heatmaps, tags = merge_outputs(outputs, self.own_skeleton.flip_order, size_wh, with_tags=scale == 1)
            total = heatmaps if total is None else total + heatmaps
            kept = kept if tags is None else tags
        assert total is not None
        assert kept is not None
        return (total if len(self._scales) == 1 else total / np.float32(len(self._scales))), kept

    def _make_input(self, image: Image, scale: float = 1.0) -> Array:
        image_wh = (image.shape[1], image.shape[0])
        input_wh, center, extent = place_image(image_wh, self.short_side, scale, min(self._scales))
        if any(side % HALVED for side in input_wh):
            raise UserError(
                f"scale {scale:g} makes the input {input_wh[0]}x{input_wh[1]} px, but its sides must be multiples "
                f"of {HALVED}: choose multiples of the least scale, such as 0.5,1,2"
            )
        return self._normaliser.normalise_alone(crop_person(image, center, extent, input_wh))

    def _look(self, x: Array) -> Outputs:
        """Return what the network gives for an input (1, 3, h, w), followed by its mirror image if there is a test."""
        height, width = x.shape[2:]
        if self._flip_test:
            x = np.concatenate([x, x[..., ::-1]])
        outputs = self._network(x)
        n_joints = self.own_skeleton.n_joints
        expected = ((len(x), 2 * n_joints, height // 4, width // 4), (len(x), n_joints, height // 2, width // 2))
        shapes = tuple(output.shape for output in outputs)
        if shapes != expected:
            raise UserError(
                f"model '{self.input_spec.name}' must give heatmaps and tags {expected[0]} and heatmaps {expected[1]} "
                f"for skeleton '{self.own_skeleton.name}', got {' and '.join(map(str, shapes))}"
            )
        return outputs[0], outputs[1]


def place_image(
    image_wh: tuple[int, int], short_side: int, scale: float = 1.0, least: float = 1.0
) -> tuple[tuple[int, int], Floats, Floats]:
    """Return the size (width, height) that an image is resized to, and the centre and scale of that.

    The shorter side becomes `short_side` px, the longer one is rounded up to a multiple of 64, for the `least` of all
    scales; the others are that many times as large. As HigherHRNet's program does it, whole pixels included.
    """
    width, height = image_wh
    center = np.array([int(width / 2 + 0.5), int(height / 2 + 0.5)], float)
    short = int((least * short_side + MULTIPLE - 1) // MULTIPLE * MULTIPLE)
    low, high = min(image_wh), max(image_wh)
    long = int((short / low * high + MULTIPLE - 1) // MULTIPLE * MULTIPLE)
    new_short, new_long = (int(side * scale / least) for side in (short, long))
    extent = low / SCALE_UNIT, new_long / new_short * low / SCALE_UNIT
    if width < height:
        return (new_short, new_long), center, np.array(extent)
    return (new_long, new_short), center, np.array(extent[::-1])


def build(name: str, target: str, skeleton: Skeleton, options: Options) -> TagEstimator:
    """Return the estimator of a network with the weights of a file: of training, or an official one of HigherHRNet."""
    from robustpose.estimators.loading import OfficialJoints, load_network

    official = OfficialJoints(skeleton, options.joints)

    def describe_official(path: Path, tensors: dict[str, Tensor]) -> InputSpec | None:
        if HEAD not in tensors:
            return None
        own = official.find(path, tensors, HEAD)
        sizes = (published.input_wh for published in ZOO.values() if published.file == path.name)
        return make_input_spec(name, own, next(sizes, None))

    loaded = load_network(name, target, skeleton, options, describe_official, ", or HigherHRNet's")
    estimator = _make_estimator(loaded.network, loaded.input_spec, skeleton, options, **loaded.engine)
    about_joints = official.describe(estimator, target)
    estimator.describe = partial(
        loaded.describe,
        input=write_size((estimator.short_side, estimator.short_side)),
        scales=options.scales,
        channels=loaded.input_spec.channels,
        **about_joints,
        flip_test=options.flip_test,
        refine=options.refine,
        max_people=options.max_people,
        threshold=options.threshold,
        **options.describe_adapting(),
    )
    return estimator


def as_estimator(
    network: nn.Module, input_spec: InputSpec, skeleton: Skeleton, options: Options | None = None, **engine: Any
) -> TagEstimator:
    """Return the estimator of a network in memory, whose weights are copied; `engine` goes to `as_image_callable`.

    By default there is a mirror test where the skeleton's sides are known.
    """
    from robustpose.estimators.loading import describe_network

    estimator = _make_estimator(network, input_spec, skeleton, options, **engine)
    estimator.provenance = describe_network(network, input_spec)
    return estimator


def _make_estimator(
    network: nn.Module, input_spec: InputSpec, skeleton: Skeleton, options: Options | None = None, **engine: Any
) -> TagEstimator:
    from robustpose.estimators.running.backends import as_image_callable

    options = options or Options(flip_test=not skeleton.sides_doubt)
    return TagEstimator(as_image_callable(network, **engine), input_spec, skeleton, options)
