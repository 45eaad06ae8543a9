"""The command figures: finished runs, or the paper's printed numbers, as figures for a paper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robustpose.cli.completion import choose, complete_list, list_corruptions
from robustpose.cli.data_options import DataOptions
from robustpose.cli.help import CORRUPTIONS, DATA, OUTPUT
from robustpose.cli.option_groups import with_groups
from robustpose.cli.options import TrustOptions, parse_severities, split_words
from robustpose.cli.printed import PrintedOptions
from robustpose.errors import UserError
from robustpose.printing import print_line

if TYPE_CHECKING:
    from robustpose.results.run_images import Trusted
    from robustpose.show.figures.wanted import Wanted
    from robustpose.show.figures.written import Written


@dataclass(frozen=True)
class ShownOptions(TrustOptions):
    """What of the runs is shown."""

    corruptions: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            rich_help_panel=CORRUPTIONS,
            autocompletion=complete_list(list_corruptions),
            show_default="one of each group",
            help="Corruptions of fig6_truth, with commas. Your own, package.module:function, are run for the images "
            "of all figures.",
        ),
    ] = None
    severities: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,…",
            rich_help_panel=CORRUPTIONS,
            show_default="that of --severity",
            help="Severities of fig6_truth, such as 1,3,5.",
        ),
    ] = None
    names: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            rich_help_panel=OUTPUT,
            show_default="their models",
            help="What the runs are called, with commas.",
        ),
    ] = None
    pair: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RUN,RUN",
            rich_help_panel=OUTPUT,
            show_default="what bench --row tells",
            help="A standard run and a hardened one, by folder or name, whose gain fig1_gain, fig4a_gain and "
            "fig4b_gain draw; may be repeated.",
        ),
    ] = None
    beside: Annotated[
        str | None,
        typer.Option(
            **choose("COCO-C", "MPII-C", "OCHuman-C", "none"),
            rich_help_panel=OUTPUT,
            show_default="those of the runs' data",
            help="Published models to draw beside the runs in fig1 and fig5.",
        ),
    ] = None
    severity: Annotated[
        int | None,
        typer.Option(
            metavar="N", rich_help_panel=CORRUPTIONS, show_default="3", help="Severity of fig2 and the two fig6."
        ),
    ] = None
    image: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            rich_help_panel=DATA,
            show_default="one with a large person, and where runs lose most",
            help="Image of fig2 and the two fig6, counted from 0.",
        ),
    ] = None

    @property
    def trusted(self) -> Trusted:
        """Return what may be opened and run: of what is shown, what is code."""
        from robustpose.results.run_images import Trusted

        return Trusted(self.trust, tuple(word for word in split_words(self.corruptions or "") if ":" in word))

    @property
    def wanted(self) -> Wanted:
        """Return what is said of the figures."""
        from robustpose.show.figures.wanted import Wanted

        return Wanted(
            severity=Wanted.severity if self.severity is None else self.severity,
            image=self.image,
            beside=self.beside,
            pairs=tuple(self.pair or ()),
            corruptions=tuple(split_words(self.corruptions or "")),
            severities=tuple(parse_severities(self.severities) or ()),
        )


@with_groups
def figures(
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", rich_help_panel=OUTPUT, help="Folder for the figures (PDF and PNG) and table.tex."),
    ],
    data: DataOptions,
    shown: ShownOptions,
    printed: PrintedOptions,
    runs: Annotated[list[Path] | None, typer.Argument(metavar="RUN", help="Folders of finished runs.")] = None,
    published: Annotated[
        bool,
        typer.Option(
            "--published",
            rich_help_panel=OUTPUT,
            help="Draw figures 1, 4a and 5 from what the paper prints, beside runs or alone.",
        ),
    ] = False,
) -> None:
    """Draw finished runs as figures for a paper, beside the published models, and write their LaTeX table.

    Of runs of several suites, what is gained over the first model on one suite beside what is on the others.
    The images for fig2 and the two fig6 are those that the runs were made with; name them where they have been moved.
    """
    from robustpose.show.figures.paper_form import write_published

    if not runs:
        _check_published_alone(published, data, shown)
    written = [_write_runs(runs, out, data, shown)] if runs else []
    written += [write_published(out)] if published else []
    paths = [path for one in written for path in one.paths]
    notes = [note for one in written for note in one.notes]
    for path in paths:
        print_line(path)
    for note in notes:
        print_line(f"note: {note}")
    printed.write({"files": paths, "notes": notes})


def _write_runs(runs: list[Path], out: Path, data: DataOptions, shown: ShownOptions) -> Written:
    from robustpose.results.compare_suites import are_of_suites
    from robustpose.show.figures.runs import read_runs
    from robustpose.show.figures.write import write_figures

    if are_of_suites(runs):
        return _write_suites(runs, out, data, shown)
    given = data.describe() if data.is_given else None
    named = read_runs(runs, split_words(shown.names or ""))
    return write_figures(named, out, given, shown.wanted, shown.trusted)


def _write_suites(runs: list[Path], out: Path, data: DataOptions, shown: ShownOptions) -> Written:
    """Write the figures of runs of several suites, which show no images and no published models."""
    from robustpose.show.figures.suite_gains import write_suite_figures

    said = [option for option in _list_said(data, shown) if option not in ("--names", "--trust")]
    if said:
        raise UserError(f"{said[0]} is about figures of one suite, and these runs are of several: leave it out")
    return write_suite_figures(runs, out, split_words(shown.names or "") or None)


def _check_published_alone(published: bool, data: DataOptions, shown: ShownOptions) -> None:
    """Raise UserError unless no runs are asked for: what is said of runs needs some."""
    if not published:
        raise UserError("name at least one run folder, or --published for the figures of what the paper prints")
    said = _list_said(data, shown)
    if said:
        raise UserError(f"{said[0]} is about runs, and no run folder is named: name one, or leave {said[0]} out")


def _list_said(*groups: DataOptions | ShownOptions) -> list[str]:
    """Return which options of some groups are said."""
    said = [name for options in groups for name, value in vars(options).items() if value not in (None, False)]
    return [f"--{name.replace('_', '-')}" for name in said]
