"""How near are plans to what runs take?

    python benchmarks/plan.py --model onnx:net.onnx --annotations people.json --images DIR
    python benchmarks/plan.py --model demo --data toy --limit 40 --workers 1 --only clean,fog

Every setup is planned, as `--dry-run` does it, and then run in a new folder: guesses and truth stand side by side, with
what the trial itself took. On a machine with other work, wall times say little; the last column tells how much of the
cores' time the run got (100 %: all that its workers asked for).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from functools import partial
from pathlib import Path

from robustpose.threads import use_one_thread

use_one_thread()

from robustpose import estimators
from robustpose.benchmark.job import Job
from robustpose.benchmark.run import plan_run, run_bench
from robustpose.corruptions.suites import choose_cells
from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import describe_data
from robustpose.pose.cell import Cell

# Name, corruptions, severities (None: all), workers, part of the images, resamples.
SETUPS: tuple[tuple[str, list[str], list[int] | None, int, float, int], ...] = (
    ("clean", ["none"], None, 1, 1.0, 1000),
    ("fog", ["fog"], None, 2, 1.0, 1000),
    ("a quarter", ["all"], [3], 2, 0.25, 1000),
    ("no resamples", ["noise"], [1, 5], 2, 0.5, 0),
    ("one worker", ["blur", "frost"], [2, 4], 1, 0.5, 1000),
    ("all", ["all"], None, 2, 1.0, 1000),
)


def measure(options: argparse.Namespace, setup: tuple[str, list[str], list[int] | None, int, float, int]) -> str:
    """Plan a setup, run it, and return a line of the table."""
    name, words, severities, n_workers, share, n_resamples = setup
    fields = {"name": options.data, "annotations": options.annotations, "images": options.images}
    n_images = len(describe_data(dict(fields)).open())
    data = describe_data({**fields, "limit": max(round(share * (options.limit or n_images)), 1)})
    cells: tuple[Cell, ...] = choose_cells(words, severities)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        make_estimator = partial(estimators.build, options.model, options={})
        job = Job(data.open, make_estimator, MadeImages(options.seed), out)
        start = time.perf_counter()
        plan = plan_run(job, cells, n_workers, n_resamples)
        tried = time.perf_counter() - start
        start, busy = time.perf_counter(), _count_busy()
        run_bench(job, cells, n_workers, n_resamples)
        seconds, busy = time.perf_counter() - start, _count_busy() - busy
        n_bytes = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return (
        f"{name:13s} {plan.n_images:5d} × {plan.n_cells:2d}  {n_workers} {plan.seconds:8.1f} {seconds:8.1f} "
        f"{100 * (plan.seconds / seconds - 1):+6.0f} % {plan.n_bytes / 1e6:8.1f} {n_bytes / 1e6:8.1f} "
        f"{100 * (plan.n_bytes / n_bytes - 1):+6.1f} % {tried:7.1f} {busy:8.1f} "
        f"{100 * (plan.seconds * n_workers / busy - 1):+6.0f} %"
    )


def _count_busy() -> float:
    """Return the seconds that cores have worked for this process and its workers that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--data")
    parser.add_argument("--annotations", type=Path)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--seed", type=lambda word: word if word == "release" else int(word), default="release")
    parser.add_argument("--only", help="Names of setups, with commas.")
    options = parser.parse_args()
    print(
        "setup          images × cells  w  planned   actual    error  planned   actual    error  trial    busy  of busy"
    )
    print("                                   s         s                MB       MB               s        s")
    for setup in SETUPS:
        if options.only is None or setup[0] in options.only.split(","):
            print(measure(options, setup), flush=True)


if __name__ == "__main__":
    main()
