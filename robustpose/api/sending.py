"""Sending: whether work can be shared out over processes, and what is said where it cannot."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from robustpose.errors import UserError, count_own_frames
from robustpose.main_module import MAIN, explain_no_main, names_main
from robustpose.states import IN_NO_FILE


def limit_workers(n_workers: int, sent: Mapping[str, Any], doubts: Sequence[str] = ()) -> int:
    """Return how many processes share the work: 1, with a warning, where something cannot be sent to others.

    `sent` is what they need, by what people call it, such as ``the model``. Where `doubts` say already,
    in a warning of their own, that its code is in no file, there is no second one.
    """
    if n_workers == 1:
        return 1
    reason = _explain(sent)
    if reason is None:
        return n_workers
    if any(IN_NO_FILE in doubt for doubt in doubts):
        return 1
    warnings.warn(f"{reason}; this process does all the work itself", UserWarning, stacklevel=count_own_frames() + 1)
    return 1


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
