"""bench --shard: what a shard leaves, how it goes on, and what it refuses."""

import json

import pytest

from tests.runs import damage, files_of
from tests.test_cli import one_line_error

BENCH = ("bench", "--model", "tests.outside:guess_from_pixels", "--data", "toy", "--limit", 9, "--workers", 1)
CELLS = ("--corruptions", "contrast,brightness", "--severities", "1,4")


@pytest.fixture
def shard(run, tmp_path):
    """A function that runs a shard of the run in tmp_path/run."""

    def run_one(which, *more, out="run", cells=CELLS):
        return run(*BENCH, *cells, "--out", tmp_path / out, "--shard", which, *more)

    return run_one


def test_shard_leaves_its_units_and_says_what_comes_next(shard, tmp_path):
    code, output, errors = shard("2/3")
    assert code == 0, errors
    assert output == f"shard 2/3 is finished: robustpose merge {tmp_path / 'run'}, once all are\n"
    assert "shard 2/3: 12 of 45 images × cells, gt boxes, tests.outside:guess_from_pixels: less than 10 s" in errors
    files = files_of(tmp_path / "run")
    assert {name.split("/units")[0] for name in files} == {
        "shards/2-of-3", "shards/2-of-3/about.json", "shards/2-of-3/inputs.json", "shards/2-of-3/shard.json",
    }  # fmt: skip


def test_finished_shard_is_left_as_it_is_and_damaged_units_are_made_again(shard, tmp_path):
    shard("1/2")
    before = files_of(tmp_path / "run")
    code, _, errors = shard("1/2")
    assert code == 0
    assert "all are predicted" in errors
    units = sorted((tmp_path / "run").rglob("*.npz"))
    units[0].write_bytes(damage("middle", units[0].read_bytes()))
    units[1].unlink()
    assert "16 of 24 are predicted" in shard("1/2")[2]
    assert files_of(tmp_path / "run") == before


def test_fresh_starts_over_its_own_shard_alone(shard, tmp_path):
    shard("1/2")
    shard("2/2")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run/shards").glob("*/units/*/*.npz")}
    assert "started over: " in shard("2/2", "--fresh")[2]
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "run/shards").glob("*/units/*/*.npz")}
    changed = {path.parts[-4] for path in before if before[path] != after[path]}
    assert changed == {"2-of-2"}


def test_surplus_shard_says_that_there_is_nothing_to_do(shard, tmp_path):
    code, output, errors = shard("1/100")
    assert code == 0
    assert output.startswith("shard 1/100 has nothing to do, since there are more shards than units: robustpose merge")
    assert "nothing to do, there are more shards than units" in errors


def test_dry_run_says_the_plan_of_the_shard_and_writes_nothing(shard, tmp_path):
    code, _, errors = shard("1/2", "--dry-run", "--json", tmp_path / "plan.json")
    assert code == 0
    assert errors.startswith("shard 1/2: ")
    plan = json.loads((tmp_path / "plan.json").read_text())["plan"]
    assert (plan["shard"], plan["n_images"], plan["n_done"]) == ("1/2", 9, 0)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--preview",), "--preview estimates from a few images, and has no shards: leave out --shard or --preview"),
        (("--fail-under", "clean=0.3"), "--fail-under is about scores, and a shard has none"),
        (("--name", "x"), "--name is about scores, and a shard has none"),
        (("--no-report",), "--no-report is about scores, and a shard has none"),
        (("--resamples", "50"), "--resamples is about scores, and a shard has none"),
    ],
)
def test_options_about_a_whole_run_are_for_merge(shard, tmp_path, words, line):
    one_line_error(shard("1/2", *words), line)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["0/4", "5/4", "a/b", "3"])
def test_what_is_no_shard_is_one_line(shard, text):
    one_line_error(shard(text), f"got '{text}'")


def test_other_setups_in_the_folder_of_a_shard_are_refused(shard):
    shard("1/2")
    one_line_error(shard("1/2", "--seed", 3), "holds units of another setup")
    one_line_error(shard("1/2", cells=(*CELLS[:3], "1")), "cells.brightness: [1, 4] there, [1] now")
    one_line_error(shard("1/2", "--limit", 8), "images: 9 there, 8 now")
    one_line_error(
        shard("2/2", "--seed", 3), "is a shard of another setup (profile: 'release' there, 'independent' now"
    )
    one_line_error(shard("3/4"), "is one of 2 shards, and --shard 3/4 asks for one of 4: go on with --shard K/2")
    assert shard("2/2", "--seed", 3, "--fresh")[0] == 0  # merge says so


def test_folders_that_hold_something_else_are_refused(shard, run, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").touch()
    one_line_error(shard("1/2", out="full"), "is not empty (letter.txt, …) and holds no shards of a run")
    assert run(*BENCH, *CELLS, "--resamples", 0, "--no-report", "--out", tmp_path / "whole")[0] == 0
    one_line_error(shard("1/2", out="whole"), "holds a finished run: choose another --out for shards")
    (tmp_path / "whole/summary.json").unlink()
    one_line_error(shard("1/2", out="whole"), "holds a run that was begun without --shard: choose another --out")


def test_bench_without_shard_says_what_to_do_with_shards(shard, run, tmp_path):
    shard("1/2")
    one_line_error(
        run(*BENCH, *CELLS, "--out", tmp_path / "run"),
        "holds shards of a run: go on with bench --shard K/N, or with robustpose merge",
    )
