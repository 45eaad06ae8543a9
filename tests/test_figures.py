import json
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import PIL.Image
import pytest
from matplotlib.figure import Figure

from robustpose import UserError
from robustpose.corruptions.suites import COCO_C
from robustpose.data.spec import DataSpec
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Poses, Truth
from robustpose.results.summary import summarize
from robustpose.show.figures import write, written
from robustpose.show.figures.curves import draw_curves
from robustpose.show.figures.examples import choose_worst_cells, mean_oks
from robustpose.show.figures.families import draw_families
from robustpose.show.figures.overview import draw_overview
from robustpose.show.figures.paper import choose_rows
from robustpose.show.figures.runs import group_by_data, read_runs
from robustpose.show.figures.style import paper_style, save_figure
from robustpose.show.figures.wanted import Wanted
from robustpose.show.figures.write import write_figures
from robustpose.show.tables import to_latex
from tests.hostile import NAMES
from tests.summaries import COCO_VAL, TOY, make_summary, write_run


@pytest.fixture
def make_run(tmp_path):
    """A function that writes a run folder with nothing but a summary, and returns its path."""

    def make(folder, *args, **kwargs):
        return write_run(tmp_path / folder, *args, **kwargs)

    return make


@pytest.fixture
def quick(monkeypatch):
    """Figures are composed, all but figure 2, and not rendered: for tests of which ones there are."""
    monkeypatch.setattr(write, "draw_severity_grid", lambda *_: Figure())
    monkeypatch.setattr(written, "save_figure", lambda _, out, name: [out / f"{name}.pdf", out / f"{name}.png"])


def draw(folders, out, given=None, **wanted):
    return write_figures(read_runs(folders), out, given, Wanted(**wanted))


def named(paths):
    return {path.name for path in paths}


def both(*names):
    return {f"{name}.{kind}" for name in names for kind in ("pdf", "png")}


@pytest.fixture(scope="module")
def coco_given(coco_folder):
    """What names the data of the finished run."""
    return DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, finished_run, coco_given):
    """All figures of a real run beside its copy, twice."""
    folder = tmp_path_factory.mktemp("figures")
    shutil.copytree(finished_run, folder / "again")
    for out in ("a", "b"):
        written = draw([finished_run, folder / "again"], folder / out, coco_given)
    return folder, written


def test_real_runs_get_their_figures_and_a_line_for_each_that_they_cannot_have(drawn, finished_run):
    _, written = drawn
    assert named(written.paths) == both("fig2", "fig4", "fig6", "fig6_truth") | {"table.tex"}
    assert len([note for note in written.notes if note.startswith("fig1, fig5 and fig5_bars are without")]) == 2
    assert any("it has 4; bench it with --corruptions all" in note for note in written.notes)
    assert all("\n" not in note for note in written.notes)


def test_png_files_have_300_dots_an_inch_and_pdf_files_are_vectors_without_type_3_fonts(drawn):
    folder, _ = drawn
    for name in ("fig2", "fig4", "fig6", "fig6_truth"):
        with PIL.Image.open(folder / "a" / f"{name}.png") as image:
            image.load()
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
            assert "Software" not in image.info
            assert np.asarray(image.convert("L")).std() > 10  # something is drawn
        content = (folder / "a" / f"{name}.pdf").read_bytes()
        assert content.startswith(b"%PDF")
        assert content.rstrip().endswith(b"%%EOF")
        assert b"/FontFile2" in content  # TrueType
        assert b"/Type3" not in content
        assert b"CreationDate" not in content
        assert b"matplotlib" not in content.lower()


def test_same_runs_give_the_same_bytes(drawn):
    folder, written = drawn
    assert written.paths
    for path in written.paths:
        assert (folder / "a" / path.name).read_bytes() == (folder / "b" / path.name).read_bytes()


def test_settings_of_matplotlib_are_left_alone_and_make_no_difference(make_run, tmp_path):
    def save_curves(name):
        with paper_style():
            return save_figure(draw_curves(runs), tmp_path, name)[0].read_bytes()

    runs = read_runs([make_run("run", cells=[CLEAN, Cell("fog", 1), Cell("fog", 5)])])
    usual = save_curves("usual")
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9}):
        before = dict(matplotlib.rcParams)
        assert save_curves("own") == usual
        assert dict(matplotlib.rcParams) == before


def test_summaries_alone_give_all_figures_but_the_examples(make_run, tmp_path):
    runs = [make_run("a", "one.pth", bands=True), make_run("b", "two_$x^{.pth", clean=0.6), make_run("c", "_three")]
    written = draw(runs, tmp_path / "out")
    assert named(written.paths) == both("fig1", "fig2", "fig4", "fig5", "fig5_bars") | {"table.tex"}
    assert any("does not say where its data are" in note and "toy data" in note for note in written.notes)
    assert any("the paper has no AP on these data" in note for note in written.notes)


def test_intervals_become_bands_and_whiskers(make_run):
    without, with_bands = read_runs([make_run("without")]), read_runs([make_run("with", bands=True)])
    with paper_style():
        for draw_figure in (draw_curves, lambda runs: draw_overview([runs]), lambda runs: draw_families([runs])):
            n_marks = []
            for runs in (without, with_bands):
                axes = draw_figure(runs).axes
                n_marks.append(sum(len(one.lines) + len(one.collections) for one in axes))
            assert n_marks[1] > n_marks[0]


def test_images_come_from_where_the_run_noted(make_run, tmp_path, run):
    out = tmp_path / "run"
    words = ["--model", "demo", "--data", "toy", "--limit", 2, "--workers", 1, "--corruptions", "fog,contrast"]
    assert run("bench", *words, "--severities", 5, "--resamples", 0, "--out", out)[0] == 0
    code, output, _ = run("figures", out, "--out", tmp_path / "out")
    assert code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == both("fig2", "fig4", "fig6", "fig6_truth") | {
        "table.tex"
    }
    assert "note: fig6 shows severity 5: the runs do not have 3" in output
    assert str(tmp_path / "out/fig6.pdf") in output


def test_run_whose_noted_data_have_moved_is_drawn_without_them(quick, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "run")
    noted = {"data": {"annotations": "gone.json", "images": "gone"}, "corrupted_images": {"seed": 5, "frost": None}}
    (tmp_path / "run/inputs.json").write_text(json.dumps(noted))
    written = draw([tmp_path / "run"], tmp_path / "out")
    assert named(written.paths) == both("fig2", "fig4") | {"table.tex"}
    assert any("fig6 is left out" in note and "names files outside it, gone.json" in note for note in written.notes)


def test_images_that_are_not_those_of_the_run_are_refused(quick, finished_run, tmp_path):
    with pytest.raises(
        UserError, match=r"the images are not those of .*finished \(name: 'people.json' there, 'toy' now"
    ):
        draw([finished_run], tmp_path / "out", DataSpec(name="toy"))


def test_missing_predictions_leave_out_a_row_and_damaged_ones_are_an_error(quick, finished_run, coco_given, tmp_path):
    for name in ("missing", "damaged"):
        shutil.copytree(finished_run, tmp_path / name)
    for path in (tmp_path / "missing/predictions").glob("contrast-*.json"):
        path.unlink()
    written = draw([finished_run, tmp_path / "missing"], tmp_path / "out", coco_given)
    assert both("fig6") <= named(written.paths)
    assert any("missing/predictions/contrast-4.json is missing" in note for note in written.notes)
    (tmp_path / "damaged/predictions/clean.json").write_text("[{")
    with pytest.raises(UserError, match=r"results file .*clean\.json"):
        draw([tmp_path / "damaged"], tmp_path / "out2", coco_given)


def test_incomplete_run_stays_out_of_figures_of_mpc(quick, make_run, tmp_path):
    full, part, clean = make_run("full"), make_run("part", cells=COCO_C.cells[:6]), make_run("clean", cells=(CLEAN,))
    written = draw([full, part], tmp_path / "a")
    assert both("fig1", "fig4", "fig5") <= named(written.paths)
    assert any("part: mPC needs all 75 cells and it has 5" in note for note in written.notes)
    assert any("fig4 has no line of" in note and "shot_noise and 13 more" in note for note in written.notes)
    written = draw([clean], tmp_path / "b")
    assert named(written.paths) == both("fig2") | {"table.tex"}
    assert any("fig4 is left out: the runs have clean images only" in note for note in written.notes)


def test_means_over_different_severities_are_not_put_in_one_table(quick, make_run, tmp_path):
    mild = [CLEAN, *(Cell(name, 1) for name in COCO_C.corruptions)]
    written = draw([make_run("full"), make_run("mild", cells=mild)], tmp_path / "out")
    assert "table.tex" not in named(written.paths)
    assert any("bench them with the same --severities" in note for note in written.notes)


def test_runs_on_different_data_share_figures_1_and_5_alone(quick, make_run, tmp_path):
    runs = [make_run("a", dataset=COCO_VAL), make_run("b"), make_run("c", dataset={**TOY, "limit": 8})]
    assert [[run.folder for run in group] for group in group_by_data(read_runs(runs))] == [[path] for path in runs]
    written = draw(runs, tmp_path / "out")
    assert named(written.paths) == both("fig1", "fig2", "fig5", "fig5_bars")
    assert any("differ (name person_keypoints_val2017.json and toy)" in note for note in written.notes)


def test_other_boxes_are_not_other_data(make_run):
    detected = {**COCO_VAL, "boxes": "clean-det", "boxes_sha256": "0f"}
    runs = read_runs([make_run("a", dataset={**COCO_VAL, "boxes": "gt"}), make_run("b", dataset=detected)])
    assert len(group_by_data(runs)) == 1


def test_runs_of_different_metrics_are_refused(make_run):
    runs = [make_run("a"), make_run("b", metric="PCK", dataset={**TOY, "metric": "pck:box@0.2"})]
    with pytest.raises(UserError, match=r"a has coco_ap, .*b has pck:box@0\.2; draw them apart"):
        read_runs(runs)
    runs.append(make_run("c", metric="PCK", dataset={**TOY, "metric": "pck:box@0.5"}))
    with pytest.raises(UserError, match="different metrics"):
        read_runs(runs[1:])


def test_published_models_stand_beside_runs_on_their_dataset(make_run):
    runs = read_runs([make_run("a", dataset=COCO_VAL, boxes="clean-det")])
    assert {(row.table, row.training) for row in choose_rows(runs)} == {(1, "Standard"), (2, "Standard"), (2, "AdvMix")}
    gt = read_runs([make_run("b", dataset=COCO_VAL, boxes="gt")])
    assert {row.training for row in choose_rows(gt) if row.table == 4} == {"Standard", "AdvMix"}
    named = read_runs([make_run("d", dataset=COCO_VAL, boxes="gt", row="coco-c/table5/gridmask")])
    assert [row.name for row in choose_rows(named) if row.table > 4] == ["coco-c/table5/gridmask"]
    toy = read_runs([make_run("c")])
    assert choose_rows(toy) == []
    assert choose_rows(toy, "none") == choose_rows(runs, "none") == []
    assert {row.dataset for row in choose_rows(toy, "OCHuman-C")} == {"OCHuman-C"}


def test_part_of_a_dataset_beside_the_papers_models_is_said(quick, make_run, tmp_path):
    written = draw([make_run("a", dataset={**COCO_VAL, "limit": 50})], tmp_path / "out_a")
    assert any("(50 images), the paper's models on all images: not the same measurement" in n for n in written.notes)
    written = draw([make_run("b", dataset=COCO_VAL)], tmp_path / "out_b")
    assert not any("measurement" in note for note in written.notes)


def test_dataset_without_published_scores_of_the_metric_is_said(quick, make_run, tmp_path):
    [note] = [note for note in draw([make_run("a")], tmp_path / "out").notes if "fig5" in note]
    assert "the paper has no AP on these data; --beside COCO-C draws its models" in note
    [note] = [note for note in draw([make_run("b")], tmp_path / "out", beside="MPII-C").notes if "fig5" in note]
    assert note.endswith("alone: the paper has no AP on MPII-C")


def test_runs_are_called_by_their_models_or_folders_or_as_one_likes(make_run):
    one, two, three = make_run("a", "x.pth"), make_run("b", "x.pth"), make_run("c", "y.pth")
    assert [run.label for run in read_runs([one, three])] == ["x.pth", "y.pth"]
    assert [run.label for run in read_runs([one, two, three])] == ["a", "b", "y.pth"]
    assert [run.label for run in read_runs([one, two], ["ours", "theirs"])] == ["ours", "theirs"]
    with pytest.raises(UserError, match="one for each of the 2 runs, with commas, got 1"):
        read_runs([one, two], ["ours"])
    with pytest.raises(UserError, match="must differ"):
        read_runs([one, two], ["ours", "ours"])


def test_names_that_look_alike_in_a_figure_are_told_apart_by_folder(make_run):
    long = "a_very_long_name_{}_that_no_legend_has_room_for.pth"
    runs = read_runs([make_run("a", long.format("one")), make_run("b", long.format("two"))])
    assert [run.label for run in runs] == ["a", "b"]


def test_worst_cells_lead_and_have_one_severity(make_run):
    path = make_run("a")
    summary = json.loads((path / "summary.json").read_text())
    summary["cells"]["fog/3"], summary["cells"]["snow/3"] = 0.1, 0.2
    figures = {Cell.from_key(key): {"AP": score} for key, score in {"clean": 0.7, **summary["cells"]}.items()}
    (path / "summary.json").write_text(json.dumps(summarize("AP", figures, COCO_C.cells, summary["provenance"])))
    cells = choose_worst_cells(read_runs([path]), 3)
    assert cells[:3] == (CLEAN, Cell("fog", 3), Cell("snow", 3))
    assert len(cells) == 5
    part = make_run("b", cells=[CLEAN, Cell("fog", 1), Cell("fog", 5)])
    assert choose_worst_cells(read_runs([part]), 3) == (CLEAN, Cell("fog", 1))
    with pytest.raises(UserError, match="no corrupted cell in common"):
        choose_worst_cells(read_runs([part, make_run("c", cells=[CLEAN, Cell("snow", 1)])]), 3)


def test_oks_of_examples_counts_annotated_joints_of_people_who_are_not_small():
    xy = np.random.default_rng(0).uniform(0, 100, (3, 17, 2))
    xy[1] += 500
    visible = np.full((3, 17), 2)
    visible[0, 5:] = 0
    truth = Truth(1, xy, visible, np.array([1e4, 1e4, 10.0]), np.zeros((3, 4)), np.zeros(3, bool))
    right = Poses(1, xy[:2].copy(), np.ones((2, 17)), np.ones(2))
    assert mean_oks(right, truth, COCO) == pytest.approx(1)
    right.xy[0, 5:] += 1000  # joints that nobody annotated
    assert mean_oks(right, truth, COCO) == pytest.approx(1)
    right.xy[1] += 5000
    assert mean_oks(right, truth, COCO) == pytest.approx(0.5)
    assert mean_oks(Poses(1, np.zeros((0, 17, 2)), np.zeros((0, 17)), np.zeros(0)), truth, COCO) == 0


def test_table_has_a_row_a_run_and_the_best_of_each_column_is_bold():
    best, other = make_summary("best_net", clean=0.8), make_summary("other", clean=0.8, drop=0.06)
    lines = to_latex(best, other, make_summary("part", clean=0.81, cells=COCO_C.cells[:6])).splitlines()
    titles, rows = lines[3], lines[5:8]
    assert all(row.count(" & ") == titles.count(" & ") == 18 for row in rows)
    assert rows[0].startswith(r"best\_net & 80.0 & \textbf{65.0} & \textbf{81.3} & 65.0 & \textbf{65.0}")
    assert r"\textbf" not in rows[1]
    assert rows[2].startswith(r"part & \textbf{81.0} & -- & -- & \textbf{66.0} & -- & --")
    equal = to_latex(best, best, labels=["a", "b"])
    assert equal.count(r"\textbf") == 2 * 18
    assert r"\textbf" not in to_latex(best)


def test_table_compiles(quick, make_run, tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex to compile the table with")
    hard = r"a_b & 50 % #1 {x} ~ ^ \ $y$ <z>|"
    draw([make_run("a", hard), make_run("b", "net", clean=0.6)], tmp_path / "out")
    document = [
        r"\documentclass{article}",
        r"\usepackage[landscape,margin=5mm]{geometry}",
        r"\usepackage{booktabs}",
        r"\begin{document}",
        r"\tiny\setlength{\tabcolsep}{2pt}\input{out/table.tex}",
        r"\end{document}",
    ]
    (tmp_path / "paper.tex").write_text("\n".join(document))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert (tmp_path / "paper.pdf").stat().st_size > 0


@pytest.mark.parametrize("draw_figure", [draw_overview, draw_families])
def test_names_are_drawn_letter_by_letter(make_run, tmp_path, draw_figure):
    """Without mathematics, without line breaks, without a warning for letters that the font lacks."""
    names = [f"{name} {number}" for number, name in enumerate([*NAMES[9:12], *NAMES[20:22], *NAMES[25:27]])]
    folders = [make_run(str(number), name) for number, name in enumerate(names)]
    runs = read_runs([damage(folder, metric="$\\frac{\x1b\n関") for folder in folders])
    with paper_style():
        figure = draw_figure([runs])
        save_figure(figure, tmp_path, "figure")
    words = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    assert any("\\x1b[2J" in word for word in words)
    assert any("$\\frac{1}{" in word for word in words)
    assert all(word.replace("\n", "").isprintable() for word in words)


def damage(folder, **changes):
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**summary, **changes}))
    return folder


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["EMPTY"], "has no summary.json: it is no run folder"),
        (["RUN", "RUN"], "is named twice"),
        (["BROKEN"], "is no JSON"),
        (["DAMAGED"], "is damaged: clean must be a number from 0 to 1, got 'high'; cells.fog/3 must be"),
        (["RUN", "--severity", 6], "--severity must be 1, 2, 3, 4 or 5, got 6"),
        (["RUN", "--beside", "COCO"], "--beside must be COCO-C, MPII-C, OCHuman-C or none, got 'COCO' (did you mean"),
        (["RUN", "--names", "a,b"], "--names must be one for each of the 1 runs"),
        (["RUN", "--limit", 3], "name the data"),
        (["RUN", "--annotations", "gone.json", "--images", "gone"], "gone.json: No such file or directory"),
        (["RUN", "--out", "RUN"], "is a run folder, whose table.tex would be overwritten"),
        (["RUN", "--out", "FILE"], "is no folder): choose another place"),
    ],
)
def test_mistakes_are_one_line(quick, run, make_run, tmp_path, words, message):
    places = {"RUN": make_run("run"), "EMPTY": tmp_path / "empty", "FILE": tmp_path / "file"}
    places["BROKEN"] = make_run("broken")
    (places["BROKEN"] / "summary.json").write_text('{"metric": ')
    places["DAMAGED"] = damage(make_run("damaged"), clean="high", cells={"fog/3": None})
    places["EMPTY"].mkdir()
    places["FILE"].touch()
    words = [places.get(word, word) for word in words]
    out = [] if "--out" in words else ["--out", tmp_path / "out"]
    code, _, errors = run("figures", *words, *out)
    assert code == 2
    assert message in errors
    assert errors.count("\n") == 1
    assert not list(tmp_path.rglob("*.part"))


def test_figures_need_no_torch(make_run, tmp_path):
    code = (
        "import sys\nfrom robustpose.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules\nassert 'matplotlib.pyplot' not in sys.modules\n"
    )
    command = [sys.executable, "-c", code, "figures", str(make_run("run")), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path(tmp_path / "out/fig5.pdf").is_file()
