"""Plain torch: a training computes as in a new process, whatever modes of PyTorch the program that calls it is in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def plain_torch() -> Iterator[None]:
    """Compute gradients in float32, with no mixed precision, and give the program back its own modes after.

    >>> with torch.no_grad(), plain_torch():
    ...     (torch.ones(1, requires_grad=True) * 2).requires_grad
    True
    """
    default = torch.get_default_dtype()
    kinds = {"cpu", *(["cuda"] if torch.cuda.is_available() else [])}
    autocast = {kind: torch.is_autocast_enabled(kind) for kind in sorted(kinds)}
    with torch.inference_mode(False), torch.enable_grad():
        try:
            for kind in autocast:
                torch.set_autocast_enabled(kind, False)
            if default is not torch.float32:
                torch.set_default_dtype(torch.float32)
            yield
        finally:
            for kind, was_on in autocast.items():
                torch.set_autocast_enabled(kind, was_on)
            if default is not torch.float32:
                torch.set_default_dtype(default)
