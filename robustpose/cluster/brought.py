"""Files that were brought to a node: each once, whole and checked, in a folder that all its workers share."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustpose.carried import place_files
from robustpose.errors import UserError
from robustpose.files import open_whole


def bring_files(references: Mapping[str, Any]) -> None:
    """Have each file, of which there are references in Ray's object store by SHA-256, in this node's folder."""
    import ray

    folder = _find_folder()
    for digest, reference in references.items():
        path = folder / digest
        if path.is_file() and _hash(path) == digest:
            continue
        content = ray.get(reference)
        if hashlib.sha256(content).hexdigest() != digest:
            raise UserError(f"a file has changed on its way to a node (SHA-256 {digest[:12]}…): try again")
        with open_whole(path) as file:
            file.write(content)
    place_files(folder)


def _find_folder() -> Path:
    """Return the folder of this user on this node, into which nobody else can put anything."""
    folder = Path(tempfile.gettempdir()) / f"robustpose-{os.getuid() if hasattr(os, 'getuid') else 'files'}"
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or (hasattr(os, "getuid") and about.st_uid != os.getuid()):
        raise UserError(f"{folder} is not a folder of this user: remove it, or set TMPDIR on the nodes")
    return folder


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
