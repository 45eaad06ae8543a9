import csv
import json
from dataclasses import replace

import numpy as np
import pytest

import robustpose
from robustpose.errors import UserError
from robustpose.results.across import AcrossSuites
from robustpose.results.compare import compare_runs
from robustpose.results.compare_suites import compare_suites
from robustpose.results.compared import Difference
from robustpose.results.held_gains import Gain
from robustpose.results.parts import Part
from robustpose.results.run_scores import read_scores, resample_runs
from robustpose.results.summary import read_summary
from robustpose.results.verdict_across import describe_gains
from robustpose.show.across_tables import across_to_latex, across_to_markdown
from tests.runs import CELLS, OTHERS, bench_predictions, few_images_do


@pytest.fixture(scope="module", autouse=True)
def enough_images():
    """Let the few images of these runs do."""
    with few_images_do():
        yield


@pytest.fixture
def runs(suite_runs):
    """Runs of a good and a bad model, each on two suites: good on coco-c, good on held-out, bad, bad."""
    return suite_runs


def find(comparison, name):
    return next(row for row in comparison.rows if row.name == name)


def test_each_run_has_its_place_in_models_by_suites(runs):
    across = compare_suites(runs)
    assert across.names == ("good", "bad")
    assert [suite.name for suite in across.suites] == ["coco-c", "held-out"]
    assert [list(of) for of in across.folders] == [[str(runs[0]), str(runs[2])], [str(runs[1]), str(runs[3])]]
    assert compare_suites(runs[::-1]).names == ("bad", "good")  # the first one is the reference
    assert [suite.name for suite in compare_suites(runs[::-1]).suites] == ["coco-c", "held-out"]


@pytest.mark.parametrize("part", [None, Part("1::2")])
def test_scores_and_intervals_are_those_of_the_runs_of_one_suite(runs, part):
    across = compare_suites(runs, part=part)
    for comparison, of_suite in zip(across.comparisons, ([0, 2], [1, 3]), strict=True):
        alone = compare_runs([runs[place] for place in of_suite], names=["good", "bad"], part=part)
        assert comparison.rows == alone.rows
    assert across.clean == across.comparisons[0].rows[0]
    assert across.gains[0].known == find(across.first, "mean_of_chosen").differences[1]


def test_models_by_suites_say_of_which_images_they_are(runs):
    across = compare_suites(runs, 100, part=Part("1::2"))
    assert across.of_images == "4 of 9 images (1::2), severities 1, 4 of 1 to 5"
    assert all(words.endswith("; of 4 of 9 images (1::2)") for _, words in across.terms)
    assert [across.to_json()[name] for name in ("part", "n_images", "n_all")] == ["1::2", 4, 9]
    for text in (across_to_latex(across), across_to_markdown(across)):
        assert "4 of 9 images (1::2)" in text


def test_gains_are_paired_over_suites(runs):
    across = compare_suites(runs)
    (gain,) = across.gains
    summaries = [read_summary(folder) for folder in runs]
    cells = [CELLS, OTHERS] * 2
    scores = [read_scores(summary, of) for summary, of in zip(summaries, cells, strict=True)]
    resampled = resample_runs(runs, scores, 1000)
    good, good_other, bad, bad_other = (sum(of[cell] for cell in of if cell.severity) / 4 for of in resampled)
    ends = np.quantile((bad_other - good_other) - (bad - good), [0.025, 0.975])
    np.testing.assert_allclose(gain.change.interval, ends, atol=1e-12)
    assert gain.known.value == find(across.first, "mean_of_chosen").differences[1].value
    assert gain.share is None  # a loss
    assert across.verdict[0].startswith("bad loses ")
    (gain,) = compare_suites(runs[2:] + runs[:2]).gains
    assert gain.share == pytest.approx(gain.other.value / gain.known.value)
    low, high = gain.share_interval
    assert low <= gain.share <= high


def test_verdict_says_how_much_of_a_gain_holds(runs):
    (sentence,) = compare_suites(runs[2:] + runs[:2]).verdict
    assert " that good gains on coco-c" in sentence
    assert "held-out" in sentence
    assert " %" in sentence


@pytest.mark.parametrize(
    ("other", "apart", "words"),
    [
        (0.03, 0.002, "all hold on held-out, 3.0 [2.8, 3.2] (150 % [50, 150]), more than there."),
        (0.03, 0.02, "as much is gained on held-out, 3.0 [2.8, 3.2] (150 % [50, 150]), not shown to be less or"),
        (0.02, 0.02, "as much is gained on held-out, 2.0 [1.8, 2.2] (100 % [50, 150]), not shown to be less or"),
        (0.01, 0.02, "1.0 [0.8, 1.2] hold on held-out (50 % [50, 150]), not shown to be less."),
        (0.01, 0.002, "1.0 [0.8, 1.2] hold on held-out (50 % [50, 150]), less than there."),
    ],
)
def test_all_of_a_gain_holds_only_where_the_interval_of_the_difference_shows_it(runs, other, apart, words):
    def around(value, half):
        return Difference(value, [value - half, value + half])

    across = compare_suites(runs)
    change = around(other - 0.02, apart)
    suite = across.suites[1].label
    gain = Gain(1, suite, around(0.02, 0.002), around(other, 0.002), change, other / 0.02, [0.5, 1.5])
    assert words in describe_gains(across, [gain])


def test_a_model_without_a_run_of_a_suite_has_an_empty_place_that_is_told(runs):
    across = compare_suites(runs[:3])
    assert across.folders[1] == (str(runs[1]), None)
    assert find(across.comparisons[1], "spatter").values[1] is None
    assert all(value is not None for value in across.clean.values)
    assert across.gains == ()
    assert "bad has no run of held-out" in across.notes
    assert across.verdict[0].startswith("Whether gains hold cannot be said")


def test_one_model_alone_is_shown_on_its_suites(runs):
    across = compare_suites(runs[:2])
    assert across.names == ("good",)
    assert across.gains == ()
    assert across.verdict[0].startswith("good keeps of its clean score ")


def test_fewer_images_than_intervals_need_tell_nothing(runs, monkeypatch):
    for module in ("compare_suites", "held_gains", "verdict_across"):
        monkeypatch.setattr(f"robustpose.results.{module}.FEW_IMAGES", 30)
    across = compare_suites(runs[2:] + runs[:2])
    assert across.verdict == ("Only 9 images: no difference on so few says anything about other images.",)
    assert across.gains[0].share is None


def test_other_severities_are_told(runs, coco_folder, run, tmp_path):
    words = ("--suite", "held-out", "--corruptions", "spatter", "--severities", "1")
    part = bench_predictions(run, coco_folder, runs[0].parent / "good-poses", tmp_path / "part", *words)
    notes = compare_suites([runs[0], part]).notes
    assert "means are over other severities in each suite: 1 and 4 of coco-c; 1 of held-out" in notes


def test_means_of_some_cells_say_of_which_and_are_explained_as_no_means_of_suites(runs):
    across = compare_suites(runs)
    label = "mean of 2 corruptions at severities 1, 4"
    assert across.of_images == f"{across.first.of_images}, severities 1, 4 of 1 to 5"
    assert [name for name, _ in across.terms] == ["AP*", f"coco-c {label}", f"held-out {label}"]
    assert across.terms[1][1] == "mean AP of the cells that were run; not mPC, which is of all 75"
    assert f"| model | AP* | coco-c {label} | held-out {label} |" in across_to_markdown(across)
    assert f"held-out {label}" in across_to_latex(across)
    first, other = across.comparisons
    ragged = replace(first, rows=tuple(row for row in first.rows if row.name != CELLS[1].key))
    assert (
        replace(across, comparisons=(ragged, other))
        .label(ragged, find(ragged, "mean_of_chosen"))
        .endswith(" in 3 cells")
    )


def test_other_images_are_refused_in_any_suite(runs, coco_folder, run, tmp_path):
    words = ("--suite", "held-out", "--corruptions", "spatter", "--severities", "1", "--limit", "5")
    fewer = bench_predictions(run, coco_folder, runs[0].parent / "good-poses", tmp_path / "fewer", *words)
    with pytest.raises(UserError, match=r"not of the same images: .*limit"):
        compare_suites([runs[0], fewer])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a"], "--names must be one for each of the 2 models, whose first runs are good-coco-c and bad-coco-c, got 1"),
        (["a", "a"], "--names must differ from each other"),
    ],
)
def test_names_are_those_of_models(runs, names, message):
    assert compare_suites(runs, names=["x", "y"]).names == ("x", "y")
    with pytest.raises(UserError, match=message):
        compare_suites(runs, names=names)


def test_what_a_network_has_learned_from_is_marked_and_told(runs):
    across = compare_suites(runs)
    seen = replace(across, seen=((), ("spatter", "fog")))
    assert seen.list_seen(seen.comparisons[1]) == [(), ("spatter",)]
    assert any("bad has learned from 1 of the 2 corruptions of held-out" in words for words in seen.verdict)
    assert not any("learned" in words for words in across.verdict)


def test_gain_without_what_was_seen_is_the_mean_of_the_others(runs, monkeypatch):
    monkeypatch.setattr("robustpose.results.compare_suites.read_seen", lambda summary: ["spatter", "fog"])
    across = compare_suites(runs[2:] + runs[:2])
    (gain,) = across.gains
    assert gain.seen == ("spatter",)
    assert gain.unseen == find(across.comparisons[1], "saturate").differences[1]
    words = "good have learned from 1 of the 2 corruptions of held-out, or from the like of them (spatter): what they"
    assert any(words in sentence for sentence in across.verdict)
    words = "under those that none of them nor the first model has seen, good gains "
    assert any(words in sentence for sentence in across.verdict)
    assert gain.to_json()["unseen"]["value"] == gain.unseen.value


def test_a_suite_that_has_corruptions_of_the_other_is_told(runs):
    across = compare_suites(runs)
    first, other = across.comparisons
    rows = tuple(replace(row, name="fog") if row.name == "spatter" else row for row in other.rows)
    shared = replace(across, comparisons=(first, replace(other, rows=rows)))
    words = "1 of the 2 corruptions of held-out is in coco-c, too: what is gained under these is the same gain."
    assert words in shared.verdict
    assert not any("too: what" in sentence for sentence in across.verdict)


def test_command_prints_both_tables_and_writes_all_files(runs, run, tmp_path):
    code, output, errors = run("compare", *runs, "--out", tmp_path / "page", "--resamples", 100)
    assert code == 0, errors
    assert "coco-c mean of 2 corruptions at" in output
    assert "severities 1, 4 of 1 to 5" in " ".join(output.split())
    assert "gain on coco-c" in output
    content = json.loads((tmp_path / "page" / "comparison.json").read_text())
    assert [one["suite"]["name"] for one in content["suites"]] == ["coco-c", "held-out"]
    assert [one["severities"] for one in content["suites"]] == [[1, 4], [1, 4]]
    assert content["suites"][1]["corruptions"] == ["spatter", "saturate"]
    assert content["gains"][0]["change"]["distinguishable"] in (True, False)
    with (tmp_path / "page" / "table.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["model"], line["suite"]) for line in lines] == [
        *(("good", "coco-c"), ("bad", "coco-c"), ("good", "held-out"), ("bad", "held-out"))
    ]
    assert {line["severities"] for line in lines} == {"1 4"}
    page = (tmp_path / "page" / "compare.html").read_text()
    assert "<!doctype html>" in page
    assert "mean of 2 corruptions at severities 1, 4</th>" in page
    assert "5 severities each" not in page  # which the columns that are not there would be
    assert run("compare", *runs, "--out", tmp_path / "page", "--resamples", 100)[0] == 0  # over what it wrote
    (tmp_path / "page" / "table.csv").write_text("mine\n")
    code, _, errors = run("compare", *runs, "--out", tmp_path / "page")
    assert (code, "table.csv is there, and not written by this command" in errors) == (2, True)


@pytest.mark.parametrize("words", [("--fail-if-worse", "mPC"), ("--data", "toy")])
def test_what_is_of_one_suite_is_refused_for_several(runs, run, tmp_path, words):
    code, _, errors = run("compare", *runs, "--out", tmp_path / "page", *words)
    assert code == 2
    assert "one suite" in errors


def test_tables_have_all_models_and_no_number_that_is_not_there(runs):
    across = compare_suites(runs[:3])
    assert "| bad | " in across_to_markdown(across)
    assert across_to_markdown(across).count("| – |") >= 1
    latex = across_to_latex(compare_suites(runs))
    assert latex.count("\\begin{tabular}") == 2
    assert "\\textbf{" in latex


def test_python_has_the_same_numbers(runs, tmp_path):
    comparison = robustpose.compare(*runs, resamples=100)
    assert isinstance(comparison.result, AcrossSuites)
    assert comparison.suites == ("coco-c", "held-out")
    spatter = find(comparison.result.comparisons[1], "spatter").differences[1]
    assert comparison.difference("spatter", "bad") == comparison.difference("spatter", suite="held-out") == spatter
    assert comparison.values("clean")[0] == comparison.result.clean.values[0]
    assert {record["suite"] for record in comparison.to_records()} == {"coco-c", "held-out"}
    assert comparison.write(tmp_path / "page").is_file()
    assert "<table" in comparison._repr_html_()
    assert comparison.verdict in repr(comparison)
    with pytest.raises(UserError, match="there is no suite 'c': they are coco-c, held-out"):
        comparison.difference("clean", suite="c")
    with pytest.raises(UserError, match="have no 'rain' in common"):
        comparison.difference("rain")


def test_one_suite_is_compared_as_ever(runs):
    assert isinstance(robustpose.compare(runs[0], runs[2], resamples=100), robustpose.Comparison)
