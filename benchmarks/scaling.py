"""How far does a sweep scale over a cluster, and what breaks first? A simulation of 4 to 256 workers.

    python benchmarks/scaling.py
    python benchmarks/scaling.py --network 3 --workers 16,64 --gigabits 10

Discrete events: the tasks of `bench` for as many images as COCO's validation set has, in all cells of COCO-C, cut for
so many workers and sent by the rules of the Ray engine: two tasks a worker on their way, four results that wait in a
worker, one process that sends tasks and keeps results one after the other, one line that images travel on. A worker
corrupts an image and runs the network on it, one after the other: `--network` is what an image takes there, in one
cell.

Measured when the script starts, in CPU time: corruptions by cell, decoding, packing of images, writing a unit, and
turning it into predictions. Given: `--engine`, what the engine costs the driver for a unit beside writing it (see
benchmarks/cluster.py), and `--score`, a cell's scoring (see benchmarks/scoring.py). Times of units scatter by a
tenth.

`predict` is the time from the first task to the last unit and `eff.` the part of the workers' time in which they did
what a single one would have done; `run` adds opening the model, predictions files, which one process writes, and
scoring, a cell a worker. `driver`, `line`: how much of the time of predicting they were busy. `on the way`: images
sent, or waiting to be.
"""

from __future__ import annotations

import argparse
import heapq
import os
import pickle
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import cv2
import numpy as np

from robustpose.benchmark.carrying import list_pieces
from robustpose.cluster.ray_cluster import AHEAD
from robustpose.corruptions import corrupt
from robustpose.corruptions.suites import COCO_C
from robustpose.pose.cell import Cell
from robustpose.pose.results_json import write_results
from robustpose.pose.types import Poses, Truth
from robustpose.results.run_folder import RunFolder
from robustpose.work import cut_chunks, split_tasks

WAITING = 4  # results that wait in a worker, as `robustpose.cluster.ray_driver` has it, which needs Ray to be imported
SEED = 0  # not the release's, which needs frost textures
IMAGE_MB = 0.16  # of an encoded image of COCO's validation set, in the mean
Task = tuple[int, Sequence[Cell]]  # the number of images of a chunk, and cells


@dataclass(frozen=True)
class Costs:
    """Seconds."""

    cells: dict[Cell, float]  # of an image: corruption and network
    decode: float  # of an image
    pack: float  # of an image, in the driver
    keep: float  # of a unit, in the driver
    gather: float  # of a unit, in the driver, after the last unit
    score: float  # of a cell
    open: float  # of the model, in a worker


class Cut:
    """Says of what tasks consist, for `split_tasks`."""

    def kinds(self, task: Task) -> Sequence[Any]:
        """Return the corruption of each unit."""
        return list_pieces(task[1], task[0])

    def part(self, task: Task, start: int, stop: int) -> Task:
        """Return the chunk with some of its cells."""
        return task[0], task[1][start:stop]


@dataclass
class Worker:
    """What is with a worker."""

    n_sent: int = 0  # tasks, on their way included
    units: deque[tuple[float, bool]] = field(default_factory=deque)  # seconds, and whether it is a task's last
    is_busy: bool = False
    n_unfetched: int = 0  # results


class Sweep:
    """A run of events. `line` is in MB a second; None where all machines see the images."""

    def __init__(
        self, tasks: Sequence[Task], n_workers: int, costs: Costs, line: float | None, rng: np.random.Generator
    ) -> None:
        self.costs, self.line, self.rng = costs, line, rng
        self.waiting, self.results = deque(tasks), deque[tuple[int, bool]]()
        self.workers = [Worker() for _ in range(n_workers)]
        self.now = self.driver_busy = self.line_busy = self.line_free = self.on_the_way = self.most_on_the_way = 0.0
        self.is_driver_busy = False
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.n_events = 0

    def run(self) -> float:
        """Return the seconds that all tasks take."""
        self.drive()
        while self.events:
            self.now, _, happen = heapq.heappop(self.events)
            happen()
        return self.now

    def at(self, seconds: float, happen: Callable[[], None]) -> None:
        """Have something happen so many seconds from now."""
        self.n_events += 1
        heapq.heappush(self.events, (self.now + seconds, self.n_events, happen))

    def drive(self) -> None:
        """Let the driver do its next thing: it sends tasks where it may, and keeps results else."""
        if self.is_driver_busy:
            return
        number = min(range(len(self.workers)), key=lambda n: self.workers[n].n_sent)
        if self.waiting and self.workers[number].n_sent < AHEAD:
            self.send(number, self.waiting.popleft())
        elif self.results:
            number, is_last = self.results.popleft()
            self.occupy(self.costs.keep, lambda: self.fetched(number, is_last))

    def occupy(self, seconds: float, then: Callable[[], None]) -> None:
        """Keep the driver busy."""
        self.is_driver_busy = True
        self.driver_busy += seconds

        def done() -> None:
            self.is_driver_busy = False
            then()
            self.drive()

        self.at(seconds, done)

    def send(self, number: int, task: Task) -> None:
        """Send a task with its images, if they have to be sent."""
        n_images, worker = task[0], self.workers[number]
        worker.n_sent += 1
        megabytes = 0.0 if self.line is None else n_images * IMAGE_MB
        self.on_the_way += megabytes
        self.most_on_the_way = max(self.most_on_the_way, self.on_the_way)

        def travel() -> None:
            seconds = megabytes / self.line if self.line else 0.0
            self.line_busy += seconds
            self.line_free = max(self.line_free, self.now) + seconds
            self.at(self.line_free - self.now, lambda: self.arrive(worker, number, task, megabytes))

        self.occupy(self.costs.pack * n_images if self.line else 0.0, travel)

    def arrive(self, worker: Worker, number: int, task: Task, megabytes: float) -> None:
        """Add a task to those of a worker."""
        n_images, cells = task
        self.on_the_way -= megabytes
        for place, cell in enumerate(cells):
            decoding = self.costs.decode if place == 0 else 0.0
            seconds = n_images * (decoding + self.costs.cells[cell]) * max(self.rng.normal(1, 0.1), 0.5)
            worker.units.append((seconds, place == len(cells) - 1))
        self.work(worker, number)

    def work(self, worker: Worker, number: int) -> None:
        """Let a worker do its next unit, unless too many of its results wait."""
        if worker.is_busy or not worker.units or worker.n_unfetched >= WAITING:
            return
        worker.is_busy = True
        seconds, is_last = worker.units.popleft()

        def done() -> None:
            worker.is_busy = False
            worker.n_unfetched += 1
            self.results.append((number, is_last))
            self.work(worker, number)
            self.drive()

        self.at(seconds, done)

    def fetched(self, number: int, is_last: bool) -> None:
        """Note that a result is kept."""
        worker = self.workers[number]
        worker.n_unfetched -= 1
        worker.n_sent -= is_last
        self.work(worker, number)


def time_it(job: Callable[[], Any], n: int) -> float:
    """Return the median CPU seconds of a job."""
    seconds = []
    for _ in range(n):
        start = time.process_time()
        job()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def measure_costs(options: argparse.Namespace) -> Costs:
    """Measure on this machine what can be measured."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(0, 256, (60, 80, 3), np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC)
    network = options.network / 1000
    cells = {}
    for cell in COCO_C.cells:
        made = 0.0
        if cell.corruption is not None:
            name, severity = cell.corruption, cell.severity
            corrupt(image, name, severity, SEED)  # compiled, and its fields drawn
            made = time_it(lambda name=name, severity=severity: corrupt(image, name, severity, SEED), 3)
        cells[cell] = made + network
    noisy = np.clip(image + rng.normal(0, 12, image.shape), 0, 255).astype(np.uint8)
    encoded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
    chunk = [rng.bytes(int(1e6 * IMAGE_MB)) for _ in range(64)]
    n_people = rng.poisson(2.2, 64)
    poses = [
        Poses(i, rng.uniform(0, 600, (n, 17, 2)), rng.random((n, 17)), rng.random(n), np.arange(n))
        for i, n in enumerate(n_people)
    ]
    truths = [
        Truth(of.image_id, of.xy, np.ones(of.xy.shape[:2], int), of.score, np.ones((len(of.score), 4)), of.score > 2)
        for of in poses
    ]
    with tempfile.TemporaryDirectory() as name:
        folder, cell = RunFolder(Path(name)), COCO_C.cells[1]
        keep = time_it(lambda: folder.write_unit(cell, 0, poses), 20)
        gather = time_it(lambda: write_results(Path(name) / "p.json", folder.read_unit(cell, 0, truths)), 20)
    return Costs(
        cells=cells,
        decode=time_it(lambda: cv2.imdecode(encoded, cv2.IMREAD_COLOR), 20),
        pack=time_it(lambda: pickle.dumps(pickle.dumps(chunk)), 5) / len(chunk),
        keep=keep + options.engine / 1000,
        gather=gather,
        score=options.score,
        open=options.open,
    )


def describe(options: argparse.Namespace, costs: Costs, n_workers: int, line: float | None) -> str:
    """Return a row of the table, the mean of some draws."""
    chunks: list[Task] = [(len(chunk.indices), COCO_C.cells) for chunk in cut_chunks(options.images)]
    alone = options.images * (sum(costs.cells.values()) + costs.decode)
    n_cells, n_units = len(COCO_C.cells), len(chunks) * len(COCO_C.cells)
    at_end = costs.gather * n_units + costs.score * -(-n_cells // min(n_workers, n_cells))
    rows = []
    for draw in range(options.draws):
        tasks = split_tasks(Cut(), chunks, n_workers)  # type: ignore[type-var]
        sweep = Sweep(tasks, n_workers, costs, line, np.random.default_rng(draw))
        seconds = sweep.run()
        whole = costs.open + seconds + at_end
        busy = sweep.driver_busy / seconds, sweep.line_busy / seconds
        rows.append([seconds, alone / seconds / n_workers, whole, *busy, sweep.most_on_the_way])
    seconds, share, whole, driver, of_line, megabytes = np.mean(rows, axis=0)
    images = "shared files" if line is None else f"{line / 125:g} Gbit/s"
    return (
        f"| {n_workers} | {images} | {len(tasks)} | {seconds:.0f} s | {100 * share:.0f} % | {whole:.0f} s "
        f"| {100 * driver:.0f} % | {100 * of_line:.0f} % | {megabytes / 1000:.1f} GB |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--workers", default="4,16,64,256")
    parser.add_argument("--gigabits", default="1,10", help="of the driver's line, with commas")
    parser.add_argument("--network", type=float, default=12.0, help="ms an image and cell")
    parser.add_argument("--engine", type=float, default=2.0, help="ms a unit, in the driver, beside writing it")
    parser.add_argument("--score", type=float, default=1.5, help="seconds a cell")
    parser.add_argument("--open", type=float, default=15.0, help="seconds until workers have the model open")
    parser.add_argument("--draws", type=int, default=3)
    options = parser.parse_args()
    costs = measure_costs(options)
    corruption = statistics.mean(costs.cells.values()) - options.network / 1000
    print(
        f"An image and cell: {1000 * corruption:.1f} ms of corruption, {options.network:g} ms of network; an image: "
        f"{1000 * costs.decode:.1f} ms to decode, {1000 * costs.pack:.2f} ms to pack, {IMAGE_MB * 1000:.0f} kB; "
        f"a unit: {1000 * costs.keep:.1f} ms to keep, {1000 * costs.gather:.1f} ms to gather.\n"
    )
    print("| workers | images | tasks | predict | eff. | run | driver | line | on the way |")
    print("|---|---|---|---|---|---|---|---|---|")
    lines = [None, *(125 * float(word) for word in options.gigabits.split(","))]
    for n_workers in map(int, options.workers.split(",")):
        for line in lines:
            print(describe(options, costs, n_workers, line), flush=True)


if __name__ == "__main__":
    main()
