"""The plans of a shard, and of merging shards: what there is to do, how long it takes and how large it gets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from robustpose.amounts import about_time, count_bytes
from robustpose.benchmark.job import Job, OpenedData, Prepared
from robustpose.benchmark.plan import (
    GATHERING,
    SAMPLE,
    BenchPlan,
    Scored,
    count_all,
    count_people,
    spell_boxes,
    spell_workers,
    time_predicting,
    time_scores,
)
from robustpose.benchmark.predict import Predicting, Task, count_images
from robustpose.benchmark.shards.folder import ShardFolder
from robustpose.benchmark.shards.split import Shard
from robustpose.benchmark.sizes import measure_folder
from robustpose.benchmark.trial import Rates, count_units, measure_pixels, spread_evenly, try_out
from robustpose.pose.results_json import poses_to_results
from robustpose.results.adapted import name_estimator
from robustpose.results.run_folder import DamagedUnit, RunFolder
from robustpose.work import PROCESSES, Engine, Processes, split_tasks

UNIT, UNIT_OF_JOINT = 1_900, 24  # bytes of a unit's file, and of it for each joint of a person


@dataclass(frozen=True)
class ShardPlan:
    """What there is to do in a shard: images × cells, of which some are done; and guesses at the time and the bytes."""

    shard: str
    n_images: int  # of the run
    n_cells: int  # of the run
    n_total: int  # images × cells of the shard
    n_done: int
    n_decoded: int  # images that are to be opened
    boxes: str
    model: str
    n_workers: int
    seconds: float
    n_bytes: int
    engine: str = PROCESSES  # who shares the work out
    n_networks: int = 0  # network processes beside the workers

    def __str__(self) -> str:
        of = f"{self.n_total:,} of {self.n_images * self.n_cells:,} images × cells"
        what = ", ".join([f"shard {self.shard}: {of}", *spell_boxes(self.boxes), self.model])
        if not self.n_total:
            return f"{what}: nothing to do, there are more shards than units"
        is_part = 0 < self.n_done < self.n_total
        there = f"{self.n_done:,} of {self.n_total:,} are predicted, " if is_part else ""
        there = "all are predicted, " if self.n_done == self.n_total else there
        workers = spell_workers(self.n_workers, self.engine, self.n_networks)
        return f"{what}: {there}{about_time(self.seconds)} with {workers}, {count_bytes(self.n_bytes)}"


def measure_shard(
    prepared: Prepared, shard: Shard, tasks: Sequence[Task], lacking: Sequence[Task], engine: Engine
) -> ShardPlan:
    """Return the plan of a shard, given its units and those that are lacking, after a short trial."""
    lacking = split_tasks(Predicting(prepared.job), lacking, engine.n_workers)
    n_predicting = min(engine.n_workers, len(lacking)) if prepared.estimator.needs_images else 1
    rates = try_out(prepared, lacking, n_predicting)
    dataset = prepared.data.dataset
    sample = [measure_pixels(dataset, index) for index in spread_evenly(len(dataset))[:SAMPLE]] if lacking else [0]
    seconds = (
        time_predicting(prepared, lacking, engine.at_most(n_predicting), rates, sum(sample) / len(sample))
        if lacking
        else 0.0
    )
    n_people = sum(count_units(prepared, indices) * len(cells) for (_, indices), cells in tasks)
    n_files, note = sum(len(cells) for _, cells in tasks), json.dumps(prepared.identity)
    return ShardPlan(
        shard=str(shard),
        n_images=len(dataset),
        n_cells=len(prepared.cells),
        n_total=count_images(tasks),
        n_done=count_images(tasks) - count_images(lacking),
        n_decoded=sum(len(indices) for (_, indices), _ in lacking) if prepared.estimator.needs_images else 0,
        boxes=str(prepared.identity["box_protocol"]),
        model=name_estimator(prepared.identity),
        n_workers=engine.n_workers,
        seconds=seconds,
        n_bytes=n_files * UNIT + n_people * UNIT_OF_JOINT * dataset.skeleton.n_joints + len(note),
        engine=engine.name,
        n_networks=engine.n_networks if isinstance(engine, Processes) else 0,
    )


def plan_merge(
    shards: Sequence[ShardFolder], job: Job, data: OpenedData, engine: Engine, n_resamples: int
) -> BenchPlan:
    """Return the plan of merging shards: all is predicted, and is to be gathered and scored."""
    folder, about, n_people = RunFolder(job.out), shards[0].identity, count_people(data)
    scored = Scored(data, shards[0].cells, n_people, engine, n_resamples, n_resamples > 0, job.has_page)
    finished = [cell for cell in shards[0].cells if folder.prediction_path(cell).is_file()]
    rates = Rates(bytes_of_unit=_measure_results(shards[0], data) / max(n_people, 1))
    counts = count_all(scored, folder, finished)
    n_cells = len(shards[0].cells)
    return BenchPlan(
        n_images=len(data.truths),
        n_cells=n_cells,
        n_people=n_people,
        boxes=str(about["box_protocol"]),
        model=name_estimator(about),
        n_workers=engine.n_workers,
        n_done=len(data.truths) * n_cells,
        seconds=GATHERING * n_people * (n_cells - len(finished)) + time_scores(scored, counts, rates),
        n_bytes=measure_folder(counts, rates),
        engine=engine.name,
    )


def _measure_results(shard: ShardFolder, data: OpenedData) -> float:
    """Return the bytes that the results of a cell take, by a unit of a shard; 0 if it has none."""
    for (number, indices), cells in shard.tasks[:1]:
        with suppress(DamagedUnit):  # said when it is gathered
            found = RunFolder(shard.path).read_unit(cells[0], number, data.truths[indices.start : indices.stop])
            ids = data.dataset.category_ids
            n_bytes = sum(len(json.dumps(result)) + 2 for poses in found for result in poses_to_results(poses, ids))
            return n_bytes / len(indices) * len(data.truths)
    return 0.0
