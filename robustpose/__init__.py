"""robustpose: measure how 2D human pose estimators hold up when images get worse, and harden them."""

from __future__ import annotations

import importlib

from robustpose.kernel_cache import choose_kernel_cache

TYPE_CHECKING = False  # for type checkers, as in typing, which takes longer to load than all of this
if TYPE_CHECKING:
    from typing import Any

    from robustpose.api.across import SuitesComparison
    from robustpose.api.bench import bench
    from robustpose.api.compare import compare
    from robustpose.api.comparing import Comparison
    from robustpose.api.detecting import detect
    from robustpose.api.evaluating import evaluate
    from robustpose.api.hardening import Hardened, harden
    from robustpose.api.run import Run, load_run
    from robustpose.corruptions import corrupt, corrupt_all
    from robustpose.errors import UserError
    from robustpose.models.input_spec import InputSpec
    from robustpose.pose.cell import CLEAN, Cell
    from robustpose.pose.skeletons import Skeleton
    from robustpose.pose.types import Frame, Poses, Truth

__version__ = "0.1.0"

__all__ = [
    "CLEAN",
    "Cell",
    "Comparison",
    "Frame",
    "Hardened",
    "InputSpec",
    "Poses",
    "Run",
    "Skeleton",
    "SuitesComparison",
    "Truth",
    "UserError",
    "__version__",
    "bench",
    "compare",
    "corrupt",
    "corrupt_all",
    "detect",
    "evaluate",
    "harden",
    "load_run",
]

# Public name -> where it lives. Resolved on first use, so that `import robustpose` costs nothing.
_HOMES = {
    "CLEAN": "robustpose.pose.cell",
    "Cell": "robustpose.pose.cell",
    "Comparison": "robustpose.api.comparing",
    "Frame": "robustpose.pose.types",
    "Hardened": "robustpose.api.hardening",
    "InputSpec": "robustpose.models.input_spec",
    "Poses": "robustpose.pose.types",
    "Run": "robustpose.api.run",
    "Skeleton": "robustpose.pose.skeletons",
    "SuitesComparison": "robustpose.api.across",
    "Truth": "robustpose.pose.types",
    "UserError": "robustpose.errors",
    "bench": "robustpose.api.bench",
    "compare": "robustpose.api.compare",
    "corrupt": "robustpose.corruptions",
    "corrupt_all": "robustpose.corruptions",
    "detect": "robustpose.api.detecting",
    "evaluate": "robustpose.api.evaluating",
    "harden": "robustpose.api.hardening",
    "load_run": "robustpose.api.run",
}

choose_kernel_cache()


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        import random  # and not above: it takes a while to load

        drawn = random.getstate()
        try:
            found = getattr(importlib.import_module(_HOMES[name]), name)
        finally:
            random.setstate(drawn)  # libraries draw numbers when they are loaded
        globals()[name] = found  # once: later, another thread may be drawing
        return found
    raise AttributeError(f"module 'robustpose' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
