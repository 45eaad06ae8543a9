"""robustpose bench: an estimator on clean images and in the cells of a suite, down to their mean and its ratio."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from robustpose.cli.option_groups import with_groups
from robustpose.cli.options import (
    CorruptionOptions,
    DataOptions,
    FreshOptions,
    ScoringOptions,
    parse_seed,
    use_one_thread,
)
from robustpose.errors import UserError
from robustpose.printing import print_line


@dataclass(frozen=True)
class ModelOptions:
    """Which estimator."""

    model: Annotated[
        str | None,
        typer.Option(
            help="onnx:FILE, tflite:FILE, hf:NAME, NETWORK:FILE such as hrnet_w32:FILE, results:DIR, demo, or "
            "package.module:attr: see robustpose list models."
        ),
    ] = None
    batch_size: Annotated[int | None, typer.Option(help="People that a model is handed at once.")] = None
    model_set: Annotated[list[str] | None, typer.Option(help="An option of the model, KEY=VALUE; may be repeated.")] = (
        None
    )

    def gather(self) -> dict[str, Any]:
        """Return the model's options, words by name."""
        options: dict[str, Any] = dict(parse_options(self.model_set))
        if self.batch_size is not None and "batch_size" in options:
            raise UserError("--batch-size and --model-set batch_size= are the same: leave one of them out")
        return {"batch_size": self.batch_size, **options}


@dataclass(frozen=True)
class RowOptions:
    """Which row of a table to measure."""

    row: Annotated[
        str | None,
        typer.Option(help="Row of the paper to measure, such as coco-c/hrnet_w32_256x192: see robustpose list rows."),
    ] = None
    recipe: Annotated[Path | None, typer.Option(help="YAML file of a row of your own: see docs/results.md.")] = None
    trust: Annotated[bool, typer.Option("--trust", help="Run code, package.module:attr, that --recipe names.")] = False
    weights: Annotated[
        Path | None, typer.Option(help="For --row and --recipe: weights file, or the folder that has the official one.")
    ] = None


@dataclass(frozen=True)
class BenchedCorruptions(CorruptionOptions):
    """Which cells, and where their images come from."""

    corrupted_root: Annotated[
        Path | None,
        typer.Option(help="Read corrupted images from this folder, as the corrupt command or others made it."),
    ] = None


@dataclass(frozen=True)
class PreviewOptions:
    """An estimate instead of a full benchmark."""

    preview: Annotated[
        bool,
        typer.Option("--preview", help="Only estimate: some images, severities 1, 3 and 5. Needs a folder of its own."),
    ] = False
    preview_images: Annotated[int, typer.Option(help="Images of a preview.")] = 100


@with_groups
def bench(
    out: Annotated[Path, typer.Option(help="Run folder. The same command goes on where it was stopped.")],
    data: DataOptions,
    estimator: ModelOptions,
    wanted: RowOptions,
    corrupted: BenchedCorruptions,
    work: ScoringOptions,
    estimate: PreviewOptions,
    start: FreshOptions,
) -> None:
    """Measure an estimator on clean images and under the corruptions of a suite at every severity."""
    use_one_thread()
    from robustpose import estimators
    from robustpose.bench.job import Job
    from robustpose.bench.preview import run_preview
    from robustpose.bench.run import run_bench
    from robustpose.data.corrupted import CorruptedSpec
    from robustpose.files import write_text
    from robustpose.results import recipe as recipes
    from robustpose.results.inputs import Inputs, RowNote
    from robustpose.results.published import find_row, get_row
    from robustpose.results.run_folder import RunFolder
    from robustpose.show.terminal import print_comparison, print_preview, print_summary, progress_display

    model, seed, root = estimator.model, corrupted.seed, corrupted.corrupted_root
    if root is not None and (seed is not None or corrupted.frost is not None):
        raise UserError("--corrupted-root reads images that were made before: leave out --seed and --frost")
    suite, cells = corrupted.choose_cells()
    options = estimator.gather()
    published, row = recipes.find_recipe(wanted.row, wanted.recipe, [] if data.data is None else ["data"], wanted.trust)
    differences: list[str] = []
    if published is not None:
        if model is not None or data.annotations is not None or data.images is not None:
            raise UserError(
                "--row and --recipe say which model and data: leave out --model, --annotations and --images"
            )
        if suite.name != "coco-c":
            raise UserError(
                f"--row and --recipe are of rows measured with suite coco-c: leave out --suite {suite.name}"
            )
        of_data = ("data", "split", "boxes", "only_with_people")
        measured = {name: getattr(data, name) for name in of_data}
        if row is not None and (alike := recipes.find_alike(row, measured)) != row:
            print_line(f"note: {row} was measured otherwise; measured like this run: {alike}")
            published, row = recipes.make_recipe(get_row(alike)), alike
        model = f"{published.model}:{recipes.find_weights(published, wanted.weights)}"
        options = {"input": published.input, **options}
        others = [f"--limit {data.limit}"] if data.limit else []
        others += [f"--metric {data.metric}"] if data.metric else []
        others += [f"--model-set {pair}" for pair in estimator.model_set or []]
        measured |= {"seed": seed} if root is None else {}
        differences = recipes.list_changes(published, measured, others)
        # What the row says of its data does not hold of others.
        kept = () if data.data in (None, published.data) else of_data
        measured |= recipes.apply_row(published, {name: value for name, value in measured.items() if name not in kept})
        data, seed = replace(data, **{name: measured[name] for name in of_data}), measured.get("seed")
    elif wanted.weights is not None:
        raise UserError("--weights goes with --row or --recipe; elsewhere the file is part of --model NETWORK:FILE")
    if model is None:
        raise UserError(
            "name the model (--model demo, onnx:FILE, …), or a row of the paper (--row NAME; robustpose list rows)"
        )
    inputs = Inputs(
        data=data.describe(),
        corrupted_images=CorruptedSpec(seed=parse_seed(seed), frost=corrupted.frost, corrupted_root=root),
        row=RowNote(name=row, differences=tuple(differences)) if row else None,
    )
    job = Job(
        make_dataset=inputs.data.open,
        make_estimator=partial(estimators.build, model, options=options),
        corrupted_images=inputs.corrupted_images.open(),
        out=out,
        suite=suite,
        inputs=inputs,
    )
    fresh = start.start_over(*inputs.paths, *map(Path, model.split(":")[1:]), wanted.recipe)
    if estimate.preview:
        if corrupted.corruptions != "all" or corrupted.severities is not None:
            raise UserError("--preview chooses its cells: leave out --corruptions and --severities")
        with progress_display() as on_progress:
            preview = run_preview(job, estimate.preview_images, work.n_workers, work.resamples, on_progress, fresh)
        print_preview(preview)
        print_line(f"preview: {out / 'preview.json'}")
        return
    with progress_display() as on_progress:
        summary = run_bench(job, cells, work.n_workers, work.resamples, on_progress, fresh)
    print_summary(summary)
    left_out = RunFolder(out).list_other_cells(cells)
    if left_out:  # of an earlier command, whose summary this one has replaced
        print_line(f"note: not asked for now, so not in the results: {', '.join(left_out)} of {out}/predictions")
    if published is not None:
        rows = recipes.compare_with_published(summary, published.expected)
        differences = find_row(summary)[1] if row else differences
        write_text(out / "comparison.md", recipes.write_comparison(rows, published.expected.source, differences))
        print_comparison(rows, published.expected.source, differences)
    print_line(f"report: {out / 'report.html'}")


def parse_options(pairs: list[str] | None) -> dict[str, str]:
    """Return ``KEY=VALUE`` pairs as a dict of words; what they mean is for the model's `Options` to say."""
    options: dict[str, str] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UserError(f"--model-set takes KEY=VALUE, got '{pair}'")
        name = key.strip().replace("-", "_")
        if name in options:
            raise UserError(f"--model-set gives '{name}' twice, '{options[name]}' and '{value}': leave one of them out")
        options[name] = value
    return options
