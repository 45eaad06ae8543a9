"""Fuse for a CPU: a convolution, what is added to it and its ReLU become one pass over memory, for inference.

oneDNN does all three in one operation, with weights packed once. PyTorch's compiler uses the same operations; here they
take no compiler and no time to start. Where they are not there, or a network cannot be traced, nothing is changed.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import torch
import torch.fx
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.models.fast.shuffle import make_convolution, place_pixels

ADDITIONS = (operator.add, operator.iadd, torch.add)
RELUS = (F.relu, torch.relu)
MANY_CHANNELS = 1024  # from here on, with 4×4 at 8×6 to 16×12 px, measured 1.1 to 1.8 times as fast


class FusedConvolution(nn.Module):
    """A convolution, plain or transposed, then perhaps the addition of another input, then perhaps a ReLU.

    The weights are packed for inputs of `input_shape` (B, c, h, w).
    """

    def __init__(self, convolution: nn.Conv2d | nn.ConvTranspose2d, relu: bool, input_shape: Sequence[int]) -> None:
        super().__init__()
        ops, layer = cast(Any, torch.ops.mkldnn), cast(Any, convolution)
        self._bias = layer.bias
        self._relu = "relu" if relu else None
        self._is_transposed = isinstance(layer, nn.ConvTranspose2d)
        # In the order of the operations' arguments: padding, output padding of a transposed one, stride, dilation.
        paddings = (layer.padding, layer.output_padding) if self._is_transposed else (layer.padding,)
        self._place = (*map(list, (*paddings, layer.stride, layer.dilation)), layer.groups)
        pack = ops._reorder_convolution_transpose_weight if self._is_transposed else ops._reorder_convolution_weight
        self._weight = pack(layer.weight.detach().contiguous(), *self._place, input_shape)

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        ops: Any = torch.ops.mkldnn
        if other is not None:
            adds: Any = ("add", 1.0, self._relu, [], None)
            return ops._convolution_pointwise.binary(x, other, self._weight, self._bias, *self._place, *adds)
        convolve = ops._convolution_transpose_pointwise if self._is_transposed else ops._convolution_pointwise
        return convolve(x, self._weight, self._bias, *self._place, self._relu or "none", [], "")


class ShuffledConvolution(nn.Module):
    """A transposed convolution as a plain one and a pixel shuffle (`shuffle`), then perhaps a ReLU; faster for some."""

    def __init__(self, convolution: nn.ConvTranspose2d, relu: bool, input_shape: Sequence[int]) -> None:
        super().__init__()
        self._stride, self._padding, output_padding = (
            int(value[0]) for value in (convolution.stride, convolution.padding, convolution.output_padding)
        )
        weight, size = make_convolution(convolution.weight.detach(), self._stride), convolution.weight.shape[2]
        self._larger = size - self._stride - 2 * self._padding + output_padding  # than stride times, in px
        c_out, c_in, width, _ = weight.shape
        plain = nn.utils.skip_init(nn.Conv2d, c_in, c_out, width, 1, width - 1, bias=convolution.bias is not None)
        plain.weight = nn.Parameter(weight)
        if convolution.bias is not None:
            plain.bias = nn.Parameter(convolution.bias.detach().repeat_interleave(self._stride**2))
        self.fused = FusedConvolution(plain, relu, input_shape)

    @staticmethod
    def suits(convolution: nn.Conv2d | nn.ConvTranspose2d) -> bool:
        """Tell whether it is for this layer, and faster: oneDNN is slow where a transposed one takes many channels."""
        if not isinstance(convolution, nn.ConvTranspose2d) or convolution.in_channels < MANY_CHANNELS:
            return False
        layer: Any = convolution
        pairs = (layer.kernel_size, layer.stride, layer.padding, layer.output_padding)
        # With more output padding than padding, there would be pixels that the shuffle does not make.
        is_inside = all(x == y for x, y in pairs) and layer.output_padding[0] <= layer.padding[0]
        return is_inside and layer.stride[0] > 1 and layer.dilation == (1, 1) and layer.groups == 1

    def forward(self, x: Tensor) -> Tensor:
        height, width = (self._stride * side + self._larger for side in x.shape[2:])
        large = place_pixels(self.fused(x), self._stride, self._padding, (height, width))
        return large.contiguous(memory_format=torch.channels_last)


@cache
def can_fuse() -> bool:
    """Tell whether this PyTorch, on this processor, has the operations."""
    try:
        # Layers draw their first weights: the caller's random numbers are left alone.
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            x = torch.zeros(1, 8, 4, 4, dtype=torch.float32).contiguous(memory_format=torch.channels_last)
            there = FusedConvolution(nn.Conv2d(8, 8, 1), relu=True, input_shape=x.shape)(x, x)
            back = FusedConvolution(nn.ConvTranspose2d(8, 8, 4, 2, 1), relu=True, input_shape=x.shape)(there)
            return tuple(back.shape) == (1, 8, 8, 8)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False


@torch.inference_mode()
def fuse_convolutions(module: nn.Module, shape: Sequence[int]) -> nn.Module:
    """Return a traced, folded network (`fold_batch_norms`), changed in place, with its convolutions fused.

    Other modules are returned as they are. Inputs of other shapes than `shape` (B, 3, h, w) are only slower.
    """
    if not isinstance(module, torch.fx.GraphModule) or not can_fuse():
        return module
    _Shapes(module).run(torch.zeros(*shape, dtype=torch.float32).contiguous(memory_format=torch.channels_last))
    modules: dict[str, Any] = dict(module.named_modules())
    for number, node in enumerate(list(module.graph.nodes)):
        convolution: Any = modules.get(str(node.target)) if node.op == "call_module" else None
        if type(convolution) not in (nn.Conv2d, nn.ConvTranspose2d) or not _is_plain(convolution):
            continue
        last, other = node, None
        following = _only_user(last)
        if following is not None and _is_addition(following) and isinstance(convolution, nn.Conv2d):
            other = next(argument for argument in following.args if argument is not last)
            last, following = following, _only_user(following)
        relu = following is not None and _is_relu(following, modules)
        last = following if following is not None and relu else last
        name = f"fused_{number}"
        kind = ShuffledConvolution if ShuffledConvolution.suits(convolution) else FusedConvolution
        module.add_submodule(name, kind(convolution, relu, _shape_of(node.args[0])))
        with module.graph.inserting_before(last):
            fused = module.graph.call_module(name, (node.args[0],) if other is None else (node.args[0], other))
        fused.meta = dict(last.meta)
        last.replace_all_uses_with(fused)
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()
    return module


class _Shapes(torch.fx.Interpreter):
    """Run a traced network and note the shape of every tensor.

    PyTorch's own `ShapeProp` does so, too, and imports SymPy, which takes a second of every process.
    """

    def run_node(self, n: torch.fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, torch.Tensor):
            n.meta["shape"] = list(result.shape)
        return result


def _shape_of(node: Any) -> list[int]:
    shape: list[int] = node.meta["shape"]
    return shape


def _is_plain(convolution: Any) -> bool:
    is_numbers = not isinstance(convolution.padding, str) and convolution.padding_mode == "zeros"
    # Packed weights of grouped transposed convolutions have another layout.
    return is_numbers and (isinstance(convolution, nn.Conv2d) or convolution.groups == 1)


def _only_user(node: torch.fx.Node) -> torch.fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _is_addition(node: torch.fx.Node) -> bool:
    """Tell whether a node adds two different tensors of one shape."""
    if node.op != "call_function" or node.target not in ADDITIONS or node.kwargs or len(node.args) != 2:
        return False
    first, second = node.args
    if not isinstance(first, torch.fx.Node) or not isinstance(second, torch.fx.Node) or first is second:
        return False
    return _shape_of(first) == _shape_of(second)


def _is_relu(node: torch.fx.Node, modules: dict[str, Any]) -> bool:
    if node.op == "call_module":
        return type(modules.get(str(node.target))) is nn.ReLU
    return node.op == "call_function" and node.target in RELUS
