"""The loop of the sensor: every pixel value becomes electrons, a voltage, a whole number, and a pixel value again."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from robustpose.corruptions.exact.poisson_tables import pick_count

Bytes = npt.NDArray[np.uint8]
Normals = npt.NDArray[np.float32]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def expose(
    values: Bytes,  # (H, 3 * W) interleaved RGB
    randoms: npt.NDArray[np.uint32],  # (H, 3 * W) for the counts of electrons
    normals: Normals,  # (H, 3 * W) for the noise of reading
    of_rows: Normals,  # (H,) for the noise that a row has in common
    tables: Any,  # `PoissonTables` of (256,) values, or of (3 * 256,), channel by channel
    read_noise: float,  # electrons
    row_noise: float,  # electrons
    numbers_per_electron: float,
    shown: Bytes,  # (m,) pixel value of each whole number that the converter gives
    out: Bytes,  # (H, 3 * W)
) -> None:
    """Write what the sensor shows: Poisson electrons, normal noise, rounding to whole numbers from 0 to m - 1."""
    guide, cumulative = tables.guide, tables.cumulative
    step = 256 if guide.shape[0] > 256 else 0
    top = float(shown.size - 1)
    for y in range(values.shape[0]):
        of_row = row_noise * of_rows[y]
        channel = 0
        for x in range(values.shape[1]):
            electrons = pick_count(guide, cumulative, channel + values[y, x], randoms[y, x])
            voltage = electrons + read_noise * normals[y, x] + of_row
            number = voltage * numbers_per_electron + 0.5
            number = number if number > 0.0 else 0.0
            number = number if number < top else top
            out[y, x] = shown[np.int64(number)]
            channel = channel + step if channel < 2 * step else 0
