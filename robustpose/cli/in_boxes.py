"""bench --boxes detect:MODEL: two runs, in the boxes that a detector finds on clean images and in each cell's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustpose.cli.data_options import DataOptions
from robustpose.cli.options import FreshOptions, ScoringOptions
from robustpose.cli.planned import PlanOptions, announcer, tell_plan
from robustpose.cli.printed import PrintedOptions
from robustpose.errors import UserError
from robustpose.printing import print_line

if TYPE_CHECKING:
    from robustpose.benchmark.job import Job
    from robustpose.pose.cell import Cell

WORD = "detect"  # in --boxes detect:MODEL
REASONS = {
    "--shard": "make the boxes first, robustpose detect --out DIR, then give --boxes corrupt-det:DIR",
    "--preview": "--limit N takes fewer images",
    "--fail-under": "hold it against one of the two runs: robustpose report OUT/corrupt-det --fail-under …",
    "--network-processes": "each worker runs both networks itself",
    "--row": "make the boxes first, robustpose detect --out DIR, then give --boxes clean-det:DIR/clean.json",
    "--recipe": "make the boxes first, robustpose detect --out DIR, then give --boxes clean-det:DIR/clean.json",
}


@dataclass(frozen=True)
class BoxesAsked:
    """Which detector finds the boxes, None for none, and the data; with one, with the boxes that it will find."""

    data: DataOptions
    spec: str | None = None
    options: Mapping[str, Any] | None = None


def find_detector(data: DataOptions, pairs: list[str] | None, others: Mapping[str, Any], out: Path) -> BoxesAsked:
    """Return which detector --boxes names, if any. `others` are options that do not go with one, where given."""
    from robustpose.benchmark.detecting.folder import file_of
    from robustpose.benchmark.detecting.work import CLEAN_DET, DETECTIONS
    from robustpose.cli.bench import parse_options
    from robustpose.pose.cell import CLEAN

    word, colon, spec = (data.boxes or "").partition(":")
    if word != WORD:
        if pairs:
            raise UserError("--detector-set goes with --boxes detect:MODEL, which names the detector")
        return BoxesAsked(data)
    if not colon or not spec:
        raise UserError("--boxes detect needs a detector: detect:MODEL, such as detect:onnx:detector.onnx")
    refuse({name: value is not None for name, value in others.items()})
    boxes = f"{CLEAN_DET}:{file_of(out / DETECTIONS, CLEAN)}"
    return BoxesAsked(replace(data, boxes=boxes), spec, parse_options(pairs, "--detector-set"))


def refuse(given: Mapping[str, bool]) -> None:
    """Raise UserError if an option is given that does not go with a detector in the loop."""
    for name, is_given in given.items():
        if is_given:
            raise UserError(f"{name} does not go with --boxes detect:MODEL, which makes two runs: {REASONS[name]}")


def bench_both(
    boxes: BoxesAsked,
    job: Job,
    cells: Sequence[Cell],
    work: ScoringOptions,
    start: FreshOptions,
    planned: PlanOptions,
    shown: PrintedOptions,
) -> None:
    """Do what bench does, with a detector; `job` is of data whose boxes will be those on clean images."""
    from robustpose.benchmark.detecting.makers import NamedDetector
    from robustpose.benchmark.detecting.run import make_both_job, plan_both, run_both
    from robustpose.show.both import print_both
    from robustpose.show.terminal import progress_display

    assert job.inputs is not None
    assert boxes.spec is not None
    both = make_both_job(job.inputs, NamedDetector(boxes.spec, boxes.options or {}), job)
    given = [path for path in job.inputs.paths if not path.is_relative_to(job.out)]
    fresh = start.start_over(*given, *map(Path, boxes.spec.split(":")[1:]))
    if planned.dry_run:
        tell_plan(plan_both(both, cells, work.engine, fresh), shown)
        return
    with progress_display() as on_progress:
        table = run_both(both, cells, work.engine, work.resamples, on_progress, fresh, announcer())
    print_both(table)
    for name in table["runs"]:
        page = job.out / name / ("report.html" if job.has_page else "summary.json")
        print_line(f"{name}: {page}")
    print_line(f"both: {job.out / 'detector.md'}")
    shown.write({**table, "folder": job.out})
