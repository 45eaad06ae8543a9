"""Waves: one frequency in one direction, rings with a wavy rim, and plasma."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robustpose.corruptions.cbar.canvas import side_of, split_rows
from robustpose.corruptions.exact.steps import Steps, add_steps, find_steps
from robustpose.corruptions.exact.veils import Veil, add_veil, find_veil
from robustpose.corruptions.fast.waves import add_plasma, add_rings, add_wave
from robustpose.corruptions.seeding import IndependentRng, Rng
from robustpose.pose.types import Image

Doubles = npt.NDArray[np.float64]
WAVE_INTENSITIES = np.array([s * 196 / 10 for s in (1, 1.5, 2, 4.5, 5)])
RING_INTENSITIES = np.array([s * 128 / 10 for s in (3, 5, 8, 9, 10)])
PLASMA_INTENSITIES = np.array([s * 64 / 10 for s in (4.75, 7.0, 8.5, 9.25, 10)])


class Wave(NamedTuple):
    """A plane wave."""

    across: float  # radians per pixel
    down: float
    phase: float


class Rings(NamedTuple):
    """Rings around a centre, whose distance from it swings with the direction."""

    x: float  # of the centre, px
    y: float
    frequency: float  # swings per radian
    amplitude: float  # of the swings, px
    width: float  # of a ring, px


class Plasma(NamedTuple):
    """Coordinates that are bent a few times, by finer waves each time, and their sines as colours."""

    time: float
    n_bends: int
    sharpness: float
    scale: float  # px for each radian


def single_frequency_greyscale(image: Image, severity: int, rng: Rng) -> Image:
    """Add a plane wave, the same one to all channels."""
    side = side_of(image)

    def draw_steps() -> Steps:
        wave = _draw_wave(rng)
        across = np.arange(side) * wave.across
        blocks = [
            np.sin(across + np.arange(top, end)[:, None] * wave.down + wave.phase) for top, end in split_rows(side)
        ]
        return find_steps([np.concatenate(blocks)], side, WAVE_INTENSITIES)

    out = np.empty_like(image)
    if isinstance(rng, IndependentRng):
        add_wave(image, *_draw_wave(rng), WAVE_INTENSITIES[severity - 1], out)
    else:
        steps = rng.draw_once("single frequency", (side,), draw_steps)
        add_steps(image, steps.codes, steps.tables[severity - 1], out)
    return out


def _draw_wave(rng: Rng) -> Wave:
    first = rng.uniform(-np.pi, np.pi)
    frequencies = first, rng.uniform(-abs(first), abs(first))
    across, down = (frequencies[i] for i in rng.permutation(2))
    return Wave(across, down, rng.uniform(0, 2 * np.pi))


def cocentric_sine_waves(image: Image, severity: int, rng: Rng) -> Image:
    """Add rings that grow brighter outwards and begin anew, the same to all channels."""
    side = side_of(image)

    def draw_steps() -> Steps:
        rings = _draw_rings(side, rng)
        across = np.arange(side) - rings.x
        blocks = []
        for top, end in split_rows(side):
            down = np.arange(top, end)[:, None] - rings.y
            swing = rings.amplitude * np.sin(rings.frequency * np.arctan2(across, down))
            distance = np.sqrt(across**2 + down**2) + swing
            blocks.append(np.mod(distance, rings.width) / rings.width - 0.5)
        return find_steps([np.concatenate(blocks)], side, RING_INTENSITIES)

    out = np.empty_like(image)
    if isinstance(rng, IndependentRng):
        add_rings(image, *_draw_rings(side, rng), RING_INTENSITIES[severity - 1], out)
    else:
        steps = rng.draw_once("rings", (side,), draw_steps)
        add_steps(image, steps.codes, steps.tables[severity - 1], out)
    return out


def _draw_rings(side: int, rng: Rng) -> Rings:
    x, y = rng.uniform(0, side, 2)
    return Rings(x, y, rng.uniform(0, 10), rng.uniform(0, side / 10), rng.uniform(0, side / 10))


def plasma_noise(image: Image, severity: int, rng: Rng) -> Image:
    """Mix with clouds of colour, which darken as much as they brighten."""
    side = side_of(image)

    scaled = (1 - PLASMA_INTENSITIES[:, None] / 255) * np.arange(256)
    amount = float(PLASMA_INTENSITIES[severity - 1])

    def draw_veil() -> Veil:
        plasma = _draw_plasma(side, rng)
        blocks = (_find_colors(plasma, side, top, bottom) for top, bottom in split_rows(side))
        return find_veil(blocks, scaled, PLASMA_INTENSITIES)

    out = np.empty_like(image)
    if isinstance(rng, IndependentRng):
        add_plasma(image, *_draw_plasma(side, rng), amount, out)
    else:
        veil = rng.draw_once("plasma", (side,), draw_veil)
        add_veil(image, scaled[severity - 1], amount, veil, out)
    return out


def _draw_plasma(side: int, rng: Rng) -> Plasma:
    time, n_bends = rng.uniform(0, 6 * np.pi), int(rng.randint(4, 7))
    return Plasma(time, n_bends, rng.uniform(0.5, 1), rng.uniform(0.075, 0.2) * side)


def _find_colors(plasma: Plasma, side: int, top: int, bottom: int) -> Doubles:
    """Return the colours, in -1..1, of some rows of the square, (bottom - top, side, 3)."""
    time = plasma.time
    x = np.repeat(np.arange(side)[None] / plasma.scale, bottom - top, axis=0)
    y = np.repeat(np.arange(top, bottom)[:, None] / plasma.scale, side, axis=1)
    frequency, slowness, damping = 1.0, 1.0, 1.0
    for _ in range(plasma.n_bends):
        along = np.cos(y * frequency + time / slowness) / damping
        aside = np.sin(x * frequency + time / slowness) / damping
        x += along - 0.3 * aside
        y += aside + 0.3 * along
        frequency, slowness, damping = frequency * 1.93, slowness * 1.15, damping * (2.25 - plasma.sharpness)
    return np.stack([np.sin(x - time), np.sin((x + y + np.sin(time)) / 2), np.sin(y + time)], axis=2)
