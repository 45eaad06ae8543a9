from __future__ import annotations

import numpy as np
import pytest
import torch

from robustpose.decoding.heatmaps import decode_heatmaps
from robustpose.train.heatmaps import draw_heatmap_targets, joints_mse

MAP_WH = (24, 32)
SEEN = np.array([2])


def test_target_is_a_gaussian_with_a_peak_of_one_at_the_nearest_pixel() -> None:
    target, weight = draw_heatmap_targets(np.array([[41.0, 62.5]]), SEEN, MAP_WH, 4, 1.5)
    assert weight.tolist() == [[1.0]]
    assert np.unravel_index(target[0].argmax(), target[0].shape) == (16, 10)
    assert target[0, 16, 10] == 1
    rows, columns = np.mgrid[:32, :24]
    distance_2 = (rows - 16) ** 2 + (columns - 10) ** 2
    near = (np.abs(rows - 16) <= 4.5) & (np.abs(columns - 10) <= 4.5)
    expected = np.where(near, np.exp(-distance_2 / (2 * 1.5**2)), 0)
    np.testing.assert_allclose(target[0], expected, atol=1e-7)


def test_decoding_a_target_finds_the_joint_again() -> None:
    crop_xy = np.random.default_rng(0).uniform(12, 80, (17, 2))
    target, _ = draw_heatmap_targets(crop_xy, np.full(17, 2), MAP_WH, 4, 1.5)
    map_xy, maxima = decode_heatmaps(target[None])
    assert np.abs(map_xy[0] * 4 - crop_xy).max() <= 2.0 + 1e-9  # half a heatmap pixel
    assert (maxima == 1).all()


@pytest.mark.parametrize(
    ("crop_xy", "drawn"),
    [((0, 0), True), ((-16, 64), True), ((-20, 64), False), ((108, 64), True), ((112, 64), False), ((48, 148), False)],
)
def test_target_is_drawn_while_its_box_touches_the_map(crop_xy: tuple[int, int], drawn: bool) -> None:
    target, weight = draw_heatmap_targets(np.array([crop_xy], float), SEEN, MAP_WH, 4, 1.5)
    assert weight.item() == drawn
    assert (target.max() > 0) == drawn


def test_joint_that_is_not_annotated_gets_no_target() -> None:
    target, weight = draw_heatmap_targets(np.full((3, 2), 40.0), np.array([0, 1, 2]), MAP_WH, 4, 1.5)
    assert weight[:, 0].tolist() == [0, 1, 1]
    assert target.max(axis=(1, 2)).tolist() == [0, 1, 1]


def test_loss_is_half_the_mean_squared_error_averaged_over_joints() -> None:
    generator = torch.Generator().manual_seed(0)
    heatmaps, target = torch.rand(2, 3, 4, 5, generator=generator), torch.rand(2, 3, 4, 5, generator=generator)
    weight = torch.tensor([[[1.0], [0.0], [1.0]], [[1.0], [1.0], [0.0]]])
    per_joint = [
        0.5 * ((heatmaps[:, j] * weight[:, j, :, None] - target[:, j] * weight[:, j, :, None]) ** 2).mean()
        for j in range(3)
    ]
    torch.testing.assert_close(joints_mse(heatmaps, target, weight), torch.stack(per_joint).mean())


def test_unweighted_joint_has_no_gradient() -> None:
    heatmaps = torch.rand(1, 2, 4, 4, requires_grad=True)
    joints_mse(heatmaps, torch.zeros(1, 2, 4, 4), torch.tensor([[[0.0], [1.0]]])).backward()
    assert heatmaps.grad is not None
    assert heatmaps.grad[0, 0].abs().max() == 0
    assert heatmaps.grad[0, 1].abs().max() > 0
