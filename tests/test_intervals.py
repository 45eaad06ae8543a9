import numpy as np
import pytest

from robustpose import CLEAN, Cell, UserError
from robustpose.corruptions.suites import COCO_C, choose_cells
from robustpose.metrics.coco_ap import CocoAP
from robustpose.metrics.robustness import take_means
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Poses
from robustpose.results.resampling import draw_weights, interval
from robustpose.results.summary import find_intervals
from tests.people import draw_people, fill

RNG = np.random.default_rng(0)
RESAMPLED = {cell: 0.7 - 0.1 * cell.severity + RNG.normal(0, 0.02, 200) for cell in COCO_C.cells}
NAMED = ("groups", "corruptions", "cells", "severities", "geometric")
FIGURES = ("clean", "mean", "ratio")


def all_figures(means):
    """Return every mean of a run by name."""
    named = {f"{kind} {key}": value for kind in NAMED for key, value in getattr(means, kind).items()}
    return {**{name: getattr(means, name) for name in FIGURES}, **named}


def test_three_of_the_fifteen_corruptions_move_pixels():
    assert COCO_C.moves_pixels == ("glass_blur", "zoom_blur", "elastic_transform")
    assert set(COCO_C.moves_pixels) < set(COCO_C.corruptions)


def test_mpc_is_the_weighted_mean_of_corruptions_that_move_pixels_and_of_the_others():
    means = take_means(RESAMPLED, COCO_C.cells)
    without, only = means.geometric["mPC_without"], means.geometric["mPC_only"]
    np.testing.assert_allclose(means.mean, (3 * only + 12 * without) / 15, rtol=1e-12)


def test_means_of_severities_and_of_groups_lead_to_mpc():
    means = take_means(RESAMPLED, COCO_C.cells)
    np.testing.assert_allclose(sum(means.severities.values()) / 5, means.mean, rtol=1e-12)
    np.testing.assert_allclose(
        sum(len(COCO_C.groups[g]) * v for g, v in means.groups.items()) / 15, means.mean, rtol=1e-12
    )
    np.testing.assert_allclose(sum(means.corruptions.values()) / 15, means.mean, rtol=1e-12)
    np.testing.assert_allclose(means.ratio * means.clean, means.mean, rtol=1e-12)


def test_means_of_resamples_are_those_of_each_resample():
    together = all_figures(take_means(RESAMPLED, COCO_C.cells))
    for number in (0, 7, 199):
        alone = all_figures(take_means({cell: float(v[number]) for cell, v in RESAMPLED.items()}, COCO_C.cells))
        assert alone == pytest.approx({name: values[number] for name, values in together.items()}, rel=1e-12)


def test_means_of_a_part_leave_those_of_the_suite_undefined():
    cells = choose_cells(["fog", "speckle_noise"], [2, 5])
    means = take_means({cell: 0.5 for cell in cells}, cells)
    assert [getattr(means, name) for name in FIGURES] == [0.5, None, None]
    assert means.groups == means.severities == means.geometric == {}
    assert set(means.corruptions) == {"fog", "speckle_noise"}


def test_missing_cell_is_an_error():
    with pytest.raises(UserError, match="fog/3"):
        take_means({cell: 1.0 for cell in COCO_C.cells if cell != Cell("fog", 3)}, COCO_C.cells)


def run_of(seed, n_images=40):
    """Return scores of all cells and of their resamples, of poses that get worse with the severity."""
    rng = np.random.default_rng(seed)
    pairs = draw_people(seed, n_images)
    scores, resampled = {}, {}
    for cell in COCO_C.cells:
        worse = [
            (Poses(1, p.xy + rng.normal(0, 1 + 2 * cell.severity, p.xy.shape), p.confidence, p.score), t)
            for p, t in pairs
        ]
        table = fill(CocoAP(COCO.sigmas), worse).matches().table()
        scores[cell], resampled[cell] = float(table.score()[0]), table.score(draw_weights(n_images, 200))
    return scores, resampled


def test_intervals_hold_the_figures_of_a_run():
    scores, resampled = run_of(1)
    found, means = find_intervals(resampled, COCO_C.cells), take_means(scores, COCO_C.cells)
    assert (found["level"], found["resamples"]) == (0.95, 200)
    pairs = [(found["clean"], means.clean), (found["mPC"], means.mean), (found["rPC"], means.ratio)]
    for kind in ("groups", "corruptions", "cells", "geometric"):
        assert set(found[kind]) == set(getattr(means, kind))
        pairs += [(found[kind][key], value) for key, value in getattr(means, kind).items()]
    assert len(pairs) == 3 + 4 + 15 + 75 + 2
    for (low, high), value in pairs:
        assert 0 <= low <= value <= high <= 1


def test_interval_of_a_mean_is_narrower_than_those_of_its_cells_are_on_average():
    found = find_intervals(RESAMPLED, COCO_C.cells)
    width = {key: high - low for key, (low, high) in found["cells"].items()}
    assert found["mPC"][1] - found["mPC"][0] < np.mean(list(width.values()))


def test_rpc_takes_clean_and_corrupted_of_the_same_resample():
    level = np.random.default_rng(1).uniform(0.4, 0.8, 300)
    found = find_intervals({cell: level * (1 if cell == CLEAN else 0.5) for cell in COCO_C.cells}, COCO_C.cells)
    assert found["rPC"] == pytest.approx([0.5, 0.5])
    assert found["mPC"][1] - found["mPC"][0] > 0.1


def test_interval_of_a_part_has_no_mpc():
    cells = choose_cells(["fog"], [1, 2])
    found = find_intervals(RESAMPLED, cells)
    assert (found["mPC"], found["rPC"], found["groups"]) == (None, None, {})
    assert found["cells"] == {cell.key: interval(RESAMPLED[cell]) for cell in cells[1:]}
    assert found["geometric"] == {}


def test_resamples_without_a_clean_score_leave_rpc_undefined_and_nothing_else():
    zero = {cell: np.zeros(50) for cell in COCO_C.cells}
    found = find_intervals(zero, COCO_C.cells)
    assert found["rPC"] is None
    assert found["mPC"] == found["clean"] == [0, 0]
