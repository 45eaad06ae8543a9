"""robustpose: measure how 2D human pose estimators hold up when images get worse, and harden them."""

from __future__ import annotations

import importlib

from robustpose.kernel_cache import choose_kernel_cache

TYPE_CHECKING = False  # for type checkers, as in typing, which takes longer to load than all of this
if TYPE_CHECKING:
    from typing import Any

    from robustpose.corruptions import corrupt, corrupt_all
    from robustpose.errors import UserError
    from robustpose.pose.cell import CLEAN, Cell
    from robustpose.pose.skeletons import Skeleton
    from robustpose.pose.types import Frame, Poses, Truth

__version__ = "0.1.0"

__all__ = ["CLEAN", "Cell", "Frame", "Poses", "Skeleton", "Truth", "UserError", "__version__", "corrupt", "corrupt_all"]

# Public name -> where it lives. Resolved on first use, so that `import robustpose` costs nothing.
_HOMES = {
    "CLEAN": "robustpose.pose.cell",
    "Cell": "robustpose.pose.cell",
    "Frame": "robustpose.pose.types",
    "Poses": "robustpose.pose.types",
    "Skeleton": "robustpose.pose.skeletons",
    "Truth": "robustpose.pose.types",
    "UserError": "robustpose.errors",
    "corrupt": "robustpose.corruptions",
    "corrupt_all": "robustpose.corruptions",
}

choose_kernel_cache()


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'robustpose' has no attribute '{name}'")
