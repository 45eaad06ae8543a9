"""inputs.json: where a run's images come from, kept beside the results so that they are found again without asking.

Paths are absolute there, so a run is opened from any folder; where each lies as seen from the run folder is noted, too,
for data that were moved together with the run.

A run folder is data, perhaps a stranger's. Files outside it are opened because it says so only where its note has the
seal of this user (`robustpose.results.seal`), or a command says to trust it. Code that it names, such as a dataset or
a metric called ``package.module:attr``, is never run: a command names it again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from robustpose.changes import keep_known, list_changes
from robustpose.config import Settings, check_settings
from robustpose.data.corrupted import CorruptedSpec
from robustpose.data.spec import DataSpec
from robustpose.data.subset import without_idle_limit
from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.pose.protocols import Dataset
from robustpose.reading import read_json
from robustpose.results.seal import has_seal, make_seal
from robustpose.results.summary import identify_data

NAME = "inputs.json"
NAME_OF_0_1_0 = "opened.json"
MOST_BYTES = 1 << 20
OF_0_1_0 = {"spec": "name", "skeleton_file": "skeleton", "views": "corrupted_images"}


class RowNote(Settings):
    """The name of the paper's row that a run stands beside, and in what the run is not the same measurement."""

    name: str
    differences: tuple[str, ...] = ()


class Inputs(Settings):
    """What a run was made from: data, where its corrupted images come from, the paper's row, if one was named."""

    data: DataSpec
    corrupted_images: CorruptedSpec = CorruptedSpec()
    row: RowNote | None = None

    def change_paths(self, change: Callable[[Path], Path]) -> Inputs:
        """Return the same inputs with every path changed."""
        origin = {field: change(value) for field, value in self.corrupted_images if isinstance(value, Path)}
        return Inputs(
            data=self.data.change_paths(change),
            corrupted_images=self.corrupted_images.model_copy(update=origin),
            row=self.row,
        )

    @property
    def paths(self) -> list[Path]:
        """Return every path."""
        found: list[Path] = []

        def note(path: Path) -> Path:
            found.append(path)
            return path

        self.change_paths(note)
        return found


class _File(Inputs):
    """The content of the file."""

    format: Literal[2]
    seen_from_run: dict[str, str] = Field(default_factory=dict)  # where each path lies, relative to the run folder
    seal: str | None = None  # of all the rest; None where no key can be kept


@dataclass(frozen=True)
class Noted:
    """What a run folder says of its inputs, and whether what it names may be opened."""

    inputs: Inputs
    is_trusted: bool

    @property
    def paths(self) -> list[Path]:
        """Return what the note names outside the run folder."""
        found: list[Path] = []

        def take(path: Path) -> Path:
            found.append(path)
            return path

        self.inputs.change_paths(take)
        return found


def write_inputs(folder: Path, inputs: Inputs) -> None:
    """Write what a run was made from."""
    seen_from_run: dict[str, str] = {}

    def make_absolute(path: Path) -> Path:
        absolute = os.path.abspath(path)  # noqa: PTH100  # resolve() would put its target in the place of a link
        seen_from_run[absolute] = os.path.relpath(absolute, folder)
        return Path(absolute)

    content = inputs.change_paths(make_absolute).model_dump(mode="json", exclude_defaults=True)
    content = {"format": 2, **content, "seen_from_run": seen_from_run}
    seal = make_seal(_spell(content))
    text = json.dumps(content if seal is None else {**content, "seal": seal}, indent=2) + "\n"
    path = folder / NAME
    if not path.is_file() or path.read_bytes() != text.encode():
        write_text(path, text)


def read_inputs(folder: Path) -> Inputs | None:
    """Return what a run was made from, which may be anything, with the paths where the files are now; see `Noted`."""
    noted = read_note(folder)
    return None if noted is None else noted.inputs


def read_note(folder: Path, trust: bool = False) -> Noted | None:
    """Return what a run was made from, with the paths where the files are now; None if the run does not say it.

    `trust` says that the command's user trusts the folder.
    """
    path = next((folder / name for name in (NAME, NAME_OF_0_1_0) if (folder / name).exists()), None)
    if path is None:
        return None
    content, _ = read_json(path, "note of inputs", MOST_BYTES)
    if not isinstance(content, dict) or not isinstance(content.get("data"), dict):
        raise UserError(f"{path} does not say where the data are: delete it and name the data")
    if "format" not in content:
        content = _read_0_1_0(content)
    file = check_settings(_File, content, str(path))
    rest = {key: value for key, value in content.items() if key != "seal"}

    def find(path: Path) -> Path:
        seen = file.seen_from_run.get(str(path))
        return path if seen is None or path.exists() or not (folder / seen).exists() else folder / seen

    return Noted(file.change_paths(find), trust or has_seal(_spell(rest), file.seal))


def check_data(folder: Path, summary: Mapping[str, Any], dataset: Dataset) -> None:
    """Raise UserError unless a dataset has the images and the truth that the run in `folder` was benched on."""
    of_run = without_idle_limit(identify_data(summary["provenance"]["dataset"]), dataset)
    of_data = identify_data(dataset.provenance)
    differences = list_changes(keep_known(of_data, of_run), keep_known(of_run, of_data))
    if differences:
        raise UserError(
            f"the images are not those of {folder} ({'; '.join(differences[:2])}): name the data that it was benched on"
        )


def _spell(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True)


def _read_0_1_0(content: dict[str, Any]) -> dict[str, Any]:
    """Return what 0.1.0 wrote, which has other names, None for what was not given, and paths as they were given."""
    parts = {
        OF_0_1_0.get(part, part): {
            OF_0_1_0.get(field, field): value for field, value in values.items() if value is not None
        }
        for part, values in content.items()
        if isinstance(values, dict)
    }
    return {"format": 2, **parts}
