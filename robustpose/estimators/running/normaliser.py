"""Normaliser: pixels as a network wants them, through a table of what every grey level becomes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from robustpose.models.input_spec import InputSpec
from robustpose.pose.types import Image


class Normaliser:
    """Normalise images: channels in the network's order, minus mean, divided by std."""

    def __init__(self, input_spec: InputSpec) -> None:
        self._channels = (0, 1, 2) if input_spec.channels == "rgb" else (2, 1, 0)
        grey = np.arange(256, dtype=np.float32)[:, None] / np.float32(255)
        # (3, 256): what every grey level of a channel becomes.
        self._table = ((grey - np.array(input_spec.mean, np.float32)) / np.array(input_spec.std, np.float32)).T.copy()

    def normalise(self, image: Image, x: npt.NDArray[np.float32]) -> None:
        """Write an image (h, w, 3) RGB into `x` (3, h, w)."""
        for i, channel in enumerate(self._channels):
            np.take(self._table[i], image[:, :, channel], out=x[i], mode="clip")  # the mode that writes in place
