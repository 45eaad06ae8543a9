"""Jobs: the commands that are killed, small, and what they need."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from robustpose.data.images import write_image
from tests.conftest import make_coco_folder
from tests.scenes import draw_scene

ROOT = Path(__file__).parents[2]
DATA = ("--annotations", "data/people.json", "--images", "data/images")
CELLS = ("--corruptions", "contrast,gaussian_noise", "--severities", "1,4", "--seed", "5")
MODEL = ("bench", "--model", "tests.outside:guess_from_pixels", *DATA)
BENCH = (*MODEL, *CELLS, "--resamples", "50", "--out", "OUT")
SHARD = (*BENCH[:-4], "--shard", "1/2", "--out", "OUT")
DEMO = ("bench", "--model", "demo", *DATA, *CELLS, "--resamples", "50", "--out", "OUT")
CORRUPT = ("corrupt", *DATA, *CELLS, "--out", "OUT")
TRAIN = (
    "train", "--recipe", "recipe.yaml", "--out", "OUT", "--annotations", "data/people.json", "--images", "data/images",
    "--val-annotations", "data/people.json",
)  # fmt: skip
RECIPE = {
    "model": "small", "input_wh": [32, 64], "sigma": 1.0, "epochs": 2, "batch_size": 6, "lr": 1e-3, "decay_at": [1],
    "checkpoint_every": 1, "sheet_people": 2, "engine": {"accelerator": "cpu", "threads": 1},
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A command that writes to OUT, a path that is the same wherever a run of it lies."""

    words: Sequence[str]
    goes_on: bool = True  # whether a start takes what the last one has finished; else it does everything again
    has_workers: bool = False
    start_from: str = ""  # folder of the inputs that OUT begins as a copy of
    same_as: str = ""  # job that gives the same files in its folder, or "run" where those of the inputs stay the same


JOBS = {
    "bench": Job((*BENCH, "--workers", "1")),
    "bench-2": Job((*BENCH, "--workers", "2"), has_workers=True, same_as="bench"),
    "bench-demo": Job((*DEMO, "--workers", "1")),
    "bench-served": Job((*DEMO, "--workers", "2", "--network-processes", "1"), has_workers=True, same_as="bench-demo"),
    "extend": Job((*BENCH, "--workers", "1"), start_from="short", same_as="bench"),
    "extend-2": Job((*BENCH, "--workers", "2"), has_workers=True, start_from="short", same_as="bench"),
    "shard": Job((*SHARD, "--workers", "1")),
    "shard-2": Job((*SHARD, "--workers", "2"), has_workers=True, same_as="shard"),
    "merge": Job(("merge", "OUT", "--resamples", "50", "--workers", "1"), start_from="shards", same_as="bench"),
    "preview": Job((*MODEL, "--seed", "5", "--preview", "--preview-images", "5", "--resamples", "50", "--out", "OUT")),
    "corrupt": Job((*CORRUPT, "--workers", "1")),
    "corrupt-2": Job((*CORRUPT, "--workers", "2"), has_workers=True, same_as="corrupt"),
    "corrupt-images": Job(("corrupt", "data/images/000001.jpg", *CELLS, "--out", "OUT"), goes_on=False),
    "train": Job(TRAIN),
    "train-2": Job((*TRAIN, "--set", "engine.workers=2"), has_workers=True),
    "stylize": Job(("stylize", *DATA, "--styles", "styles", "--out", "OUT", "--workers", "1")),
    "score": Job(
        ("score", "OUT", "--resamples", "50", "--workers", "1"), goes_on=False, start_from="run", same_as="run"
    ),
    "report": Job(("report", "OUT"), goes_on=False, start_from="run", same_as="run"),
    "compare": Job(("compare", "run", "other", "--resamples", "50", "--out", "OUT"), goes_on=False),
    "leaderboard": Job(("leaderboard", "OUT"), goes_on=False, start_from="runs"),
    "figures": Job(("figures", "run", "--out", "OUT"), goes_on=False),
}


def command_of(job: Job, inputs: Path, out: Path) -> list[str]:
    """Return the words that run a job on its inputs."""
    names = ("data/people.json", "data/images", "data/images/000001.jpg", "recipe.yaml", "styles", "run", "other")
    here = {"OUT": out, **{name: inputs / name for name in names}}
    return [sys.executable, "-m", "robustpose", *(str(here.get(word, word)) for word in job.words)]


def make_inputs(inputs: Path, jobs: Sequence[str]) -> None:
    """Make what jobs need, in a new folder."""
    inputs.mkdir(parents=True)
    (inputs / "recipe.yaml").write_text(json.dumps(RECIPE))
    make_coco_folder(inputs / "data")
    for number in (8, 9):
        write_image(inputs / f"styles/{number}.png", draw_scene(100, 140, seed=number))
    if {"extend", "extend-2"}.intersection(jobs):
        run_job(Job((*BENCH, "--limit", "5")), inputs, inputs / "short")
    if "merge" in jobs:
        for which in ("1/2", "2/2"):
            run_job(Job((*SHARD[:-3], which, "--out", "OUT")), inputs, inputs / "shards")
    if {"score", "report", "compare", "leaderboard", "figures"}.intersection(jobs):
        run_job(Job(BENCH), inputs, inputs / "run")
        shutil.copytree(inputs / "run", inputs / "other")
        for name in ("a", "b"):
            shutil.copytree(inputs / "run", inputs / "runs" / name)


def run_job(job: Job, inputs: Path, out: Path) -> None:
    """Run a job to its end, without a stop."""
    begin(job, inputs, out)
    subprocess.run(command_of(job, inputs, out), cwd=ROOT, check=True, capture_output=True)


def begin(job: Job, inputs: Path, out: Path) -> None:
    """Make the folder that a job writes to as it is before the first start."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if job.start_from:
        shutil.copytree(inputs / job.start_from, out)
