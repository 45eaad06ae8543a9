"""People in figures: who counts, which part of an image shows them, and skeletons over it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Poses, Truth
from robustpose.show.figures.style import ORANGE, SKY

LARGE = 96**2  # px²: what COCO calls a large person; of smaller ones little can be seen
SHOWN = 0.2  # people count who are at least this large, by area, beside the largest one of their image
PADDING = 0.15  # of the people's extent, around them
ASPECTS = (0.6, 1.4)  # width by height of what is shown
MIDDLE = "white"


def has_large_person(truth: Truth) -> bool:
    """Tell whether somebody who counts is large."""
    return bool(truth.area[counted_people(truth)].max(initial=0) >= LARGE)


def counted_people(truth: Truth) -> np.ndarray[Any, Any]:
    """Return the rows (n,) of people with annotated joints, no iscrowd, and not small beside the largest one."""
    rows = np.flatnonzero(truth.counted)
    return rows[truth.area[rows] >= SHOWN * truth.area[rows].max(initial=0)]


def find_window(truth: Truth, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the part of an image that is shown, x1 y1 x2 y2 px, the far ends outside: the people and a margin."""
    boxes = truth.boxes[counted_people(truth)]
    if not len(boxes):
        return 0, 0, *size_wh
    low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    size = (high - low) * (1 + 2 * PADDING) + 1
    size[0] = max(size[0], ASPECTS[0] * size[1])
    size[1] = max(size[1], size[0] / ASPECTS[1])
    size = np.minimum(np.ceil(size), size_wh)
    corner = np.clip(np.floor((low + high - size) / 2), 0, np.asarray(size_wh) - size)
    x1, y1, x2, y2 = np.concatenate([corner, corner + size]).astype(int).tolist()
    return x1, y1, x2, y2


def draw_poses(axes: Axes, poses: Poses, skeleton: Skeleton, n_people: int, points_per_px: float) -> None:
    """Draw the best poses, as many as there are people."""
    for person in np.argsort(-poses.score, kind="stable")[:n_people]:
        _draw_person(axes, poses.xy[person], np.ones(len(skeleton.joints), bool), skeleton, points_per_px)


def draw_truth(axes: Axes, truth: Truth, skeleton: Skeleton, points_per_px: float) -> None:
    """Draw what is annotated of the people who are no crowd."""
    for person in np.flatnonzero(truth.counted):
        _draw_person(axes, truth.xy[person], truth.visible[person] > 0, skeleton, points_per_px)


def _draw_person(
    axes: Axes, xy: Floats, is_shown: npt.NDArray[np.bool_], skeleton: Skeleton, points_per_px: float
) -> None:
    """Draw the joints (K, 2) that are shown (K,): left limbs orange, right ones blue, others white."""
    left, right = ({pair[side] for pair in skeleton.flip_pairs or ()} for side in (0, 1))

    def colour_of(*joints: int) -> str:
        return ORANGE if left.issuperset(joints) else SKY if right.issuperset(joints) else MIDDLE

    extent = np.ptp(xy[is_shown], axis=0).max()
    line = float(np.clip(0.015 * extent * points_per_px, 0.4, 1.2))  # thinner on small people
    outline = [withStroke(linewidth=1.8 * line, foreground="black", alpha=0.7)]
    for limb in skeleton.limbs:
        if is_shown[list(limb)].all():
            axes.plot(*xy[list(limb)].T, color=colour_of(*limb), lw=line, solid_capstyle="round", path_effects=outline)
    for joint in np.flatnonzero(is_shown).tolist():
        axes.plot(*xy[joint], "o", color=colour_of(joint), ms=1.5 * line, mec="black", mew=0.25 * line, zorder=3)
