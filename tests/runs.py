"""Small finished runs, made from predictions that are the truth and some noise; what runs leave, and how they stop."""

import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from robustpose.corruptions.suites import cells_of, choose_cells
from robustpose.data.coco import read_coco
from robustpose.pose.results_json import write_results
from robustpose.pose.types import Poses

ROOT = Path(__file__).parents[1]
CELLS = choose_cells(["fog", "contrast"], [1, 4])
OTHERS = cells_of(["spatter", "saturate"], [1, 4])  # of held-out


def write_predictions(folder, coco_folder, noise, cells=CELLS, seed=0):
    """Write a results file for each cell: the truth, moved by `noise` px, more so at higher severities."""
    folder.mkdir()
    people = read_coco(coco_folder / "people.json", coco_folder / "images")
    rng = np.random.default_rng(seed)
    for cell in cells:
        found = []
        for index in range(len(people)):
            truth = people.truth(index)
            xy = truth.xy + rng.normal(0, noise * (1 + cell.severity / 4), truth.xy.shape)
            found.append(Poses(truth.image_id, xy, np.ones(xy.shape[:2]), rng.random(len(xy))))
        write_results(folder / f"{cell.file_stem}.json", found)
    return folder


def bench_predictions(run, coco_folder, predictions, out, *words):
    """Bench a folder of predictions and return the run folder."""
    corruptions = () if "--corruptions" in words else ("--corruptions", "fog,contrast", "--severities", "1,4")
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images")
    code, _, errors = run(
        "bench", "--model", f"results:{predictions}", *data, *corruptions, "--workers", 1, "--out", out, *words
    )
    assert code == 0, errors
    return out


def run_quietly(*words):
    """Run a command where nothing captures what it prints, and return as the fixture `run` does."""
    from robustpose.cli import main

    try:
        main([str(word) for word in words])
    except SystemExit as end:
        return end.code or 0, "", ""
    return 0, "", ""


def bench_on_suites(run, coco_folder, folder, seed=0):
    """Bench a good and a bad model on two suites each: good on coco-c, good on held-out, bad on each; their folders."""
    folders = []
    for name, noise in (("good", 1.0), ("bad", 6.0)):
        predictions = write_predictions(folder / f"{name}-poses", coco_folder, noise, [*CELLS, *OTHERS[1:]], seed)
        for suite, names in (("coco-c", "fog,contrast"), ("held-out", "spatter,saturate")):
            words = ("--suite", suite, "--corruptions", names, "--severities", "1,4", "--name", name, "--no-report")
            folders.append(bench_predictions(run, coco_folder, predictions, folder / f"{name}-{suite}", *words))
    return folders


def files_of(folder):
    """Return the bytes of everything that a run or a corrupted set leaves for others to read."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


class Stop(Exception):
    """Stands for Ctrl-C."""


def heed_interrupts():
    """Let a command hear signals: what runs in the background, or with nohup, is deaf to some, as is all below it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def assert_interrupt_ends_with_one_line(command, is_at_work):
    """Start a command, interrupt it and its workers when ``is_at_work(pid)``, and assert that it ends with one line."""
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heed_interrupts
    )
    while process.poll() is None and not is_at_work(process.pid):
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert errors.strip().splitlines()[-1] == "stopped; finished work is kept: the same command goes on from there"
    assert "Traceback" not in errors


def children_of(pid):
    """Return the ids of a process's children."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    if not path.parent.exists():
        return []
    return [int(child) for child in path.read_text().split()]


def assert_small_files_only_is_one_line(command, limit):
    """Run a command on a file system that takes no file above `limit` bytes, and assert that it says so in one line."""

    def allow_small_files_only():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, preexec_fn=allow_small_files_only
    )
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "error" in line]
    assert line.startswith("error: cannot write ")
    assert "(File too large): finished work is kept" in line
    assert "Traceback" not in done.stderr


def damage(kind, whole):
    """Return what is left of a file's bytes."""
    if kind == "empty":
        return b""
    if kind == "rubbish":
        return b"rubbish"
    if kind == "cut":
        return whole[: len(whole) // 2]
    middle = len(whole) // 2
    return whole[: middle - 20] + bytes(byte ^ 255 for byte in whole[middle - 20 : middle + 20]) + whole[middle + 20 :]


def forget_modules(package):
    """Let the modules of a package be imported anew, as another command would."""
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


@contextmanager
def few_images_do():
    """Let two images or more tell runs apart, where what is tested is not how many it takes."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (
            "compare",
            "compared",
            "compare_suites",
            "held_gains",
            "held_grouped",
            "losses",
            "verdict_across",
        ):
            patch.setattr(f"robustpose.results.{module}.FEW_IMAGES", 2)
        patch.setattr("robustpose.results.verdict_compare.FEW_IMAGES", 2)
        for module in ("compare_table", "across_tables"):
            patch.setattr(f"robustpose.show.{module}.FEW_IMAGES", 2)
        yield
