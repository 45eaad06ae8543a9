import cv2
import numpy as np
import pytest

from robustpose.decoding.heatmaps import decode_heatmaps
from robustpose.decoding.taylor import choose_kernel, decode_dark, decode_udp


def draw_blobs(xy, sigma=2.0, size_wh=(48, 64)):
    """Return heatmaps (1, P, h, w) with Gaussians at P places."""
    x, y = (np.array(xy, float)[:, axis, None, None] for axis in (0, 1))
    down, across = np.mgrid[: size_wh[1], : size_wh[0]]
    return np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * sigma**2)).astype(np.float32)[None]


def draw_noisy(seed, n_maps=40):
    """Return heatmaps (1, P, 64, 48) of two Gaussians and noise, with their peaks 9 px from the borders or further."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(12, [36, 52], (n_maps, 2))
    second = draw_blobs(xy + rng.normal(0, 3, xy.shape)) * rng.uniform(0, 0.5, (n_maps, 1, 1))
    noise = rng.normal(0, 0.02, (1, n_maps, 64, 48))
    return (draw_blobs(xy) + second + noise).astype(np.float32) * rng.uniform(0.1, 1, (n_maps, 1, 1)).astype(np.float32)


def solve(heatmap, kernel, far, corners, floor, zeros):
    """Return where the Taylor step of one heatmap ends, as the published programs take it: all of it smoothed."""
    y, x = np.unravel_index(heatmap.argmax(), heatmap.shape)
    border = cv2.BORDER_CONSTANT if zeros else cv2.BORDER_DEFAULT
    smooth = cv2.GaussianBlur(heatmap.astype(float), (kernel, kernel), 0, borderType=border)
    log = np.log(np.maximum(smooth * heatmap.max() / smooth.max(), floor))
    at = lambda right, down: log[y + down, x + right]  # noqa: E731
    gradient = np.array([at(1, 0) - at(-1, 0), at(0, 1) - at(0, -1)]) / 2
    xx = (at(far, 0) - 2 * at(0, 0) + at(-far, 0)) / far**2
    yy = (at(0, far) - 2 * at(0, 0) + at(0, -far)) / far**2
    xy = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4
    if not corners:
        xy = (at(1, 1) - at(1, 0) - at(0, 1) + 2 * at(0, 0) - at(-1, 0) - at(0, -1) + at(-1, -1)) / 2
    return np.array([x, y]) - np.linalg.inv([[xx, xy], [xy, yy]]) @ gradient


@pytest.mark.parametrize(
    ("decode", "kernel"), [(decode_udp, 3), (decode_udp, 11), (decode_dark, 11), (decode_dark, 17)]
)
def test_steps_are_those_of_the_published_programs_away_from_borders(decode, kernel):
    heatmaps = draw_noisy(kernel)
    found, confidence = decode(heatmaps, kernel)
    way = {"far": 2, "corners": True, "floor": 1e-10, "zeros": True}
    if decode is decode_udp:
        way = {"far": 1, "corners": False, "floor": 1e-3, "zeros": False}
    expected = np.array([solve(heatmap, kernel, **way) for heatmap in heatmaps[0]])
    peaks = decode_heatmaps(heatmaps)[0].round()
    near = (np.abs(expected - peaks[0]) < {3: 1, 11: 2, 17: 2.9}[kernel]).all(-1)
    assert near.mean() > 0.9
    np.testing.assert_allclose(found[0][near], expected[near], atol=1e-6)
    np.testing.assert_array_equal(confidence, heatmaps.max((2, 3)))


@pytest.mark.parametrize("kernel", [3, 11])
def test_udp_finds_a_gaussian_to_a_thousandth_of_a_pixel_also_at_the_borders(kernel):
    rng = np.random.default_rng(0)
    xy = rng.uniform(-0.45, [47.45, 63.45], (400, 2))
    xy[:8] = [[0, 0], [47, 63], [0, 63], [47, 0], [0.5, 1.5], [-0.5, 10], [24.5, 63.5], [46.5, 0.5]]
    found, _ = decode_udp(draw_blobs(xy), kernel)
    np.testing.assert_allclose(found[0], xy, atol=1e-3)


def test_dark_finds_a_gaussian_away_from_the_borders_and_leaves_peaks_at_them():
    rng = np.random.default_rng(0)
    xy = rng.uniform(5.5, [41.5, 57.5], (200, 2))
    np.testing.assert_allclose(decode_dark(draw_blobs(xy))[0][0], xy, atol=1e-3)
    at_border = [[0.3, 20.3], [1.3, 20.3], [46.2, 20.3], [20.3, 62.2]]
    np.testing.assert_array_equal(decode_dark(draw_blobs(at_border))[0][0], np.round(at_border))


@pytest.mark.parametrize("decode", [decode_dark, decode_udp])
@pytest.mark.parametrize("kernel", [3, 11])
def test_whatever_the_heatmap_no_joint_leaps_from_its_peak(decode, kernel):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(60, 16, 12))
    down, across = np.mgrid[:16, :12]
    spikes = np.zeros((4, 16, 12))
    spikes[[0, 1, 2, 3], [0, 15, 8, 8], [0, 11, 11, 5]] = 1
    odd = [
        np.ones((16, 12)),
        np.ones((16, 12)) + rng.normal(0, 1e-7, (16, 12)),
        np.full((16, 12), 1e-38),
        np.minimum(draw_blobs([[5, 8]], size_wh=(12, 16))[0, 0] * 3, 1),  # saturated
        draw_blobs([[0, 8]], size_wh=(12, 16))[0, 0] > 0.5,
        across + 1.0,  # a ramp
        (across - 6.0) ** 2 + (down - 8.0) ** 2,  # a bowl
        1 + (across - 6.0) * (down - 8.0),  # a saddle
        np.where(across == 6, 1, -1e30),
        np.where(across == down, 3e38, -3e38),
    ]
    heatmaps = np.concatenate([noise, spikes, np.maximum(noise, 0), noise * 1e30, noise * 1e-30, odd])
    heatmaps = heatmaps.astype(np.float32)[None]
    found, confidence = decode(heatmaps, kernel)
    peaks = decode_heatmaps(heatmaps)[0].round()
    assert np.isfinite(found).all()
    assert (np.abs(found - peaks) <= {3: 1, 11: 2}[kernel] + 1e-9).all()
    assert (found >= -0.5).all()
    assert (found <= np.array([11.5, 15.5])).all()
    np.testing.assert_array_equal(found[0, -10], [0, 0])  # flat
    np.testing.assert_array_equal(confidence, decode_heatmaps(heatmaps)[1])


@pytest.mark.parametrize("decode", [decode_dark, decode_udp])
def test_joints_without_a_positive_value_are_at_the_origin_and_nobody_is_no_error(decode):
    heatmaps = np.stack([np.zeros((16, 12)), np.full((16, 12), -0.5), draw_blobs([[5.3, 7.8]], 2, (12, 16))[0, 0]])
    found, confidence = decode(heatmaps[None])
    np.testing.assert_array_equal(found[0, :2], 0)
    np.testing.assert_array_equal(confidence[0, :2], [0, -0.5])
    assert decode(np.zeros((0, 17, 16, 12), np.float32))[0].shape == (0, 17, 2)
    assert decode(np.zeros((2, 17, 16, 12), np.float32))[0].shape == (2, 17, 2)


@pytest.mark.parametrize("decode", [decode_dark, decode_udp])
def test_a_step_depends_neither_on_the_scale_of_a_heatmap_nor_on_those_beside_it(decode):
    heatmaps = np.concatenate([draw_noisy(0), draw_blobs(np.random.default_rng(1).uniform(0, [47, 63], (40, 2)))])
    together, _ = decode(heatmaps, 11)
    alone = np.concatenate([decode(one[None, None], 11)[0] for one in heatmaps.reshape(-1, 64, 48)])
    np.testing.assert_array_equal(together.reshape(-1, 2), alone.reshape(-1, 2))
    np.testing.assert_allclose(decode(heatmaps * np.float32(1000), 11)[0], together, atol=1e-5)


@pytest.mark.parametrize("decode", [decode_dark, decode_udp])
def test_a_mirrored_heatmap_has_its_joints_in_the_mirror(decode):
    heatmaps = draw_noisy(3)
    found, mirrored = decode(heatmaps, 3)[0], decode(heatmaps[..., ::-1], 3)[0]
    atol = 1e-9 if decode is decode_dark else 0.1  # UDP's mixed derivative leans to one diagonal
    np.testing.assert_allclose(mirrored[..., 0], 47 - found[..., 0], atol=atol)
    np.testing.assert_allclose(mirrored[..., 1], found[..., 1], atol=atol)


def test_kernels_are_those_of_darks_authors():
    assert [choose_kernel(sigma) for sigma in (2.0, 3.0)] == [11, 17]
    assert [choose_kernel(sigma) for sigma in (0.01, 1.0, 1000.0)] == [3, 5, 131]
