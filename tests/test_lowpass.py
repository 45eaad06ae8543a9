"""The view `lowpass`: what its filters do, and that none of them is one of the suites' blurs at any scale."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from robustpose.corruptions import SEVERITIES, corrupt
from robustpose.train.views.lowpass import ORDERS, Lowpass, draw_lowpass, filter_crop

Floats = npt.NDArray[np.float64]

FREQUENCIES = np.linspace(0.03, 0.5, 95)  # cycles per px of the image
CUTOFFS = np.geomspace(0.01, 0.3, 80)  # of a filter, cycles per px of the image, whatever the crop's scale
WINDOW = 64  # px
LEAST_DISTANCE = 0.2  # in amplitude


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_filter_is_the_one_that_its_gains_say() -> None:
    """Against a transform of a crop that goes on mirrored for a long way."""
    crop = rng().integers(0, 256, (61, 47, 3), np.uint8)
    for angle in (0.0, 0.4, np.pi / 2, 2.0):
        lowpass = Lowpass(cutoff=0.2, stretch=2, angle=angle, order=8)
        wide = np.pad(crop.astype(float), ((60, 60), (46, 46), (0, 0)), mode="reflect")
        u, v = (np.fft.fftfreq(side).astype(np.float32) for side in wide.shape[1::-1])
        gains = lowpass.gains(u, v[:, None])
        expected = np.fft.ifft2(np.fft.fft2(wide, axes=(0, 1)) * gains[..., None], axes=(0, 1)).real[60:-60, 46:-46]
        off = np.abs(filter_crop(crop, lowpass) - np.clip(expected, 0, 255))
        assert off.mean() < 0.5  # rounding alone is 0.25
        assert off.max() < 8  # beside the border, where it matters how long it goes on


def test_gains_are_one_below_the_cutoff_and_nothing_above() -> None:
    lowpass = Lowpass(cutoff=0.2, stretch=2, angle=0.3, order=8)
    for angle, cutoff in ((0.3, 0.1), (0.3 + np.pi / 2, 0.2)):  # the direction of the lower cutoff, and across it
        for share, gain in ((0.7, 1.0), (1.0, 0.5**0.5), (1.45, 0.05)):
            u, v = (np.float32([share * cutoff * along]) for along in (np.cos(angle), np.sin(angle)))
            assert lowpass.gains(u, v) == pytest.approx([gain], abs=0.01)


def test_strongest_filter_takes_away_all_that_is_fine() -> None:
    crop = rng(3).integers(0, 256, (512, 512, 3), np.uint8)
    assert filter_crop(crop, Lowpass(20 / 512, 2.5, 1.0, ORDERS[1])).std() < 0.05 * crop.std()


def test_flat_crops_stay_and_edges_ring() -> None:
    flat = np.full((48, 40, 3), 77, np.uint8)
    assert np.array_equal(filter_crop(flat, Lowpass(0.1, 1, 0, 8)), flat)
    edge = np.full((64, 64, 3), 60, np.uint8)
    edge[:, 32:] = 180
    row = filter_crop(edge, Lowpass(0.1, 1, 0, 8))[32, :, 0].astype(int)
    assert row.min() < 55  # no kernel of the benchmark does that
    assert row.max() > 185


@pytest.mark.parametrize("shape_hw", [(128, 96), (256, 192), (512, 512)])
def test_filters_are_drawn_between_their_bounds(shape_hw: tuple[int, int]) -> None:
    generator = rng(1)
    drawn = [draw_lowpass(shape_hw, generator) for _ in range(400)]
    cutoffs = np.array([lowpass.cutoff for lowpass in drawn])
    assert cutoffs.min() == pytest.approx(20 / max(shape_hw), rel=0.05)
    assert cutoffs.max() == pytest.approx(min(64 / max(shape_hw), 0.3), rel=0.05)
    assert {lowpass.order for lowpass in drawn} == set(range(ORDERS[0], ORDERS[1] + 1))
    stretches = [lowpass.stretch for lowpass in drawn]
    assert 1 <= min(stretches) < 1.05
    assert 2.4 < max(stretches) <= 2.5


def measure_curves(name: str, severity: int) -> Floats:
    """Return what a corruption leaves of the amplitude of waves (directions, frequencies), measured on white noise."""
    window = np.outer(np.hanning(WINDOW), np.hanning(WINDOW))[..., None]
    crossed, power = np.zeros((WINDOW, WINDOW), complex), np.zeros((WINDOW, WINDOW))
    image = rng(severity).integers(64, 192, (3 * WINDOW, 3 * WINDOW, 3), np.uint8)
    blurred = corrupt(image.copy(), name, severity, seed=(severity, 0))
    for top in range(0, 3 * WINDOW, WINDOW):
        for left in range(0, 3 * WINDOW, WINDOW):
            part = slice(top, top + WINDOW), slice(left, left + WINDOW)
            before, after = (np.fft.fft2((values[part] - 128.0) * window, axes=(0, 1)) for values in (image, blurred))
            crossed += (before.conj() * after).sum(2)
            power += (np.abs(before) ** 2).sum(2)
    left_of = np.fft.fftshift(np.abs(crossed / power))
    angles = np.radians(np.arange(0, 180, 11.25))[:, None]
    places = [WINDOW / 2 + FREQUENCIES * WINDOW * along for along in (np.sin(angles), np.cos(angles))]
    return np.asarray(ndimage.map_coordinates(left_of, places, order=1, mode="grid-wrap"))


def make_rows_of_points(n: int) -> Floats:
    """Return what zooming leaves: the mean of n copies in a row, further apart (up to 1 px) the further outside."""
    with np.errstate(invalid="ignore"):
        turns = np.pi * FREQUENCIES * np.geomspace(0.02, 1, 30)[:, None]
        return np.abs(np.sin(n * turns) / (n * np.sin(turns)))


def find_distance(order: int, curves: Floats) -> float:
    """Return how far a filter's curve, along its lower cutoff, is from the nearest of some: the largest difference.

    That is over all frequencies that an image has, and least over all scales of the crop and directions. Where the
    cutoff is above those frequencies, the filter leaves the image as it is.
    """
    own = 1 / np.sqrt(1 + (FREQUENCIES / CUTOFFS[:, None]) ** (2 * order))
    return float(np.abs(own[:, None] - curves).max(2).min())


@pytest.mark.parametrize("name", ["defocus_blur", "glass_blur", "motion_blur", "gaussian_blur", "pixelate"])
def test_no_filter_is_a_blur_of_the_suites_at_any_severity_and_scale(name: str) -> None:
    for severity in SEVERITIES:
        curves = measure_curves(name, severity)
        for order in range(ORDERS[0], ORDERS[1] + 1):
            assert find_distance(order, curves) > LEAST_DISTANCE, (severity, order)


@pytest.mark.parametrize("n", [11, 12, 13, 16])  # enlarged copies in zoom_blur
def test_no_filter_is_a_zoom(n: int) -> None:
    for order in range(ORDERS[0], ORDERS[1] + 1):
        assert find_distance(order, make_rows_of_points(n)) > LEAST_DISTANCE


def test_distance_finds_a_kernel_again() -> None:
    for severity, sigma in enumerate((1, 2, 3, 4, 6), start=1):
        gaussian = np.exp(-2 * (np.pi * sigma * FREQUENCIES) ** 2)
        assert np.abs(measure_curves("gaussian_blur", severity) - gaussian).max() < 0.1
    disks = measure_curves("defocus_blur", 3)
    scaled = np.exp(-2 * (np.pi * np.geomspace(0.5, 20, 200)[:, None] * FREQUENCIES) ** 2)
    assert np.abs(disks[:, None] - scaled).max(2).min() < 0.15  # blurs of the suites are nearer to each other
