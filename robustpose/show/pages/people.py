"""People in a gallery: which part of an image shows somebody, and who loses most from one cell to another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robustpose.pose.types import Floats, Poses, Truth
from robustpose.show.pages.thumbnails import Region

AROUND = 0.22  # of a person's longer side, on every side of the region: joints that are far off are seen, too
LEAST_SIDE = 40  # px of the image
MOST_OBLONG = 4 / 3  # the longer side of a region by the shorter one
FALLOFF = 0.1  # of a person's size: how far off a joint is by half, about; as OKS has it for an average joint


def bound_people(truth: Truth) -> Floats:
    """Return the box (N, 4) xyxy px of all annotated joints of each person who counts, and of the annotated box."""
    xy, boxes = truth.xy[truth.counted], truth.boxes[truth.counted]
    is_there = (truth.visible[truth.counted] > 0)[..., None]
    low = np.where(is_there, xy, np.inf).min(1, initial=np.inf)  # (N, 2)
    high = np.where(is_there, xy, -np.inf).max(1, initial=-np.inf)
    centre = (low + high) / 2
    # A box that is not around the person's joints says nothing of where they are.
    is_around = ((boxes[:, :2] <= centre) & (centre <= boxes[:, 2:])).all(1, keepdims=True)
    low = np.where(is_around, np.minimum(low, boxes[:, :2]), low)
    high = np.where(is_around, np.maximum(high, boxes[:, 2:]), high)
    return np.concatenate([low, high], axis=1)


def frame_people(boxes: Floats, size_wh: tuple[int, int]) -> list[Region]:
    """Return the region of an image that shows each person of `bound_people` with some room around.

    >>> frame_people(np.array([[100.0, 100.0, 140.0, 200.0]]), (640, 480))
    [(66, 78, 174, 222)]
    """
    size = np.array(size_wh, float)
    low, high = np.clip(boxes[:, :2], 0, size), np.clip(boxes[:, 2:], 0, size)
    sides = np.maximum(high - low, LEAST_SIDE / 2)
    sides = sides + 2 * AROUND * sides.max(1, keepdims=True, initial=0)
    sides = np.maximum(sides, sides.max(1, keepdims=True, initial=0) / MOST_OBLONG)
    sides = np.clip(np.round(np.maximum(sides, LEAST_SIDE)), 1, size)
    start = np.round(np.clip((low + high) / 2 - sides / 2, 0, size - sides))
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in np.concatenate([start, start + sides], axis=1).astype(int).tolist()]


def rate_people(truth: Truth, boxes: Floats, poses: Poses | None) -> Floats:
    """Return how well the best of some poses fits each person who counts (N,), 0..1; 0 where nobody was found.

    `boxes` are those of `bound_people`. This only chooses whom to look at, for any metric and skeleton: joints count
    alike, and a joint falls off with a tenth of the person's size.
    """
    xy, visible = truth.xy[truth.counted], truth.visible[truth.counted] > 0
    if poses is None or not len(poses.score) or not len(xy):
        return np.zeros(len(xy))
    sizes = np.maximum(np.sqrt(np.maximum(boxes[:, 2:] - boxes[:, :2], 1).prod(1)), 1)
    off_2 = ((xy[:, None] - poses.xy[None]) ** 2).sum(-1)  # (N, M, K)
    fits = np.exp(-np.minimum(off_2 / (2 * (FALLOFF * sizes[:, None, None]) ** 2), 700))
    found: Floats = (fits * visible[:, None]).sum(-1) / visible.sum(1)[:, None]
    return found.max(1)


def choose_people(ratings: Sequence[Floats], reference: Floats) -> list[int]:
    """Return who loses most against `reference` (N,) in each of some `ratings` (N,); -1 where there is nobody.

    Of people who lose alike, the first one.
    """
    return [int(np.argmax(reference - rating)) if len(reference) else -1 for rating in ratings]
