from __future__ import annotations

import numpy as np
import pytest

from robustpose.train.views.fourier import N_DIRECTIONS, STRENGTH, add_waves, make_wave
from robustpose.train.views.table import VIEWS, ViewInput


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def make_wave_of_afa(side: int, frequency: int, direction: float) -> np.ndarray:
    """Return a wave (side, side) as AFA's text has it, divided by its L2 norm and multiplied by side / 32."""
    a, b = np.meshgrid(np.linspace(-side / 2, side / 2, side), np.linspace(-side / 2, side / 2, side), indexing="ij")
    wave = np.sin(2 * np.pi * frequency / side * (a * np.cos(direction) + b * np.sin(direction)) - np.pi / 4)
    return wave / np.linalg.norm(wave) * side / 32


@pytest.mark.parametrize("side", [32, 224, 65])
def test_wave_on_a_square_is_that_of_afa(side: int) -> None:
    generator = rng()
    for _ in range(30):
        frequency, direction = int(generator.integers(1, side + 1)), -np.pi * generator.integers(448) / 447
        expected = make_wave_of_afa(side, frequency, direction)
        np.testing.assert_allclose(make_wave((side, side), frequency, direction), expected, atol=2e-6)


@pytest.mark.parametrize("shape_hw", [(128, 96), (96, 128), (256, 192)])
def test_wave_on_another_crop_is_the_middle_of_that_on_the_square(shape_hw: tuple[int, int]) -> None:
    side, generator = max(shape_hw), rng(1)
    top, left = ((side - length) // 2 for length in shape_hw)
    for _ in range(20):
        frequency, direction = int(generator.integers(1, side + 1)), -np.pi * generator.integers(448) / 447
        wave = make_wave(shape_hw, frequency, direction)
        inner = make_wave_of_afa(side, frequency, direction)[top : top + shape_hw[0], left : left + shape_hw[1]]
        np.testing.assert_allclose(wave, inner / np.sqrt((inner**2).mean()) / 32, atol=2e-6)


@pytest.mark.parametrize("shape_hw", [(128, 96), (33, 32), (512, 512), (1, 1), (1, 40)])
def test_root_mean_square_is_a_32nd_on_any_crop(shape_hw: tuple[int, int]) -> None:
    generator = rng(2)
    for _ in range(20):
        wave = make_wave(shape_hw, int(generator.integers(1, max(shape_hw) + 1)), -np.pi * generator.random())
        assert np.sqrt((wave.astype(float) ** 2).mean()) == pytest.approx(1 / 32, rel=1e-5)


def test_channels_have_waves_of_their_own_and_exponential_strengths() -> None:
    crop, generator = np.full((64, 48, 3), 128, np.uint8), rng(3)
    found = []
    for _ in range(1500):
        added = add_waves(crop, generator, mean_strength=1.0).astype(float) - 128
        found.append(np.sqrt((added**2).mean((0, 1))) * 32 / 255)  # (3,) strengths
    strengths = np.array(found)
    assert strengths.mean(0) == pytest.approx([1, 1, 1], abs=0.1)
    assert strengths.std(0) == pytest.approx([1, 1, 1], abs=0.12)
    assert abs(np.corrcoef(strengths.T)[np.triu_indices(3, 1)]).max() < 0.1


def test_sum_is_clipped_and_rounded() -> None:
    crop, drawn = rng(4).integers(0, 256, (40, 30, 3), np.uint8), rng(5)
    result = add_waves(crop, rng(5), 8.0)
    frequencies = drawn.integers(1, 41, 3)
    directions = -np.pi * drawn.integers(N_DIRECTIONS, size=3) / 447
    strengths = drawn.exponential(8.0, 3)
    for channel in range(3):
        wave = make_wave((40, 30), int(frequencies[channel]), float(directions[channel]))
        expected = np.clip(crop[..., channel] / 255 + strengths[channel] * wave, 0, 1) * 255
        assert np.abs(result[..., channel] - expected).max() < 0.501


def test_strength_is_a_setting() -> None:
    crop = np.full((32, 32, 3), 128, np.uint8)
    spreads = []
    for options in ({}, {"fourier_strength": STRENGTH}, {"fourier_strength": 0.1}):
        of = ViewInput(crop, lambda image: image, (32, 32), lambda purpose: rng(6), **options)
        spreads.append(VIEWS["fourier"].draw(of).std())
    assert spreads[0] == spreads[1] > 4 * spreads[2]
