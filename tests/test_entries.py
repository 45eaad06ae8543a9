"""Entries of leaderboards: made from runs, and refused where anything in one contradicts the rest."""

import copy
import json
import shutil

import pytest

from robustpose.errors import UserError
from robustpose.results.entries import check_entry, check_same, make_entry, read_entry, summarize_entry, tell_entry
from robustpose.results.rows import row_of_chosen
from robustpose.results.summary import read_summary
from tests.summaries import COCO_VAL, make_summary


def change(entry, path, value):
    """Return an entry with one value changed, by its path with dots; without it where the value is `...`."""
    changed = copy.deepcopy(entry)
    *before, last = path.split(".")
    part = changed
    for key in before:
        part = part[key]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return changed


def write_entry(path, name="net", links=None, model=None, **made):
    """Write an entry as `leaderboard entry` does, of a run that nobody made."""
    summary = make_summary(name, **made)
    source = summary["provenance"]
    entry = {
        "entry": 1,
        "model": {"name": name, **(model or {})},
        "links": links or {},
        **{key: summary[key] for key in ("metric", "suite")},
        "data": {"images": source["dataset"]["n_images"], **source["dataset"]},
        "setup": {key: source[key] for key in ("profile", "seed", "frost_textures", "box_protocol")},
        "scores": {key: summary[key] for key in ("clean", "mPC", "rPC", "groups", "corruptions", "cells")},
        "intervals": summary["intervals"],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entry))
    return entry


@pytest.fixture
def entry(tmp_path):
    return write_entry(tmp_path / "entry.json", dataset=COCO_VAL, bands=True)


def test_an_entry_has_the_numbers_of_its_run_recomputed(finished_run):
    entry = make_entry(finished_run, {"paper": "https://example.org/a.pdf"}, "Net", {"parameters": 7})
    summary = json.loads((finished_run / "summary.json").read_text())
    assert entry["scores"]["cells"] == summary["cells"]
    assert entry["scores"]["mPC"] is None
    assert entry["intervals"] == summary["intervals"]
    assert entry["data"]["images"] == summary["provenance"]["dataset"]["n_images"]
    assert entry["model"]["name"] == "Net"
    assert check_entry(json.loads(json.dumps(entry))) == json.loads(json.dumps(entry))
    assert summarize_entry(entry)["mean_of_chosen"] == summary["mean_of_chosen"]


@pytest.mark.parametrize("value", [0.99, 0.5])
def test_a_run_whose_summary_is_not_what_its_matches_give_makes_no_entry(finished_run, tmp_path, value):
    shutil.copytree(finished_run, tmp_path / "run")
    path = tmp_path / "run/summary.json"
    summary = json.loads(path.read_text())
    summary["clean"] = value
    path.write_text(json.dumps(summary))
    with pytest.raises(UserError, match=r"by summary\.json clean scores"):
        make_entry(tmp_path / "run", {})


def test_a_run_without_matches_that_has_intervals_is_refused_and_one_of_a_metric_without_says_so(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "summary.json").write_text(json.dumps(make_summary(bands=True)))
    with pytest.raises(UserError, match="has no matches of clean"):
        make_entry(run, {})
    (run / "summary.json").write_text(json.dumps(make_summary()))
    assert make_entry(run, {})["warnings"] == [
        "its scores could not be recomputed from the run, whose metric keeps no matches"
    ]


def test_means_may_be_left_out_and_are_those_of_the_cells(entry):
    bare = {**entry, "scores": {key: entry["scores"][key] for key in ("clean", "cells")}}
    assert summarize_entry(check_entry(bare))["mPC"] == pytest.approx(entry["scores"]["mPC"])
    assert tell_entry(bare) == tell_entry(entry)


def test_detected_boxes_say_whose_they_are(entry):
    detected = change(change(entry, "data.boxes", "clean-det"), "setup.box_protocol", "clean-det")
    with pytest.raises(UserError, match=r"setup\.box_protocol is clean-det, and data\.boxes_sha256 is missing"):
        check_entry(detected)
    check_entry(change(detected, "data.boxes_sha256", "0" * 64))


@pytest.mark.parametrize(("clean", "corrupted", "words"), [(0.0, 0.0, "next to nothing"), (0.3, 0.5, "far above")])
def test_doubtful_scores_carry_a_warning_that_nobody_has_to_hand_in(entry, tmp_path, run, clean, corrupted, words):
    scores = {"clean": clean, "cells": dict.fromkeys(entry["scores"]["cells"], corrupted)}
    (tmp_path / "net.json").write_text(json.dumps({**entry, "scores": scores, "intervals": None}))
    (tmp_path / "entry.json").unlink()
    told = {"next to nothing": "AP on clean images is 0.0, next to nothing", "far above": "is 50.0, and 30.0 on clean"}
    code, output, errors = run("leaderboard", "check", tmp_path / "net.json")
    assert (code, output.count("ok: "), errors.count("warning: ")) == (0, 1, 1)
    assert told[words] in errors
    assert told[words] in run("leaderboard", tmp_path)[2]
    assert told[words] in (tmp_path / "leaderboard.html").read_text()


def test_check_says_a_line_for_each_file_and_ends_with_2_if_one_is_wrong(run, tmp_path):
    write_entry(tmp_path / "a/good.json", "Nano", dataset=COCO_VAL)
    code, output, errors = run("leaderboard", "check", tmp_path / "a")
    assert (code, errors) == (0, "")
    assert output.endswith("good.json: Nano, mPC 55.0, AP* 70.0 on person_keypoints_val2017.json, 5,000 images\n")
    (tmp_path / "a/summary.json").write_text(json.dumps(make_summary()))
    (tmp_path / "a/none.json").write_text("[]")
    write_entry(tmp_path / "a/lost.json", links={"report": "gone.html"})
    huge = write_entry(tmp_path / "a/huge.json")
    huge["scores"]["cells"] = {f"c{i}/3": 0.5 for i in range(80_000)}
    (tmp_path / "a/huge.json").write_text(json.dumps(huge))
    code, output, errors = run("leaderboard", "check", tmp_path / "a", "--json", tmp_path / "found.json")
    assert code == 2
    lines = errors.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("error: ") and str(tmp_path) in line for line in lines)
    for words in ("at most 1,048,576", "gone.html is not there", 'must have "entry": 1', "is the summary of a run"):
        assert words in errors
    files = json.loads((tmp_path / "found.json").read_text())["files"]
    assert [one["ok"] for one in files] == [True, False, False, False, False]
    assert run("leaderboard", "check", tmp_path / "gone.json")[0] == 2
    (tmp_path / "empty").mkdir()
    assert "has no JSON file in it" in run("leaderboard", "check", tmp_path / "empty")[2]


def test_entry_command_writes_a_file_that_check_takes_for_that_run_alone(run, finished_run, tmp_path):
    out = tmp_path / "entries/net.json"
    words = ("--name", "My net", "--parameters", "28.5M", "--training", "AdvMix", "--link", "code=https://example.org")
    code, output, errors = run("leaderboard", "entry", finished_run, "--out", out, *words)
    assert (code, errors) == (0, "")
    assert output == f"entry: {out}\n"
    assert run("leaderboard", "entry", finished_run, "--out", out, *words)[0] == 0  # over its own
    made = read_entry(out)
    assert made["model"] | {"name": "My net", "parameters": 28_500_000, "training": "AdvMix"} == made["model"]
    assert run("leaderboard", "check", out, "--run", finished_run)[0] == 0
    changed = change(change(made, "scores.cells.contrast/4", 0.123), "scores.corruptions", {})
    out.write_text(json.dumps({**changed, "intervals": None}))
    assert run("leaderboard", "check", out)[0] == 0  # nothing in it contradicts the rest
    code, _, errors = run("leaderboard", "check", out, "--run", finished_run)
    assert code == 2
    assert f"its scores.corruptions is not that of the run in {finished_run}" in errors


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--link", "paper"), "--link takes NAME=URL, such as paper=https://example.org/paper.pdf, got 'paper'"),
        (("--link", "a=https://b.c", "--link", "a=https://b.d"), "--link names 'a' twice"),
        (("--link", "a=javascript:alert(1)"), "links.a must be http://"),
        (("--link", "report=gone.html"), "links.report leads to no file"),
        (("--parameters", "many"), "--parameters must be a number above 0, such as 28500000 or 28.5M, got 'many'"),
        (("--parameters", "0"), "--parameters must be a number above 0"),
        (("--name", " "), "--name must have letters in it"),
    ],
)
def test_entry_command_refuses_what_no_entry_may_say(run, finished_run, tmp_path, words, message):
    code, _, errors = run("leaderboard", "entry", finished_run, "--out", tmp_path / "net.json", *words)
    assert code == 2
    assert errors.startswith("error: ")
    assert message in errors
    assert not (tmp_path / "net.json").exists()


def test_entry_command_writes_over_no_other_file(run, finished_run, tmp_path):
    (tmp_path / "net.json").write_text('{"mine": 1}')
    code, _, errors = run("leaderboard", "entry", finished_run, "--out", tmp_path / "net.json")
    assert code == 2
    assert "is there, and not written by this command" in errors


def test_an_entry_of_other_data_is_not_that_of_the_run(finished_run):
    with pytest.raises(UserError, match="its data"):
        check_same(finished_run, change(make_entry(finished_run, {}), "data.name", "other"), finished_run)


def test_scores_of_metrics_are_those_that_they_name_themselves():
    from robustpose.metrics import SCORES, TABLE, make_metric
    from robustpose.pose.skeletons import MPII

    assert SCORES.keys() == TABLE.keys()
    assert {name: make_metric(name, MPII).primary for name in TABLE} == SCORES


def test_what_is_known_of_a_model_in_no_form_of_an_entry_is_left_out_and_a_long_name_is_refused_with_a_way_out(
    tmp_path,
):
    summary = make_summary("x" * 300)
    summary["provenance"]["estimator"] |= {"input": "any", "kind": 3}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(UserError, match=r"makes no entry: model\.name must be .*--name says another one"):
        make_entry(tmp_path, {})
    assert make_entry(tmp_path, {}, "net")["model"] == {"name": "net"}


@pytest.mark.parametrize("link", ["../secret.html", "%2e%2e/secret.html", "d.html"])
def test_check_refuses_the_links_that_a_board_leaves_out(tmp_path, run, link):
    (tmp_path / "secret.html").write_text("secret")
    entry = tmp_path / "entries/net.json"
    write_entry(entry, links={"report": link})
    (tmp_path / "entries/d.html").symlink_to(tmp_path / "secret.html")
    for named in (tmp_path / "entries", entry):
        code, _, errors = run("leaderboard", "check", named)
        assert code == 2
        assert f"links.report leads out of the folder {tmp_path / 'entries'}: {tmp_path / 'secret.html'}" in errors
    assert run("leaderboard", "check", tmp_path)[0] == 0  # it is in the folder of this board


def test_board_has_the_interval_of_the_mean_of_chosen_cells_from_an_entry_as_from_its_run(finished_run):
    summary, entry = read_summary(finished_run), make_entry(finished_run, {})
    assert entry["intervals"]["mean_of_chosen"] == summary["intervals"]["mean_of_chosen"]
    assert row_of_chosen(summarize_entry(entry)) == row_of_chosen(summary)
