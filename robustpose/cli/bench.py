"""robustpose bench: an estimator on clean images and in the cells of a suite, down to their mean and its ratio."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from robustpose.cli.data_options import DataOptions
from robustpose.cli.option_groups import with_groups
from robustpose.cli.parse import count_cores, parse_options, parse_seed
from robustpose.cli.suite_options import Corruptions, Severities, SuiteName, name_cells
from robustpose.errors import UserError


@with_groups
def bench(
    out: Annotated[Path, typer.Option(help="Run folder. The same command goes on where it was stopped.")],
    data: DataOptions,
    model: Annotated[
        str | None,
        typer.Option(help="onnx:FILE, NETWORK:FILE such as hrnet_w32:FILE, results:DIR, demo, or package.module:attr."),
    ] = None,
    row: Annotated[
        str | None,
        typer.Option(help="Row of the paper to measure, such as coco-c/hrnet_w32_256x192: see robustpose list rows."),
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="YAML file of a row of your own: see docs/results.md.")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="For --row and --recipe: weights file, or the folder that has the official one.")
    ] = None,
    suite: SuiteName = "coco-c",
    corruptions: Corruptions = "all",
    severities: Severities = None,
    seed: Annotated[
        str | None,
        typer.Option(help="release (as the published benchmark; the default), or a number for independent noise."),
    ] = None,
    frost: Annotated[Path | None, typer.Option(help="Folder of frost textures.")] = None,
    corrupted_root: Annotated[
        Path | None,
        typer.Option(help="Read corrupted images from this folder, as the corrupt command or others made it."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; by default one per core.")] = None,
    resamples: Annotated[
        int, typer.Option(help="Resamples of the images, for 95 % intervals and slices; 0 for neither.")
    ] = 1000,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Only estimate: some images, severities 1, 3 and 5. Needs a folder of its own."),
    ] = False,
    preview_images: Annotated[int, typer.Option(help="Images of a preview.")] = 100,
    batch_size: Annotated[int | None, typer.Option(help="Crops per call of the network.")] = None,
    model_set: Annotated[
        list[str] | None, typer.Option(help="An option of the model, KEY=VALUE; may be repeated.")
    ] = None,
) -> None:
    """Measure an estimator on clean images and under the corruptions of a suite at every severity."""
    # The numerical libraries' own threads would only get in each other's way: work is shared out over processes.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from robustpose import estimators
    from robustpose.bench.job import Job
    from robustpose.bench.preview import run_preview
    from robustpose.bench.run import run_bench
    from robustpose.data.corrupted import CorruptedSpec
    from robustpose.files import write_text
    from robustpose.results import recipe as recipes
    from robustpose.results.inputs import Inputs, RowNote
    from robustpose.results.published import find_row
    from robustpose.show.terminal import print_comparison, print_preview, print_summary, progress_display

    if corrupted_root is not None and (seed is not None or frost is not None):
        raise UserError("--corrupted-root reads images that were made before: leave out --seed and --frost")
    chosen_suite, cells = name_cells(suite, corruptions, severities)
    options = {"batch_size": batch_size, **parse_options(model_set)}
    published, row = recipes.find_recipe(row, recipe)
    differences: list[str] = []
    if published is not None:
        if model is not None or data.annotations is not None or data.images is not None:
            raise UserError(
                "--row and --recipe say which model and data: leave out --model, --annotations and --images"
            )
        if suite != "coco-c":
            raise UserError(f"--row and --recipe are of rows measured with suite coco-c: leave out --suite {suite}")
        model = f"{published.model}:{recipes.find_weights(published, weights)}"
        options = {"input": published.input, **options}
        others = [f"--limit {data.limit}"] if data.limit else []
        others += [f"--metric {data.metric}"] if data.metric else []
        others += [f"--model-set {pair}" for pair in model_set or []]
        of_data = ("data", "split", "boxes", "only_with_people")
        measured = {name: getattr(data, name) for name in of_data}
        measured |= {"seed": seed} if corrupted_root is None else {}
        differences = recipes.list_changes(published, measured, others)
        measured = recipes.apply_row(published, measured)
        data, seed = replace(data, **{name: measured[name] for name in of_data}), measured.get("seed")
    elif weights is not None:
        raise UserError("--weights goes with --row or --recipe; elsewhere the file is part of --model NETWORK:FILE")
    if model is None:
        raise UserError(
            "name the model (--model demo, onnx:FILE, …), or a row of the paper (--row NAME; robustpose list rows)"
        )
    inputs = Inputs(
        data=data.describe(),
        corrupted_images=CorruptedSpec(seed=parse_seed(seed or "release"), frost=frost, corrupted_root=corrupted_root),
        row=RowNote(name=row, differences=tuple(differences)) if row else None,
    )
    job = Job(
        make_dataset=inputs.data.open,
        make_estimator=partial(estimators.build, model, options=options),
        corrupted_images=inputs.corrupted_images.open(),
        out=out,
        suite=chosen_suite,
        inputs=inputs,
    )
    n_workers = count_cores() if workers is None else workers
    if preview:
        if corruptions != "all" or severities is not None:
            raise UserError("--preview chooses its cells: leave out --corruptions and --severities")
        with progress_display() as on_progress:
            estimate = run_preview(job, preview_images, n_workers, resamples, on_progress)
        print_preview(estimate)
        print(f"preview: {out / 'preview.json'}")
        return
    with progress_display() as on_progress:
        summary = run_bench(job, cells, n_workers, resamples, on_progress)
    print_summary(summary)
    if published is not None:
        rows = recipes.compare_with_published(summary, published.expected)
        differences = find_row(summary)[1] if row else differences
        write_text(out / "comparison.md", recipes.write_comparison(rows, published.expected.source, differences))
        print_comparison(rows, published.expected.source, differences)
    print(f"report: {out / 'report.html'}")
