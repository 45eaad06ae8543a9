"""The fast loops of c-bar, for independent seeds, do what the exact ones do with the same random numbers."""

import numpy as np
import pytest

from robustpose.corruptions import TABLE, corrupt
from robustpose.corruptions.cbar import sparkles
from robustpose.corruptions.exact.lattice_noise import draw_lattice, find_turbulence
from robustpose.corruptions.exact.spectrum import DISTANCE, SMOOTH, draw_spectrum_noise
from robustpose.corruptions.fast.lattice_noise import draw_fast_lattice, mix_with_turbulence
from robustpose.corruptions.fast.spectrum import draw_fast_spectrum_noise
from robustpose.corruptions.fast.trigonometry import arctangent, sine
from robustpose.corruptions.seeding import IndependentRng, ReleaseRng
from robustpose.registry import load
from tests.scenes import draw_scene

IMAGE = draw_scene(96, 128, seed=4)


class Twin(IndependentRng):
    """A generator of independent seeds that draws the numbers of a legacy one."""

    def __init__(self, seed):
        super().__init__(0, {})
        self.legacy = np.random.RandomState(seed)

    def uniform(self, *arguments):
        return self.legacy.uniform(*arguments)

    def randint(self, *arguments):
        return self.legacy.randint(*arguments)

    def standard_normal(self, *arguments):
        return self.legacy.standard_normal(*arguments)

    def permutation(self, *arguments):
        return self.legacy.permutation(*arguments)


class Legacy(ReleaseRng):
    """The legacy generator with a seed of its own, which keeps nothing."""

    def __init__(self, seed):
        super().__init__({})
        self.seed(seed)

    def draw_once(self, name, size, make):
        return make()


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize(
    "name",
    [
        "single_frequency_greyscale",
        "cocentric_sine_waves",
        "plasma_noise",
        "sparkles",
        "inverse_sparkles",
        "caustic_refraction",
    ],
)
def test_same_numbers_give_the_same_image_but_for_roundings(monkeypatch, name, severity):
    monkeypatch.setattr(sparkles, "draw_drawer", lambda rng: rng)  # one generator for both
    for image in (IMAGE, IMAGE.transpose(1, 0, 2).copy()):
        for seed in range(6):
            exact = load(name, TABLE)(image, severity, Legacy(seed)).astype(int)
            fast = load(name, TABLE)(image, severity, Twin(seed)).astype(int)
            assert (abs(exact - fast) > 1).mean() < 2e-3  # where a ring begins or a ray does
            assert (exact != fast).mean() < 0.02


class Phases(IndependentRng):
    """The same phases for both kinds of spectra."""

    def __init__(self, seed):
        super().__init__(seed, {})

    def uniform(self, low, high, size):
        return high * (self.words(int(np.prod(size)), np.uint16).reshape(size) + 0.5) / 2**16


@pytest.mark.parametrize("weight", [DISTANCE, SMOOTH])
@pytest.mark.parametrize("side", [64, 75, 127])
def test_half_a_spectrum_gives_the_noise_of_the_whole_one(side, weight):
    exact = draw_spectrum_noise(side, weight, Phases(3))
    fast = draw_fast_spectrum_noise(side, side - 20, weight, Phases(3))
    assert fast.shape == (side - 20, side)
    np.testing.assert_allclose(fast, exact[: side - 20], atol=2e-4)


def test_turbulence_row_by_row_is_that_of_each_pixel():
    lattice = draw_lattice(np.random.RandomState(3))
    weights = find_turbulence(lattice, 0.07, 100, 5, 95)
    image, out = np.zeros((95, 100, 3), np.uint8), np.empty((95, 100, 3), np.uint8)
    mix_with_turbulence(image, lattice, 0.07, 1.0, out)
    assert abs(out[5:, :, 1] - 255 * weights).max() < 1.001
    gradients = draw_fast_lattice(IndependentRng(1, {})).gradients
    np.testing.assert_allclose(np.hypot(*gradients.T), 1)


def test_sine_and_arctangent_have_five_digits():
    x = np.random.default_rng(0).uniform(-400, 400, 500).astype(np.float32)
    assert max(abs(sine(one) - np.sin(one.astype(float))) for one in x) < 1e-4
    y = x[::-1]
    assert max(abs(arctangent(a, b) - np.arctan2(a, b)) for a, b in zip(y, x, strict=True)) < 1e-5
    assert arctangent(np.float32(0), np.float32(0)) == 0
    assert arctangent(np.float32(0), np.float32(-1)) == pytest.approx(np.pi)


def test_independent_cells_of_one_image_differ():
    one, other = (corrupt(IMAGE, "checkerboard_cutout", severity, (0, 1)) for severity in (4, 5))
    assert (one != other).any()
