import json
import re
import shutil

import pytest

from robustpose.cli import main
from robustpose.errors import UserError
from robustpose.results.compare import compare_runs
from robustpose.results.groups import compare_groups, parse_groups
from robustpose.show.compare_table import comparison_to_latex
from robustpose.show.pages.compare import render_comparison
from tests.runs import CELLS, bench_predictions, few_images_do, write_predictions


@pytest.fixture(scope="module", autouse=True)
def enough_images():
    """Let the few images of these runs do."""
    with few_images_do():
        yield


def command(*words):
    """Run a command as the fixture `run` does, which lives no longer than a test."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return end.value.code or 0, "", ""


@pytest.fixture(scope="module")
def trained(tmp_path_factory, coco_folder):
    """Three trainings of a good method, and three of one that is clearly worse."""
    place = tmp_path_factory.mktemp("trained")
    folders = {}
    for name, noise in (("good", 2.0), ("bad", 6.0)):
        folders[name] = []
        for seed in range(3):
            predictions = write_predictions(place / f"{name}-{seed}", coco_folder, noise, CELLS, seed)
            out = place / f"run-{name}-{seed}"
            folders[name].append(bench_predictions(command, coco_folder, predictions, out, "--no-report"))
    return folders


@pytest.fixture(scope="module")
def comparison(trained):
    return compare_groups(trained, 200)


def find(comparison, name):
    return next(row for row in comparison.rows if row.name == name)


def test_a_group_has_the_mean_of_its_trainings_and_their_spread(trained, comparison):
    row = find(comparison, "fog/4")
    scores = [json.loads((folder / "summary.json").read_text())["cells"]["fog/4"] for folder in trained["good"]]
    assert row.trainings[0] == tuple(scores)
    assert row.values[0] == pytest.approx(sum(scores) / 3)
    assert row.spreads[0] == pytest.approx((sum((s - row.values[0]) ** 2 for s in scores) / 2) ** 0.5)
    assert row.spell(0).count("±") == 1


def test_a_worse_method_is_told_apart_and_has_all_rows_that_runs_have(trained, comparison):
    of_runs = compare_runs([of[0] for of in trained.values()], 200)
    assert [(row.kind, row.name) for row in comparison.rows] == [(row.kind, row.name) for row in of_runs.rows]
    row = comparison.rows[0]
    assert comparison.names == ("good", "bad")
    assert row.differences[1].interval[1] < 0
    assert row.leaders == (0,)
    assert [len(names) for names in comparison.trainings] == [3, 3]
    assert [one.rows[0].spreads != () for one in comparison.slices] == [True] * len(comparison.slices)


def test_the_interval_of_a_group_is_around_its_mean_and_within_what_scores_can_be(comparison):
    row = comparison.rows[0]
    low, high = row.intervals[0]
    assert low < row.values[0] < high
    assert 0 <= low <= high <= 1


def test_a_group_of_two_carries_a_note_and_two_copies_of_a_training_another(trained, tmp_path):
    copy = shutil.copytree(trained["bad"][0], tmp_path / "copy")
    notes = compare_groups({"good": trained["good"], "bad": [trained["bad"][0], copy]}, 100).notes
    assert any("bad has 2 trainings" in note for note in notes)
    assert any("have the same score in every cell" in note for note in notes)


def test_a_copy_of_a_training_in_another_group_carries_a_note(trained, tmp_path):
    copy = shutil.copytree(trained["good"][0], tmp_path / "copy")
    notes = compare_groups({"good": trained["good"], "bad": [*trained["bad"], copy]}, 100).notes
    assert any("run-good-0 of good and" in note and "copy of bad have the same score" in note for note in notes)
    assert any("are they one training, in two groups?" in note for note in notes)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"a": "01"}, "two groups or more, got a alone"),
        ({"a": "01", "b": "2"}, "group b has 1 training: how far trainings lie apart"),
        ({"a": "01", "b": ""}, "group b has no trainings"),
        ({"a": "01", "b": "12"}, "run-good-1 is in group a and in group b: each training counts once"),
        ({"a": "00", "b": "12"}, "run-good-0 is in group a twice"),
    ],
)
def test_groups_that_say_nothing_are_refused(trained, groups, message):
    with pytest.raises(UserError, match=message):
        compare_groups({name: [trained["good"][int(i)] for i in of] for name, of in groups.items()})


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["r0,r1"], "takes NAME=RUN,RUN,RUN, such as"),
        (["=r0,r1"], "takes NAME=RUN,RUN,RUN"),
        (["a=r0,,r1"], "takes NAME=RUN,RUN,RUN"),
        (["a=r0,r1", "a=r2,r3"], "names 'a' twice"),
    ],
)
def test_a_group_that_cannot_be_read_is_refused(texts, message):
    with pytest.raises(UserError, match=message):
        parse_groups(texts)


@pytest.mark.parametrize("words", ["a,b", "a,b/r0,{place}/c", "{place}/c,{place}/a,b", "c,{place}/a, b,c"])
def test_a_folder_with_a_comma_is_told_from_two_folders(tmp_path, words):
    for name in ("a,b/r0", "c", "a, b,c"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(UserError, match="is one folder, and a comma stands between two"):
        parse_groups([f"x={tmp_path}/{words.format(place=tmp_path)}"])


def test_the_command_compares_groups_and_writes_a_table(trained, run, tmp_path):
    words = [f"--group={name}={','.join(map(str, of))}" for name, of in trained.items()]
    code, output, errors = run("compare", *words, "--out", tmp_path / "beside", "--fail-if-worse", "clean")
    assert code == 3, errors
    assert "A: good (3 trainings)" in output
    assert "±" in output
    assert "FAILED: AP* of bad is worse than of good" in errors
    content = json.loads((tmp_path / "beside/comparison.json").read_text())
    assert [len(names) for names in content["trainings"]] == [3, 3]
    assert len(content["rows"][0]["trainings"][1]) == 3
    assert r"$\pm$" in (tmp_path / "beside/table.tex").read_text()


def test_a_run_folder_keeps_its_own_table(trained, run):
    words = [f"--group={name}={','.join(map(str, of))}" for name, of in trained.items()]
    own = trained["good"][0]
    before = {path.name: path.read_bytes() for path in own.iterdir() if path.is_file()}
    for named in (words, [own, trained["bad"][0]]):
        code, _, errors = run("compare", *named, "--out", own)
        assert code == 2
        assert f"{own} is a run folder, whose table.tex would be overwritten: choose another folder" in errors
    assert {path.name: path.read_bytes() for path in own.iterdir() if path.is_file()} == before


def test_runs_beside_groups_are_refused_in_one_line(run):
    code, _, errors = run("compare", "--group", "a=r0,r1", "r2")
    assert code == 2
    assert "got 'r2' beside --group" in errors
    code, _, errors = run("compare", "--group", "a=r0,r1", "--names", "a")
    assert code == 2
    assert "a group has its name in --group NAME=" in errors


def test_the_page_shows_each_training(comparison):
    page = render_comparison(comparison)
    assert "Each of 6 trainings by itself" in page
    assert all(name in page for names in comparison.trainings for name in names)
    setup = page[page.index('id="setup"') :]
    titles, line = (
        re.findall(rf"<{tag}[ >]", row) for tag, row in zip(("th", "t[hd]"), setup.split("</tr>"), strict=False)
    )
    assert len(titles) == len(line) == 3  # what, and each group


def test_only_what_can_be_told_from_all_others_is_bold(trained, comparison):
    rows = comparison_to_latex(comparison).splitlines()
    good, bad = (next(line for line in rows if line.startswith(name)) for name in ("good", "bad"))
    n_alone = sum(row.leaders == (0,) for row in comparison.rows if row.kind in ("headline", "corruption"))
    assert good.count("textbf") == n_alone > 0
    assert "textbf" not in bad
    same = compare_runs([trained["good"][0], trained["good"][0]], 100, names=["50%_a", "b"])
    assert "textbf" not in comparison_to_latex(same)
    assert r"50\%\_a" in comparison_to_latex(same)
