from pathlib import Path

import pytest
from matplotlib.figure import Figure

from robustpose.show.figures.style import ONE_COLUMN, PAGE_HEIGHT, TWO_COLUMNS, paper_style
from robustpose.show.figures.suite_gains import draw_held_gains, draw_suite_corruptions
from tests.test_across_page import make


def texts_of(figure: Figure):
    return [text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text"))]


def test_map_has_models_suites_and_regions_in_one_column():
    with paper_style():
        figure = draw_held_gains(make())
    assert figure.get_figwidth() == ONE_COLUMN
    words = texts_of(figure)
    for word in ("model 1", "model 2", "held-out", "holds in part", "gain on coco-c over model 0, points"):
        assert word in words
    assert figure.axes[0].get_xlim() == figure.axes[0].get_ylim()


def test_corruptions_have_a_panel_for_each_suite_on_one_scale():
    with paper_style():
        few, many = draw_suite_corruptions(make()), draw_suite_corruptions(make(2, suites=make().suites * 2))
    assert [axes.get_title("right") for axes in few.axes] == ["coco-c", "held-out"]
    assert few.get_figwidth() == ONE_COLUMN
    assert many.get_figwidth() in (ONE_COLUMN, TWO_COLUMNS)
    for figure in (few, many):
        assert len({axes.get_xlim() for axes in figure.axes}) == 1
        assert figure.get_figheight() <= PAGE_HEIGHT


@pytest.mark.parametrize("words", [("--pair", "a,b"), ("--severity", "3"), ("--beside", "COCO-C")])
def test_what_is_of_figures_of_one_suite_is_refused(run, suite_runs, tmp_path, words):
    code, _, errors = run("figures", *suite_runs, "--out", tmp_path / "figures", *words)
    assert (code, f"error: {words[0]} is about figures of one suite" in errors) == (2, True)


def test_command_writes_both_figures_and_the_table(run, suite_runs, tmp_path):
    out = tmp_path / "figures"
    code, output, errors = run("figures", *suite_runs, "--out", out, "--names", "a,b")
    assert code == 0, errors
    names = {Path(line).name for line in output.splitlines() if not line.startswith("note")}
    assert names == {
        f"{name}.{kind}" for name in ("fig_suites", "fig_suites_corruptions") for kind in ("pdf", "png")
    } | {"table.tex"}
    assert "draw these apart" in output


def test_one_model_has_no_map_and_a_note_says_so(run, suite_runs, tmp_path):
    code, output, _ = run("figures", *suite_runs[:2], "--out", tmp_path / "figures")
    assert code == 0
    assert "fig_suites is left out" in output
