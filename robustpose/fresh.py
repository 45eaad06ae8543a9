"""Fresh: what a command made in a folder is removed, so that it starts over there. Nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from robustpose.errors import UserError
from robustpose.files import writing_to


@dataclass(frozen=True)
class StartOver:
    """Ask a command to start over in its folder, instead of going on with what is there."""

    tell: Callable[[str], None]  # called with a line that says what was removed
    inputs: Sequence[Path] = ()  # files and folders that the command reads: they must not be removed

    def remove(self, folder: Path, made: Sequence[Path], what: str) -> None:
        """Remove `made`, the files of `what` that a command made in a folder that is its own, and emptied folders."""
        made = _keep_inside(folder, made)
        _check_inputs(folder, made, self.inputs)
        for path in made:
            with writing_to(path):
                path.unlink(missing_ok=True)
        emptied = {parent for path in made for parent in path.parents if folder in parent.parents}
        for place in sorted(emptied, key=lambda place: -len(place.parts)):
            with suppress(OSError):  # it holds something else
                place.rmdir()
        if made:
            files = "1 file" if len(made) == 1 else f"{len(made):,} files"
            self.tell(f"started over: {files} of {what} removed from {folder}")


def _keep_inside(folder: Path, made: Sequence[Path]) -> list[Path]:
    """Return the files that are under a folder, whatever notes and links in it say."""
    inside: dict[Path, bool] = {}
    for place in dict.fromkeys(path.parent for path in made):
        inside[place] = place.resolve().is_relative_to(folder.resolve())
    return [path for path in dict.fromkeys(made) if inside[path.parent] and (path.is_symlink() or path.is_file())]


def _check_inputs(folder: Path, made: Sequence[Path], inputs: Sequence[Path]) -> None:
    """Raise UserError if a command is to read what it would remove."""
    out, removed = folder.resolve(), [path.resolve() for path in made]
    for given in inputs:
        path = given.resolve()
        if path == out or path.is_relative_to(out):
            lost = next((file for file in removed if file == path or file.is_relative_to(path)), None)
            if lost is not None:
                raise UserError(f"--fresh would remove {lost}, which this command reads: choose another --out")
