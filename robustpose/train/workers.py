"""Workers: the processes that draw training samples; they end with the run, and a run ends when it has lost one."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch.utils.data._utils import signal_handling

from robustpose.errors import UserError
from robustpose.processes import end_with_parent
from robustpose.stopping import be_a_worker

RAISED = f"{UserError.__module__}.{UserError.__qualname__}: "  # what a traceback has before a UserError's own words
LOST = "DataLoader worker (pid"  # how PyTorch begins to say that one has ended, in whatever the process is at


def start_worker(number: int) -> None:
    """Prepare a process of a loader."""
    be_a_worker()
    end_with_parent()
    # Of samples on their way to a process that ended, `multiprocessing.resource_sharer` says nothing that helps.
    sys.excepthook = _pass_over_broken_connections


@contextmanager
def _told_of_in_block() -> Iterator[None]:
    """Let PyTorch raise that a worker was lost within the block only, and print nothing where it cannot be raised.

    It raises whenever a child ends, wherever the process is then: in a finaliser of its own, or long after the run.
    """
    is_main = threading.current_thread() is threading.main_thread()  # signals are not for others
    if not (is_main and hasattr(signal, "SIGCHLD")):
        yield
        return
    before, hook = signal.getsignal(signal.SIGCHLD), sys.unraisablehook
    sys.unraisablehook = partial(_pass_over_lost_workers, hook)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before or signal.SIG_DFL)
        signal_handling._SIGCHLD_handler_set = False  # so that the next loader sets PyTorch's again
        sys.unraisablehook = hook


def _pass_over_lost_workers(hook: Callable[[Any], Any], unraisable: Any) -> None:
    if LOST not in str(unraisable.exc_value):  # whoever waits for its samples is told as well
        hook(unraisable)


def _pass_over_broken_connections(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
    if not isinstance(error, (EOFError, OSError)):
        sys.__excepthook__(kind, error, traceback)


@contextmanager
def heed_lost_workers() -> Iterator[None]:
    """Turn what PyTorch raises when a worker was killed into a UserError; what a worker raises keeps its own words."""
    try:
        with _told_of_in_block():
            yield
    except UserError as error:  # whose words PyTorch has replaced by the worker's whole traceback
        words = str(error)
        if not words.startswith("Caught ") or RAISED not in words:
            raise
        raise UserError(words.rpartition(RAISED)[2].strip()) from error
    except RuntimeError as error:
        if LOST not in str(error):
            raise
        raise UserError(
            "a process that draws samples died, perhaps for lack of memory; finished work is kept: start the same "
            "command again, perhaps with fewer engine.workers"
        ) from error
