"""Geometry of augmentation: where a person lands in a training crop. One affine for the pixels and for the joints.

Half body, scale, rotation and mirror image as HRNet was trained (Sun et al., CVPR 2019). Without any of them the
affine is the one of evaluation, `robustpose.pose.crop.crop_matrix`, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from robustpose.pose.crop import SCALE_UNIT, crop_matrix
from robustpose.pose.joint_names import split_name
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Image
from robustpose.train.settings_groups import AugmentSettings

# Words that joints of the lower body begin with; the rest is the upper body.
LOWER_BODY = (
    "hip", "midhip", "knee", "ankle", "pelvi", "foot", "feet", "heel", "toe", "bigtoe", "smalltoe", "leg",
    "thigh", "shin",
)  # fmt: skip
HALF_BODY_JOINTS = 8  # only people with more annotated joints are cut in half
HALF_BODY_PADDING = 1.5
# The published program asks whether a normal, not a uniform, draw is below one half.
UPPER_BODY_PROBABILITY = 0.69


@dataclass(frozen=True, eq=False)
class Placement:
    """Say which part of an image becomes a crop."""

    center: Floats  # (2,) px of the image, in the middle of the crop
    width: float  # px of the image that the crop is wide
    rotation: float = 0.0  # degrees, counter-clockwise as seen in the crop
    mirrored: bool = False  # left and right exchanged, after which the joints have to be renamed
    is_evaluated: bool = False  # whether evaluation cuts this very part


def vary_placement(placement: Placement, augment: AugmentSettings, rng: np.random.Generator) -> Placement:
    """Return `placement` scaled, rotated and mirrored at random."""
    # All four are drawn whatever their outcome, so that one setting does not change what another one draws.
    factor, degrees = rng.standard_normal(2)
    rotated, mirrored = rng.random(2) < (augment.rotation_probability, augment.mirror_probability)
    scale, limit = augment.scale, 2 * augment.rotation
    growth = float(np.clip(1 + factor * scale, 1 - scale, 1 + scale))
    rotation = float(np.clip(degrees * augment.rotation, -limit, limit)) if rotated else 0.0
    return replace(
        placement,
        width=placement.width * growth,
        rotation=rotation,
        mirrored=bool(mirrored),
        is_evaluated=placement.is_evaluated and growth == 1 and rotation == 0 and not mirrored,
    )


def place_half_body(
    xy: Floats,
    visible: npt.NDArray[np.integer],
    lower: npt.NDArray[np.bool_],
    aspect: float,
    augment: AugmentSettings,
    rng: np.random.Generator,
) -> Placement | None:
    """Return, with the settings' probability, a placement around a person's upper or lower body; else None.

    `xy` (K, 2) px are the joints, annotated where `visible` (K,) is above 0, and `lower` (K,) says which belong to the
    lower body; `aspect` is width over height of the crop. `rng` gives two numbers, whatever comes of them.
    """
    halved, chooses_upper = rng.random(2) < (augment.half_body_probability, UPPER_BODY_PROBABILITY)
    annotated = visible > 0
    if not halved or annotated.sum() <= HALF_BODY_JOINTS or lower.all() or not lower.any():
        return None
    upper_xy, lower_xy = xy[annotated & ~lower], xy[annotated & lower]
    first, second = (upper_xy, lower_xy) if chooses_upper else (lower_xy, upper_xy)
    chosen = first if len(first) > 2 else second
    width, height = chosen.max(0) - chosen.min(0)
    return Placement(chosen.mean(0), float(max(width, aspect * height, 1.0)) * HALF_BODY_PADDING)


def find_lower_body(skeleton: Skeleton) -> npt.NDArray[np.bool_]:
    """Return (K,): whether a joint's name is one of the lower body."""
    return np.array([any(word.startswith(LOWER_BODY) for word in split_name(joint)) for joint in skeleton.joints])


def placement_to_matrix(placement: Placement, input_wh: tuple[int, int]) -> Floats:
    """Return the (2, 3) affine from image px to crop px: shift, mirror, rotate, scale, in this order."""
    if placement.is_evaluated:  # whose affine is rounded as in the published program
        return crop_matrix(placement.center, np.array([placement.width / SCALE_UNIT]), input_wh)
    angle = np.radians(placement.rotation)
    c, s = np.cos(angle), np.sin(angle)
    linear = input_wh[0] / placement.width * np.array([[c, s], [-s, c]])
    if placement.mirrored:
        linear = linear @ np.diag([-1.0, 1.0])
    shift = np.array(input_wh) / 2 - linear @ placement.center
    return np.concatenate([linear, shift[:, None]], axis=1)


def warp_image(image: Image, matrix: Floats, input_wh: tuple[int, int]) -> Image:
    """Return the (h, w, 3) crop of an image (H, W, 3): bilinear, zero outside the image."""
    return np.asarray(cv2.warpAffine(image, matrix, input_wh, flags=cv2.INTER_LINEAR), np.uint8)


def warp_points(xy: Floats, matrix: Floats) -> Floats:
    """Return crop px (…, 2) of image px (…, 2)."""
    return xy @ matrix[:, :2].T + matrix[:, 2]
