import json
import shutil
from functools import cache

import pytest

from robustpose.benchmark import extend, predict
from robustpose.benchmark.chunks import extend_chunks, find_chunks
from robustpose.cli import main
from robustpose.errors import UserError
from robustpose.results.run_folder import RunFolder
from robustpose.results.summary import read_summary
from robustpose.work import cut_chunks
from tests.runs import Stop, files_of

CELLS = ("--corruptions", "contrast,tests.outside:darken", "--severities", "4", "--seed", "5", "--resamples", "40")
FEWER_CELLS = ("--corruptions", "contrast", *CELLS[2:])
PCK = ("--metric", "pck:box@0.2")


def run_bench(folder, coco_folder, limit, *words, annotations=None, cells=CELLS):
    """Bench the first images into a folder, and return the exit code."""
    data = ("--annotations", annotations or coco_folder / "people.json", "--images", coco_folder / "images")
    limits = () if limit is None else ("--limit", limit)
    words = ("--model", "tests.outside:guess_from_pixels", *data, *cells, *limits, "--workers", 1, *words)
    with pytest.raises(SystemExit) as end:
        main(["bench", *map(str, words), "--out", str(folder)])
    return end.value.code


@pytest.fixture(scope="module")
def whole(tmp_path_factory, coco_folder):
    """A function that returns the folder of a run in one go. All folders are as deep: they remember where data are."""

    @cache
    def make(limit, *words):
        folder = tmp_path_factory.mktemp("whole") / "run"
        assert run_bench(folder, coco_folder, limit, *words) == 0
        return folder

    return make


@pytest.fixture
def bench(coco_folder, tmp_path, capsys):
    """A function that goes on with a run, and returns what is printed on standard error; nothing if all is well."""

    def bench(limit, *words, **options):
        code = run_bench(tmp_path / "run", coco_folder, limit, *words, **options)
        errors = capsys.readouterr().err
        return errors if code else ""

    return bench


@pytest.fixture
def predicted(monkeypatch):
    """The ids of images that are predicted, once for each cell."""
    ids = []

    def note(in_cell, *more, original=predict.predict):
        ids.extend(frame.image_id for frame in in_cell)
        return original(in_cell, *more)

    monkeypatch.setattr(predict, "predict", note)
    return ids


@pytest.mark.parametrize(("before", "limit"), [(5, 8), (5, 100), (8, None), (20, None)])
def test_a_run_of_more_images_predicts_those_alone_and_is_to_the_byte_one_of_all(
    bench, whole, predicted, tmp_path, before, limit
):
    shutil.copytree(whole(before), tmp_path / "run")
    expected = files_of(whole(limit))
    predicted.clear()
    assert bench(limit) == ""
    assert sorted(predicted) == sorted([*range(min(before, 9) + 1, min(limit or 9, 9) + 1)] * 3)
    assert files_of(tmp_path / "run") == expected


def test_it_grows_again_and_again_and_units_of_unfinished_runs_are_kept(bench, whole, predicted, tmp_path, monkeypatch):
    finish = predict.gather_cell
    for limit in (5, 6, 9):  # stopped when all units are there
        with monkeypatch.context() as patch:
            patch.setattr(predict, "gather_cell", lambda *words: 1 / 0)
            assert "ZeroDivisionError" in bench(limit)
        assert sorted(set(predicted)) == [*range(1, limit + 1)]
    assert predict.gather_cell is finish
    assert len(predicted) == 9 * 3
    assert bench(9) == ""
    assert len(predicted) == 9 * 3
    assert files_of(tmp_path / "run") == files_of(whole(9))


def test_limit_that_leaves_out_nothing_is_none(bench, whole, tmp_path):
    shutil.copytree(whole(None), tmp_path / "run")
    for limit in (9, 500, None):
        assert bench(limit) == ""
        for name in ("run.json", "summary.json"):
            assert (tmp_path / "run" / name).read_bytes() == (whole(None) / name).read_bytes()
    assert "takes fewer" in bench(8)


def test_idle_limit_that_was_noted_before_goes_on(bench, run, whole, tmp_path):
    shutil.copytree(whole(9), tmp_path / "run")
    for name in ("run.json", "summary.json"):
        content = json.loads((tmp_path / "run" / name).read_text())
        (content if name == "run.json" else content["provenance"])["dataset"]["limit"] = 20
        (tmp_path / "run" / name).write_text(json.dumps(content))
    code, _, errors = run("score", tmp_path / "run", "--workers", 1, *CELLS[:2])
    assert code == 0, errors
    for limit in (9, 20, None):
        assert bench(limit) == ""


def test_scores_without_their_predictions_are_one_line(run, whole, tmp_path):
    shutil.copytree(whole(5), tmp_path / "run")
    (tmp_path / "run/predictions/clean.json").unlink()
    code, _, errors = run("score", tmp_path / "run")
    assert code == 2
    assert f"{tmp_path}/run lacks predictions of its run ({tmp_path}/run/predictions/clean.json is not there)" in errors


def test_cells_that_are_not_asked_for_now_keep_their_first_images(bench, whole, predicted, tmp_path):
    shutil.copytree(whole(5), tmp_path / "run")
    assert bench(8, cells=FEWER_CELLS) == ""
    assert (tmp_path / "run/units/chunks.json").is_file()
    predicted.clear()
    assert bench(8) == ""
    assert sorted(predicted) == [6, 7, 8]
    assert files_of(tmp_path / "run") == files_of(whole(8))


def test_fewer_images_and_whatever_else_has_changed_are_refused_and_nothing_is_lost(
    bench, whole, tmp_path, coco_content
):
    shutil.copytree(whole(8), tmp_path / "run")
    before = files_of(tmp_path / "run")
    assert "holds results of the first 8 images, and --limit 5 takes fewer" in bench(5)
    assert "metric" in bench(9, *PCK)
    coco_content["annotations"][0]["keypoints"][0] += 1
    (tmp_path / "people.json").write_text(json.dumps(coco_content))
    assert "people.json has changed since this run was begun" in bench(9, annotations=tmp_path / "people.json")
    assert files_of(tmp_path / "run") == before


@pytest.mark.parametrize("words", [PCK, ("--only-with-people",)])
def test_other_metrics_and_chosen_images_grow_alike(bench, whole, predicted, tmp_path, words):
    shutil.copytree(whole(5, *words), tmp_path / "run")
    expected = files_of(whole(8, *words))
    predicted.clear()
    assert bench(8, *words) == ""
    assert sorted(predicted) == sorted([6, 7, 8] * 3)
    assert files_of(tmp_path / "run") == expected


def test_fresh_removes_the_note_of_chunks_too(bench, whole, tmp_path):
    shutil.copytree(whole(5), tmp_path / "run")
    bench(8, cells=FEWER_CELLS)
    assert bench(8, "--fresh") == ""
    assert files_of(tmp_path / "run") == files_of(whole(8))


@pytest.mark.parametrize("step", [0, 1, 2, 9, 12, 14, 20, 21, 22, 23])
def test_killed_at_any_file_of_the_change_the_folder_is_whole_and_ends_with_the_same(
    bench, whole, tmp_path, monkeypatch, step
):
    shutil.copytree(whole(5), tmp_path / "run")
    left = iter(range(step))

    def count(original):
        def act(*words, **options):
            if next(left, None) is None:
                raise Stop
            return original(*words, **options)

        return act

    with monkeypatch.context() as patch:
        for place, name in ((RunFolder, "write_unit"), (type(tmp_path), "unlink"), (extend, "write_text")):
            patch.setattr(place, name, count(getattr(place, name)))
        assert "Stop" in bench(8)
    if step:  # then nothing takes it for a finished run
        with pytest.raises(UserError, match="its bench has not finished"):
            read_summary(tmp_path / "run")
    limit = json.loads((tmp_path / "run/run.json").read_text())["dataset"]["limit"]
    assert limit == (5 if step < 23 else 8)
    if step in (1, 12, 21):  # it may go on as a run of the first images, too
        assert bench(5) == ""
        assert files_of(tmp_path / "run") == files_of(whole(5))
    assert bench(8) == ""
    assert files_of(tmp_path / "run") == files_of(whole(8))


def test_chunks_stay_where_they_were_cut(tmp_path):
    folder = RunFolder(tmp_path)
    assert find_chunks(folder, 300) == cut_chunks(300)
    before = extend_chunks(folder, 300, 310)
    assert before == cut_chunks(300)
    after = find_chunks(folder, 310)
    assert after[: len(before)] == before
    assert [index for chunk in after for index in chunk.indices] == list(range(310))
    assert find_chunks(folder, 300) == before  # still
    assert extend_chunks(folder, 310, 1000) == after


@pytest.mark.parametrize("content", ["", "{}", "[3, 2]", "[0]", "[true]", "[1.5]", "[5, 9]"])
def test_a_damaged_note_of_chunks_is_an_error(tmp_path, content):
    folder = RunFolder(tmp_path)
    folder.chunks_path.parent.mkdir()
    folder.chunks_path.write_text(content)
    with pytest.raises(UserError, match=r"chunks\.json"):
        find_chunks(folder, 8)
