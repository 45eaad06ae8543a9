"""Parts: some of the images of runs, by their places, so that what is chosen on one part is reported on another.

Runs keep of every image what it takes to score any of them together: a part needs no bench of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError, quote

PLACES = re.compile(r"([+-]?[0-9]{1,18})?:([+-]?[0-9]{1,18})?(?::([+-]?[0-9]{1,18})?)?")
EXPECTED = "a slice of the images in their order, as Python has it, such as 0::2, 1::2, :200 or -200:"


@dataclass(frozen=True)
class Part:
    """Some of the images of a run, by their places in the order of the run.

    >>> Part("1::2").select(5).tolist()
    [False, True, False, True, False]
    >>> Part("-2:").name_images(5)
    '2 of 5 images (-2:)'
    """

    places: str  # as a slice of Python, such as `0::2`

    def select(self, n_images: int) -> npt.NDArray[np.bool_]:
        """Return which of N images are of the part, (N,); UserError where none is."""
        chosen = np.zeros(n_images, bool)
        chosen[_read_slice(self.places)] = True
        if not chosen.any():
            of = f"{n_images} image{'s' * (n_images != 1)}"
            raise UserError(f"part {self.places} has none of the {of}: expected {EXPECTED}")
        return chosen

    def name_images(self, n_images: int) -> str:
        """Return how many of N images are of the part, and which: `200 of 400 images (1::2)`."""
        n_chosen = int(self.select(n_images).sum())
        return f"{n_chosen} of {n_images} image{'s' * (n_images != 1)} ({self.places})"


def parse_part(text: object) -> Part:
    """Return the part that a text names, or raise UserError.

    >>> parse_part(" 0::2 ")
    Part(places='0::2')
    """
    places = text.strip() if isinstance(text, str) else str(text)
    _read_slice(places)
    return Part(places)


def _read_slice(places: str) -> slice:
    found = PLACES.fullmatch(places)
    if found is None or ((step := found[3]) is not None and not int(step)):
        raise UserError(f"a part of the images is {EXPECTED}; got {quote(places)}")
    return slice(*(None if word is None else int(word) for word in found.groups()))
