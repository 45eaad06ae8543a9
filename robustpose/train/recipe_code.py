"""Code that a recipe names, ``package.module:attr``: run only if it was typed on the command line, or is trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.config import refuse_code, shorten
from robustpose.errors import UserError
from robustpose.metrics import names_code

# Settings whose value may be the name of code.
PLACES = (
    ("model",),
    ("strategy",),
    ("teacher", "model"),
    *((data, field) for data in ("train_data", "val_data") for field in ("name", "metric")),
)


def list_code(values: Any) -> dict[str, str]:
    """Return what nested values of any shape name as code, by setting, such as ``train_data.name``."""
    found = {}
    for place in PLACES:
        value = values
        for key in place:
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, str) and ":" in value and (place[-1] != "metric" or names_code(value)):
            found[".".join(place)] = value
    return found


def check_trust(
    recipe: Mapping[str, Any], settings: Mapping[str, Any], typed: Sequence[str], source: str, trust: bool
) -> None:
    """Raise UserError where settings have code of a recipe that nobody typed.

    `typed` are the settings, or groups of them, that were given on the command line.
    """
    of_recipe = list_code(recipe)
    foreign = {
        key: name
        for key, name in list_code(settings).items()
        if of_recipe.get(key) == name and not any(f"{key}.".startswith(f"{word}.") for word in typed)
    }
    refuse_code(foreign, source, trust)


def check_same_code(before: Any, now: Mapping[str, Any], folder: Path) -> None:
    """Raise UserError if the settings in a checkpoint name code that those of now do not: it is not run then."""
    code = list_code(now)
    differences = [
        f"{key}: '{shorten(name)}' there, {code.get(key)!r} now"
        for key, name in list_code(before).items()
        if name != code.get(key)
    ]
    if differences:
        raise UserError(
            f"{folder} holds a run with other settings ({'; '.join(differences)}): give the same ones, choose another "
            "--out, or start over with --fresh"
        )


def name_typed(overrides: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """Return the settings that overrides and options give."""
    return [*(override.partition("=")[0].strip() for override in overrides), *_name_options(options)]


def _name_options(options: Mapping[str, Any], group: str = "") -> Iterator[str]:
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _name_options(value, f"{group}{key}.")
        elif value is not None:
            yield f"{group}{key}"
