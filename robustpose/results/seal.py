"""Seals: what this user wrote on this machine is known from what a stranger hands over as such.

A seal is an HMAC of a text under a key that is made at the first use and never leaves the user's configuration folder.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

LENGTH = 32  # bytes


def key_path() -> Path:
    """Return where the user's key is: under ``$XDG_CONFIG_HOME``, else under ``~/.config``."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "robustpose" / "key"


def make_seal(text: str) -> str | None:
    """Return the seal of a text; None where no key can be kept, as without a home folder."""
    try:
        key = _read_key(key_path()) or _make_key(key_path())
    except (OSError, RuntimeError):  # the home folder is read-only, or there is none
        return None
    return None if key is None else _seal(text, key)


def has_seal(text: str, seal: str | None) -> bool:
    """Tell whether this user sealed a text on this machine."""
    try:
        key = _read_key(key_path())
    except (OSError, RuntimeError):
        return False
    return key is not None and seal is not None and hmac.compare_digest(_seal(text, key).encode(), seal.encode())


def _seal(text: str, key: bytes) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _read_key(path: Path) -> bytes | None:
    """Return the key; None where there is none yet, or something else."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        key = file.read(LENGTH + 1)
    return key if len(key) == LENGTH else None


def _make_key(path: Path) -> bytes | None:
    """Make the key, which nobody else can read, and return it; that of another process, if it was first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(LENGTH))
        with suppress(FileExistsError):
            os.link(part, path)  # whole, or not there
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return _read_key(path)
