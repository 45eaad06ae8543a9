"""robustpose bench: an estimator on clean images and in the cells of a suite, down to their mean and its ratio."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from robustpose.cli.data_options import (
    Annotations,
    Boxes,
    DataName,
    Images,
    Limit,
    MetricName,
    OnlyWithPeople,
    Root,
    SkeletonFile,
    Split,
)
from robustpose.cli.parse import count_cores, name_data, parse_options, parse_seed
from robustpose.cli.suite_options import Corruptions, Severities, SuiteName, name_cells
from robustpose.errors import UserError


def bench(
    out: Annotated[Path, typer.Option(help="Run folder. The same command goes on where it was stopped.")],
    model: Annotated[
        str | None,
        typer.Option(help="onnx:FILE, NETWORK:FILE such as hrnet_w32:FILE, results:DIR, demo, or package.module:attr."),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="YAML file of a published row, such as recipes/coco-c/sbl_r50_256x192.yaml.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="For --recipe: the weights file, or the folder that has the official one.")
    ] = None,
    data: DataName = None,
    root: Root = None,
    split: Split = None,
    annotations: Annotations = None,
    images: Images = None,
    boxes: Boxes = None,
    metric: MetricName = None,
    skeleton: SkeletonFile = None,
    suite: SuiteName = "coco-c",
    corruptions: Corruptions = "all",
    severities: Severities = None,
    limit: Limit = None,
    only_with_people: OnlyWithPeople = None,
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
    from robustpose.bench.preview import run_preview
    from robustpose.bench.run import run_bench
    from robustpose.bench.work import Job
    from robustpose.data.corrupted import open_corrupted_images
    from robustpose.data.spec import open_dataset
    from robustpose.files import write_text
    from robustpose.results.recipe import (
        compare_with_published,
        find_weights,
        list_changes,
        read_bench_recipe,
        write_comparison,
    )
    from robustpose.show.terminal import bench_progress, print_comparison, print_preview, print_summary

    if corrupted_root is not None and (seed is not None or frost is not None):
        raise UserError("--corrupted-root reads images that were made before: leave out --seed and --frost")
    chosen_suite, cells = name_cells(suite, corruptions, severities)
    options = {"batch_size": batch_size, **parse_options(model_set)}
    published = None
    differences: list[str] = []
    if recipe is not None:
        if model is not None or annotations is not None or images is not None:
            raise UserError("--recipe says which model and data: leave out --model, --annotations and --images")
        if suite != "coco-c":
            raise UserError(f"--recipe is of a row that was measured with suite coco-c: leave out --suite {suite}")
        published = read_bench_recipe(recipe)
        model = f"{published.model}:{find_weights(published, weights)}"
        options = {"input": published.input, **options}
        others = [f"--limit {limit}"] if limit else []
        others += [f"--metric {metric}"] if metric else []
        others += [f"--model-set {pair}" for pair in model_set or []]
        if only_with_people not in (None, published.only_with_people):
            others.append("--only-with-people" if only_with_people else "--all-images")
        instead = {"data": data, "split": split, "boxes": boxes, "seed": seed}
        differences = list_changes(published, instead, others)
        data, split = data or published.data, split or published.split
        boxes, seed = boxes or published.boxes, seed or (None if corrupted_root else published.seed)
        only_with_people = published.only_with_people if only_with_people is None else only_with_people
    elif weights is not None:
        raise UserError("--weights goes with --recipe; elsewhere the file is part of --model NETWORK:FILE")
    if model is None:
        raise UserError("name the model (--model demo, onnx:FILE, …) or a published row (--recipe FILE)")
    given = name_data(data, root, split, annotations, images, boxes, metric, skeleton, limit, bool(only_with_people))
    given = given or {}
    corrupted_images_from: dict[str, Any] = {"seed": parse_seed(seed or "release"), "frost": frost}
    if corrupted_root is not None:
        corrupted_images_from = {"corrupted_root": corrupted_root}
    job = Job(
        make_dataset=partial(open_dataset, **given),
        make_estimator=partial(estimators.build, model, options=options),
        corrupted_images=open_corrupted_images(**corrupted_images_from),
        out=out,
        suite=chosen_suite,
        opened={"data": given, "corrupted_images": corrupted_images_from},
    )
    n_workers = count_cores() if workers is None else workers
    if preview:
        if corruptions != "all" or severities is not None:
            raise UserError("--preview chooses its cells: leave out --corruptions and --severities")
        with bench_progress() as on_progress:
            estimate = run_preview(job, preview_images, n_workers, resamples, on_progress)
        print_preview(estimate)
        print(f"preview: {out / 'preview.json'}")
        return
    with bench_progress() as on_progress:
        summary = run_bench(job, cells, n_workers, resamples, on_progress)
    print_summary(summary)
    if published is not None:
        rows = compare_with_published(summary, published.expected)
        write_text(out / "comparison.md", write_comparison(rows, published.expected.source, differences))
        print_comparison(rows, published.expected.source, differences)
    print(f"report: {out / 'report.html'}")
