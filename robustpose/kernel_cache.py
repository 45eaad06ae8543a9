"""The cache of compiled loops: where numba keeps them if it can write neither beside the package nor for the user.

That is in a private folder of the temporary folder. numba runs what it finds there, so a folder that others could have
written to is not used. The environment variable NUMBA_CACHE_DIR names another one.
"""

from __future__ import annotations

import os  # and not pathlib, which takes longer to load than all else that `import robustpose` does
import stat

VARIABLE = "NUMBA_CACHE_DIR"
PACKAGE = os.path.dirname(os.path.abspath(__file__))
# Folders of the package with compiled loops, which numba keeps beside them where it can.
WITH_LOOPS = (
    "corruptions/exact",
    "corruptions/fast",
    "decoding/fields",
    "decoding/tags",
    "estimators/image_processors",
    "metrics",
    "train",
    "train/views",
)


def choose_kernel_cache() -> None:
    """Name a folder for compiled loops in the environment if numba would find none. Called before numba is loaded."""
    if os.environ.get(VARIABLE) or _can_write_beside() or _can_write(_users_cache()):
        return
    folder = _make_private_folder()
    if folder is not None:
        os.environ[VARIABLE] = folder


def _can_write_beside() -> bool:
    return all(_can_write(os.path.join(PACKAGE, folder, "__pycache__")) for folder in WITH_LOOPS)


def _users_cache() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # which never fails
    return os.path.join(base, "numba")


def _can_write(folder: str) -> bool:
    """Tell whether a folder can be written to, or made."""
    place = folder
    while not os.path.exists(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    return os.path.isdir(place or ".") and os.access(place or ".", os.W_OK | os.X_OK)


def _make_private_folder() -> str | None:
    """Return a folder in the temporary folder that nobody else can write to; None if there is none."""
    import tempfile  # rarely needed, and slow to load

    user = os.getuid() if hasattr(os, "getuid") else 0
    try:
        folder = os.path.join(tempfile.gettempdir(), f"robustpose-{user}")
        os.makedirs(folder, 0o700, exist_ok=True)
        found = os.lstat(folder)
    except OSError:
        return None
    is_ours = not hasattr(os, "getuid") or (found.st_uid == user and not found.st_mode & 0o022)
    return folder if stat.S_ISDIR(found.st_mode) and is_ours else None
