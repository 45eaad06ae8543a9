import json

import pytest

from robustpose.errors import UserError
from robustpose.results.compare import compare_runs
from robustpose.results.losses import judge_differences
from tests.runs import bench_predictions, few_images_do, write_predictions


@pytest.fixture(scope="module", autouse=True)
def enough_images():
    """Let the few images of these runs do."""
    with few_images_do():
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory, coco_folder):
    """Two runs of the same images: good predictions, and bad ones."""
    from robustpose.cli import main

    def run(*words):
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        return end.value.code, "", ""

    place, folders = tmp_path_factory.mktemp("runs"), []
    for name, noise in (("good", 1.0), ("bad", 6.0)):
        predictions = write_predictions(place / f"{name}-predictions", coco_folder, noise)
        folders.append(bench_predictions(run, coco_folder, predictions, place / name))
    return folders


def test_a_run_that_is_worse_for_sure_fails_and_the_other_way_round_it_passes(runs):
    for score in ("clean", "ap*", "FOG", "fog/4", "mean_of_chosen"):
        assert [one.is_passed for one in judge_differences(compare_runs(runs), [score])] == [False]
        assert [one.is_passed for one in judge_differences(compare_runs(runs[::-1]), [score])] == [True]


def test_a_run_is_not_worse_than_itself_and_a_margin_may_be_lost(runs):
    [same] = judge_differences(compare_runs([runs[0], runs[0]]), ["clean"])
    assert same.is_passed
    [lost] = judge_differences(compare_runs(runs), ["clean"])
    margin = -lost.interval[1]
    assert judge_differences(compare_runs(runs), ["clean"], margin)[0].is_passed
    assert " is not shown to be worse than of " in same.describe()  # a few images show little
    assert not judge_differences(compare_runs(runs), ["clean"], margin - 1e-9)[0].is_passed


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mPC", "mPC needs clean and all 75 cells"),
        ("fgo", "(did you mean 'fog'?)"),
        ("snow", "snow is not among the cells"),
    ],
)
def test_a_score_that_is_not_compared_is_refused(runs, name, words):
    with pytest.raises(UserError) as refused:
        judge_differences(compare_runs(runs), [name])
    assert words in str(refused.value)


def test_compare_fails_if_any_of_the_others_is_worse(runs, run, tmp_path):
    good, bad = runs
    words = ["--out", tmp_path / "page", "--fail-if-worse", "clean,fog"]
    code, output, errors = run("compare", good, good, bad, *words, "--json", "-")
    assert code == 3
    assert [one["passed"] for one in json.loads(output)["gates"]] == [True, False, True, False]
    assert errors.count("FAILED: ") == 2
    assert "all of it below 0" in errors
    assert run("compare", bad, good, *words)[0] == 0
    assert run("compare", good, bad, *words, "--margin", "90%")[0] == 0


def test_options_that_say_nothing_are_refused(runs, run, tmp_path):
    for words in (["--margin", "0.1"], ["--fail-if-worse", ","], ["--fail-if-worse", "clean", "--margin", "2"]):
        code, _, errors = run("compare", *runs, "--out", tmp_path / "page", *words)
        assert (code, len(errors.splitlines())) == (2, 1)
    assert not (tmp_path / "page").exists()


def test_too_few_images_for_intervals_are_refused_not_passed(runs, run, tmp_path, monkeypatch):
    for module in ("compare", "losses"):
        monkeypatch.setattr(f"robustpose.results.{module}.FEW_IMAGES", 30)
    code, _, errors = run("compare", *runs, "--out", tmp_path / "page", "--fail-if-worse", "clean")
    assert code == 2
    assert errors.startswith("error: --fail-if-worse needs 30 images or more, got ")
