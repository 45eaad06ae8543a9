import csv
import json

import pytest

from robustpose import UserError
from robustpose.corruptions import NAMES
from robustpose.pages.report import render, write_report
from robustpose.pose.cell import CLEAN
from robustpose.results.grid import FULL_GRID
from robustpose.results.summary import summarize
from robustpose.results.tables import to_csv, to_latex, to_markdown


def make_summary(name="net", cells=FULL_GRID, clean=0.8):
    figures = {cell: {"AP": clean if cell == CLEAN else 0.1 * cell.severity} for cell in cells}
    provenance = {
        "profile": "release",
        "frost_textures": "original",
        "dataset": {"name": "people.json", "n_images": 9},
        "estimator": {"name": name},
    }
    return summarize("AP", figures, cells, provenance)


def test_csv_has_the_papers_columns_in_the_papers_order(shared):
    columns = json.loads((shared / "paper_tables.json").read_text())["columns"]
    header, row = csv.reader(to_csv(make_summary()).splitlines())
    assert header == ["model", "dataset", "metric", "clean", "mPC", "rPC", *columns]
    assert [float(value) for value in row[3:6]] == pytest.approx([0.8, 0.3, 0.375])


def test_markdown_gives_percent_with_one_decimal_and_every_cell():
    text = to_markdown(make_summary())
    assert "| 80.0 | 30.0 | 37.5 |" in text
    assert text.count("\n| ") >= 15
    for name in NAMES:
        assert f"| {name} | 30.0 | 10.0 | 20.0 | 30.0 | 40.0 | 50.0 |" in text


def test_latex_escapes_names_and_has_a_value_under_every_title():
    lines = to_latex(make_summary("my_net & co")).splitlines()
    assert r"my\_net \& co" in lines[5]
    titles, values = lines[3], lines[5]
    assert titles.count(" & ") == values.count(" & ") == 18


def test_partial_run_shows_dashes_and_says_why():
    summary = make_summary(cells=FULL_GRID[:6])
    assert "mPC and rPC need clean and all 75 cells; this run has 5." in to_markdown(summary)
    assert "| 80.0 | – | – |" in to_markdown(summary)
    assert "this run has 5 cells" in render(summary)
    assert to_csv(summary).splitlines()[1].startswith("net,people.json,AP,0.8,,,")


def test_clean_only_run_has_a_report():
    assert "80.0" in render(make_summary(cells=(CLEAN,)))


def test_page_escapes_text_from_files():
    page = render(make_summary("<script>alert(1)</script>"))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_page_needs_no_network():
    page = render(make_summary())
    assert "http" not in page
    assert "src=" not in page


def test_score_of_zero_on_clean_images_is_shown():
    assert "–" in render(make_summary(clean=0.0))


def test_report_is_made_again_from_the_summary_alone(finished_run, tmp_path):
    (tmp_path / "summary.json").write_bytes((finished_run / "summary.json").read_bytes())
    write_report(tmp_path)
    for name in ("table.md", "table.csv", "table.tex", "report.html"):
        assert (tmp_path / name).read_bytes() == (finished_run / name).read_bytes()


def test_folder_without_a_finished_run_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"no summary\.json: it is no run folder"):
        write_report(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UserError, match="its bench has not finished"):
        write_report(tmp_path)
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(UserError, match="lacks cells"):
        write_report(tmp_path)
