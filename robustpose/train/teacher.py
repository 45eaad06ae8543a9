"""The teacher: a frozen copy of a network, whose answers to clean crops the student learns from, too.

Wang et al., CVPR 2021, eq. 7 and 8.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from robustpose.errors import UserError
from robustpose.models.fast.fold import fold_batch_norms
from robustpose.models.fast.fuse import fuse_convolutions
from robustpose.train.objectives import Outputs, to_float
from robustpose.train.optimisation import find_layout
from robustpose.train.settings_groups import DistillOn


class Teacher:
    """Answer crops as a network did when the teacher was made, whatever becomes of the network.

    Args:
        network: crops (B, 3, h, w) to what the student gives; copied. With its weights in channels last it answers
            faster: batch norms are folded into convolutions and, for float32 on a CPU, more layers are fused.
        alpha: weight of its answers against the targets, above 0 to 1 (eq. 8; 0.1 in the paper).
        distill_on: what the student shows it: outputs of the clean crop, as in the paper (eq. 7), or of the mix, as in
            the paper's program, which saves a pass of the student.
    """

    def __init__(self, network: nn.Module, alpha: float = 0.1, distill_on: DistillOn = "clean") -> None:
        if not 0 < alpha <= 1:
            raise UserError(f"a teacher's alpha must be above 0 and at most 1, got {alpha}: for none, leave it out")
        self.alpha = alpha
        self.distill_on = distill_on
        self._network = copy.deepcopy(network).eval().requires_grad_(False)
        self._layout = find_layout(network)
        self._fast: nn.Module | None = None

    def move_to(self, device: torch.device) -> None:
        """Answer on another device."""
        self._network.to(device)
        self._fast = None

    def state(self) -> dict[str, Any]:
        """Return the weights."""
        return self._network.state_dict()

    def describe_state(self) -> dict[str, Any]:
        """Return what `state` gives, of any values."""
        return self.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become the teacher of these weights, the `state` of another time."""
        self._network.load_state_dict(state)
        self._fast = None

    @torch.no_grad()
    def answer(self, clean: Tensor) -> Outputs:
        """Return the network's outputs for clean crops (B, 3, h, w), in float32."""
        clean = clean.contiguous(memory_format=self._layout)
        if self._fast is None:  # the first crops tell the shape
            self._fast = self._make_fast(clean)
        return to_float(self._fast(clean))

    def _make_fast(self, clean: Tensor) -> nn.Module:
        """Return the network or, where speed was asked for by channels last, the same function with fewer layers."""
        if self._layout != torch.channels_last:
            return self._network
        folded: Any = fold_batch_norms(self._network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        is_float32_on_cpu = clean.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        return fuse_convolutions(folded, clean.shape) if is_float32_on_cpu else folded
