"""How near are plans to what runs take?

    python benchmarks/plan.py --model onnx:net.onnx --annotations people.json --images DIR
    python benchmarks/plan.py --model demo --data toy --limit 40 --cpu --only clean,fog

Every setup is planned, as `--dry-run` does it, and then run in a new folder; guesses and truth stand side by side, with
what the trial itself took. Where other programs disturb, wall times say little: with `--cpu` every setup has one
worker, and both the plan and the truth are in seconds of the processor.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path

from robustpose.threads import use_one_thread

use_one_thread()

from robustpose import estimators
from robustpose.benchmark import trial
from robustpose.benchmark.job import Job
from robustpose.benchmark.run import plan_run, run_bench
from robustpose.corruptions.suites import choose_cells
from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import describe_data

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
    clock = time.process_time if options.cpu else time.perf_counter
    n_workers = 1 if options.cpu else n_workers
    trial.CLOCK = clock
    fields = {"name": options.data, "annotations": options.annotations, "images": options.images}
    n_images = min(len(describe_data(dict(fields)).open()), options.limit or 10**9)
    data = describe_data({**fields, "limit": max(round(share * n_images), 1)})
    cells = choose_cells(words, severities)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        make_estimator = partial(estimators.build, options.model, options={})
        job = Job(data.open, make_estimator, MadeImages(options.seed), out)
        start = clock()
        plan = plan_run(job, cells, n_workers, n_resamples)
        tried = clock() - start
        start = clock()
        run_bench(job, cells, n_workers, n_resamples)
        seconds = clock() - start
        n_bytes = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return (
        f"{name:13s} {plan.n_images:5d} × {plan.n_cells:2d}  {n_workers} {plan.seconds:8.1f} {seconds:8.1f} "
        f"{100 * (plan.seconds / seconds - 1):+6.0f} % {plan.n_bytes / 1e6:8.1f} {n_bytes / 1e6:8.1f} "
        f"{100 * (plan.n_bytes / n_bytes - 1):+6.1f} % {tried:7.1f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--data")
    parser.add_argument("--annotations", type=Path)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--seed", type=lambda word: word if word == "release" else int(word), default="release")
    parser.add_argument("--cpu", action="store_true", help="Seconds of the processor, one worker.")
    parser.add_argument("--only", help="Names of setups, with commas.")
    options = parser.parse_args()
    print("setup          images × cells  w  planned   actual    error  planned   actual    error  trial")
    print("                                   s         s                MB       MB               s")
    for setup in SETUPS:
        if options.only is None or setup[0] in options.only.split(","):
            print(measure(options, setup), flush=True)


if __name__ == "__main__":
    main()
