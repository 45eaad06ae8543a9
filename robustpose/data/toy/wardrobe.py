"""Wardrobe: what somebody wears, and the colours of skin, hair and cloth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robustpose.data.toy.paint import Colour, shade

SKIN: tuple[Colour, ...] = (
    (255, 224, 196), (241, 194, 156), (224, 172, 128), (198, 140, 98),
    (158, 104, 68), (122, 78, 50), (92, 58, 40), (64, 42, 32),
)  # fmt: skip
HAIR: tuple[Colour, ...] = (
    (24, 20, 20), (58, 38, 26), (96, 62, 36), (150, 102, 56),
    (214, 176, 104), (150, 60, 30), (150, 150, 150), (226, 222, 214),
)  # fmt: skip
PATTERNS = ("plain", "plain", "plain", "plain", "plain", "hoops", "stripes", "checks", "block", "badge")


def draw_colour(rng: np.random.Generator) -> Colour:
    """Draw any colour that cloth or paint can have; greys are as likely as in a wardrobe."""
    value = rng.uniform(45, 245)
    saturation = rng.uniform(0, 0.15) if rng.random() < 0.3 else rng.uniform(0.25, 0.85)
    hue = 6 * rng.random()
    wheel = [min(max(abs((hue + shift) % 6 - 3) - 1, 0.0), 1.0) for shift in (0, 4, 2)]
    r, g, b = (float(value * (1 - saturation * (1 - part))) for part in wheel)
    return r, g, b


@dataclass(frozen=True)
class Wardrobe:
    """What one person wears."""

    skin: Colour
    hair: Colour
    shirt: Colour
    trim: Colour
    trousers: Colour
    legs: Colour  # skin, or stockings
    shoes: Colour
    hat: Colour
    pattern: str
    sleeve: float  # in upper arms: 0 none, up to 1 short, above 1 long
    leg: float  # of trousers, in thighs: up to 1 short, above 1 long
    skirt: float  # in thighs; 0 for trousers
    hair_length: float  # in head radii below the head's centre; 0 for short
    headgear: str  # none, bald, cap, wide


def draw_wardrobe(rng: np.random.Generator) -> Wardrobe:
    """Draw what somebody wears."""
    skin = shade(SKIN[int(rng.integers(len(SKIN)))], rng.uniform(0.92, 1.06))
    has_skirt = rng.random() < 0.18
    long_legs = not has_skirt and rng.random() < 0.65
    shirt, other = draw_colour(rng), draw_colour(rng)
    return Wardrobe(
        skin=skin,
        hair=shade(HAIR[int(rng.integers(len(HAIR)))], rng.uniform(0.8, 1.15)),
        shirt=shirt,
        trim=draw_colour(rng),
        trousers=shirt if rng.random() < (0.5 if has_skirt else 0.06) else other,  # a dress, or overalls
        legs=skin if rng.random() < 0.8 else draw_colour(rng),
        shoes=draw_colour(rng),
        hat=draw_colour(rng),
        pattern=PATTERNS[int(rng.integers(len(PATTERNS)))],
        sleeve=(0.0, rng.uniform(0.4, 0.8), 2.0)[int(np.searchsorted((0.12, 0.58), rng.random()))],
        leg=2.0 if long_legs else rng.uniform(0.35, 0.85),
        skirt=rng.uniform(0.5, 1.05) if has_skirt else 0.0,
        hair_length=rng.uniform(1.2, 2.6) if rng.random() < 0.35 else 0.0,
        headgear=("none", "bald", "cap", "wide")[int(np.searchsorted((0.72, 0.8, 0.93), rng.random()))],
    )
