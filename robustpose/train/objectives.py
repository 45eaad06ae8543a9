"""Objectives: what a family of networks learns from its targets, and from a teacher.

An objective turns a network's outputs and a batch into named losses. The first of its names is the one that matters for
mixing: it is shared with the teacher (eq. 8 of Wang et al., CVPR 2021), and the generator works against it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

Batch = dict[str, Tensor]
Outputs = Tensor | tuple[Any, ...]  # a tensor, or a tuple of such, as deep as a network likes


class Objective(Protocol):
    """Losses of outputs against the targets in a batch, and against a teacher's outputs; all of them scalars."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def task(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Return the losses against the targets, one for each of `names`; they are added up."""

    def distill(self, outputs: Outputs, answers: Outputs, batch: Batch) -> Tensor:
        """Return the loss against a teacher's outputs."""


def take(outputs: Outputs, part: slice) -> Outputs:
    """Return the outputs of some images of a batch."""
    return _for_each(outputs, lambda output: output[part])


def to_float(outputs: Outputs) -> Outputs:
    """Return outputs in single precision."""
    return _for_each(outputs, lambda output: output.float())


def nothing(outputs: Outputs) -> Tensor:
    """Return a loss of 0 that is still a function of the outputs."""
    if isinstance(outputs, Tensor):
        return outputs.sum() * 0
    return torch.stack([nothing(output) for output in outputs]).sum()


def take_batch(batch: Batch, part: slice) -> Batch:
    """Return some images of a batch."""
    return {name: tensor[part] for name, tensor in batch.items()}


def _for_each(outputs: Outputs, change: Callable[[Tensor], Tensor]) -> Outputs:
    return change(outputs) if isinstance(outputs, Tensor) else tuple(_for_each(output, change) for output in outputs)
