"""Replacing: a page or a figure is written over what the same command made, and over nothing else that is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from robustpose.errors import UserError

HEAD = 1500  # bytes of a page, in which its kind is
OF_EARLIER_PAGES = b"http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-"
TABLE = rb"% needs \usepackage{booktabs}"
CREATOR = b"/Creator (robustpose)"


def follow(path: Path) -> Path:
    """Return where links of a path lead: what is written there replaces no link."""
    return Path(os.path.realpath(path))


def check_page(path: Path, kind: str, option: str) -> None:
    """Raise UserError where another file than a page of this kind, such as ``sheet``, would be lost."""
    named = f'<meta name="generator" content="robustpose {kind}">'.encode()

    def is_ours(head: bytes) -> bool:
        return named in head or (kind != "sheet" and b'name="generator"' not in head and OF_EARLIER_PAGES in head)

    _check(path, is_ours, option, f"no page that robustpose {'corrupt --sheet' if kind == 'sheet' else kind} wrote")


def check_json(path: Path, key: str, option: str) -> None:
    """Raise UserError where a file would be lost that is not JSON of ours, which begins with a key."""
    beginning = f'{{\n "{key}":'.encode()
    _check(path, lambda head: head.startswith(beginning), option, "not written by this command")


def check_figures(folder: Path, names: tuple[str, ...], option: str) -> None:
    """Raise UserError where a PDF, a PNG or a table in a folder would be lost that is no figure of ours."""
    for name in names:
        pdf = folder / f"{name}.pdf"
        is_ours = pdf.is_file() and CREATOR in pdf.read_bytes()
        for path in (pdf, folder / f"{name}.png"):  # a PNG does not say who drew it; each of ours has its PDF
            _check(path, partial(_say, is_ours), option, "no figure that robustpose drew")
    check_table(folder / "table.tex", option)


def check_no_run(folder: Path, option: str) -> None:
    """Raise UserError for the folder of a run, whose own table.tex would be lost."""
    if any((folder / name).is_file() for name in ("run.json", "summary.json")):
        raise UserError(
            f"{folder.absolute()} is a run folder, whose table.tex would be overwritten: choose another {option}"
        )


def check_table(path: Path, option: str) -> None:
    """Raise UserError where a file would be lost that is no LaTeX table of ours."""
    _check(path, lambda head: head.startswith(TABLE), option, "no table that robustpose wrote")


def check_text(path: Path, beginning: str, option: str) -> None:
    """Raise UserError where a text file would be lost that is none of ours, which begins with some words."""
    _check(path, lambda head: head.startswith(beginning.encode()), option, "not written by this command")


def _say(is_ours: bool, head: bytes) -> bool:
    return is_ours


def _check(path: Path, is_ours: Callable[[bytes], bool], option: str, what: str) -> None:
    if path.is_dir():
        raise UserError(f"{path.absolute()} is a folder, where a file is to be written: choose another {option}")
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
        ours = not head or is_ours(head)
    except OSError as error:
        raise UserError(f"{path.absolute()} cannot be read ({error.strerror}): choose another {option}") from error
    if not ours:
        raise UserError(f"{path.absolute()} is there, and {what}: choose another {option}, or remove it")
