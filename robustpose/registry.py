"""Names to objects: a short name from a table, or `package.module:attr`; imported only when asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustpose.blame import blaming
from robustpose.errors import UserError, nearest


def load(name: str, table: Mapping[str, str] | None = None, kind: str = "name") -> Any:
    """Return the object behind `name`: a `package.module:attr` path (attr may have dots), or the key of one in `table`.

    An error message calls the name `kind`.
    """
    module_name, attribute = check_name(name, table, kind)
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # a user's own module lies in the folder the command is started from
    what = f"{kind} '{name}'"
    found = _import(module_name, what)
    with blaming(what):
        for part in attribute.split("."):
            if not hasattr(found, part):
                raise UserError(f"{what}: '{module_name}' has no '{attribute}'{nearest(part, dir(found))}")
            found = getattr(found, part)
    return found


def check_name(name: str, table: Mapping[str, str] | None = None, kind: str = "name") -> tuple[str, str]:
    """Return the module and the attribute that `load` would look for; UserError where there is no such short name."""
    table = table or {}
    module_name, colon, attribute = table.get(name, name).partition(":")
    if not colon or not module_name or not attribute or module_name.startswith("."):  # ./my.py: a path, not a module
        known = (
            f"one of {', '.join(sorted(table))}, or package.module:attr" if table else "package.module:attr, no path"
        )
        raise UserError(f"unknown {kind} '{name}'{nearest(name, table)}: expected {known}")
    return module_name, attribute


def _import(name: str, what: str) -> Any:
    with blaming(f"{what}: module '{name}'"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not error.name:
                raise
            if name == error.name or name.startswith(error.name + "."):
                hint = f": leave out .py, {name[:-3]}:…" if name.endswith(".py") else ""
                raise UserError(f"{what}: there is no module '{name}' on the Python path{hint}") from error
            raise UserError(f"{what}: module '{name}' needs '{error.name}', which is not installed") from error
