"""A model, data and a corruption that read variables, which tests set; workers have those of this file."""

from __future__ import annotations

import os
import time

import numpy as np

from tests.outside import Squares

SHARE = 0.5
LEVEL = 0.1
START, PID = time.time(), os.getpid()  # others in each process, which is no change


def find(image, boxes):
    """Find every joint at a share of the box."""
    assert START
    assert PID
    xy = boxes[:, None, :2] + (boxes[:, None, 2:] - boxes[:, None, :2]) * SHARE
    return np.concatenate([np.repeat(xy, 17, 1), np.ones((len(boxes), 17, 1))], -1)


class Counting:
    """A callable that counts its calls."""

    def __init__(self) -> None:
        self.n_calls, self.share = 0, 0.5

    def __call__(self, image, boxes):
        self.n_calls += 1
        return find(image, boxes)


def darken(image, severity, rng):
    """Darken by a level."""
    return (image * (1 - LEVEL * severity)).astype(np.uint8)


class Few(Squares):
    """Data with a variable of the class."""

    LEVEL = 1.0
