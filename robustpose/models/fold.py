"""Fold batch norms into the convolutions before them, for inference: fewer layers, nearly the same numbers."""

from __future__ import annotations

import copy
from typing import Any, cast

import torch
import torch.fx
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def fold_batch_norms(module: nn.Module) -> nn.Module:
    """Return a frozen float32 copy of `module` in evaluation mode, with every batch norm that can be folded, folded.

    Which layer follows which is read off a trace. A network that cannot be traced is copied as it is.
    """
    module = copy.deepcopy(module).float().eval().requires_grad_(False)
    try:
        traced = torch.fx.symbolic_trace(module)
    except Exception:  # control flow, or whatever a user's forward does: it says itself what it cannot
        return module
    modules = dict(traced.named_modules())
    calls: dict[str, int] = {}
    for node in traced.graph.nodes:
        if node.op == "call_module":
            calls[node.target] = calls.get(node.target, 0) + 1
    for node in list(traced.graph.nodes):
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, torch.fx.Node) or before.op != "call_module" or len(before.users) != 1:
            continue
        convolution, norm = modules[str(before.target)], modules[str(node.target)]
        if not isinstance(convolution, CONVOLUTIONS) or not isinstance(norm, nn.BatchNorm2d):
            continue
        if calls[str(before.target)] > 1 or calls[str(node.target)] > 1 or not norm.track_running_stats:
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
    return cast(nn.Module, traced)
