"""Where the images of runs come from: what the command names, else what a run's own inputs.json says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from robustpose.data.corrupted import CorruptedImages, MadeImages, open_corrupted_images
from robustpose.data.spec import open_dataset
from robustpose.errors import UserError
from robustpose.evaluate import Dataset
from robustpose.results.inputs import check_data, open_again, read_inputs
from robustpose.show.figures.runs import Run


def open_named(run: Run, given: Mapping[str, Any]) -> Dataset:
    """Return the dataset that the command names, cut and scored as that of the run if the command does not say.

    Args:
        run: whose dataset it has to be.
        given: arguments of `open_dataset`.

    Raises:
        UserError: it cannot be opened, or is not that of the run.
    """
    of_run = run.summary["provenance"]["dataset"]
    own = {key: of_run.get(key) for key in ("limit", "metric") if given.get(key) is None}
    own["only_with_people"] = "images_with_people" in of_run
    dataset = open_dataset(**{**given, **own})
    check_data(run.folder, run.summary, dataset)
    return dataset


def open_noted(runs: Sequence[Run]) -> Dataset:
    """Return the dataset of runs on the same data, as the first that can says where it is.

    Raises:
        UserError: none of them says where it is, or it is not there.
    """
    problem: UserError | None = None
    for run in runs:
        try:
            dataset = open_again(run.folder)[0]()
            check_data(run.folder, run.summary, dataset)
            return dataset
        except UserError as error:
            problem = problem or error
    assert problem is not None
    raise problem


def find_corrupted_images(run: Run) -> CorruptedImages:
    """Return where the corrupted images of a run come from: as it noted, else made with its seed.

    Raises:
        UserError: that cannot be told, or they are not there.
    """
    opened = read_inputs(run.folder)
    if opened is not None:
        return open_corrupted_images(**opened["corrupted_images"])
    seed = run.summary["provenance"].get("seed")
    if seed != "release" and not isinstance(seed, int):
        raise UserError(f"{run.folder} does not say where its corrupted images are: start its bench command again")
    return MadeImages(seed)
