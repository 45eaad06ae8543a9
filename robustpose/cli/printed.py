"""--json and --quiet: results as one JSON document, and nothing on the terminal that a program would have to skip."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, cast

import typer

import robustpose
from robustpose.cli.help import OUTPUT
from robustpose.errors import UserError
from robustpose.printing import Silence, print_document

OUTPUTS = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")  # names of standard output
BEGINNING = b'{\n  "robustpose": '  # of every document


@dataclass
class PrintedOptions(AbstractContextManager["PrintedOptions"]):
    """What is printed, and where. Commands that take these options run inside of them."""

    panel: ClassVar[str] = OUTPUT

    json: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Also write the results as JSON to this file; - for standard output, all else is on standard error.",
        ),
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", help="No progress and no tables; warnings, errors and failed bounds are shown.")
    ] = False

    def __enter__(self) -> PrintedOptions:
        self._check_file()
        self._streams = ExitStack()
        if self._file is None and self.json is not None:
            self._streams.enter_context(_output_to_errors())
        if self.quiet:
            self._streams.enter_context(_silence_output())
        return self

    def __exit__(self, *error: object) -> None:
        self._streams.close()

    def write(self, document: Mapping[str, Any]) -> None:
        """Write what a command has found, if it is asked for as JSON: the last that it prints on standard output."""
        if self.json is None:
            return
        self._check_file()  # by now, its folder may be that of a run
        ours = {"robustpose": robustpose.__version__, **document}
        text = json.dumps(to_plain(ours), indent=2, allow_nan=False)
        if self._file is None:
            self._streams.close()
            print_document(text)
        else:
            from robustpose.files import write_text

            write_text(self._file, text + "\n")

    @property
    def _file(self) -> Path | None:
        """Return the file that is asked for, where links lead; None for standard output, or without one."""
        return None if self.json is None or self.json in OUTPUTS else Path(os.path.realpath(self.json))

    def _check_file(self) -> None:
        """Raise UserError where no JSON can be written, or another file would be lost."""
        from robustpose.results.run_folder import IDENTITY, WRITTEN

        path, said = self._file, str(self.json)
        if path is None:
            return
        if not said.strip() or path.is_dir() or (path.exists() and not path.is_file()):
            raise UserError(f"--json needs the name of a file, or - for standard output, got '{said}'")
        if path.name in (IDENTITY, *WRITTEN) and (path.parent / IDENTITY).is_file():
            raise UserError(f"--json {said} is a file of the run in {path.parent}: choose another name")
        if path.is_file() and not _is_ours(path):
            raise UserError(f"--json {said} is there, and not written by --json: choose another name, or remove it")
        place = next(parent for parent in path.parents if parent.exists())
        if not place.is_dir() or not os.access(place, os.W_OK):
            raise UserError(f"--json {said} cannot be written: {place} is no folder that takes files")


def _is_ours(path: Path) -> bool:
    """Return whether a file is empty or holds a document of ours, and may be written over."""
    with path.open("rb") as file:
        beginning = file.read(len(BEGINNING))
    return not beginning or beginning == BEGINNING


def to_plain(value: Any) -> Any:
    """Return a value as JSON has it: lists, objects, numbers, words; None for what is no finite number.

    >>> to_plain({"scores": (0.5, float("nan")), "page": Path("report.html")})
    {'scores': [0.5, None], 'page': 'report.html'}
    """
    if isinstance(value, Mapping):
        return {str(key): to_plain(one) for key, one in value.items()}
    value = value.tolist() if hasattr(value, "tolist") else value  # of NumPy
    if isinstance(value, list | tuple):
        return [to_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


@contextmanager
def _silence_output() -> Iterator[None]:
    before, sys.stdout = sys.stdout, Silence()
    try:
        yield
    finally:
        sys.stdout = before


@contextmanager
def _output_to_errors() -> Iterator[None]:
    """Let standard output go to standard error, also what libraries and worker processes print."""
    before = sys.stdout
    before.flush()
    saved = os.dup(1) if _numbers() == (1, 2) else None
    if saved is not None:
        os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout.flush()
        if saved is not None:
            os.dup2(saved, 1)
            os.close(saved)
        sys.stdout = before


def _numbers() -> tuple[int, ...]:
    """Return the file numbers of standard output and error; none where they are no files, as in tests."""
    try:
        return tuple(cast(int, stream.fileno()) for stream in (sys.stdout, sys.stderr))
    except (OSError, ValueError, AttributeError):
        return ()
