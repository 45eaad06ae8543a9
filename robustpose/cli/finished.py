"""Commands on finished runs: score, report and compare."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from robustpose.cli.compared import ComparedOptions
from robustpose.cli.data_options import DataOptions
from robustpose.cli.gates import GateOptions, LossOptions, finish
from robustpose.cli.help import ADVANCED, OUTPUT
from robustpose.cli.option_groups import with_groups
from robustpose.cli.options import ScoringOptions, TrustOptions
from robustpose.cli.planned import PlanOptions, announcer, tell_plan
from robustpose.cli.printed import PrintedOptions
from robustpose.errors import UserError
from robustpose.printing import print_aside, print_line
from robustpose.threads import use_one_thread


@with_groups
def score(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    data: DataOptions,
    work: ScoringOptions,
    whose: TrustOptions,
    planned: PlanOptions,
    wished: GateOptions,
    shown: PrintedOptions,
) -> None:
    """Score a finished run again: figures, intervals, slices, report. Its model is not needed.

    The data are those that the run was made with; name them where they have been moved.
    """
    use_one_thread()
    from robustpose.benchmark.job import Job, no_estimator
    from robustpose.benchmark.run import plan_rescoring, rescore
    from robustpose.results.gates import judge_gates
    from robustpose.results.run_images import choose_data, find_corrupted_images
    from robustpose.results.summary import read_summary
    from robustpose.results.verdict import judge_folder
    from robustpose.show.terminal import print_summary, print_verdict, progress_display

    old = read_summary(folder)  # whose data to ask for: a folder that is no run has none
    judge_gates(wished.gates, old)  # whether it has such scores: before it is scored again
    spec = choose_data(folder, data.describe() if data.is_given else None, whose.trusted)
    corrupted_images = find_corrupted_images(folder, old["provenance"], whose.trusted)
    job = Job(spec.open, no_estimator, corrupted_images, folder)
    if planned.dry_run:
        tell_plan(plan_rescoring(job, work.engine, work.resamples), shown)
        return
    with progress_display() as on_progress:
        summary = rescore(job, work.engine, work.resamples, on_progress, announcer())
    print_summary(summary)
    verdict = judge_folder(folder, summary)
    print_verdict(verdict)
    print_line(f"report: {folder / 'report.html'}")
    judged = judge_gates(wished.gates, summary)
    finish(shown, judged, {**summary, "verdict": verdict, "folder": folder, "report": folder / "report.html"})


@with_groups
def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    data: DataOptions,
    whose: TrustOptions,
    wished: GateOptions,
    shown: PrintedOptions,
    without_images: Annotated[
        bool,
        typer.Option(
            "--without-images",
            rich_help_panel=OUTPUT,
            help="Write a page without images, even over one that shows some.",
        ),
    ] = False,
) -> None:
    """Write the tables and the HTML report of a run again, and print its scores.

    The images are those that the run was made with; name them where they have been moved.
    """
    from robustpose.files import hold_folder
    from robustpose.results.gates import judge_gates
    from robustpose.results.run_images import find_corrupted_images, open_images
    from robustpose.results.summary import read_summary
    from robustpose.results.verdict import judge_folder
    from robustpose.show.pages.report import write_report
    from robustpose.show.pages.richer import RicherPage
    from robustpose.show.terminal import print_summary, print_verdict

    summary = read_summary(folder)
    judged = judge_gates(wished.gates, summary)
    given = data.describe() if data.is_given else None
    images: tuple[Any, Any] = (None, None)
    losses: list[str] = []
    try:
        dataset = open_images(folder, summary, given, whose.trusted)
        images = (dataset, find_corrupted_images(folder, summary["provenance"], whose.trusted))
    except UserError as error:
        if given is not None:
            raise
        losses.append(f"the page has no gallery: {error}")
    try:
        with hold_folder(folder):
            write_report(folder, *images, may_lose_images=without_images)
    except RicherPage as error:
        losses.append(str(error))
    if losses:
        print_aside(f"warning: {'; '.join(losses)}")
    print_summary(summary)
    verdict = judge_folder(folder, summary)
    print_verdict(verdict)
    print_line(f"report: {folder / 'report.html'}")
    finish(shown, judged, {**summary, "verdict": verdict, "folder": folder, "report": folder / "report.html"})


@with_groups
def compare(
    data: DataOptions,
    whose: TrustOptions,
    wished: LossOptions,
    shown: PrintedOptions,
    compared: ComparedOptions,
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUN", show_default=False, help="Folders of two finished runs or more; the first is the reference."
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", rich_help_panel=OUTPUT, help="Folder for compare.html, comparison.json and table.tex."
        ),
    ] = Path("comparison"),
    resamples: Annotated[
        int, typer.Option(metavar="N", rich_help_panel=ADVANCED, help="Resamples of the images, for 95 % intervals.")
    ] = 1000,
    without_images: Annotated[
        bool, typer.Option("--without-images", rich_help_panel=OUTPUT, help="Write a page without images.")
    ] = False,
) -> None:
    """Compare runs: differences to the first one with 95 % intervals, and what cannot be told apart.

    Runs of several suites become models by suites: of what is gained on one, how much holds on others. The page of one
    suite shows the images on which runs differ most: those that the runs were made with; name them where they have
    been moved.
    """
    from robustpose.results.compare_suites import are_of_suites
    from robustpose.results.losses import judge_differences
    from robustpose.results.run_images import list_ids, open_shared_images
    from robustpose.show.across_suites import print_across
    from robustpose.show.pages.across import check_across_place, write_across
    from robustpose.show.pages.compare import check_place, write_comparison
    from robustpose.show.pages.compare_images import NOT_WANTED, find_gallery
    from robustpose.show.side_by_side import print_differences

    names_of_scores, margin = wished.wanted
    check_place(out)
    groups = compared.find_groups(runs or [])
    places = list(groups.values()) if groups else [[folder] for folder in runs or []]
    folders = [folder for of in places for folder in of]
    given = data.describe() if data.is_given else None
    part = compared.choose_part(partial(list_ids, folders, given, whose.trusted))
    if are_of_suites(folders):
        _refuse_for_suites(given is not None and (part is None or part.listed is None), wished)
        check_across_place(out)
        across = compared.compare_suites(runs or [], groups, resamples, part)
        print_across(across)
        page = write_across(out, across)
        print_line(f"page: {page}")
        finish(shown, [], {**across.to_json(), "page": page})
        return
    comparison = compared.compare(runs or [], groups, resamples, part)
    judged = judge_differences(comparison, names_of_scores, margin)
    gallery, reason = None, NOT_WANTED
    if not without_images:
        open_images = partial(open_shared_images, folders, given, whose.trusted)
        gallery, reason = find_gallery(places, comparison, open_images, given is not None)
        if reason and comparison.has_cells:
            print_aside(f"warning: {reason}")
    print_differences(comparison)
    page = write_comparison(out, comparison, gallery, reason)
    print_line(f"page: {page}")
    finish(shown, judged, {**comparison.to_json(), "page": page})


def _refuse_for_suites(names_data: bool, wished: LossOptions) -> None:
    """Raise UserError for options that are of runs of one suite alone."""
    if wished.wanted[0]:
        raise UserError("--fail-if-worse judges the runs of one suite, and these are of several: compare those alone")
    if names_data:
        raise UserError(
            "the page of several suites shows no images: leave out where they are, or compare one suite alone"
        )
