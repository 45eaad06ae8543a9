import numpy as np
import pytest

from robustpose.decoding.simcc import decode_simcc, unmirror_simcc


def draw_bins(at, n_bins, sigma=6.0):
    """Return bins (1, K, n_bins) with Gaussians at K places."""
    return np.exp(-((np.arange(n_bins) - np.array(at, float)[:, None]) ** 2) / (2 * sigma**2)).astype(np.float32)[None]


def test_a_joint_is_at_the_largest_bins_and_as_sure_as_the_less_sure_axis():
    x_bins, y_bins = draw_bins([20.2, 91], 96), draw_bins([7.9, 50], 128) * np.float32(0.5)
    crop_xy, confidence = decode_simcc(x_bins, y_bins, 2.0)
    np.testing.assert_array_equal(crop_xy, [[[10, 4], [45.5, 25]]])
    np.testing.assert_array_equal(confidence, [[y_bins[0, 0].max(), 0.5]])


@pytest.mark.parametrize("values", [(0, 1), (1, 0), (-3, 5), (-1, -1)])
def test_a_joint_whose_smaller_maximum_is_not_positive_is_at_the_origin(values):
    x_bins, y_bins = (np.full((1, 1, 8), -9.0) for _ in range(2))
    x_bins[..., 3], y_bins[..., 5] = values
    crop_xy, confidence = decode_simcc(x_bins, y_bins, 1.0)
    np.testing.assert_array_equal(crop_xy, [[[0, 0]]])
    np.testing.assert_array_equal(confidence, [[min(values)]])


@pytest.mark.parametrize("split_ratio", [1, 2, 3, 1.5, 2.25])
def test_mirrored_bins_come_back_to_the_bins_of_the_crop(split_ratio):
    width = 48
    x = np.array([0, 3.3, 20, 44.8])
    there = draw_bins(x * split_ratio, round(width * split_ratio))
    mirrored = draw_bins((width - 1 - x) * split_ratio, round(width * split_ratio))
    y_bins = draw_bins([1, 2, 3, 4], 9)
    back, rows = unmirror_simcc(mirrored[:, [1, 0, 2, 3]], y_bins, (1, 0, 2, 3), split_ratio)
    edge = int(np.ceil(split_ratio - 1))  # these keep what they had
    atol = 1e-6 if split_ratio in (1, 2, 3) else 0.01
    kept = slice(None, back.shape[2] - edge)
    np.testing.assert_allclose(back[..., kept], there[..., kept], atol=atol)
    np.testing.assert_array_equal(rows, y_bins[:, [1, 0, 2, 3]])
