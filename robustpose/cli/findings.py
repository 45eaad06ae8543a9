"""robustpose findings: what finished runs, or the paper's own tables, say of each claim of the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robustpose.cli.help import ADVANCED, DATA, OUTPUT
from robustpose.cli.option_groups import with_groups
from robustpose.cli.printed import PrintedOptions
from robustpose.errors import UserError
from robustpose.printing import print_line
from robustpose.threads import use_one_thread


@with_groups
def findings(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN", help="Folders of finished runs, or folders with some at any depth."),
    ] = None,
    published: Annotated[
        bool,
        typer.Option(
            "--published", rich_help_panel=DATA, help="Judge the claims by the paper's own tables, not by runs."
        ),
    ] = False,
    about: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=DATA,
            help="YAML that says what runs are where they do not say it themselves: see docs/reference/findings.md.",
        ),
    ] = None,
    told: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="RUN.KEY=VALUE",
            rich_help_panel=DATA,
            help="The same in words, such as hardened.training=AdvMix; may be repeated.",
        ),
    ] = None,
    training: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", rich_help_panel=DATA, help="How runs that do not say it were trained: Standard, AdvMix, …"
        ),
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", rich_help_panel=OUTPUT, help="Write all of it to a .json or .md file, too; may be repeated."
        ),
    ] = None,
    resamples: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            rich_help_panel=ADVANCED,
            show_default="1000",
            help="Resamples of the images, for 95 % intervals.",
        ),
    ] = None,
    *,
    shown: PrintedOptions,
) -> None:
    """Hold finished runs against each claim of the paper: they support it, contradict it, or cannot tell."""
    use_one_thread()
    from robustpose.results.about import parse_training, read_told
    from robustpose.results.findings import judge_claims
    from robustpose.results.measured_runs import measure_runs
    from robustpose.results.measurement import measure_published
    from robustpose.results.resampling import RESAMPLES
    from robustpose.show.findings import check_out, print_findings, write_findings
    from robustpose.show.terminal import work_progress

    for path in out or []:
        check_out(path)
    if published:
        if runs or told or any(one is not None for one in (about, training, resamples)):
            raise UserError("--published looks at the paper's tables alone: leave out runs and what is said of them")
        found = judge_claims(measure_published())
    elif not runs:
        raise UserError("name run folders, or a folder with some in it; or --published for the paper's own tables")
    else:
        n_resamples = RESAMPLES if resamples is None else resamples
        said = read_told(about, told or [])
        word = None if training is None else parse_training(training)
        with work_progress("resampling") as on_progress:
            measurements, notes = measure_runs(runs, said, word, n_resamples, on_progress)
        found = judge_claims(measurements, notes, n_resamples)
    print_findings(found)
    for path in out or []:
        write_findings(path, found)
        print_line(f"file: {path}")
    shown.write(found.to_json())
