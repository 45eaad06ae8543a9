"""Pixel values to and from 0..1, with the benchmark's roundings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


def to_uint8(x: Floats) -> npt.NDArray[np.uint8]:
    """Clip to 0..1, scale by 255 and truncate (the benchmark never rounds)."""
    return (np.clip(x, 0, 1) * 255).astype(np.uint8)


def to_float32(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return values in 0..1, divided in float32."""
    return image.astype(np.float32) / np.float32(255.0)
