"""Groups of options: a command takes a dataclass as one argument, and its fields are options on the command line.

    @dataclass(frozen=True)
    class DataOptions:
        panel: ClassVar[str] = "Data"
        root: Annotated[Path | None, typer.Option(help="…")] = None

    @with_groups
    def bench(out: …, data: DataOptions) -> None: …

has the options ``--out`` and ``--root``, the second of which is shown under the title of its group, Data. A group that
is a context manager is entered around the command.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from copy import copy
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, get_type_hints


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with every dataclass among its arguments spelled out, field by field, as typer reads it."""
    hints = get_type_hints(command, include_extras=True)
    options: dict[str, inspect.Parameter] = {}
    groups: dict[str, type] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        if is_dataclass(hints[name]):
            groups[name] = hints[name]
            of_group = get_type_hints(hints[name], include_extras=True)
            for field in fields(hints[name]):
                default = inspect.Parameter.empty if field.default is MISSING else field.default
                annotation = _put_under(getattr(hints[name], "panel", None), of_group[field.name])
                options[field.name] = _make_option(field.name, default, annotation)
        else:
            options[name] = _make_option(name, parameter.default, hints[name])

    def run(**given: Any) -> None:
        with ExitStack() as around:
            for name, group in groups.items():
                given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
                if isinstance(given[name], AbstractContextManager):
                    around.enter_context(given[name])
            command(**given)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature(list(options.values()))  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in options.values()}
    return run


def _put_under(title: str | None, annotation: Any) -> Any:
    """Return an option's annotation with the title that help shows it under, unless it has one of its own."""
    option = annotation.__metadata__[0]
    if title is None or option.rich_help_panel is not None:
        return annotation
    option = copy(option)
    option.rich_help_panel = title
    return Annotated[annotation.__origin__, option]


def _make_option(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
