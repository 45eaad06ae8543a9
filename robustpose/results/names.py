"""Names of runs: what people call them, beside the models that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from robustpose.errors import UserError, quote
from robustpose.printing import make_visible

LONGEST = 80  # letters: what a column of a table has room for


def check_name(name: str, option: str = "--name") -> str:
    """Return what a run is called, without spaces around it; UserError for what nobody could read in a table."""
    text = name.strip()
    if not text:
        raise UserError(f"{option} must have letters in it, got {quote(name)}")
    if make_visible(text) != text:
        raise UserError(f"{option} must be of letters that can be seen, on one line, got {quote(name)}")
    if len(text) > LONGEST:
        raise UserError(f"{option} must be of at most {LONGEST} letters, got {len(text)}: {quote(text)}")
    return text


def name_runs(names: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """Return a checked name for each of some run folders; UserError unless they are as many, and all different."""
    if len(names) != len(folders):
        raise UserError(f"--names must be one for each of the {len(folders)} runs, with commas, got {len(names)}")
    checked = [check_name(name, "--names") for name in names]
    check_different(checked)
    return checked


def check_different(names: Sequence[str]) -> None:
    """Raise UserError where --names calls two runs the same."""
    if len(set(names)) < len(names):
        raise UserError(f"--names must differ from each other, got {', '.join(names)}")
