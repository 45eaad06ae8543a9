"""Bottom-up: the whole image at once, heatmaps and tags, grouped to people. No boxes. As HigherHRNet is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from robustpose.decoding.tags.grouping import group_people
from robustpose.decoding.tags.merging import Maps, Outputs, merge_outputs
from robustpose.errors import UserError
from robustpose.estimators.running.normaliser import Normaliser
from robustpose.models.input_spec import InputSpec
from robustpose.pose.crop import SCALE_UNIT, crop_person, map_xy_to_xy
from robustpose.pose.protocols import Estimator
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Frame, Image, Poses, no_poses

# (B, 3, h, w) -> (B, 2K, h/4, w/4), (B, K, h/2, w/2)
WholeNetwork = Callable[[npt.NDArray[np.float32]], Sequence[Maps]]
MULTIPLE = 64  # px: what the sides of an image are rounded up to
HALVED = 32  # networks halve their input five times


class TagEstimator(Estimator):
    """Estimate the poses of everybody in an image with a network that gives heatmaps and tags.

    Args:
        network: normalised images (B, 3, h, w) float32 to heatmaps and tags, and finer heatmaps.
        input_spec: what the network expects.
        skeleton: names of its K joints.
        short_side: px that the shorter side of an image is brought to.
        scales: factors of that; heatmaps are averaged over them, tags are those of scale 1.
        flip_test: merge with what the network says of the mirror image.
        refine: look for the joints that people lack.
        max_people: at most as many joints of a kind are looked at.
        threshold: joints start at this height of the heatmap.

    Raises:
        UserError: the network finds other joints, or scale 1 is missing.
    """

    needs_boxes = False

    def __init__(
        self,
        network: WholeNetwork,
        input_spec: InputSpec,
        skeleton: Skeleton,
        short_side: int | None = None,
        scales: Sequence[float] = (1.0,),
        flip_test: bool = True,
        refine: bool = True,
        max_people: int = 30,
        threshold: float = 0.1,
    ) -> None:
        input_spec.check_joints(skeleton)
        if 1.0 not in scales:
            raise UserError(f"scales must hold 1, whose tags are used, got {', '.join(map(str, scales))}")
        self.skeleton = skeleton
        self.input_spec = input_spec
        self.provenance: dict[str, object] = {"kind": "tags", "name": input_spec.name}
        self._network = network
        self._short_side = short_side or min(input_spec.input_wh)
        self._scales = tuple(sorted(scales, reverse=True))  # the order in which the published program adds up
        self._flip_test = flip_test
        self._group = partial(group_people, refine=refine, max_people=max_people, threshold=threshold)
        self._normaliser = Normaliser(input_spec)

    def predict(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return the poses of everybody in each frame."""
        return [self._predict_one(frame) for frame in frames]

    def _predict_one(self, frame: Frame) -> Poses:
        image = frame.image
        heatmaps, tags = self.find_maps(image)
        people, scores = self._group(heatmaps, tags)
        if not len(people):
            return no_poses(frame.image_id, self.skeleton.n_joints)
        size_wh, center, scale = place_image((image.shape[1], image.shape[0]), self._short_side, 1.0, min(self._scales))
        copies = (len(people), 1)
        xy = map_xy_to_xy(people[:, :, :2].astype(float), np.tile(center, copies), np.tile(scale, copies), size_wh)
        return Poses(frame.image_id, xy, people[:, :, 2].astype(float), scores.astype(float))

    def find_maps(self, image: Image) -> tuple[Maps, Maps]:
        """Return the heatmaps (K, H, W) and tags (K, H, W, T) of an image (h, w, 3), H and W those of scale 1."""
        image_wh, least = (image.shape[1], image.shape[0]), min(self._scales)
        size_wh, _, _ = place_image(image_wh, self._short_side, 1.0, least)
        total: Maps | None = None
        kept: Maps | None = None
        for scale in self._scales:
            input_wh, center, extent = place_image(image_wh, self._short_side, scale, least)
            if any(side % HALVED for side in input_wh):
                raise UserError(
                    f"scale {scale:g} makes the input {input_wh[0]}x{input_wh[1]} px, but its sides must be multiples "
                    f"of {HALVED}: choose multiples of the least scale, such as 0.5,1,2"
                )
            resized = crop_person(image, center, extent, input_wh)
            outputs = self._look(resized)
            heatmaps, tags = merge_outputs(outputs, self.skeleton.flip_order, size_wh, with_tags=scale == 1)
            total = heatmaps if total is None else total + heatmaps
            kept = kept if tags is None else tags
        assert total is not None
        assert kept is not None
        return (total if len(self._scales) == 1 else total / np.float32(len(self._scales))), kept

    def _look(self, image: Image) -> Outputs:
        height, width = image.shape[:2]
        x = np.empty((2 if self._flip_test else 1, 3, height, width), np.float32)
        self._normaliser.normalise(image, x[0])
        if self._flip_test:
            x[1] = x[0, :, :, ::-1]
        outputs = self._network(x)
        n_joints = self.skeleton.n_joints
        expected = (
            (len(x), 2 * n_joints, height // 4, width // 4),
            (len(x), n_joints, height // 2, width // 2),
        )
        shapes = tuple(output.shape for output in outputs)
        if shapes != expected:
            raise UserError(
                f"model '{self.input_spec.name}' must give heatmaps and tags {expected[0]} and heatmaps {expected[1]} "
                f"for skeleton '{self.skeleton.name}', got {' and '.join(map(str, shapes))}"
            )
        return outputs[0], outputs[1]


def place_image(
    image_wh: tuple[int, int], short_side: int, scale: float = 1.0, least: float = 1.0
) -> tuple[tuple[int, int], Floats, Floats]:
    """Return the size (width, height) that an image is resized to, and the centre and scale of that.

    The shorter side becomes `short_side`, the longer one is rounded up to a multiple of 64, for the least of all
    scales; the others are that many times as large. As HigherHRNet's program does it, whole pixels included.

    Args:
        image_wh: px.
        short_side: px, at scale 1.
        scale: factor.
        least: of all scales that are looked at.
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
