import numpy as np
import pytest

from robustpose import CLEAN, Cell, UserError
from robustpose.corruptions.suites import COCO_C, HELD_OUT, choose_cells
from robustpose.metrics.robustness import mean_under_corruption, relative_under_corruption, take_means
from robustpose.results.summary import summarize

SCORES = {cell: 0.8 if cell == CLEAN else 0.1 * cell.severity + 0.01 * len(cell.corruption) for cell in COCO_C.cells}


def test_coco_c_has_clean_and_75_cells_in_the_tables_order():
    assert COCO_C.n_cells == 75
    assert len(COCO_C.cells) == 76
    assert COCO_C.cells[0] == CLEAN
    assert choose_cells(["all"], range(1, 6)) == COCO_C.cells
    assert choose_cells(["digital", "weather", "blur", "noise"], [5, 4, 3, 2, 1]) == COCO_C.cells


def test_words_name_groups_and_none_is_clean_only():
    assert choose_cells(["none"], [1]) == (CLEAN,)
    assert choose_cells(["noise"], [2]) == (CLEAN, *(Cell(name, 2) for name in COCO_C.groups["noise"]))
    assert {c.corruption for c in choose_cells(["held_out"], [2])} == {None, *HELD_OUT.corruptions}
    assert choose_cells(["tests.outside:darken", "fog"], [1])[-1] == Cell("tests.outside:darken", 1)


@pytest.mark.parametrize(("words", "severities"), [(["fogg"], [1]), (["fog"], [0]), (["fog"], [])])
def test_unknown_corruption_or_severity_is_an_error(words, severities):
    with pytest.raises(UserError):
        choose_cells(words, severities)


def test_mpc_is_the_mean_of_75_and_rpc_its_share_of_clean():
    mpc = mean_under_corruption(SCORES, COCO_C.corruptions, range(1, 6))
    assert mpc == pytest.approx(sum(SCORES[cell] for cell in COCO_C.cells[1:]) / 75)
    assert relative_under_corruption(mpc, 0.8) == pytest.approx(mpc / 0.8)


def test_missing_cell_is_an_error_that_names_it_and_never_a_zero():
    scores = {cell: score for cell, score in SCORES.items() if cell not in (Cell("fog", 3), Cell("snow", 1))}
    with pytest.raises(UserError, match="2 are missing: snow/1, fog/3"):
        mean_under_corruption(scores, COCO_C.corruptions, range(1, 6))


def test_clean_score_of_zero_leaves_rpc_undefined():
    assert relative_under_corruption(0.0, 0.0) is None
    assert relative_under_corruption(0.3, 1e-17) is None
    assert np.isnan(relative_under_corruption(np.array([0.3, 0.3]), np.array([1e-17, 0.5]))).tolist() == [True, False]


def test_groups_average_to_their_own_corruptions():
    means = take_means(SCORES, COCO_C.cells).groups
    assert list(means) == ["noise", "blur", "weather", "digital"]
    expected = sum(SCORES[Cell(name, s)] for name in COCO_C.groups["noise"] for s in range(1, 6)) / 15
    assert means["noise"] == pytest.approx(expected)


def test_summary_of_a_part_leaves_mpc_undefined_and_gives_the_mean_of_what_was_chosen():
    cells = choose_cells(["fog", "speckle_noise"], [1, 3])
    assert not COCO_C.is_complete(cells)
    summary = summarize("AP", {cell: {"AP": 0.5} for cell in cells}, cells, {})
    assert summary["mPC"] is None
    assert summary["rPC"] is None
    assert summary["mean_of_chosen"] == 0.5
    assert summary["groups"] == {}


def test_held_out_corruptions_never_enter_the_means():
    cells = choose_cells(["all", "held_out"], range(1, 6))
    figures = {cell: {"AP": SCORES.get(cell, 0.0)} for cell in cells}
    assert summarize("AP", figures, cells, {})["mPC"] == pytest.approx(
        mean_under_corruption(SCORES, COCO_C.corruptions, range(1, 6))
    )


def test_summary_needs_every_cell_that_was_asked_for():
    figures = {cell: {"AP": 0.5} for cell in COCO_C.cells[:-1]}
    with pytest.raises(UserError, match="jpeg_compression/5"):
        summarize("AP", figures, COCO_C.cells, {})
