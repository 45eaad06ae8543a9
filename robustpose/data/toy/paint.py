"""Paint: flat convex shapes on a canvas, and on a map of labels that says whose body each canvas pixel shows.

Both are painted at twice the resolution with the same integer outlines, so they agree pixel by pixel; averaging 2×2
pixels then smooths the image's edges. Integers and OpenCV's exact 8-bit paths keep pixels the same on any machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Colour = tuple[float, float, float]  # RGB, 0..255
Outline = npt.NDArray[np.int32]  # (M, 2) convex, in 1/16 of a canvas pixel

SUPERSAMPLING = 2
SHIFT = 4  # fractional bits of an Outline

_angles = np.arange(16) * (2 * np.pi / 16)
CIRCLE = np.stack([np.cos(_angles), np.sin(_angles)], axis=1)  # (16, 2)


@dataclass(frozen=True, eq=False)
class Shape:
    """One thing to paint."""

    # convex polygons; where two overlap, nothing is painted (stripes and hoops make checks)
    outlines: Sequence[Outline]
    colour: Colour  # RGB, 0..255
    label: int | None = None  # painted on the map of labels; None leaves the map as it was
    inside: Outline | None = None  # paint only within this outline; None for no limit


def to_outline(xy: Floats) -> Outline:
    """Return full-image xy (..., 2) px in canvas units."""
    # A canvas pixel is half as wide: the centre of image pixel 0 lies between canvas pixels 0 and 1.
    return np.rint((xy * SUPERSAMPLING + (SUPERSAMPLING - 1) / 2) * (1 << SHIFT)).astype(np.int32)


def hull(xy: Floats) -> Outline:
    """Return the convex hull of xy (M, 2) px."""
    return np.asarray(cv2.convexHull(to_outline(xy))[:, 0], np.int32)


def hull_of_circles(centres: Floats, radii: Floats) -> Outline:
    """Return the convex hull of circles (N, 2), (N,) px: one is a disc, two are a limb."""
    return hull((centres[:, None] + radii[:, None, None] * CIRCLE).reshape(-1, 2))


def shade(colour: Colour, factor: float) -> Colour:
    """Return the colour, darker (factor < 1) or lighter."""
    r, g, b = colour
    return min(r * factor, 255.0), min(g * factor, 255.0), min(b * factor, 255.0)


def paint_colours(shapes: Iterable[Shape], canvas: npt.NDArray[np.uint8]) -> None:
    """Paint the shapes, first to last, on a canvas (2H, 2W, 3)."""
    for shape in shapes:
        if shape.inside is not None:
            _paint_inside(shape, shape.inside, canvas)
        elif len(shape.outlines) == 1:
            cv2.fillConvexPoly(canvas, shape.outlines[0], shape.colour, cv2.LINE_8, SHIFT)
        else:
            cv2.fillPoly(canvas, shape.outlines, shape.colour, cv2.LINE_8, SHIFT)


def paint_labels(shapes: Iterable[Shape], labels: npt.NDArray[np.uint8], base: int = 0) -> None:
    """Paint the labels of the shapes, plus `base`, on a map (2H, 2W)."""
    for shape in shapes:
        if shape.label is not None:
            for outline in shape.outlines:
                cv2.fillConvexPoly(labels, outline, (base + shape.label,), cv2.LINE_8, SHIFT)


def _paint_inside(shape: Shape, inside: Outline, canvas: npt.NDArray[np.uint8]) -> None:
    height, width = canvas.shape[:2]
    x0, y0 = np.maximum((inside.min(axis=0) >> SHIFT) - 1, 0)
    x1, y1 = np.minimum((inside.max(axis=0) >> SHIFT) + 2, (width, height))
    if x0 >= x1 or y0 >= y1:
        return
    corner = np.array([x0 << SHIFT, y0 << SHIFT], np.int32)
    patch = canvas[y0:y1, x0:x1]
    painted = patch.copy()
    cv2.fillPoly(painted, [outline - corner for outline in shape.outlines], shape.colour, cv2.LINE_8, SHIFT)
    mask = np.zeros(patch.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, inside - corner, (255,), cv2.LINE_8, SHIFT)
    cv2.copyTo(painted, mask, patch)
