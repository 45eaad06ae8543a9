"""detect, and bench in a detector's boxes, from Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from robustpose.api.arguments import (
    Corruption,
    Data,
    Place,
    as_plain,
    as_switch,
    as_whole_number,
    read_cells,
    read_data,
    read_seed,
)
from robustpose.api.models import ObjectMaker
from robustpose.api.places import find_folder, foresee_folder, lend_folder
from robustpose.api.run import Run
from robustpose.api.sending import choose_engine, limit_workers
from robustpose.api.wording import in_python
from robustpose.benchmark.detecting.makers import MakeDetector, NamedDetector
from robustpose.benchmark.detecting.prepared import DetectJob
from robustpose.benchmark.detecting.run import BothJob, plan_both, plan_detect, run_both, run_detect
from robustpose.benchmark.detecting.work import CLEAN_DET, CORRUPT_DET, DETECTIONS
from robustpose.benchmark.job import make_job, no_estimator
from robustpose.benchmark.run import check_numbers
from robustpose.data.corrupted import describe_corrupted_images
from robustpose.errors import UserError
from robustpose.estimators.options import read_options
from robustpose.fresh import StartOver
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Estimator
from robustpose.results.inputs import Inputs
from robustpose.show.display import choose_display, tell
from robustpose.work import PROCESSES, Engine

WORD = "detect:"
NOT_OF_BOXES = ("boxes", "min_box_score", "metric")
FORESEEN = f"{CLEAN_DET}:{DETECTIONS}/clean.json"  # the choice of boxes that data have to take


class Detections(NamedTuple):
    """A detector's boxes in every cell.

    Attributes:
        folder: holds `clean.json`, `fog-3.json`, …, COCO detection files, as ``boxes="corrupt-det:…"`` takes them.
        scores: AP of the boxes (0..1) in every cell, with their mean and intervals: what scores.json says. Where nobody
            is annotated, only where the boxes came from.
    """

    folder: Path
    scores: Mapping[str, Any]


class RunsInBoxes(NamedTuple):
    """Two runs in a detector's boxes: in those of clean images, and in those of each cell.

    Attributes:
        folder: holds both runs and the detections.
        clean_det: the run in the boxes of clean images.
        corrupt_det: the run in the boxes of each cell.
        table: every score (0..1) of both, beside the detector's AP, and what is lost by the detector.
    """

    folder: Path
    clean_det: Run
    corrupt_det: Run
    table: Mapping[str, Any]


class ObjectDetector(ObjectMaker):
    """Make the detector of an object in memory, which is sent as bytes: pickled once, for all processes."""

    def __call__(self, categories: Sequence[str]) -> Estimator:  # type: ignore[override]
        """Return the detector for the names of the data's categories."""
        from robustpose.detectors.function import Options, take

        return take(self._open(), self.name, categories, read_options(self.name, Options, self.options))


def make_detector(detector: Any, options: Mapping[str, Any] | None) -> MakeDetector:
    """Return what makes the detector that a program hands over: what ``--model`` of detect takes, or an object."""
    if options is not None and not isinstance(options, Mapping):
        raise UserError(f"options of a detector go by name, {{'name': value}}, got {type(options).__name__}")
    given = {str(name): as_plain(value) for name, value in (options or {}).items()}
    if isinstance(detector, str | Path):
        return NamedDetector(str(detector), given)
    if not (callable(detector) or hasattr(detector, "predict")):
        raise UserError(
            "a detector must be a name such as 'onnx:detector.onnx' (see robustpose list detectors), a callable "
            f"f(image) -> (N, 5 or 6) or an object with predict(frames), got {type(detector).__name__}"
        )
    maker: Any = ObjectDetector(detector, given)
    return maker


def find_detector(boxes: Any) -> tuple[Any, Any]:
    """Return the detector that ``boxes=`` names or is, None for none, and the boxes that data have to take."""
    if isinstance(boxes, str) and boxes.startswith(WORD):
        if boxes == WORD:
            raise UserError("boxes= needs a detector after detect:, such as 'detect:onnx:detector.onnx'")
        return boxes.removeprefix(WORD), FORESEEN
    if boxes is not None and (callable(boxes) or hasattr(boxes, "predict")):
        return boxes, FORESEEN
    return None, boxes


def bench_in_boxes(
    both: BothJob,
    cells: Sequence[Cell],
    engine: Engine,
    n_resamples: int,
    folder: Path | None,
    start_over: StartOver | None,
    is_shown: bool,
) -> RunsInBoxes:
    """Do what bench does, in a detector's boxes, in a folder that is named or a temporary one."""
    with lend_folder(folder, {}) as place, choose_display(is_shown) as on_progress:
        placed = replace(both, job=replace(both.job, out=place))
        announce = tell if is_shown else None
        table = run_both(placed, cells, engine, n_resamples, on_progress, start_over, announce)
    return RunsInBoxes(place, Run(place / CLEAN_DET), Run(place / CORRUPT_DET), table)


def plan_in_boxes(
    both: BothJob, cells: Sequence[Cell], engine: Engine, folder: Path | None, start_over: StartOver | None
) -> Any:
    """Return what `bench_in_boxes` would do; nothing is written."""
    placed = replace(both, job=replace(both.job, out=foresee_folder(folder, {})))
    return plan_both(placed, cells, engine, start_over)


def detect(
    detector: str | Path | Callable[..., Any] | Any,
    data: Data | None = None,
    *,
    annotations: Place | None = None,
    images: Place | None = None,
    root: Place | None = None,
    split: str | None = None,
    limit: int | None = None,
    suite: str = "coco-c",
    corruptions: Corruption | Iterable[Corruption] = "all",
    severities: int | Iterable[int] | None = None,
    seed: str | int = "release",
    frost: Place | None = None,
    corrupted_root: Place | None = None,
    options: Mapping[str, Any] | None = None,
    out: Place | None = None,
    workers: int | None = None,
    engine: str | Engine = PROCESSES,
    resamples: int = 1000,
    fresh: bool = False,
    progress: bool = True,
    dry_run: bool = False,
    **others: Any,
) -> Detections:
    """Find boxes on clean images and under the corruptions of a suite, as the command ``robustpose detect`` does.

    Args:
        detector: what ``--model`` takes, such as ``"onnx:detector.onnx"``; or a callable f(image) -> (N, 5): x1, y1,
            x2, y2 px and a score of each box, perhaps (N, 6) with the number of a class.
        options: of the detector, such as ``{"min_score": 0.1}``.

    The other arguments are those of `robustpose.bench`, and so are the errors.

    >>> import numpy as np, robustpose
    >>> def find_middle(image):
    ...     height, width = image.shape[:2]
    ...     return np.array([[0.2 * width, 0.1 * height, 0.8 * width, 0.9 * height, 0.9]])
    >>> small = {"limit": 2, "corruptions": "fog", "severities": 3, "workers": 1, "progress": False}
    >>> found = robustpose.detect(find_middle, "toy", **small)
    >>> sorted(path.name for path in found.folder.glob("[cf]*.json")), sorted(found.scores["cells"])
    (['clean.json', 'fog-3.json'], ['fog/3'])
    """
    with in_python():
        stray = next((name for name in NOT_OF_BOXES if name in others), None)
        if stray is not None:
            raise UserError(f"boxes do not depend on {stray}=: leave it out")
        fields = {"annotations": annotations, "images": images, "root": root, "split": split, "limit": limit, **others}
        given = read_data(data, fields, inspect.signature(detect).parameters)
        found, cells = read_cells(suite, corruptions, severities)
        drawn = None if corrupted_root is not None and seed == "release" else read_seed(seed)
        origin = describe_corrupted_images(drawn, as_plain(frost), as_plain(corrupted_root))
        is_shown = as_switch(progress, "progress")
        n_workers = None if workers is None else as_whole_number(workers, "workers", 1)
        n_resamples = as_whole_number(resamples, "resamples", 0)
        maker = make_detector(detector, options)
        folder = None if out is None else find_folder(out, "out=").absolute()
        if given.spec is None:
            raise UserError("detect takes data that are described, such as annotations= and images=, or by a name")
        job = make_job(Inputs(data=given.spec, corrupted_images=origin), no_estimator, Path(), found)
        start_over = StartOver(tell if is_shown else lambda line: None) if as_switch(fresh, "fresh") else None
        sent = {"the detector": maker, "the data": given.open, "a corruption": cells}
        with choose_engine(engine, n_workers) as chosen:
            chosen = limit_workers(check_numbers(chosen, n_resamples), sent)
            if as_switch(dry_run, "dry_run"):
                foreseen = DetectJob(replace(job, out=foresee_folder(folder, {})), maker)
                plan: Any = plan_detect(foreseen, cells, chosen, start_over)
                return plan
            with lend_folder(folder, {}) as place, choose_display(is_shown) as on_progress:
                wanted = DetectJob(replace(job, out=place), maker)
                announce = tell if is_shown else None
                scores = run_detect(wanted, cells, chosen, n_resamples, on_progress, start_over, announce)
        return Detections(place, scores)
