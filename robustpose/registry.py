"""Names to objects: a short name from a table, or `package.module:attr`; imported only when asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustpose.errors import UserError, nearest


def load(name: str, table: Mapping[str, str] | None = None, kind: str = "name") -> Any:
    """Return the object behind `name`: a `package.module:attr` path (attr may have dots), or the key of one in `table`.

    An error message calls the name `kind`.
    """
    table = table or {}
    path = table.get(name, name)
    module_name, colon, attribute = path.partition(":")
    if not colon or not module_name or not attribute or module_name.startswith("."):  # ./my.py: a path, not a module
        raise UserError(
            f"unknown {kind} '{name}'{nearest(name, table)}: expected one of {', '.join(sorted(table)) or 'none'}, "
            "or package.module:attr"
        )
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # a user's own module lies in the folder the command is started from
    try:
        found = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise UserError(f"{kind} '{name}': there is no module '{module_name}' on the Python path") from error
        raise UserError(
            f"{kind} '{name}': module '{module_name}' needs '{error.name}', which is not installed"
        ) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise UserError(f"{kind} '{name}': '{module_name}' has no '{attribute}'{nearest(part, dir(found))}")
        found = getattr(found, part)
    return found
