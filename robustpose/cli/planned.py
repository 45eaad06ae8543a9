"""--dry-run: what a long command would do; and the same line before it does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

import typer

from robustpose.cli.help import OUTPUT
from robustpose.cli.printed import PrintedOptions
from robustpose.printing import is_quiet, print_aside


@dataclass(frozen=True)
class PlanOptions:
    """Whether a command stops before it begins."""

    panel: ClassVar[str] = OUTPUT

    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what there is to do, how long it takes and how large it gets.")
    ] = False


def announcer() -> Callable[[object], None] | None:
    """Return what prints a plan on standard error; None if nobody wants to hear, so that nothing is tried for it."""
    return None if is_quiet() else print_aside


def tell_plan(plan: Any, shown: PrintedOptions | None = None) -> None:
    """Print the plan of a command that stops there, and write it if results are asked for as JSON."""
    print_aside(plan)
    if shown is not None:
        shown.write({"plan": asdict(plan)})
