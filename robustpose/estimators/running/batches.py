"""Batches of one shape: why a crop's heatmaps never depend on the crops beside it.

A convolution library chooses its method by the shape of the whole batch, and methods round differently: heatmaps of
one crop alone, of 5 and of 16 differ in the last bits. So a network sees one shape only, the last batch filled up with
zeros. Where a crop stands in a batch, and what else is in it, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
CROPS_PER_CALL = 8  # on a CPU: where the time per crop stops falling, for small networks and for large ones
CROPS_PER_GPU_CALL = 64


def run_in_batches(run: Callable[[Array], Array], crops: Array, n_per_call: int) -> Array:
    """Return the heatmaps (B, K, h', w') of crops (B, 3, h, w) from calls of `run` on `n_per_call` crops each."""
    parts = []
    for start in range(0, len(crops), n_per_call):
        batch = crops[start : start + n_per_call]
        n_crops = len(batch)
        if n_crops < n_per_call:
            batch = np.concatenate([batch, np.zeros((n_per_call - n_crops, *batch.shape[1:]), np.float32)])
        parts.append(run(batch)[:n_crops])
    return np.concatenate(parts)
