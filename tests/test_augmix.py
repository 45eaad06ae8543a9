from __future__ import annotations

import colorsys
from collections import Counter

import numpy as np
import pytest
from PIL import ImageOps

from robustpose.train.views.augmix import OPERATIONS, PERMUTATIONS, Chain, apply_augmix, apply_operation, draw_chain
from robustpose.train.views.levels import autocontrast, count_levels, flatten, look_up
from tests.scenes import draw_scene
from tests.test_autoaugment import Pixels, each_image, pillow, rng


def do_one(image: Pixels, generator: np.random.Generator) -> Pixels:
    """Do one operation with Pillow, on the random numbers of the view."""
    name = OPERATIONS[generator.integers(len(OPERATIONS))]
    if name == "solarize":
        return np.asarray(ImageOps.solarize(pillow(image), 256 - int(generator.uniform(0.1, 3) * 25.6)))
    if name == "permute":
        return image[..., PERMUTATIONS[generator.integers(len(PERMUTATIONS))]]
    return np.asarray({"equalize": ImageOps.equalize, "autocontrast": ImageOps.autocontrast}[name](pillow(image)))


@each_image
def test_autocontrast_is_that_of_pillow(image: Pixels) -> None:
    values = flatten(image)
    done = look_up(values, autocontrast(count_levels(values))).reshape(image.shape)
    assert np.array_equal(done, ImageOps.autocontrast(pillow(image)))


def test_autocontrast_is_that_of_pillow_for_all_ranges() -> None:
    ends = np.array([(low, high) for low in range(0, 256, 7) for high in range(low, 256, 5)], np.uint8)
    for low, high in ends:
        image = np.linspace(low, high, 80).astype(np.uint8).reshape(8, 10, 1).repeat(3, axis=2)
        values = flatten(image)
        done = look_up(values, autocontrast(count_levels(values))).reshape(image.shape)
        assert np.array_equal(done, ImageOps.autocontrast(pillow(image)))


def apply_chain(image: Pixels, drawn: Chain) -> Pixels:
    return np.stack([drawn.tables[c][image[..., drawn.order[c]]] for c in range(3)], axis=2)


@each_image
def test_chain_is_its_operations_one_after_the_other(image: Pixels) -> None:
    counts = count_levels(flatten(image))
    for seed in range(40):
        expected, generator = image, rng(seed)
        for _ in range(3):
            expected = do_one(expected, generator)
        assert np.array_equal(apply_chain(image, draw_chain(counts, 3, rng(seed))), expected)


def test_one_operation_is_that_of_pillow() -> None:
    image = draw_scene(40, 30)
    for seed in range(40):
        assert np.array_equal(apply_operation(image, rng(seed)), do_one(image, rng(seed)))


def test_crop_and_chains_are_mixed_by_dirichlet_and_beta() -> None:
    image = draw_scene(40, 30)
    for seed in range(40):
        generator = rng(seed)
        weights, share = generator.dirichlet([1, 1, 1]), generator.beta(1, 1)
        expected = (1 - share) * image
        for weight in weights:
            done = image
            for _ in range(generator.integers(1, 4)):
                done = do_one(done, generator)
            expected = expected + share * weight * done
        assert np.abs(apply_augmix(image, rng(seed)) - expected).max() < 0.501


def test_operations_come_as_often_as_each_other() -> None:
    image, generator = draw_scene(40, 30), rng(1)
    counts = count_levels(flatten(image))
    seen: Counter[str] = Counter()
    for _ in range(3000):
        drawn = draw_chain(counts, 1, generator)
        tables = drawn.tables.astype(int)
        if (drawn.order != range(3)).any():
            seen["permute"] += 1
        elif (np.diff(tables) < -1).any():
            seen["solarize"] += 1
            assert 180 <= np.argmin(np.diff(tables[0])) + 1 < 256  # AugMix's thresholds at severity 3
        else:
            seen["spread"] += 1
    assert [seen[name] / 3000 for name in ("permute", "solarize", "spread")] == pytest.approx(
        [1 / 4, 1 / 4, 1 / 2], abs=0.03
    )


@pytest.mark.parametrize("places", PERMUTATIONS.tolist(), ids=str)
def test_permuted_channels_keep_value_and_saturation(places: list[int]) -> None:
    assert places != [0, 1, 2]
    for pixel in rng(2).integers(0, 256, (50, 3)) / 255:
        changed = colorsys.rgb_to_hsv(*pixel[places])
        assert changed[1:] == pytest.approx(colorsys.rgb_to_hsv(*pixel)[1:])
