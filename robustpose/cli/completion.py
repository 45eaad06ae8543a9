"""Completion: what a shell offers for a word that is begun: commands and options, and the names that options take.

It must answer while somebody waits, so nothing here imports PyTorch, and it must print nothing but what it offers.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Any

import typer

from robustpose.errors import UserError
from robustpose.printing import print_document, print_line
from robustpose.stopping import COMPLETING

VARIABLE = COMPLETING  # in which a shell's script asks
NO_FILES = 4  # exit code: nothing can be offered, no files either
WITHOUT_FILES = ("KEY=VALUE", "NAME=BOUND", "NAMES", "N", "N,N,…", "SHARE")  # what options take that are no files
SHELLS = ("bash", "zsh", "fish")
# In bash's function: no files where there can be none, no blank after what goes on.
REFINED = f"""\
    [ $? -eq {NO_FILES} ] && compopt +o default 2>/dev/null
    case "${{COMPREPLY[*]}}" in *[=:]) compopt -o nospace 2>/dev/null ;; esac
    case "${{COMP_WORDS[COMP_CWORD-1]}}" in --corruptions|--fail-if-worse) compopt -o nospace 2>/dev/null ;; esac
"""
Names = Callable[[], Iterable[str]]


def answer(app: typer.Typer) -> int:
    """Print what may come next, as the shell's script asks in the environment; return `NO_FILES` or 0 for that script.

    A shell offers files where nothing is printed. Where no file can come next either, it is told so.
    """
    offered = io.StringIO()
    with suppress(Exception, SystemExit), redirect_stderr(io.StringIO()), redirect_stdout(offered):
        from typer.completion import completion_init  # type: ignore[attr-defined]  # of typer's classes, one a shell

        completion_init()
        app(args=[], prog_name="robustpose", standalone_mode=False)
    for line in offered.getvalue().splitlines():
        print_line(line)
    if offered.getvalue().strip():
        return 0
    with suppress(Exception):
        return 0 if _takes_files(app) else NO_FILES
    return 0


def _takes_files(app: typer.Typer) -> bool:
    """Return whether the word that bash asks for may be a file's name."""
    words = os.environ["COMP_WORDS"].split()[1 : int(os.environ["COMP_CWORD"])]
    command: Any = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            break
        command = command.get_command(None, word) or command
    if hasattr(command, "default"):  # the command that is meant where none is named
        command = command.commands[command.default]
    if hasattr(command, "commands"):
        return False  # the name of a command comes next
    before = words[-1] if words else ""
    option = next((one for one in command.params if before in one.opts and not getattr(one, "is_flag", False)), None)
    if option is not None:
        return str(option.metavar) not in WITHOUT_FILES
    # After these two, bash begins a new word: onnx:FILE.
    return before in (":", "=") or any(one.param_type_name == "argument" for one in command.params)


def show(wanted: bool) -> None:
    """Print the script that has the user's shell ask, and end."""
    if wanted:
        from typer.completion import get_completion_script  # type: ignore[attr-defined]

        script = get_completion_script(prog_name="robustpose", complete_var=VARIABLE, shell=_find_shell())
        print_document(_refine(script).rstrip("\n"))
        raise typer.Exit


def install(wanted: bool) -> None:
    """Put that script where the user's shell reads it, and end."""
    if wanted:
        from typer.completion import install as write  # type: ignore[attr-defined]

        try:
            shell, path = write(_find_shell(), "robustpose", VARIABLE)
            path.write_text(_refine(path.read_text(encoding="utf-8")), encoding="utf-8")
        except OSError as error:
            raise UserError(
                f"cannot write {error.filename} ({error.strerror}): add what robustpose --show-completion prints to "
                "what your shell reads when it starts"
            ) from error
        print_line(f"{shell} completes robustpose when it is started again: {path}")
        raise typer.Exit


def _refine(script: str) -> str:
    """Return the script of bash with what typer's leaves out; scripts of other shells as they are."""
    end = "    return 0\n}\n\ncomplete -o default"
    return script.replace(end, f"{REFINED}{end}")


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
    names = [*(name for name, _ in groups), *(one for _, names in groups for one in names)]
    return ["all", "none", *dict.fromkeys(names)]  # suites share some


def list_datasets() -> list[str]:
    """Return the names of data."""
    from robustpose.data.official import SETS

    return ["toy", "toy-crowds", *SETS]  # `data.spec.KINDS`, which takes longer to load


def list_skeletons() -> list[str]:
    """Return the names of published skeletons."""
    from robustpose.pose.skeleton_table import TABLE

    return list(TABLE)


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


def list_detectors() -> list[str]:
    """Return how the names of detectors begin."""
    from robustpose.detectors import TABLE

    return [f"{name}:" for name in TABLE]


def list_detector_options(ctx: Any, incomplete: str) -> list[str]:
    """Return the options of the detector that the command names, each with its equals sign."""
    from robustpose.cli.described import describe_detector_options

    given = str(ctx.params.get("model") or "")
    boxes = str(ctx.params.get("boxes") or "")
    kind = (boxes.removeprefix("detect:") if boxes.startswith("detect:") else given).partition(":")[0]
    with suppress(Exception):
        return [f"{one.name}=" for one in describe_detector_options(kind) if one.name.startswith(incomplete)]
    return []


def list_model_options(ctx: Any, incomplete: str) -> list[str]:
    """Return the options of the model that the command names, each with its equals sign."""
    from robustpose.cli.described import describe_options

    kind = str(ctx.params.get("model") or "").partition(":")[0]
    with suppress(Exception):
        return [f"{one.name}=" for one in describe_options(kind) if one.name.startswith(incomplete)]
    return []


def list_gates(ctx: Any, incomplete: str) -> list[str]:
    """Return the scores that a bench of these options will have, each with its equals sign; cells once a / is typed."""
    before, comma, last = incomplete.rpartition(",")
    with suppress(Exception):
        from robustpose.corruptions.suites import choose_cells, find_suite
        from robustpose.results.score_names import name_scores

        suite = find_suite(str(ctx.params.get("suite") or "coco-c"))
        cells = choose_cells(str(ctx.params.get("corruptions") or "all").split(","), None, suite)
        names = ["clean", *name_scores(suite, cells, "AP")]
        names = [name for name in names if not name.endswith("*") and ("/" in name) <= ("/" in last)]
        return [f"{before}{comma}{name}=" for name in names if name.startswith(last)]
    return []


def list_scores() -> list[str]:
    """Return the scores of all suites but those of single cells."""
    from robustpose.corruptions.suites import SUITES

    of_suites = [(suite.mean_name, suite.ratio_name, *suite.groups, *suite.corruptions) for suite in SUITES.values()]
    return [*dict.fromkeys(["clean", "consistency", *(name for names in of_suites for name in names)])]


def list_parts(ctx: Any, incomplete: str) -> list[str]:
    """Return what names of a list have from the word on that is begun; of options, the kinds of models."""
    makers: dict[str, Names] = {
        "options": list_models,
        "models": list_models,
        "detectors": list_detectors,
        "rows": list_rows,
        "recipes": list_recipes,
        "corruptions": list_corruptions,
        "suites": list_suites,
        "datasets": list_datasets,
        "skeletons": list_skeletons,
        "metrics": list_metrics,
        "strategies": list_strategies,
        "settings": list_settings,
    }
    names = _ask(makers.get(str(ctx.params.get("kind")), list))
    found = (name.rstrip(":=") for name in names if incomplete in name)
    return list(dict.fromkeys(name[name.index(incomplete) :] for name in found))


def list_settings() -> list[str]:
    """Return the dotted names of the settings of train, each with its equals sign."""
    from robustpose.cli.described import describe_settings

    return [f"{one.name}=" for one in describe_settings()]
