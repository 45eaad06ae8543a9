import numpy as np
import pytest

from robustpose import CLEAN, Cell, UserError
from robustpose.corruptions import GROUPS, NAMES
from robustpose.corruptions.suites import COCO_C, choose_cells
from robustpose.metrics.coco_ap import CocoAP
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Poses
from robustpose.results.intervals import GEOMETRIC, PHOTOMETRIC, find_intervals, make_series
from robustpose.results.resampling import draw_weights, interval
from tests.people import draw_people, fill

RNG = np.random.default_rng(0)
RESAMPLED = {cell: 0.7 - 0.1 * cell.severity + RNG.normal(0, 0.02, 200) for cell in COCO_C.cells}
NAMED = ("groups", "corruptions", "cells", "severities")
FIGURES = ("clean", "mpc", "rpc", "mpc_photometric", "mpc_geometric")


def all_figures(series):
    """Return every figure of a series by name."""
    named = {f"{kind} {key}": value for kind in NAMED for key, value in getattr(series, kind).items()}
    return {**{name: getattr(series, name) for name in FIGURES}, **named}


def test_geometric_and_photometric_corruptions_make_up_the_fifteen():
    assert set(GEOMETRIC) | set(PHOTOMETRIC) == set(NAMES)
    assert len(GEOMETRIC) + len(PHOTOMETRIC) == 15
    assert GEOMETRIC == ("glass_blur", "zoom_blur", "elastic_transform")


def test_mpc_is_the_weighted_mean_of_geometric_and_photometric():
    series = make_series(RESAMPLED, COCO_C.cells)
    expected = (len(GEOMETRIC) * series.mpc_geometric + len(PHOTOMETRIC) * series.mpc_photometric) / 15
    np.testing.assert_allclose(series.mpc, expected, rtol=1e-12)


def test_means_of_severities_and_of_groups_lead_to_mpc():
    series = make_series(RESAMPLED, COCO_C.cells)
    np.testing.assert_allclose(sum(series.severities.values()) / 5, series.mpc, rtol=1e-12)
    np.testing.assert_allclose(sum(len(GROUPS[g]) * v for g, v in series.groups.items()) / 15, series.mpc, rtol=1e-12)
    np.testing.assert_allclose(sum(series.corruptions.values()) / 15, series.mpc, rtol=1e-12)
    np.testing.assert_allclose(series.rpc * series.clean, series.mpc, rtol=1e-12)


def test_series_of_resamples_are_those_of_each_resample():
    together = all_figures(make_series(RESAMPLED, COCO_C.cells))
    for number in (0, 7, 199):
        alone = all_figures(make_series({cell: float(v[number]) for cell, v in RESAMPLED.items()}, COCO_C.cells))
        assert alone == pytest.approx({name: values[number] for name, values in together.items()}, rel=1e-12)


def test_series_of_a_part_has_no_means_of_the_whole():
    cells = choose_cells(["fog", "speckle_noise"], [2, 5])
    series = make_series({cell: 0.5 for cell in cells}, cells)
    assert [getattr(series, name) for name in FIGURES] == [0.5, None, None, None, None]
    assert series.groups == series.severities == {}
    assert set(series.corruptions) == {"fog", "speckle_noise"}


def test_missing_cell_is_an_error():
    with pytest.raises(UserError, match="fog/3"):
        make_series({cell: 1.0 for cell in COCO_C.cells if cell != Cell("fog", 3)}, COCO_C.cells)


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
    found, series = find_intervals(resampled, COCO_C.cells), make_series(scores, COCO_C.cells)
    assert (found["level"], found["resamples"]) == (0.95, 200)
    pairs = [(found["clean"], series.clean), (found["mPC"], series.mpc), (found["rPC"], series.rpc)]
    pairs += [
        (found["geometric"]["mPC_without"], series.mpc_photometric),
        (found["geometric"]["mPC_only"], series.mpc_geometric),
    ]
    for kind in ("groups", "corruptions", "cells"):
        assert set(found[kind]) == set(getattr(series, kind))
        pairs += [(found[kind][key], value) for key, value in getattr(series, kind).items()]
    assert len(pairs) == 5 + 4 + 15 + 75
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
    assert "geometric" not in found


def test_resamples_without_a_clean_score_leave_rpc_undefined_and_nothing_else():
    zero = {cell: np.zeros(50) for cell in COCO_C.cells}
    found = find_intervals(zero, COCO_C.cells)
    assert found["rPC"] is None
    assert found["mPC"] == found["clean"] == [0, 0]
