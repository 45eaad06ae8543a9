"""The trial: what a person, a corrupted image and a cell take on this machine, from a few of them, before a run.

Nothing of it is kept: no file is written, and generators of random numbers are put back to where they were. The first
call of anything loads what later ones find loaded, such as compiled loops, frost textures and the fields of a size of
images: it is made, and not counted. The trial ends when its time is spent, and takes what it has.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from robustpose.benchmark.job import OpenedData, Prepared
from robustpose.benchmark.predict import Task
from robustpose.corruptions import TABLE
from robustpose.corruptions.cache import CACHE
from robustpose.data.corrupted import MadeImages
from robustpose.errors import UserError
from robustpose.evaluation import get_frames, predict
from robustpose.metrics.consistency import take_as_truth
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.results_json import poses_to_results
from robustpose.pose.types import Poses, Truth
from robustpose.random_state import same_random_numbers
from robustpose.results.cell_score import score_cell
from robustpose.results.resampling import draw_if_any
from robustpose.show.pages.thumbnail_sizes import guess_corrupted
from robustpose.show.pages.thumbnails import make_thumbnail

CLOCK = time.perf_counter  # benchmarks/plan.py takes the processor's time, where other work disturbs
TYPICAL_CORRUPTION = 2e-8  # seconds a pixel: of the built-in ones, on average
WORTH_TRYING = 4.0  # seconds that corrupting takes by that number
SHARE = 0.02  # of the run, for each of the two trials
LEAST_SECONDS, MOST_SECONDS = 0.15, 20.0  # for each of the two
LEAST_IMAGES = 4  # at once, unless there are fewer: networks take several people in a call
N_SIZES = 4  # images that are corrupted and counted, of different sizes
SEVERITIES = (3, 1, 5, 2, 4)  # in the order in which they are worth trying


@dataclass
class Rates:
    """What things take, as far as they were tried; the rest has what is typical."""

    read: float = 8e-9  # seconds a pixel of a clean image
    predict: float = 0.0  # seconds a person in a box; for estimators without boxes, an image
    network: float = 0.0  # share of the time that predicting takes: the network's own
    cores: float = 1.0  # that the estimator keeps busy: more than one for its own threads, less if it waits
    corrupt: dict[Cell, float] = field(default_factory=dict)  # seconds a pixel
    typical: float = TYPICAL_CORRUPTION  # of cells that were not tried
    bytes_of_unit: float = 0.0  # of a person's or an image's results
    bytes_of_thumbnail: float = 0.0  # in base64, of a clean image
    bytes_of_corrupted: float = 0.0

    def corrupting(self, cell: Cell) -> float:
        """Return the seconds a pixel that a cell takes; those of its corruption, if its severity was not tried."""
        if cell.corruption is None:
            return 0.0
        alike = [seconds for tried, seconds in self.corrupt.items() if tried.corruption == cell.corruption]
        return self.corrupt.get(cell, sum(alike) / len(alike) if alike else self.typical)


class Budget:
    """Seconds that a trial may take: a share of what it finds the run to take, between two bounds."""

    def __init__(self, seconds_of_run: float = 0.0) -> None:
        self._start = CLOCK()
        self.grant(seconds_of_run)

    def grant(self, seconds_of_run: float) -> None:
        """Learn how long the run takes."""
        self.seconds = min(max(SHARE * seconds_of_run, LEAST_SECONDS), MOST_SECONDS)

    @property
    def is_spent(self) -> bool:
        """Tell whether the time is over."""
        return CLOCK() - self._start > self.seconds


def count_units(prepared: Prepared, indices: Sequence[int]) -> int:
    """Return how many people are looked at in some images; images, for an estimator that takes no boxes."""
    if not prepared.estimator.needs_boxes:
        return len(indices)
    frames = (prepared.data.dataset.frame(index) for index in indices)
    return sum(0 if frame.boxes is None else len(frame.boxes) for frame in frames)


def spread_evenly(n: int) -> list[int]:
    """Return 0..n-1 so that the first ones of any number lie evenly: the middle, the quarters, …

    >>> spread_evenly(5)
    [2, 1, 3, 0, 4]
    """
    places: dict[int, None] = {}
    n_parts = 2
    while len(places) < n:
        places.update(dict.fromkeys(n * part // n_parts for part in range(1, n_parts)))
        n_parts *= 2
    return list(places)


def try_out(prepared: Prepared, tasks: Sequence[Task], n_workers: int) -> Rates:
    """Return what things take in the cells of tasks, images in chunks, that are to be predicted."""
    rates = Rates()
    with same_random_numbers():
        if tasks:
            _try_estimator(prepared, tasks, n_workers, rates)
        if tasks and prepared.estimator.needs_images:
            _try_corruptions(prepared, tasks, n_workers, rates)
    if n_workers > 1:
        CACHE.clear()  # the workers have caches of their own
    return rates


def try_thumbnails(dataset: Dataset, cells: Sequence[Cell], rates: Rates) -> None:
    """Make thumbnails of some images; none where an image cannot be read: the page then goes without.

    Those in corrupted `cells` are guessed from them, unless some were made.
    """
    made = []
    for index in spread_evenly(len(dataset))[:N_SIZES]:
        with suppress(UserError):
            made.append(make_thumbnail(dataset.frame(index).image))
    rates.bytes_of_thumbnail = sum(len(one.base64) for one in made) / max(len(made), 1)
    n_pixels = sum(one.size_wh[0] * one.size_wh[1] for one in made) / max(len(made), 1)
    if not rates.bytes_of_corrupted:
        corrupted = [cell for cell in cells if cell.corruption is not None]
        rates.bytes_of_corrupted = guess_corrupted(corrupted, rates.bytes_of_thumbnail, n_pixels, True)


class _Sample(NamedTuple):
    """One call of an estimator: its units, n pixels of their images, what it found, and what that took."""

    n_units: int
    n_pixels: int
    n_bytes: int
    read: float  # seconds
    predict: float  # seconds
    network: float  # seconds of these, in the network
    busy: float  # seconds of all cores of this process together


def _try_estimator(prepared: Prepared, tasks: Sequence[Task], n_workers: int, rates: Rates) -> None:
    """Predict chunks of clean images until the time is spent."""
    chunks = [tasks[place][0].indices for place in spread_evenly(len(tasks))]
    first = next(([index] for chunk in chunks for index in chunk if count_units(prepared, [index])), None)
    if first is None:
        return
    n_units = sum(count_units(prepared, indices) * len(cells) for (_, indices), cells in tasks)
    budget, samples = Budget(), []
    for number, chunk in enumerate([first, *chunks]):
        budget = Budget(rates.predict * n_units / n_workers) if number == 1 else budget
        # A chunk of a slow network can take minutes: as many of its images as there is time for, but some at once.
        of_chunk = rates.predict * count_units(prepared, chunk)
        n_affordable = round(len(chunk) * min(budget.seconds / of_chunk, 1.0)) if of_chunk else len(chunk)
        samples.append(_predict_once(prepared, chunk[: max(n_affordable, LEAST_IMAGES)]))
        counted = samples[1:] or samples
        n_tried = sum(sample.n_units for sample in counted)
        if n_tried:
            rates.predict = sum(sample.predict for sample in counted) / n_tried
            budget.grant(rates.predict * n_units / n_workers)
        if number and budget.is_spent:  # the first call, which loads everything, tells nothing of the others
            break
    rates.bytes_of_unit = sum(sample.n_bytes for sample in counted) / max(n_tried, 1)
    n_pixels = sum(sample.n_pixels for sample in counted)
    if n_pixels:
        rates.read = sum(sample.read for sample in counted) / n_pixels
    seconds = max(sum(sample.predict for sample in counted), 1e-9)
    rates.network = sum(sample.network for sample in counted) / seconds
    rates.cores = sum(sample.busy for sample in counted) / seconds


def _predict_once(prepared: Prepared, indices: Sequence[int]) -> _Sample:
    dataset = prepared.data.dataset
    start = CLOCK()
    frames = [dataset.boxes_in(frame) for frame in get_frames(dataset, indices)]
    n_pixels = 0
    if prepared.estimator.needs_images:
        n_pixels = sum(frame.image.shape[0] * frame.image.shape[1] for frame in frames)
    before = getattr(prepared.estimator, "network_seconds", 0.0)
    read, busy = CLOCK(), time.process_time()
    found = predict(frames, prepared.estimator)  # what it returns lies in this memory: a GPU has finished, too
    end, busy = CLOCK(), time.process_time() - busy
    ids = dataset.category_ids
    n_bytes = sum(len(json.dumps(result)) + 2 for poses in found for result in poses_to_results(poses, ids))
    network = getattr(prepared.estimator, "network_seconds", 0.0) - before
    return _Sample(count_units(prepared, indices), n_pixels, n_bytes, read - start, end - read, network, busy)


def _try_corruptions(prepared: Prepared, tasks: Sequence[Task], n_workers: int, rates: Rates) -> None:
    """Corrupt images of different sizes until the time is spent; the first image is made, and not counted."""
    images, dataset = prepared.job.corrupted_images, prepared.data.dataset
    cells = list(dict.fromkeys(cell for _, cells in tasks for cell in cells if cell.corruption is not None))
    indices = sorted({index for (_, chunk), _ in tasks for index in chunk}, key=lambda i: measure_pixels(dataset, i))
    n_pixels = sum(measure_pixels(dataset, index) for index in indices) / len(indices)
    n_to_do = sum(len(chunk) * sum(cell in cells for cell in of_chunk) for (_, chunk), of_chunk in tasks)
    expected = TYPICAL_CORRUPTION * n_pixels * n_to_do
    is_known = isinstance(images, MadeImages) and all(cell.corruption in TABLE for cell in cells)
    if not cells or (is_known and expected < WORTH_TRYING):
        return
    n_units = sum(count_units(prepared, chunk) * len(of_chunk) for (_, chunk), of_chunk in tasks)
    seconds_of_run = (expected + rates.predict * n_units) / n_workers
    budget = Budget(seconds_of_run)
    in_time = budget.seconds / (3 * TYPICAL_CORRUPTION * n_pixels * len(cells))
    severities = SEVERITIES[: max(1, int(in_time * len(SEVERITIES)))]
    chosen = [cell for severity in severities for cell in cells if cell.severity == severity] or cells[:1]
    places = [len(indices) // 2, *(len(indices) * (2 * k + 1) // (2 * N_SIZES) for k in range(N_SIZES))]
    n_corruptions = len({cell.corruption for cell in chosen})
    spent: dict[Cell, list[float]] = {}  # seconds and pixels
    thumbnails: list[int] = []
    for number, place in enumerate(places):
        budget = Budget(seconds_of_run) if number == 1 else budget
        (frame,) = get_frames(dataset, [indices[place]], chosen)
        size = frame.image.shape[0] * frame.image.shape[1]
        for position, cell in enumerate(chosen):
            start = CLOCK()
            image = images.frame_in(frame, cell).image
            took = CLOCK() - start
            if number and position % N_SIZES == number - 1:  # a thumbnail of every cell, each from one of the images
                thumbnails.append(len(make_thumbnail(image).base64))
            if number:
                of_cell = spent.setdefault(cell, [0.0, 0.0])
                of_cell[0], of_cell[1] = of_cell[0] + took, of_cell[1] + size
                if budget.is_spent and len(spent) >= n_corruptions:
                    break
        if number and budget.is_spent:
            break
    rates.corrupt = {cell: seconds / size for cell, (seconds, size) in spent.items()}
    rates.typical = sum(rates.corrupt.values()) / len(rates.corrupt)
    rates.bytes_of_corrupted = sum(thumbnails) / len(thumbnails)


def measure_pixels(dataset: Dataset, index: int) -> int:
    """Return the number of pixels of an image, which is opened if nobody knows."""
    frame = dataset.frame(index)
    width, height = frame.size_wh or frame.image.shape[1::-1]
    return int(width * height)


def try_scoring(data: OpenedData, n_resamples: int, with_slices: bool) -> float:
    """Return the seconds that scoring a cell takes, as if everybody had been found where they are."""
    weights = draw_if_any(len(data.truths), n_resamples)
    slices = data.slices if with_slices and weights is not None else None
    poses = [_find_truth(truth) for truth in data.truths]
    if data.make_metric().against_clean:
        data = OpenedData(data.dataset, [take_as_truth(of) for of in poses])
    took = 0.0
    for n in (min(2, len(poses)), len(poses)):  # the first of them loads compiled loops
        start = CLOCK()
        some = None if slices is None else {key: masks[:n] for key, masks in slices.items()}
        cuts = data.cuts if with_slices and n == len(poses) else ()
        own = None if weights is None else weights[:, :n]
        score_cell(CLEAN, poses[:n], data.truths[:n], data.make_metric(), some, own, cuts)
        took = CLOCK() - start
    return took


def _find_truth(truth: Truth) -> Poses:
    confidence = (truth.visible > 0).astype(float)
    rows = np.arange(len(truth.xy))
    scores = confidence.mean(1) if len(rows) else np.zeros(0)
    return Poses(truth.image_id, truth.xy.astype(float), confidence, scores, rows, truth.categories)
