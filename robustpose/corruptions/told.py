"""Corruptions that are told where people are: which ones, and what they are told.

A corruption with a parameter called `people`, ``f(image, severity, rng, people) -> image``, is given a list with the
joints (M, 2) px of each person. There is no joint outside the image, and nobody without a joint.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from robustpose.errors import UserError
from robustpose.pose.types import Floats

PARAMETER = "people"


def is_told(corruption: Callable[..., Any]) -> bool:
    """Return whether a corruption is told where people are.

    >>> is_told(lambda image, severity, rng, people: image), is_told(lambda image, severity, rng: image)
    (True, False)
    """
    try:
        return PARAMETER in inspect.signature(corruption).parameters
    except (TypeError, ValueError):  # some compiled functions do not say what they take
        return False


def find_inside(people: Sequence[Floats], shape: tuple[int, ...]) -> list[Floats]:
    """Return the joints (M, 2) px inside an image of a shape (H, W, …), of each person who has some there.

    UserError for what is no list of arrays (M, 2) of numbers.

    >>> import numpy as np
    >>> find_inside([np.array([[3.0, 5.0], [-9.0, 5.0]]), np.array([[99.0, 0.0]])], (48, 64, 3))
    [array([[3., 5.]])]
    """
    inside: list[Floats] = []
    for person in people:
        xy = np.asarray(person)
        if xy.ndim != 2 or xy.shape[1] != 2 or xy.dtype.kind not in "iuf":
            raise UserError(f"people must be joints (M, 2) px of each person, got {xy.shape} {xy.dtype}")
        # Pixel centres are at integers. What is not finite is nowhere.
        kept = xy[((xy >= -0.5) & (xy < np.array([shape[1], shape[0]]) - 0.5)).all(axis=1)].astype(np.float64)
        inside += [kept] if len(kept) else []
    return inside
