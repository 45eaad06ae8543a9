"""Cells: the clean images, or one corruption at one severity."""

from __future__ import annotations

from typing import NamedTuple

from robustpose.errors import UserError


class Cell(NamedTuple):
    """The clean images (`corruption` None, `severity` 0), or one corruption by its name at one severity (1..5)."""

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
        """Return the cell of a key; UserError if it is neither `clean` nor a name, a slash and a severity."""
        if key == "clean":
            return CLEAN
        corruption, slash, severity = key.rpartition("/")
        if not slash or not severity.isdigit():
            raise UserError(f"a cell is 'clean' or 'corruption/severity' such as 'fog/3', got '{key}'")
        return cls(corruption, int(severity))


CLEAN = Cell(None, 0)
