"""What does adapting at test time gain, and cost? One model without it, and with each way to adapt, beside each other.

    python benchmarks/adaptation.py --model mobilenet_v2:best.safetensors --annotations people.json --images images \\
        --out adaptation --limit 400 --severities 1,3,5

benches the model into folders of --out, finished ones stay, and prints clean score, mean and ratio with 95 % intervals,
the difference of the mean to that of the model as it is, and what the network takes per image, in seconds of a core,
next to that of the model as it is. Of the cost, --rounds rounds are measured, each way after the other: the median
counts. Started again after a stop, it goes on; --out has costs.json, too, which is measured once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import robustpose
from robustpose import estimators
from robustpose.data.spec import describe_data
from robustpose.evaluation import get_frames, predict
from robustpose.results.compare import compare_runs
from robustpose.results.compared import ComparedRow
from robustpose.threads import use_one_thread

WAYS: dict[str, dict[str, Any]] = {
    "none": {},
    **{f"bn, M = {n}": {"adapt": "bn", "adapt_images": n} for n in (1, 4, 16, 64)},
    "tent, M = 16": {"adapt": "tent", "adapt_images": 16},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a torch network, as bench takes it")
    parser.add_argument("--annotations", type=Path, help="COCO keypoint file; without, drawn people")
    parser.add_argument("--images", type=Path)
    parser.add_argument("--metric", help="of --annotations, such as pck:head_size@0.5; by default the data's own")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--limit", type=int, help="first images only")
    parser.add_argument("--suite", default="coco-c")
    parser.add_argument("--corruptions", default="all", help="names with commas")
    parser.add_argument("--severities", help="such as 1,3,5; by default all")
    parser.add_argument("--prior", type=int, help="N of all ways; by default bench's own")
    parser.add_argument("--ways", default="all", help=f"some of: {'; '.join(WAYS)}; none is always there")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cost-images", type=int, default=64, help="clean images that cost is measured on; 0: none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", type=Path, help="write the table here, too")
    given = parser.parse_args()
    use_one_thread()
    warnings.simplefilter("ignore")  # of data: bench says them, too
    prior = {} if given.prior is None else {"adapt_prior": given.prior}
    wanted = WAYS if given.ways == "all" else {name: WAYS[name] for name in ["none", *given.ways.split("; ")]}
    ways = {name: {**options, **(prior if options else {})} for name, options in wanted.items()}
    runs = {name: bench(given, name, options) for name, options in ways.items()}
    lines = tabulate(runs, measure_costs(given, ways))
    print("\n".join(lines))
    if given.markdown:
        given.markdown.write_text("\n".join(lines) + "\n")


def list_fields(given: argparse.Namespace) -> dict[str, Any]:
    """Return the data, as `robustpose.bench` takes them."""
    if given.annotations is None:
        return {"data": "toy", "limit": given.limit}
    return {"annotations": given.annotations, "images": given.images, "limit": given.limit, "metric": given.metric}


def bench(given: argparse.Namespace, name: str, options: dict[str, Any]) -> robustpose.Run:
    """Bench the model in one way, or go on; what is finished is scored and not predicted again."""
    some = given.corruptions.split(",") if given.corruptions != "all" else "all"
    severities = None if given.severities is None else [int(one) for one in given.severities.split(",")]
    folder = given.out / name.replace(", M = ", "-")
    start = time.perf_counter()
    run = robustpose.bench(
        given.model, **list_fields(given), suite=given.suite, corruptions=some, severities=severities,
        options=options, workers=given.workers, out=folder, progress=False,
    )  # fmt: skip
    print(f"{name}: {folder}, {time.perf_counter() - start:.0f} s", flush=True)
    return run


def measure_costs(given: argparse.Namespace, ways: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return seconds of this process that the network takes per image in each way, medians of rounds in turns."""
    note = given.out / "costs.json"
    if note.is_file() and json.loads(note.read_text()).keys() >= ways.keys():
        return dict(json.loads(note.read_text()))
    if not given.cost_images:
        return {}
    fields = {"name" if key == "data" else key: value for key, value in list_fields(given).items() if value is not None}
    dataset = describe_data({**fields, "limit": given.cost_images}).open()
    frames = get_frames(dataset, range(len(dataset)))
    for frame in frames:
        assert frame.image.size  # read before anything is measured
    made = {name: estimators.build(given.model, dataset.skeleton, options) for name, options in ways.items()}
    spent: dict[str, list[float]] = {name: [] for name in made}
    for number in range(given.rounds + 1):
        for name, estimator in made.items():
            start, before = time.process_time(), estimator.network_seconds
            wall = time.perf_counter()
            predict(frames, estimator)
            # What the network took of this call's time, in time of the processor: others may be at work beside it.
            share = (estimator.network_seconds - before) / (time.perf_counter() - wall)
            if number:  # the first round loads
                spent[name].append((time.process_time() - start) * share / len(frames))
    costs = {name: statistics.median(of) for name, of in spent.items()}
    note.write_text(json.dumps(costs, indent=2) + "\n")
    return costs


def tabulate(runs: dict[str, robustpose.Run], costs: dict[str, float]) -> list[str]:
    """Return the table, a line each."""
    compared = compare_runs([run.folder for run in runs.values()], names=list(runs))
    rows = [row for row in compared.rows if row.kind in ("headline", "chosen") and row.values[0] is not None]
    rows = [row for row in rows if row.kind == "headline" or not any(is_mean(one) for one in rows)]
    titles = [title for row in rows for title in (name_row(row), "less none")]
    lines = [f"| adapt | {' | '.join(titles)} | ms of the network per image | times |"]
    lines.append("|---" * (len(titles) + 3) + "|")
    for place, name in enumerate(runs):
        scores = [spell for row in rows for spell in spell_row(row, place)]
        took = [f"{1000 * costs[name]:.1f}", f"{costs[name] / costs['none']:.2f}"] if name in costs else ["–", "–"]
        lines.append(f"| {' | '.join([name, *scores, *took])} |")
    return lines


def is_mean(row: ComparedRow) -> bool:
    return row.kind == "headline" and row.name.startswith("m")


def name_row(row: ComparedRow) -> str:
    return "mean of the cells" if row.kind == "chosen" else row.name


def spell_row(row: ComparedRow, run: int) -> list[str]:
    """Return a score with its interval, and how far it lies above that of the first run, in percent."""
    found, apart = row.intervals[run], row.differences[run]
    ends = "" if found is None else f" [{100 * found[0]:.1f}, {100 * found[1]:.1f}]"
    if apart is None:
        return [f"{row.spell(run)}{ends}", "–"]
    of = "" if apart.interval is None else f" [{100 * apart.interval[0]:+.1f}, {100 * apart.interval[1]:+.1f}]"
    return [f"{row.spell(run)}{ends}", f"{apart.mark}{100 * apart.value:+.1f}{of}"]


if __name__ == "__main__":
    main()
