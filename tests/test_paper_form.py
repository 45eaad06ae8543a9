import json

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from robustpose import UserError
from robustpose.corruptions.suites import COCO_C, HELD_OUT
from robustpose.data.corrupted import MadeImages
from robustpose.data.toy import ToyPeople
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Truth
from robustpose.show.figures import write, written
from robustpose.show.figures.gain_bars import draw_corruption_gains, draw_severity_gains
from robustpose.show.figures.gain_overview import draw_gain_overview
from robustpose.show.figures.pairs import pair_published_networks, pair_published_trainings, pair_runs
from robustpose.show.figures.paper_form import write_published
from robustpose.show.figures.people import draw_truth
from robustpose.show.figures.ratio_bars import UNKNOWN, draw_ratio_bars, list_published_bars, make_run_bars
from robustpose.show.figures.runs import group_by_data, read_runs
from robustpose.show.figures.style import paper_style, save_figure, spell_gain
from robustpose.show.figures.truth_beside import choose_cells, draw_truth_beside, keep_benched
from robustpose.show.figures.wanted import Wanted
from robustpose.show.figures.write import write_figures
from tests.hostile import NAMES
from tests.summaries import COCO_VAL, write_run

PART = [CLEAN, Cell("fog", 2), Cell("fog", 5)]


@pytest.fixture
def make_runs(tmp_path):
    """A function that writes runs by the names of their folders, each with what is said of it, and reads them."""

    def make(**said):
        return read_runs([write_run(tmp_path / name, name, **how) for name, how in said.items()])

    return make


@pytest.fixture
def quick(monkeypatch):
    """Figures are composed, all but figure 2, and not rendered."""
    monkeypatch.setattr(write, "draw_severity_grid", lambda *_: Figure())
    monkeypatch.setattr(written, "save_figure", lambda _, out, name: [out / f"{name}.pdf"])


def words_of(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


def stems(one):
    return {path.stem for path in one.paths}


def test_published_figures_need_no_run_and_are_the_same_every_time(run, tmp_path):
    code, output, _ = run("figures", "--published", "--out", tmp_path / "a")
    assert code == 0
    names = {"fig1_gain_published", "fig4a_gain_published", "fig5_bars_published"}
    assert {path.stem for path in (tmp_path / "a").iterdir()} == names
    for words in ("fig4b_gain_published is left out: the paper prints no scores by severity", "fig6_truth"):
        assert words in output
    for path in write_published(tmp_path / "b").paths:
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes()


def test_published_networks_have_the_gains_of_tables_2_and_3():
    panels = pair_published_networks()
    gains = {
        title: {pair.label: round(100 * pair.gains.of_mean.value, 1) for pair in panels[title]} for title in panels
    }
    assert gains == {
        "COCO-C: AP": {
            "SBL R50 256×192": 2.3,
            "SBL R101 256×192": 2.7,
            "SBL R152 256×192": 2.3,
            "HRNet W32 256×192": 2.5,
            "HRNet W48 256×192": 3.4,
            "HigherHRNet W32 512×512": 5.5,
        },
        "MPII-C: PCKh": {"SBL R50 256×256": 4.5, "SBL R101 256×256": 4.2, "HRNet W32 256×256": 3.8},
    }
    words = words_of(draw_gain_overview(panels, "AP or PCKh", "mPC"))
    assert {"+5.5", "+3.8", "gain in mPC"} <= set(words)
    assert "loss in mPC" not in words


def test_published_trainings_are_those_of_table_4_and_print_nothing_by_severity():
    [pairs] = pair_published_trainings().values()
    assert [pair.label for pair in pairs] == ["Transfer", "AdvMix", "AdvMix+Stylized"]
    assert all(len(pair.gains.corruptions) == 15 and not pair.gains.severities for pair in pairs)
    assert pairs[0].gains.corruptions["jpeg_compression"].value == pytest.approx(-0.049)


def test_published_bars_are_of_table_1_coloured_by_input():
    bars = list_published_bars()
    assert {dataset: len(of) for dataset, of in bars.items()} == {"COCO-C": 19, "OCHuman-C": 7}
    assert bars["COCO-C"][1].ratio.value == 0.679
    figure = draw_ratio_bars(bars)
    faces = [{patch.get_facecolor() for patch in axes.patches} for axes in figure.axes]
    assert [len(of) for of in faces] == [6, 3]
    assert faces[1] < faces[0]  # one colour of one size in both
    assert [len(axes.lines[0].get_xdata()) for axes in figure.axes] == [19, 7]  # the clean scores


def test_pairs_are_named_by_label_or_folder_with_commas_in_both(make_runs, tmp_path):
    runs = make_runs(a={}, b={"drop": 0.03}, **{"c,d": {"drop": 0.04}})
    for words in (["a,b"], [f"{tmp_path / 'a'}, b"], ["a,b", "a,b"]):
        [[pair]] = pair_runs(runs, words, []).values()
        assert (pair.label, round(pair.gains.of_mean.value, 6)) == ("b over a", 0.06)
    [pairs] = pair_runs(runs, ["a,c,d", "b,c,d"], []).values()
    assert [pair.label for pair in pairs] == ["c,d over a", "c,d over b"]


def test_names_of_pairs_have_room_for_both_runs_and_are_told_apart(make_runs):
    long = [f"hrnet_w{size}_256x192_of_ours_{how}" for size in (32, 48) for how in ("hard", "standard")]
    runs = make_runs(a={}, **{name: {} for name in long})
    names = [pair.label for pair in next(iter(pair_runs(runs, [f"a,{long[0]}", f"{long[0]},{long[1]}"], []).values()))]
    assert names == ["hrnet_w32_…_ours_hard over a", "hrnet…ndard over hrnet…_hard"]
    words = [f"{long[1]},{long[0]}", f"{long[3]},{long[2]}"]
    assert [pair.label[:3] for pairs in pair_runs(runs, words, []).values() for pair in pairs] == ["1. ", "2. "]
    assert all(len(pair.label) <= 32 for pairs in pair_runs(runs, words, []).values() for pair in pairs)


def test_rows_that_runs_were_made_as_tell_pairs(make_runs):
    advmix, standard = {"row": "coco-c/hrnet_w32_256x192_advmix"}, {"row": "coco-c/hrnet_w32_256x192"}
    other = {"row": "coco-c/sbl_r50_256x192"}
    runs = make_runs(a=standard, b=advmix, c=other, d={**advmix, "dataset": COCO_VAL}, e={})
    [[pair]] = pair_runs(runs, [], []).values()
    assert pair.label == "b over a"
    assert pair_runs(runs[2:], [], []) == {}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("a", r"--pair must be two of the runs, STANDARD,HARDENED, got 'a': the runs are a; b; other"),
        ("", r"got '': the runs are"),
        (",", r"got ',': the runs are"),
        ("a,otter", r"got 'a,otter' \(did you mean 'other'\?\)"),
        ("a,\x00", r"got 'a,\\x00'"),
        ("a,a", r"--pair must be two different runs, got 'a,a'"),
        ("a,other", r"--pair a,other: .* cannot be compared, they are not of the same images: name toy and person_key"),
    ],
)
def test_mistakes_in_pairs_are_one_line(make_runs, word, message):
    runs = make_runs(a={}, b={}, other={"dataset": COCO_VAL})
    with pytest.raises(UserError, match=message) as caught:
        pair_runs(runs, [word], [])
    assert "\n" not in str(caught.value)


def test_pairs_have_their_figures_and_partial_ones_a_line(make_runs, quick, tmp_path):
    runs = make_runs(a={}, b={"drop": 0.03}, part={"cells": PART}, clean={"cells": (CLEAN,)})
    done = write_figures(runs, tmp_path / "out", wanted=Wanted(pairs=("a,b", "a,part", "a,clean")))
    assert {"fig1_gain", "fig4a_gain", "fig4b_gain"} <= stems(done)
    for words in (
        "fig1_gain is without part over a: mPC needs all 75 cells of both runs",
        "fig4a_gain and fig4b_gain are without clean over a: the two runs have no corrupted cell in common",
        "by severity the mean over 1 corruptions; coco-c has 15",
    ):
        assert any(words in note for note in done.notes), words
    done = write_figures(runs[:1], tmp_path / "out")
    assert not {"fig1_gain", "fig4a_gain", "fig4b_gain"} & stems(done)
    assert any("(--pair STANDARD,HARDENED)" in note for note in done.notes)


def test_other_suites_name_their_mean_and_their_corruptions(make_runs):
    held = {"suite": HELD_OUT, "cells": HELD_OUT.cells, "metric": "PCKh"}
    runs = make_runs(a=held, b={**held, "drop": 0.06})
    panels = pair_runs(runs, ["a,b"], [])
    words = words_of(draw_gain_overview(panels, "PCKh", HELD_OUT.mean_name))
    assert {"loss in mPH", "−3.0"} <= set(words)
    assert "gain in mPH" not in words
    assert "Speckle noise" in words_of(draw_corruption_gains(panels, HELD_OUT, "PCKh"))
    assert {"1", "5", "gain in PCKh, points"} <= set(words_of(draw_severity_gains(panels, "PCKh")))


def test_gains_are_written_with_their_sign():
    assert [spell_gain(gain) for gain in (0.0254, -0.0254, 0.0004, -0.0004)] == ["+2.5", "−2.5", "0.0", "0.0"]


def test_part_of_a_dataset_is_not_called_as_the_paper_calls_the_whole(make_runs):
    runs = make_runs(a={"dataset": COCO_VAL}, b={"dataset": {**COCO_VAL, "limit": 50}})
    assert [*make_run_bars(group_by_data(runs))] == ["COCO-C", "person_keypoint…son (50 images)"]


def test_bars_of_runs_have_their_input_and_an_unknown_one_is_said(make_runs, tmp_path):
    runs = make_runs(a={}, b={"clean": 0.0, "drop": 0.0}, c={}, d={})
    for run, said in zip(runs, ("192x256", None, "0x5", ["x"]), strict=True):
        run.summary["provenance"]["estimator"]["input"] = said
    [bars] = make_run_bars([runs]).values()
    assert [bar.size for bar in bars] == ["256×192", UNKNOWN, UNKNOWN, UNKNOWN]
    assert {"–", "256×192", UNKNOWN} <= set(words_of(draw_ratio_bars({"toy": bars})))  # 0 / 0 is no ratio


def test_names_from_anywhere_are_drawn_letter_by_letter(make_runs, tmp_path):
    folders = [write_run(tmp_path / str(number), name) for number, name in enumerate([*NAMES[9:12], *NAMES[20:24]])]
    folders += [write_run(tmp_path / f"{number}_{'x' * 80}", f"{'long ' * 30}{number}", drop=0.01) for number in (1, 2)]
    runs = read_runs(folders)
    panels = pair_runs(runs, [f"{runs[0].folder},{run.folder}" for run in runs[1:]], [])
    with paper_style():
        for draw in (
            lambda: draw_gain_overview(panels, NAMES[10], "mPC"),
            lambda: draw_corruption_gains(panels, COCO_C, NAMES[10]),
            lambda: draw_severity_gains(panels, NAMES[10]),
            lambda: draw_ratio_bars(make_run_bars([runs])),
        ):
            figure = draw()
            save_figure(figure, tmp_path, "figure")
            assert any("\\x1b[2J" in word for word in words_of(figure))
            lines = [line for word in words_of(figure) for line in word.split("\n")]
            assert [line for line in lines if not line.isprintable() or len(line) > 60] == []


def test_usual_corruptions_are_shown_or_those_that_the_runs_have(make_runs):
    notes = []
    full, part = make_runs(full={}, part={"cells": PART})
    cells = choose_cells([full], Wanted(), notes)
    assert [cell.key for cell in cells] == ["impulse_noise/3", "motion_blur/3", "brightness/3", "jpeg_compression/3"]
    assert notes == []
    assert choose_cells([full, part], Wanted(), notes) == (Cell("fog", 2),)
    assert "fig6_truth shows severity 2: the runs do not have 3" in notes
    chosen = choose_cells([full, part], Wanted(corruptions=("snow", "fog"), severities=(5, 2)), notes)
    assert [cell.key for cell in chosen] == ["snow/2", "snow/5", "fog/2", "fog/5"]
    assert keep_benched([full, part], chosen, notes) == [full]
    assert notes[-1].endswith("part: it was not benched in snow/2")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"corruptions": ("fogg",)}, r"--corruptions: no run has 'fogg' \(did you mean 'fog'\?\): they have gaussian"),
        ({"severities": (9,)}, "--severities: no run has severity 9: they have 1, 2, 3, 4 and 5"),
        ({"corruptions": COCO_C.corruptions, "severities": (1, 2)}, "room for 25 cells, got 30: name fewer"),
    ],
)
def test_what_no_run_has_cannot_be_shown(make_runs, wanted, message):
    with pytest.raises(UserError, match=message):
        choose_cells(make_runs(a={}), Wanted(**wanted), [])


def test_truth_has_a_row_of_its_own_above_each_run(make_runs):
    runs, dataset, cells = make_runs(a={}, b={}), ToyPeople(), (CLEAN, Cell("fog", 1), Cell("snow", 1))
    nobody = {cell: {} for cell in cells}
    source = {run.folder: MadeImages(0) for run in runs}
    figure = draw_truth_beside(runs, dataset, source, 0, cells, [nobody, nobody])
    assert len([axes for axes in figure.axes if axes.images]) == 3 * 2  # without clean
    assert {"ground truth", "a", "b", "Fog 1", "OKS 0.00"} <= set(words_of(figure))
    has_lines = [bool(axes.lines) for axes in figure.axes]
    assert has_lines == [True, True, False, False, False, False]


def test_truth_shows_annotated_joints_alone():
    visible = np.zeros((2, 17), int)
    visible[0, [5, 7]] = 2, 1  # a limb
    xy = np.arange(68.0).reshape(2, 17, 2)
    truth = Truth(1, xy, visible, np.array([1e4, 1e4]), np.zeros((2, 4)), np.zeros(2, bool))
    axes = Figure().subplots()
    draw_truth(axes, truth, COCO, 1.0)
    assert len(axes.lines) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name at least one run folder, or --published for the figures of what the paper prints"),
        (["--published", "--names", "a"], "--names is about runs, and no run folder is named: name one, or leave"),
        (["--published", "--pair", "a,b"], "--pair is about runs"),
        (["--published", "--severity", 3], "--severity is about runs"),
        (["--published", "--data", "toy"], "--data is about runs"),
        (["--published", "--trust"], "--trust is about runs"),
        (["RUN", "--severities", "x"], "--severities must be numbers with commas, such as 1,3,5, got 'x'"),
        (["RUN", "--severities", "0"], "--severities must be 1, 2, 3, 4 or 5, got 0"),
        (["RUN", "--corruptions", "fgo"], "--corruptions: no run has 'fgo' (did you mean 'fog'?)"),
        (["RUN", "--pair", "a"], "--pair must be two of the runs"),
        (["RUN", "--image", 64], "--image must be 0 to 63, got 64"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_drawn(run, tmp_path, words, message):
    folder = write_run(tmp_path / "run")
    code, _, errors = run("figures", *(folder if word == "RUN" else word for word in words), "--out", tmp_path / "out")
    assert code == 2
    assert message in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_published_figures_stand_beside_those_of_runs(run, quick, tmp_path):
    code, output, _ = run("figures", write_run(tmp_path / "run"), "--published", "--out", tmp_path / "out")
    assert code == 0
    assert {"fig5_bars.pdf", "fig5_bars_published.pdf"} <= {line.rpartition("/")[2] for line in output.splitlines()}


def test_summary_of_a_stranger_with_absurd_resamples_has_no_intervals(tmp_path):
    from robustpose.results.gains import find_gains

    folders = [write_run(tmp_path / name, bands=True) for name in "ab"]
    for folder in folders:
        summary = json.loads((folder / "summary.json").read_text())
        summary["intervals"]["resamples"] = 10**9
        (folder / "summary.json").write_text(json.dumps(summary))
    assert "no intervals: --resamples must be at most" in " ".join(find_gains(*folders).notes)
