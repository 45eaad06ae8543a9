"""The canvas: how corruptions that are defined for squares are applied to images of any shape.

An image lies in the top left corner of a black square whose side is its longer side; the square is corrupted, and the
image cut out. Fields belong to the square, so images of one longer side share them.
"""

from __future__ import annotations

from collections.abc import Iterator

from robustpose.pose.types import Image

ROWS = 64  # rows of a field that are made at a time: their intermediate results stay in the processor's cache


def side_of(image: Image) -> int:
    """Return the side of the square, px."""
    return max(image.shape[:2])


def split_rows(side: int) -> Iterator[tuple[int, int]]:
    """Yield the first row and the one after the last, of some rows of the square after the other."""
    for top in range(0, side, ROWS):
        yield top, min(top + ROWS, side)
