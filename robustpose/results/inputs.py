"""inputs.json: where a run's images come from, kept beside the results so that they are found again without asking.

Paths are absolute there, so a run is opened from any folder; where each lies as seen from the run folder is noted, too,
for data that were moved together with the run. Nothing in a run folder may name code: a dataset or metric called
``package.module:attr`` is run only if a command names it again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from robustpose.changes import keep_known, list_changes
from robustpose.config import Settings, check_settings
from robustpose.data.corrupted import CorruptedImages, CorruptedSpec
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.pose.protocols import Dataset
from robustpose.results.summary import identify_data

NAME = "inputs.json"
NAME_OF_0_1_0 = "opened.json"
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


class _File(Inputs):
    """The content of the file: `seen_from_run` is where each path lies, relative to the run folder."""

    format: Literal[2]
    seen_from_run: dict[str, str] = Field(default_factory=dict)


def write_inputs(folder: Path, inputs: Inputs) -> None:
    """Write what a run was made from."""
    seen_from_run: dict[str, str] = {}

    def make_absolute(path: Path) -> Path:
        absolute = os.path.abspath(path)  # noqa: PTH100  # resolve() would put its target in the place of a link
        seen_from_run[absolute] = os.path.relpath(absolute, folder)
        return Path(absolute)

    content = inputs.change_paths(make_absolute).model_dump(mode="json", exclude_defaults=True)
    text = json.dumps({"format": 2, **content, "seen_from_run": seen_from_run}, indent=2) + "\n"
    path = folder / NAME
    if not path.is_file() or path.read_text() != text:
        write_text(path, text)


def read_inputs(folder: Path) -> Inputs | None:
    """Return what a run was made from, with the paths where the files are now; None if the run does not say it."""
    path = next((folder / name for name in (NAME, NAME_OF_0_1_0) if (folder / name).is_file()), None)
    if path is None:
        return None
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("data"), dict):
        raise UserError(f"{path} does not say where the data are: delete it and name the data")
    if "format" not in content:
        content = _read_0_1_0(content)
    file = check_settings(_File, content, str(path))

    def find(path: Path) -> Path:
        seen = file.seen_from_run.get(str(path))
        return path if seen is None or path.exists() or not (folder / seen).exists() else folder / seen

    return file.change_paths(find)


def open_again(folder: Path, given: DataSpec | None = None) -> tuple[DataSpec, CorruptedImages]:
    """Return the data of a run, as `given` or where they were, and where its corrupted images come from.

    Whether images without people are left out is not asked again. It is an error if `given` is None and the run does
    not say where its data are, or names only code for them.
    """
    inputs = read_inputs(folder)
    if inputs is None:
        if given is None:
            raise UserError(
                f"{folder} does not say where its data are: name them, as for bench (--data, or --annotations …)"
            )
        return given, CorruptedSpec().open()
    if given is None:
        given = inputs.data
        if given.code:
            raise UserError(
                f"{folder} names code as its data, {' and '.join(given.code)}, and code that a run folder names is not "
                "run: name the data again (--data, --metric) where the command has these options"
            )
    elif inputs.data.only_with_people:
        given = given.model_copy(update={"only_with_people": True})
    return given, inputs.corrupted_images.open()


def check_data(folder: Path, summary: Mapping[str, Any], dataset: Dataset) -> None:
    """Raise UserError unless a dataset has the images and the truth that the run in `folder` was benched on."""
    of_run, of_data = identify_data(summary["provenance"]["dataset"]), identify_data(dataset.provenance)
    differences = list_changes(keep_known(of_data, of_run), keep_known(of_run, of_data))
    if differences:
        raise UserError(
            f"the images are not those of {folder} ({'; '.join(differences[:2])}): name the data that it was benched on"
        )


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
