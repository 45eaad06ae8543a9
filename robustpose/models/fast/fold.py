"""Fold batch norms into the convolutions before them, for inference: fewer layers, nearly the same numbers."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any, cast

import torch
import torch.fx
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
_ONE_AT_A_TIME = threading.RLock()  # two traces at once would leave PyTorch's own classes changed


class _Tracer(torch.fx.Tracer):
    """A tracer that leaves other threads alone: while it traces, PyTorch hands it the calls of all networks."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


def trace_network(module: nn.Module) -> nn.Module:
    """Return a frozen float32 copy of `module` in evaluation mode, traced; as it is if it cannot be traced."""
    module = copy.deepcopy(module).float().eval().requires_grad_(False)
    try:
        # As a layer of its caller: arguments that it is not given keep their defaults.
        caller = nn.Sequential(module)
        with _ONE_AT_A_TIME:
            traced = torch.fx.GraphModule(caller, _Tracer().trace(caller), type(module).__name__)
    except Exception:  # control flow, or whatever a user's forward does: it says itself what it cannot
        return module
    return cast(nn.Module, traced.eval())


def fold_batch_norms(module: nn.Module) -> nn.Module:
    """Return a frozen float32 copy of `module` in evaluation mode, with every batch norm that can be folded, folded.

    Which layer follows which is read off a trace. A network that cannot be traced is copied as it is.
    """
    traced: Any = trace_network(module)
    if not isinstance(traced, torch.fx.GraphModule):
        return cast(nn.Module, traced)
    modules = dict(traced.named_modules())
    uses: dict[str, int] = {}  # of layers: calls, and tensors taken out of them
    for node in traced.graph.nodes:
        if node.op in ("call_module", "get_attr"):
            layer = node.target if node.op == "call_module" else node.target.rpartition(".")[0]
            uses[layer] = uses.get(layer, 0) + 1
    for node in list(traced.graph.nodes):
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, torch.fx.Node) or before.op != "call_module" or len(before.users) != 1:
            continue
        convolution, norm = modules[str(before.target)], modules[str(node.target)]
        if not _is_plain(convolution, *CONVOLUTIONS) or not _is_plain(norm, nn.BatchNorm2d):
            continue
        if uses[str(before.target)] > 1 or uses[str(node.target)] > 1 or not norm.track_running_stats:
            continue
        is_transposed = isinstance(convolution, nn.ConvTranspose2d)
        if is_transposed and convolution.groups != 1:
            continue  # its weight has another layout
        folded: Any = fuse_conv_bn_eval(cast(Any, convolution), norm, transpose=is_transposed)
        traced.set_submodule(str(before.target), folded)
        node.replace_all_uses_with(before)
        traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return cast(nn.Module, traced.eval())


def _is_plain(module: nn.Module, *kinds: type[nn.Module]) -> bool:
    """Tell whether a layer is of one of `kinds` and does what these do: no parametrization, no hooks."""
    return type(module) in kinds and not module._forward_hooks and not module._forward_pre_hooks
