"""The plan of a pass: how much there is to look at, how much of it is done, and a guess at the time for the rest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from robustpose.amounts import about_time, count
from robustpose.benchmark.detecting.passing import Pass
from robustpose.benchmark.detecting.work import CLEAN_DET, CORRUPT_DET, Opened, Task, look
from robustpose.benchmark.plan import spell_workers
from robustpose.benchmark.trial import TYPICAL_CORRUPTION, measure_pixels, spread_evenly
from robustpose.evaluation import get_frames
from robustpose.handed_over import name_shown
from robustpose.pose.cell import CLEAN, Cell
from robustpose.random_state import same_random_numbers
from robustpose.work import PROCESSES, Chunk, Engine

TRIED = 4  # images that are looked at for the guess
SAMPLE = 64  # images that are asked for their size


@dataclass(frozen=True)
class DetectPlan:
    """What there is to do: images × cells, of which some are done, and a guess at the time for the rest."""

    n_images: int
    n_cells: int
    detector: str
    model: str | None  # that looks at people in the boxes; None where only boxes are wanted
    n_workers: int
    n_done: int  # images × cells
    seconds: float  # for what is left; scoring and pages are not in it
    engine: str = PROCESSES

    @property
    def n_total(self) -> int:
        """Return the number of images × cells."""
        return self.n_images * self.n_cells

    def __str__(self) -> str:
        model = "" if self.model is None else f"{self.model} in {CLEAN_DET} and {CORRUPT_DET} boxes of "
        there = f"{self.n_done:,} of {self.n_total:,} are done, " if self.n_done else ""
        workers = spell_workers(self.n_workers, self.engine, 0)
        what = f"{count(self.n_images, 'image')} × {count(self.n_cells, 'cell')}"
        return f"{what}, {model}{self.detector}: {there}{about_time(self.seconds)} with {workers}, and the scoring"


def plan_pass(one: Pass, engine: Engine, goes_on: bool = True) -> DetectPlan:
    """Return the plan of a pass, after a short trial. Nothing is written. What is on disk counts if it `goes_on`."""
    everything = [Task(chunk, one.detecting.cells) for chunk in one.chunks]
    tasks = one.list_tasks(one.list_unfinished()) if goes_on else everything
    n_left = sum(len(task.chunk.indices) * len(task.cells) for task in tasks)
    n_images = len(one.detecting.data.truths)
    seconds = _guess(one, tasks) / min(engine.n_workers, engine.n_cores) if tasks else 0.0
    return DetectPlan(
        n_images=n_images,
        n_cells=len(one.detecting.cells),
        detector=_name(one.detecting.identity),
        model=None if one.posing is None else _name(one.posing.identity),
        n_workers=engine.n_workers,
        n_done=n_images * len(one.detecting.cells) - n_left,
        seconds=seconds,
        engine=engine.name,
    )


def _name(identity: dict[str, object]) -> str:
    about = identity["estimator"]
    return name_shown(str(about.get("name", "estimator") if isinstance(about, dict) else about))


def _guess(one: Pass, tasks: Sequence[Task]) -> float:
    """Return the seconds that one worker takes for tasks, by a few images that are looked at without a corruption."""
    opened = one.opened
    places = spread_evenly(len(opened.dataset))
    n_pixels = sum(measure_pixels(opened.dataset, index) for index in places[:SAMPLE]) / len(places[:SAMPLE])
    with same_random_numbers():
        _look_at(opened, places[:1])  # the first call loads what later ones find loaded
        start = time.perf_counter()
        some = places[:TRIED]
        _look_at(opened, some)
        of_image = (time.perf_counter() - start) / len(some)
    seconds = 0.0
    for (_, indices), cells, _ in tasks:
        n_corrupted = sum(cell != CLEAN for cell in cells)
        looked = of_image * len(cells) * (1 if one.posing is None else 1.5)  # poses in two kinds of boxes
        seconds += len(indices) * (looked + TYPICAL_CORRUPTION * n_pixels * n_corrupted)
    return seconds


def _look_at(opened: Opened, indices: Sequence[int]) -> None:
    cells: tuple[Cell, ...] = (CLEAN,)
    for index in indices:
        frames = get_frames(opened.dataset, [index])
        task = Task(Chunk(0, range(index, index + 1)), cells)
        for _ in look(opened.lookers, task, frames, [frames]):
            pass
