"""The fast blurs against plain ones (tests/slow_blur.py): not one value may differ, on any image."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustpose.corruptions import SEVERITIES, corrupt, corrupt_all
from robustpose.corruptions.exact import defocus as blur_defocus
from robustpose.corruptions.exact import glass as blur_glass
from robustpose.corruptions.exact import motion as blur_motion
from robustpose.corruptions.seeding import make_rng
from tests import slow_blur
from tests.scenes import draw_scene

SIZES = [(32, 32), (33, 117), (128, 45), (171, 111), (96, 128)]
RELEASE_ANGLE = np.random.RandomState(1).uniform(-45, 45)
SLOW = {
    "defocus_blur": slow_blur.defocus_blur,
    "glass_blur": lambda image, severity: slow_blur.glass_blur(image, severity, np.random.RandomState(1)),
    "motion_blur": lambda image, severity: slow_blur.motion_blur(image, severity, RELEASE_ANGLE),
    "zoom_blur": slow_blur.zoom_blur,
    "gaussian_blur": slow_blur.gaussian_blur,
}


def binary(image):
    return np.where(image > 128, 255, 0).astype(np.uint8)


def half_flat(image):
    image = image.copy()
    image[:, image.shape[1] // 2 :] = (0, 255, 77)
    return image


def sparse(image):
    return np.where(image % 61 == 0, 255, 0).astype(np.uint8)


KINDS = {
    "scene": lambda image: image,
    "dark": lambda image: image // 6,
    "saturated": lambda image: np.minimum(image.astype(int) + 150, 255).astype(np.uint8),
    "binary": binary,
    "half flat": half_flat,
    "sparse": sparse,
    # Disks of 29, 49, 113, 197 px: sums next to integers are many.
    "steps of 29": lambda image: image // 29 * 29,
    "steps of 1": lambda image: image // 128,
    **{f"flat {value}": lambda image, value=value: np.full_like(image, value) for value in (0, 1, 77, 128, 254, 255)},
}


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("kind", KINDS)
def test_release_equals_the_plain_program(name, kind):
    sizes = SIZES[:2] if kind.startswith("flat") or name == "glass_blur" else SIZES
    for height, width in sizes:
        image = KINDS[kind](draw_scene(height, width, seed=height))
        for severity, ours in zip(
            SEVERITIES, corrupt_all(image, [(name, severity) for severity in SEVERITIES]), strict=True
        ):
            n_different = int((ours != SLOW[name](image, severity)).sum())
            assert n_different == 0, f"{height} x {width}, severity {severity}"


@pytest.mark.parametrize("name", sorted(set(SLOW) - {"glass_blur"}))
def test_larger_images_equal_the_plain_program(name):
    for size in ((333, 512), (512, 333)):
        image = draw_scene(*size, seed=5)
        for severity in (1, 4):
            np.testing.assert_array_equal(corrupt(image, name, severity), SLOW[name](image, severity))


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("seed", ["release", (3, 5)])
def test_cells_in_any_company_and_order_give_the_same(name, seed):
    image = draw_scene(60, 47)
    cells = [(name, severity) for severity in (4, 1, 5, 2, 3, 2, 4)]
    for (_, severity), together in zip(cells, corrupt_all(image, cells, seed), strict=True):
        np.testing.assert_array_equal(corrupt(image, name, severity, seed), together)


def test_images_that_may_not_be_written_to_are_taken():
    image = draw_scene(40, 50)
    frozen = image.copy()
    frozen.flags.writeable = False
    for name in SLOW:
        np.testing.assert_array_equal(corrupt(frozen, name, 2), corrupt(image, name, 2))
    assert image.flags.writeable


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(32, 70),
    width=st.integers(32, 70),
    angle=st.floats(-180, 180),
    severity=st.sampled_from(SEVERITIES),
    seed=st.integers(0, 2**31),
)
def test_motion_along_any_angle_equals_the_plain_program(height, width, angle, severity, seed):
    image = draw_scene(height, width, seed=seed)
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[severity - 1]
    layers = blur_motion.place_layers(image, radius, sigma, angle)
    ours = blur_motion.average_layers(layers, 3 * width).reshape(image.shape)
    np.testing.assert_array_equal(ours, slow_blur.motion_blur(image, severity, angle))


@pytest.mark.parametrize("angle", [-130.0, -90.0, -45.0, 0.0, 61.5, 180.0])
@pytest.mark.parametrize("shape", [(40, 55, 1), (38, 41, 3), (12, 200, 1)])
def test_smear_of_floats_equals_the_plain_program(angle, shape):
    layer = np.random.default_rng(0).random(shape)
    smeared = blur_motion.sum_layers(blur_motion.place_layers(layer, 12, 8, angle), shape[1] * shape[2])
    np.testing.assert_array_equal(smeared.reshape(shape), slow_blur.smear(layer, 12, 8, angle))


def test_independent_motion_blur_smears_along_the_drawn_angle():
    image = draw_scene(64, 80)
    for image_id in range(5):
        angle = make_rng((0, image_id), "motion_blur", 4, {}).uniform(-45, 45)
        expected = slow_blur.motion_blur(image, 4, angle)
        np.testing.assert_array_equal(corrupt(image, "motion_blur", 4, (0, image_id)), expected)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(32, 90),
    width=st.integers(32, 90),
    name=st.sampled_from(["zoom_blur", "defocus_blur", "gaussian_blur"]),
    severity=st.sampled_from(SEVERITIES),
    levels=st.sampled_from([1, 5, 29, 64, 127, 255]),
    seed=st.integers(0, 2**31),
)
def test_any_size_and_number_of_levels_equals_the_plain_program(height, width, name, severity, levels, seed):
    image = draw_scene(height, width, seed=seed) // levels * levels
    np.testing.assert_array_equal(corrupt(image, name, severity), SLOW[name](image, severity))


@pytest.mark.parametrize("length", [36, 71, 136, 160, 285, 296])
def test_zoom_of_lengths_where_scipy_loses_the_last_line_equals_the_plain_program(length):
    for shape in ((length, 40), (40, length)):
        image = draw_scene(*shape)
        for severity in SEVERITIES:
            np.testing.assert_array_equal(corrupt(image, "zoom_blur", severity), SLOW["zoom_blur"](image, severity))


def test_sums_next_to_integers_are_left_to_opencv(monkeypatch):
    kernel = np.zeros((17, 17), np.float32)
    kernel[:, :] = 1 / 256  # every sum of 289 pixels is a multiple of 1 / 256
    image = draw_scene(50, 60)
    expected = np.stack([cv2.filter2D(image[:, :, c] / 255.0, -1, kernel) for c in range(3)], axis=2)
    calls = []
    opencv = cv2.filter2D
    monkeypatch.setattr(cv2, "filter2D", lambda *args: calls.append(1) or opencv(*args))
    ours = blur_defocus.filter_image(image, kernel, blur_defocus.group_taps(kernel))
    np.testing.assert_array_equal(ours, slow_blur.to_uint8(expected))
    assert len(calls) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_no_usual_image_needs_opencv(kind, monkeypatch):
    monkeypatch.setattr(cv2, "filter2D", None)
    image = KINDS[kind](draw_scene(80, 70))
    for severity in SEVERITIES:
        corrupt(image, "defocus_blur", severity)


@pytest.mark.parametrize("delta", [1, 2, 3, 4])
def test_independent_moves_are_uniform(delta):
    n_kinds, n = (2 * delta) ** 2, 100_000
    moves = blur_glass.draw_moves(n, delta, make_rng((1, delta), "glass_blur", 1, {}))
    counts = np.bincount(moves)
    assert len(counts) == n_kinds
    assert abs(counts - n / n_kinds).max() < 5 * np.sqrt(n / n_kinds)


def test_independent_copies_come_from_as_far_as_release_copies():
    height, width = 150, 200
    spreads = []
    for seed in ("release", (0, 1)):
        sources = blur_glass.draw_sources(height, width, 3, 2, make_rng(seed, "glass_blur", 4, {}))
        dy, dx = np.divmod(sources, width) - np.array(np.divmod(np.arange(height * width), width))
        spreads.append([dy.mean(), dy.std(), dx.mean(), dx.std()])
    np.testing.assert_allclose(spreads[1], spreads[0], rtol=0.05, atol=0.05)


def test_independent_glass_leaves_the_frame_alone():
    delta, height, width = 4, 40, 50
    sources = blur_glass.draw_sources(height, width, delta, 2, make_rng((1, 2), "glass_blur", 5, {}))
    still = (sources == np.arange(height * width)).reshape(height, width)
    assert still[: delta + 1].all()
    assert still[height - delta + 1 :].all()
    assert still[:, : delta + 1].all()
    assert still[:, width - delta + 1 :].all()
    assert not still[delta + 1 : height - delta + 1, delta + 1 : width - delta + 1].all()
