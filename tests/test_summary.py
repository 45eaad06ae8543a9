import json

import numpy as np
import pytest

from robustpose import CLEAN, UserError
from robustpose.corruptions.suites import COCO_C, choose_cells
from robustpose.results.summary import find_intervals, read_summary, summarize

FIGURES = {cell: {"AP": 0.8 - 0.1 * cell.severity, "AR": 0.9} for cell in COCO_C.cells}
RESAMPLED = {cell: figures["AP"] + np.random.default_rng(0).normal(0, 0.01, 100) for cell, figures in FIGURES.items()}


def test_without_resamples_there_are_no_intervals_and_the_figures_are_the_same():
    plain, full = summarize("AP", FIGURES, COCO_C.cells, {}), summarize("AP", FIGURES, COCO_C.cells, {}, RESAMPLED)
    assert plain["intervals"] is None
    assert full["intervals"] == find_intervals(RESAMPLED, COCO_C.cells)
    assert {**plain, "intervals": 0} == {**full, "intervals": 0}


def test_mpc_with_and_without_the_corruptions_that_move_pixels_is_given_beside_mpc():
    figures = {c: {"AP": 0.2 if c.corruption in COCO_C.moves_pixels else 0.6} for c in COCO_C.cells}
    summary = summarize("AP", figures, COCO_C.cells, {})
    assert summary["geometric"]["corruptions"] == list(COCO_C.moves_pixels)
    assert summary["geometric"]["mPC_without"] == pytest.approx(0.6)
    assert summary["geometric"]["mPC_only"] == pytest.approx(0.2)
    assert summary["mPC"] == pytest.approx((3 * 0.2 + 12 * 0.6) / 15)
    assert summarize("AP", figures, choose_cells(["blur"], [1]), {})["geometric"] is None


def test_clean_only_has_no_mean_of_anything():
    summary = summarize("AP", FIGURES, (CLEAN,), {}, RESAMPLED)
    assert (summary["mPC"], summary["rPC"], summary["mean_of_chosen"]) == (None, None, None)
    assert summary["cells"] == {}


def test_clean_score_of_zero_leaves_rpc_undefined_and_so_its_interval():
    zero = {cell: np.zeros(100) for cell in COCO_C.cells}
    summary = summarize("AP", {cell: {"AP": 0.0} for cell in COCO_C.cells}, COCO_C.cells, {}, zero)
    assert (summary["mPC"], summary["rPC"], summary["intervals"]["rPC"]) == (0, None, None)


def test_summary_can_be_written_as_strict_json_and_read_back(tmp_path):
    summary = summarize("AP", FIGURES, COCO_C.cells, {"seed": 1, "dataset": {}, "estimator": {}}, RESAMPLED)
    (tmp_path / "summary.json").write_text(json.dumps(summary, allow_nan=False))
    assert read_summary(tmp_path) == summary


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"has no summary\.json: it is no run folder"),
        ({"run.json": "{}"}, r"has no summary\.json: its bench has not finished"),
        ({"summary.json": "{"}, r"cannot read .*summary\.json"),
        ({"summary.json": '{"metric": "AP"}'}, r"summary\.json lacks cells, clean, .*written by robustpose bench\?"),
    ],
)
def test_folder_without_a_whole_summary_is_one_line(tmp_path, files, message):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message) as error:
        read_summary(tmp_path)
    assert "\n" not in str(error.value)
