from __future__ import annotations

import numpy as np
import pytest

from robustpose.train.views.patch_noise import LEAST_CHANGE, SIDES, STRENGTHS, _hatch, add_patch_noise, draw_patch


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def changes_of(seed: int, shape_hw: tuple[int, int] = (96, 72)) -> np.ndarray:
    """Return what one square changes (h, w, 3) of a grey crop."""
    crop = np.full((*shape_hw, 3), 128, np.uint8)
    patch = draw_patch(shape_hw, rng(seed))
    _hatch(crop, patch.top, patch.left, patch.side, *patch.direction, patch.changes)
    return crop.astype(int) - 128


def test_square_has_lines_and_the_rest_stays() -> None:
    for seed in range(30):
        patch, changed = draw_patch((96, 72), rng(seed)), changes_of(seed)
        rows = slice(max(patch.top, 0), max(patch.top + patch.side, 0))
        columns = slice(max(patch.left, 0), max(patch.left + patch.side, 0))
        assert changed[rows, columns].all()
        outside = np.ones((96, 72), bool)
        outside[rows, columns] = False
        assert not changed[outside].any()


def test_pixels_of_a_line_change_alike_and_lines_differently() -> None:
    for seed in range(30):
        patch, changed = draw_patch((96, 72), rng(seed)), changes_of(seed)
        y, x = np.nonzero(changed[..., 0])
        across = patch.direction[0] * (x - patch.left) + patch.direction[1] * (y - patch.top)
        line = (across - min(0, patch.direction[0] * (patch.side - 1))).astype(int)
        for number in np.unique(line):
            assert (changed[y, x][line == number] == patch.changes[number]).all()
        assert len(np.unique(patch.changes[np.unique(line)], axis=0)) > 0.8 * len(np.unique(line))
        assert line.max() < len(patch.changes)


def test_changes_have_two_humps_and_none_is_small() -> None:
    found, largest = [], []
    for seed in range(300):
        patch = draw_patch((96, 72), rng(seed))
        sizes = np.abs(patch.changes)
        largest.append(sizes.max())
        assert sizes.min() >= LEAST_CHANGE * sizes.max() - 1
        found.append((patch.changes > 0).mean())
    assert STRENGTHS[0] - 1 < min(largest)
    assert max(largest) <= STRENGTHS[1]
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)


def test_squares_are_anywhere_and_of_any_size() -> None:
    patches = [draw_patch((128, 96), rng(seed)) for seed in range(2000)]
    sides = np.array([patch.side for patch in patches]) / 128
    assert (sides.min(), sides.max()) == pytest.approx(SIDES, abs=0.01)
    centres = np.array([(patch.top + patch.side // 2, patch.left + patch.side // 2) for patch in patches])
    assert centres.min(0).tolist() == [0, 0]
    assert centres.max(0).tolist() == [127, 95]
    covered = [(add_patch_noise(np.full((128, 96, 3), 128, np.uint8), rng(seed)) != 128).mean() for seed in range(100)]
    assert 0.2 < np.mean(covered) < 0.6


def test_values_are_clipped() -> None:
    for value in (0, 255):
        crop = np.full((64, 48, 3), value, np.uint8)
        values = np.unique(add_patch_noise(crop, rng(1)))
        assert value in values
        assert abs(values.astype(int) - value).max() <= 3 * STRENGTHS[1]
