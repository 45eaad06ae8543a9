import json

import pytest

from robustpose.errors import UserError
from robustpose.results.compare import compare_runs
from robustpose.results.leaderboard import read_boards
from robustpose.results.names import check_name, name_runs
from robustpose.show.pages.report import render
from robustpose.show.tables import to_csv, to_latex, to_markdown
from tests.runs import bench_predictions, files_of, write_predictions
from tests.summaries import make_summary, write_run

WILD = "<b>50% & my_net</b>"


@pytest.fixture
def predictions(tmp_path, coco_folder):
    return write_predictions(tmp_path / "predictions", coco_folder, 1.0)


def test_a_name_is_shown_wherever_the_models_was(predictions, run, coco_folder, tmp_path):
    folder = bench_predictions(run, coco_folder, predictions, tmp_path / "run", "--name", " My net ")
    assert json.loads((folder / "summary.json").read_text())["name"] == "My net"
    for file in ("report.html", "table.md", "table.csv", "table.tex"):
        assert "My net" in (folder / file).read_text()
    assert "My net:  AP* " in run("report", folder)[1]
    run("score", folder, "--resamples", "40")
    assert json.loads((folder / "summary.json").read_text())["name"] == "My net"
    assert compare_runs([folder, folder], 40).names[0] == f"My net ({folder})"


def test_another_name_is_no_other_run_and_without_one_it_is_the_models(predictions, run, coco_folder, tmp_path):
    plain = files_of(bench_predictions(run, coco_folder, predictions, tmp_path / "run"))
    named = files_of(bench_predictions(run, coco_folder, predictions, tmp_path / "run", "--name", "My net"))
    assert {file for file in plain if plain[file] != named[file]} == {
        "summary.json", "report.html", "table.md", "table.csv", "table.tex",
    }  # fmt: skip
    assert files_of(bench_predictions(run, coco_folder, predictions, tmp_path / "run")) == plain


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[2J", "\u202eevil", "a" * 81])
def test_a_name_that_nobody_can_read_is_refused(name, run, tmp_path):
    with pytest.raises(UserError, match=r"^--name must "):
        check_name(name)
    words = ["--model", "demo", "--data", "toy", "--out", tmp_path / "run", "--name", name]
    assert run("bench", *words)[0] == 2
    assert not (tmp_path / "run").exists()


def test_pages_and_tables_spell_a_name():
    summary = {"name": WILD, **make_summary()}
    assert "<b>50%" not in render(summary)
    assert r"50\% \& my\_net" in to_latex(summary)
    assert "&lt;b&gt;50%" in to_markdown(summary)
    assert to_csv({**summary, "name": "=1+1"}).splitlines()[1].startswith("'=1+1,")


def test_compare_takes_names_for_its_runs(predictions, run, coco_folder, tmp_path):
    folder = bench_predictions(run, coco_folder, predictions, tmp_path / "run")
    code, output, _ = run("compare", folder, folder, "--names", "old, new", "--out", tmp_path / "page")
    assert code == 0
    assert "A: old\nB: new\n" in output
    assert json.loads((tmp_path / "page/comparison.json").read_text())["names"] == ["old", "new"]
    for names in ("", "one", "old,old", "a,b,c", "old,\x07"):
        code, _, errors = run("compare", folder, folder, "--names", names, "--out", tmp_path / "page")
        assert (code, len(errors.splitlines())) == (2, 1)


def test_a_leaderboard_takes_names_by_folder(run, tmp_path, monkeypatch):
    for name in ("a", "b"):
        write_run(tmp_path / name)
    (tmp_path / "c").mkdir()
    monkeypatch.chdir(tmp_path)
    [board], _ = read_boards(tmp_path, {"a": "Nano", "b/summary.json": "Tiny"})
    assert [entry.name for entry in board.entries] == ["Nano", "Tiny"]
    code, output, _ = run("leaderboard", ".", "--names", f"{tmp_path / 'a'}=Nano", "--json", "-")
    assert code == 0
    assert [entry["model"] for entry in json.loads(output)["boards"][0]["entries"]] == ["Nano", "net"]
    for names in ("d=Nano", "c=Nano", "a", "a=", "a=x,a=y", "a=x,b=x", ""):
        code, _, errors = run("leaderboard", ".", "--names", names)
        assert (code, len(errors.splitlines())) == (2, 1), errors


def test_names_are_as_many_as_runs_and_all_different(tmp_path):
    assert name_runs(["a ", "b"], [tmp_path, tmp_path]) == ["a", "b"]
    with pytest.raises(UserError, match="one for each of the 2 runs, with commas, got 1"):
        name_runs(["a"], [tmp_path, tmp_path])


def test_without_a_report_there_is_no_page_of_other_scores(predictions, run, coco_folder, tmp_path):
    folder = bench_predictions(run, coco_folder, predictions, tmp_path / "run")
    with_page = files_of(folder)
    without = files_of(bench_predictions(run, coco_folder, predictions, folder, "--no-report"))
    assert without == {file: content for file, content in with_page.items() if file != "report.html"}
    assert files_of(bench_predictions(run, coco_folder, predictions, folder)) == with_page
