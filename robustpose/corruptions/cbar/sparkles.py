"""Sparkles: white stars with many rays on the image, and the inverse, one star through which the image is seen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robustpose.corruptions.cbar.canvas import side_of, split_rows
from robustpose.corruptions.exact.rays import find_angles, find_reach
from robustpose.corruptions.exact.whitening import Codes, find_codes, show_listed, whiten, whiten_listed
from robustpose.corruptions.fast.sparkles import add_sparkles, join_rays, show_through_sparkle
from robustpose.corruptions.seeding import IndependentRng, Rng, draw_drawer
from robustpose.pose.types import Image

Doubles = npt.NDArray[np.float64]
RADII = tuple(s * 0.1 / 10 for s in (1, 2, 3, 5, 6))  # of a sparkle, in sides of the square
EXPONENTS = tuple((100 - (100 - s * 65 / 10)) / 50 for s in (1, 2, 4, 9, 10))  # how fast an inverse one fades
N_RAYS = 50, 200  # from, below
SPREAD = 0.25  # standard deviation of the rays' lengths, in radii
# Five values are rounded to float32 one after the other, at most to 2⁻¹⁷ each; a product in float64 comes to 2⁻⁴⁵.
ROUNDED, ROUNDED_ONCE = 5 * 2.0**-17, 2.0**-40


class Whitening(NamedTuple):
    """By how much pixels are whitened at one severity."""

    codes: Codes  # (n, n)
    rows: npt.NDArray[np.int32]  # of pixels for which the codes are not exact enough
    columns: npt.NDArray[np.int32]
    shares: Doubles  # (n_listed, k) of white that their k sparkles have


class Star(NamedTuple):
    """A centre and normal numbers that its rays' lengths are made of."""

    centre: Doubles  # (2,) row and column, px
    normals: Doubles


def sparkles(image: Image, severity: int, rng: Rng) -> Image:
    """Put five white sparkles on the image."""
    side = side_of(image)
    radius = RADII[severity - 1] * side

    def find_lengths(stars: list[Star]) -> list[Doubles]:
        return [np.maximum(1, radius + SPREAD * radius * star.normals) for star in stars]

    def draw_whitening() -> Whitening:
        stars = _draw_stars(side, rng)
        lengths = find_lengths(stars)
        parts = []
        for top, bottom in split_rows(side):
            shares = [_find_shares(star, of, 1, side, top, bottom) for star, of in zip(stars, lengths, strict=True)]
            parts.append(_encode(np.prod([1 - share for share in shares], axis=0), shares, ROUNDED, top))
        return _join(parts)

    out = np.empty_like(image)
    if isinstance(rng, IndependentRng):
        stars = _draw_stars(side, rng)
        add_sparkles(image, np.stack([star.centre for star in stars]), *join_rays(find_lengths(stars)), out)
        return out
    whitening = rng.draw_once(f"sparkles {severity}", (side,), draw_whitening)
    whiten(image, whitening.codes, out)
    whiten_listed(image, whitening.rows, whitening.columns, whitening.shares, out)
    return out


def inverse_sparkles(image: Image, severity: int, rng: Rng) -> Image:
    """Show the image through one large sparkle, and white around it."""
    side = side_of(image)
    radius = side / 4

    def draw_star() -> tuple[Star, Doubles]:
        centre = rng.uniform(0.25, 0.75, 2) * side
        drawer = draw_drawer(rng)
        star = Star(centre, drawer.standard_normal(int(rng.randint(*N_RAYS))))
        return star, radius + SPREAD * radius * star.normals

    def draw_whitening() -> Whitening:
        star, lengths = draw_star()
        parts = []
        for top, bottom in split_rows(side):
            kept = _find_shares(star, lengths, EXPONENTS[severity - 1], side, top, bottom)
            parts.append(_encode(kept, [kept], ROUNDED_ONCE, top))
        return _join(parts)

    out = np.empty_like(image)
    if isinstance(rng, IndependentRng):
        star, lengths = draw_star()
        show_through_sparkle(image, star.centre, join_rays([lengths])[0][0], EXPONENTS[severity - 1], out)
        return out
    whitening = rng.draw_once(f"inverse sparkles {severity}", (side,), draw_whitening)
    whiten(image, whitening.codes, out)
    show_listed(image, whitening.rows, whitening.columns, whitening.shares[:, 0], out)
    return out


def _draw_stars(side: int, rng: Rng) -> list[Star]:
    centres = rng.uniform(0, side, (5, 2))
    drawer = draw_drawer(rng)
    return [
        Star(centre, drawer.standard_normal(int(n))) for centre, n in zip(centres, rng.randint(*N_RAYS, 5), strict=True)
    ]


def _find_shares(star: Star, lengths: Doubles, exponent: float, side: int, top: int, bottom: int) -> Doubles:
    """Return in 0..1 how much of a star each pixel in some rows is."""
    angles = find_angles(top, bottom, side, star.centre)
    shape, reach = np.empty_like(angles), np.empty_like(angles)
    find_reach(angles, top, star.centre, lengths, shape, reach)
    return np.clip(shape * reach**exponent, 0, 1)


def _encode(kept: Doubles, shares: list[Doubles], slack: float, top: int) -> Whitening:
    """Return the whitening of some rows, of which the first one is row `top` of the square."""
    codes, in_doubt = find_codes(kept, slack)
    rows, columns = np.nonzero(in_doubt)
    listed = np.stack([share[in_doubt] for share in shares], axis=1)
    return Whitening(codes, (rows + top).astype(np.int32), columns.astype(np.int32), listed)


def _join(parts: list[Whitening]) -> Whitening:
    return Whitening(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
