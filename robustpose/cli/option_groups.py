"""Groups of options: a command takes a dataclass as one argument, and its fields are options on the command line.

    @dataclass(frozen=True)
    class DataOptions:
        root: Annotated[Path | None, typer.Option(help="…")] = None

    @with_groups
    def bench(out: …, data: DataOptions) -> None: …

has the options ``--out`` and ``--root``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints


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
                options[field.name] = _make_option(field.name, default, of_group[field.name])
        else:
            options[name] = _make_option(name, parameter.default, hints[name])

    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature(list(options.values()))  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in options.values()}
    return run


def _make_option(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
