"""Measurements: the scores of one network on one data set, with what is known of it: a run's, or a row's of the paper.

What claims are judged on (`robustpose.results.claims`). Two can be paired where `pixels` are the same, and `people`
unless the boxes are what is compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.metrics.robustness import Means, take_means
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.about import About, check_adapted, read_about
from robustpose.results.published import PublishedRow, count_images, find_dataset, published_rows
from robustpose.results.rows import suite_of
from robustpose.results.scored import name_metric
from robustpose.results.seen import seen_by_row, seen_in_run
from robustpose.results.summary import identify_data

# What has to be the same for two runs to be of the same corrupted images.
OF_PIXELS = ("profile", "seed", "frost_textures", "corrupted_images")
OF_BOXES = ("boxes_sha256", "boxes_files", "given_boxes_sha256", "min_box_score")


@dataclass(frozen=True, eq=False)
class Measurement:
    """One network measured."""

    name: str  # of the run or of the row
    about: About
    pixels: str  # what determines images, truth, metric and corruptions; the same text for the same
    people: str | None  # where people were looked for; None where that is not known, and so never the same
    data: str  # what people call the data
    metric: str  # such as `AP`
    suite: Suite
    means: Means
    resampled: Means | None = None  # (R,) of the same resamples of the images; None where there are none
    n_images: int | None = None  # of which they are
    is_printed: bool = False  # in the paper: there are no intervals
    seen: tuple[str, ...] = ()  # corruptions of it that the network is known to have learned from
    is_adapted: bool = False  # at test time: it does not stand for its network

    @property
    def is_complete(self) -> bool:
        """Return whether all cells of the suite were measured."""
        return self.means.mean is not None


def measure_run(name: str, summary: Mapping[str, Any], told: About) -> Measurement:
    """Return the measurement of a run, without resamples, given its summary and what else is said of it."""
    provenance, suite = summary["provenance"], suite_of(summary)
    is_adapted = "adapt" in provenance["estimator"]
    if is_adapted:
        check_adapted(told, name)
    about = read_about(summary).fill_in(told, name)
    dataset = provenance["dataset"]
    same = {
        "metric": [summary["metric"], name_metric(dataset), dataset.get("metric_code")],
        "suite": suite.identity,
        "data": identify_data(dataset),
        **{key: provenance.get(key) for key in OF_PIXELS},
    }
    boxes = {key: dataset.get(key) for key in OF_BOXES} if about.boxes != "none" else {}
    scores = {CLEAN: summary["clean"], **{Cell.from_key(key): score for key, score in summary["cells"].items()}}
    n_images = count_images(summary)
    known = find_dataset(summary)
    words = [str(dataset.get("name"))] + ([] if n_images is None else [f"{n_images:,} image{'s' * (n_images != 1)}"])
    words += [f"{dataset['joints_scored']} joints"] if dataset.get("joints_scored") else []
    name_of_data, inside = (words[0], words[1:]) if known is None else (known, words)
    return Measurement(
        name=name,
        about=about,
        seen=seen_in_run(summary),
        is_adapted=is_adapted,
        pixels=json.dumps(same, sort_keys=True),
        people=None if about.boxes is None else json.dumps([about.boxes, boxes], sort_keys=True),
        data=name_of_data + (f" ({', '.join(inside)})" if inside else ""),
        metric=str(summary["metric"]),
        suite=suite,
        means=take_means(scores, list(scores), suite),
    )


def measure_published() -> list[Measurement]:
    """Return the rows of the paper as measurements. What several tables print again is there once."""
    rows: dict[tuple[object, ...], PublishedRow] = {}
    for row in published_rows():
        rows.setdefault((row.dataset, row.zoo.name, row.training, row.boxes), row)
    return [_measure_row(row) for row in rows.values()]


def _measure_row(row: PublishedRow) -> Measurement:
    data = f"{row.dataset} (images with people)" if row.only_with_people else row.dataset
    return Measurement(
        name=row.name,
        about=About(
            network=row.zoo.network, input="{}x{}".format(*row.zoo.input_wh), training=row.training, boxes=row.boxes
        ),
        pixels=f"{data}, {row.metric}",
        people=row.boxes,
        data=data,
        metric=row.metric,
        suite=COCO_C,
        means=Means(row.clean, row.mPC, row.rPC, {}, dict(row.corruptions), {}, {}, {}),
        is_printed=True,
        seen=seen_by_row(row),
    )
