import hashlib
import json
import re
import shutil

import numpy as np
import pytest

from robustpose import CLEAN, Cell, UserError
from robustpose.benchmark import preview
from robustpose.benchmark.preview import list_cells
from robustpose.corruptions import SEVERITIES, TABLE, check_names, suites
from robustpose.corruptions.suites import COCO_C, HELD_OUT, SUITES, Suite, choose_cells, find_suite
from robustpose.results.compare import compare_runs
from robustpose.results.leaderboard import read_boards
from robustpose.results.rows import list_rows, suite_of
from robustpose.results.summary import read_summary, summarize
from robustpose.show.figures.runs import read_runs
from robustpose.show.pages.report import render
from robustpose.show.tables import to_csv, to_latex, to_markdown
from tests.runs import bench_predictions, files_of, write_predictions
from tests.test_figures import both, draw, make_summary, named

# What the results of a suite's version were measured with. A new version gets a line of its own; no line ever changes.
MEASURED = {
    "coco-c 1": "720cb1779f59",
    "held-out 1": "66ea456ce413",
    "c-bar 1": "7ffacb384928",
    "after-posebench 1": "119a902d0ac2",
    "low-light 1": "36eb78d07cdd",
    "video 1": "4da4da64451e",
}


def digest(suite):
    """Return a hash of all that the means of a suite follow from."""
    content = [{group: list(names) for group, names in suite.groups.items()}, suite.severities, suite.moves_pixels]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_a_suite_that_changes_needs_a_new_version(suite):
    assert MEASURED.get(suite.label) == digest(suite), (
        f"the corruptions, groups or severities of {suite.label} are others than before: raise its version"
    )


def test_every_suite_is_a_table_of_known_corruptions_and_severities_with_names_of_its_own():
    for name, suite in SUITES.items():
        assert name == suite.name
        check_names(suite.corruptions)
        assert len(set(suite.corruptions)) == suite.n_corruptions
        assert set(suite.severities) <= set(SEVERITIES)
        assert set(suite.moves_pixels) <= set(suite.corruptions)
        assert len(suite.cells) == suite.n_cells + 1
        assert not set(suite.groups) & {*TABLE, *(set(SUITES) - {name}), "all", "none"}
    for names in ("mean_name", "ratio_name"):
        assert len({getattr(suite, names) for suite in SUITES.values()}) == len(SUITES)


def test_coco_c_is_15_corruptions_and_held_out_4_at_5_severities():
    assert (COCO_C.n_corruptions, COCO_C.n_cells, HELD_OUT.n_corruptions, HELD_OUT.n_cells) == (15, 75, 4, 20)
    assert (COCO_C.mean_name, COCO_C.ratio_name) == ("mPC", "rPC")
    assert list(COCO_C.groups) == ["noise", "blur", "weather", "digital"]


def test_all_is_the_whole_suite_and_severities_are_its_own():
    assert choose_cells(["all"]) == COCO_C.cells
    assert choose_cells(["all"], suite=HELD_OUT) == HELD_OUT.cells
    assert choose_cells(["held_out"], [3], HELD_OUT) == (CLEAN, *(Cell(name, 3) for name in HELD_OUT.corruptions))


def test_corruptions_of_other_suites_come_after_those_of_the_suite():
    names = [cell.corruption for cell in choose_cells(["held-out", "fog", "tests.outside:darken"], [1])]
    assert names == [None, "fog", *HELD_OUT.corruptions, "tests.outside:darken"]
    names = [cell.corruption for cell in choose_cells(["coco_c", "saturate"], [1], HELD_OUT)]
    assert names == [None, "saturate", *COCO_C.corruptions]


def test_groups_are_those_of_the_suite():
    with pytest.raises(UserError, match="unknown corruption 'noise'"):
        choose_cells(["noise"], suite=HELD_OUT)


def test_unknown_suite_or_version_is_one_line():
    with pytest.raises(UserError, match=r"unknown suite 'coco' \(did you mean 'coco-c'\?\): expected one of coco-c, "):
        find_suite("coco")
    with pytest.raises(UserError, match="version 2 of suite coco-c was asked for, and this robustpose has 1"):
        find_suite("coco-c", 2)


def score(cells, suite):
    figures = {cell: {"AP": 0.8 - 0.1 * cell.severity} for cell in cells}
    return summarize("AP", figures, cells, {"dataset": {}, "estimator": {}}, suite=suite)


def test_mean_of_held_out_has_a_name_of_its_own_and_is_no_mpc():
    summary = score(HELD_OUT.cells, HELD_OUT)
    assert summary["mPH"] == pytest.approx(0.5)
    assert summary["rPH"] == pytest.approx(0.5 / 0.8)
    assert not {"mPC", "rPC"} & set(summary)
    assert summary["geometric"] is None
    assert summary["groups"] == {"held_out": summary["mPH"]}


def test_corruptions_of_one_suite_never_enter_the_mean_of_another():
    both_suites = choose_cells(["all", "held_out"])
    figures = {cell: {"AP": 0.3 if cell.corruption in HELD_OUT.corruptions else 0.5} for cell in both_suites}
    assert summarize("AP", figures, both_suites, {}, suite=COCO_C)["mPC"] == pytest.approx(0.5)
    assert summarize("AP", figures, both_suites, {}, suite=HELD_OUT)["mPH"] == pytest.approx(0.3)
    assert score(HELD_OUT.cells, COCO_C)["mPC"] is None


def test_a_part_of_a_suite_has_no_mean():
    summary = score(choose_cells(["spatter", "saturate"], suite=HELD_OUT), HELD_OUT)
    assert (summary["mPH"], summary["rPH"], summary["mean_of_chosen"]) == (None, None, pytest.approx(0.5))


def test_summary_of_0_1_0_is_of_the_first_version_of_coco_c(tmp_path):
    summary = score(COCO_C.cells, COCO_C)
    assert summary.pop("suite") == {"name": "coco-c", "version": 1}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    assert suite_of(read_summary(tmp_path)) == COCO_C


@pytest.mark.parametrize(
    ("suite", "message"),
    [
        ({"name": "coco-c", "version": 9}, "version 9 of suite coco-c was asked for"),
        ({"name": "coco-d", "version": 1}, "unknown suite 'coco-d'"),
        ("coco-c", "its suite must be a name and a version"),
        ({"name": "held-out", "version": 1}, "lacks mPH, rPH"),
    ],
)
def test_summary_of_a_suite_that_is_not_here_is_one_line(tmp_path, suite, message):
    path = tmp_path / "run" / "summary.json"
    path.parent.mkdir()
    path.write_text(json.dumps({**score(COCO_C.cells, COCO_C), "suite": suite}))
    with pytest.raises(UserError, match=message) as error:
        read_summary(path.parent)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "summary.json").write_text(json.dumps(make_summary()))
    boards, left_out = read_boards(tmp_path)
    assert len(boards) == 1
    assert len(left_out) == 1


@pytest.fixture
def runs(tmp_path):
    """Summaries of a run of each suite, in folders."""
    folders = {}
    for suite in SUITES.values():
        folders[suite.name] = tmp_path / "runs" / suite.name
        folders[suite.name].mkdir(parents=True)
        summary = make_summary(cells=suite.cells, suite=suite)
        (folders[suite.name] / "summary.json").write_text(json.dumps(summary))
    return folders


def test_runs_of_two_suites_are_in_no_table_together(runs, run, tmp_path):
    message = "no scores in common: their suites are coco-c 1 and held-out 1"
    folders = list(runs.values())
    summaries = [read_summary(folder) for folder in folders]
    for refuse in (lambda: compare_runs(folders), lambda: read_runs(folders), lambda: to_latex(*summaries)):
        with pytest.raises(UserError, match=message) as error:
            refuse()
        assert "\n" not in str(error.value)
    for command in ("compare", "figures"):  # which need what the runs' matches say
        code, _, errors = run(command, *folders, "--out", tmp_path / "out")
        assert (code, errors.count("\n")) == (2, 1)
        assert "has no matches" in errors


def test_leaderboard_keeps_suites_apart(runs, run, tmp_path):
    boards, _ = read_boards(tmp_path / "runs")
    assert {board.suite.name: len(board.entries) for board in boards} == dict.fromkeys(SUITES, 1)
    assert all(board.is_complete for board in boards)
    _, output, _ = run("leaderboard", tmp_path / "runs")
    assert "suite coco-c" in " ".join(output.split())  # the title is as wide as its table
    assert "mPH" in output
    content = json.loads((tmp_path / "runs" / "leaderboard.json").read_text())
    entries = {board["suite"]["name"]: board["entries"][0] for board in content["boards"]}
    assert "mPC" not in entries["held-out"]
    assert entries["held-out"]["mPH"] == pytest.approx(0.55)


def test_runs_of_held_out_have_tables_a_page_and_figures_under_their_own_names(runs, tmp_path):
    summary = read_summary(runs["held-out"])
    for text in (to_markdown(summary), to_csv(summary), to_latex(summary), render(summary)):
        assert "mPH" in text
        assert "rPH" in text
        assert "mPC" not in text
        assert "gaussian_noise" not in text
    assert "The paper has no numbers of the suite held-out" in render(summary)
    written = draw([runs["held-out"]], tmp_path / "out")
    assert named(written.paths) == both("fig1", "fig2", "fig4", "fig5", "fig5_bars") | {"table.tex"}


def test_published_models_do_not_stand_beside_another_suite(runs, run, tmp_path):
    code, _, errors = run("figures", runs["held-out"], "--beside", "COCO-C", "--out", tmp_path / "out")
    assert code == 2
    assert "--beside COCO-C has no rows of suite held-out: the paper measured with coco-c" in errors


@pytest.fixture
def predictions(tmp_path, coco_folder):
    cells = choose_cells(["fog", "held_out"])
    return write_predictions(tmp_path / "predictions", coco_folder, 2.0, cells=cells)


def test_bench_of_held_out_prints_and_writes_its_mean(run, coco_folder, predictions, tmp_path):
    words = ("--suite", "held-out", "--corruptions", "all")
    out = bench_predictions(run, coco_folder, predictions, tmp_path / "run", *words)
    summary = read_summary(out)
    assert summary["suite"] == {"name": "held-out", "version": 1}
    assert 0 < summary["mPH"] < summary["clean"]
    low, high = summary["intervals"]["mPH"]
    assert low < summary["mPH"] < high
    slices = json.loads((out / "slices.json").read_text())
    assert {"mPH", "mPH_interval", "rPH"} <= set(slices["slices"][0])
    code, output, _ = run("report", out)
    assert code == 0
    assert "mPH" in output
    assert "mPC" not in output
    assert ">mPH<" in (out / "report.html").read_text()
    assert ">mPC<" not in (out / "report.html").read_text()


def test_run_folder_says_nothing_of_the_suite_and_takes_cells_of_another(run, coco_folder, predictions, tmp_path):
    out = bench_predictions(run, coco_folder, predictions, tmp_path / "run", "--corruptions", "fog")
    before = files_of(out)
    held_out = ("--suite", "held-out", "--corruptions", "all")
    bench_predictions(run, coco_folder, predictions, out, *held_out)
    after = files_of(out)
    first, later = (json.loads(files["run.json"]) for files in (before, after))
    files = [note["estimator"].pop("files") for note in (first, later)]  # of results, those of the cells
    assert set(files[0]) < set(files[1])
    assert first == later
    assert set(before) < set(after)
    assert suite_of(read_summary(out)) == HELD_OUT


def test_scoring_again_keeps_the_suite(run, coco_folder, predictions, tmp_path):
    words = ("--suite", "held-out", "--corruptions", "all")
    out = bench_predictions(run, coco_folder, predictions, tmp_path / "run", *words)
    before = read_summary(out)
    assert run("score", out, "--workers", 1)[0] == 0
    assert read_summary(out) == before


def test_finished_run_of_0_1_0_goes_on(run, coco_folder, predictions, tmp_path):
    words = ("--corruptions", "fog", "--severities", "1")
    out = bench_predictions(run, coco_folder, predictions, tmp_path / "run", *words)
    new = read_summary(out)
    old = {key: value for key, value in new.items() if key != "suite"}
    (out / "summary.json").write_text(json.dumps(old))
    assert run("score", out, "--workers", 1)[0] == 0
    assert read_summary(out) == new
    copy = shutil.copytree(out, tmp_path / "copy")
    (copy / "summary.json").write_text(json.dumps(old))
    assert len(compare_runs([out, copy], 40).rows) > 3


@pytest.mark.filterwarnings("default:this is of . images only, too few:UserWarning")
def test_preview_of_a_suite_looks_at_its_own_cells(run, coco_folder, predictions, tmp_path):
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--workers", 1)
    words = ("bench", "--preview", "--suite", "held-out", "--model", f"results:{predictions}")
    code, output, errors = run(*words, *data, "--out", tmp_path / "out")
    assert code == 0, errors
    assert "mPH" in output
    assert "severities 1, 3 and 5" in output
    content = json.loads((tmp_path / "out" / "preview.json").read_text())
    assert content["suite"] == {"name": "held-out", "version": 1}
    assert set(content["corruptions"]) == set(HELD_OUT.corruptions)
    assert not {"mPC", "rPC"} & set(content)
    assert len(list_cells(HELD_OUT)) == 13


def test_preview_refuses_a_suite_with_other_severities():
    mild = Suite("mild", 1, HELD_OUT.groups, "mean", "ratio", severities=(1, 2, 3))
    with pytest.raises(UserError, match="suite mild has 1, 2 and 3"):
        preview.list_cells(mild)


def test_recipe_of_a_published_row_is_of_coco_c_alone(run, tmp_path):
    words = ("--row", "coco-c/sbl_r50_256x192", "--suite", "held-out", "--out", tmp_path / "out")
    code, _, errors = run("bench", *words)
    assert code == 2
    assert "leave out --suite held-out" in errors


def test_corrupt_takes_the_suite(run, tmp_path):
    from robustpose.data.images import write_image
    from tests.scenes import draw_scene

    write_image(tmp_path / "a.png", draw_scene(40, 50))
    words = ("corrupt", tmp_path / "a.png", "--suite", "held-out", "--severities", "2", "--out", tmp_path / "o")
    assert run(*words)[0] == 0
    assert {path.name for path in (tmp_path / "o").iterdir()} == {f"a-{name}-2.png" for name in HELD_OUT.corruptions}


def test_list_shows_suites_with_their_groups_and_means(run):
    output = run("list", "suites")[1] + run("list", "corruptions")[1]
    for suite in SUITES.values():
        about = f"{suite.description}; version {suite.version}: {suite.n_corruptions} corruptions"
        assert re.search(rf"{suite.name} +{re.escape(about)}", re.sub(r"\s+", " ", output))
        assert suite.mean_name in output
        for names in suite.groups.values():
            assert ", ".join(names) in output


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_narrow_columns_of_a_suite_have_names_of_their_own(suite):
    rows = [row for row in list_rows(score(suite.cells, suite)) if row.kind == "corruption"]
    assert len({row.short for row in rows}) == len(rows) == suite.n_corruptions


def test_a_new_suite_is_one_row(monkeypatch, run, tmp_path, coco_folder, predictions):
    fog = Suite("fog-only", 1, {"thick": ("fog",)}, "mF", "rF", severities=(2, 4), moves_pixels=())
    monkeypatch.setitem(suites.SUITES, fog.name, fog)
    words = ("--suite", "fog-only", "--corruptions", "all")
    out = bench_predictions(run, coco_folder, predictions, tmp_path / "run", *words)
    summary = read_summary(out)
    assert set(summary["cells"]) == {"fog/2", "fog/4"}
    assert summary["mF"] == pytest.approx(np.mean(list(summary["cells"].values())))
    assert "mF" in (out / "report.html").read_text()
    assert "mF" in (out / "table.md").read_text()
