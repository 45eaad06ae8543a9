import numpy as np
import pytest

from robustpose import CLEAN
from robustpose.metrics import make_metric
from robustpose.metrics.slices import slice_people
from robustpose.pose.skeletons import COCO
from robustpose.results.cell_score import JOINT, cut_people, score_cell
from robustpose.results.resampling import draw_weights
from tests.people import coco_ap, draw_again, draw_people, fill, stand_apart, truth_of

PAIRS = draw_people(0, 15)
POSES, TRUTHS = [poses for poses, _ in PAIRS], [truth for _, truth in PAIRS]
SLICES = cut_people(TRUTHS, 17)
WEIGHTS = draw_weights(15, 20)


def score(metric="coco_ap", weights=WEIGHTS):
    return score_cell(CLEAN, POSES, TRUTHS, make_metric(metric, COCO), SLICES, weights)


@pytest.mark.parametrize("metric", ["coco_ap", "pck:box@0.1"])
def test_resamples_are_of_the_figure_that_counts(metric):
    found, matches = score(metric)
    figures = fill(make_metric(metric, COCO), PAIRS).compute()
    assert found.figures == figures
    primary = make_metric(metric, COCO).primary
    assert matches.table().score() == pytest.approx([figures[primary]], abs=1e-12)
    np.testing.assert_array_equal(found.resampled, matches.table().score(WEIGHTS))
    again = fill(make_metric(metric, COCO), draw_again(PAIRS, WEIGHTS[3])).compute()
    assert found.resampled[3] == pytest.approx(again[primary], abs=1e-12)


@pytest.mark.parametrize("metric", ["coco_ap", "pck:box@0.1"])
def test_every_slice_and_joint_has_a_value_and_a_value_for_each_resample(metric):
    found, _ = score(metric)
    assert set(found.slices) == {*SLICES, *((JOINT, joint) for joint in COCO.joints)}
    for scored in found.slices.values():
        assert scored.resampled.shape == (20,)
        assert 0 <= scored.value <= 1
        assert np.nanmin(scored.resampled) <= scored.value <= np.nanmax(scored.resampled)


def test_only_metrics_that_look_at_scores_have_a_calibration():
    assert score("pck:box@0.1")[0].calibration is None
    calibration = score()[0].calibration
    assert sum(b["n"] for b in calibration["bins"]) > 0


def test_without_resamples_there_are_figures_and_matches_but_no_slices():
    found, matches = score(weights=None)
    assert found.resampled is None
    assert found.calibration is None
    assert found.slices == {}
    assert found.figures["AP"] == coco_ap(PAIRS)
    assert matches is not None


def test_metric_without_matches_has_figures_alone():
    found, matches = score_cell(CLEAN, POSES, TRUTHS, make_metric("tests.outside:MeanScore", COCO), SLICES, WEIGHTS)
    assert set(found.figures) == {"mean score"}
    assert matches is None
    assert found.resampled is None
    assert found.slices == {}


def test_slices_without_anybody_who_counts_are_left_out():
    small = truth_of(stand_apart(np.random.default_rng(0), 3) % 20)
    slices = cut_people([small], 17)
    assert [name for kind, name in slices if kind == "size"] == ["below 32 px"]
    assert [name for kind, name in slices if kind == "visible joints"] == ["14 to 17"]
    assert cut_people([truth_of(small.xy, crowd=[True] * 3)], 17) == {}
    assert cut_people([truth_of(small.xy, np.zeros((3, 17), int))], 17) == {}


def test_slices_have_a_mask_of_the_people_of_each_image():
    for key, masks in SLICES.items():
        assert [len(mask) for mask in masks] == [len(truth.xy) for truth in TRUTHS]
        np.testing.assert_array_equal(masks[4], slice_people(TRUTHS[4], 17)[key])
