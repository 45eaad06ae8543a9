"""Served: networks as a network process runs them (`network_processes`); on a GPU while the next batch is brought."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from robustpose.estimators.running.batches import Array
from robustpose.network_processes import AT_WORK


class Computed:
    """A batch that is computed already: its outputs."""

    def __init__(self, outputs: Sequence[Array]) -> None:
        self._outputs = outputs

    def is_ready(self) -> bool:
        """Return True."""
        return True

    def finish(self) -> Sequence[Array]:
        """Return the outputs."""
        return self._outputs


class InTurn:
    """A network that computes one batch after the other, where it was called: on a CPU, or of whole images."""

    def __init__(self, run: Callable[[Array], Sequence[Array]], n_per_call: int | None) -> None:
        self._run, self.n_per_call = run, n_per_call

    def start(self, parts: Sequence[Array]) -> Computed:
        """Compute a batch of parts (b, 3, h, w), filled up with zeros to `n_per_call`."""
        if self.n_per_call is None:
            return Computed(self._run(np.concatenate(parts)))
        batch = np.empty((self.n_per_call, *parts[0].shape[1:]), np.float32)
        fill_batch(batch, parts)
        return Computed(self._run(batch))


def fill_batch(batch: Array, parts: Sequence[Array]) -> None:
    """Write parts (b, 3, h, w) into a batch (B, 3, h, w), and zeros after them."""
    start = 0
    for part in parts:
        batch[start : start + len(part)] = part
        start += len(part)
    batch[start:] = 0


class Overlapped:
    """A network on a GPU: the next batch travels there while one is computed.

    Batches are put together in memory that the GPU reads by itself (pinned), and travel in a stream of their own.
    `call` takes crops on the GPU and gives tensors there.
    """

    def __init__(self, call: Callable[[Tensor], Sequence[Tensor]], n_per_call: int, device: torch.device) -> None:
        self.n_per_call: int | None = n_per_call
        self._call, self._n_per_call, self._device = call, n_per_call, device
        self._travelling: Any = torch.cuda.Stream(device)
        self._pinned: list[Tensor] = []  # taken in turns: one is free again when its batch is finished
        self._turn = 0

    @torch.inference_mode()
    def start(self, parts: Sequence[Array]) -> OnItsWay:
        """Begin to compute a batch of parts (b, 3, h, w); everything is queued, nothing is waited for."""
        with torch.cuda.device(self._device):
            pinned = self._take_pinned(parts[0].shape[1:])
            fill_batch(pinned.numpy(), parts)
            with torch.cuda.stream(self._travelling):
                crops = pinned.to(self._device, non_blocking=True)
            computing = torch.cuda.current_stream(self._device)
            computing.wait_stream(self._travelling)
            crops.record_stream(computing)  # its memory was taken in the other stream
            outputs = [take_back(output) for output in self._call(crops)]
            return OnItsWay(outputs, computing.record_event())

    def _take_pinned(self, shape: Sequence[int]) -> Tensor:
        if not self._pinned or self._pinned[0].shape[1:] != torch.Size(shape):
            self._pinned = [pin((self._n_per_call, *shape)) for _ in range(AT_WORK)]
        self._turn = (self._turn + 1) % AT_WORK
        return self._pinned[self._turn]


class OnItsWay:
    """A batch that is queued on a GPU, and its outputs, which are there after an event."""

    def __init__(self, outputs: Sequence[Tensor], event: Any) -> None:
        self._outputs, self._event = outputs, event

    def is_ready(self) -> bool:
        """Return whether the GPU is through with it."""
        return bool(self._event.query())

    def finish(self) -> Sequence[Array]:
        """Wait for the GPU, and return the outputs."""
        self._event.synchronize()
        return [output.numpy() for output in self._outputs]


def pin(shape: Sequence[int]) -> Tensor:
    """Return a tensor float32 in memory that a GPU reads and writes by itself."""
    return torch.empty(tuple(shape), dtype=torch.float32, pin_memory=True)


def take_back(output: Tensor) -> Tensor:
    """Return a tensor in such memory that becomes what `output`, on a GPU, is."""
    return pin(output.shape).copy_(output.contiguous(), non_blocking=True)
