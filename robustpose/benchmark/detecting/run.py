"""Run a detector: boxes in every cell; or in one pass boxes, and poses in those of clean images and of each cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from robustpose.benchmark.detecting.both import write_table
from robustpose.benchmark.detecting.folder import SCORES, file_of, list_both, list_detections
from robustpose.benchmark.detecting.makers import MakeDetector
from robustpose.benchmark.detecting.passing import Pass, run_pass
from robustpose.benchmark.detecting.plan import DetectPlan, plan_pass
from robustpose.benchmark.detecting.prepared import DetectJob, ask_why_nobody, prepare_detector
from robustpose.benchmark.detecting.scores import doubt_boxes, score_detections
from robustpose.benchmark.detecting.work import CLEAN_DET, CORRUPT_DET, DETECTIONS
from robustpose.benchmark.job import Job, make_job, prepare
from robustpose.benchmark.run import check_numbers, run_prepared
from robustpose.claims import claim_folder, look_at_folder
from robustpose.data.detections import read_entries
from robustpose.errors import UserError, doubts_once, show_doubts
from robustpose.fresh import StartOver
from robustpose.pose.cell import CLEAN, Cell
from robustpose.progress import Progress
from robustpose.results.inputs import Inputs, write_inputs
from robustpose.results.resampling import RESAMPLES
from robustpose.results.summary import DETECTIONS_NOTE as NOTE
from robustpose.results.summary import NOTE_OF_BOTH
from robustpose.work import Workers, announce_plan

OnProgress = Callable[[str, Progress], None]
Announce = Callable[[DetectPlan], None]
WHAT = "detections"
WHAT_OF_BOTH = "two runs in a detector's boxes"


def silent(what: str, progress: Progress) -> None:
    """Tell nobody."""


def run_detect(
    wanted: DetectJob,
    cells: Sequence[Cell],
    workers: Workers = 1,
    n_resamples: int = RESAMPLES,
    on_progress: OnProgress = silent,
    fresh: StartOver | None = None,
    announce: Announce | None = None,
) -> dict[str, Any]:
    """Bring a detector's boxes in all cells into a folder, and return their scores; see `run_bench`.

    Where nobody is annotated, there are no scores but where the boxes came from.
    """
    engine = check_numbers(workers, n_resamples)
    prepared = prepare_detector(wanted, cells)
    show_doubts(prepared.warnings)
    one = Pass(prepared)
    with claim_folder(one.out, WHAT, NOTE, prepared.identity, list_detections, fresh):
        announce_plan(announce, partial(plan_pass, one, engine))
        run_pass(one, engine, partial(on_progress, "detect"))
        scores = _write_detections(one, n_resamples, on_progress)
        one.clean_up()
    show_doubts(doubt_boxes(scores["clean"], prepared.identity["estimator"]) if "clean" in scores else ())
    return scores


def plan_detect(
    wanted: DetectJob, cells: Sequence[Cell], workers: Workers = 1, fresh: StartOver | None = None
) -> DetectPlan:
    """Return what `run_detect` would do, with all checks of its start. Nothing is written or locked."""
    engine = check_numbers(workers, 0)
    prepared = prepare_detector(wanted, cells)
    show_doubts(prepared.warnings)
    goes_on = look_at_folder(wanted.job.out, WHAT, NOTE, prepared.identity, fresh)
    return plan_pass(Pass(prepared), engine, goes_on)


@dataclass(frozen=True)
class BothJob:
    """A bench in a detector's boxes: one pass for both kinds of boxes."""

    inputs: Inputs  # of the data with annotated boxes, as both runs have them but for the boxes
    make_detector: MakeDetector
    job: Job  # of poses on these data; its folder holds both runs
    min_score: float = 0.0

    def job_in(self, boxes: str) -> Job:
        """Return the job of one of the runs, which reads boxes from files, ``clean-det`` or ``corrupt-det``."""
        folder = self.job.out / DETECTIONS
        path = file_of(folder, CLEAN) if boxes == CLEAN_DET else folder
        update: dict[str, Any] = {"boxes": f"{boxes}:{path}"}
        if self.min_score:
            update["min_box_score"] = self.min_score
        inputs = self.inputs.model_copy(update={"data": self.inputs.data.model_copy(update=update)})
        made = make_job(inputs, self.job.make_estimator, self.job.out / boxes, self.job.suite)
        return replace(made, name=self.job.name, has_page=self.job.has_page)


def make_both_job(inputs: Inputs, make_detector: MakeDetector, job: Job) -> BothJob:
    """Return the bench of a job in a detector's boxes; `inputs` describe its data with whatever detected boxes."""
    data = inputs.data.model_copy(update={"boxes": "gt", "min_box_score": 0.0})
    of_annotated = inputs.model_copy(update={"data": data})
    posing = replace(job, make_dataset=data.open, inputs=of_annotated, finds_boxes=True)
    return BothJob(of_annotated, make_detector, posing, inputs.data.min_box_score)


@doubts_once()
def run_both(
    both: BothJob,
    cells: Sequence[Cell],
    workers: Workers = 1,
    n_resamples: int = RESAMPLES,
    on_progress: OnProgress = silent,
    fresh: StartOver | None = None,
    announce: Announce | None = None,
) -> dict[str, Any]:
    """Bring both runs in a detector's boxes to their end, and return the table of both; see `run_bench`."""
    engine = check_numbers(workers, n_resamples)
    one = prepare_both(both, cells)
    posing = one.posing
    assert posing is not None
    show_doubts([*one.detecting.warnings, *posing.warnings])
    out, identity = one.out, identify_both(one)
    with claim_folder(out, WHAT_OF_BOTH, NOTE_OF_BOTH, identity, list_both, fresh):
        announce_plan(announce, partial(plan_pass, one, engine))
        run_pass(one, engine, partial(on_progress, "predict"))
        with claim_folder(one.detections, WHAT, NOTE, one.detecting.identity, list_detections):
            scores = _write_detections(one, n_resamples, on_progress)
        _check_somebody(one)
        summaries = []
        for place, boxes in enumerate((CLEAN_DET, CORRUPT_DET), 1):
            prepared = prepare(both.job_in(boxes), cells)
            bring = partial(one.finish, place)
            summaries.append(run_prepared(prepared, engine, n_resamples, on_progress, bring=bring))
        one.clean_up()
        return write_table(out, summaries, scores, n_resamples)


def plan_both(both: BothJob, cells: Sequence[Cell], workers: Workers = 1, fresh: StartOver | None = None) -> DetectPlan:
    """Return what `run_both` would do, with all checks of its start. Nothing is written or locked."""
    engine = check_numbers(workers, 0)
    one = prepare_both(both, cells)
    assert one.posing is not None
    show_doubts([*one.detecting.warnings, *one.posing.warnings])
    goes_on = look_at_folder(one.out, WHAT_OF_BOTH, NOTE_OF_BOTH, identify_both(one), fresh)
    return plan_pass(one, engine, goes_on)


def prepare_both(both: BothJob, cells: Sequence[Cell]) -> Pass:
    """Open data, detector and estimator, and check them before anything is written."""
    posing = prepare(both.job, cells)
    if not posing.estimator.needs_images:
        raise UserError("--boxes detect: is for a model that looks at images, and this one reads poses found before")
    if not posing.estimator.needs_boxes:
        name = posing.identity["estimator"].get("name")
        raise UserError(f"model '{name}' finds people without boxes: leave out --boxes detect:")
    detecting = prepare_detector(DetectJob(both.job, both.make_detector), cells)
    return Pass(detecting, posing, both.min_score)


def identify_both(one: Pass) -> dict[str, Any]:
    """Return what determines both runs."""
    assert one.posing is not None
    of_boxes: dict[str, Any] = {"detector": one.detecting.identity["estimator"], "box_protocol": "detect"}
    return {**one.posing.identity, **of_boxes, "min_box_score": one.min_score}


def _check_somebody(one: Pass) -> None:
    """Raise UserError where the detector found nobody at all on the clean images: there is nothing to compare with."""
    if not read_entries(file_of(one.detections, CLEAN)):
        about = one.detecting.identity["estimator"]
        raise UserError(
            f"detector '{about.get('name')}' found nobody in the {len(one.detecting.image_ids)} clean images: "
            f"{ask_why_nobody(about)} Its boxes are in {one.detections.absolute()}"
        )


def _write_detections(one: Pass, n_resamples: int, on_progress: OnProgress) -> dict[str, Any]:
    """Put the detection files into their places, and write what they score and where their images come from."""
    one.finish(0)
    prepared, inputs = one.detecting, one.detecting.job.job.inputs
    if inputs is not None:
        write_inputs(one.detections, inputs)
    scores = score_detections(prepared, one.detections, n_resamples, partial(on_progress, "score"))
    if scores is None:
        (one.detections / SCORES).unlink(missing_ok=True)
        return {"provenance": prepared.provenance, "warnings": list(prepared.warnings)}
    return scores
