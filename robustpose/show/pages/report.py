"""The report of a run: tables, and one HTML page with charts, the paper's numbers, and the predictions on images."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from robustpose.corruptions.suites import COCO_C
from robustpose.data.corrupted import CorruptedImages
from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.results.adapted import spell_adapting
from robustpose.results.clean_poses import CleanPosesAsTruth
from robustpose.results.doubts import is_fact, read_doubts
from robustpose.results.published import (
    PublishedRow,
    count_images,
    find_dataset,
    find_row,
    is_whole_dataset,
    published_rows,
)
from robustpose.results.rows import (
    CHANGES,
    CHANGES_NOTE,
    Row,
    data_name,
    explain_no_mean,
    model_name,
    row_of_chosen,
    rows_of,
    suite_of,
    tabulate_cells,
    tabulate_changes,
    title_chosen,
)
from robustpose.results.scored import list_joints_scored, name_scored
from robustpose.results.seen import seen_by_row
from robustpose.results.setups import flatten
from robustpose.results.slices_model import FEW_PEOPLE, read_slices
from robustpose.results.summary import read_summary
from robustpose.results.terms import explain_headline
from robustpose.results.unseen import row_of_unseen
from robustpose.results.verdict import judge_run
from robustpose.show.pages import charts
from robustpose.show.pages.gallery import make_gallery
from robustpose.show.pages.page import render_page, slug
from robustpose.show.pages.quality import describe_quality
from robustpose.show.pages.richer import check_images_stay
from robustpose.show.pages.thumbnails import LONGEST_SIDE
from robustpose.show.tables import to_csv, to_latex, to_markdown

PAGE = "report.html"


def write_report(
    folder: Path,
    dataset: Dataset | None = None,
    corrupted_images: CorruptedImages | None = None,
    may_lose_images: bool = False,
) -> Path:
    """Write table.md, table.csv, table.tex and report.html from a run folder, and return the page's path.

    Without the dataset that was benched the page has no gallery; without corrupted images the gallery shows clean ones.
    A page that shows images which the new one would not show stays, and is a `RicherPage`, unless it `may_lose_images`.
    """
    summary = read_summary(folder)
    slices = read_slices(folder, summary)
    gallery = None if dataset is None else _try_gallery(folder, summary, dataset, corrupted_images)
    page = render(summary, slices, gallery, dataset is not None)
    write_tables(folder, summary)
    if summary["cells"] and not may_lose_images:
        check_images_stay(folder / PAGE, page)
    write_text(folder / PAGE, page)
    return folder / PAGE


def write_tables(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write table.md, table.csv and table.tex."""
    write_text(folder / "table.md", to_markdown(summary))
    write_text(folder / "table.csv", to_csv(summary))
    write_text(folder / "table.tex", to_latex(summary))


def render(
    summary: Mapping[str, Any],
    slices: Mapping[str, Any] | None = None,
    gallery: Mapping[str, Any] | None = None,
    has_images: bool = False,
) -> str:
    """Return the HTML page of summary.json, slices.json and what `make_gallery` gives. Text from files is escaped.

    Without a gallery the page says why: `has_images` tells that the images were at hand, so an error left it out.
    """
    suite, file, headline = suite_of(summary), slug(model_name(summary)), rows_of(summary, "headline")
    published, chosen, differences = _choose_published(summary)
    # The chart shows the models of Tables 1 to 4, and the run's own row; without the paper's data, those of COCO-C.
    paper_dataset = find_dataset(summary)
    beside = paper_dataset or next((row.dataset for row in published), "")
    points = [row for row in published if row.dataset == beside and (row.table < 5 or row == chosen)]
    figures = charts.severity_curves(summary, file) if summary["corruptions"] else {}
    if points and (scatter := charts.clean_against_mean(summary, points, file)):
        figures["clean-and-mpc"] = scatter
    curves = slices["calibration"] if slices else None
    if curves:
        figures["calibration"] = charts.calibration(curves, file)
    titles, lines = tabulate_cells(summary)
    doubts, sliced = read_doubts(summary), _add_means_of_chosen(slices, summary)
    by_group = groupby(rows_of(summary, "corruption"), lambda row: row.group or "others")
    return render_page(
        "report.html.j2",
        summary=summary,
        verdict=judge_run(summary, slices),
        terms=explain_headline(summary),
        warnings=[text for text in doubts if not is_fact(text)],
        facts=[text for text in doubts if is_fact(text)],
        joints_scored=list_joints_scored(summary["provenance"]["dataset"]),
        scored=name_scored(summary["provenance"]["dataset"]),
        few_people=FEW_PEOPLE,
        suite=suite,
        is_papers_suite=suite == COCO_C,
        model=model_name(summary),
        adapting=spell_adapting(summary["provenance"]["estimator"]),
        file=file,
        has_truth=summary["metric"] not in HELD_AGAINST_CLEAN,
        dataset=data_name(summary),
        n_images=count_images(summary),
        intervals=summary.get("intervals"),
        headline=headline,
        no_mean=explain_no_mean(summary),
        group_rows=rows_of(summary, "group"),
        pixel_rows=rows_of(summary, "pixels"),
        table_groups=[("over all", headline), *((name, list(rows)) for name, rows in by_group)],
        published=[_beside(summary, row) for row in published],
        chosen=chosen,
        differences=differences,
        paper_dataset=paper_dataset,
        is_whole=is_whole_dataset(summary),
        scatter_dataset=beside if points else "",
        charts=figures,
        cell_titles=titles,
        cell_lines=lines,
        changes=tabulate_changes(summary),
        changes_title=CHANGES,
        changes_note=CHANGES_NOTE,
        gallery=gallery,
        has_images=has_images,
        sheet_severities=_severities_of_sheet(gallery) if gallery else [],
        longest_side=LONGEST_SIDE,
        slices=slices,
        slices_by_kind=[(kind, list(rows)) for kind, rows in groupby(sliced, itemgetter("kind"))],
        chosen_title=title_chosen(summary),
        of_chosen=row_of_chosen(summary),
        of_unseen=row_of_unseen(summary),
        chosen_kinds={row["kind"] for row in sliced if "mean_of_chosen" in row},
        calibration_cell=_harshest(curves) if curves else None,
        provenance=[
            (name, value)
            for name, value in flatten(summary["provenance"])
            # Which boxes the annotations have says nothing of poses that were made elsewhere.
            if name != "dataset boxes" or summary["provenance"].get("box_protocol") != "unknown"
        ],
    )


def _add_means_of_chosen(slices: Mapping[str, Any] | None, summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of slices; in a run of some cells, categories, parts and levels have the mean over these, too."""
    cuts = {(cut["kind"], cut["name"]): cut for cut in summary.get("cuts") or []}
    rows = slices["slices"] if slices else []
    means = {
        key: {"mean_of_chosen": mean, "mean_of_chosen_interval": (cut.get("intervals") or {}).get("mean_of_chosen")}
        for key, cut in cuts.items()
        if (mean := cut.get("mean_of_chosen")) is not None
    }
    return [{**row, **means.get((row["kind"], row["name"]), {})} for row in rows]


def _try_gallery(
    folder: Path, summary: Mapping[str, Any], dataset: Dataset, corrupted_images: CorruptedImages | None
) -> dict[str, Any] | None:
    """Return the gallery; None without corrupted cells, or where images or predictions cannot be read."""
    if not summary["cells"]:
        return None
    try:
        if summary["metric"] in HELD_AGAINST_CLEAN:
            dataset = CleanPosesAsTruth(dataset, folder)
        gallery = make_gallery(folder, dataset, corrupted_images, [CLEAN, *map(Cell.from_key, summary["cells"])])
    except UserError as error:  # scores of predictions made elsewhere need no images, and are worth a page without them
        warnings.warn(f"the page has no gallery: {error}", stacklevel=3)
        return None
    for reason in gallery["lacking"]:
        warnings.warn(f"some cells have no images on the page: {reason}", stacklevel=3)
    return {**gallery, **describe_quality(summary["metric"])}


def _choose_published(summary: Mapping[str, Any]) -> tuple[list[PublishedRow], PublishedRow | None, list[str]]:
    """Return the paper's rows to show below ours, the one that the run was made as, and how the run differs from it."""
    rows = published_rows(metric=summary["metric"]) if suite_of(summary) == COCO_C else []
    named, differences = find_row(summary)
    if (dataset := find_dataset(summary)) is not None:
        rows = [row for row in rows if row.dataset == dataset or row == named] or rows
    return rows, named if named in rows else None, differences


def _beside(summary: Mapping[str, Any], row: PublishedRow) -> dict[str, Any]:
    """Return a published row for the page: its scores, and ours less them, by the names of rows."""
    theirs = {"clean": row.clean, "mPC": row.mPC, "rPC": row.rPC, **row.corruptions}
    is_complete = summary["mPC"] is not None  # else our means of corruptions are over other severities
    ours: list[Row] = rows_of(summary, "headline", *(["corruption"] if is_complete else []))
    words = [f"{row.model} {row.input}", *([] if row.training == "Standard" else [row.training])]
    words += ["annotated boxes"] if row.has_annotated_boxes else []
    words += [f"Table {row.table}"] if row.table > 3 else []  # whose rows are printed more than once
    words += [f"{len(seen)} corruptions seen"] if (seen := seen_by_row(row)) else []
    known = {one.name: one.value for one in ours if one.value is not None and one.name in theirs}
    return {
        "id": row.name,
        "label": ", ".join(words),
        "dataset": row.dataset,
        "scores": theirs,
        "differences": {name: round(value - theirs[name], 6) for name, value in known.items()},
    }


def _severities_of_sheet(gallery: Mapping[str, Any]) -> list[int]:
    """Return the severities in which the sheet's image is embedded."""
    embedded = [key.split() for key in gallery["corrupted"]]
    cells = [gallery["cells"][int(cell)] for image, cell in embedded if int(image) == gallery["sheet"]]
    return sorted({Cell.from_key(cell).severity for cell in cells})


def _harshest(curves: Mapping[str, Any]) -> str:
    """Return the corrupted cell whose confidences are furthest off: the first to look at, beside clean."""
    corrupted = [key for key in curves if key != "clean"] or list(curves)
    return max(corrupted, key=lambda key: curves[key].get("error") or 0.0)
