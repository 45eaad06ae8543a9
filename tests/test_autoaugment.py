from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PilImage
from PIL import ImageEnhance, ImageOps

from robustpose.errors import UserError
from robustpose.train.views import autoaugment
from robustpose.train.views.autoaugment import POLICIES, apply_autoaugment, apply_operations, sharpen
from tests.scenes import draw_scene

Pixels = npt.NDArray[np.uint8]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


IMAGES = {
    "random": rng().integers(0, 256, (61, 47, 3), np.uint8),
    "flat": np.full((40, 30, 3), 77, np.uint8),
    "black": np.zeros((40, 30, 3), np.uint8),
    "white": np.full((40, 30, 3), 255, np.uint8),
    "dark": rng(1).integers(0, 12, (64, 48, 3), np.uint8),
    "two values": rng(2).choice(np.array([40, 200], np.uint8), (64, 48, 3)),
    "two values, one rare": np.where(rng(3).random((64, 48, 3)) < 0.01, 40, 200).astype(np.uint8),
    "one bright pixel": np.pad(np.full((1, 1, 3), 255, np.uint8), ((9, 20), (9, 20), (0, 0))),
    "one flat channel": draw_scene(64, 48, seed=4) * np.array([1, 0, 1], np.uint8),
    "scene": draw_scene(128, 96),
    "crop": draw_scene(256, 192, seed=1),
    "few pixels": rng(4).integers(0, 256, (15, 17, 3), np.uint8),  # 255 of them
    "little more": rng(5).integers(0, 200, (19, 27, 3), np.uint8),
    "narrow": rng(6).integers(0, 256, (50, 2, 3), np.uint8),
    "3×3": rng(7).integers(0, 256, (3, 3, 3), np.uint8),
    "1×1": np.array([[[3, 130, 255]]], np.uint8),
}
each_image = pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)


def pillow(image: Pixels) -> PilImage.Image:
    return PilImage.fromarray(image)


def do_with_pillow(image: Pixels, name: str, magnitude: int, sharper: bool) -> Pixels:
    """Do an operation of AutoAugment with Pillow, magnitudes as published."""
    if name == "equalize":
        return np.asarray(ImageOps.equalize(pillow(image)))
    if name == "posterize":
        return np.asarray(ImageOps.posterize(pillow(image), [8, 8, 7, 7, 6, 6, 5, 5, 4, 4][magnitude]))
    if name == "solarize":
        return np.asarray(ImageOps.solarize(pillow(image), 256 - magnitude * 256 / 9))
    if name == "invert":
        return np.asarray(ImageOps.invert(pillow(image)))
    assert name == "sharpness"
    return np.asarray(ImageEnhance.Sharpness(pillow(image)).enhance(1 + (1 if sharper else -1) * magnitude / 10))


@each_image
def test_equalize_is_that_of_pillow(image: Pixels) -> None:
    assert np.array_equal(apply_operations(image, [("equalize", 0)]), ImageOps.equalize(pillow(image)))


@each_image
def test_equalizing_twice_is_that_of_pillow(image: Pixels) -> None:
    twice = apply_operations(image, [("equalize", 0), ("equalize", 0)])
    assert np.array_equal(twice, ImageOps.equalize(ImageOps.equalize(pillow(image))))


def test_equalize_is_that_of_pillow_for_all_kinds_of_histograms() -> None:
    generator = rng(8)
    for _ in range(300):
        height, width, n_levels = generator.integers(1, [40, 40, 257])
        levels = generator.choice(256, n_levels, replace=False)
        chances = generator.dirichlet(np.full(n_levels, generator.choice([0.02, 0.3, 5])))
        image = generator.choice(levels, (height, width, 3), p=chances).astype(np.uint8)
        assert np.array_equal(apply_operations(image, [("equalize", 0)]), ImageOps.equalize(pillow(image)))


@each_image
@pytest.mark.parametrize("magnitude", range(10))
def test_posterize_is_that_of_pillow(image: Pixels, magnitude: int) -> None:
    expected = do_with_pillow(image, "posterize", magnitude, sharper=True)
    assert np.array_equal(apply_operations(image, [("posterize", magnitude)]), expected)


@each_image
@pytest.mark.parametrize("magnitude", range(10))
def test_solarize_is_that_of_pillow(image: Pixels, magnitude: int) -> None:
    expected = do_with_pillow(image, "solarize", magnitude, sharper=True)
    assert np.array_equal(apply_operations(image, [("solarize", magnitude)]), expected)


@each_image
def test_invert_is_that_of_pillow(image: Pixels) -> None:
    assert np.array_equal(apply_operations(image, [("invert", 0)]), ImageOps.invert(pillow(image)))


@each_image
@pytest.mark.parametrize("factor", [0, *np.linspace(0.1, 0.9, 9), 1, *np.linspace(1.1, 1.9, 9), 3.3])
def test_sharpen_is_that_of_pillow(image: Pixels, factor: float) -> None:
    assert np.array_equal(sharpen(image, factor), ImageEnhance.Sharpness(pillow(image)).enhance(factor))


def test_magnitudes_are_the_published_ones() -> None:
    assert autoaugment.POSTERIZE_BITS.tolist() == [8, 8, 7, 7, 6, 6, 5, 5, 4, 4]
    np.testing.assert_allclose(autoaugment.SOLARIZE_THRESHOLDS[[0, 4, 9]], [256, 256 * 5 / 9, 0])
    np.testing.assert_allclose(autoaugment.SHARPNESS_CHANGES[[0, 7, 9]], [0, 0.7, 0.9])


def test_release_has_one_sub_policy_more_and_three_come_twice() -> None:
    assert (len(POLICIES["paper"]), len(POLICIES["release"])) == (11, 12)
    assert set(POLICIES["release"]) - set(POLICIES["paper"]) == {(("sharpness", 7, 0.4), ("invert", 0, 0.6))}
    assert sorted(Counter(POLICIES["paper"]).values()) == [1] * 5 + [2] * 3


@pytest.mark.parametrize("sharper", [True, False])
@pytest.mark.parametrize("first", autoaugment.OPERATIONS)
@pytest.mark.parametrize("second", autoaugment.OPERATIONS)
def test_two_operations_are_pillow_s_one_after_the_other(first: str, second: str, sharper: bool) -> None:
    image = IMAGES["scene"]
    expected = do_with_pillow(do_with_pillow(image, first, 7, sharper), second, 4, sharper)
    assert np.array_equal(apply_operations(image, [(first, 7), (second, 4)], sharper), expected)


@pytest.mark.parametrize("policies", ["paper", "release"])
def test_outcomes_come_as_often_as_sub_policies_and_probabilities_say(policies: autoaugment.Policies) -> None:
    image = draw_scene(40, 30)
    expected: Counter[bytes] = Counter()
    for sub_policy in POLICIES[policies]:
        for *applied, sharper in product([True, False], repeat=3):
            result, chance = image, 0.5
            for (name, magnitude, probability), is_applied in zip(sub_policy, applied, strict=True):
                chance *= probability if is_applied else 1 - probability
                result = do_with_pillow(result, name, magnitude, sharper) if is_applied else result
            expected[result.tobytes()] += chance / len(POLICIES[policies])  # type: ignore[assignment]
    n_draws, generator = 6000, rng(9)
    seen = Counter(apply_autoaugment(image, generator, policies).tobytes() for _ in range(n_draws))
    assert seen.keys() == {result for result, chance in expected.items() if chance}
    for result, count in seen.items():
        spread = np.sqrt(expected[result] / n_draws)
        assert count / n_draws == pytest.approx(expected[result], abs=4 * spread)


def test_as_many_numbers_are_drawn_whatever_comes_of_them() -> None:
    following = set()
    for policies, image in product(("paper", "release"), (IMAGES["scene"], IMAGES["1×1"])):
        generator = rng(10)
        for _ in range(50):
            apply_autoaugment(image, generator, policies)
        following.add(generator.random())
    assert len(following) == 1


def test_same_generator_gives_same_pixels() -> None:
    image = IMAGES["scene"]
    for seed in range(20):
        assert np.array_equal(apply_autoaugment(image, rng(seed)), apply_autoaugment(image, rng(seed)))


def test_result_is_new_and_the_crop_stays() -> None:
    image = IMAGES["scene"].copy()
    generator = rng(11)
    for _ in range(40):
        result = apply_autoaugment(image, generator, "release")
        assert (result.dtype, result.shape, result.flags.writeable) == (np.uint8, image.shape, True)
        assert not np.shares_memory(result, image)
    assert np.array_equal(image, IMAGES["scene"])
    assert image.flags.writeable


@pytest.mark.parametrize("name", autoaugment.OPERATIONS)
def test_order_of_channels_and_of_memory_does_not_matter(name: str) -> None:
    image = IMAGES["scene"]
    expected = apply_operations(image, [(name, 7)])
    assert np.array_equal(apply_operations(image[:, :, ::-1], [(name, 7)]), expected[:, :, ::-1])
    frozen = np.asfortranarray(image)
    frozen.flags.writeable = False
    assert np.array_equal(apply_operations(frozen, [(name, 7)]), expected)


def test_unknown_operation_is_a_clear_error() -> None:
    with pytest.raises(UserError, match=r"no operation 'equalise' here \(did you mean 'equalize'\?\)"):
        apply_operations(IMAGES["flat"], [("equalise", 0)])
