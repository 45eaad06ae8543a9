"""ONNX files: which other files hold a network's weights, read from the file itself without the library of the format.

A file is a message of protocol buffers: fields, each a number, a kind and a value, where a value may be a message
again. A tensor names its file in `external_data`, as pairs of key and value; all else is passed over.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from robustpose.errors import UserError

# Numbers of fields that hold messages, by the message that they are in (onnx.proto), and which message they hold.
NESTED: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
MOST_LEVELS = 100  # of messages in messages
VARINT, FIXED64, MESSAGE, FIXED32 = 0, 1, 2, 5  # kinds of values


def list_external_files(path: Path) -> list[Path]:
    """Return the files beside an ONNX file that hold its weights, in order; none if it is no ONNX file.

    UserError where one of them is not there, or not under the folder of the file.
    """
    with path.open("rb") as file:
        if not file.seek(0, 2):
            return []
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            try:
                names = sorted(set(_list_locations(content, 0, len(content), "model")))
            except ValueError:  # whoever runs it says what is wrong with it
                return []
    return [_find_beside(path, name) for name in names]


def _find_beside(path: Path, name: str) -> Path:
    shown = ascii(name)[1:-1]
    is_absolute = PurePosixPath(name).is_absolute() or bool(PureWindowsPath(name).anchor)
    if not name or "\0" in name or is_absolute or ".." in PurePosixPath(name.replace("\\", "/")).parts:
        raise UserError(f"{path} says that its weights are in '{shown}': expected a file under its own folder")
    found = path.parent / name
    if not found.is_file():
        raise UserError(
            f"{path} says that its weights are in {shown}, and {found.parent} has no such file: put it there"
        )
    return found


def _list_locations(content: mmap.mmap, start: int, end: int, kind: str, depth: int = 0) -> Iterator[str]:
    """Yield the locations that the tensors of a message name; ValueError if it is none."""
    if depth > MOST_LEVELS:
        raise ValueError("messages are nested too deep")
    for number, first, last in _list_fields(content, start, end):
        inner = NESTED[kind].get(number)
        if inner == "entry":
            pair = {field: content[begin:stop] for field, begin, stop in _list_fields(content, first, last)}
            if pair.get(1) == b"location":
                yield pair.get(2, b"").decode(errors="replace")
        elif inner is not None:
            yield from _list_locations(content, first, last, inner, depth + 1)


def _list_fields(content: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, beginning and end of each field of a message that is text, bytes or a message."""
    at = start
    while at < end:
        tag, at = _read_varint(content, at, end)
        kind = tag & 7
        if kind == VARINT:
            _, at = _read_varint(content, at, end)
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
        elif kind == MESSAGE:
            size, at = _read_varint(content, at, end)
            if at + size > end:
                raise ValueError("a field is longer than its message")
            yield tag >> 3, at, at + size
            at += size
        else:
            raise ValueError(f"there is no kind {kind} of values")
    if at != end:
        raise ValueError("a field is longer than its message")


def _read_varint(content: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number is cut off")
