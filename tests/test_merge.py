"""merge: shards become the folder of one run, to the byte; what is missing, foreign or there twice is named."""

import json
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from robustpose import files
from robustpose.benchmark.shards import merge
from robustpose.benchmark.shards.folder import shard_path
from robustpose.benchmark.shards.split import Shard, list_shard_tasks
from robustpose.cli import main
from robustpose.corruptions.suites import choose_cells
from tests.kills.stop import find_differences
from tests.runs import damage
from tests.test_cli import one_line_error

CELLS = ("--corruptions", "contrast,brightness", "--severities", "1,4")


def call(*words):
    """Run a command that works."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    assert not end.value.code


@pytest.fixture(scope="module")
def made(tmp_path_factory, coco_folder):
    """A whole run, and the same one in three shards; both in a place that is the same wherever a test moves them."""
    folder = tmp_path_factory.mktemp("merge")
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--workers", 1)
    bench = ("bench", "--model", "tests.outside:guess_from_pixels", *data, *CELLS)
    call(*bench, "--resamples", 50, "--out", folder / "whole")
    for number in (1, 2, 3):
        call(*bench, "--out", folder / "run", "--shard", f"{number}/3")
    call(*bench, "--out", folder / "other", "--shard", "2/3", "--seed", 3)
    call(*bench, "--out", folder / "four", "--shard", "1/4")
    return SimpleNamespace(folder=folder, bench=bench)


@pytest.fixture
def shards(made, tmp_path):
    """A copy of the shards, to be merged, and of the whole run, beside it as they were made."""
    shutil.copytree(made.folder / "whole", tmp_path / "whole")
    return shutil.copytree(made.folder / "run", tmp_path / "run")


def assert_same_as_whole(out, tmp_path):
    """Assert that a folder is the whole run's, but for where its data are as seen from there."""
    here, there = (json.loads((one / "inputs.json").read_text()) for one in (out, tmp_path / "whole"))
    for note in (here, there):
        del note["seal"], note["seen_from_run"]
    assert here == there
    shutil.copy(out / "inputs.json", tmp_path / "whole/inputs.json")
    assert find_differences(tmp_path / "whole", out) == []


def test_shards_in_a_folder_become_its_run_to_the_byte(run, shards, tmp_path):
    code, output, errors = run("merge", shards, "--resamples", 50, "--workers", 1)
    assert code == 0, errors
    assert output.endswith(f"report: {shards / 'report.html'}\n")
    assert "9 images × 5 cells, 18 people, gt boxes, tests.outside:guess_from_pixels: all are predicted" in errors
    assert_same_as_whole(shards, tmp_path)
    code, output, _ = run("merge", shards)
    assert code == 0
    assert output.endswith("run is a finished run already: nothing to merge (robustpose score scores it again)\n")


@pytest.mark.parametrize("n", [1, 7, 100])
def test_any_number_of_shards_gives_the_same_bytes(made, n):
    cells = choose_cells(["contrast", "brightness"], [1, 4])
    words = (*made.bench, "--out", made.folder / "again")
    has_units = [k for k in range(1, n + 1) if list_shard_tasks(Shard(k, n), 9, cells)]
    empty = [k for k in range(1, n + 1) if k not in has_units]
    for k in [*has_units, *empty[:1]]:
        call(*words, "--shard", f"{k}/{n}")
    for k in empty[1:]:  # as bench leaves them: a start of each takes a second
        copy_shard(made.folder / "again", empty[0], k, n)
    call("merge", made.folder / "again", "--resamples", 50, "--workers", 1)
    subprocess.run(["diff", made.folder / "whole/inputs.json", made.folder / "again/inputs.json"], check=True)
    assert find_differences(made.folder / "whole", made.folder / "again") == []
    shutil.rmtree(made.folder / "again")


def copy_shard(out, number, other, n):
    """Make the folder of a shard that has no units from that of another one."""
    place = shutil.copytree(shard_path(out, Shard(number, n)), shard_path(out, Shard(other, n)))
    note = json.loads((place / "shard.json").read_text())
    (place / "shard.json").write_text(json.dumps({**note, "shard": f"{other}/{n}"}, indent=2) + "\n")


def test_folders_of_their_own_are_merged_and_stay(run, shards, tmp_path):
    (tmp_path / "b/shards").mkdir(parents=True)
    (shards / "shards/3-of-3").rename(tmp_path / "b/shards/3-of-3")
    one_line_error(run("merge", shards, tmp_path / "b"), "--out DIR must say where the run of these shards is to be")
    one_line_error(run("merge", shards, tmp_path / "b", "--out", shards), "is one of several folders with shards")
    out = tmp_path / "c"
    code, _, errors = run(
        "merge", shards, tmp_path / "b/shards/3-of-3", "--out", out, "--resamples", 50, "--workers", 1
    )
    assert code == 0, errors
    assert_same_as_whole(out, tmp_path)
    assert len(list(tmp_path.glob("*/shards/*/shard.json"))) == 3
    one_line_error(run("merge", tmp_path / "b", "--out", shards), "holds shards that are not named")


def test_stopped_anywhere_it_ends_with_the_same_bytes(run, shards, tmp_path, monkeypatch):
    """Ctrl-C before every file that is written, and every one that is removed."""
    n_stops = 0
    for step in (3, 5, 2, 4, 3, 2, 6, 9, 2, 3, 50):
        left = [step]

        def stop(real, left=left):
            def call(*given, **more):
                left[0] -= 1
                if not left[0]:
                    raise KeyboardInterrupt
                return real(*given, **more)

            return call

        with monkeypatch.context() as patch:
            patch.setattr(files._Part, "take", stop(files._Part.take))
            patch.setattr(merge.Path, "unlink", stop(merge.Path.unlink))
            code, _, errors = run("merge", shards, "--resamples", 50, "--workers", 1)
        assert code in (0, 130), errors
        n_stops += code == 130
    assert n_stops > 5
    assert run("merge", shards, "--resamples", 50, "--workers", 1)[0] == 0
    assert_same_as_whole(shards, tmp_path)


def test_empty_folders_that_a_killed_merge_left_go(run, shards, tmp_path):
    assert run("merge", shards, "--resamples", 50, "--workers", 1)[0] == 0
    (shards / "shards/1-of-3/units/clean").mkdir(parents=True)
    (shards / "shards/.merged").touch()
    assert run("merge", shards)[0] == 0
    assert_same_as_whole(shards, tmp_path)


def test_missing_and_unfinished_shards_are_named(run, shards):
    unit = next((shards / "shards/2-of-3").rglob("*.npz"))
    unit.unlink()
    line = f"shard 2/3 in {shards}/shards/2-of-3 is unfinished (2 of 3 units): run its command again"
    one_line_error(run("merge", shards), line)
    shutil.rmtree(shards / "shards/1-of-3")
    shutil.rmtree(shards / "shards/3-of-3")
    line = "shards 1 and 3 of 3 are not there: run bench with --shard K/N for each of them, then merge again; shard 2/3"
    one_line_error(run("merge", shards), line)


def test_shards_that_overlap_are_named_with_their_folders(run, shards, made, tmp_path):
    out = ("--out", tmp_path / "out")
    line = f"{shards}/shards/1-of-3 is shard 1/3 and {made.folder}/four/shards/1-of-4 is shard 1/4: they overlap"
    one_line_error(run("merge", shards, made.folder / "four", *out), line)
    one_line_error(run("merge", shards, shards, *out), "shard 1/3 is given twice")
    other = shutil.copytree(shards / "shards/2-of-3", tmp_path / "copy")
    line = f"shard 2/3 is there twice, {shards}/shards/2-of-3 and {other}: leave one of them out"
    one_line_error(run("merge", shards, other, *out), line)
    assert not (tmp_path / "out").exists()


def test_foreign_shards_are_named_with_what_differs(run, shards, made):
    shutil.rmtree(shards / "shards/2-of-3")
    shutil.copytree(made.folder / "other/shards/2-of-3", shards / "shards/2-of-3")
    code, _, errors = run("merge", shards)
    assert code == 2
    assert f"{shards}/shards/1-of-3 and {shards}/shards/2-of-3 are shards of different runs (" in errors
    assert "seed: 'release' in the first, 3 in the second" in errors


def test_damaged_unit_is_named_and_made_again(run, shards, made, tmp_path):
    unit = next((shards / "shards/2-of-3").rglob("*.npz"))
    unit.write_bytes(damage("cut", unit.read_bytes()))
    code, _, errors = run("merge", shards, "--workers", 1, "--resamples", 50)
    assert code == 2
    assert f"{unit} is damaged: " in errors
    assert "run the command of shard 2/3 again, which makes it anew, then merge again" in errors
    call(*made.bench, "--out", shards, "--shard", "2/3")
    assert run("merge", shards, "--workers", 1, "--resamples", 50)[0] == 0
    assert_same_as_whole(shards, tmp_path)


def test_folders_without_shards_are_named(run, shards, made, tmp_path):
    out = ("--out", tmp_path / "out")
    one_line_error(run("merge", tmp_path / "nothing", *out), "there is no folder")
    (tmp_path / "empty").mkdir()
    one_line_error(run("merge", tmp_path / "empty"), "has no shards: bench --shard K/N --out")
    one_line_error(run("merge", shards, tmp_path / "whole", *out), "whole is a finished run, not shards of one")
    (tmp_path / "whole/summary.json").unlink()
    one_line_error(run("merge", tmp_path / "whole"), "whole is a run that was begun without --shard")
    (tmp_path / "whole/preview.json").touch()
    one_line_error(run("merge", tmp_path / "whole"), "whole is a preview, not shards of one: leave it out")
    for note in ("[]", "{}", "rubbish", '{"shard": 3, "images": 9, "suite": {}, "cells": {}}'):
        (shards / "shards/1-of-3/shard.json").write_text(note)
        assert run("merge", shards)[0] == 2


def test_gates_names_and_pages_are_merges(run, shards, tmp_path):
    one_line_error(run("merge", shards, "--fail-under", "mPC=0.1"), "mPC")
    code, _, errors = run(
        "merge", shards, "--fail-under", "clean=0.99", "--name", "Mine", "--no-report", "--workers", 1
    )
    assert code == 3
    assert "FAILED: AP* " in errors
    assert json.loads((shards / "summary.json").read_text())["name"] == "Mine"
    assert not (shards / "report.html").exists()


def test_data_that_have_moved_are_named(run, shards, made, tmp_path, coco_folder):
    for path in shards.glob("shards/*/inputs.json"):
        note = json.loads(path.read_text())
        note["data"].update(annotations="gone.json", images="gone")
        path.write_text(json.dumps(note))
    one_line_error(run("merge", shards), "was not made by you on this machine, and names files outside it, gone.json")
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images")
    one_line_error(run("merge", shards, *data, "--limit", 3), "these are not the data of")
    assert run("merge", shards, *data, "--resamples", 50, "--workers", 1)[0] == 0
    assert_same_as_whole(shards, tmp_path)


def test_dry_run_changes_nothing(run, shards, tmp_path):
    shutil.copytree(shards, tmp_path / "before")
    code, _, errors = run("merge", shards, "--dry-run", "--workers", 1)
    assert code == 0
    assert errors.startswith("9 images × 5 cells")
    assert find_differences(tmp_path / "before", shards) == []


def test_what_others_put_beside_shards_stays(run, shards):
    (shards / "shards/log.txt").write_text("mine")
    (shards / "shards/1-of-3/letter.txt").write_text("mine")
    assert run("merge", shards, "--resamples", 0, "--workers", 1)[0] == 0
    assert sorted(path.name for path in (shards / "shards").rglob("*")) == ["1-of-3", "letter.txt", "log.txt"]
    assert run("merge", shards)[0] == 0
