"""The main module: a script, `python -c`, a notebook. New processes run a script again, unless nothing is needed of it.

Python's way to start a process ("spawn") imports the main module there first. A script that is not below
``if __name__ == "__main__":`` then does everything once more, and what is typed into a notebook is in no file. So
processes are started without it wherever what is sent to them names nothing in it.
"""

from __future__ import annotations

import ast
import pickle
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

MAIN = "__main__"
_swapping = threading.Lock()


class _Sink:
    """A file that keeps nothing, and notes whether the main module is named in what is written to it."""

    names_main = False

    def write(self, content: Any) -> int:
        self.names_main = self.names_main or MAIN.encode() in bytes(content)
        return len(content)


def names_main(*things: Any) -> bool:
    """Return whether another process needs the main module for what it is sent: a function or class, or a name of it.

    What cannot be sent raises what pickling it raises.
    """
    sink = _Sink()
    pickle.Pickler(sink).dump(things)
    return sink.names_main


@contextmanager
def without_main() -> Iterator[None]:
    """Have processes that are started in the block not import the main module."""
    with _swapping:
        main = sys.modules.get(MAIN)
        sys.modules[MAIN] = ModuleType(MAIN)
        try:
            yield
        finally:
            if main is None:
                del sys.modules[MAIN]
            else:
                sys.modules[MAIN] = main


def explain_no_main() -> str | None:
    """Return why other processes, "they", cannot import the main module now; None if they can.

    A script can be imported if what it is doing at this moment is below ``if __name__ == "__main__":``.
    """
    main = sys.modules.get(MAIN)
    file = getattr(main, "__file__", None)
    if getattr(getattr(main, "__spec__", None), "name", None) is None and (file is None or not Path(file).is_file()):
        return "it is in no file (write it into a file, such as mine.py, and import it from there)"
    line = _find_line_of_main()
    if file is None or line is None or _is_guarded(Path(file), line):
        return None
    advice = f'put the call below if __name__ == "{MAIN}", or what it uses into a module of its own'
    return f"they would run {Path(file).name} again ({advice})"


def _find_line_of_main() -> int | None:
    """Return the line of the main module that is being executed; None where it has ended, or waits in an event loop."""
    frame: FrameType | None = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        if frame.f_globals.get("__name__") == MAIN and frame.f_code.co_name == "<module>":
            return frame.f_lineno
        frame = frame.f_back
    return None


def _is_guarded(file: Path, line: int) -> bool:
    """Tell whether a line of a script is in a block that only the main module does."""
    with suppress(OSError, SyntaxError, ValueError):
        for node in ast.parse(file.read_bytes()).body:
            if isinstance(node, ast.If) and node.lineno <= line <= (node.end_lineno or line):
                words = {one.id for one in ast.walk(node.test) if isinstance(one, ast.Name)}
                texts = {one.value for one in ast.walk(node.test) if isinstance(one, ast.Constant)}
                return "__name__" in words and MAIN in texts
    return False
