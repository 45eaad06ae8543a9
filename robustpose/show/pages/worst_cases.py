"""Worst cases: which images a gallery shows, in which cells first, from how good the poses on each image are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.types import Floats
from robustpose.show.pages.thumbnails import Place

Quality = Mapping[Cell, Floats]  # (n_images,) 0..1, NaN where nobody is to be found


def order_images(n_images: int, cells: Sequence[Cell], quality: Quality | None) -> list[int]:
    """Return all images, the ones to show first: those that lose most and evenly spread ones, by turns."""
    spread = _spread(n_images)
    if quality is None:
        return spread
    worst = dict.fromkeys(index for index, _ in order_worst(quality, cells, range(n_images)))
    by_turns = [index for pair in zip(worst, spread, strict=False) for index in pair]
    return list(dict.fromkeys([*by_turns, *worst, *spread]))


def order_worst(quality: Quality | None, cells: Sequence[Cell], images: Sequence[int]) -> list[Place]:
    """Return images in cells: each image where it loses most, what loses most in each cell, the second of each cell, …

    What loses nothing comes last. Without qualities, every cell gets another image.
    """
    if quality is None:
        n = len(images)
        return [(images[(rank + number) % n], cell) for rank in range(n) for number, cell in enumerate(cells[1:])]
    rows = list(images)
    # As pages have it, in thousandths: what is alike there has the same order here.
    rounded = {cell: np.round(1000 * quality[cell][rows]) for cell in cells}
    drops = np.nan_to_num([rounded[CLEAN] - rounded[cell] for cell in cells[1:]]).T  # (images, cells)
    by_cell = np.argsort(-drops, axis=0, kind="stable")
    worst_cell = drops.argmax(axis=1)
    ranks = [[(row, column) for column, row in enumerate(rank)] for rank in by_cell]
    ranks.insert(0, [(row, worst_cell[row]) for row in np.argsort(-drops.max(axis=1), kind="stable")])
    places = dict.fromkeys((int(row), int(column)) for rank in ranks for row, column in rank)
    ordered = sorted(places, key=lambda place: drops[place] <= 0)
    return [(images[row], cells[1 + column]) for row, column in ordered]


def list_losses(drops: Floats, most: int) -> list[tuple[int, int]]:
    """Return at most `most` rows and columns of `drops` (cells, images) that are above 0, the largest drops first.

    First comes every image in the cell where it drops most; if they are few, then each cell with what drops most in it.
    """
    drops = np.nan_to_num(drops)
    places = [(int(cell), image) for image, cell in enumerate(drops.argmax(0))]
    places.sort(key=lambda at: -drops[at])
    places += sorted(((cell, int(image)) for cell, image in enumerate(drops.argmax(1))), key=lambda at: -drops[at])
    chosen = [at for at in dict.fromkeys(places) if drops[at] > 0][:most]
    return sorted(chosen, key=lambda at: -drops[at])


def _spread(n: int) -> list[int]:
    """Return 0..n-1 so that the first ones of any number lie evenly: the ends, the middle, the quarters, …"""
    order = [0, n - 1] if n > 1 else [0]
    step = n
    while step > 1:
        step = (step + 1) // 2
        order += range(step, n - 1, step) if step > 1 else range(n)
    return list(dict.fromkeys(order))
