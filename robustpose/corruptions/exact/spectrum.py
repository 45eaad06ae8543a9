"""Noise with a given spectrum: random phases, a weight that depends on the frequency alone, an inverse transform.

Exact: sines and cosines are NumPy's, the transform is SciPy's in double precision, and the weights are computed as
Mintun et al. (NeurIPS 2021) publish them. What is odd about their spectra stays: opposite frequencies do not have
opposite phases, so the transform is complex and its real part is the noise; for an odd side the weights are centred
half a pixel off.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt
from scipy import fftpack

from robustpose.corruptions.seeding import Drawer

Doubles = npt.NDArray[np.float64]
DISTANCE, SMOOTH = 0, 1  # weights r and 1 / (r² + 1) of the frequency r


def draw_spectrum_noise(side: int, weight: int, drawer: Drawer) -> Doubles:
    """Draw (side, side) noise of standard deviation 1, whose spectrum has the weight `DISTANCE` or `SMOOTH`."""
    half = side // 2
    phases = drawer.uniform(0, 2 * np.pi, (side, half))
    middle = drawer.uniform(0, 2 * np.pi, half if side % 2 else 0)
    spectrum = np.empty((side, side), np.complex128)
    _lay_out(np.cos(phases), np.sin(phases), np.cos(middle), np.sin(middle), weight, spectrum)
    del phases
    noise = fftpack.ifft2(spectrum, overwrite_x=True).real
    return noise / noise.std()


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _lay_out(
    cosines: Doubles,  # (side, side // 2) of the phases
    sines: Doubles,
    middle_cosines: Doubles,  # (side // 2,) for an odd side, else none
    middle_sines: Doubles,
    weight: int,
    spectrum: npt.NDArray[np.complex128],  # (side, side), to be written
) -> None:
    """Write the spectrum: phases on the left, turned by 180 degrees on the right, all rolled by half the side.

    An odd side has a column between: phases, zero, and the phases in the other order.
    """
    side, half = cosines.shape
    for y in range(side):
        for x in range(side):
            if x < half:
                cosine, sine = cosines[y, x], sines[y, x]
            elif x >= side - half:
                cosine, sine = cosines[side - 1 - y, side - 1 - x], sines[side - 1 - y, side - 1 - x]
            elif y == half:
                cosine, sine = 1.0, 0.0
            else:
                i = y if y < half else side - 1 - y
                cosine, sine = middle_cosines[i], middle_sines[i]
            down, across = y - side / 2, x - side / 2
            r = np.sqrt(down * down + across * across)
            w = r if weight == 0 else 1.0 / (r * r + 1.0)
            spectrum[(y + half) % side, (x + half) % side] = complex(w * cosine, w * sine)
