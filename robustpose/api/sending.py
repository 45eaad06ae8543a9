"""Sending: whether work can be shared out over processes, and what is said where it cannot."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from robustpose.cluster.engines import EXPECTED, make_engine
from robustpose.cluster.ray_cluster import RayCluster
from robustpose.errors import UserError, count_own_frames, quote
from robustpose.main_module import MAIN, explain_no_main, names_main
from robustpose.states import IN_NO_FILE
from robustpose.work import Engine, Processes


@contextmanager
def choose_engine(engine: Any, n_workers: int | None) -> Iterator[Engine]:
    """Yield the engine that is meant, with at most so many workers; what a word names ends with the block."""
    if isinstance(engine, str):
        chosen = make_engine(engine, n_workers)
        try:
            yield chosen
        finally:
            if isinstance(chosen, RayCluster):
                chosen.close()
    elif all(hasattr(engine, name) for name in ("name", "n_workers", "n_cores", "at_most", "do")):
        yield engine if n_workers is None else engine.at_most(n_workers)
    else:
        raise UserError(f"engine= takes {EXPECTED}, or an engine, got {quote(engine)}")


def limit_workers(engine: Engine, sent: Mapping[str, Any], doubts: Sequence[str] = ()) -> Engine:
    """Return who shares the work: this process, with a warning, where something cannot be sent to others.

    `sent` is what they need, by what people call it, such as ``the model``. Where `doubts` say already,
    in a warning of their own, that its code is in no file, there is no second one.
    """
    if isinstance(engine, Processes) and engine.n_workers == 1:
        return engine
    reason = _explain(sent)
    if reason is None:
        return engine
    if any(IN_NO_FILE in doubt for doubt in doubts):
        return Processes(1)
    warnings.warn(f"{reason}; this process does all the work itself", UserWarning, stacklevel=count_own_frames() + 1)
    return Processes(1)


def _explain(sent: Mapping[str, Any]) -> str | None:
    """Return why the work cannot be shared out; None if it can."""
    if multiprocessing.current_process().daemon:
        return "this is a worker process, which has none of its own"
    for what, thing in sent.items():
        try:
            needs_main = names_main(thing)
        except UserError as error:  # which says what it is
            return str(error)
        except Exception as error:  # whatever the code of others raises when it is pickled
            words = " ".join(str(error).split()) or type(error).__name__
            return f"{what} cannot be sent to worker processes ({words[:200]})"
        reason = explain_no_main() if needs_main else None
        if reason is not None:
            return f"{what} uses what is defined in {MAIN}, which worker processes cannot import: {reason}"
    return None
