"""Rows: what a run says, number by number, in one list that files, terminal, tables, pages and figures are made from.

`HEADLINE` is the one place of the columns that lead every table of scores: a line more there is a number more in
summary.json with its interval, in slices.json, in the printed table, in Markdown, CSV and LaTeX, on the pages of runs,
of comparisons and of leaderboards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from robustpose.corruptions.suites import COCO_C, Suite, find_suite
from robustpose.errors import UserError
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN, Means, name_means
from robustpose.results.adapted import name_estimator
from robustpose.results.scored import list_notes, name_pck
from robustpose.results.seen import seen_in_run

Interval = tuple[float, float] | list[float]

HEADLINE: dict[str, Callable[[Means], Any]] = {
    "clean": attrgetter("clean"),
    "mean": attrgetter("mean"),  # called by its name in the suite, such as mPC; so is the ratio
    "ratio": attrgetter("ratio"),
}
# Kind of a row -> where `Means` and a summary have it.
SECTIONS = {"group": "groups", "corruption": "corruptions", "cell": "cells", "pixels": "geometric"}

CHANGES = "people lost and new, by score, in percent"
CHANGES_NOTE = (
    "lost: found on the clean image and not under corruption, in parts of all clean scores; new: the other way round, "
    "in parts of all scores under corruption; means over severities"
)
# Above narrow columns, where the first word of a corruption does not do.
SHORT_NAMES = {
    "gaussian_noise": "Gauss", "brightness": "Bright", "pixelate": "Pixel", "jpeg_compression": "JPEG",
    "single_frequency_greyscale": "Wave", "cocentric_sine_waves": "Rings", "checkerboard_cutout": "Cutout",
    "color_quantization": "Colors", "darkness": "Dark", "underexposure": "Under", "high_gain": "Gain",
    "h264": "H.264", "h264_predicted": "Predicted", "h264_small": "Small",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One number of a run.

    Its kind is `headline`; `group`, `corruption` or `cell`, after what it is of; `pixels` for the means over
    corruptions that move pixels and over the others; or `category`, `part` or `crowd index` for what is scored alone.
    """

    kind: str
    name: str  # in files, such as `clean`, `mPC`, `noise`, `fog` or `fog/3`; unique within a kind
    label: str  # for people: `AP*` for the clean AP
    value: float | None  # 0..1; None where it is not defined, or was not measured
    interval: Interval | None = None  # low and high end
    group: str | None = None  # of a corruption or a cell; None for corruptions that are not of the suite
    is_seen: bool = False  # of a corruption or a cell: whether the network is known to have learned from it

    @property
    def score(self) -> float:
        """Return the value of a row that is known to have one."""
        assert self.value is not None, f"{self.kind} {self.name} has no value"
        return self.value

    @property
    def short(self) -> str:
        """Return what a narrow column is called: corruptions of the suite by one word."""
        if self.kind != "corruption" or self.group is None:
            return self.label
        return SHORT_NAMES.get(self.name, self.name.partition("_")[0].capitalize())


def headline_columns(suite: Suite) -> dict[str, Callable[[Means], Any]]:
    """Return the columns of `HEADLINE` by their names in a suite."""
    own = {"mean": suite.mean_name, "ratio": suite.ratio_name}
    named = {own.get(name, name): value_of for name, value_of in HEADLINE.items()}
    return {name: value_of for name, value_of in named.items() if name}


def label_headline(name: str, metric: str) -> str:
    """Return what people read above a headline column: the paper's star marks the score on clean images."""
    return f"{metric}*" if name == "clean" and metric not in HELD_AGAINST_CLEAN else name


def list_means(means: Means, suite: Suite) -> Iterator[tuple[str, str, Any]]:
    """Yield kind, name and value of every row that the means of a run make."""
    for name, value_of in headline_columns(suite).items():
        yield "headline", name, value_of(means)
    for kind, section in SECTIONS.items():
        for name, value in getattr(means, section).items():
            yield kind, name, value


def nest_means(means: Means, suite: Suite, change: Callable[[Any], Any] = lambda value: value) -> dict[str, Any]:
    """Return means, which are floats or arrays (R,) of resamples, as summary.json has them.

    `change` makes what is written of a value that is not None.
    """
    headline: dict[str, Any] = {}
    sections: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS.values()}
    for kind, name, value in list_means(means, suite):
        place = headline if kind == "headline" else sections[SECTIONS[kind]]
        place[name] = None if value is None else change(value)
    return {**headline, **sections}


def list_rows(summary: Mapping[str, Any]) -> list[Row]:
    """Return what a summary says.

    The headline, groups, corruptions (all of the suite, then others), cells, pixels, and what is scored alone.
    """
    suite = suite_of(summary)
    intervals = summary.get("intervals") or {}
    rows = [
        Row("headline", name, label_headline(name, summary["metric"]), summary.get(name), intervals.get(name))
        for name in headline_columns(suite)
    ]
    labels = {f"{suite.mean_name}_without": "all but those that move pixels"}
    labels[f"{suite.mean_name}_only"] = "those that move pixels"
    group_of = {name: group for group, names in suite.groups.items() for name in names}
    seen = seen_in_run(summary)
    for kind, section in SECTIONS.items():
        values, bounds = dict(summary.get(section) or {}), intervals.get(section, {})
        if kind == "pixels":
            values.pop("corruptions", None)  # which ones move pixels: no score
        for name in dict.fromkeys([*(suite.corruptions if kind == "corruption" else ()), *values]):
            of = name.rpartition("/")[0] or name
            label, is_seen = labels.get(name, name), kind in ("corruption", "cell") and of in seen
            rows.append(Row(kind, name, label, values.get(name), bounds.get(name), group_of.get(of), is_seen))
    return rows + [row for cut in summary.get("cuts") or [] for row in list_rows_of_cut(cut, summary["metric"], suite)]


def list_rows_of_cut(cut: Mapping[str, Any], metric: str, suite: Suite) -> list[Row]:
    """Return the headline of a category, a part or a crowd level: its name goes before what is in every headline."""
    intervals = cut.get("intervals") or {}
    return [
        Row(cut["kind"], label := spell_cut(cut["name"], name, metric), label, cut.get(name), intervals.get(name))
        for name in headline_columns(suite)
    ]


def spell_cut(cut: str, name: str, metric: str) -> str:
    """Return what a score in the headline of a cut is called, such as `dog AP*`."""
    return f"{cut} {label_headline(name, metric)}"


def rows_of(summary: Mapping[str, Any], *kinds: str) -> list[Row]:
    """Return the rows of some kinds, kind by kind."""
    rows = list_rows(summary)
    return [row for kind in kinds for row in rows if row.kind == kind]


def tabulate_cells(summary: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, list[Row]]]]:
    """Return the table of corruptions by severities: its titles, and by corruption that was run a row under each title.

    The first title is `mean`, the others are severities; a cell that was not run has a row without a value.
    """
    severities = severities_of(summary)
    cells = {row.name: row for row in rows_of(summary, "cell")}
    lines = []
    for mean in rows_of(summary, "corruption"):
        if mean.name in summary["corruptions"]:
            keys = [f"{mean.name}/{severity}" for severity in severities]
            lines.append((mean.name, [mean, *(cells.get(key, Row("cell", key, key, None)) for key in keys)]))
    return ["mean", *map(str, severities)], lines


def tabulate_cuts(summary: Mapping[str, Any]) -> dict[str, tuple[list[str], list[tuple[str, int, list[Row]]]]]:
    """Return the tables of what is scored alone, by kind: titles, and name, number of people and rows of each line.

    A run without all cells of its suite has the mean of its own in the place of the suite's, and says of what it is.
    """
    suite = suite_of(summary)
    tables: dict[str, tuple[list[str], list[tuple[str, int, list[Row]]]]] = {}
    for cut in summary.get("cuts") or []:
        rows = list_rows_of_cut(cut, summary["metric"], suite)
        chosen = cut.get("mean_of_chosen")
        if chosen is not None:
            label = f"{cut['name']} {title_chosen(summary)}"
            bounds = (cut.get("intervals") or {}).get("mean_of_chosen")
            rows = [rows[0], Row(cut["kind"], label, label, chosen, bounds)]
        titles = [row.label.removeprefix(f"{cut['name']} ") for row in rows]
        tables.setdefault(str(cut["kind"]), (titles, []))[1].append((str(cut["name"]), int(cut["n_people"]), rows))
    return tables


def title_chosen(summary: Mapping[str, Any]) -> str:
    """Return what the mean of the cells is called that a run has, such as `mean of fog`, or `mean of 3 corruptions`."""
    names = list(dict.fromkeys(key.rpartition("/")[0] for key in summary["cells"]))
    return f"mean of {names[0]}" if len(names) == 1 else f"mean of {len(names)} corruptions"


def row_of_chosen(summary: Mapping[str, Any]) -> Row | None:
    """Return the mean of the corruptions of a run that has not all cells of its suite; None for other runs.

    A summary written before there was an interval of it has none, but for one corruption, of which it is the same.
    """
    scores = list(summary["corruptions"].values())
    if summary.get(suite_of(summary).mean_name) is not None or not scores:
        return None
    said, intervals = summary.get("mean_of_chosen"), summary.get("intervals") or {}
    mean = sum(scores) / len(scores) if said is None else said
    bounds = intervals.get("mean_of_chosen")
    if bounds is None and len(scores) == 1:
        bounds = next(iter(intervals.get("corruptions", {}).values()), None)
    return Row("chosen", "mean_of_chosen", title_chosen(summary), mean, bounds)


def tabulate_changes(summary: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, list[float | None]]]]:
    """Return titles, and by corruption who is lost and new under it, 0..1: of a run that has consistency."""
    changes = summary.get("changes") or {}
    return ["lost", "new"], [(name, [of.get("lost"), of.get("new")]) for name, of in changes.items()]


def suite_of(summary: Mapping[str, Any]) -> Suite:
    """Return the suite of a summary, with the names that its means have there.

    Summaries of robustpose 0.1.0 name none: they are of the first version of coco-c.
    """
    named = summary.get("suite", {**COCO_C.identity, "version": 1})
    if not isinstance(named, Mapping):
        raise UserError(f"its suite must be a name and a version, got {named!r}")
    return name_means(find_suite(str(named.get("name")), named.get("version")), str(summary.get("metric")))


def require_one_suite(summaries: Mapping[Any, Mapping[str, Any]]) -> Suite:
    """Return the suite that summaries, by what people call them, have in common; an error if there are two."""
    first, suite = next((name, suite_of(summary)) for name, summary in summaries.items())
    for name, summary in summaries.items():
        other = suite_of(summary)
        if other.mean_name != suite.mean_name and other.identity == suite.identity:
            metrics = [str(summaries[one].get("metric")) for one in (first, name)]
            raise UserError(
                f"{first} and {name} have no scores in common: their scores are {' and '.join(metrics)} (consistency "
                "says how much poses change under corruption, not how right they are)"
            )
        if other != suite:
            raise UserError(
                f"{first} and {name} have no scores in common: their suites are {suite.label} and {other.label}"
            )
    return suite


def explain_no_mean(summary: Mapping[str, Any]) -> str:
    """Return why a run has no mean of its suite, such as no mPC; nothing for one that has."""
    suite = suite_of(summary)
    if summary[suite.mean_name] is not None:
        return ""
    names = f"{suite.mean_name} and {suite.ratio_name} need" if suite.ratio_name else f"{suite.mean_name} needs"
    of_suite = {cell.key for cell in suite.cells}
    n_own = sum(key in of_suite for key in summary["cells"])
    others = len(summary["cells"]) - n_own
    has = f"{n_own or 'none'} of these" if others else n_own
    cells = f"clean and all {suite.n_cells} cells{f' of {suite.name}' if others else ''}"
    return f"{names} {cells}; this run has {has}."


def as_number(value: float | None) -> float | None:
    """Return a score as files of results have it: None where there is nobody."""
    return None if value is None or not math.isfinite(value) else float(value)


def percent(value: float | None, digits: int = 1) -> str:
    """Return 0.4123 as `41.2`, and a dash for what is not defined."""
    return "–" if value is None else f"{100 * value:.{digits}f}"


def model_name(summary: Mapping[str, Any]) -> str:
    """Return what tables call a run: by the name that it was given, or else by its estimator."""
    return str(summary["name"]) if summary.get("name") else name_estimator(summary["provenance"])


def data_name(summary: Mapping[str, Any]) -> str:
    """Return what tables call the data of a run, with what is unusual in what is scored, such as `12 of 14 joints`."""
    dataset = summary["provenance"]["dataset"]
    notes = list_notes(dataset, summary.get("warnings"))
    return f"{dataset.get('name')}" + (f" ({', '.join(notes)})" if notes else "")


def title_metric(summary: Mapping[str, Any]) -> str:
    """Return what titles of tables call the score of a run, such as `AP`, or `PCK (pck:box@0.2)`."""
    pck = name_pck(summary["provenance"].get("dataset") or {})
    return f"{summary['metric']} ({pck})" if pck else str(summary["metric"])


def severities_of(summary: Mapping[str, Any]) -> list[int]:
    """Return the severities of a run."""
    return sorted({int(key.rpartition("/")[2]) for key in summary["cells"]})
