import numpy as np
import pytest

from robustpose.corruptions import SEVERITIES, corrupt
from robustpose.corruptions.sensor import EXPOSURES, FULL, LAMP, N_NUMBERS, READ_NOISE, linear_to_srgb, srgb_to_linear
from robustpose.corruptions.suites import SUITES
from tests.scenes import draw_scene


def light_of(image):
    """Return linear light of pixel values."""
    return srgb_to_linear(image / 255.0)


def test_the_suite_is_the_three_exposures_at_all_severities():
    assert SUITES["low-light"].corruptions == tuple(EXPOSURES)
    assert {len(exposures) for exposures in EXPOSURES.values()} == {len(SEVERITIES)}


def test_curve_of_srgb_and_back_is_nothing():
    values = np.arange(256) / 255.0
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-7)
    assert srgb_to_linear(np.array([0.5]))[0] == pytest.approx(0.2140, abs=1e-4)  # IEC 61966-2-1


@pytest.mark.parametrize("seed", ["release", 4])
@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", EXPOSURES)
def test_light_grey_keeps_its_share_of_light_and_has_the_noise_of_the_model(name, severity, seed):
    how = EXPOSURES[name][severity - 1]
    image = np.full((200, 300, 3), 180, np.uint8)
    light = light_of(corrupt(image, name, severity, seed)).reshape(-1, 3)
    whole = light_of(np.array([180]))[0]
    electrons = whole * how.light * FULL * np.array(how.color)
    np.testing.assert_allclose(light.mean(0), electrons / FULL / how.light * how.brightness, rtol=0.06)
    if electrons.min() > 16:  # else clipping at black and rounding to pixel values have a share in it
        spread = np.sqrt(electrons + READ_NOISE**2 + how.row_noise**2)
        of_numbers = how.light / how.brightness * FULL / N_NUMBERS / np.sqrt(12)  # of the converter's rounding
        expected = np.hypot(spread, of_numbers) / FULL / how.light * how.brightness
        np.testing.assert_allclose(light.std(0), expected, rtol=0.12)


def test_underexposure_has_few_levels_and_high_gain_the_brightness_of_the_image():
    image = draw_scene(120, 160)
    levels = [len(np.unique(corrupt(image, "underexposure", severity))) for severity in SEVERITIES]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < 40
    for severity in SEVERITIES:
        assert corrupt(image, "high_gain", severity).mean() == pytest.approx(image.mean(), rel=0.12)


def test_dim_light_has_the_lamps_colours_and_rows_that_differ():
    image = np.full((300, 300, 3), 200, np.uint8)
    dim = light_of(corrupt(image, "dim_light", 1))
    np.testing.assert_allclose(dim.mean((0, 1)) / dim.mean((0, 1))[0], LAMP, rtol=0.05)
    for name, how in (("dim_light", EXPOSURES["dim_light"][4]), ("high_gain", EXPOSURES["high_gain"][4])):
        rows = light_of(corrupt(image, name, 5)).mean((1, 2))
        single = light_of(corrupt(image, name, 5)).std() / np.sqrt(900)  # if only pixels had noise
        assert (rows.std() > 3 * single) == (how.row_noise > 0)


@pytest.mark.parametrize("name", EXPOSURES)
def test_more_severe_is_farther_from_the_image(name):
    image = draw_scene(96, 128)
    changes = [abs(corrupt(image, name, severity).astype(int) - image).mean() for severity in SEVERITIES]
    assert changes == sorted(changes)


def test_release_noise_depends_on_the_size_only():
    one, other = np.full((40, 50, 3), 90, np.uint8), np.full((40, 50, 3), 90, np.uint8)
    other[0, 0] = 255
    first, second = (corrupt(image, "high_gain", 3) for image in (one, other))
    np.testing.assert_array_equal(first[1:], second[1:])
    assert (corrupt(one, "high_gain", 3, (0, 1)) != corrupt(one, "high_gain", 3, (0, 2))).any()
