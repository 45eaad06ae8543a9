"""Verify a corrupted set: every file against its SHA-256."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from robustpose.data.corrupted_set import HASHES, list_files, read_manifest
from robustpose.errors import UserError, first_few
from robustpose.export.set_folder import read_hashes
from robustpose.files import hash_file
from robustpose.progress import Progress
from robustpose.work import as_engine

BATCH = 256  # files between two reports


def verify_set(root: Path, n_threads: int = 1, on_progress: Callable[[Progress], None] = lambda progress: None) -> int:
    """Check every file of a set against its manifest, and return their number; any difference is an error."""
    as_engine(n_threads)
    manifest = read_manifest(root)
    if manifest is None:
        raise UserError(f"{root} has no manifest.json to check it against: name a folder that corrupt made")
    if not manifest["complete"]:
        raise UserError(f"the corrupted set {root} is unfinished: start the command again that made it")
    lines = (root / HASHES).read_bytes() if (root / HASHES).is_file() else b""
    if hashlib.sha256(lines).hexdigest() != (manifest.get("files") or {}).get("hashes_sha256"):
        raise UserError(f"{root / HASHES} is not the one that manifest.json names: files cannot be checked against it")
    hashes, sizes = read_hashes(root), list_files(root)
    there = {path: digest for path, digest in hashes.items() if path in sizes}
    kinds = {
        "missing": sorted(set(hashes) - set(sizes)),
        "differing": _find_differing(root, there, n_threads, on_progress),
        "extra": sorted(set(sizes) - set(hashes)),
    }
    problems = [f"{kind} {first_few(paths, 'such files')}" for kind, paths in kinds.items() if paths]
    if problems:
        raise UserError(f"{root} is not as its manifest says: {' | '.join(problems)}")
    return len(hashes)


def _find_differing(
    root: Path, hashes: dict[str, str], n_threads: int, on_progress: Callable[[Progress], None]
) -> list[str]:
    paths = list(hashes)
    differing: list[str] = []
    start = time.perf_counter()
    with ThreadPoolExecutor(n_threads) as pool:  # hashing and reading leave the interpreter to others
        for first in range(0, len(paths), BATCH):
            batch = paths[first : first + BATCH]
            found = pool.map(lambda path: _hash_file(root / path), batch)
            differing += [path for path, digest in zip(batch, found, strict=True) if digest != hashes[path]]
            done = first + len(batch)
            left = (time.perf_counter() - start) / done * (len(paths) - done)
            on_progress(Progress(done, len(paths), left))
    return differing


def _hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, `unreadable` if it cannot be read."""
    try:
        return hash_file(path)
    except OSError:
        return "unreadable"
