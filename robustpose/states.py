"""States: what an object or function of somebody's own is made of, so that one made otherwise is never taken for it.

Its code is in files, which `sources` finds. Beside that, weights decide what it does, and what it was made with. So
arrays, tensors and states of networks are hashed wherever an object, a closure, a class, or the variables that its
functions read hold them; so are numbers and words, but for those inside of the objects of libraries: a program may set
all of these when it runs. Where a project lies is no part of it, so paths are not; the files that they name are, if
they hold weights. Nothing is run or imported for it.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodWrapperType, ModuleType
from typing import Any

from robustpose.changes import ALL_NAMES, spell_state
from robustpose.contents import hash_content
from robustpose.plain_values import PLAIN, is_unknown, list_parts_of_value, spell_function, spell_plain
from robustpose.sources import PACKAGE, READ, find_module, hash_code, hash_once, is_file, is_own, is_own_file
from robustpose.used_names import find_used, list_codes

MOST_OBJECTS = 20_000  # are looked at; beyond, an object is a program of its own
MAIN = ("__main__", "__mp_main__")  # in a worker process, the second
OF_MAIN = "__main__."  # begins the names of what a program or a notebook defines itself
IN_NO_FILE = "is in no file"
MODULES = "modules_named"  # attribute of objects that were found by a name: the modules that it named


@dataclass(frozen=True)
class Known:
    """What is known of an object or function of somebody's own."""

    code: dict[str, str]  # SHA-256 of files by name, versions of libraries; or of code that is in no file
    state: dict[str, str]  # SHA-256 by the names of attributes and variables
    doubts: tuple[str, ...] = ()  # why that may not be all, a line each

    @property
    def whole_state(self) -> dict[str, str]:
        """Return the state, marked as one with all names, so that one more or less is a change."""
        return {**self.state, **ALL_NAMES}


def tabulate(known: Known, name: str) -> dict[str, str]:
    """Return code and state of what has a name in one table, as notes have it of corruptions and metrics."""
    return {**known.code, **{spell_state(variable, name): digest for variable, digest in known.state.items()}}


def name_modules(found: Any, path: str) -> None:
    """Note on an object that it was found by a path, ``package.module:attr``."""
    with suppress(AttributeError, TypeError):  # one that takes no attributes
        setattr(found, MODULES, (path.partition(":")[0],))


def is_somebodys(found: Any) -> bool:
    """Return whether an object is of a class that is not this package's."""
    return type(found).__module__.partition(".")[0] != PACKAGE


def know(found: Any, *modules: str) -> Known:
    """Return what decides what an object or function does, which was found in `modules`."""
    walk = _Walk(found)
    of_class = getattr(found, "__module__", None) or type(found).__module__
    code = hash_code([*modules, *getattr(found, MODULES, ()), of_class, *walk.modules])
    for file in walk.files:
        code.setdefault(file.name, hash_once(file))
    doubts = []
    for name, texts in walk.in_memory.items():
        code[f"{name} (in no file)"] = hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()
        if name.rpartition(".")[0] not in walk.in_memory:  # a method, of a class that is doubted already
            doubts.append(
                f"the code of '{name.removeprefix(OF_MAIN)}' {IN_NO_FILE}: results know its compiled form, and not all "
                "that it calls (write it into a file, such as mine.py, and import it from there: processes can then "
                "share the work, too)"
            )
    if not code:
        name = getattr(found, "__qualname__", type(found).__qualname__)
        doubts.append(f"the code of '{name}' is not known: results know it by its name, and a change goes unnoticed")
    doubts += walk.doubts
    state = {name: hashlib.sha256(b"".join(sorted(parts))).hexdigest() for name, parts in walk.state.items()}
    return Known(code, dict(sorted(state.items())), tuple(doubts))


@dataclass
class _Walk:
    """Go through an object and all that it holds, and collect digests and where code is."""

    found: Any
    state: dict[str, list[bytes]] = field(default_factory=dict)  # digests by the name of what holds them
    modules: dict[str, None] = field(default_factory=dict)  # in the order they were found
    files: dict[Path, None] = field(default_factory=dict)  # of code in modules that nobody can import
    in_memory: dict[str, set[str]] = field(default_factory=dict)  # code that is in no file, as text, by name
    doubts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Name, value, and whether plain values count, and which function it is.
        self._waiting: list[tuple[str, Any, bool]] = [("", self.found, not isinstance(self.found, FunctionType | type))]
        # By id and by what holds it, as copies in another process need not be one object; held for the sake of ids.
        self._seen: dict[tuple[int, str, bool], Any] = {}
        self._classes: dict[type, bool] = {}  # whether each is somebody's own
        while self._waiting and len(self._seen) < MOST_OBJECTS:
            self._look_at(*self._waiting.pop())

    def _add(self, holder: str, name: str, value: Any, with_plain: bool) -> None:
        self._waiting.append((f"{holder}.{name}" if holder and name else holder or name, value, with_plain))

    def _look_at(self, name: str, value: Any, with_plain: bool) -> None:
        if isinstance(value, PLAIN):
            self._look_at_plain(name, value, with_plain)
            return
        key = (id(value), name.partition(".")[0], with_plain)
        if isinstance(value, ModuleType) or key in self._seen:
            return
        self._seen[key] = value
        if inspect.isfunction(value):
            self._look_at_function(name, value, with_plain)
            return
        if isinstance(value, type):
            if with_plain:
                self._note(name, value.__qualname__.encode())
            self._look_at_class(value)
            return
        if not is_somebodys(value) and hasattr(value, "provenance"):  # an estimator of ours, in one of somebody's
            self._note(name, repr(value.provenance).encode())
            return
        content = hash_content(value)
        if content is not None:
            self._note(name, content)
        for part, item in _list_parts(value):
            self._add(name, part, item, with_plain)
        if with_plain and content is None:
            for part, item in list_parts_of_value(value):
                self._add(name, part, item, with_plain)
            if is_unknown(value):
                what = name or type(value).__qualname__
                self.doubts.append(
                    f"what '{what}' ({type(value).__qualname__}) holds is not known: a change goes unnoticed"
                )
        is_own_class = self._look_at_class(type(value))
        if is_own_class or content is None:  # of a library's object, weights alone
            for attribute, item in _list_attributes(value):
                self._add(name, attribute, item, with_plain and is_own_class)
        if content is not None and hasattr(type(value), "modules"):
            for layer in value.modules():
                if self._look_at_class(type(layer)):  # numbers and words, which no state holds
                    for attribute, item in _list_attributes(layer):
                        self._add(name, f"{type(layer).__name__}.{attribute}", item, with_plain)
                elif "forward" in vars(layer):  # which stands in for that of its class
                    self._add(name, "forward", layer.forward, with_plain)

    def _look_at_plain(self, name: str, value: Any, with_plain: bool) -> None:
        text = str(value) if isinstance(value, str | PurePath) else ""
        if text.lower().endswith(READ) and is_file(Path(text)):
            self._note(name, hash_once(Path(text)).encode())
        elif with_plain and (spelled := spell_plain(value)) is not None:
            self._note(name, spelled.encode())

    def _look_at_class(self, kind: type) -> bool:
        """Look at what the methods of a class use; return whether it, or a class above it, is somebody's own."""
        if kind in self._classes:
            return self._classes[kind]
        self._classes[kind] = False
        for part in kind.__mro__:
            if self._take_code(part):
                self._classes[kind] = True
                for attribute, item in list(vars(part).items()):
                    item = getattr(item, "fget", None) or getattr(item, "__func__", item)
                    if inspect.isfunction(item) or not attribute.startswith("__"):
                        is_its_own = _is_called(item, f"{part.__qualname__}.{attribute}")
                        self._add(part.__name__, attribute, item, not is_its_own)
        return self._classes[kind]

    def _look_at_function(self, name: str, function: Any, is_told: bool) -> None:
        is_own_function = self._take_code(function)
        if is_told:
            self._note(name, (spell_function(function) if is_own_function else function.__qualname__).encode())
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            with suppress(ValueError):  # nothing is in it yet
                self._add(name, variable, cell.cell_contents, is_own_function)
        if not is_own_function:
            return
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        for argument, default in zip(reversed(names), reversed(function.__defaults__ or ()), strict=False):
            self._add(name, argument, default, True)
        self._add(name, "", function.__kwdefaults__ or {}, True)
        for variable, value in find_used(function.__code__, function.__globals__).items():
            self._add("", variable, value, not _is_called(value, variable))

    def _take_code(self, found: Any) -> bool:
        """Note where the code of a class or function is; return whether it is somebody's own."""
        module = str(found.__module__)
        if is_own(module):
            self.modules[module] = None
            if (
                inspect.isfunction(found)
                and "." not in found.__qualname__
                and not is_file(Path(found.__code__.co_filename))
            ):
                self._note_code(found, [found.__code__])  # made by `exec`
            return True
        functions = [found] if inspect.isfunction(found) else filter(inspect.isfunction, vars(found).values())
        codes = [function.__code__ for function in functions]
        file = next((Path(code.co_filename) for code in codes if is_file(Path(code.co_filename))), None)
        if file is not None and is_own_file(file):
            self.files[file] = None
        elif codes and file is None and find_module(module) is None:
            self._note_code(found, codes)
        else:
            return module in MAIN  # such as a class in a notebook that has variables alone
        return True

    def _note_code(self, found: Any, codes: list[CodeType]) -> None:
        self.in_memory.setdefault(f"{found.__module__}.{found.__qualname__}", set()).add(_spell(codes))

    def _note(self, name: str, content: bytes) -> None:
        self.state.setdefault(name.partition(".")[0] or "itself", []).append(name.encode() + b"\0" + content)


def _list_parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a container holds, and what a function is hidden in, with names."""
    if isinstance(value, Mapping):
        yield from ((str(key), value[key]) for key in list(value))
    elif isinstance(value, list | tuple):
        yield from ((str(number), item) for number, item in enumerate(value))
    elif isinstance(value, set | frozenset):
        yield from (("", item) for item in value)
    elif isinstance(value, functools.partial):
        yield from (("", value.func), ("", value.args), ("", value.keywords))
    elif inspect.ismethod(value):
        yield from (("", value.__self__), ("", value.__func__))
    elif isinstance(value, BuiltinFunctionType | MethodWrapperType):
        yield from (("", value.__name__), ("", getattr(value, "__self__", None)))
    for link in ("__wrapped__", "py_func"):  # of a cache, of Numba
        if inspect.isfunction(getattr(value, link, None)):
            yield "", getattr(value, link)


def _list_attributes(value: Any) -> Iterator[tuple[str, Any]]:
    attributes = dict(getattr(value, "__dict__", {}))
    if hasattr(type(value), "named_buffers"):  # a network: PyTorch's own begin so, and its state is known
        attributes = {name: item for name, item in attributes.items() if not name.startswith("_")}
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else slots:
            if name != "__dict__" and hasattr(value, name):
                attributes[name] = getattr(value, name)
    attributes.pop(MODULES, None)
    yield from attributes.items()


def _is_called(function: Any, name: str) -> bool:
    """Return whether a function is what its module has under a name, so that its code tells what it is."""
    if not inspect.isfunction(function):
        return False
    found = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = None if found is None else inspect.getattr_static(found, part, None)
        found = getattr(found, "fget", None) or getattr(found, "__func__", found)
    return function.__qualname__ == name and (found is function or not is_file(Path(function.__code__.co_filename)))


def _spell(codes: list[CodeType]) -> str:
    """Return compiled code as text without what depends on where it is in memory."""
    parts = []
    for code in (inner for outer in codes for inner in list_codes(outer)):
        constants = [repr(constant) for constant in code.co_consts if not isinstance(constant, CodeType)]
        parts += [code.co_name, code.co_code.hex(), repr(code.co_names), repr(code.co_varnames), *constants]
    return "\n".join(parts)
