"""Cells: the clean images, or one corruption at one severity."""

from __future__ import annotations

import re
from typing import NamedTuple

from robustpose.errors import UserError

SEVERITIES = ("1", "2", "3", "4", "5")
LONGEST_NAME = 200  # of a corruption, in letters
OF_CELL = re.compile(r"clean|.+-[1-5]")  # what files and folders of a cell are called
NAME = re.compile(r"[\w-]+|[\w-]+(\.[\w-]+)*:[\w-]+(\.[\w-]+)*")


class Cell(NamedTuple):
    """The clean images (`corruption` None, `severity` 0), or one corruption by its name at one severity (1..5).

    >>> from robustpose import CLEAN, Cell
    >>> Cell("fog", 3).key, CLEAN.key, Cell.from_key("fog/3") == Cell("fog", 3)
    ('fog/3', 'clean', True)
    """

    corruption: str | None
    severity: int

    @property
    def key(self) -> str:
        """Return `clean` or, say, `fog/3`: how results name the cell."""
        return "clean" if self.corruption is None else f"{self.corruption}/{self.severity}"

    @property
    def file_stem(self) -> str:
        """Return `clean` or, say, `fog-3`: how files name the cell."""
        return "clean" if self.corruption is None else f"{self.corruption.replace(':', '.')}-{self.severity}"

    @classmethod
    def from_key(cls, key: str) -> Cell:
        """Return the cell of a key; UserError if it is neither `clean` nor a corruption, a slash and a severity.

        Files are named after cells, so what is no name, such as ``../fog``, is refused here.
        """
        if key == "clean":
            return CLEAN
        corruption, _, severity = key.rpartition("/")
        if severity not in SEVERITIES or not is_corruption_name(corruption):
            shown = key if len(key) <= LONGEST_NAME else key[:LONGEST_NAME] + "…"
            raise UserError(f"a cell is 'clean' or 'corruption/severity' such as 'fog/3', got {shown!r}")
        return cls(corruption, int(severity))


def is_corruption_name(text: str) -> bool:
    """Tell whether a text can be the name of a corruption: `fog`, or ``package.module:function``."""
    return len(text) <= LONGEST_NAME and NAME.fullmatch(text) is not None


CLEAN = Cell(None, 0)
