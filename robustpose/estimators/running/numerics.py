"""Numerics: how PyTorch computes while a network is looked through: threads, precision, rounding, and where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from robustpose.estimators.options import Precision
from robustpose.estimators.running.batches import Array

PRECISIONS: dict[Precision, torch.dtype] = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Numerics:
    """How a network is computed; what is of the process is set once, what is of a thread in each of them."""

    device: torch.device
    dtype: torch.dtype = torch.float32
    threads: int | None = None
    channels_last: bool = True

    @property
    def is_exact_on_cpu(self) -> bool:
        """Return whether it is float32 on a CPU in the layout for which convolutions are fused (`models.fast`)."""
        return self.device.type == "cpu" and self.dtype == torch.float32 and self.channels_last

    def of_process(self) -> list[AbstractContextManager[Any]]:
        """Return what holds for all threads of the process."""
        return [limit_threads(self.threads), exact_float32(self.device)]

    def of_thread(self) -> list[AbstractContextManager[Any]]:
        """Return what every thread sets for itself."""
        return [limit_threads(self.threads), autocast(self.device, self.dtype)]

    def bring(self, images: Array) -> Tensor:
        """Return images (B, 3, h, w) where they are computed."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return torch.from_numpy(np.ascontiguousarray(images)).to(self.device, memory_format=layout)


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[Any]:
    """Let a network be computed in a precision within the block."""
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)


def exact_float32(device: torch.device) -> AbstractContextManager[Any]:
    """Keep a GPU from rounding float32 convolutions to TF32, and from choosing its methods by what was fastest."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)


@contextmanager
def limit_threads(threads: int | None) -> Iterator[None]:
    """Let PyTorch use so many threads within the block; None leaves it as it is."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
