"""The command merge: the shards of a run become the run folder that one bench command makes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robustpose.cli.data_options import DataOptions
from robustpose.cli.gates import GateOptions, finish
from robustpose.cli.help import OUTPUT
from robustpose.cli.names import WrittenOptions
from robustpose.cli.option_groups import with_groups
from robustpose.cli.options import FreshOptions, ScoringOptions, TrustOptions
from robustpose.cli.planned import PlanOptions, announcer, tell_plan
from robustpose.cli.printed import PrintedOptions
from robustpose.errors import UserError
from robustpose.printing import print_line
from robustpose.threads import use_one_thread

if TYPE_CHECKING:
    from robustpose.benchmark.job import Job
    from robustpose.benchmark.shards.folder import ShardFolder
    from robustpose.data.spec import DataSpec
    from robustpose.results.run_images import Trusted


@with_groups
def merge(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Folders with shards of one run (bench --shard), or shards.")
    ],
    data: DataOptions,
    work: ScoringOptions,
    whose: TrustOptions,
    start: FreshOptions,
    written: WrittenOptions,
    planned: PlanOptions,
    wished: GateOptions,
    shown: PrintedOptions,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=OUTPUT,
            show_default="RUN itself, whose shards go",
            help="Folder of the finished run; those with shards stay as they are.",
        ),
    ] = None,
) -> None:
    """Make one run of its shards, scored and written up as by one bench command. The model is not needed.

    The data are those that the shards were made with; name them where they have been moved.
    """
    use_one_thread()
    from robustpose.benchmark.run import check_numbers
    from robustpose.benchmark.shards.merge import Merge, finish_merging, merge_shards, plan_merging
    from robustpose.benchmark.shards.sources import find_shards
    from robustpose.results.gates import judge_gates
    from robustpose.results.summary import read_summary
    from robustpose.results.verdict import judge_folder
    from robustpose.show.terminal import print_comparison, print_summary, print_verdict, progress_display

    gates = tuple(wished.gates)
    place = _choose_place(runs, out)
    page = None if written.no_report else place / "report.html"
    if place in runs and finish_merging(place):
        summary = read_summary(place)
        print_summary(summary)
        verdict = judge_folder(place, summary)
        print_verdict(verdict)
        print_line(f"{place} is a finished run already: nothing to merge (robustpose score scores it again)")
        finish(shown, judge_gates(gates, summary), {**summary, "verdict": verdict, "folder": place, "report": page})
        return
    shards = find_shards(runs)
    job = _make_job(shards, data.describe() if data.is_given else None, whose.trusted, place)
    engine = check_numbers(work.engine, work.resamples)
    wanted = Merge(shards, replace(job, gates=gates, name=written.checked_name, has_page=not written.no_report))
    fresh = start.start_over(*(one.path for one in shards), *([] if job.inputs is None else job.inputs.paths))
    if planned.dry_run:
        tell_plan(plan_merging(wanted, engine, work.resamples, fresh), shown)
        return
    with progress_display() as on_progress:
        summary, beside = merge_shards(wanted, engine, work.resamples, on_progress, fresh, announcer())
    print_summary(summary)
    verdict = judge_folder(place, summary)
    print_verdict(verdict)
    if beside is not None:
        print_comparison(*beside)
    print_line(f"scores: {place / 'summary.json'}" if page is None else f"report: {page}")
    finish(shown, judge_gates(gates, summary), {**summary, "verdict": verdict, "folder": place, "report": page})


def _choose_place(runs: list[Path], out: Path | None) -> Path:
    """Return the folder that the run is to be in."""
    from robustpose.benchmark.shards.folder import NOTE, list_shard_paths

    if out is None:
        if len(runs) > 1 or (runs[0] / NOTE).is_file():
            raise UserError("--out DIR must say where the run of these shards is to be")
        return runs[0]
    named = [run for run in runs if run.resolve() == out.resolve()]
    if named and len(runs) > 1:
        raise UserError(f"{out} is one of several folders with shards: choose another --out")
    if not named and list_shard_paths(out):
        raise UserError(f"{out} holds shards that are not named: choose another --out, or name it alone")
    return named[0] if named else out


def _make_job(shards: list[ShardFolder], given: DataSpec | None, trusted: Trusted, out: Path) -> Job:
    """Return the job of the run, on the data that are given, or those that the shards name.

    Machines may have them at different places: what counts is the first shard whose files are here.
    """
    from robustpose import metrics
    from robustpose.benchmark.job import Job, no_estimator
    from robustpose.results.inputs import Inputs, read_note
    from robustpose.results.run_images import NoImages, choose_data, find_corrupted_images

    noted = {one.path: read_note(one.path, trusted.paths) for one in shards}
    known = {path: note for path, note in noted.items() if note is not None}
    here = [path for path, note in known.items() if all(map(Path.exists, note.paths))]
    first = next(iter([*here, *known, *noted]))
    note = noted[first]
    spec = choose_data(first, given, trusted)
    images = find_corrupted_images(first, shards[0].identity, trusted)
    if isinstance(images, NoImages):
        raise UserError(images.reason)
    if note is None:
        return Job(spec.open, no_estimator, images, out, shards[0].suite)
    of_run = note.inputs.data
    if given is not None:  # cut and scored as the run, where it is not said
        metric = None if of_run.metric is None or metrics.names_code(of_run.metric) else of_run.metric
        spec = spec.model_copy(update={"limit": given.limit or of_run.limit, "metric": given.metric or metric})
    inputs = Inputs(data=spec, corrupted_images=note.inputs.corrupted_images, row=note.inputs.row)
    return Job(spec.open, no_estimator, images, out, shards[0].suite, inputs)
