"""Small curves: a small drawing for each corruption of how all runs fall from clean to its harshest severity.

They are drawn as SVG by the template `compare_curves.html.j2`, on one scale, so that corruptions can be held against
each other at a glance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from robustpose.results.compared import ComparedRow, Comparison
from robustpose.results.rows import Interval, percent
from robustpose.results.verdict_compare import find_main_row
from robustpose.show.pages.charts import COLORS
from robustpose.show.pages.page import interval_words, spoken

WIDTH, HEIGHT = 200, 132  # of a drawing, in its own units
LEFT, RIGHT, TOP, BOTTOM = 24, 6, 8, 18  # around the curves
DASHES = ("", "6 3", "2 3", "8 3 2 3")
MOST_CURVES = 6  # runs: as many as there are colours

Point = tuple[float, float]


@dataclass(frozen=True)
class Dot:
    """One score."""

    x: float
    y: float
    words: str


@dataclass(frozen=True)
class Curve:
    """One run under one corruption."""

    letter: str
    color: str  # its name in the page's styles
    dashes: str
    dots: tuple[Dot, ...]
    band: tuple[Point, ...]  # around the intervals; () where a point has none


@dataclass(frozen=True)
class Drawing:
    """All runs under one corruption."""

    name: str
    words: str  # for those who do not see it
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Scale:
    """Where severities and scores are in a drawing."""

    severities: tuple[int, ...]
    ceiling: float  # 0..1

    def x(self, severity: int) -> float:
        """Return where a severity is, 0 for clean."""
        step = (WIDTH - LEFT - RIGHT) / max(len(self.severities), 1)
        place = 0 if severity == 0 else 1 + self.severities.index(severity)
        return round(LEFT + step * place, 1)

    def y(self, score: float) -> float:
        """Return where a score is."""
        room = HEIGHT - TOP - BOTTOM
        return round(TOP + room * (1 - min(max(score / self.ceiling, 0.0), 1.0)), 1)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Return where lines go across, with what they are called."""
        return [(self.y(self.ceiling * part), f"{100 * self.ceiling * part:g}") for part in (0, 0.5, 1)]


def choose_runs(comparison: Comparison) -> list[int]:
    """Return the runs that are drawn: all, or the first one and those that score highest, in their order."""
    runs, main = range(len(comparison.names)), find_main_row(comparison)
    if len(runs) <= MOST_CURVES or main is None:
        return list(runs)[:MOST_CURVES]
    ranked = sorted(runs[1:], key=lambda run: -(main.values[run] or 0.0))
    return [0, *sorted(ranked[: MOST_CURVES - 1])]


def draw_curves(comparison: Comparison) -> tuple[list[Drawing], Scale] | None:
    """Return a drawing for each corruption, and their scale; None without corruptions."""
    cells = {row.name: row for row in comparison.rows if row.kind == "cell"}
    names = [row.name for row in comparison.rows if row.kind == "corruption"]
    clean = next((row for row in comparison.rows if row.kind == "headline"), None)
    if not cells or not names or clean is None:
        return None
    severities = tuple(sorted({int(end) for name in cells if (end := name.rpartition("/")[2]).isdecimal()}))
    top = max((score for row in (clean, *cells.values()) for score in _list_scores(row)), default=0.0)
    scale = Scale(severities, min(1.0, 0.2 * math.ceil(5 * top + 1e-9) or 0.2))
    runs = choose_runs(comparison)
    drawings = []
    for name in names:
        rows = {0: clean, **{one: cells[f"{name}/{one}"] for one in severities if f"{name}/{one}" in cells}}
        curves = tuple(_draw(comparison, run, number, rows, scale) for number, run in enumerate(runs))
        words = "; ".join(f"{curve.letter}: {', '.join(dot.words for dot in curve.dots)}" for curve in curves)
        drawings.append(Drawing(name, f"{spoken(name)}. {words}", curves))
    return drawings, scale


def _list_scores(row: ComparedRow) -> list[float]:
    ends = [end for interval in row.intervals if interval is not None for end in interval]
    return [*(value for value in row.values if value is not None), *ends]


def _draw(comparison: Comparison, run: int, number: int, rows: Mapping[int, ComparedRow], scale: Scale) -> Curve:
    known = {severity: row for severity, row in rows.items() if row.values[run] is not None}
    dots = tuple(
        Dot(scale.x(severity), scale.y(row.values[run] or 0.0), _spell(severity, row.values[run], row.intervals[run]))
        for severity, row in known.items()
    )
    ends = [(scale.x(severity), interval) for severity, row in known.items() if (interval := row.intervals[run])]
    return Curve(
        letter=comparison.letters[run],
        color=COLORS[number],
        dashes=DASHES[number % len(DASHES)],
        dots=dots,
        band=_surround(ends, scale) if len(ends) == len(known) else (),
    )


def _surround(ends: Sequence[tuple[float, Interval]], scale: Scale) -> tuple[Point, ...]:
    above = [(x, scale.y(interval[1])) for x, interval in ends]
    below = [(x, scale.y(interval[0])) for x, interval in reversed(ends)]
    return (*above, *below)


def _spell(severity: int, value: float | None, interval: Interval | None) -> str:
    where = "clean" if severity == 0 else f"severity {severity}"
    return f"{where} {percent(value)}" + (f" ({interval_words(interval)})" if interval else "")
