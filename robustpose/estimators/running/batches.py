"""Batches: pixels as a network wants them, in batches of one shape: no crop's heatmaps depend on those beside it.

A convolution library chooses its method by the shape of the whole batch, and methods round differently, in the last
bits. So a network sees one shape only, the last batch filled up with zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from robustpose.models.input_spec import InputSpec
from robustpose.pose.types import Image

Array = npt.NDArray[np.float32]
CROPS_PER_CALL = 8  # on a CPU: where the time per crop stops falling, for small networks and for large ones
CROPS_PER_GPU_CALL = 64


R = TypeVar("R", Array, list[Array])


def run_in_batches(run: Callable[[Array], R], crops: Array, n_per_call: int) -> R:
    """Return what a network gives for crops (B, 3, h, w), from calls of `run` on `n_per_call` crops each.

    That is one array (B, …), or a list of them.
    """
    parts: list[Any] = []
    joined: Any
    for start in range(0, len(crops), n_per_call):
        batch: Array = crops[start : start + n_per_call]
        n_crops = len(batch)
        if n_crops < n_per_call:
            batch = np.concatenate([batch, np.zeros((n_per_call - n_crops, *batch.shape[1:]), np.float32)])
        found: Any = run(batch)
        parts.append([output[:n_crops] for output in found] if isinstance(found, list) else found[:n_crops])
    if isinstance(parts[0], list):
        joined = [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]
    else:
        joined = np.concatenate(parts)
    return cast(R, joined)


class Normaliser:
    """Normalise images: channels in the network's order, minus mean, divided by std; by a table of all grey levels."""

    def __init__(self, input_spec: InputSpec) -> None:
        self._channels = (0, 1, 2) if input_spec.channels == "rgb" else (2, 1, 0)
        grey = np.arange(256, dtype=np.float32)[:, None] / np.float32(255)
        # (3, 256): what every grey level of a channel becomes.
        self._table = ((grey - np.array(input_spec.mean, np.float32)) / np.array(input_spec.std, np.float32)).T.copy()
        if is_raw(input_spec):  # grey levels are whole numbers, which dividing twice does not always give back
            self._table[:] = np.arange(256, dtype=np.float32)

    def normalise(self, image: Image, x: Array) -> None:
        """Write an image (h, w, 3) RGB into `x` (3, h, w)."""
        for i, channel in enumerate(self._channels):
            np.take(self._table[i], image[:, :, channel], out=x[i], mode="clip")  # the mode that writes in place

    def normalise_alone(self, image: Image) -> Array:
        """Return an image (h, w, 3) RGB as a batch of its own (1, 3, h, w)."""
        x = np.empty((1, 3, *image.shape[:2]), np.float32)
        self.normalise(image, x[0])
        return x


def is_raw(input_spec: InputSpec) -> bool:
    """Return whether a network takes grey levels 0..255 as they are."""
    return (*input_spec.mean, *input_spec.std) == (0, 0, 0, *(1 / 255,) * 3)
