"""How a run's data were opened: kept beside the results so that they can be scored and shown again without asking."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from robustpose.data.corrupted import CorruptedImages, open_corrupted_images
from robustpose.data.spec import open_dataset, provenance_of
from robustpose.errors import UserError
from robustpose.evaluate import Dataset
from robustpose.files import list_differences, write_text
from robustpose.results.summary import identify_data

NAME = "inputs.json"


def write_inputs(folder: Path, opened: Mapping[str, Any]) -> None:
    """Write how the data were opened.

    Args:
        folder: of the run.
        opened: `data`, the arguments of `open_dataset`, and `corrupted_images`, those of `open_corrupted_images`.
            Paths stay as they were given, so who comes from another folder has to name the data again. Perhaps `row`,
            the paper's row that the run stands beside: its `name`, and `differences` in how it was measured.
    """
    text = json.dumps(opened, indent=2, default=str) + "\n"
    path = folder / NAME
    if not path.is_file() or path.read_text() != text:
        write_text(path, text)


def read_inputs(folder: Path) -> dict[str, Any] | None:
    """Return what `write_inputs` wrote; None if there is nothing.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        opened = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if not isinstance(opened, dict) or not all(
        isinstance(opened.get(part), dict) for part in ("data", "corrupted_images")
    ):
        raise UserError(f"{path} does not say how the data were opened: delete it and name the data")
    return opened


def open_again(folder: Path, given: Mapping[str, Any] | None = None) -> tuple[Callable[[], Dataset], CorruptedImages]:
    """Return how to open the data of a run, and where its corrupted images come from.

    Args:
        folder: of the run.
        given: arguments of `open_dataset` that say where the data are; None for where they were. Whether images
            without people are left out is not asked again.

    Raises:
        UserError: the run does not say where its data are, and nobody else does.
    """
    opened = read_inputs(folder)
    if given is None and opened is None:
        raise UserError(
            f"{folder} does not say where its data are: name them, as for bench (--data, or --annotations …)"
        )
    noted = {} if opened is None else opened["data"]
    data = dict(noted if given is None else given)
    if noted.get("only_with_people"):
        data["only_with_people"] = True
    for name in ("annotations", "images", "skeleton_file", "root"):
        if data.get(name) is not None:
            data[name] = Path(data[name])
    return partial(open_dataset, **data), open_corrupted_images(
        **(opened or {"corrupted_images": {}})["corrupted_images"]
    )


def check_data(folder: Path, summary: Mapping[str, Any], dataset: Dataset) -> None:
    """Raise UserError unless a dataset has the images and the truth that a run was benched on.

    Args:
        folder: of the run.
        summary: of the run.
        dataset: what was opened.
    """
    old = identify_data(summary["provenance"]["dataset"])
    differences = list_differences(old, identify_data(provenance_of(dataset)))
    if differences:
        raise UserError(
            f"the images are not those of {folder} ({'; '.join(differences[:2])}): name the data that it was benched on"
        )
