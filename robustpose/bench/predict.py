"""Predict: check what was given, do the units that are not done, and gather each cell's into its predictions file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from robustpose.bench.work import Job, Slice, cut_slices, do_here, do_in_processes
from robustpose.errors import UserError
from robustpose.evaluate import score
from robustpose.metrics import make_metric
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.pose.results_json import write_results
from robustpose.pose.types import Truth, no_poses
from robustpose.progress import Forecast, Progress
from robustpose.results.inputs import write_inputs
from robustpose.results.run_folder import RunFolder
from robustpose.results.summary import decisive_versions


@dataclass(frozen=True, eq=False)
class Prepared:
    """A job that has been checked, with what it opened.

    Attributes:
        job: which.
        cells: to be predicted, clean first.
        dataset: the images.
        truths: of every image.
        estimator: who looks at them.
        provenance: what determines the results.
    """

    job: Job
    cells: Sequence[Cell]
    dataset: Dataset
    truths: Sequence[Truth]
    estimator: Estimator
    provenance: dict[str, Any]


def prepare(job: Job, cells: Sequence[Cell]) -> Prepared:
    """Open what a job names, and check it before anything is written.

    Raises:
        UserError: a mistake in what was given.
    """
    pixels = job.corrupted_images.provenance()
    dataset = job.make_dataset()
    if len(dataset) == 0:
        raise UserError("the dataset has no images")
    job.corrupted_images.check(cells, [dataset.frame(index) for index in range(len(dataset))])
    dataset.check_cells(cells)
    truths = [dataset.truth(index) for index in range(len(dataset))]
    _check_metric(dataset, truths)
    estimator = job.make_estimator(dataset.skeleton)
    provenance = {
        "versions": decisive_versions(),
        **pixels,
        "dataset": {**dataset.provenance, "metric": dataset.metric},
        "box_protocol": _find_box_protocol(dataset, estimator),
        "estimator": dict(estimator.provenance),
    }
    return Prepared(job, cells, dataset, truths, estimator, provenance)


def predict_cells(prepared: Prepared, n_workers: int, on_progress: Callable[[str, Progress], None]) -> dict[str, Any]:
    """Bring all cells' predictions into the run folder, which is locked by the caller, and return the provenance.

    Args:
        prepared: what to do.
        n_workers: processes; with 1, everything happens in this one.
        on_progress: called with ``predict`` and how far it is.

    Raises:
        UserError: the folder is another run's, or a mistake in the data. Finished units stay in it.
    """
    job, cells, dataset = prepared.job, prepared.cells, prepared.dataset
    folder = RunFolder(job.out)
    folder.claim(prepared.provenance)
    slices = cut_slices(len(dataset))
    unfinished = [cell for cell in cells if not folder.prediction_path(cell).is_file()]
    todo = []
    for number, indices in slices:
        lacking = [cell for cell in unfinished if not folder.unit_path(cell, number).is_file()]
        if lacking:
            todo.append(((number, indices), lacking))
    n_todo = sum(len(lacking) for _, lacking in todo)
    n_workers = min(n_workers, max(len(todo), 1)) if prepared.estimator.needs_images else 1
    forecast = Forecast(
        [cell.corruption for _, lacking in todo for cell in lacking], len(cells) * len(slices) - n_todo, n_workers
    )
    on_progress("predict", forecast.now())
    here = n_workers == 1
    for unit in do_here(job, dataset, prepared.estimator, todo) if here else do_in_processes(job, todo, n_workers):
        on_progress("predict", forecast.update(unit.cell.corruption, unit.seconds))
    if n_todo:
        on_progress("predict", Progress(len(cells) * len(slices), len(cells) * len(slices), None))
    for cell in unfinished:
        _gather_cell(folder, cell, slices, prepared.truths)
    if job.inputs is not None:
        write_inputs(job.out, job.inputs)
    if any(cell.corruption == "frost" for cell in cells):
        return prepared.provenance
    return {**prepared.provenance, "frost_textures": "unused"}


def _check_metric(dataset: Dataset, truths: Sequence[Truth]) -> None:
    """Raise UserError, before anything is predicted, if the truth cannot be scored against."""
    metric = make_metric(dataset.metric, dataset.skeleton)
    nobody = (no_poses(truth.image_id, dataset.skeleton.n_joints) for truth in truths)
    if score(nobody, truths, metric)[metric.primary] < 0:
        raise UserError("nobody in the dataset has annotated keypoints: there is nothing to score against")


def _find_box_protocol(dataset: Dataset, estimator: Estimator) -> str:
    """Return where the people were looked for: gt, clean-det, corrupt-det; none; unknown for results made elsewhere."""
    if not estimator.needs_images:
        return "unknown"
    return str(dataset.provenance.get("boxes", "gt")) if estimator.needs_boxes else "none"


def _gather_cell(folder: RunFolder, cell: Cell, slices: Sequence[Slice], truths: Sequence[Truth]) -> None:
    """Turn a cell's units into its predictions file."""
    folder.prediction_path(cell).parent.mkdir(exist_ok=True)
    poses = (
        poses
        for number, indices in slices
        for poses in folder.read_unit(cell, number, [truths[index].image_id for index in indices])
    )
    write_results(folder.prediction_path(cell), poses)
    folder.drop_units(cell)
