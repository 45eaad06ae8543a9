"""Workers: the processes that draw training samples; they end with the run, and a run ends when it has lost one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch

from robustpose.errors import UserError
from robustpose.processes import end_with_parent
from robustpose.stopping import be_a_worker

RAISED = f"{UserError.__module__}.{UserError.__qualname__}: "  # what a traceback has before a UserError's own words
MOST_LOADERS = 8  # of a process, with workers
LOST = "DataLoader worker (pid"  # how PyTorch begins to say that one has ended, in whatever the process is at


def start_worker(number: int) -> None:
    """Prepare a process of a loader."""
    be_a_worker()
    end_with_parent()
    # Of samples on their way to a process that ended, `multiprocessing.resource_sharer` says nothing that helps.
    sys.excepthook = _pass_over_broken_connections


def _forget_lost_workers() -> None:
    """Have PyTorch, which raises them whenever a child ends, wherever the process is then, raise them now instead."""
    raise_lost = getattr(torch._C, "_error_if_any_worker_fails", lambda: None)
    for _ in range(MOST_LOADERS):
        with suppress(RuntimeError):  # once for each loader
            raise_lost()
            return


def _pass_over_broken_connections(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
    if not isinstance(error, (EOFError, OSError)):
        sys.__excepthook__(kind, error, traceback)


@contextmanager
def heed_lost_workers() -> Iterator[None]:
    """Turn what PyTorch raises when a worker was killed into a UserError; what a worker raises keeps its own words."""
    try:
        yield
    except UserError as error:  # whose words PyTorch has replaced by the worker's whole traceback
        words = str(error)
        if not words.startswith("Caught ") or RAISED not in words:
            raise
        raise UserError(words.rpartition(RAISED)[2].strip()) from error
    except RuntimeError as error:
        if LOST not in str(error):
            raise
        _forget_lost_workers()
        raise UserError(
            "a process that draws samples died, perhaps for lack of memory; finished work is kept: start the same "
            "command again, perhaps with fewer engine.workers"
        ) from error
