"""Compared: what comparing finds: differences of scores, rows of them, slices of people, and runs beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from robustpose.corruptions.suites import Suite
from robustpose.results.parts import Part, describe_part
from robustpose.results.resampling import FEW_IMAGES, LEVEL, interval
from robustpose.results.rows import Interval, percent, title_chosen
from robustpose.results.score_names import MEAN_OF_CHOSEN
from robustpose.results.seen import MEAN_OF_UNSEEN, mark_seen
from robustpose.results.verdict_compare import describe_comparison


@dataclass(frozen=True)
class Difference:
    """A score (0..1) less another run's; no interval where too many resamples have no score."""

    value: float
    interval: Interval | None
    is_of_few: bool = False  # of fewer than FEW_IMAGES images, of which intervals are too narrow

    @property
    def is_distinguishable(self) -> bool:
        """Return whether the interval leaves 0 out, on the side of the value, and is not of too few images."""
        if self.interval is None or self.is_of_few:
            return False
        low, high = self.interval
        return (low > 0 and self.value > 0) or (high < 0 and self.value < 0)

    @property
    def mark(self) -> str:
        """Return what stands before it: ``≈`` where it may be none, ``?`` where nothing is known, for no interval."""
        return "" if self.is_distinguishable else "? " if self.interval is None else "≈ "

    @property
    def digits(self) -> int:
        """Return how many digits of percent it takes to see it and its interval leave 0: 1 in most cases."""
        seen = [self.value, *(self.interval or ())] if self.is_distinguishable else []
        return next((n for n in range(1, 4) if all(abs(100 * one) >= 0.5 * 10**-n for one in seen)), 4)

    def to_json(self) -> dict[str, Any]:
        """Return what comparison.json holds of it."""
        return {"value": self.value, "interval": self.interval, "distinguishable": self.is_distinguishable}


@dataclass(frozen=True)
class ComparedRow:
    """One score of all runs."""

    kind: str  # `headline`, `group`, `corruption`, `cell`, `chosen`, `unseen`; `category`, `part` or `crowd index`
    name: str  # such as `AP*`, `mPC`, `noise`, `fog` or `fog/3`
    values: tuple[float | None, ...]  # of each run, 0..1; None where it is not defined
    intervals: tuple[Interval | None, ...]  # of each value
    differences: tuple[Difference | None, ...]  # of each run to the first one; None for that, or where not defined
    leaders: tuple[int, ...]  # the runs that are best or cannot be told from the best one
    # Of groups of trainings, whose values are means: the standard deviation between the trainings of each, and what
    # each of them has; both () for runs.
    spreads: tuple[float | None, ...] = ()
    trainings: tuple[tuple[float | None, ...], ...] = ()

    @property
    def has_intervals(self) -> bool:
        """Return whether anything is known of chance: who leads is not, where no difference has an interval."""
        return any(d is not None and d.interval is not None for d in self.differences)

    def spell(self, run: int) -> str:
        """Return what people read of a run or a group, in percent: `61.2`, or `61.2 ± 0.3` with a spread."""
        spread = self.spreads[run] if self.spreads else None
        return percent(self.values[run]) + ("" if spread is None else f" ± {percent(spread)}")

    def to_json(self) -> dict[str, Any]:
        """Return what comparison.json holds of it."""
        apart = [d and d.to_json() for d in self.differences]
        return {**vars(self), "differences": apart}


# From kind, name, the value of each run, and what it scored on the resamples, (R,).
CompareRow = Callable[[str, str, Sequence[float | None], Sequence[Any]], ComparedRow]


@dataclass(frozen=True)
class ComparedSlice:
    """People of one kind, or one joint, in all runs."""

    kind: str  # `size`, `visible joints` or `crowding`; or `joint`
    name: str  # such as `32 to 64 px`, or `left_wrist`
    n_people: int  # of how many people, or of how many annotated joints
    rows: tuple[ComparedRow, ...]  # its headline, as far as runs have it: `AP*`, `mPC` and `rPC`
    figure: str = ""  # what is scored, such as `AP`
    n_images: int | None = None  # that they are on; None where a run of an earlier version does not say

    @property
    def is_of_few_images(self) -> bool:
        """Return whether they are, or must be, on fewer images than intervals of differences need."""
        return (self.n_people if self.n_images is None else self.n_images) < FEW_IMAGES


@dataclass(frozen=True)
class Comparison:
    """Runs beside each other; the first is what the others are compared with."""

    names: tuple[str, ...]  # of the runs, all different
    metric: str  # the figure that counts
    suite: Suite
    dataset: str
    n_images: int
    resamples: int
    rows: tuple[ComparedRow, ...]  # the headline first, then groups, corruptions, cells, and what is scored alone
    notes: tuple[str, ...]  # what is not the same between the runs, though they can be compared
    slices: tuple[ComparedSlice, ...] = ()  # of people, then joints
    scored: str = "people"  # what is counted in slices: people, or instances of other categories
    terms: tuple[tuple[str, str], ...] = ()  # what the numbers of the headline are: names and words
    warnings: tuple[str, ...] = ()  # why scores of a run could be wrong
    setup: tuple[tuple[str, tuple[str | None, ...]], ...] = ()  # what the runs say of themselves, where they differ
    # Names of the runs in each group, whose name then stands in `names`; () where runs are compared one by one.
    trainings: tuple[tuple[str, ...], ...] = ()
    seen: tuple[str, ...] = ()  # corruptions that the network of one run or more has learned from
    part: Part | None = None  # which of the runs' images all of it is of; None for all
    n_all: int | None = None  # how many images the runs have

    @property
    def letters(self) -> list[str]:
        """Return what the runs are called in tables: A, B, …"""
        return [chr(ord("A") + run) if run < 26 else f"run {run + 1}" for run in range(len(self.names))]

    @property
    def titles(self) -> list[str]:
        """Return the names, those of groups with how many trainings they have: `hardened (3 trainings)`."""
        if not self.trainings:
            return list(self.names)
        counted = zip(self.names, map(len, self.trainings), strict=True)
        return [f"{name} ({n} trainings)" for name, n in counted]

    @property
    def note_on_groups(self) -> str:
        """Return what the numbers of groups are; nothing where runs are compared one by one."""
        if not self.trainings:
            return ""
        return "means ± standard deviation between trainings; intervals over trainings and images"

    @property
    def of_part(self) -> str | None:
        """Return of which images the scores are, if not of all: `200 of 400 images (1::2)`."""
        return None if self.part is None or self.n_all is None else self.part.name_images(self.n_all)

    @property
    def of_images(self) -> str:
        """Return of how many images the scores are: `161 images`, or what `of_part` says."""
        return self.of_part or f"{self.n_images} image{'s' * (self.n_images != 1)}"

    @property
    def data(self) -> str:
        """Return the name of the data, with the places of the images where they are not all."""
        return self.dataset if self.part is None else f"{self.dataset}, images {self.part.places}"

    @property
    def note_on_marks(self) -> str:
        """Return what the marks before differences mean; which there are depends on intervals and images."""
        if not self.resamples:
            return "? there is no interval, so nothing is known of chance"
        few = f", or it is of fewer than {FEW_IMAGES} images, of which intervals are too narrow"
        holds = "≈ not distinguishable: the 95 % interval of the paired difference holds 0"
        unknown = any(d is not None and d.interval is None for row in self.rows for d in row.differences)
        return holds + few * (self.n_images < FEW_IMAGES) + "; ? there is no interval" * unknown

    @property
    def has_cells(self) -> bool:
        """Return whether any corrupted cell is compared."""
        return any(row.kind == "cell" for row in self.rows)

    @property
    def verdict(self) -> tuple[str, ...]:
        """Return what the comparison says in words, a sentence each."""
        return describe_comparison(self)

    def label(self, row: ComparedRow) -> str:
        """Return what people read as the name of a row, such as `mean of 2 corruptions`."""
        if row.name == MEAN_OF_UNSEEN:
            return "mean of what none has seen"
        if row.name != MEAN_OF_CHOSEN:
            return mark_seen(row.name, self.seen if row.kind == "corruption" else ())
        return title_chosen({"cells": [one.name for one in self.rows if one.kind == "cell"]})

    def spell_marked(self, row: ComparedRow, run: int) -> str:
        """Return a score as `spell` does, with a star if it leads and not all runs do."""
        leads = run in row.leaders and len(row.leaders) < len(row.values)
        return f"{'*' if leads else ''}{row.spell(run)}"

    def to_json(self) -> dict[str, Any]:
        """Return what comparison.json holds."""
        slices = [{**vars(one), "rows": [row.to_json() for row in one.rows]} for one in self.slices]
        names = ("names", "trainings", "metric", "dataset", "n_images", "resamples", "warnings", "notes", "setup")
        plain = {name: getattr(self, name) for name in (*names, "seen")}
        return {
            "level": LEVEL,
            "suite": self.suite.identity,
            "verdict": " ".join(self.verdict),
            **plain,
            **describe_part(self.part),
            "n_all": self.n_all,
            "rows": [row.to_json() for row in self.rows],
            "slices": slices,
        }


def compare_row(kind: str, name: str, values: Sequence[float | None], resampled: Sequence[Any]) -> ComparedRow:
    """Return one score of all runs, paired, from its values and what the same resamples scored, (R,) each.

    Resamples are None of a score that is not defined, and (0,) where a run kept none: then there are no intervals.
    """
    intervals = [None if among is None else interval(among) for among in resampled]
    return make_row(kind, name, values, intervals, partial(subtract_runs, values, resampled))


def make_row(
    kind: str,
    name: str,
    values: Sequence[float | None],
    intervals: Sequence[Interval | None],
    subtract: Callable[[int, int], Difference | None],
    **of_groups: Any,
) -> ComparedRow:
    """Return a row, with what `subtract` gives of a run and another one; `of_groups` are its fields of groups."""
    differences = tuple(subtract(run, 0) if run else None for run in range(len(values)))
    defined = [run for run, value in enumerate(values) if value is not None]
    leaders: tuple[int, ...] = ()
    if defined:
        best = max(defined, key=lambda run: (values[run], -run))
        behind = {run: subtract(run, best) for run in defined if run != best}
        ties = [run for run, apart in behind.items() if apart is not None and not apart.is_distinguishable]
        leaders = (best, *ties)
    return ComparedRow(kind, name, tuple(values), tuple(intervals), differences, leaders, **of_groups)


def doubt_row(row: ComparedRow) -> ComparedRow:
    """Return a row of too few images: its intervals stay, but nothing is told apart by them, so all lead."""
    leaders = (*row.leaders, *(run for run, value in enumerate(row.values) if value is not None))
    differences = tuple(d and replace(d, is_of_few=True) for d in row.differences)
    return replace(row, differences=differences, leaders=tuple(dict.fromkeys(leaders)))


def subtract_runs(values: Sequence[float | None], resampled: Sequence[Any], run: int, other: int) -> Difference | None:
    """Return the score of a run less that of another one; None where one is not defined."""
    mine, its = values[run], values[other]
    if mine is None or its is None:
        return None
    mine_again, its_again = resampled[run], resampled[other]
    is_paired = len(mine_again) == len(its_again)
    return Difference(mine - its, interval(mine_again - its_again) if is_paired else None)
