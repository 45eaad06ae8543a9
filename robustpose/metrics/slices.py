"""Slices: subgroups of the people: of one size, with so many annotated joints, or so close to others."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from robustpose.pose.protocols import Mask
from robustpose.pose.types import Floats, Truth

SIZES = (32, 64, 96, 160, 256)  # px, edges; COCO's medium is 32 to 96, large from 96 on
SIZE_NAMES = (f"below {SIZES[0]} px", *(f"{low} to {high} px" for low, high in pairwise(SIZES)), f"from {SIZES[-1]} px")
OVERLAPS = (0.0, 0.3)  # IoU, edges


def slice_people(truth: Truth, n_joints: int) -> dict[tuple[str, str], Mask]:
    """Return a mask (N,) of the people of each slice, by kind and name; always the same slices in the same order.

    - size: the square root of the area, px;
    - visible joints: the number of annotated joints, in quarters of the skeleton's `n_joints`;
    - crowding: the largest IoU of the person's box with another one.
    """
    size = np.sqrt(truth.area)
    edges = zip(SIZE_NAMES, (0.0, *SIZES), (*SIZES, np.inf), strict=True)
    slices = {("size", name): (size >= low) & (size < high) for name, low, high in edges}
    n_visible = (truth.visible > 0).sum(1)
    for low, high in joint_quarters(n_joints) if truth.clean_poses is None else []:  # a pose has all joints
        slices["visible joints", f"{low} to {high}"] = (n_visible >= low) & (n_visible <= high)
    overlap = largest_overlap(truth)
    slices["crowding", "alone"] = overlap <= OVERLAPS[0]
    slices["crowding", f"IoU to {OVERLAPS[1]:g}"] = (overlap > OVERLAPS[0]) & (overlap <= OVERLAPS[1])
    slices["crowding", f"IoU above {OVERLAPS[1]:g}"] = overlap > OVERLAPS[1]
    return slices


def joint_quarters(n_joints: int) -> list[tuple[int, int]]:
    """Return the first and last number of joints of up to four equal ranges from 1 to `n_joints`."""
    edges = sorted({round(n_joints * part / 4) for part in range(1, 5)} - {0})
    return list(zip([1, *(edge + 1 for edge in edges[:-1])], edges, strict=True))


def largest_overlap(truth: Truth) -> Floats:
    """Return for each person (N,) the largest IoU of the box with another one; crowd regions are no others."""
    n_people = len(truth.boxes)
    if n_people == 0:
        return np.zeros(0)
    low = np.maximum(truth.boxes[:, None, :2], truth.boxes[None, :, :2])
    high = np.minimum(truth.boxes[:, None, 2:], truth.boxes[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)  # (N, N) px²
    own = (truth.boxes[:, 2:] - truth.boxes[:, :2]).prod(-1)
    union = own[:, None] + own[None] - shared
    overlap = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    np.fill_diagonal(overlap, 0)
    overlap[:, truth.crowd] = 0
    return overlap.max(1)
