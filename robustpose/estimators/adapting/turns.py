"""Turns: several calls that go on one at a time, in a fixed order, each as far as it likes to pause.

So batches of a group go through a network together, norm by norm, whatever its code is: a batch pauses at a norm until
the others are there. Each call has a thread of its own, and only one of them runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class _Stopped(BaseException):
    """Raised where a call pauses that nobody goes on with."""


class Turn:
    """A call of `do(turn)` that runs while somebody waits in `resume`, and pauses where it calls `pause`."""

    def __init__(self, do: Callable[[Turn], object]) -> None:
        self._do = do
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._found: Any = None
        self._error: BaseException | None = None
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def resume(self) -> Any:
        """Go on with the call, and return what it pauses with; None once it is over. What it raises is raised here."""
        self._go.release()
        self._back.acquire()
        if self._error is not None:
            raise self._error
        return self._found

    def pause(self, found: object) -> None:
        """Hand over what was found to whoever waits, and wait to be resumed; for the call itself."""
        self._found = found
        self._back.release()
        self._go.acquire()
        if self._is_stopped:
            raise _Stopped

    def stop(self) -> None:
        """End the call where it is."""
        self._is_stopped = True
        self._go.release()
        self._thread.join()

    def _run(self) -> None:
        self._go.acquire()
        try:
            if not self._is_stopped:
                self._do(self)
        except _Stopped:
            pass
        except BaseException as error:  # which belongs to whoever waits
            self._error = error
        self._found = None
        self._back.release()
