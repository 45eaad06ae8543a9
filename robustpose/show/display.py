"""Display: where a Python program shows how far its work is: under a notebook's cell, in a terminal, or nowhere."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from robustpose.printing import one_line, print_aside
from robustpose.progress import Progress
from robustpose.show.terminal import LABELS, TYPICAL_WIDTH, Show, describe_progress, progress_display

SECONDS_BETWEEN = 0.2  # of two changes of a notebook's display
_BAR = (
    '<div style="display:flex;align-items:center;gap:0.6em;font-family:sans-serif;font-size:90%">'
    '<span style="min-width:6em">{label}</span>'
    '<progress max="{total}" value="{done}" style="width:18em"></progress>'
    "<span>{words}</span></div>"
)


@contextmanager
def choose_display(wanted: bool = True) -> Iterator[Show]:
    """Give ``show(label, progress)`` for where this program runs; one that shows nothing unless `wanted`."""
    if not wanted:
        yield show_nothing
    elif (shell := find_notebook()) is not None:
        with notebook_display(shell) as show:
            yield show
    else:
        with progress_display() as show:
            yield show


def tell(line: object) -> None:
    """Say a line beside progress: below a notebook's cell, else on standard error."""
    if find_notebook() is None:
        print_aside(line)
        return
    from IPython.display import display

    display({"text/plain": one_line(line)}, raw=True)


def show_nothing(label: str, progress: Progress) -> None:
    """Show nothing."""


def find_notebook() -> Any:
    """Return the shell of the notebook that this program runs in; None elsewhere."""
    if "ipykernel" not in sys.modules:
        return None
    import IPython

    shell = IPython.get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None


@contextmanager
def notebook_display(shell: Any) -> Iterator[Show]:
    """Give a function that shows progress as one display below a notebook's cell, which changes as work goes on."""
    from IPython.display import display

    bars: dict[str, tuple[str, str]] = {}  # by label: HTML, and plain text
    handle = None
    last = 0.0

    def show(label: str, progress: Progress) -> None:
        nonlocal handle, last
        bars[label] = _describe(label, progress)
        now = time.monotonic()
        if progress.done < progress.total and handle is not None and now - last < SECONDS_BETWEEN:
            return
        last = now
        bundle = {
            "text/html": "".join(bar for bar, _ in bars.values()),
            "text/plain": "; ".join(words for _, words in bars.values()),
        }
        if handle is None:
            handle = display(bundle, raw=True, display_id=True)
        else:
            handle.update(bundle, raw=True)

    yield show


def _describe(label: str, progress: Progress) -> tuple[str, str]:
    """Return how far one kind of work is, as HTML and as plain text."""
    doing, unit = LABELS.get(label, (label, ""))
    if progress.done == progress.total:
        progress = replace(progress, note="")  # nothing is being done any more
    words = describe_progress(progress, unit, TYPICAL_WIDTH)
    bar = _BAR.format(label=html.escape(doing), total=progress.total, done=progress.done, words=html.escape(words))
    return bar, f"{doing}: {words}"
