"""Versions: of the distributions that can change a pixel or a score."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable

import robustpose

PIXELS = ("numpy", "scipy", "opencv-python-headless", "pillow")  # what decides corrupted pixels
SCORES = ("faster-coco-eval",)  # which made the figures of 0.1.0; ours are the same to the bit


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of robustpose and of the distributions `names`."""
    found = {"robustpose": robustpose.__version__}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def decisive_versions() -> dict[str, str]:
    """Return the versions that decide the numbers."""
    found = versions((*PIXELS, *SCORES))
    return {"robustpose": found.pop("robustpose"), "python": platform.python_version(), **found}
