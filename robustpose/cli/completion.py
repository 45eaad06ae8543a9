"""Completion: what a shell offers for a word that is begun: commands and options, and the names that options take.

It must answer while somebody waits, so nothing here imports PyTorch, and it must print nothing but what it offers.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, suppress
from typing import Any

import typer

from robustpose.errors import UserError
from robustpose.printing import print_document, print_line
from robustpose.stopping import COMPLETING

VARIABLE = COMPLETING  # in which a shell's script asks
SHELLS = ("bash", "zsh", "fish")
Names = Callable[[], Iterable[str]]


def answer(app: typer.Typer) -> None:
    """Print what may come next, as the shell's script asks in the environment."""
    with suppress(Exception, SystemExit), redirect_stderr(io.StringIO()):
        from typer.completion import completion_init  # type: ignore[attr-defined]  # of typer's classes, one a shell

        completion_init()
        app(args=[], prog_name="robustpose", standalone_mode=False)


def show(wanted: bool) -> None:
    """Print the script that has the user's shell ask, and end."""
    if wanted:
        from typer.completion import get_completion_script  # type: ignore[attr-defined]

        script = get_completion_script(prog_name="robustpose", complete_var=VARIABLE, shell=_find_shell())
        print_document(script.rstrip("\n"))
        raise typer.Exit


def install(wanted: bool) -> None:
    """Put that script where the user's shell reads it, and end."""
    if wanted:
        from typer.completion import install as write  # type: ignore[attr-defined]

        try:
            shell, path = write(_find_shell(), "robustpose", VARIABLE)
        except OSError as error:
            raise UserError(
                f"cannot write {error.filename} ({error.strerror}): add what robustpose --show-completion prints to "
                "what your shell reads when it starts"
            ) from error
        print_line(f"{shell} completes robustpose when it is started again: {path}")
        raise typer.Exit


def _find_shell() -> str:
    """Return the name of the shell that has called us, or else of the user's."""
    import shellingham

    try:
        name = str(shellingham.detect_shell()[0])
    except (shellingham.ShellDetectionFailure, OSError):
        name = ""
    if name not in SHELLS:
        name = os.path.basename(os.environ.get("SHELL", "")) or name  # noqa: PTH119  # a name, not a path
    if name not in SHELLS:
        raise UserError(f"completion is for {', '.join(SHELLS)}, and the shell is {name or 'unknown'}: set SHELL")
    return name


def complete(names: Names) -> Callable[[str], list[str]]:
    """Return a function that completes one name; `names` is asked only then."""
    return lambda incomplete: [name for name in _ask(names) if name.startswith(incomplete)]


def complete_list(names: Names) -> Callable[[str], list[str]]:
    """Return a function that completes the last one of names with commas."""

    def offer(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        said = before.split(",")
        return [f"{before}{comma}{name}" for name in _ask(names) if name.startswith(last) and name not in said]

    return offer


def choose(*choices: str) -> dict[str, Any]:
    """Return what `typer.Option` needs for an option that takes one of some words."""
    return {"metavar": "|".join(choices), "autocompletion": complete(lambda: choices)}


def _ask(names: Names) -> list[str]:
    with suppress(Exception):  # a package that is broken, say: the command will tell
        return list(names())
    return []


def list_rows() -> list[str]:
    """Return the names of the paper's rows."""
    from robustpose.results.published import published_rows

    return [row.name for row in published_rows()]


def list_suites() -> list[str]:
    """Return the names of suites."""
    from robustpose.corruptions.suites import SUITES

    return list(SUITES)


def list_corruptions() -> list[str]:
    """Return what --corruptions takes: all, none, groups, corruptions."""
    from robustpose.corruptions.suites import SUITES

    groups = [group for suite in SUITES.values() for group in suite.groups.items()]
    return ["all", "none", *(name for name, _ in groups), *(one for _, names in groups for one in names)]


def list_datasets() -> list[str]:
    """Return the names of data."""
    from robustpose.data.official import SETS

    return ["toy", "toy-crowds", *SETS]  # `data.spec.KINDS`, which takes longer to load


def list_splits() -> list[str]:
    """Return the names of all splits."""
    from robustpose.data.official import SETS

    return [*dict.fromkeys(["val", "train", *(name for row in SETS.values() for name in row.splits)])]


def list_metrics() -> list[str]:
    """Return the names of metrics, with a colon where something must follow it."""
    from robustpose.metrics import DESCRIPTIONS

    return [f"{name}{colon}" for name, colon, _ in (one.partition(":") for one in DESCRIPTIONS)]


def list_strategies() -> list[str]:
    """Return the names of strategies."""
    from robustpose.train.strategies import STRATEGIES

    return list(STRATEGIES)


def list_recipes() -> list[str]:
    """Return the names of training recipes."""
    from robustpose.train import recipes

    return list(recipes.list_recipes())


def list_models() -> list[str]:
    """Return how the names of models begin."""
    from robustpose.models import TABLE

    return ["demo", *(f"{name}:" for name in ("onnx", "tflite", "hf", "results", *TABLE))]


def list_model_options(ctx: Any, incomplete: str) -> list[str]:
    """Return the options of the model that the command names, each with its equals sign."""
    from robustpose.cli.described import describe_options

    kind = str(ctx.params.get("model") or "").partition(":")[0]
    with suppress(Exception):
        return [f"{one.name}=" for one in describe_options(kind) if one.name.startswith(incomplete)]
    return []


def list_settings() -> list[str]:
    """Return the dotted names of the settings of train, each with its equals sign."""
    from robustpose.cli.described import describe_settings

    return [f"{one.name}=" for one in describe_settings()]
