"""Reading: whatever comes from outside, bounded before memory is taken; each mistake is one line that names the file.

JSON and arrays of any size that `robustpose.limits` allows; YAML, which people write by hand, of a few megabytes and
without aliases that multiply. What a file must hold is for a model of `robustpose.config` to say.
"""

from __future__ import annotations

import hashlib
import json
import math
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import yaml

from robustpose.errors import UserError, quote
from robustpose.limits import check_limit

MEGABYTE = 1 << 20
MOST_YAML_BYTES = 4 * MEGABYTE
MOST_YAML_NODES = 200_000  # once aliases are written out
MOST_YAML_DEPTH = 50
MOST_JSON_DEPTH = 100
MERGE = "tag:yaml.org,2002:merge"  # the key <<, which may be there again
PLAIN = frozenset({int, float, str, bool, type(None)})


def read_bytes(path: Path, what: str, most_bytes: int | None = None) -> bytes:
    """Return the content of a regular file; UserError for anything else, such as a folder, a pipe or a device.

    Messages call the file `what`, such as `annotation file`.
    """
    try:
        found = path.stat()  # a pipe would be waited for, a device never ends
        if not stat.S_ISREG(found.st_mode):
            raise UserError(f"cannot read the {what} {path.absolute()}: it is no file")
        if most_bytes is not None and found.st_size > most_bytes:
            raise UserError(
                f"cannot read the {what} {path.absolute()}: it has {found.st_size:,} bytes, at most {most_bytes:,}"
            )
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the {what} {path.absolute()}: {error.strerror or error}") from error
    except ValueError as error:  # a path with a null byte
        raise UserError(f"cannot read the {what} {str(path)!r}: {error}") from error


def read_text(path: Path, what: str, most_bytes: int | None = None) -> str:
    """Return the content of a UTF-8 file."""
    try:
        return read_bytes(path, what, most_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read the {what} {path}: it is not UTF-8 (byte {error.start})") from error


def read_json(path: Path, what: str, most_bytes: int | None = None) -> tuple[Any, str]:
    """Return the content of a JSON file, and its SHA-256. Messages call the file `what`, such as `annotation file`."""
    raw = read_json_bytes(path, what, most_bytes)
    return parse_json(raw, f"the {what} {path}"), hashlib.sha256(raw).hexdigest()


def read_json_bytes(path: Path, what: str, most_bytes: int | None = None) -> bytes:
    """Return what `parse_json` takes of a file, which is within the limit."""
    try:
        size = path.stat().st_size / MEGABYTE
    except (OSError, ValueError):
        size = 0.0  # what is wrong is said below
    check_limit("JSON_MB", size, f"the {what} {path}", "MB")
    return read_bytes(path, what, most_bytes)


def parse_json(raw: bytes | str, where: str) -> Any:
    """Return the content of JSON text; UserError, which begins with `where`, if it is none or nested too deep."""
    try:
        content = _load_json(raw)
    except RecursionError as error:
        raise UserError(f"{where} is nested too deep") from error
    except MemoryError as error:
        raise UserError(f"{where} does not fit into memory") from error
    except ValueError as error:
        raise UserError(f"{where} is no JSON: {' '.join(str(error).split())[:200]}") from error
    if _is_deeper(content, MOST_JSON_DEPTH):
        raise UserError(f"{where} is nested too deep: more than {MOST_JSON_DEPTH} levels")
    return content


def _load_json(raw: bytes | str) -> Any:
    """Return the content of JSON text, five times as fast as Python reads it; ValueError if it is none."""
    from pydantic_core import from_json

    try:
        return from_json(raw)
    except ValueError:  # Python reads a little more, such as UTF-16 and half a surrogate pair, and says what is wrong
        return json.loads(raw)


def read_yaml(path: Path, what: str) -> Any:
    """Return the content of a YAML file."""
    return parse_yaml(read_text(path, what, MOST_YAML_BYTES), f"the {what} {path}")


def parse_yaml(text: str, where: str) -> Any:
    """Return the content of YAML text; UserError, which begins with `where`, if it is none or grows beyond bounds."""
    loader = yaml.SafeLoader
    try:
        node = yaml.compose(text, loader)
        if node is None:
            return None
        _count_nodes(node, {}, 0)
        if (twice := _find_twice(node)) is not None:
            raise UserError(
                f"{where} has {quote(twice.value)} twice in one group, the second in line "
                f"{twice.start_mark.line + 1}: leave one of them out"
            )
        return yaml.load(text, loader)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError, AttributeError, KeyError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{where} is no YAML that can be read: {reason[:300]}") from error


def read_arrays(path: Path, what: str, *names: str) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an npz file, of numbers alone: those of `names`, by default all.

    What headers ask for is checked before memory is taken.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: it is damaged, too large, holds no plain arrays, or lacks one of `names`.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no {what} {path}")
    where = f"the {what} {path}"
    if not path.is_file():  # a pipe would be waited for
        raise UserError(f"{where} is no file")
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            lacking = [name for name in names if name not in members]
            if lacking:
                raise UserError(f"{where} lacks {', '.join(lacking)}: it is damaged, or of something else")
            wanted = names or tuple(members)
            check_limit("ARRAYS_MB", sum(members[name].file_size for name in wanted) / MEGABYTE, where, "MB")
            arrays = {}
            for name in wanted:
                with archive.open(members[name]) as member:
                    arrays[name] = _read_array(member, members[name].file_size)
            return arrays
    except UserError:
        raise
    except (OSError, EOFError, KeyError, ValueError, RuntimeError, NotImplementedError, MemoryError) as error:
        raise UserError(f"{where} is damaged: {' '.join(str(error).split())[:200]}") from error
    except (zipfile.BadZipFile, zlib.error, SyntaxError, TypeError, OverflowError) as error:
        raise UserError(f"{where} is damaged: {' '.join(str(error).split())[:200]}") from error


def _read_array(file: IO[bytes], n_bytes: int) -> npt.NDArray[Any]:
    """Read an array of `n_bytes` with its header; ValueError unless it is of numbers and has the size it says."""
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(
        version
    )
    if read_header is None:
        raise ValueError(f"arrays of format {version} are not read")
    shape, is_fortran, dtype = read_header(file)
    if dtype.hasobject or dtype.names is not None or dtype.kind not in "biufSU":
        raise ValueError(f"an array of {dtype} holds no plain numbers")
    if any(side < 0 for side in shape):
        raise ValueError(f"an array cannot be of shape {shape}")
    size = math.prod(shape) * dtype.itemsize
    if size > n_bytes:  # before memory is taken
        raise ValueError(f"an array of shape {shape} does not fit into {n_bytes} bytes")
    content = bytearray()  # as far as there is some: a header may claim more
    while len(content) < size and (piece := file.read(min(size - len(content), MEGABYTE))):
        content += piece
    if len(content) != size:
        raise ValueError("an array is cut off")
    array = np.frombuffer(content, dtype)
    return array.reshape(shape[::-1]).T if is_fortran else array.reshape(shape)


def _is_deeper(content: Any, most: int) -> bool:
    """Tell whether lists and objects are nested deeper than `most`, without recursion."""
    level: list[Any] = [content]
    for _ in range(most):
        parts = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, dict | list))
        # Most lists are of numbers: their items are not looked at one by one.
        level = [item for of in parts if not PLAIN.issuperset(map(type, of)) for item in of if type(item) not in PLAIN]
        if not level:
            return False
    return True


def _find_twice(node: yaml.Node) -> yaml.ScalarNode | None:
    """Return a key that a group has twice, which YAML forbids and PyYAML takes for a change of mind; None for none."""
    left, looked_at = [node], set()
    while left:
        one = left.pop()
        if id(one) in looked_at or isinstance(one, yaml.ScalarNode):
            continue
        looked_at.add(id(one))
        if isinstance(one, yaml.MappingNode):
            names: set[tuple[str, str]] = set()
            for key, _ in one.value:
                if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                    if (key.tag, key.value) in names:
                        return key
                    names.add((key.tag, key.value))
            left += [value for _, value in one.value]
        else:
            left += one.value
    return None


def _count_nodes(node: yaml.Node, known: dict[int, int], depth: int) -> int:
    """Return the number of nodes under a node with aliases written out; ValueError for too many, or a circle."""
    if id(node) in known:
        if known[id(node)] == 0:
            raise ValueError("an alias stands for something that it is part of")
        return known[id(node)]
    if depth > MOST_YAML_DEPTH:
        raise ValueError(f"it is nested deeper than {MOST_YAML_DEPTH} levels")
    known[id(node)] = 0
    children: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        children = node.value
    elif isinstance(node, yaml.MappingNode):
        children = [part for pair in node.value for part in pair]
    count = 1 + sum(_count_nodes(child, known, depth + 1) for child in children)
    if count > MOST_YAML_NODES:
        raise ValueError(f"its aliases make more than {MOST_YAML_NODES:,} values")
    known[id(node)] = count
    return count
