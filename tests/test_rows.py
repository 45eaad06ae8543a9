import json

import numpy as np
import pytest

from robustpose.corruptions.suites import COCO_C, HELD_OUT, choose_cells
from robustpose.results import rows
from robustpose.results.compare import compare_runs
from robustpose.results.rows import explain_no_mean, list_rows, percent, row_of_chosen, rows_of, tabulate_cells
from robustpose.results.summary import read_summary, summarize
from robustpose.show.pages.compare import render_comparison
from robustpose.show.pages.report import render
from robustpose.show.tables import to_csv, to_latex, to_markdown
from robustpose.show.terminal import print_summary
from tests.runs import bench_predictions, write_predictions


def make(cells=COCO_C.cells, suite=COCO_C, intervals=False):
    provenance = {"profile": "release", "frost_textures": "original", "dataset": {"name": "d"}, "estimator": {}}
    figures = {cell: {"AP": 0.8 - 0.1 * cell.severity} for cell in cells}
    rng = np.random.default_rng(0)
    resampled = {cell: score["AP"] + rng.normal(0, 0.01, 50) for cell, score in figures.items()} if intervals else None
    return summarize("AP", figures, cells, provenance, resampled, suite)


def test_rows_say_everything_that_a_summary_has():
    summary = make(intervals=True)
    by_kind = {kind: rows_of(summary, kind) for kind in ("headline", "group", "corruption", "cell", "pixels")}
    assert sum(map(len, by_kind.values())) == len(list_rows(summary)) == 3 + 4 + 15 + 75 + 2
    assert [(row.name, row.label) for row in by_kind["headline"]] == [("clean", "AP*"), ("mPC", "mPC"), ("rPC", "rPC")]
    for kind, section in rows.SECTIONS.items():
        values = {name: value for name, value in summary[section].items() if not isinstance(value, list)}
        assert {row.name: row.value for row in by_kind[kind]} == values
        assert {row.name: row.interval for row in by_kind[kind]} == summary["intervals"][section]
    for row in by_kind["headline"]:
        assert (row.value, row.interval) == (summary[row.name], summary["intervals"][row.name])
    assert [row.label for row in by_kind["pixels"]] == ["all but those that move pixels", "those that move pixels"]


def test_corruptions_that_were_not_run_have_a_row_without_a_value_and_others_follow():
    summary = make(choose_cells(["fog", "spatter"], [1, 4]))
    corruptions = rows_of(summary, "corruption")
    assert [row.name for row in corruptions] == [*COCO_C.corruptions, "spatter"]
    assert [row.name for row in corruptions if row.value is not None] == ["fog", "spatter"]
    assert {row.name: row.group for row in corruptions}["fog"] == "weather"
    assert corruptions[-1].group is None
    assert all(row.interval is None for row in list_rows(summary))


def test_table_of_cells_has_a_column_for_each_severity_of_the_run():
    summary = make(choose_cells(["fog", "spatter"], [1, 4]))
    titles, lines = tabulate_cells(summary)
    assert titles == ["mean", "1", "4"]
    assert [(name, [percent(row.value) for row in cells]) for name, cells in lines] == [
        ("fog", ["55.0", "70.0", "40.0"]),
        ("spatter", ["55.0", "70.0", "40.0"]),
    ]
    del summary["cells"]["spatter/1"]
    assert [row.value for row in tabulate_cells(summary)[1][1][1]] == [pytest.approx(0.55), None, pytest.approx(0.4)]


def test_why_there_is_no_mean_names_the_mean_and_the_cells_of_the_suite():
    assert explain_no_mean(make()) == ""
    assert explain_no_mean(make(choose_cells(["fog"], [1]))) == (
        "mPC and rPC need clean and all 75 cells; this run has 1."
    )
    part = make(choose_cells(["spatter"], [1], HELD_OUT), HELD_OUT)
    assert explain_no_mean(part) == "mPH and rPH need clean and all 20 cells; this run has 1."
    own = {**make(choose_cells(["fog"], [1])), "cells": {"hide:nose/1": 0.5, "hide:nose/5": 0.4}}
    assert explain_no_mean(own) == "mPC and rPC need clean and all 75 cells of coco-c; this run has none of these."
    own["cells"]["fog/1"] = 0.5
    assert explain_no_mean(own) == "mPC and rPC need clean and all 75 cells of coco-c; this run has 1 of these."


@pytest.fixture
def worst(monkeypatch):
    """A column more: the mean of the corruption that is worst. Returns its name."""
    monkeypatch.setitem(rows.HEADLINE, "worst", lambda means: np.min(list(means.corruptions.values()), axis=0))
    return "worst"


def test_a_new_column_of_the_score_table_is_one_line_and_is_in_every_rendering(
    worst, run, coco_folder, tmp_path, monkeypatch
):
    predictions = write_predictions(tmp_path / "predictions", coco_folder, 3.0, cells=HELD_OUT.cells)
    words = ("--suite", "held-out", "--corruptions", "all")
    folders = [bench_predictions(run, coco_folder, predictions, tmp_path / "runs" / name, *words) for name in "ab"]
    summary = read_summary(folders[0])
    expected = min(summary["corruptions"].values())
    assert summary[worst] == pytest.approx(expected)
    low, high = summary["intervals"][worst]
    assert low < high
    shown = percent(expected)

    assert f"{worst} {shown} [{100 * low:.1f}, {100 * high:.1f}]" in run("report", folders[0])[1]  # terminal
    assert f"| {worst} |" in to_markdown(summary)
    header, values = (line.split(",") for line in to_csv(summary).splitlines())
    assert float(values[header.index(worst)]) == summary[worst]
    for text in (to_latex(summary), (folders[0] / "table.tex").read_text()):
        titles, scores = (line.rstrip("\\ ").split(" & ") for line in text.splitlines()[3:6:2])
        assert scores[titles.index(worst)] == shown
    page = render(summary, json.loads((folders[0] / "slices.json").read_text()))
    assert f">{worst}</span><strong>{shown}</strong>" in page  # the headline
    assert f'data-csv="{worst}"' in page  # the paper's table
    assert (
        f'class="edge">clean</th><th scope="col">mPH</th><th scope="col">rPH</th><th scope="col">{worst}</th>' in page
    )

    comparison = compare_runs(folders, 40)
    [row] = [row for row in comparison.rows if row.name == worst]
    assert row.kind == "headline"
    assert row.values == (summary[worst], summary[worst])
    assert f">{worst}</th>" in render_comparison(comparison)
    assert worst in run("compare", *folders, "--out", tmp_path / "compared")[1]

    assert worst in run("leaderboard", tmp_path / "runs", "--out", tmp_path / "board")[1]
    content = json.loads((tmp_path / "board" / "leaderboard.json").read_text())
    assert content["boards"][0]["entries"][0][worst] == summary[worst]
    assert f'<th scope="col">{worst}</th>' in (tmp_path / "board" / "leaderboard.html").read_text()

    code, _, errors = run("figures", *folders, "--names", "one,two", "--out", tmp_path / "figures")
    assert code == 0, errors
    assert f" & {worst} & " in (tmp_path / "figures" / "table.tex").read_text()


def test_files_from_before_a_new_column_show_a_dash_there(worst, capsys, monkeypatch):
    with monkeypatch.context() as before:
        before.delitem(rows.HEADLINE, worst)
        summary = make()
    print_summary(summary)
    assert f"{worst} –" in capsys.readouterr().out
    assert f">{worst}</span><strong>–</strong>" in render(summary)
    assert to_csv(summary).splitlines()[0].startswith("model,dataset,metric,clean,mPC,rPC,worst,")


def test_mean_of_chosen_cells_has_an_interval_and_old_summaries_without_it_are_read():
    summary = make(choose_cells(["fog", "snow"], [1, 4]), intervals=True)
    row = row_of_chosen(summary)
    assert row.value == summary["mean_of_chosen"]
    assert row.interval == summary["intervals"]["mean_of_chosen"]
    assert row.interval[0] < row.value < row.interval[1]
    del summary["intervals"]["mean_of_chosen"]
    assert row_of_chosen(summary).interval is None
    one = make(choose_cells(["fog"], [1, 4]), intervals=True)
    bounds = one["intervals"].pop("mean_of_chosen")
    assert bounds == row_of_chosen(one).interval == one["intervals"]["corruptions"]["fog"]
    assert row_of_chosen(make(intervals=True)) is None
    assert "mean_of_chosen" not in make(intervals=True)["intervals"]


def test_mean_of_chosen_cells_is_printed_with_its_interval(capsys):
    summary = make(choose_cells(["fog", "snow"], [1, 4]), intervals=True)
    print_summary(summary)
    low, high = (f"{100 * end:.1f}" for end in summary["intervals"]["mean_of_chosen"])
    assert f"The mean of these is 55.0 [{low}, {high}]." in " ".join(capsys.readouterr().out.split())
