"""The plan: what a bench will do before it does it, how long that takes and how large its folder will be.

What is on disk counts as done. Nothing of a plan goes into results.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from robustpose.amounts import about_time, count, count_bytes
from robustpose.benchmark.chunks import add_chunks, find_chunks
from robustpose.benchmark.extend import find_run_of_fewer
from robustpose.benchmark.job import Job, OpenedData, Prepared
from robustpose.benchmark.networks import with_networks
from robustpose.benchmark.predict import Predicting, Task, count_images, list_tasks
from robustpose.benchmark.scoring import count_processes
from robustpose.benchmark.sizes import Counts, count_thumbnails, measure_folder, measure_predictions
from robustpose.benchmark.trial import (
    Rates,
    count_units,
    measure_pixels,
    spread_evenly,
    try_out,
    try_scoring,
    try_thumbnails,
)
from robustpose.claims import look_at_folder
from robustpose.fresh import StartOver
from robustpose.pose.cell import Cell
from robustpose.results.adapted import name_estimator
from robustpose.results.run_folder import IDENTITY, RunFolder
from robustpose.work import PROCESSES, Engine, Processes, cut_chunks, name_workers, split_tasks

# Seconds on an ordinary core, of what is not worth trying.
STARTING = 1.2  # a process, before it opens anything
LOADING = 1.2  # compiled loops and textures of corruptions, in a process
WRITING_UNIT = 2e-3
GATHERING = 1e-4  # a person's unit turned into results
READING = 8e-8  # a byte of results
THUMBNAIL = 6e-3
PAGE, PAGE_OF_CELL = 0.5, 0.01
CROWDED = 1.1  # how much slower processes are side by side: they share caches and memory
SAMPLE = 64  # images that are asked for their size


@dataclass(frozen=True)
class BenchPlan:
    """What there is to do: images × cells, of which some are done; and guesses at the time and the bytes."""

    n_images: int
    n_cells: int
    n_people: int
    boxes: str  # gt, clean-det, corrupt-det, none, or unknown for results made elsewhere
    model: str
    n_workers: int
    n_done: int  # images × cells that are predicted already
    seconds: float  # for what is left, scoring and the report included
    n_bytes: int  # of the run folder when all is done
    engine: str = PROCESSES  # who shares the work out
    n_networks: int = 0  # network processes beside the workers

    @property
    def n_total(self) -> int:
        """Return the number of images × cells."""
        return self.n_images * self.n_cells

    def __str__(self) -> str:
        what = [
            f"{count(self.n_images, 'image')} × {count(self.n_cells, 'cell')}",
            *([count(self.n_people, "person", "people")] if self.n_people else []),
        ]
        there = ""
        if self.n_done:
            is_part = self.n_done < self.n_total
            there = f"{self.n_done:,} of {self.n_total:,} are predicted, " if is_part else "all are predicted, "
        workers = spell_workers(self.n_workers, self.engine, self.n_networks)
        takes = f"{about_time(self.seconds)} with {workers}, {count_bytes(self.n_bytes)}"
        return f"{', '.join([*what, *spell_boxes(self.boxes), self.model])}: {there}{takes}"


def spell_boxes(boxes: str) -> list[str]:
    """Return what a plan says of boxes, if it says something."""
    return {"none": ["no boxes"], "unknown": []}.get(boxes, [f"{boxes} boxes"])


def spell_workers(n_workers: int, engine: str, n_networks: int) -> str:
    """Return who does the work, for people."""
    networks = f" and {count(n_networks, 'network process', 'network processes')}" if n_networks else ""
    return name_workers(n_workers, engine) + networks


def plan_bench(
    prepared: Prepared, engine: Engine, n_resamples: int, fresh: StartOver | None = None, is_preview: bool = False
) -> BenchPlan:
    """Return the plan of a job that has been checked, after a short trial. Nothing is written or locked.

    Raises:
        UserError: the run folder is that of another setup, or what the estimator or a corruption raises in the trial.
    """
    engine, out, per_group = with_networks(engine, prepared), prepared.job.out, prepared.estimator.images_per_group
    if fresh is None and (out / IDENTITY).is_file():
        n_before = find_run_of_fewer(prepared)
        if n_before is not None:
            return _measure(prepared, _find_left_with_more(prepared, n_before), engine, n_resamples, is_preview)
    if look_at_folder(out, "results", IDENTITY, prepared.identity, fresh):
        return measure_plan(prepared, engine, n_resamples, is_preview)
    everything = [(chunk, prepared.cells) for chunk in cut_chunks(len(prepared.data.truths), per_group)]
    return _measure(prepared, Left(everything, prepared.cells), engine, n_resamples, is_preview)


def measure_plan(prepared: Prepared, engine: Engine, n_resamples: int, is_preview: bool = False) -> BenchPlan:
    """Return the plan of a job whose folder is known to be its own."""
    folder = RunFolder(prepared.job.out)
    unfinished = [cell for cell in prepared.cells if not folder.prediction_path(cell).is_file()]
    tasks = list_tasks(
        folder, unfinished, find_chunks(folder, len(prepared.data.truths), prepared.estimator.images_per_group)
    )
    return _measure(prepared, Left(tasks, unfinished), engine, n_resamples, is_preview)


class Left(NamedTuple):
    """What is left to predict: chunks with the cells that they lack, and the cells without all predictions."""

    tasks: Sequence[Task]
    unfinished: Sequence[Cell]


def _find_left_with_more(prepared: Prepared, n_before: int) -> Left:
    """Return what is left of a run of the first `n_before` images that takes more: units and predictions stay."""
    folder, tasks = RunFolder(prepared.job.out), []
    finished = {cell for cell in prepared.cells if folder.prediction_path(cell).is_file()}
    for chunk in add_chunks(folder, n_before, len(prepared.data.truths), prepared.estimator.images_per_group):
        is_old = chunk.indices.stop <= n_before
        there = {cell for cell in prepared.cells if is_old and folder.unit_path(cell, chunk.number).is_file()}
        lacking = [cell for cell in prepared.cells if cell not in there and not (is_old and cell in finished)]
        tasks += [(chunk, lacking)] if lacking else []
    return Left(tasks, prepared.cells)


def _measure(prepared: Prepared, left: Left, engine: Engine, n_resamples: int, is_preview: bool) -> BenchPlan:
    data, folder, cells = prepared.data, RunFolder(prepared.job.out), prepared.cells
    tasks, unfinished = left
    tasks = split_tasks(Predicting(prepared.job), tasks, engine.n_workers)
    n_predicting = min(engine.n_workers, len(tasks)) if prepared.estimator.needs_images else 1
    rates = try_out(prepared, tasks, n_predicting)
    n_units = count_units(prepared, range(len(data.truths)))
    scored = Scored(
        data,
        cells,
        n_units,
        engine,
        n_resamples,
        has_slices=n_resamples > 0 and not is_preview,
        has_page=prepared.job.has_page and not is_preview,
    )
    counts = count_all(scored, folder, [cell for cell in cells if cell not in unfinished])
    seconds = time_predicting(prepared, tasks, engine.at_most(n_predicting), rates, counts.n_pixels) if tasks else 0.0
    seconds += GATHERING * n_units * len(unfinished)
    has_boxes = prepared.estimator.needs_boxes
    return BenchPlan(
        n_images=len(data.truths),
        n_cells=len(cells),
        n_people=n_units if has_boxes else counts.n_people,
        boxes=str(prepared.identity["box_protocol"]),
        model=name_estimator(prepared.identity),
        n_workers=engine.n_workers,
        n_done=len(data.truths) * len(cells) - count_images(tasks),
        seconds=seconds + time_scores(scored, counts, rates),
        n_bytes=measure_folder(counts, rates),
        engine=engine.name,
        n_networks=engine.n_networks if isinstance(engine, Processes) else 0,
    )


def plan_scores(
    job: Job, data: OpenedData, cells: Sequence[Cell], engine: Engine, n_resamples: int, about: Mapping[str, Any]
) -> BenchPlan:
    """Return the plan of scoring a finished run again; `about` is its provenance."""
    n_people = count_people(data)
    scored = Scored(data, cells, n_people, engine, n_resamples, n_resamples > 0, job.has_page)
    counts, rates = count_all(scored, RunFolder(job.out), cells), Rates()
    return BenchPlan(
        n_images=len(data.truths),
        n_cells=len(cells),
        n_people=n_people,
        boxes=str(about["box_protocol"]),
        model=name_estimator(about),
        n_workers=engine.n_workers,
        n_done=len(data.truths) * len(cells),
        seconds=time_scores(scored, counts, rates),
        n_bytes=measure_folder(counts, rates),
        engine=engine.name,
    )


@dataclass(frozen=True)
class Scored:
    """What is scored, and what is written of it."""

    data: OpenedData
    cells: Sequence[Cell]
    n_units: int
    engine: Engine
    n_resamples: int
    has_slices: bool
    has_page: bool


def count_all(scored: Scored, folder: RunFolder, finished: Sequence[Cell]) -> Counts:
    """Return how much there is of what takes room, on disk and not yet."""
    data = scored.data
    sample = [measure_pixels(data.dataset, index) for index in spread_evenly(len(data.truths))[:SAMPLE]]
    return Counts(
        n_images=len(data.truths),
        n_people=count_people(data),
        n_units=scored.n_units,
        n_cells=len(scored.cells),
        n_joints=data.dataset.skeleton.n_joints,
        n_pixels=sum(sample) / len(sample),
        has_slices=scored.has_slices,
        has_page=scored.has_page,
        n_bytes_there=sum(folder.prediction_path(cell).stat().st_size for cell in finished),
        n_cells_there=len(finished),
    )


def time_predicting(prepared: Prepared, tasks: Sequence[Task], engine: Engine, rates: Rates, n_pixels: float) -> float:
    """Return the seconds that tasks take, shared out in their order over workers that share the cores."""
    n_workers = engine.n_workers
    predicting, others = [], []
    for (_, indices), cells in tasks:
        pixels = n_pixels * len(indices) if prepared.estimator.needs_images else 0.0
        predicting.append(rates.predict * count_units(prepared, indices) * len(cells))
        corrupting = pixels * sum(map(rates.corrupting, cells))
        others.append(rates.read * pixels + corrupting + WRITING_UNIT * len(cells))
    both = [one + other for one, other in zip(predicting, others, strict=True)]
    # Processes that together want more cores than there are wait for each other.
    wanted = n_workers * (rates.cores * sum(predicting) + sum(others)) / max(sum(both), 1e-9)
    seconds = share_out(both, n_workers) * max(1.0, wanted / engine.n_cores)
    if isinstance(engine, Processes) and engine.n_networks:  # which workers may have to wait for
        seconds = max(seconds, rates.network * sum(predicting) / engine.n_networks)
    seconds *= CROWDED if n_workers > 1 else 1.0
    if n_workers > 1:
        seconds += STARTING + prepared.seconds
    return seconds + (
        LOADING if any(cell.corruption for _, cells in tasks for cell in cells) and n_workers > 1 else 0.0
    )


def share_out(seconds: Sequence[float], n_workers: int) -> float:
    """Return when the last of some tasks is done, each taken in order by the first worker that is free.

    >>> share_out([3, 1, 1, 1], 2)
    3
    """
    free_at: list[float] = [0] * n_workers
    for task in seconds:
        heapq.heappush(free_at, heapq.heappop(free_at) + task)
    return max(free_at)


def time_scores(scored: Scored, counts: Counts, rates: Rates) -> float:
    """Return the seconds that scoring all cells takes, and writing the report: images on it, and poses of all cells."""
    n_workers = count_processes(counts.n_images, counts.n_cells, scored.engine.n_workers)
    reading = READING * measure_predictions(counts, rates)
    scoring = try_scoring(scored.data, scored.n_resamples, counts.has_slices)
    seconds = (counts.n_cells * scoring + reading) / min(n_workers, scored.engine.n_cores)
    seconds += STARTING if n_workers > 1 else 0.0
    if not counts.has_page:
        return seconds
    try_thumbnails(scored.data.dataset, scored.cells, rates)
    n_clean, n_corrupted = count_thumbnails(counts, rates)
    of_clean = THUMBNAIL + rates.read * counts.n_pixels
    of_corrupted = THUMBNAIL + rates.typical * counts.n_pixels
    return seconds + reading + PAGE + PAGE_OF_CELL * counts.n_cells + n_clean * of_clean + n_corrupted * of_corrupted


def count_people(data: OpenedData) -> int:
    """Return how many people are annotated who count."""
    return sum(int(truth.counted.sum()) for truth in data.truths)
