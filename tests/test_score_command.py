import json
import shutil
import sys

import pytest

from tests.runs import assert_interrupt_ends_with_one_line, assert_small_files_only_is_one_line, files_of
from tests.test_cli import one_line_error


@pytest.fixture(scope="module")
def benched(tmp_path_factory, coco_folder):
    """The folder of a run that the command line made."""
    from robustpose.cli import main

    out = tmp_path_factory.mktemp("score") / "run"
    words = ["bench", "--model", "tests.outside:guess_from_pixels", "--annotations", coco_folder / "people.json"]
    words += ["--images", coco_folder / "images", "--corruptions", "contrast", "--severities", "1,3", "--workers", 1]
    words += ["--out", out]
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    assert not end.value.code
    return out


@pytest.fixture
def copy(benched, tmp_path):
    """A copy of it, to be spoilt."""
    return shutil.copytree(benched, tmp_path / "run")


def test_score_writes_what_bench_wrote_and_prints_the_same(run, benched, copy):
    for name in ("summary.json", "slices.json"):
        assert (copy / name).is_file()
    (copy / "slices.json").unlink()
    shutil.rmtree(copy / "matches")
    code, output, _ = run("score", copy)
    assert code == 0
    assert files_of(copy) == files_of(benched)
    assert output == run("report", copy)[1]


def test_other_resamples_are_asked_for_by_number(run, copy):
    assert run("score", copy, "--resamples", "40")[0] == 0
    assert json.loads((copy / "summary.json").read_text())["intervals"]["resamples"] == 40
    assert run("score", copy, "--resamples", "0")[0] == 0
    assert json.loads((copy / "summary.json").read_text())["intervals"] is None
    assert not (copy / "slices.json").exists()


def test_data_that_have_moved_are_named(run, benched, copy, tmp_path, coco_folder):
    shutil.copytree(coco_folder, tmp_path / "moved")
    inputs = json.loads((copy / "inputs.json").read_text())
    inputs["data"].update(annotations="gone.json", images="gone")
    (copy / "inputs.json").write_text(json.dumps(inputs))
    one_line_error(run("score", copy), "was not made by you on this machine, and names files outside it, gone.json")
    one_line_error(run("score", copy, "--trust"), "gone.json: No such file or directory")
    moved = ["--annotations", tmp_path / "moved/people.json", "--images", tmp_path / "moved/images"]
    assert run("score", copy, *moved)[0] == 0
    assert (copy / "summary.json").read_bytes() == (benched / "summary.json").read_bytes()


def test_run_that_does_not_say_where_its_data_are_asks_for_them(run, benched, copy, coco_folder):
    (copy / "inputs.json").unlink()
    one_line_error(run("score", copy), "does not say where its data are: name them, as for bench (--data")
    named = ["--annotations", coco_folder / "people.json", "--images", coco_folder / "images"]
    assert run("score", copy, *named)[0] == 0
    assert (copy / "summary.json").read_bytes() == (benched / "summary.json").read_bytes()


def test_other_data_than_the_runs_are_one_line(run, benched, copy, coco_folder):
    one_line_error(run("score", copy, "--data", "toy"), "these are not the data of")
    named = ["--annotations", coco_folder / "people.json", "--images", coco_folder / "images"]
    one_line_error(run("score", copy, *named, "--limit", 3), "limit: None there, 3 now")
    one_line_error(run("score", copy, *named, "--metric", "pck:box@0.1"), "metric: 'coco_ap' there")
    assert files_of(copy) == files_of(benched)


def test_changed_annotations_are_other_data(run, copy, tmp_path, coco_folder, coco_content):
    coco_content["annotations"][0]["keypoints"][0] += 1
    (tmp_path / "people.json").write_text(json.dumps(coco_content))
    result = run("score", copy, "--annotations", tmp_path / "people.json", "--images", coco_folder / "images")
    one_line_error(result, "people.json has changed since this run was begun")


def test_folder_that_is_no_run_is_one_line_with_data_or_without(run, tmp_path):
    for folder in (tmp_path, tmp_path / "nothing"):
        for words in ([], ["--data", "toy"]):
            one_line_error(run("score", folder, *words), "has no summary.json: it is no run folder")


def test_damaged_predictions_are_one_line(run, copy):
    path = copy / "predictions/contrast-3.json"
    for text in (path.read_text()[:-40], "{}", '[{"image_id": 1}]'):
        path.write_text(text)
        one_line_error(run("score", copy), "contrast-3.json")
    path.unlink()
    one_line_error(run("score", copy), "contrast-3.json")


def test_numbers_that_mean_nothing_are_one_line(run, copy):
    one_line_error(
        run("score", copy, "--resamples", "-1"), "--resamples must be at least 40, or 0 for no intervals, got"
    )
    one_line_error(run("score", copy, "--workers", "0"), "--workers must be at least 1, got 0")


def test_report_shows_no_pictures_of_other_data(run, copy):
    inputs = json.loads((copy / "inputs.json").read_text())
    inputs["data"] = {"name": "toy"}
    (copy / "inputs.json").write_text(json.dumps(inputs))
    code, _, errors = run("report", copy)
    assert code == 0
    assert "warning: the page has no gallery: the images are not those of" in errors


def test_interrupt_ends_with_one_line(run, tmp_path, monkeypatch):
    words = ["--model", "tests.outside:guess_from_pixels", "--data", "tests.outside:Squares", "--workers", "1"]
    words += ["--metric", "tests.slow:SlowScore", "--corruptions", "contrast", "--severities", "2"]
    assert run("bench", *words, "--out", tmp_path / "run")[0] == 0
    (tmp_path / "run/.lock").unlink()
    monkeypatch.setenv("SECONDS_AN_IMAGE", "0.5")
    command = [sys.executable, "-m", "robustpose", "score", str(tmp_path / "run"), *words[2:4], *words[6:8]]
    assert_interrupt_ends_with_one_line(command, lambda _: (tmp_path / "run/.lock").exists())


def test_file_system_that_refuses_a_file_is_one_line(copy):
    command = [sys.executable, "-m", "robustpose", "score", copy]
    assert_small_files_only_is_one_line(command, 5000)  # bytes: the report is larger


def test_disk_that_fills_up_at_any_file_is_one_line_and_a_later_start_ends_with_the_same_bytes(
    run, copy, benched, full_disk
):
    for room in range(20):
        full_disk(room)
        result = run("score", copy)
        if result[0] == 0:
            break
        one_line_error(result, "No space left on device): finished work is kept")
    assert room > 5
    assert files_of(copy) == files_of(benched)


def test_what_a_killed_process_left_is_removed(run, copy, benched):
    (copy / ".summary.json.77.part").write_text("{")
    assert run("score", copy)[0] == 0
    assert files_of(copy) == files_of(benched)
