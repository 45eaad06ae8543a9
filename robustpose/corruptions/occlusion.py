"""Occlusion: things before the people of the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from robustpose.corruptions.seeding import Rng
from robustpose.pose.types import Image

SIDES = (10, 20, 30, 40, 50)  # px of a square, where the image's longer side is `LONGER_SIDE`
LONGER_SIDE = 640
N_WITHOUT_PEOPLE = 4  # squares


def mask(image: Image, severity: int, rng: Rng, people: Sequence[npt.NDArray[np.floating]]) -> Image:
    """Cover a joint of every person with a black square; without people, four places of the image.

    As measured in PoseBench's figure, the joint is on the diagonal of its square: one random offset is for x and y.
    """
    height, width = image.shape[:2]
    side = max(1, round(SIDES[severity - 1] * max(height, width) / LONGER_SIDE))
    if people:
        draws = rng.random((len(people), 2))  # which joint, and in which pixel of the square's diagonal it is
        joints = np.stack([xy[int(which * len(xy))] for xy, which in zip(people, draws[:, 0], strict=True)])
        corners = np.floor(joints + 0.5) - np.floor(side * draws[:, 1:])  # (M, 2) xy
    else:
        corners = np.floor(rng.random((N_WITHOUT_PEOPLE, 2)) * (width, height) - side / 2)
    out = image.copy()
    for left, top in corners.astype(int).tolist():
        out[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = 0
    return out
