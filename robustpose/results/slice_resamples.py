"""Resamples of slices: what people of one kind, and each joint, score on the resamples of a run's images.

They are kept beside slices.json, so that slices of two runs are compared in pairs, as all other scores are, without the
truth. The first `MOST_KEPT` resamples do for that; those of fewer resamples are the first ones of more.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.corruptions.suites import Suite
from robustpose.errors import UserError
from robustpose.files import open_whole, writing_to
from robustpose.metrics.robustness import Means, mean_of_chosen, name_means, take_means
from robustpose.pose.cell import Cell
from robustpose.pose.types import Floats
from robustpose.reading import read_arrays
from robustpose.results.cell_score import JOINT, CellScore, Key
from robustpose.results.resampling import RESAMPLES, interval
from robustpose.results.rows import headline_columns, suite_of
from robustpose.results.score_names import MEAN_OF_CHOSEN

FILE = "slices.npz"
MOST_KEPT = RESAMPLES
ROUNDING = 1e-5  # of scores in float32 beside those of slices.json
FAR = 1e9  # beyond any score, or ratio of scores
SECTIONS = ("slices", "joints")  # of slices.json; arrays have their names

Columns = dict[str, Floats]  # by name of a score: (R,)


def list_keys(content: Mapping[str, Any]) -> list[tuple[str, Key]]:
    """Return section, and kind and name, of every row of slices.json, in its order."""
    people = [("slices", (str(row["kind"]), str(row["name"]))) for row in content["slices"]]
    return people + [("joints", (JOINT, str(row["name"]))) for row in content["joints"]]


def take_slice_resamples(
    content: Mapping[str, Any], scores: Mapping[Cell, CellScore], suite: Suite
) -> dict[str, npt.NDArray[np.float32]]:
    """Return arrays (S, C, R) of the S slices and of the joints: C scores of each, on R resamples; NaN where undefined.

    `content` is that of slices.json, in whose order slices are; the scores are the suite's headline and the mean of
    the cells that were chosen.
    """
    suite = name_means(suite, str(content["metric"]))
    found: dict[str, list[Floats]] = {section: [] for section in SECTIONS}
    for section, key in list_keys(content):
        resampled = {cell: score.slices[key].resampled[:MOST_KEPT] for cell, score in scores.items()}
        among = _pick(take_means(resampled, list(scores), suite), suite)
        nothing = np.full(len(next(iter(resampled.values()))), np.nan)
        found[section].append(np.stack([nothing if one is None else one for one in among.values()]))
    return {section: np.asarray(rows, np.float32) for section, rows in found.items()}


def _pick(means: Means, suite: Suite) -> dict[str, Any]:
    values = {name: value_of(means) for name, value_of in headline_columns(suite).items()}
    return {**values, MEAN_OF_CHOSEN: mean_of_chosen(means)}


def write_slice_resamples(folder: Path, arrays: Mapping[str, npt.NDArray[np.float32]] | None) -> None:
    """Write slices.npz; with None, remove one of other scores."""
    if arrays is None:
        with writing_to(folder):
            (folder / FILE).unlink(missing_ok=True)
        return
    with open_whole(folder / FILE) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def read_slice_resamples(
    folder: Path, summary: Mapping[str, Any], content: Mapping[str, Any]
) -> dict[Key, Columns] | None:
    """Return what each slice and joint of slices.json scores on the resamples; None in runs that did not keep it.

    Raises:
        UserError: it is damaged, or not of these slices.
    """
    path = folder / FILE
    try:
        arrays = read_arrays(path, "file of resampled slices", *SECTIONS)
    except FileNotFoundError:
        return None
    except UserError as error:
        raise UserError(f"{error}: robustpose score {folder} writes it anew") from error
    names = [*headline_columns(suite_of(summary)), MEAN_OF_CHOSEN]
    found: dict[Key, Columns] = {}
    for section in SECTIONS:
        keys, array = [key for of, key in list_keys(content) if of == section], arrays[section]
        if keys and not _fits(array, (len(keys), len(names)), content.get("resamples")):
            raise UserError(_damaged(path, folder))
        for key, row, scores in zip(keys, content[section], array.astype(float) if keys else [], strict=True):
            found[key] = dict(zip(names, scores, strict=True))
            if array.shape[2] == content.get("resamples") and not _agrees(row, found[key]):
                raise UserError(_damaged(path, folder))
    return found


def _fits(array: npt.NDArray[Any], shape: tuple[int, int], n_resamples: Any) -> bool:
    """Return whether an array is of so many slices and scores, and of the resamples that slices.json is of."""
    if array.dtype != np.float32 or array.ndim != 3 or array.shape[:2] != shape or not array.size:
        return False
    kept = min(n_resamples, MOST_KEPT) if type(n_resamples) is int else array.shape[2]
    return array.shape[2] == kept and not (np.abs(array) > FAR).any()


def _agrees(row: Mapping[str, Any], columns: Columns) -> bool:
    """Return whether the intervals of a row of slices.json are those of its resamples."""
    for name, among in columns.items():
        said = row.get(f"{name}_interval")
        if said is not None:
            again = interval(among)
            if again is None or not np.allclose(again, said, rtol=ROUNDING, atol=ROUNDING):
                return False
    return True


def _damaged(path: Path, folder: Path) -> str:
    return f"{path} is damaged, or not of the slices in slices.json: robustpose score {folder} writes both anew"
