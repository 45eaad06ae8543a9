"""Run scores: what runs score in cells, on all their images or on a part, and on the same resamples of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError
from robustpose.limits import check_limit
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import ScoreTable
from robustpose.pose.types import Floats
from robustpose.results.adapted import spell_adapting
from robustpose.results.known_resamples import Stamp, resample_tables, stamp_matches
from robustpose.results.parts import Part
from robustpose.results.resampling import draw_weights
from robustpose.results.run_folder import RunFolder

ROUNDING = 1e-4  # between a score and that of its table

Tables = Mapping[Cell, ScoreTable]


@dataclass(frozen=True, eq=False)
class RunScores:
    """What runs of the same images score. `values` and `resampled` have a place for each run."""

    n_images: int  # that are scored
    n_all: int  # that the runs have
    of_part: str | None  # which images of a part: `200 of 400 images (1::2)`; None for all
    n_resamples: int  # 0 of a single image
    values: Sequence[Mapping[Cell, float]]
    resampled: Sequence[Mapping[Cell, Floats]]  # (R,) of each cell, of the same resamples

    def note_whole(self, warnings: Sequence[str], summaries: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return notes on what is of all images of the runs though the scores are of a part; none of all images."""
        if self.of_part is None:
            return []
        of_all = f"of all {self.n_all} images"
        has_adapted = any(spell_adapting(summary["provenance"]["estimator"]) for summary in summaries)
        notes = [f"warnings are {of_all}"] if warnings else []
        if has_adapted:
            notes.append(f"what adapted at test time did so in groups from all {self.n_all} images, not the part alone")
        return notes


def score_runs(
    folders: Sequence[Path], scores: Sequence[Mapping[Cell, float]], n_resamples: int, part: Part | None = None
) -> RunScores:
    """Return what runs score in the cells of their summaries' `scores`, on all images or on those of a part.

    A part has the scores, and the resamples, of a run of its images alone. Of a single image there are no resamples:
    all would be the same, and would say that nothing is by chance.

    Raises:
        UserError: matches are damaged, or of other images than those of the first run; a part is without images, or
            without anybody in them.
    """
    n_all = _count_images(folders[0])
    chosen = np.ones(n_all, bool) if part is None else part.select(n_all)
    of_part = None if part is None else part.name_images(n_all)
    is_single = chosen.sum() == 1
    weights = np.ones((0, n_all), np.uint8) if is_single else draw_weights_of(chosen, n_resamples)
    values, resampled = [], []
    for run in _read_each(folders, scores):
        values.append(run.scores if of_part is None else _score_part(run.tables, chosen, of_part))
        resampled.append(run.resample(weights))
    return RunScores(int(chosen.sum()), n_all, of_part, len(weights), values, resampled)


def resample_runs(
    folders: Sequence[Path], scores: Sequence[Mapping[Cell, float]], n_resamples: int
) -> list[dict[Cell, Floats]]:
    """Return for each run its scores (R,) of the same resamples of all images, by cell.

    `scores` are those of the summaries, as `read_tables` takes them; UserError where matches are of other images.
    """
    weights = draw_weights(_count_images(folders[0]), n_resamples)
    return [run.resample(weights) for run in _read_each(folders, scores)]


def draw_weights_of(chosen: npt.NDArray[np.bool_], n_resamples: int) -> npt.NDArray[np.uint8]:
    """Return how often each of N images is in each resample of the chosen ones (N,), (R, N): of the others none is."""
    drawn = draw_weights(int(chosen.sum()), n_resamples)
    if chosen.all():
        return drawn
    check_limit("MEMORY_MB", n_resamples * len(chosen) / 1e6, f"drawing of {len(chosen):,} images", "MB")
    weights = np.zeros((n_resamples, len(chosen)), np.uint8)
    weights[:, chosen] = drawn
    return weights


def read_scores(summary: Mapping[str, Any], cells: Sequence[Cell]) -> dict[Cell, float]:
    """Return the scores of a summary in cells, clean first."""
    return {cell: summary["clean"] if cell == CLEAN else summary["cells"][cell.key] for cell in cells}


def _count_images(folder: Path) -> int:
    return RunFolder(folder).read_table(CLEAN).n_images


@dataclass(frozen=True, eq=False)
class _Read:
    """The tables of one run, of which a comparison of many runs holds one at a time."""

    scores: Mapping[Cell, float]
    tables: Tables
    stamps: Mapping[Cell, Stamp]

    @property
    def n_images(self) -> int:
        return self.tables[CLEAN].n_images

    def resample(self, weights: npt.NDArray[np.uint8]) -> dict[Cell, Floats]:
        """Return what it scores on resamples (R, N), (R,) of each cell; (0,) for no resamples."""
        if not len(weights):
            return {cell: np.zeros(0) for cell in self.tables}
        return resample_tables(self.stamps, self.tables, weights)


def _read_each(folders: Sequence[Path], scores: Sequence[Mapping[Cell, float]]) -> Iterator[_Read]:
    """Yield what `read_tables` gives of each run; UserError where one is not of as many images as the first."""
    n_images = None
    for folder, of in zip(folders, scores, strict=True):
        stamps = stamp_matches(folder, of)
        run = _Read(of, read_tables(folder, of), stamps)
        n_images = run.n_images if n_images is None else n_images
        if run.n_images != n_images:
            raise UserError(
                f"{folders[0]} has matches of {n_images} images, {folder} of {run.n_images}: score one again"
            )
        yield run


def read_tables(folder: Path, scores: Mapping[Cell, float]) -> dict[Cell, ScoreTable]:
    """Return the score table of each cell; UserError unless all are of the same images and give the cells' scores."""
    run = RunFolder(folder)
    tables = {cell: run.read_table(cell) for cell in scores}
    for cell, table in tables.items():
        score = float(table.score()[0])
        if table.n_images != tables[CLEAN].n_images or not abs(score - scores[cell]) < ROUNDING:
            raise UserError(
                f"{run.matches_path(cell)} is of {table.n_images} images and scores {score:.4f}, but by summary.json "
                f"{cell.key} scores {scores[cell]:.4f} on {tables[CLEAN].n_images}: robustpose score {folder} writes "
                "both anew"
            )
    return tables


def _score_part(tables: Tables, chosen: npt.NDArray[np.bool_], of_part: str) -> dict[Cell, float]:
    once = chosen[None].astype(np.uint8)  # (1, N)
    scores = {cell: float(table.score(once)[0]) for cell, table in tables.items()}
    for cell, score in scores.items():
        if np.isnan(score):
            raise UserError(
                f"{of_part} have no score in {cell.key}: nobody is to be found in them, choose a part with people"
            )
    return scores
