"""Names to objects: a short name from a table, or `package.module:attr`; imported only when asked for."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    except Exception as error:
        raise blame(f"{kind} '{name}': module '{module_name}'", error) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise UserError(f"{kind} '{name}': '{module_name}' has no '{attribute}'{nearest(part, dir(found))}")
        found = getattr(found, part)
    return found


@contextmanager
def running(what: str) -> Iterator[None]:
    """Turn what goes wrong in somebody's own code into a UserError that begins with `what` and names file and line."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        raise blame(what, error) from error


def blame(what: str, error: Exception) -> UserError:
    """Return a UserError that says what went wrong in somebody's own code, and in which of its lines."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_library(frame.filename)]
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    words = " ".join(str(error).split())[:300]
    return UserError(f"{what} failed: {type(error).__name__}{': ' if words else ''}{words}{place}")


def _is_library(path: str) -> bool:
    folders = (Path(__file__).parent, Path(traceback.__file__).parent)
    return "site-packages" in path or path.startswith("<") or any(folder in Path(path).parents for folder in folders)
