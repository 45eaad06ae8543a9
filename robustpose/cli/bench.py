"""robustpose bench: an estimator on clean images and in the cells of a suite, down to their mean and its ratio."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from robustpose.cli.adapting import AdaptOptions
from robustpose.cli.completion import complete, list_detector_options, list_model_options, list_models
from robustpose.cli.data_options import DataOptions
from robustpose.cli.gates import GateOptions, finish
from robustpose.cli.help import MODEL, SPEED
from robustpose.cli.in_boxes import bench_both, find_detector, refuse
from robustpose.cli.names import WrittenOptions
from robustpose.cli.networks import NetworkOptions
from robustpose.cli.option_groups import with_groups
from robustpose.cli.options import CorruptionOptions, FreshOptions, RunFolderOption, ScoringOptions, parse_seed
from robustpose.cli.paper_row import Asked, RowOptions, apply_row
from robustpose.cli.planned import PlanOptions, announcer, tell_plan
from robustpose.cli.printed import PrintedOptions
from robustpose.cli.shard import ShardOptions, bench_shard, refuse_shards
from robustpose.errors import UserError
from robustpose.printing import print_line
from robustpose.threads import use_one_thread

MOST_NAMED = 6  # cells in a note


@dataclass(frozen=True)
class ModelOptions:
    """Which estimator."""

    panel: ClassVar[str] = MODEL

    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            autocompletion=complete(list_models),
            help="onnx:FILE, tflite:FILE, hf:NAME, NETWORK:FILE such as hrnet_w32:FILE, results:DIR, demo, or "
            "package.module:attr: see robustpose list models.",
        ),
    ] = None
    batch_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            rich_help_panel=SPEED,
            show_default="the model's own",
            help="People that the model gets at once; changes speed and memory, no score.",
        ),
    ] = None
    model_set: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            autocompletion=list_model_options,
            help="An option of the model, such as flip_test=no; may be repeated. See robustpose list options.",
        ),
    ] = None

    def gather(self) -> dict[str, Any]:
        """Return the model's options, words by name."""
        options: dict[str, Any] = dict(parse_options(self.model_set))
        if self.batch_size is not None and "batch_size" in options:
            raise UserError("--batch-size and --model-set batch_size= are the same: leave one of them out")
        return {"batch_size": self.batch_size, **options}


@dataclass(frozen=True)
class BoxDetectorOptions:
    """How the detector of --boxes detect:MODEL looks."""

    panel: ClassVar[str] = MODEL

    detector_set: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            autocompletion=list_detector_options,
            help="An option of the detector of --boxes detect:, such as classes=person; may be repeated.",
        ),
    ] = None


@dataclass(frozen=True)
class BenchedCorruptions(CorruptionOptions):
    """Which cells, and where their images come from."""

    corrupted_root: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Read corrupted images from here, as robustpose corrupt or others made them."),
    ] = None


@dataclass(frozen=True)
class PreviewOptions:
    """An estimate instead of a full benchmark."""

    panel: ClassVar[str] = SPEED

    preview: Annotated[
        bool,
        typer.Option("--preview", help="Only estimate: some images, severities 1, 3 and 5. Needs an --out of its own."),
    ] = False
    preview_images: Annotated[int, typer.Option(metavar="N", help="Images of a preview.")] = 100


@with_groups
def bench(
    out: RunFolderOption,
    data: DataOptions,
    estimator: ModelOptions,
    adapting: AdaptOptions,
    detector: BoxDetectorOptions,
    wanted: RowOptions,
    corrupted: BenchedCorruptions,
    work: ScoringOptions,
    networks: NetworkOptions,
    estimate: PreviewOptions,
    part: ShardOptions,
    start: FreshOptions,
    written: WrittenOptions,
    planned: PlanOptions,
    wished: GateOptions,
    shown: PrintedOptions,
) -> None:
    """Measure an estimator on clean images and under the corruptions of a suite at every severity."""
    use_one_thread()
    from robustpose.benchmark.job import make_job
    from robustpose.benchmark.preview import plan_preview, run_preview
    from robustpose.benchmark.run import check_numbers, plan_run, run_bench
    from robustpose.data.corrupted import describe_corrupted_images
    from robustpose.estimators.carrying import NamedModel
    from robustpose.files import write_text
    from robustpose.results import recipe as recipes
    from robustpose.results.gates import judge_gates
    from robustpose.results.inputs import Inputs, RowNote
    from robustpose.results.published import find_row
    from robustpose.results.run_folder import RunFolder
    from robustpose.results.verdict import judge_folder
    from robustpose.show.terminal import print_comparison, print_preview, print_summary, print_verdict, progress_display

    shard = part.read(
        {
            "--preview": estimate.preview,
            "--fail-under": bool(wished.fail_under),
            "--name": written.name is not None,
            "--no-report": written.no_report,
            "--resamples": work.resamples != ScoringOptions.resamples,
        }
    )
    root = corrupted.corrupted_root
    suite, cells = corrupted.choose_cells()
    gates = wished.gates
    boxes = find_detector(data, detector.detector_set, {"--row": wanted.row, "--recipe": wanted.recipe}, out)
    asked = Asked(estimator.model or "", adapting.join(estimator.gather()), boxes.data, corrupted.seed)
    said = [*(estimator.model_set or []), *(f"{name}={value}" for name, value in adapting.given.items())]
    asked = apply_row(wanted, asked, suite.name, said, root)
    if not asked.model:
        raise UserError(
            "name the model (--model demo, onnx:FILE, …), or a row of the paper (--row NAME; robustpose list rows)"
        )
    seed = None if asked.seed is None else parse_seed(asked.seed)
    inputs = Inputs(
        data=asked.data.describe(),
        corrupted_images=describe_corrupted_images(seed, corrupted.frost, root),
        row=RowNote(name=asked.row, differences=asked.differences) if asked.row else None,
    )
    make_estimator = NamedModel(asked.model, asked.options)
    job = make_job(inputs, make_estimator, out, suite)
    job = replace(job, gates=tuple(gates), name=written.checked_name, has_page=not written.no_report)
    engine = networks.join(work.engine)
    fresh = start.start_over(*inputs.paths, *map(Path, asked.model.split(":")[1:]), wanted.recipe)
    if boxes.spec is not None:
        refuse({"--shard": shard is not None, "--preview": estimate.preview, "--fail-under": bool(gates)})
        refuse({"--network-processes": networks.network_processes is not None})
        bench_both(boxes, job, cells, work, start, planned, shown)
        return
    if shard is not None:
        from robustpose.benchmark.shards.run import ShardJob

        beside = {} if asked.recipe is None else {"expected": asked.recipe.expected, "differences": asked.differences}
        wanted_shard = ShardJob(job, cells, shard, beside)
        bench_shard(wanted_shard, check_numbers(engine, 0), fresh, planned, shown)
        return
    refuse_shards(out)
    if estimate.preview:
        if gates:
            raise UserError(
                "--fail-under is for scores that are measured, and a preview estimates: leave out --preview"
            )
        if corrupted.corruptions != "all" or corrupted.severities is not None:
            raise UserError("--preview chooses its cells: leave out --corruptions and --severities")
        size = (estimate.preview_images, engine, work.resamples)
        if planned.dry_run:
            tell_plan(plan_preview(job, *size, fresh), shown)
            return
        with progress_display() as on_progress:
            preview = run_preview(job, *size, on_progress, fresh, announcer())
        print_preview(preview)
        print_line(f"preview: {out / 'preview.json'}")
        finish(shown, [], {**preview, "folder": out})
        return
    if planned.dry_run:
        tell_plan(plan_run(job, cells, engine, work.resamples, fresh), shown)
        return
    with progress_display() as on_progress:
        summary = run_bench(job, cells, engine, work.resamples, on_progress, fresh, announcer())
    print_summary(summary)
    verdict = judge_folder(out, summary)
    print_verdict(verdict)
    left_out = RunFolder(out).list_other_cells(cells)
    if left_out:  # of an earlier command, whose summary this one has replaced
        more = f" and {len(left_out) - MOST_NAMED} more" if len(left_out) > MOST_NAMED else ""
        named = ", ".join(left_out[:MOST_NAMED]) + more
        print_line(f"note: not asked for now, so not in the results: {named} of {out}/predictions")
    if asked.recipe is not None:
        expected = asked.recipe.expected
        rows = recipes.compare_with_published(summary, expected)
        differences = find_row(summary)[1] if asked.row else list(asked.differences)
        write_text(out / "comparison.md", recipes.write_comparison(rows, expected.source, differences))
        print_comparison(rows, expected.source, differences)
    page = None if written.no_report else out / "report.html"
    print_line(f"scores: {out / 'summary.json'}" if page is None else f"report: {page}")
    finish(shown, judge_gates(gates, summary), {**summary, "verdict": verdict, "folder": out, "report": page})


def parse_options(pairs: list[str] | None, option: str = "--model-set") -> dict[str, str]:
    """Return ``KEY=VALUE`` pairs as a dict of words; what they mean is for the model's `Options` to say."""
    options: dict[str, str] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UserError(f"{option} takes KEY=VALUE, got '{pair}'")
        name = key.strip().replace("-", "_")
        if name in options:
            raise UserError(f"{option} gives '{name}' twice, '{options[name]}' and '{value}': leave one of them out")
        options[name] = value
    return options
