"""Mutations: what is spoilt in a file. Structure and values of JSON and YAML, arrays of npz, and bytes of anything."""

from __future__ import annotations

import copy
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import yaml

# Words that have gone wrong somewhere: numbers in disguise, code, markup, paths that lead out, control characters.
WORDS = [
    "", " ", "0", "1", "-1", "640", "1e400", "nan", "NaN", "inf", "-inf", "null", "true", "no", "³", "１６", "0x10",
    "None", "[]", "{}", "person", "clean", "fog/3", "fog/0", "fog/999999999999", "canary:go", "os:abort", "canary:go/1",
    "builtins:exit", "a:b:c", ":", "../secret.txt", "/etc/passwd", "..", "/", "~", "~nobody/x", "C:\\x", "a\0b", "a\nb",
    "\x1b[31mred\x1b[0m", "\x1b]8;;http://example.com\x07x", "[/red]", "[link=http://example.com]x[/link]", "\u202eabc",
    "<script>document.title='ran'</script>", "=HYPERLINK(\"http://example.com\")", "$x^2$", "\\input{x}", "%s%n", "{0}",
    "\ud800", "x" * 5000, "left_eye", "L_Eye", "coco", "AP", "pck:box@0.2", "coco-c", "release", "gt", "clean-det:x",
]  # fmt: skip
NUMBERS: list[Any] = [
    0, 1, -1, 2, 3, 0.5, -0.5, 255, 1e-300, 1e9, 10**9, 2**31, 2**63, 2**64, 10**18, 10**30, 10**400, 1e308, -1e308,
    float("nan"), float("inf"), float("-inf"), True, False,
]  # fmt: skip
OTHERS: list[Any] = [
    None, [], {}, [[]], [None], {"": None}, {"a": {"b": {"c": 1}}}, [1, 2], [1, 2, 3, 4], ["a", "b"], [[0, 1]],
    list(range(51)), [0] * 3000,
]  # fmt: skip


def draw_value(rng: Random) -> Any:
    """Return a value that hardly any place expects."""
    if rng.random() < 0.02:
        deep: Any = 1
        for _ in range(rng.choice([20, 90, 300])):
            deep = [deep] if rng.random() < 0.5 else {"a": deep}
        return deep
    return copy.deepcopy(rng.choice(rng.choice([WORDS, NUMBERS, OTHERS])))  # what is drawn is spoilt further


def spoil_tree(content: Any, rng: Random) -> Any:
    """Return JSON-like content with one to four of its values, keys or lists changed."""
    box = [content]
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        holder, key = _choose_place(box, rng)
        _spoil_place(holder, key, rng)
    return box[0]


def _choose_place(box: list[Any], rng: Random) -> tuple[Any, Any]:
    """Return a container and one of its keys: shallow places as often as deep ones."""
    holder: Any = box
    key: Any = 0
    depth = rng.choice([0, 1, 2, 2, 3, 3, 4, 5])
    for _ in range(depth):
        inner = holder[key]
        if isinstance(inner, dict) and inner:
            holder, key = inner, rng.choice(list(inner))
        elif isinstance(inner, list) and inner:
            holder, key = inner, rng.randrange(len(inner))
        else:
            break
    return holder, key


def _spoil_place(holder: Any, key: Any, rng: Random) -> None:
    value = holder[key]
    kind = rng.randrange(12)
    if kind < 5:
        holder[key] = draw_value(rng)
    elif kind == 5:
        del holder[key]
        if isinstance(holder, list) and not holder:
            holder.append(None)  # the box is never empty
    elif kind == 6 and isinstance(value, int | float) and abs(value) < 1e300:  # what is larger is spoilt already
        holder[key] = rng.choice([str(value), [value], -value, value * 1e6, value + 0.5, value == 1])
    elif kind == 7 and isinstance(value, str):
        holder[key] = rng.choice([value.upper(), f" {value}", value + "\n", value[:-1], [value], value * 50])
    elif kind == 8 and isinstance(value, list) and value:
        rng.choice(
            [value.reverse, value.pop, lambda: value.append(value[0]), lambda: value.insert(0, draw_value(rng))]
        )()
    elif kind == 9 and isinstance(value, list):
        holder[key] = rng.choice([value * 2, value[: len(value) // 2], [value], dict(enumerate(map(str, range(3))))])
    elif kind == 10 and isinstance(value, dict) and value:
        old = rng.choice(list(value))
        value[rng.choice(WORDS)] = value.pop(old)
    elif kind == 11 and isinstance(holder, dict):
        holder[rng.choice(WORDS)] = draw_value(rng)
    else:
        holder[key] = draw_value(rng)


def spoil_bytes(content: bytes, rng: Random) -> bytes:
    """Return bytes that are cut, changed, doubled, or something else altogether."""
    data = bytearray(content)
    kind = rng.randrange(9)
    if kind == 0:
        return bytes(data[: rng.randrange(len(data) + 1)])
    if kind == 1:
        return b""
    if kind == 2:
        return rng.choice(
            [b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe\x00", b"\0" * 4096, b"1" * 6000, b"null", b"-"]
        )
    if kind == 3:
        return os.urandom(0) + bytes(rng.randrange(256) for _ in range(rng.choice([1, 50, 3000])))
    if kind == 4:
        return bytes(data + data)
    if kind == 5:
        place = rng.randrange(len(data) + 1)
        return bytes(data[:place]) + rng.choice(WORDS).encode("utf-8", "surrogatepass") + bytes(data[place:])
    for _ in range(rng.choice([1, 3, 30])):
        if data:
            # Headers decide: the beginning is hit as often as all the rest.
            place = rng.randrange(min(len(data), 300)) if rng.random() < 0.5 else rng.randrange(len(data))
            data[place] = rng.randrange(256)
    return bytes(data)


def spoil_json(path: Path, rng: Random) -> None:
    """Spoil a JSON file, as text or as a tree."""
    if rng.random() < 0.15:
        path.write_bytes(spoil_bytes(path.read_bytes(), rng))
        return
    content = spoil_tree(json.loads(path.read_text()), rng)
    path.write_bytes(_dump(content))


def spoil_lines(path: Path, rng: Random) -> None:
    """Spoil a file with a JSON object on each line."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    if rng.random() < 0.4:
        path.write_bytes(spoil_bytes(path.read_bytes(), rng))
        return
    lines = spoil_tree(lines, rng)
    path.write_bytes(b"".join(_dump(line) + b"\n" for line in lines) if isinstance(lines, list) else _dump(lines))


def spoil_yaml(path: Path, rng: Random) -> None:
    """Spoil a YAML file: its bytes, its tree, or with aliases that multiply."""
    chance = rng.random()
    if chance < 0.15:
        path.write_bytes(spoil_bytes(path.read_bytes(), rng))
    elif chance < 0.22:
        lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
        lines += [f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]" for i in range(10)]
        more = rng.choice(
            ["", "r: &r [*r]\n", "!!python/object/apply:os.system ['true']\n", "? [a, b]\n: 1\n", "<<: *a\n"]
        )
        path.write_text("\n".join(lines) + "\n" + more + path.read_text())
    else:
        content = spoil_tree(yaml.safe_load(path.read_text()), rng)
        try:
            path.write_text(yaml.safe_dump(content, allow_unicode=True))
        except (UnicodeEncodeError, yaml.YAMLError):
            path.write_bytes(_dump(content))


def spoil_arrays(path: Path, rng: Random) -> None:
    """Spoil an npz file: an array's shape, kind or values, its header, or the bytes of the archive."""
    kind = rng.randrange(6)
    if kind == 0:
        path.write_bytes(spoil_bytes(path.read_bytes(), rng))
        return
    with np.load(path) as arrays:
        content = {name: arrays[name] for name in arrays.files}
    if kind == 1:
        np.save(path.with_suffix(".npy"), next(iter(content.values())))
        path.with_suffix(".npy").replace(path)
        return
    name = rng.choice(list(content))
    array = content[name]
    if kind == 2:
        _write_header(path, content, name, rng)
        return
    changes: list[Callable[[], Any]] = [
        lambda: array.reshape(-1)[: rng.randrange(array.size + 1)],
        lambda: array[None],
        lambda: array.astype(rng.choice(["f2", "f8", "i1", "i8", "u8", "?", "S3", "U3", "c8", "M8[s]"])),
        lambda: np.array(draw_value(rng), object),
        lambda: np.array(rng.choice(["x", 1, 1.5, True])),
        lambda: np.full_like(array, rng.choice([-1, 0, 1, 2, 100])),
        lambda: np.full(array.shape, rng.choice([np.nan, np.inf, -np.inf, 1e300, 2.0**62])),
        lambda: np.concatenate([array, array]) if array.ndim else array,
        lambda: np.zeros((0, *array.shape[1:]), array.dtype),
        lambda: array[::-1] if array.ndim else array,
        lambda: np.asfortranarray(array),
    ]
    try:
        with np.errstate(all="ignore"):
            content[name] = rng.choice(changes)()
    except (ValueError, TypeError):
        del content[name]
    if rng.random() < 0.15:
        content[rng.choice(list(content) or ["x"])] = np.arange(3)
    with path.open("wb") as file:
        np.savez(file, **content)  # type: ignore[arg-type]


def _write_header(path: Path, content: dict[str, Any], name: str, rng: Random) -> None:
    """Write an archive in which the header of one array says something else than what follows."""
    shape = rng.choice(["(1099511627776, 1099511627776)", "(-1,)", "(10**9,)", "(3, 17, 2)", "[1]", "()", "(2,)"])
    descr = rng.choice(["'<f8'", "'|O'", "'<U1000000'", "[('a', '<f8')]", "'<x9'", "'|V8'"])
    text = f"{{'descr': {descr}, 'fortran_order': {rng.choice([True, False, 3])}, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        for member, array in content.items():
            file = io.BytesIO()
            np.save(file, array)
            data = file.getvalue()
            if member == name:
                data = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data[128:]
            archive.writestr(f"{member}.npy", data)


def spoil_file(path: Path, rng: Random) -> None:
    """Spoil a file of any kind: its bytes, or what lies in its place."""
    path.write_bytes(spoil_bytes(path.read_bytes(), rng))


def replace_file(path: Path, rng: Random) -> None:
    """Put something else in the place of a file: nothing, a folder, a pipe, a link in circles, another file."""
    path.unlink()
    kind = rng.randrange(6)
    if kind == 1:
        path.mkdir()
    elif kind == 2:
        os.mkfifo(path)
    elif kind == 3:
        path.symlink_to(path.name)
    elif kind == 4:
        path.symlink_to("/dev/zero")
    elif kind == 5:
        beside = [one for one in sorted(path.parent.iterdir()) if one.is_file()]
        if beside:
            shutil.copy(rng.choice(beside), path)


SPOIL: dict[str, Callable[[Path, Random], None]] = {
    ".json": spoil_json,
    ".jsonl": spoil_lines,
    ".yaml": spoil_yaml,
    ".npz": spoil_arrays,
}


def spoil(path: Path, rng: Random) -> None:
    """Spoil a file after the manner of its kind; now and then what lies in its place."""
    if rng.random() < 0.04:
        replace_file(path, rng)
        return
    for _ in range(20):
        try:
            SPOIL.get(path.suffix, spoil_file)(path, rng)
            return
        except RecursionError:
            continue  # too deep to be written: draw again


def _dump(content: Any) -> bytes:
    return json.dumps(content).encode("utf-8", "surrogatepass")
