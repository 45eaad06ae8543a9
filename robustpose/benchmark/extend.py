"""More images: a run of the first images goes on with others, and what was predicted for those stays.

A run that is claimed with ``limit`` 8 becomes one with ``limit`` 9, or without, if the first 8 images, their truth, the
model and all else are those of the run. Its finished cells become units again, which new ones are predicted beside.
Killed in between, the folder is a run of the first images still, which has not finished: its scores went first, its
cells are unfinished, and their units are there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.benchmark.chunks import extend_chunks
from robustpose.benchmark.identity import choose_files
from robustpose.benchmark.job import Prepared
from robustpose.changes import as_table, take_in
from robustpose.claims import check_claim, read_claim
from robustpose.data.identity import identify_dataset
from robustpose.data.subset import shorten
from robustpose.errors import UserError
from robustpose.files import lock_folder, without_parts, write_text, writing_to
from robustpose.pose.cell import CLEAN, OF_CELL, Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.results_json import check_truth_rows, read_results
from robustpose.pose.types import Truth, no_poses
from robustpose.results.run_folder import IDENTITY, RunFolder
from robustpose.work import Chunk

WHAT = "results"


def extend_run(prepared: Prepared) -> None:
    """Let the run folder of a job take more images, if it holds a run of fewer; any other folder stays as it is.

    Raises:
        UserError: something else has changed since that run was begun, or it is of more images.
    """
    job, data = prepared.job, prepared.data
    if not (job.out / IDENTITY).is_file():
        return
    with lock_folder(job.out), without_parts(job.out):
        old = read_claim(job.out, IDENTITY)
        checked = _check_run(prepared, old)
        if old is None or checked is None:
            return
        n_before, identity = checked
        RunFolder(job.out).drop_scores()  # first: what is left is no finished run, of however many images
        _unpack_cells(prepared, data.truths[:n_before])
        noted = {**take_in(old, identity), "dataset": take_in(prepared.identity["dataset"], old["dataset"])}
        write_text(job.out / IDENTITY, json.dumps(noted, indent=2) + "\n", sync=True)


def find_run_of_fewer(prepared: Prepared) -> int | None:
    """Return of how many images the run is that `extend_run` would let take more; None if it is not such a run.

    The errors are those of `extend_run`; nothing is changed.
    """
    checked = _check_run(prepared, read_claim(prepared.job.out, IDENTITY))
    return None if checked is None else checked[0]


def _check_run(prepared: Prepared, old: Mapping[str, Any] | None) -> tuple[int, dict[str, Any]] | None:
    """Return the number of images of a run that is to take more, and its identity; None for any other one."""
    limit = _find_limit(prepared.job.out, old, prepared.identity)
    if old is None or limit is None:
        return None
    before = shorten(prepared.data.dataset, limit)
    n_before, per_group = len(before), prepared.estimator.images_per_group
    if n_before % per_group:
        raise UserError(
            f"{prepared.job.out.absolute()} holds results of {n_before} images, which the model looks at in groups of "
            f"{per_group}: the last group would have more images now. Choose another --out, or start over with --fresh "
            f"(with a --limit that is a multiple of {per_group}, a run can take more images later)"
        )
    about, _ = identify_dataset(before, prepared.data.truths[:n_before], prepared.estimator.needs_images)
    of_data = choose_files({**about, "limit": limit}, prepared.cells)
    identity = {**prepared.identity, "dataset": of_data}
    check_claim(prepared.job.out, WHAT, IDENTITY, identity)
    return n_before, identity


def _find_limit(folder: Path, old: Mapping[str, Any] | None, identity: Mapping[str, Any]) -> int | None:
    """Return how many images a run was begun with, if now there are to be more; None if not.

    UserError if there are to be fewer: nobody has scores of those in its folder.
    """
    then, now = as_table(as_table(old).get("dataset")), identity["dataset"]
    before, wanted = then.get("limit"), now.get("limit")
    if before == wanted or "preview" in then or then.get("name") != now.get("name"):
        return None
    if type(before) is int and before > 0 and (wanted is None or wanted > before):
        return before
    images = "all images" if before is None else f"the first {before} images"
    raise UserError(
        f"{folder.absolute()} holds results of {images}, and --limit {wanted} takes fewer: choose another --out, or "
        "start over with --fresh (with a larger --limit it goes on, and keeps what is there)"
    )


def _unpack_cells(prepared: Prepared, truths: Sequence[Truth]) -> None:
    """Turn the predictions of finished cells, of the images of `truths`, into units."""
    folder = RunFolder(prepared.job.out)
    finished = [
        _to_cell(path.stem) for path in sorted((folder.path / "predictions").glob("*.json")) if _is_ours(path.stem)
    ]
    n_images, per_group = len(prepared.data.truths), prepared.estimator.images_per_group
    chunks = extend_chunks(folder, len(truths), n_images, per_group)
    for cell in finished:
        _unpack(folder, cell, chunks, truths, prepared.data.dataset)
        with writing_to(folder.path):
            folder.prediction_path(cell).unlink()


def _unpack(folder: RunFolder, cell: Cell, chunks: Sequence[Chunk], truths: Sequence[Truth], dataset: Dataset) -> None:
    """Write the units of a cell whose predictions are finished."""
    path, n_joints = folder.prediction_path(cell), dataset.skeleton.n_joints
    found = read_results(path, n_joints, category_ids=dataset.category_ids)
    check_truth_rows(found, truths, path)
    for number, indices in chunks:
        ids = [truth.image_id for truth in truths[indices.start : indices.stop]]
        folder.write_unit(cell, number, [found.get(one) or no_poses(one, n_joints) for one in ids])


def _is_ours(stem: str) -> bool:
    return OF_CELL.fullmatch(stem) is not None


def _to_cell(stem: str) -> Cell:
    """Return a cell whose files are called so; the name of a corruption of somebody's own may be another."""
    name, _, severity = stem.rpartition("-")
    return Cell(name, int(severity)) if name else CLEAN
