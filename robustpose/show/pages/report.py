"""The report of a run: tables, and one HTML page with charts, the paper's numbers, and the predictions on images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from robustpose.corruptions.suites import COCO_C
from robustpose.data.corrupted import CorruptedImages
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.results.published import (
    PublishedRow,
    count_images,
    find_dataset,
    find_row,
    is_whole_dataset,
    published_rows,
)
from robustpose.results.rows import explain_no_mean, model_name, rows_of, suite_of, tabulate_cells
from robustpose.results.summary import read_summary
from robustpose.show.pages import charts
from robustpose.show.pages.gallery import make_gallery
from robustpose.show.pages.page import render_page, slug, write_files
from robustpose.show.pages.thumbnails import LONGEST_SIDE
from robustpose.show.tables import to_csv, to_latex, to_markdown

Item = TypeVar("Item")

NO_DATASET = (
    "There is no gallery, for this page was made from the run folder alone. With the images of the data set, "
    "robustpose score RUN makes it again with one."
)
PROFILES = {
    "release": "release: the pixels of the published benchmark",
    "independent": "independent: random fields differ from image to image",
    "unknown": "unknown: corrupted images were read from a folder without a manifest",
}
BOXES = {
    "gt": "annotated boxes",
    "clean-det": "detected on the clean images",
    "corrupt-det": "detected in every cell",
    "none": "none: the estimator finds people itself",
    "unknown": "unknown: the predictions were made elsewhere",
}
# By metric: what `read_quality` gives.
RIGHT_JOINTS = ("right joints", "Images are rated by the part of their annotated joints that are right, in percent.")
QUALITIES = {
    "AP": ("mean OKS", "Images are rated by the mean OKS of their people, in percent; who is not found counts 0."),
    "PCK": RIGHT_JOINTS,
    "PCKh": RIGHT_JOINTS,
}


def write_report(folder: Path, dataset: Dataset | None = None, corrupted_images: CorruptedImages | None = None) -> Path:
    """Write table.md, table.csv, table.tex and report.html from a run folder, and return the page's path.

    Args:
        folder: of a finished run.
        dataset: what was benched; without it the page has no gallery.
        corrupted_images: how its images look in a cell; without it the gallery shows clean images.

    Raises:
        UserError: the folder holds no finished run, or cannot be written to.
    """
    summary = read_summary(folder)
    gallery, no_gallery = _try_gallery(folder, summary, dataset, corrupted_images)
    texts = {"table.md": to_markdown(summary), "table.csv": to_csv(summary), "table.tex": to_latex(summary)}
    write_files(folder, {**texts, "report.html": render(summary, _read_slices(folder), gallery, no_gallery)})
    return folder / "report.html"


def render(
    summary: Mapping[str, Any],
    slices: Mapping[str, Any] | None = None,
    gallery: Mapping[str, Any] | None = None,
    no_gallery: str = NO_DATASET,
) -> str:
    """Return the HTML page. Text from files is escaped.

    Args:
        summary: content of summary.json.
        slices: content of slices.json.
        gallery: of `robustpose.show.pages.gallery`.
        no_gallery: what the page says where there is none.
    """
    suite, intervals = suite_of(summary), summary.get("intervals")
    file = slug(model_name(summary))
    headline, no_mean = rows_of(summary, "headline"), explain_no_mean(summary)
    published, published_words, chosen = _choose_published(summary)
    named = find_dataset(summary) or next((row.dataset for row in published), "")
    beside = [row for row in published_rows(named, summary["metric"]) if row.table < 5 or row.name == chosen]
    beside = beside if suite == COCO_C else []
    figures = charts.severity_curves(summary, file) if summary["corruptions"] else {}
    scatter = charts.clean_against_mean(summary, beside, file)
    if scatter:
        figures["clean-and-mpc"] = scatter
    curves = slices["calibration"] if slices else None
    if curves:
        figures["calibration"] = charts.calibration(curves, file)
    titles, lines = tabulate_cells(summary)
    sheet_severities = _severities_of_sheet(gallery) if gallery else []
    return render_page(
        "report.html.j2",
        summary=summary,
        suite=suite,
        is_papers_suite=suite == COCO_C,
        model=model_name(summary),
        file=file,
        dataset=str(summary["provenance"]["dataset"].get("name")),
        intervals=intervals,
        headline=headline,
        no_mean=no_mean,
        group_rows=rows_of(summary, "group"),
        pixel_rows=rows_of(summary, "pixels"),
        protocol=list(_describe_protocol(summary)),
        published=[_beside(summary, row) for row in published],
        published_words=published_words,
        chosen_row=chosen,
        table_groups=[
            ("over all", headline),
            *_group(rows_of(summary, "corruption"), lambda row: row.group or "others"),
        ],
        charts=figures,
        scatter_words=_describe_scatter(summary, named if beside else ""),
        cell_titles=titles,
        cell_lines=lines,
        gallery=gallery,
        no_gallery=no_gallery,
        has_quality=gallery is not None and gallery["images"][0]["quality"] is not None,
        sheet_severities=sheet_severities,
        sheet_severity=sheet_severities[len(sheet_severities) // 2] if sheet_severities else None,
        longest_side=LONGEST_SIDE,
        slices=slices,
        slices_by_kind=_group(slices["slices"], itemgetter("kind")) if slices else [],
        slice_columns=["clean"] if no_mean else [row.name for row in headline],
        slice_parts=[] if no_mean else [("groups", list(suite.groups)), ("severities", titles[1:])],
        calibration_cell=_harshest(curves) if curves else None,
        provenance=list(_flatten(summary["provenance"])),
    )


def _try_gallery(
    folder: Path, summary: Mapping[str, Any], dataset: Dataset | None, corrupted_images: CorruptedImages | None
) -> tuple[dict[str, Any] | None, str]:
    """Return the gallery, or None and what the page says instead."""
    if dataset is None or not summary["cells"]:
        return None, NO_DATASET
    cells = [CLEAN, *map(Cell.from_key, summary["cells"])]
    name, words = QUALITIES.get(summary["metric"], ("quality", "Images are rated by the quality of their poses."))
    try:
        gallery = make_gallery(folder, dataset, corrupted_images, cells)
        return {**gallery, "quality_name": name, "quality_words": words}, ""
    except UserError:  # scores of predictions made elsewhere need no images, and are worth a page without them
        return None, "There is no gallery, for the images or the predictions of this run could not be read."


def _read_slices(folder: Path) -> dict[str, Any] | None:
    path = folder / "slices.json"
    try:
        return json.loads(path.read_text()) if path.is_file() else None
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error


def _describe_protocol(summary: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield what one has to know about a run to compare it, as names and words."""
    provenance, suite = summary["provenance"], suite_of(summary)
    n_images = count_images(summary)
    dataset = str(provenance["dataset"].get("name"))
    yield "Data set", dataset if n_images is None else f"{dataset}, {n_images} images"
    if "box_protocol" in provenance:
        yield "Boxes of the people", BOXES.get(provenance["box_protocol"], str(provenance["box_protocol"]))
    yield "Suite", f"{suite.label}: {suite.n_corruptions} corruptions at {len(suite.severities)} severities"
    yield "Corruptions", PROFILES.get(provenance["profile"], str(provenance["profile"]))
    if "corrupted_images" in provenance:
        yield "Corrupted images", "read from a folder"
    textures = str(provenance["frost_textures"])
    if textures not in ("original", "unused"):
        yield "Frost textures", f"{textures}: frost is not comparable with that of the original six textures"
    estimator = provenance["estimator"]
    if "input" in estimator:
        flip = ", flip test" if estimator.get("flip_test") else ""
        yield "Input of the network", f"{estimator['input']} px (width x height){flip}"


def _choose_published(summary: Mapping[str, Any]) -> tuple[list[PublishedRow], str, str | None]:
    """Return the rows of the paper that can stand below ours, what to say of them, and the name of the run's own."""
    metric, dataset = summary["metric"], find_dataset(summary)
    if suite_of(summary) != COCO_C:
        return [], f"The paper has no numbers of the suite {suite_of(summary).name}.", None
    rows = published_rows(metric=metric)
    if not rows:
        return [], f"The paper has no numbers in {metric}.", None
    named, differences = find_row(summary)
    if dataset is not None:
        rows = [row for row in rows if row.dataset == dataset or row == named] or rows
    if named is not None and named in rows:
        words = (
            f"This run was made as {named.name}, a row of the paper's Table {named.table}. Differences are in points."
        )
        if differences:
            words += f" It is not the same measurement: {'; '.join(differences)}."
        return rows, words, named.name
    if dataset is None:
        words = (
            "The paper has no row for this data set. Choose one of its rows to see it below ours; it is of other "
            "images, so that the differences say little."
        )
    elif not is_whole_dataset(summary):
        words = (
            f"This run is on other images of {dataset} than the paper's rows, so that differences say little. "
            "Choose a row to see it below ours."
        )
    else:
        words = (
            "This run does not say which row of the paper it stands beside (bench --row does). Choose a row of "
            f"{dataset} to see it below ours; differences are in points."
        )
    return rows, words, None


def _beside(summary: Mapping[str, Any], row: PublishedRow) -> dict[str, Any]:
    """Return a published row for the page: its scores, and ours less them, by the names of rows."""
    theirs = {"clean": row.clean, "mPC": row.mPC, "rPC": row.rPC, **row.corruptions}
    is_complete = summary["mPC"] is not None  # else our means of corruptions are over other severities
    ours = rows_of(summary, "headline", *(["corruption"] if is_complete else []))
    words = [f"{row.model} {row.input}", *([] if row.training == "Standard" else [row.training])]
    words += ["annotated boxes"] if row.has_annotated_boxes else []
    words += [f"Table {row.table}"] if row.table > 3 else []  # whose rows are printed more than once
    return {
        "id": row.name,
        "label": ", ".join(words),
        "dataset": row.dataset,
        "scores": theirs,
        "differences": {
            one.name: round(one.value - theirs[one.name], 6)
            for one in ours
            if one.value is not None and one.name in theirs
        },
    }


def _group(items: Iterable[Item], name_of: Callable[[Item], str]) -> list[tuple[str, list[Item]]]:
    """Return items, which lie in groups already, by the names of the groups."""
    return [(name, list(members)) for name, members in groupby(items, name_of)]


def _describe_scatter(summary: Mapping[str, Any], dataset: str) -> str:
    words = f"Dotted lines: the same {suite_of(summary).ratio_name}."
    if not dataset:
        return words
    here = (
        f"The paper's models on {dataset}, by family; their names show on hovering. Circles: standard training, "
        f"diamonds: AdvMix, crosses: other hardening. {words}"
    )
    return here if is_whole_dataset(summary) else f"{here} The star is this run, on other images than theirs."


def _severities_of_sheet(gallery: Mapping[str, Any]) -> list[int]:
    """Return the severities in which the sheet's image is embedded."""
    embedded = [key.split() for key in gallery["corrupted"]]
    cells = [gallery["cells"][int(cell)] for image, cell in embedded if int(image) == gallery["sheet"]]
    return sorted({int(key.rpartition("/")[2]) for key in cells})


def _harshest(curves: Mapping[str, Any]) -> str:
    """Return the corrupted cell whose confidences are furthest off: what to look at first, beside clean."""
    corrupted = [key for key in curves if key != "clean"] or list(curves)
    return max(corrupted, key=lambda key: curves[key].get("error") or 0.0)


def _flatten(tree: Mapping[str, Any], where: str = "") -> list[tuple[str, str]]:
    rows = []
    for key, value in tree.items():
        name = f"{where} {key}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            rows += _flatten(value, name)
        else:
            rows.append((name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return rows
