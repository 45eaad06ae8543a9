"""Independent seeding draws with other generators than the published program, but the same distributions."""

import numpy as np
import pytest

from robustpose.corruptions import TABLE, corrupt
from robustpose.corruptions.frost_textures import generate_textures
from robustpose.corruptions.seeding import IndependentRng, ReleaseRng
from robustpose.registry import load
from tests.scenes import draw_scene

N_DRAWS = 32
RANDOM = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "speckle_noise",
    "glass_blur",
    "motion_blur",
    "snow",
    "frost",
)
RANDOM += ("fog", "elastic_transform", "spatter", "blue_noise_sample", "brownish_noise", "perlin_noise")
IMAGE = draw_scene(64, 96, seed=4)


class LegacyRng(ReleaseRng):
    """The published program's generator with a seed of its own, and nothing kept from one image to the next."""

    def __init__(self, seed):
        super().__init__({})
        self.seed(seed)

    def draw_once(self, name, size, make):
        return make()

    def first_normals(self, n):
        return self.standard_normal(n)

    def first_uniforms(self, n):
        return self.random_sample(n)

    def first_integers(self, high, n):
        return self.randint(0, high, n).astype(np.uint8)

    def normals_then_uniform(self, shape):
        return self.standard_normal(shape), self.random_sample()

    def first_uniforms_and_sums(self, n, add_up):
        uniforms = np.random.RandomState(self.randint(2**31)).random_sample(4 * n)
        return uniforms, add_up(uniforms)


def draw(name, severity, rngs, image=IMAGE):
    extra = (generate_textures().images,) if name == "frost" else ()
    return np.stack([load(name, TABLE)(image, severity, rng, *extra) for rng in rngs])


def legacy_and_independent(name, severity, image=IMAGE, n_draws=N_DRAWS):
    legacy = draw(name, severity, [LegacyRng(100 + i) for i in range(n_draws)], image)
    independent = draw(name, severity, [IndependentRng(i, {}) for i in range(n_draws)], image)
    return legacy, independent


def agree(legacy, independent, slack, errors=4.5):
    """Compare the means of two samples (draws, figures): within some standard errors, and a little slack."""
    difference = abs(legacy.mean(0) - independent.mean(0))
    error = np.sqrt((legacy.var(0) + independent.var(0)) / len(legacy))
    assert (difference <= errors * error + slack).all(), (difference / np.maximum(error, 1e-12), difference)


def moments(images):
    change = images.astype(float) - IMAGE
    flat = change.reshape(len(images), -1)
    return np.stack([flat.mean(1), abs(flat).mean(1), flat.std(1)], axis=1)


def log_spectrum(images):
    """Return the log power of the change in eight rings of frequency, per draw."""
    change = (images.astype(float) - IMAGE).mean(3)
    power = abs(np.fft.fft2(change)) ** 2
    down, across = np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(96), indexing="ij")
    ring = np.minimum((np.hypot(down, across) * 16).astype(int), 7)
    return np.stack([np.log(power[:, ring == r].mean(1) + 1) for r in range(8)], axis=1)


@pytest.mark.parametrize("severity", [2, 5])
@pytest.mark.parametrize("name", RANDOM)
def test_changes_have_the_same_moments_and_spectra(name, severity):
    legacy, independent = legacy_and_independent(name, severity)
    agree(moments(legacy), moments(independent), slack=0.15)
    agree(log_spectrum(legacy), log_spectrum(independent), slack=0.05)


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("name", ["gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"])
def test_noise_on_each_brightness_has_the_same_histogram(name, severity):
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 32, axis=1).repeat(3, axis=2)
    legacy, independent = legacy_and_independent(name, severity, ramp, n_draws=24)
    for value in (1, 10, 42, 43, 90, 128, 200, 255):
        one, other = np.sort(legacy[:, value].ravel()), np.sort(independent[:, value].ravel())
        levels = np.arange(256)
        shares = [np.searchsorted(sample, levels, side="right") / len(sample) for sample in (one, other)]
        assert abs(shares[0] - shares[1]).max() < 1.95 * np.sqrt(2 / len(one))  # Kolmogorov-Smirnov, p = .001


def test_noise_is_white_and_differs_between_channels():
    grey = np.full((200, 200, 3), 128, np.uint8)
    noise = corrupt(grey, "gaussian_noise", 1, (0, 1)).astype(float) - 128
    noise -= noise.mean()
    scale = noise.var()
    for other in (np.roll(noise, 1, 0), np.roll(noise, 1, 1), np.roll(noise, 1, 2), noise[::-1]):
        assert abs((noise * other).mean() / scale) < 0.02


def test_tails_of_the_normal_noise_reach_as_far_as_they_should():
    grey = np.full((400, 400, 3), 128, np.uint8)
    noise = (corrupt(grey, "gaussian_noise", 1, (0, 1)) / 255.0 - 128 / 255) / 0.08
    for limit, share in ((2, 0.0455), (3, 0.0027)):
        assert (abs(noise) > limit).mean() == pytest.approx(share, rel=0.15)
    assert abs(noise).max() > 4
