from __future__ import annotations

import numpy as np
import pytest

from robustpose.train.views import fractals
from robustpose.train.views.augmix import apply_operation
from robustpose.train.views.fractals import MOST_SIDE, N_FRACTALS, draw_fractal
from robustpose.train.views.pixmix import BETA, _combine, apply_pixmix, cut_fractal, draw_coefficients, make_terms
from tests.scenes import draw_scene


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def mix_floats(x: np.ndarray, y: np.ndarray, a: float, b: float, multiplied: bool) -> np.ndarray:
    """Mix values 0..1 as PixMix's text has it."""
    if multiplied:
        with np.errstate(over="ignore"):
            mixed = 0.5 * (2 * x) ** a * np.maximum(2 * y, 1e-37) ** b
    else:
        mixed = (a * (2 * x - 1) + b * (2 * y - 1) + 1) / 2
    return np.clip(mixed, 0, 1)


@pytest.mark.parametrize("multiplied", [False, True], ids=["add", "multiply"])
def test_round_is_that_of_pixmix(multiplied: bool) -> None:
    one, other = (np.ascontiguousarray(values, np.uint8) for values in np.meshgrid(np.arange(256), np.arange(256)))
    one, other = (np.repeat(values[..., None], 3, axis=2) for values in (one, other))  # all pairs of values
    for seed in range(40):
        a, b = draw_coefficients(rng(seed))
        expected = 255 * mix_floats(one / 255, other / 255, a, b, multiplied)
        found = _combine(one, other, *make_terms(a, b, multiplied), multiplied)
        assert np.abs(found - expected).max() < 0.502


def test_coefficients_are_those_of_pixmix() -> None:
    generator = rng(1)
    drawn = np.array([draw_coefficients(generator) for _ in range(20_000)])
    positive = drawn[:, 1] > 0
    assert positive.mean() == pytest.approx(0.5, abs=0.02)
    both, against = drawn[positive], drawn[~positive]
    near, far = BETA / (BETA + 1), 1 / (BETA + 1)  # means of Beta(4, 1) and Beta(1, 4)
    assert both.mean(0) == pytest.approx([near, far], abs=0.01)
    assert against.mean(0) == pytest.approx([1 + far, -far], abs=0.01)
    assert both.min() >= 0
    assert both.max() <= 1
    assert against[:, 0].min() >= 1


def test_crop_is_mixed_round_by_round_with_fresh_copies_or_the_picture() -> None:
    crop = draw_scene(48, 36)
    for seed in range(30):
        generator = rng(seed)
        picture = cut_fractal((48, 36), generator)
        mixed = apply_operation(crop, generator) if generator.random() < 0.5 else crop
        for _ in range(generator.integers(5)):
            other = apply_operation(crop, generator) if generator.random() < 0.5 else picture
            multiplied = generator.random() < 0.5
            a, b = draw_coefficients(generator)
            mixed = np.floor(255 * mix_floats(mixed / 255, other / 255, a, b, multiplied) + 0.5).astype(np.uint8)
        off = np.abs(apply_pixmix(crop, rng(seed)).astype(int) - mixed)
        assert (off > 1).mean() < 1e-3  # a value between two levels, rounded otherwise, may be multiplied later


def test_tenth_of_the_crops_stays_as_it_is() -> None:
    crop, generator = draw_scene(48, 36), rng(2)
    same = [np.array_equal(apply_pixmix(crop, generator), crop) for _ in range(600)]
    assert np.mean(same) == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize("shape_hw", [(48, 36), (32, 32), (256, 192), (520, 512), (40, 1000), (1, 1)])
def test_picture_is_as_large_as_the_crop(shape_hw: tuple[int, int]) -> None:
    generator = rng(3)
    parts = [cut_fractal(shape_hw, generator) for _ in range(6)]
    assert {(part.shape, part.dtype.name) for part in parts} == {((*shape_hw, 3), "uint8")}
    assert all(part.flags.c_contiguous for part in parts)


def test_fractals_are_the_same_in_every_process_and_differ_from_each_other() -> None:
    pictures = [draw_fractal(number, 40).tobytes() for number in range(N_FRACTALS)]
    assert len(set(pictures)) == N_FRACTALS
    fractals.draw_fractal.cache_clear()
    assert [draw_fractal(number, 40).tobytes() for number in reversed(range(N_FRACTALS))] == pictures[::-1]


def test_no_more_fractals_are_kept_than_there_are() -> None:
    for side in (40, 44):
        for number in range(N_FRACTALS):
            draw_fractal(number, side)
    kept = fractals.draw_fractal.cache_info()
    assert kept.currsize == kept.maxsize == N_FRACTALS
    assert N_FRACTALS * MOST_SIDE**2 * 3 <= 26e6  # bytes


def test_no_fractal_is_empty_and_all_have_edges_at_every_scale() -> None:
    for number in range(N_FRACTALS):
        picture = draw_fractal(number, 128).astype(float)
        for size in (1, 4, 16):  # px that are averaged
            coarse = picture.reshape(128 // size, size, 128 // size, size, 3).mean((1, 3))
            edges = np.abs(np.diff(coarse, axis=0)).max(2)
            assert (edges > 16).mean() > 0.03, (number, size)
