"""Identity: what determines the results of a run, down to the code and the weights of what others wrote.

A run folder is claimed for it (`robustpose.changes` says how two are compared), and results carry it as provenance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from robustpose import metrics, registry
from robustpose.changes import BY_CORRUPTION, FOLDERS
from robustpose.contents import hash_tensors
from robustpose.data.subset import DatasetAround
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.pose.types import Truth
from robustpose.states import MODULES, Known, is_somebodys, know

OF_TRUTH = ("image_id", "xy", "visible", "area", "boxes", "crowd", "head_size")


def identify_dataset(dataset: Dataset, truths: Sequence[Truth]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what determines a dataset with its truth and its metric, and doubts about that.

    Of somebody's own, that is its code, and what it gave: annotations, and the boxes of its frames.
    """
    identity: dict[str, Any] = {**dataset.provenance, "metric": dataset.metric}
    doubts: tuple[str, ...] = ()
    inner = dataset
    while isinstance(inner, DatasetAround) and not is_somebodys(inner):
        inner = inner.inner
    if is_somebodys(inner):
        known = _know_object(inner, type(getattr(inner, "__wrapped__", inner)))
        identity |= {
            "code": known.code,
            "annotated_sha256": _hash_truths(truths),
            "given_boxes_sha256": _hash_boxes(dataset),
        }
        doubts += known.doubts
    if metrics.names_code(dataset.metric):
        known = know(registry.load(dataset.metric), dataset.metric.partition(":")[0])
        identity["metric_code"] = known.code
        doubts += known.doubts
    return identity, doubts


def identify_estimator(estimator: Estimator) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what determines an estimator, and doubts about that; of somebody's own, with its code and its state."""
    own = getattr(estimator, "__wrapped__", estimator)
    if own is estimator and not is_somebodys(estimator):
        return dict(estimator.provenance), ()
    known = _know_object(estimator, own)
    state = {"state": known.state} if known.state else {}
    return {**estimator.provenance, "code": known.code, **state}, known.doubts


def choose_files(part: Mapping[str, Any], cells: Iterable[Cell]) -> dict[str, Any]:
    """Return a part of an identity with the files of some cells alone, where it has a file for each cell."""
    stems = {cell.file_stem for cell in cells}
    of_cells = {
        key: {name: digest for name, digest in part[key].items() if name.rpartition(".")[0] in stems}
        for key in FOLDERS
        if key in part
    }
    return {**part, **of_cells}


def choose_provenance(identity: Mapping[str, Any], cells: Iterable[Cell]) -> dict[str, Any]:
    """Return what of an identity determines the results in some cells, and is of a length to be shown."""
    corruptions = {cell.corruption for cell in cells}
    shown = {
        key: {name: value for name, value in part.items() if name not in FOLDERS} if isinstance(part, dict) else part
        for key, part in identity.items()
    }
    shown[BY_CORRUPTION] = {name: code for name, code in identity[BY_CORRUPTION].items() if name in corruptions}
    if not shown[BY_CORRUPTION]:
        del shown[BY_CORRUPTION]
    return shown if "frost" in corruptions else {**shown, "frost_textures": "unused"}


def _know_object(outer: Any, found: Any) -> Known:
    """Return what is known of `found`, which a name that `outer` notes may have led to."""
    return know(found, *getattr(outer, MODULES, ()))


def _hash_truths(truths: Sequence[Truth]) -> str:
    return hash_tensors(
        {
            f"{index}.{name}": str(value).encode() if name == "image_id" else value
            for index, truth in enumerate(truths)
            for name in OF_TRUTH
            if (value := getattr(truth, name)) is not None
        }
    )


def _hash_boxes(dataset: Dataset) -> str:
    frames = (dataset.frame(index) for index in range(len(dataset)))
    return hash_tensors(
        {
            f"{index}.{name}": value
            for index, frame in enumerate(frames)
            for name in ("boxes", "box_scores")
            if (value := getattr(frame, name)) is not None
        }
    )
