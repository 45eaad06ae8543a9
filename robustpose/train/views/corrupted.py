"""The view of `transfer`: the image is corrupted before it is cropped (Wang et al., CVPR 2021, Table 4)."""

from __future__ import annotations

import numpy as np

from robustpose.corruptions import corrupt
from robustpose.pose.types import Image
from robustpose.train.views.view import ViewInput

CORRUPTIONS = ("gaussian_noise", "defocus_blur", "snow", "contrast")
CORRUPTED_SHARE = 0.5  # of the crops; the others stay clean


def draw_corrupted(of: ViewInput) -> Image:
    """Return the view: the crop of the image, corrupted at random."""
    return of.cut(corrupt_at_random(of.image, of.make_rng("corrupted")))


def corrupt_at_random(image: Image, rng: np.random.Generator) -> Image:
    """Return the image, half of the time under one of the four corruptions at one of the five severities."""
    chance, which, how, seed = rng.random(4)
    if chance >= CORRUPTED_SHARE:
        return image
    name, severity = CORRUPTIONS[int(which * len(CORRUPTIONS))], 1 + int(how * 5)
    return corrupt(image, name, severity, seed=(int(seed * 2**31), 0))
