"""bench: measure a model on clean images and under corruption, from Python."""

from __future__ import annotations

import inspect
import multiprocessing
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from robustpose.api.arguments import (
    Corruption,
    Data,
    GivenData,
    Place,
    as_plain,
    as_switch,
    as_whole_number,
    read_cells,
    read_data,
    read_seed,
)
from robustpose.api.detecting import bench_in_boxes, find_detector, make_detector, plan_in_boxes
from robustpose.api.models import make_maker
from robustpose.api.places import find_folder, foresee_folder, lend_folder
from robustpose.api.remembering import as_before_its_predictions
from robustpose.api.run import Run
from robustpose.api.sending import choose_engine, limit_workers
from robustpose.api.wording import in_python
from robustpose.benchmark.detecting.run import make_both_job
from robustpose.benchmark.job import Job, make_job, prepare
from robustpose.benchmark.plan import plan_bench
from robustpose.benchmark.run import check_numbers, run_prepared
from robustpose.corruptions.suites import Suite
from robustpose.data.corrupted import CorruptedSpec, describe_corrupted_images
from robustpose.errors import UserError, quote, show_doubts
from robustpose.fresh import StartOver
from robustpose.processes import WORKER_NUMBER
from robustpose.results.inputs import Inputs
from robustpose.results.names import check_name
from robustpose.show.display import choose_display, tell
from robustpose.work import PROCESSES, Engine, wish_networks


def bench(
    model: Any,
    data: Data | None = None,
    *,
    annotations: Place | None = None,
    images: Place | None = None,
    boxes: Place | Callable[..., Any] | None = None,
    root: Place | None = None,
    split: str | None = None,
    metric: str | None = None,
    skeleton: Place | None = None,
    limit: int | None = None,
    suite: str = "coco-c",
    corruptions: Corruption | Iterable[Corruption] = "all",
    severities: int | Iterable[int] | None = None,
    seed: str | int = "release",
    frost: Place | None = None,
    corrupted_root: Place | None = None,
    input: Any = None,
    options: Mapping[str, Any] | None = None,
    batch_size: int | None = None,
    adapt: str = "none",
    adapt_images: int | None = None,
    adapt_prior: int | None = None,
    detector_options: Mapping[str, Any] | None = None,
    out: Place | None = None,
    workers: int | None = None,
    network_processes: int | None = None,
    engine: str | Engine = PROCESSES,
    resamples: int = 1000,
    fresh: bool = False,
    name: str | None = None,
    report: bool = True,
    progress: bool = True,
    dry_run: bool = False,
    **others: Any,
) -> Run:
    """Measure a model on clean images and under the corruptions of a suite, and return the run with its scores, 0..1.

    It is what the command ``robustpose bench`` does: the same run, made here or there, is the same to the byte, and one
    goes on where the other was stopped. Files and folders may be words or paths.

    Args:
        model: what ``--model`` takes, such as ``"demo"`` or ``"onnx:net.onnx"``; a torch module; a callable
            f(image, boxes) -> (N, K, 3), x, y in px of the whole image and confidence; an estimator, an object with
            skeleton, needs_boxes and predict(frames), or its class.
        data: ``"toy"``, an official set such as ``"coco"`` with ``root=``, ``"package.module:attr"``; a `DataSpec`, or
            a mapping of its fields; a dataset in memory, an object with skeleton, metric, frame(i), truth(i) and a
            length. Left out where `annotations` and `images` are given.
        annotations: COCO keypoint file, of any skeleton.
        images: folder of its images; alone, images without annotations: the scores are consistency.
        boxes: ``"gt"`` (the default), ``"clean-det:FILE"`` or ``"corrupt-det:DIR"``; or a detector, ``"detect:MODEL"``
            or a callable f(image) -> (N, 5), x1, y1, x2, y2 px and a score: then two runs are made in one pass, in its
            boxes on clean images and in those of each cell, and an object with `clean_det`, `corrupt_det` (both runs)
            and `table` (what the detector loses) is returned. `robustpose.detect` makes the boxes alone.
        root: folder of an official set.
        split: of an official set, or of toy; by default the one that is benched.
        metric: such as ``"pck:box@0.2"``; by default the dataset's own.
        skeleton: YAML file with OKS sigmas, for joints that are not COCO's; or a published skeleton by name, such as
            ``hand-21``.
        limit: take the first images only.
        suite: a name of ``robustpose list suites``, such as ``"held-out"``; it names the mean, here `mPH`.
        corruptions: ``"all"``; names of corruptions or groups; functions f(image, severity, rng) -> image; ``"none"``.
        severities: some of 1 to 5; by default all.
        seed: ``"release"``, as the published benchmark, or a number for independent noise.
        frost: folder of frost textures.
        corrupted_root: folder of corrupted images that were made before.
        input: input size of a torch module that does not say it, such as ``"192x256"`` (width x height, px).
        options: of the model, as ``--model-set`` takes them, such as ``{"flip_test": False}``.
        batch_size: people (or images) that the model is handed at once.
        adapt: whether a torch network adapts to the images at test time, clean ones too: ``"bn"``, its batch norms take
            statistics of the images; ``"tent"``, then also a step towards sharper heatmaps.
        adapt_images: consecutive images that it adapts to together, by default 16; 1: to each by itself.
        adapt_prior: how many people (or whole images) the statistics of training count as, by default 16; 0: not at
            all.
        detector_options: of the detector of `boxes`, as ``--detector-set`` takes them.
        out: run folder. There, the same call goes on where it was stopped. None: a temporary one, which is removed when
            Python ends; `Run.save` keeps a run.
        workers: processes that share the work, by default one for each core. Models and data that cannot be sent to
            other processes are worked on in this one, with a warning.
        network_processes: processes that run a torch network for all workers, on full batches; by default one for each
            GPU if there are several workers. 0: each worker runs it itself. No score depends on it.
        engine: who shares the work: ``"processes"`` of this machine; ``"ray"``, a cluster that runs here or is started
            for the call; ``"ray:HOST:PORT"``; or a `robustpose.cluster.RayCluster`, which says more of it.
        resamples: of the images, for 95 % intervals and slices; 0 for neither.
        fresh: start over in `out`: remove what an earlier bench made there.
        name: what the run is called in tables and pages; by default as its model.
        report: whether the page of the run, report.html, is written; without, `Run.report` writes one without images.
        progress: say what there is to do and how long it will take, and show how far it is, in a terminal or a
            notebook.
        dry_run: check all, write nothing, and return what there is to do instead of a run: an object with n_images,
            n_cells, n_people, n_done, n_workers, and guesses at seconds and n_bytes, which prints as one line.
        others: further fields of `DataSpec`: category, area, parts, visibility, exif, only_with_people, n_images, …

    Raises:
        UserError: a mistake in what was given, in one line; nothing is written then. Or the disk fails, a worker dies,
            or the model's code raises; finished work stays in `out`.
        KeyboardInterrupt: stopped; the same call goes on.

    Doubts about the numbers are warnings of Python, and stay in `Run.warnings`.

    >>> import robustpose
    >>> run = robustpose.bench("demo", "toy", limit=2, corruptions=["fog", "snow"], severities=3, progress=False)
    >>> sorted(run.cells), run.mPC
    (['fog/3', 'snow/3'], None)
    """
    with in_python(), ExitStack() as around:
        _refuse_child()
        detector, boxes = find_detector(boxes)
        if detector is None and detector_options:
            raise UserError("detector_options= go with boxes='detect:MODEL', which names the detector")
        fields: dict[str, Any] = {
            "annotations": annotations,
            "images": images,
            "boxes": boxes,
            "root": root,
            "split": split,
        }
        fields |= {"metric": metric, "skeleton": skeleton, "limit": limit, **others}
        given = read_data(data, fields, inspect.signature(bench).parameters)
        found, cells = read_cells(suite, corruptions, severities)
        is_usual = seed is None or seed == "release"
        drawn = None if corrupted_root is not None and is_usual else read_seed(seed)
        origin = describe_corrupted_images(drawn, as_plain(frost), as_plain(corrupted_root))
        is_shown = as_switch(progress, "progress")
        n_workers = None if workers is None else as_whole_number(workers, "workers", 1)
        n_resamples = as_whole_number(resamples, "resamples", 0)
        n_networks = None if network_processes is None else as_whole_number(network_processes, "network_processes", 0)
        chosen = around.enter_context(choose_engine(engine, n_workers))
        chosen = wish_networks(check_numbers(chosen, n_resamples), n_networks)
        said: dict[str, Any] = {"adapt_images": adapt_images, "adapt_prior": adapt_prior}
        said |= {} if adapt == "none" else {"adapt": adapt}
        maker = make_maker(model, input=input, options=gather_options(options, batch_size, said))
        folder = None if out is None else find_folder(out, "out=").absolute()
        job = replace(
            _make_job(given, origin, maker, found), name=_read_name(name), has_page=as_switch(report, "report")
        )
        sent = {"the model": maker, "the data": given.open, "a corruption": cells}
        start_over = _start_over(as_switch(fresh, "fresh"), is_shown, model, given, origin)
        if detector is not None:
            assert job.inputs is not None
            both = make_both_job(job.inputs, make_detector(detector, detector_options), job)
            chosen = limit_workers(chosen, {**sent, "the detector": both.make_detector})
            if as_switch(dry_run, "dry_run"):
                return cast(Run, plan_in_boxes(both, cells, chosen, folder, start_over))
            return cast(Run, bench_in_boxes(both, cells, chosen, n_resamples, folder, start_over, is_shown))
        prepared = prepare(job, cells)
        chosen = limit_workers(chosen, sent, prepared.warnings)
        with as_before_its_predictions(prepared) as settled:
            if as_switch(dry_run, "dry_run"):
                show_doubts(settled.warnings)
                foreseen = replace(settled, job=replace(job, out=foresee_folder(folder, settled.identity)))
                plan = plan_bench(foreseen, chosen, n_resamples, start_over)
                return cast(Run, plan)  # of whom nobody has to ask which
            with lend_folder(folder, settled.identity) as place, choose_display(is_shown) as on_progress:
                settled = replace(settled, job=replace(settled.job, out=place))
                run_prepared(settled, chosen, n_resamples, on_progress, start_over, tell if is_shown else None)
        return Run(place, prepared.job.make_dataset)


def _make_job(given: GivenData, origin: CorruptedSpec, maker: Any, suite: Suite) -> Job:
    """Return the job, whose run folder is chosen once it has been checked."""
    if given.spec is None:
        return Job(given.open, maker, origin.open(), Path(), suite)
    return make_job(Inputs(data=given.spec, corrupted_images=origin), maker, Path(), suite)


def _read_name(name: Any) -> str | None:
    if name is not None and not isinstance(name, str):
        raise UserError(f"name= takes what the run is called, got {quote(name)}")
    return None if name is None else check_name(name)


def gather_options(options: Any, batch_size: Any, said: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """Return the options of a model by name, with the batch size and others that are said, None for those that are not.

    UserError for what is said twice.
    """
    if options is not None and not isinstance(options, Mapping):
        raise UserError(f"options= takes the model's options by name, {{'name': value}}, got {type(options).__name__}")
    gathered = {} if options is None else {str(name): as_plain(options[name]) for name in options}
    n_crops = None if batch_size is None else as_whole_number(batch_size, "batch_size", 1)
    for name, value in {"batch_size": n_crops, **said}.items():
        if value is None:
            continue
        if name in gathered:
            raise UserError(f"{name}= and options={{'{name}': …}} are the same: leave one of them out")
        gathered[name] = as_plain(value)
    return gathered


def _start_over(fresh: bool, progress: bool, model: Any, given: GivenData, origin: CorruptedSpec) -> StartOver | None:
    """Return what `fresh` asks for, with the files that must not be removed."""
    if not fresh:
        return None
    paths = [] if given.spec is None else Inputs(data=given.spec, corrupted_images=origin).paths
    if isinstance(model, str | Path):
        paths += map(Path, str(model).split(":")[1:])
    return StartOver(tell if progress else lambda line: None, paths)


def _refuse_child() -> None:
    """Raise UserError in a worker process that imports the program, or a module, in which this is called."""
    is_starting = getattr(multiprocessing.current_process(), "_inheriting", False)
    if is_starting or WORKER_NUMBER in os.environ:
        raise UserError(
            "a worker process imports the file that calls robustpose.bench, and comes to the same call: put the call "
            'below if __name__ == "__main__":'
        )
