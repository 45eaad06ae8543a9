"""robustpose detect: a detector's boxes in every cell, a COCO detection file each, as bench --boxes takes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from robustpose.cli.bench import BenchedCorruptions, parse_options
from robustpose.cli.completion import complete, list_detector_options, list_detectors
from robustpose.cli.data_options import ImageOptions
from robustpose.cli.help import MODEL
from robustpose.cli.option_groups import with_groups
from robustpose.cli.options import FreshOptions, RunFolderOption, ScoringOptions, parse_seed
from robustpose.cli.planned import PlanOptions, announcer, tell_plan
from robustpose.cli.printed import PrintedOptions
from robustpose.printing import print_line
from robustpose.threads import use_one_thread


@dataclass(frozen=True)
class DetectorOptions:
    """Which detector."""

    panel: ClassVar[str] = MODEL

    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            autocompletion=complete(list_detectors),
            help="Detector: hf:NAME, onnx:FILE, tflite:FILE or your own package.module:attr.",
        ),
    ]
    model_set: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            autocompletion=list_detector_options,
            help="An option of the detector, such as classes=person or min_score=0.1; may be repeated.",
        ),
    ] = None

    def gather(self) -> dict[str, Any]:
        """Return the detector's options, words by name."""
        return dict(parse_options(self.model_set))


@with_groups
def detect(
    out: RunFolderOption,
    data: ImageOptions,
    detector: DetectorOptions,
    corrupted: BenchedCorruptions,
    work: ScoringOptions,
    start: FreshOptions,
    planned: PlanOptions,
    shown: PrintedOptions,
) -> None:
    """Find boxes on clean images and under the corruptions of a suite: a COCO detection file for every cell.

    The folder is what bench --boxes corrupt-det:DIR takes, and its clean.json what clean-det:FILE takes.
    """
    use_one_thread()
    from robustpose.benchmark.detecting.makers import NamedDetector
    from robustpose.benchmark.detecting.prepared import DetectJob
    from robustpose.benchmark.detecting.run import plan_detect, run_detect
    from robustpose.benchmark.job import make_job, no_estimator
    from robustpose.data.corrupted import describe_corrupted_images
    from robustpose.results.inputs import Inputs
    from robustpose.show.terminal import print_summary, progress_display

    suite, cells = corrupted.choose_cells()
    root = corrupted.corrupted_root
    seed = None if corrupted.seed is None else parse_seed(corrupted.seed)
    images = describe_corrupted_images(seed, corrupted.frost, root)
    inputs = Inputs(data=data.describe(), corrupted_images=images)
    job = DetectJob(make_job(inputs, no_estimator, out, suite), NamedDetector(detector.model, detector.gather()))
    fresh = start.start_over(*inputs.paths, *map(Path, detector.model.split(":")[1:]))
    if planned.dry_run:
        tell_plan(plan_detect(job, cells, work.engine, fresh), shown)
        return
    with progress_display() as on_progress:
        scores = run_detect(job, cells, work.engine, work.resamples, on_progress, fresh, announcer())
    if "clean" in scores:
        print_summary(scores)
    print_line(f"detections: {out}")
    shown.write({**scores, "folder": out})
