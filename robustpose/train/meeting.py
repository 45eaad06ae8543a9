"""Meeting: processes of a training that wait for each other at its start say so; one that ends too early is told of."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from robustpose.printing import print_aside
from robustpose.stopping import Stopped, end_in_time, heard
from robustpose.train.launched import is_first_on_node, is_first_process
from robustpose.train.settings_groups import EngineSettings

SILENT = 15.0  # seconds; processes that start together have met by then
GRACE = 10.0  # seconds in which the first process may notice by itself that another has ended
ENDED = 2  # the exit code then, as for what the user has to mend


@contextmanager
def telling_of_waiting(engine: EngineSettings) -> Iterator[None]:
    """Say, if the block takes long, which processes are waited for there: once, and by one process of each node."""
    n_processes = engine.nodes * engine.devices
    if n_processes == 1 or not is_first_on_node():
        yield
        return
    timer = threading.Timer(SILENT, lambda: print_aside(describe_waiting(n_processes, engine.wait_minutes)))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def describe_waiting(n_processes: int, minutes: float) -> str:
    """Return which processes this one waits for, where, and for how long at most.

    >>> describe_waiting(4, 30.0)
    'waiting for the other 3 of 4 processes..., for 30 minutes at most (engine.wait_minutes): ...'
    """
    where = ":".join(filter(None, (os.environ.get("MASTER_ADDR"), os.environ.get("MASTER_PORT"))))
    others = n_processes - 1
    whom = f"the other {others} of {n_processes} processes" if others > 1 else "the other of 2 processes"
    whom = whom if is_first_process() else f"the first of {n_processes} processes"
    return (
        f"waiting for {whom}{f' at {where}' if where else ''}, for {minutes:g} minutes at most (engine.wait_minutes): "
        "all are started with the same command"
    )


@contextmanager
def stopping_together(fabric: Any) -> Iterator[None]:
    """Let signals end the block in time, and with this process those that Fabric has started, which do not hear them.

    They would say, after the line of this one, that it has ended.
    """

    def end_children() -> None:
        for child in getattr(fabric.strategy.launcher, "procs", ()):
            child.terminate()

    with end_in_time(end_children):
        try:
            yield
        except Stopped:
            end_children()
            raise


def tell_of_ended_children() -> None:
    """Have a process that Fabric has started, and that ends too early, told of by the first one.

    Fabric kills the first process at once, which could say nothing then; here that has time to notice by itself.
    """
    try:
        from lightning_fabric.strategies.launchers.subprocess_script import _ChildProcessObserver as Observer
    except ImportError:  # nothing says that it is there in every version
        return
    Observer._terminate_all = _end_all  # type: ignore[method-assign, assignment]


def _end_all(observer: Any) -> None:
    """Say which process has ended, unless the first one ends meanwhile, and end all."""
    until = time.monotonic() + GRACE
    while time.monotonic() < until or heard() is not None:  # it ends by itself, with its own line
        time.sleep(0.1)
    children = observer._child_processes
    ended = next((i, child.returncode) for i, child in enumerate(children, 1) if child.returncode)
    how = f"killed by signal {-ended[1]}" if ended[1] < 0 else f"exit code {ended[1]}"
    print_aside(
        f"error: process {ended[0]} of the {len(children) + 1} of this training has ended ({how}): its own line says "
        "why, if it could; finished work is kept: start the same command again"
    )
    for child in children:
        child.kill()
    os._exit(ENDED)
