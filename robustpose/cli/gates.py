"""--fail-under and --fail-if-worse: what scores must reach; a command whose runs do not has an exit code of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from robustpose.cli.completion import complete_list, list_gates, list_scores
from robustpose.cli.failures import BELOW
from robustpose.cli.help import OUTPUT
from robustpose.cli.options import split_words
from robustpose.cli.printed import PrintedOptions
from robustpose.errors import UserError
from robustpose.printing import print_aside, print_line

if TYPE_CHECKING:
    from robustpose.results.gates import Gate, Judged
    from robustpose.results.losses import JudgedDifference


@dataclass(frozen=True)
class GateOptions:
    """What the scores of a run must reach."""

    panel: ClassVar[str] = OUTPUT

    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=BOUND",
            autocompletion=list_gates,
            help="Exit code 3 if this score is lower, such as mPC=0.30, clean=40%, noise=0.3, fog=0.4 or fog/3=0.4; "
            "may be repeated.",
        ),
    ] = None

    @property
    def gates(self) -> list[Gate]:
        """Return what is asked for; UserError where it cannot be read."""
        from robustpose.results.gates import parse_gates

        return parse_gates(self.fail_under or [])


@dataclass(frozen=True)
class LossOptions:
    """What scores must not lose against another run."""

    panel: ClassVar[str] = OUTPUT

    fail_if_worse: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            autocompletion=complete_list(list_scores),
            help="Exit code 3 if one of these scores, such as mPC,clean, is worse than the first run's: all of the "
            "95 % interval of the difference is below 0.",
        ),
    ] = None
    margin: Annotated[
        str | None,
        typer.Option(metavar="SHARE", show_default="0", help="What --fail-if-worse lets be lost, such as 0.01 or 1%."),
    ] = None

    @property
    def wanted(self) -> tuple[list[str], float]:
        """Return the names of the scores, and the margin (0..1)."""
        from robustpose.results.gates import parse_share

        names = [word for text in self.fail_if_worse or [] for word in split_words(text)]
        if self.fail_if_worse is not None and not names:
            raise UserError("--fail-if-worse must name scores, such as mPC,clean")
        if self.margin is None:
            return list(dict.fromkeys(names)), 0.0
        if not names:
            raise UserError("--margin goes with --fail-if-worse NAMES")
        return list(dict.fromkeys(names)), parse_share(self.margin, f"--margin {self.margin}")


def finish(shown: PrintedOptions, judged: Sequence[Judged | JudgedDifference], document: Mapping[str, Any]) -> None:
    """Say of each gate whether it is passed, write the JSON that is asked for, and end with 3 if one is not passed."""
    for one in judged:
        (print_line if one.is_passed else print_aside)(one.describe())
    is_passed = all(one.is_passed for one in judged)
    gates = {"gates": [one.to_json() for one in judged], "passed": is_passed} if judged else {}
    shown.write({**document, **gates})
    if not is_passed:
        raise typer.Exit(BELOW)
