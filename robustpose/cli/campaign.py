"""robustpose campaign: trainings × seeds × benches as one table, filled run by run, and what they say together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from robustpose.amounts import count
from robustpose.cli.failures import YOURS
from robustpose.cli.help import ADVANCED, OUTPUT, SPEED
from robustpose.cli.option_groups import with_groups
from robustpose.cli.options import split_words
from robustpose.cli.planned import PlanOptions, tell_plan
from robustpose.cli.printed import PrintedOptions
from robustpose.errors import UserError, spell_list
from robustpose.printing import print_aside, print_line

if TYPE_CHECKING:
    from robustpose.campaign.table import Table
    from robustpose.results.outcome import Outcome


@dataclass(frozen=True)
class JobOptions:
    """How many runs are done at once, and where."""

    panel: ClassVar[str] = SPEED

    jobs: Annotated[
        int | None,
        typer.Option(metavar="N", show_default="1, or one on each of --gpus", help="Runs that are done at once."),
    ] = None
    gpus: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,…", help="GPUs, such as 0,1: each run has one for itself. By default all runs see all."
        ),
    ] = None


@dataclass(frozen=True)
class ShownOptions:
    """What is shown instead of doing anything."""

    panel: ClassVar[str] = OUTPUT

    results: Annotated[
        bool, typer.Option("--results", help="Do no runs: compare those that are done, and write the page again.")
    ] = False
    commands: Annotated[
        bool, typer.Option("--commands", help="Do no runs: print the command of each that is left, in their order.")
    ] = False


@with_groups
def campaign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML file of the campaign: trainings, seeds, benches.")],
    work: JobOptions,
    instead: ShownOptions,
    planned: PlanOptions,
    shown: PrintedOptions,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=OUTPUT,
            show_default="runs/NAME of the file",
            help="Folder of the campaign. The same command goes on where it was stopped.",
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", rich_help_panel=OUTPUT, help="Make those runs again that were made otherwise than the file says."
        ),
    ] = False,
    resamples: Annotated[
        int, typer.Option(metavar="N", rich_help_panel=ADVANCED, help="Resamples of the images, for 95 % intervals.")
    ] = 1000,
) -> None:
    """Fill a table of trainings × seeds × benches, run by run, and compare the methods.

    Each run is one of robustpose train or robustpose bench, in a folder of its own. Stopped, the same command goes on;
    started on several machines that share the folder, they share the runs.
    """
    from robustpose.campaign.file import read_campaign
    from robustpose.campaign.jobs import check_gpus
    from robustpose.campaign.outcome import find_outcome
    from robustpose.campaign.run import Wishes, fill_table, plan_campaign
    from robustpose.campaign.table import check_changes, check_place, open_table
    from robustpose.cli.checked_runs import check_data, check_runs, describe_data
    from robustpose.reading import read_text
    from robustpose.results.resampling import check_resamples
    from robustpose.show.campaign import print_campaign
    from robustpose.show.pages.campaign import check_campaign_place, holds_results, write_campaign
    from robustpose.show.terminal import progress_display

    _refuse_several({"--results": instead.results, "--commands": instead.commands, "--dry-run": planned.dry_run})
    check_resamples(resamples, 1)
    asked = read_campaign(file)
    place = Path("runs") / file.stem if out is None else out
    gpus = split_words(work.gpus or "")
    n_jobs = check_gpus(None if work.gpus is None else gpus, work.jobs, _count_gpus)
    try:
        trained = check_runs(asked)
    except UserError as error:
        raise UserError(f"campaign {file}: {error}") from error
    table = open_table(asked, place, trained)
    check_campaign_place(place)
    if not instead.results or not table.done:
        check_changes(table, fresh)
    if instead.commands:
        commands = list_commands(table)
        for command in commands:
            print_line(command)
        shown.write({"commands": commands})
        return
    if instead.results and not table.done and holds_results(place):
        raise UserError(
            f"nothing of {file} is done in {place.absolute()}, and the page there is of other runs: name another --out"
        )

    data = describe_data(asked)

    def compare() -> Outcome:
        return find_outcome(table, file.stem, resamples, data)

    if not instead.results:
        if data is not None and table.left:
            check_data(asked, data)
        if not planned.dry_run:
            check_place(place)
        with progress_display() as show:
            wishes = Wishes(n_jobs, gpus, fresh, show, print_aside, lambda: _try_comparing(compare, place))
            plan, costs = plan_campaign(table, wishes)
            tell_plan(plan, shown if planned.dry_run else None)
            if planned.dry_run:
                return
            fill_table(table, costs, read_text(file, "campaign"), wishes)
        table.look(table.runs)  # what other processes have changed meanwhile
    elif not place.is_dir():
        raise UserError(f"{place.absolute()} is not there: robustpose campaign {file} makes it")
    outcome = compare()
    print_campaign(outcome)
    write_campaign(place, outcome)
    page = place / "campaign.html"
    print_line(f"page: {page}")
    failed = {run.name: problem for run, problem in table.failed.items()}
    if failed and not instead.results:
        print_aside(f"error: {count(len(failed), 'run')} failed: start the same command to try again")
    lacks_table = not table.left and len(asked.trainings) > 1 and not outcome.parts
    if lacks_table and not instead.results:
        print_aside("error: nothing can be compared: the notes say why")
    counts = {"done": len(table.done), "runs": len(table.runs), "failed": failed}
    shown.write({"folder": place, "page": page, **counts, "results": outcome.to_json()})
    if (failed or lacks_table) and not instead.results:
        raise typer.Exit(YOURS)


def _count_gpus() -> int:
    from robustpose.train.machine import count_gpus

    return count_gpus()


def list_commands(table: Table) -> list[str]:
    """Return the commands of all runs that are left, in an order in which they can be done."""
    from robustpose.campaign.runs import spell_command

    return [
        spell_command([*run.command(table.out, table.networks), *["--fresh"] * (run in table.other)])
        for run in table.left
    ]


def _refuse_several(given: dict[str, bool]) -> None:
    several = [name for name, is_given in given.items() if is_given]
    if len(several) > 1:
        raise UserError(f"{spell_list(several)} do not go together: choose one")


def _try_comparing(compare: Callable[[], Outcome], place: Path) -> None:
    """Write the page of what is there, while more runs are done; what cannot be compared is said at the end."""
    from robustpose.show.pages.campaign import write_campaign

    try:
        write_campaign(place, compare())
    except UserError as error:
        print_aside(f"warning: the page is not written yet: {error}")
