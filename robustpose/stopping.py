"""Stopping: Ctrl-C, a closed terminal, a system's wish to end. The first is an exception, the second ends at once.

Whatever a library makes of that exception, `heard` remembers the signal.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

LINE = "stopped; finished work is kept: the same command goes on from there"
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
COMPLETING = (
    "_ROBUSTPOSE_COMPLETE"  # in which a shell asks what may come next, and shows whatever is said at its prompt
)
ENDS_WITH_INPUT = "ROBUSTPOSE_ENDS_WITH_INPUT"  # environment variable: see `end_with_input`
AGAIN_AFTER = 0.01  # seconds
PATIENCE = 3.0  # seconds that a library's call, in which nothing of ours runs, may still take: see `end_in_time`
SAME = 0.5  # seconds within which a second signal is the first one's echo: `timeout` sends to a process and its group


class Stopped(BaseException):
    """Report that the process was asked to end. No library catches it, as some do KeyboardInterrupt."""


# A process has one handler for each signal, so what they know is the process's, too.
_signal: int | None = None  # the first that came
_since = 0.0  # seconds; when it came
_is_told = False
_n_holding = 0  # blocks of `hold_signals` that we are in
_waiting: int | None = None  # the last signal that came there
_exit_code: int | None = None  # of a command that has ended, while Python cleans up behind it


def heard() -> int | None:
    """Return the exit code of a process that was asked to end, as shells have it (130 for Ctrl-C); None if not."""
    return None if _signal is None else 128 + _signal


def tell() -> None:
    """Say once that the process was stopped; not to a shell that only asked what may come next."""
    global _is_told
    with hold_signals():
        _is_told = _is_told or COMPLETING in os.environ
        if not _is_told:
            _is_told = True
            with suppress(OSError, ValueError, AttributeError, RuntimeError):  # closed, none, or at it just now
                sys.stderr.flush()
            show_cursor = b"\x1b[?25h" if os.isatty(2) else b""  # a progress bar hides it
            with suppress(OSError):
                os.write(2, show_cursor + LINE.encode() + b"\n")


def leave_telling() -> None:
    """Leave it to another process of the same command to say that it was stopped."""
    global _is_told
    _is_told = True


@contextmanager
def heed_signals() -> Iterator[None]:
    """Let a command be stopped by signals: `Stopped` is raised in the block, where the main thread is.

    A signal that the process was started to ignore, as with nohup, stays ignored.
    """
    global _signal, _is_told
    _signal, _is_told = None, False
    if threading.current_thread() is not threading.main_thread():  # signals are not for others
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    hook = sys.unraisablehook
    try:
        _install()
        yield
    finally:
        _signal = None
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def run_and_exit(command: Callable[[], int]) -> NoReturn:
    """Run a command as all that this process does, and exit with the code it returns, stopped by signals to the end."""
    global _exit_code
    _install()
    atexit.register(_ignore_all)  # the first to be registered is the last to be called
    try:
        code = command()
    except Stopped:
        code = heard() or 130  # it came while what the command had ended with was cleaned up
        tell()
    except BaseException:
        if _signal is None:
            raise
    stopped = heard()
    if stopped is not None:  # even if that was swallowed on its way
        tell()
        code = stopped
    _exit_code = code
    sys.exit(code)


def _install() -> None:
    sys.unraisablehook = _raise_again
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _ignore_all() -> None:
    """Let Python free its memory undisturbed: it would give signals back to the system, which kills."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _stop(number: int, frame: FrameType | None) -> None:
    global _signal, _since, _waiting
    if _n_holding:
        _waiting = number
        return
    if _exit_code:  # what went wrong has been said
        os._exit(_exit_code)
    if _signal is None and _exit_code is None:
        _signal, _since = number, time.monotonic()
        raise Stopped
    if _exit_code is not None or time.monotonic() > _since + SAME:  # everything is done, or they insist
        _signal = _signal or number
        tell()
        os._exit(128 + _signal)


def _raise_again(unraisable: Any) -> None:
    """Raise `Stopped` again a little later, where it came into something that no exception can leave: a finaliser."""
    if not isinstance(unraisable.exc_value, Stopped):
        if _signal is None:  # else it is of something that was cut off, as it should be
            sys.__unraisablehook__(unraisable)
    elif hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _stop_again)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_AFTER)


def _stop_again(number: int, frame: FrameType | None) -> None:
    raise Stopped


@contextmanager
def hold_signals() -> Iterator[None]:
    """Hear signals only after the block. Processes and threads that are started in it inherit that they wait.

    Without this, a worker that is interrupted while it imports prints a traceback: see `be_a_worker`.
    """
    global _n_holding, _waiting
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS) if hasattr(signal, "pthread_sigmask") else None
    _n_holding += 1  # another thread, which does not wait, may have heard it for this one
    try:
        yield
    finally:
        _n_holding -= 1
        number = None
        if not _n_holding:
            number, _waiting = _waiting, None
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if number is not None:
            signal.raise_signal(number)


@contextmanager
def end_in_time(leave: Callable[[], object] = lambda: None) -> Iterator[None]:
    """End the process even where a library's call in the block hears nothing, as one that waits for other machines.

    Python runs handlers between its own steps only. A thread that the system tells of the signal gives the call
    `PATIENCE` seconds to return; after that the process ends with its line, and calls `leave` first. Programs that have
    handlers of their own are left alone.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or all(signal.getsignal(number) is not _stop for number in SIGNALS):
        yield
        return
    told, tells = socket.socketpair()
    tells.setblocking(False)
    is_over = threading.Event()
    watching = threading.Thread(target=_end_when_told, args=(told, is_over, leave), daemon=True, name="end-in-time")
    before = signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
    watching.start()
    try:
        yield
    finally:
        is_over.set()
        signal.set_wakeup_fd(before)
        tells.close()  # which ends the thread's wait
        watching.join()
        told.close()


def _end_when_told(told: socket.socket, is_over: threading.Event, leave: Callable[[], object]) -> None:
    """End the process when a signal is told of that its handler, in the main thread, does not hear of."""
    while numbers := told.recv(64):
        number = next((number for number in numbers if number in SIGNALS), None)
        since = time.monotonic()
        insists = heard() is not None and since > _since + SAME  # while the first has the process clean up
        while number is not None and (heard() is None or insists) and not is_over.is_set():
            if time.monotonic() > since + PATIENCE and not _n_holding:
                try:
                    leave()
                finally:
                    tell()
                    os._exit(128 + number)
            time.sleep(AGAIN_AFTER)


def be_a_worker() -> None:
    """Leave Ctrl-C and a closed terminal to the process that started this one, and end at once when told to."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def end_with_input() -> None:
    """End this process, as SIGTERM does, when its standard input does, if whoever started it asks for that.

    So a command that another one has started does not outlive it, even where that was killed and could not say so.
    """
    if os.environ.get(ENDS_WITH_INPUT):
        threading.Thread(target=_await_end_of_input, daemon=True, name="end-with-input").start()


def _await_end_of_input() -> None:
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
