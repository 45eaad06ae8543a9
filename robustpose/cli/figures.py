"""The command figures: finished runs, or the paper's printed numbers, as figures for a paper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robustpose.cli.option_groups import with_groups
from robustpose.cli.options import DataOptions, TrustOptions, parse_severities, split_words
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
            help="Of fig6_truth, with commas; by default impulse_noise,motion_blur,brightness,jpeg_compression. "
            "Those of package.module:function are run for the images of all figures."
        ),
    ] = None
    severities: Annotated[
        str | None, typer.Option(help="Of fig6_truth, such as 1,3,5, with commas; by default --severity.")
    ] = None
    names: Annotated[
        str | None, typer.Option(help="What the runs are called, with commas; by default by their models.")
    ] = None
    pair: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STANDARD,HARDENED",
            help="Two of the runs, by folder or name, whose gain fig1_gain, fig4a_gain and fig4b_gain draw; may be "
            "given again. By default what bench --row tells.",
        ),
    ] = None
    beside: Annotated[
        str | None,
        typer.Option(help="Whose published models fig1 and fig5 have: COCO-C, MPII-C, OCHuman-C; none. Else by data."),
    ] = None
    severity: Annotated[int | None, typer.Option(help="Of fig2 and the two fig6, 1 to 5; by default 3.")] = None
    image: Annotated[
        int | None,
        typer.Option(
            help="Image of fig2 and the two fig6, from 0; by default one with a large person, and where runs lose most."
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
    out: Annotated[Path, typer.Option(help="Folder for the figures (PDF and PNG) and table.tex.")],
    data: DataOptions,
    shown: ShownOptions,
    printed: PrintedOptions,
    runs: Annotated[list[Path] | None, typer.Argument(metavar="RUN", help="Run folders of benches.")] = None,
    published: Annotated[
        bool,
        typer.Option("--published", help="Draw figures 1, 4a and 5 from what the paper prints, beside runs or alone."),
    ] = False,
) -> None:
    """Draw finished runs as figures for a paper, beside the published models, and write their LaTeX table.

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
    from robustpose.show.figures.runs import read_runs
    from robustpose.show.figures.write import write_figures

    given = data.describe() if data.is_given else None
    named = read_runs(runs, split_words(shown.names or ""))
    return write_figures(named, out, given, shown.wanted, shown.trusted)


def _check_published_alone(published: bool, data: DataOptions, shown: ShownOptions) -> None:
    """Raise UserError unless no runs are asked for: what is said of runs needs some."""
    if not published:
        raise UserError("name at least one run folder, or --published for the figures of what the paper prints")
    said = [name for options in (data, shown) for name, value in vars(options).items() if value not in (None, False)]
    if said:
        option = f"--{said[0].replace('_', '-')}"
        raise UserError(f"{option} is about runs, and no run folder is named: name one, or leave {option} out")
