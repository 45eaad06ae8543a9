"""The runs of a set of figures: read, named, and checked to belong beside each other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustpose.corruptions.suites import Suite
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.names import name_runs
from robustpose.results.published import count_images, find_dataset, is_whole_dataset
from robustpose.results.rows import Row, model_name, require_one_suite, rows_of, suite_of
from robustpose.results.scored import name_metric
from robustpose.results.summary import identify_data, read_summary
from robustpose.show.figures.style import shorten


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, what the figures call it, and the content of its summary.json."""

    folder: Path
    label: str
    summary: Mapping[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """Return what determines the images and the truth."""
        return identify_data(self.summary["provenance"]["dataset"])

    @property
    def score_name(self) -> str:
        """Return the metric, such as `AP`."""
        return str(self.summary["metric"])

    @property
    def data_name(self) -> str:
        """Return the dataset with the number of its images, such as `toy (8 images)`."""
        name, n_images = self.summary["provenance"]["dataset"].get("name", "dataset"), count_images(self.summary)
        return str(name) if n_images is None else f"{name} ({n_images:,} image{'s' * (n_images != 1)})"

    @property
    def title(self) -> str:
        """Return what a panel of the runs on these data is called: the paper's name, if it has one."""
        return shorten(find_dataset(self.summary) or self.data_name)

    @property
    def exact_title(self) -> str:
        """Return the same where the run is on all of the paper's images, and how many there are where it is not."""
        return self.title if is_whole_dataset(self.summary) else shorten(self.data_name)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return the cells that the run has, clean first."""
        return (CLEAN, *map(Cell.from_key, self.summary["cells"]))

    @property
    def suite(self) -> Suite:
        """Return the suite of the run."""
        return suite_of(self.summary)

    @property
    def clean(self) -> Row:
        """Return the score on clean images."""
        return self.find_row("clean")

    @property
    def mean(self) -> Row:
        """Return the mean of the suite, such as mPC."""
        return self.find_row(self.suite.mean_name)

    @property
    def ratio(self) -> Row:
        """Return the ratio of the suite, such as rPC."""
        return self.find_row(self.suite.ratio_name)

    def find_row(self, name: str) -> Row:
        """Return a number of the headline, or the score in a cell by its key; without a value if it was not run."""
        rows = {row.name: row for row in rows_of(self.summary, "headline", "cell")}
        return rows.get(name, Row("cell", name, name, None))


def read_runs(folders: Sequence[Path], labels: Sequence[str] = ()) -> list[Run]:
    """Return the finished runs in folders, of which none may be twice; all have the same metric and suite.

    Without labels the figures call them by the names of the models, or of the folders where two are the same.
    """
    if not folders:
        raise UserError("name at least one run folder")
    places = [folder.resolve() for folder in folders]
    for folder in folders:
        if places.count(folder.resolve()) > 1:
            raise UserError(f"the run folder {folder} is named twice")
    summaries = [read_summary(folder) for folder in folders]
    labels = name_runs(labels, folders) if labels else _make_labels(places, summaries)
    require_one_suite(dict(zip(folders, summaries, strict=True)))
    # The dataset's name for the metric, such as `pck:box@0.2`, says more than `PCK`.
    metrics = [name_metric(summary["provenance"]["dataset"]) or summary["metric"] for summary in summaries]
    for folder, metric in zip(folders, metrics, strict=True):
        if metric != metrics[0]:
            raise UserError(
                f"runs of different metrics have no figure in common: {folders[0]} has {metrics[0]}, {folder} has "
                f"{metric}; draw them apart"
            )
    return [Run(*parts) for parts in zip(folders, labels, summaries, strict=True)]


def group_by_data(runs: Sequence[Run]) -> list[list[Run]]:
    """Return runs on the same images with the same truth together, in the order in which they came."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(json.dumps(run.data, sort_keys=True), []).append(run)
    return list(groups.values())


def name_groups(groups: Sequence[Sequence[Run]]) -> list[str]:
    """Return what the data of each group are called: with a number where two are called the same."""
    titles = [runs[0].exact_title for runs in groups]
    return [title if titles.count(title) == 1 else f"{title}, {number}" for number, title in enumerate(titles, 1)]


def tell_data_apart(first: Run, second: Run) -> str:
    """Return in what the data of two runs differ, such as `n_images 8 and 64`."""
    key = next(key for key in (*first.data, *second.data) if first.data.get(key) != second.data.get(key))
    return f"{key} {first.data.get(key)} and {second.data.get(key)}"


def _make_labels(places: Sequence[Path], summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    names = list(map(model_name, summaries))
    shown = list(map(shorten, names))
    pairs = zip(places, names, strict=True)
    labels = [place.name if shown.count(shorten(name)) > 1 else name for place, name in pairs]
    if len(set(labels)) < len(labels):  # folders of the same name in different places
        labels = [f"{place.parent.name}/{place.name}" for place in places]
    if len(set(labels)) < len(labels):
        labels = [f"{number}. {label}" for number, label in enumerate(labels, 1)]
    return labels
