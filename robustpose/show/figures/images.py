"""Where the images of runs come from: what the command names, else what a run's own inputs.json says."""

from __future__ import annotations

from collections.abc import Sequence

from robustpose import metrics
from robustpose.data.corrupted import CorruptedImages, MadeImages
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError
from robustpose.pose.protocols import Dataset
from robustpose.results.inputs import check_data, open_again, read_inputs
from robustpose.show.figures.runs import Run


def open_named(run: Run, given: DataSpec) -> Dataset:
    """Return the dataset that a command names, cut and scored as that of the run if the command does not say."""
    of_run = run.summary["provenance"]["dataset"]
    metric = str(of_run.get("metric"))
    own = {
        "limit": given.limit or of_run.get("limit"),
        # Code that a run folder names is not run.
        "metric": given.metric or (None if metrics.names_code(metric) else metric),
        "only_with_people": given.only_with_people or "images_with_people" in of_run,
    }
    dataset = given.model_copy(update=own).open()
    check_data(run.folder, run.summary, dataset)
    return dataset


def open_noted(runs: Sequence[Run]) -> Dataset:
    """Return the dataset of runs on the same data, as the first that can says where it is; an error if none can."""
    problems = []
    for run in runs:
        try:
            dataset = open_again(run.folder)[0].open()
            check_data(run.folder, run.summary, dataset)
            return dataset
        except UserError as error:
            problems.append(error)
    raise problems[0]


def find_corrupted_images(run: Run) -> CorruptedImages:
    """Return where the corrupted images of a run come from: as it noted, else made with its seed."""
    inputs = read_inputs(run.folder)
    if inputs is not None:
        return inputs.corrupted_images.open()
    seed = run.summary["provenance"].get("seed")
    if seed != "release" and not isinstance(seed, int):
        raise UserError(f"{run.folder} does not say where its corrupted images are: start its bench command again")
    return MadeImages(seed)
