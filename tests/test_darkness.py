import numpy as np
import pytest

from robustpose.corruptions import SEVERITIES, corrupt
from robustpose.corruptions.darkness import BRIGHTEST, PHOTONS, SPREADS
from robustpose.corruptions.exact.normal_replay import replay_normals
from robustpose.corruptions.exact.poisson_tables import pick_counts, tabulate_poisson
from tests.scenes import draw_scene

IMAGES = {
    "scene": draw_scene(40, 53),
    "few values": draw_scene(33, 40, seed=2) // 5 + 20,
    "flat": np.full((33, 40, 3), 7, np.uint8),
}


def darken_plainly(image, severity):
    """Do what the formula says, with NumPy's own generator: Poisson numbers first, then normal ones."""
    rng = np.random.RandomState(1)
    x = image / 255.0
    reach = x.max() - x.min()
    y = BRIGHTEST[severity - 1] * ((x - x.min()) / reach) ** 2 if reach else np.zeros_like(x)
    y = np.clip(rng.poisson(y * PHOTONS[severity - 1]) / PHOTONS[severity - 1], 0, 1)
    y = np.clip(y + rng.normal(0, SPREADS[severity - 1], y.shape), 0, 1)
    return (y * 255).astype(np.uint8)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_release_darkness_equals_the_formula_on_numpys_own_generator(image, severity):
    np.testing.assert_array_equal(corrupt(image, "darkness", severity), darken_plainly(image, severity))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_white_becomes_the_brightness_of_the_severity_with_the_noise_of_its_photons(severity):
    image = np.full((150, 150, 3), 255, np.uint8)
    image[0] = 0  # the range is the whole one
    for seed in ("release", 3):
        white = corrupt(image, "darkness", severity, seed)[1:].astype(float) / 255 + 0.5 / 255  # truncated
        brightest, photons = BRIGHTEST[severity - 1], PHOTONS[severity - 1]
        assert white.mean() == pytest.approx(brightest, abs=0.003)
        assert white.var() == pytest.approx(brightest / photons + SPREADS[severity - 1] ** 2, rel=0.05)


def test_each_value_has_the_same_distribution_under_every_seed():
    ramp = np.arange(0, 256, 5, dtype=np.uint8)[:, None, None].repeat(300, axis=1).repeat(3, axis=2)
    for severity in (1, 5):
        one, other = (corrupt(ramp, "darkness", severity, seed).astype(float) for seed in ("release", 5))
        error = np.sqrt((one.var((1, 2)) + other.var((1, 2))) / 900)
        assert (abs(one.mean((1, 2)) - other.mean((1, 2))) < 4.5 * error + 0.01).all()


def test_normals_are_those_of_the_legacy_generator_after_any_number_of_uniforms():
    uniforms = np.random.RandomState(1).random_sample(4000)
    for position in (0, 1, 6, 501):
        rng = np.random.RandomState(1)
        rng.random_sample(position)
        out = np.empty(1001)
        assert replay_normals(uniforms, position, out) == 1001
        np.testing.assert_array_equal(out, rng.standard_normal(1001))
    assert replay_normals(uniforms[:100], 0, np.empty(1001)) < 100  # the stream is too short: said, not guessed


@pytest.mark.parametrize("mean", [0.0, 0.3, 9.99, 60.0, 360.0, 1500.0])
def test_counts_are_the_quantiles_of_the_random_numbers(mean):
    poisson = pytest.importorskip("scipy.stats").poisson
    words = np.random.default_rng(0).integers(0, 2**32, 5000, dtype=np.uint32)
    words[:2] = 0, 2**32 - 1
    counts = np.empty(5000, np.uint16)
    pick_counts(np.ones(5000, np.uint8), words, tabulate_poisson([7.0, mean]), counts)
    expected = poisson.ppf((words[2:] + 0.5) / 2**32, mean) if mean else np.zeros(4998)
    np.testing.assert_array_equal(counts[2:], expected)
    assert counts[0] <= counts[2:].min()
    assert counts[1] >= counts[2:].max()
