"""Sources: which files the code of a module is in, and their hashes, so that changed code is never taken for the old.

Those are the module's own file, the packages it is in, and whatever of somebody's own it imports, also inside functions
and through other modules. They are found by reading, so nothing is run for it. What is installed is known by its
version, and this package by its own, which results name anyway. Names are those of modules (``pkg/net.py``), wherever
the folder lies.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, NamedTuple

from robustpose.files import hash_file

PACKAGE = __name__.partition(".")[0]
INSTALLED = ("site-packages", "dist-packages")  # folders of installed distributions
# A file that is named in code by one of these suffixes is most likely read: weights, arrays, configurations.
READ = (
    ".bin", ".ckpt", ".csv", ".engine", ".h5", ".json", ".mat", ".npy", ".npz", ".onnx", ".pb", ".pickle", ".pkl",
    ".pt", ".pth", ".safetensors", ".tflite", ".toml", ".yaml", ".yml",
)  # fmt: skip
LONGEST_NAME = 200  # of a file that code may name


class Module(NamedTuple):
    """A module that may never have been imported."""

    name: str  # such as `pkg.net`
    file: Path | None  # None for a folder without `__init__.py`
    places: tuple[str, ...] | None  # folders of its submodules; None if it is no package

    @property
    def label(self) -> str:
        """Return its file's name, as it is seen from the folder that is on Python's path."""
        assert self.file is not None
        if self.name == "__main__":
            return self.file.name
        inside = "/__init__" if self.places is not None else ""
        return self.name.replace(".", "/") + inside + self.file.suffix


def hash_code(names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of every file that the code of some modules is in, by its name, and versions of libraries.

    Each module's own file comes before those that it uses. Modules of this package and of Python have none.

    >>> hash_code(["robustpose.corruptions", "json"])
    {}
    """
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        found |= _hash_module(name, str(Path.cwd()))
    return found


def is_own(name: str) -> bool:
    """Return whether a module is somebody's own: neither of this package nor of Python nor installed."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        module = find_module(name)
        file = None if module is None else module.file
    return file is not None and is_own_file(Path(file))


@lru_cache(maxsize=4096)
def is_own_file(file: Path) -> bool:
    """Return whether a file of code is somebody's own."""
    if any(part in INSTALLED for part in file.parts):
        return False
    return not any(file.is_relative_to(folder) for folder in _folders_of_others())


def is_file(path: Path) -> bool:
    """Return whether there is such a file; False for what cannot be the name of one."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def hash_once(path: Path) -> str:
    """Return the SHA-256 of a file, which is not read again in this process while its size and time are the same."""
    status = path.stat()
    return _hash_once(path.absolute(), status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=4096)
def _hash_once(path: Path, *_: int) -> str:
    return hash_file(path)


def _hash_module(name: str, cwd: str) -> dict[str, str]:
    root = find_module(name)
    if root is None:
        return {}
    if root.file is not None and not is_own_file(root.file):
        return _describe_library(root, with_files=True)
    found: dict[str, str] = {}
    waiting, seen = [root], set()
    while waiting:
        module = waiting.pop()
        if (module.name, module.file) in seen:
            continue
        seen.add((module.name, module.file))
        parent = module.name.rpartition(".")[0]
        waiting += filter(None, [find_module(parent)] if parent else [])
        if module.file is None:
            continue
        if not is_own_file(module.file):
            found |= _describe_library(module)
            continue
        found[module.label] = hash_once(module.file)
        imports, files = _read_source(module.file, module.name, module.places is not None, found[module.label])
        waiting += filter(None, (find_module(imported, module.file.parent) for imported in imports))
        for text in files:
            path = next((place / text for place in (module.file.parent, Path(cwd)) if is_file(place / text)), None)
            if path is not None:
                found[Path(text).name if Path(text).is_absolute() else text] = hash_once(path)
    own = {root.label: found[root.label]} if root.file is not None else {}
    return own | dict(sorted(found.items()))


def find_module(name: str, beside: Path | None = None) -> Module | None:
    """Return the module of a name without importing it; None if there is none, or it is a part of Python itself.

    If it is not on Python's path, it is looked for in the folder `beside`.
    """
    top, *rest = name.split(".")
    module = _find_top(top, beside)
    for depth, _ in enumerate(rest, 2):
        if module is None or module.places is None:
            return None
        module = _make_module(PathFinder.find_spec(".".join(name.split(".")[:depth]), list(module.places)))
    return module


def _find_top(name: str, beside: Path | None) -> Module | None:
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__spec__", None) is None:  # a script, or made by hand
        file = getattr(loaded, "__file__", None)
        return Module(name, Path(file), None) if file and Path(file).is_file() else None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        spec = None
    if spec is None and beside is not None:
        spec = PathFinder.find_spec(name, [str(beside)])
    return _make_module(spec)


def _make_module(spec: Any) -> Module | None:
    if spec is None:
        return None
    places = None if spec.submodule_search_locations is None else tuple(spec.submodule_search_locations)
    if not spec.has_location:  # built in, frozen, or a folder without `__init__.py`
        return None if places is None else Module(spec.name, None, places)
    file = Path(spec.origin)
    while not file.is_file() and file != file.parent:  # a module inside of a zip file
        file = file.parent
    return Module(spec.name, file, places) if file.is_file() else None


@cache
def _folders_of_others() -> tuple[Path, ...]:
    """Return the folders of Python and of this package."""
    places = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
    folders = [*(Path(place) for place in places if place), Path(__file__).parent]
    return tuple(dict.fromkeys([*folders, *(folder.resolve() for folder in folders)]))


@lru_cache(maxsize=4096)
def _read_source(file: Path, name: str, is_package: bool, digest: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of modules that a source file may import, and of files that it may read.

    The `digest` of its content is there for the cache alone.
    """
    if file.suffix != ".py":
        return (), ()
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return (), ()
    package = name if is_package else name.rpartition(".")[0]
    imports: list[str] = []
    files: list[str] = []
    for node in ast.walk(tree):
        imports += _list_imports(node, package)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            if len(text) < LONGEST_NAME and text.lower().endswith(READ) and "\0" not in text:
                files.append(text)
        if _imports_by_name(node):
            top = name.partition(".")[0]
            folder = file.parent if not package else file.parents[name.count(".") - (not is_package)]
            imports += _list_modules(folder, top if package else "")
    return tuple(dict.fromkeys(imports)), tuple(dict.fromkeys(files))


def _list_imports(node: ast.AST, package: str) -> Iterator[str]:
    """Yield what an import statement, or a call that imports a module by its written name, may import."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _resolve("." * node.level + (node.module or ""), package)
        if base:
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")
    elif isinstance(node, ast.Call) and _is_import(node) and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            named = _resolve(first.value, package)
            if named:
                yield named


def _resolve(name: str, package: str) -> str:
    """Return the full name of a module, which may begin with dots; nothing if it leads out of its package."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    parts = package.split(".") if package else []
    if level - 1 >= len(parts):
        return ""
    return ".".join(filter(None, [*parts[: len(parts) - level + 1], name.lstrip(".")]))


def _is_import(node: ast.Call) -> bool:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return called in ("import_module", "__import__")


def _imports_by_name(node: ast.AST) -> bool:
    """Return whether a call imports modules whose names are not written there."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called in ("iter_modules", "walk_packages"):
        return True
    return _is_import(node) and bool(node.args) and not isinstance(node.args[0], ast.Constant)


def _list_modules(folder: Path, package: str) -> Iterator[str]:
    """Yield the names of all modules in the folder of a package, or of those beside each other for no package."""
    for path in sorted(folder.rglob("*.py") if package else folder.glob("*.py")):
        parts = [*([package] if package else []), *path.relative_to(folder).with_suffix("").parts]
        if all(part.isidentifier() for part in parts):
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _describe_library(module: Module, with_files: bool = False) -> dict[str, str]:
    """Return the version of the distribution that a module was installed by, and a digest of its files if wanted."""
    top = module.name.partition(".")[0]
    if top == PACKAGE or module.file is None or not any(part in INSTALLED for part in module.file.parts):
        return {}
    distribution = _find_distribution(top)
    if distribution is None:
        return {module.label: hash_once(module.file)} if with_files else {}
    name, version, digest = distribution
    return {name: f"{version} {digest}" if with_files else version}


@cache
def _find_distribution(top: str) -> tuple[str, str, str] | None:
    """Return name, version and a digest of the Python files of the distribution that brings a module."""
    try:
        found = importlib.metadata.distribution(top)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        names = _distributions().get(top)
        if not names:
            return None
        found = importlib.metadata.distribution(names[0])
    lines = sorted(line for line in (found.read_text("RECORD") or "").splitlines() if ".py," in line or ".so," in line)
    return found.name, found.version, hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())
