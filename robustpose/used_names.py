"""Used names: which variables code reads, by its instructions, so that attributes of the same name are told from them.

What is read through modules, ``settings.SCALE``, is followed to the variable. Nothing is run or imported for it.
"""

from __future__ import annotations

import ast
import dis
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from robustpose.sources import hash_once, is_file, is_own

GLOBALS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM")
# Calls whose values differ from process to process, so that a variable that is made of one tells nothing.
OF_THE_MOMENT = (
    "time", "time_ns", "perf_counter", "monotonic", "process_time", "now", "utcnow", "today", "getpid", "getppid",
    "uuid1", "uuid4", "token_hex", "mkdtemp", "mkstemp", "gettempdir", "TemporaryDirectory", "gethostname",
    "current_process", "random", "randint", "getrandbits", "urandom", "id", "get_ident",
)  # fmt: skip


def list_codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of a function and of those inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from list_codes(constant)


def find_used(code: CodeType, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that code reads, of its module and of somebody's other modules, by name.

    `variables` are those of its module. Of two modules' variables of one name, the second is ``module.name``.

    >>> SCALE = 2
    >>> def grow(image):
    ...     return image.scale * SCALE
    >>> find_used(grow.__code__, {"SCALE": SCALE, "scale": 3})
    {'SCALE': 2}
    """
    found: dict[str, Any] = {}
    chains = sorted({chain for inner in list_codes(code) for chain in _list_chains(inner)})
    for first, *rest in chains:
        if first in variables and not (first.startswith("__") and first.endswith("__")):
            _follow(first, variables[first], rest, found, _is_of_moment(variables, first))
    for module, names in _list_imports(code, variables):
        for name in sorted(names & vars(module).keys()):
            if _differs_from_source(module, name):
                found.setdefault(name, vars(module)[name])
    return found


def _follow(name: str, value: Any, rest: list[str], found: dict[str, Any], is_of_moment: bool) -> None:
    """Note a variable; of a module, the variable in it that is read."""
    while isinstance(value, ModuleType) and rest and is_own(value.__name__):
        module, name, *rest = value, *rest
        if name not in vars(module):
            return
        value, is_of_moment = vars(module)[name], _is_of_moment(vars(module), name)
        if name in found and found[name] is not value:
            name = f"{module.__name__.rpartition('.')[2]}-{name}"
    if not isinstance(value, ModuleType) and not is_of_moment:
        found[name] = value


def _list_chains(code: CodeType) -> Iterator[tuple[str, ...]]:
    """Yield each variable that is read, with the attributes that are read of it and of these at once."""
    chain: tuple[str, ...] = ()
    for step in dis.get_instructions(code):
        if step.opname == "EXTENDED_ARG":
            continue
        if chain and step.opname in ATTRIBUTES:
            chain = (*chain, str(step.argval))
            continue
        if chain:
            yield chain
        chain = (str(step.argval),) if step.opname in GLOBALS else ()
    if chain:
        yield chain


def _list_imports(code: CodeType, variables: Mapping[str, Any]) -> Iterator[tuple[ModuleType, set[str]]]:
    """Yield somebody's modules that functions import themselves, if they are loaded, and names that may be theirs."""
    package = str(variables.get("__package__") or "")
    for inner in list_codes(code):
        steps = [step for step in dis.get_instructions(inner) if step.opname != "EXTENDED_ARG"]
        names = {str(step.argval) for step in steps if step.opname in ATTRIBUTES}
        for place, step in enumerate(steps):
            if step.opname != "IMPORT_NAME":
                continue
            level = steps[place - 2].argval if place > 1 else 0
            name = "." * (level if isinstance(level, int) else 0) + str(step.argval)
            with suppress(ImportError, ValueError):
                module = sys.modules.get(importlib.util.resolve_name(name, package))
                if module is not None and is_own(module.__name__):
                    yield module, names


def _is_of_moment(variables: Mapping[str, Any], name: str) -> bool:
    made = _read_assigned(variables).get(name)
    calls = [node.func for node in ast.walk(made) if isinstance(node, ast.Call)] if made is not None else []
    return any(getattr(call, "attr", getattr(call, "id", "")) in OF_THE_MOMENT for call in calls)


def _differs_from_source(module: ModuleType, name: str) -> bool:
    """Return whether a variable of a module is another than its file says, where that is a plain value."""
    made = _read_assigned(vars(module)).get(name)
    if made is None:
        return False
    try:
        return repr(ast.literal_eval(made)) != repr(vars(module)[name])
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False


def _read_assigned(variables: Mapping[str, Any]) -> Mapping[str, ast.expr]:
    """Return what the variables of a module are assigned in its file, the last of each."""
    file = variables.get("__file__")
    if not isinstance(file, str) or not file.endswith(".py") or not is_file(Path(file)):
        return {}
    return _parse(file, hash_once(Path(file)))


def _pair(target: ast.expr | None, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from _pair(one, its)


@lru_cache(maxsize=512)
def _parse(file: str, digest: str) -> Mapping[str, ast.expr]:
    """Return what variables are assigned in a file; the `digest` of its content is there for the cache alone."""
    found: dict[str, ast.expr] = {}
    with suppress(OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        for node in ast.parse(Path(file).read_bytes()).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            value = getattr(node, "value", None)
            if isinstance(node, ast.Assign | ast.AnnAssign) and value is not None:
                found |= dict(pair for target in targets for pair in _pair(target, value))
    return found
