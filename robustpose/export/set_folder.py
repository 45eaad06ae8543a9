"""The folder of a corrupted set while it is made: whose it is, which images are finished, the manifest at the end.

What lies where is in `robustpose.data.corrupted_set`. While the set is unfinished, `files.sha256` is a journal: one
line for every image that is written, in the order of work.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from robustpose.claims import check_claim, clear_folder, look_at_folder
from robustpose.data.corrupted_set import HASHES, MANIFEST, list_files, place_image, read_manifest
from robustpose.data.people import PEOPLE
from robustpose.errors import UserError
from robustpose.files import lock_folder, without_parts, write_text, writing_to
from robustpose.fresh import StartOver
from robustpose.pose.cell import Cell
from robustpose.reading import read_bytes

BESIDE = ("complete", "files", PEOPLE)  # keys of a manifest that are no part of the setup


class SetFolder:
    """Reading and writing one corrupted set."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def claim(
        self, setup: Mapping[str, Any], names: Sequence[str] = (), fresh: StartOver | None = None
    ) -> Iterator[None]:
        """Hold the folder; UserError unless it is free or holds, perhaps unfinished, the set of `setup`.

        What is `fresh` starts over: images that the folder says are of its set are removed, and those of images that
        are called `names`, which a killed process has not noted.
        """
        with lock_folder(self.path):
            what = "corrupted set"
            if fresh is not None and clear_folder(
                self.path, what, MANIFEST, setup, lambda _: self._list_made(names), fresh
            ):
                self._write_manifest({"complete": False, **setup})
            check_claim(self.path, what, MANIFEST, setup, beside=BESIDE)
            with without_parts(self.path):
                yield

    def is_begun(self, setup: Mapping[str, Any], fresh: StartOver | None = None) -> bool:
        """Tell whether `claim` would go on with what is there. The errors are its own; nothing is changed."""
        return look_at_folder(self.path, "corrupted set", MANIFEST, setup, fresh, beside=BESIDE)

    def is_complete(self) -> bool:
        """Tell whether the manifest says that all images are there."""
        manifest = read_manifest(self.path)
        return manifest is not None and manifest["complete"]

    def finished(self) -> dict[str, str]:
        """Return the SHA-256 of each image that is written, by its path."""
        present = list_files(self.path)
        return {path: digest for path, digest in read_hashes(self.path).items() if path in present}

    def begin(self, setup: Mapping[str, Any], hashes: Mapping[str, str]) -> None:
        """Note whose the folder is and which images are finished."""
        self._write_manifest({"complete": False, **setup})
        write_text(self.path / HASHES, _hash_lines(hashes))

    def note_image(self, path: str, sha256: str) -> None:
        """Note in the journal that an image is written."""
        with writing_to(self.path / HASHES), (self.path / HASHES).open("a") as file:
            file.write(f"{sha256}  {path}\n")

    def finish(self, setup: Mapping[str, Any], hashes: Mapping[str, str], paths: Sequence[str]) -> None:
        """Write hashes and manifest of the complete set, whose images are `paths` in this order."""
        sizes = list_files(self.path)
        lacking = [path for path in paths if path not in sizes or path not in hashes]
        if lacking:
            raise UserError(f"{self.path / lacking[0]} has gone: start the same command again")
        lines = _hash_lines({path: hashes[path] for path in paths})
        write_text(self.path / HASHES, lines)
        files = {
            "count": len(paths),
            "bytes": sum(sizes[path] for path in paths),
            "hashes": HASHES,
            "hashes_sha256": hashlib.sha256(lines.encode()).hexdigest(),
        }
        self._write_manifest({"complete": True, **setup, "files": files})

    def _list_made(self, names: Sequence[str]) -> list[Path]:
        """Return the files of the set but for its manifest, whether they are there or not."""
        manifest = read_manifest(self.path) or {"cells": []}
        cells = [Cell.from_key(str(key)) for key in manifest.get("cells", [])]
        of_names = [place_image(name, cell, manifest["layout"], manifest["format"]) for cell in cells for name in names]
        return [self.path / path for path in (*read_hashes(self.path), *of_names, HASHES)]

    def _write_manifest(self, manifest: Mapping[str, Any]) -> None:
        write_text(self.path / MANIFEST, json.dumps(manifest, indent=2) + "\n")


def read_hashes(root: Path) -> dict[str, str]:
    """Return SHA-256 by path; a line that is not whole, as a killed process leaves it, is left out."""
    if not os.path.lexists(root / HASHES):
        return {}
    # Names are bytes to a file system, and there are sets of others whose are no text.
    *lines, _ = read_bytes(root / HASHES, "list of hashes").decode("utf-8", "surrogateescape").split("\n")
    return {line[66:]: line[:64] for line in lines if re.match(r"[0-9a-f]{64}  .", line)}


def _hash_lines(hashes: Mapping[str, str]) -> str:
    return "".join(f"{digest}  {path}\n" for path, digest in hashes.items())
