"""Own layers: somebody's own code in a network in memory: layers, hooks, and a `forward` that was put in place."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from typing import Any

from torch import nn

from robustpose.changes import ALL_NAMES
from robustpose.plain_values import spell_function
from robustpose.sources import PACKAGE
from robustpose.states import know
from robustpose.used_names import find_used

KINDS = ("_forward_pre_hooks", "_forward_hooks")
OTHERS = ("torch", PACKAGE)


def describe_own(network: nn.Module) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what results say of code that is somebody's own, and doubts about that: of layers, and of their hooks."""
    code: dict[str, str] = {}
    state: dict[str, str] = {}
    doubts: tuple[str, ...] = ()
    if any(_top_of(type(layer)) not in OTHERS or "forward" in vars(layer) for layer in network.modules()):
        known = know(network)
        code, doubts = known.code, known.doubts
        state = {name: part for name, part in known.whole_state.items() if name != "itself"}  # weights, which are known
    hooks = []
    for place, hook in _list_hooks(network):
        known = know(hook)
        code, doubts = {**known.code, **code}, (*doubts, *known.doubts)
        hooks.append(f"{place} {spell_function(hook) if _is_function(hook) else type(hook).__qualname__}")
        growing = _list_growing(hook)  # what it has seen
        hooks += [f"{name} {part}" for name, part in known.state.items() if name not in growing]
    if hooks:
        state = {**state, "hooks": hashlib.sha256("\n".join(hooks).encode()).hexdigest(), **ALL_NAMES}
    return {name: part for name, part in (("code", code), ("state", state)) if part}, tuple(dict.fromkeys(doubts))


def _top_of(kind: Any) -> str:
    return str(kind.__module__).partition(".")[0]


def _is_function(hook: Any) -> bool:
    return inspect.isfunction(hook)


def _list_hooks(network: nn.Module) -> Iterator[tuple[str, Any]]:
    """Yield each hook that is not PyTorch's own, after where it is."""
    for name, layer in network.named_modules():
        for kind in KINDS:
            for hook in getattr(layer, kind).values():
                if _top_of(hook if getattr(hook, "__module__", None) else type(hook)) != "torch":
                    yield f"{name}{kind}", hook


def _list_growing(hook: Any) -> set[str]:
    """Return the names of lists and the like that a hook holds or uses, which may be what it has seen."""
    held: dict[str, Any] = dict(getattr(hook, "__dict__", {}))
    if _is_function(hook):
        cells = zip(hook.__code__.co_freevars, hook.__closure__ or (), strict=True)
        held |= {name: cell.cell_contents for name, cell in cells if cell != type(cell)()}
        held |= find_used(hook.__code__, hook.__globals__)
        names = hook.__code__.co_varnames[: hook.__code__.co_argcount]
        held |= dict(zip(reversed(names), reversed(hook.__defaults__ or ()), strict=False))
    kept = {name for name, value in held.items() if isinstance(value, list | dict | set) or hasattr(value, "append")}
    return kept if _is_function(hook) else {*kept, "itself"}
