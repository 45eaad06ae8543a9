"""Costs: which corruptions cost a run most, as far as paired resamples of its images tell.

Intervals of two scores that do not overlap prove that the scores differ. Where they overlap, only the interval of the
difference tells (`paired` of summary.json); a run that has none of it is told to be undecided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from robustpose.errors import spell_list
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.printing import one_line
from robustpose.results.rows import Interval, Row, label_headline, percent, rows_of, suite_of
from robustpose.results.spelling import speak

MOST_NAMED = 3  # corruptions that cost about the same
LONGEST_NAME = 60  # letters: a corruption of one's own may be called anything


@dataclass(frozen=True)
class _Worst:
    """What is said of the corruptions that cost most: without a capital and a full stop, and which ones it names."""

    words: str
    named: tuple[str, ...] = ()  # none where it is not said that they cost anything


def tell_costs(summary: Mapping[str, Any], is_of_few: bool) -> list[str]:
    """Return in one sentence or more which corruptions cost most; nothing of a run that has one corruption or none.

    A run without intervals, and one of too few images for them, says what its own images show.
    """
    rows = [row for row in rows_of(summary, "corruption") if row.name in summary["corruptions"]]
    if len(rows) < 2:
        return []
    tell = _tell_on_these if is_of_few or not summary.get("intervals") else _tell_worst
    worst, moving = tell(summary, rows), suite_of(summary).moves_pixels
    told = f"{capitalize(worst.words)}."
    movers = [name for name in worst.named if name in moving]
    if not movers:
        return [told]
    stay = "poses on clean images stay" if summary["metric"] in HELD_AGAINST_CLEAN else "truth stays"
    are_all = len(movers) == len(worst.named)
    who = ("It moves" if len(movers) == 1 else "They move") if are_all else f"{capitalize(spell(movers[0]))} moves"
    told += f" {who} pixels while the {stay}, so a part of this is not the model's fault."
    others = [row for row in rows if row.name not in moving]
    if are_all and len(others) > 1:
        told += f" Of those that leave pixels in place, {tell(summary, others, 'none').words}."
    return [told]


def _tell_on_these(summary: Mapping[str, Any], rows: Sequence[Row], none: str = "no corruption") -> _Worst:
    """Return which corruptions cost most on the images of a run, whatever others may say."""
    first, *others = sorted(rows, key=lambda row: row.score)
    loss = float(summary["clean"]) - first.score
    if loss <= 0:
        return _Worst(_spell_no_loss(summary, none))
    worst = [first, *(row for row in others if percent(row.value) == percent(first.value))]
    if len(worst) == 1:
        return _Worst(f"on these images {spell(first.name)} costs most, {_points(loss)}", (first.name,))
    if len(worst) > MOST_NAMED:
        return _Worst(f"on these images {len(worst)} corruptions cost most, {_points(loss)} each")
    names = tuple(row.name for row in worst)
    return _Worst(f"on these images {spell_list([*map(spell, names)], 'and')} cost most, {_points(loss)} each", names)


def _tell_worst(summary: Mapping[str, Any], rows: Sequence[Row], none: str = "no corruption") -> _Worst:
    """Return which corruptions cost most on other images, too, as far as intervals bear it."""
    paired = summary.get("paired") or {}
    first, *others = sorted(rows, key=lambda row: row.score)
    loss, name = float(summary["clean"]) - first.score, spell(first.name)
    if loss <= 0:
        return _Worst(_spell_no_loss(summary, none))
    clean = next(row for row in rows_of(summary, "headline") if row.name == "clean")
    bounds = (paired.get("losses") or {}).get(first.name)
    if not _is_sure_to_lose(summary) and not _is_above(bounds, clean.interval, first.interval):
        if bounds is None:
            return _Worst(f"on these images {name} costs most, {_points(loss)}; of others these intervals do not tell")
        ends = f"{100 * summary['intervals']['level']:g} % interval {100 * bounds[0]:.1f} to {100 * bounds[1]:.1f}"
        return _Worst(f"{none} is shown to cost anything: {name} comes first with {_points(loss)} ({ends})")
    more = (paired.get("more") or {}).get(first.name) or {}
    rivals = [row for row in others if not _is_above(more.get(row.name), row.interval, first.interval)]
    if not rivals:
        return _Worst(f"{name} costs most, {_points(loss)}", (first.name,))
    if any(more.get(row.name) is None for row in rivals):
        some = spell(rivals[0].name) if len(rivals) == 1 else f"{len(rivals)} others"
        words = f"on these images {name} costs most, {_points(loss)}"
        return _Worst(f"{words}; whether {some} may cost as much is not known", (first.name,))
    if len(rivals) >= MOST_NAMED:
        words = f"{none} stands out: {name} costs {_points(loss)}, {len(rivals)} others may cost as much"
        return _Worst(words, (first.name,))
    worst = [first, *rivals]
    costs = spell_list([f"{100 * (float(summary['clean']) - row.score):.1f}" for row in worst], "and")
    words = f"{spell_list([spell(row.name) for row in worst], 'and')} cost most, {costs} points, too close to say which"
    return _Worst(words, tuple(row.name for row in worst))


def _is_above(paired: Interval | None, high: Interval | None, low: Interval | None) -> bool:
    """Return whether a score is above another: by the interval of the difference, else by two that do not overlap."""
    if paired is not None:
        return paired[0] > 0
    return high is not None and low is not None and low[1] < high[0]


def _is_sure_to_lose(summary: Mapping[str, Any]) -> bool:
    """Return whether the ratio, whose interval is of paired resamples, says that corruption costs something."""
    ratio = suite_of(summary).ratio_name
    bounds = next((row.interval for row in rows_of(summary, "headline") if ratio and row.name == ratio), None)
    return bounds is not None and bounds[1] < 1


def _spell_no_loss(summary: Mapping[str, Any], none: str) -> str:
    metric = label_headline("clean", str(summary["metric"])).rstrip("*")
    under = "no corruption" if none == "no corruption" else "none of them"
    return f"under {under} is {metric} lower than on clean images"


def _points(loss: float) -> str:
    return f"{100 * loss:.1f} points"


def spell(name: str) -> str:
    """Return what a sentence calls a corruption."""
    return one_line(speak(name), LONGEST_NAME)


def capitalize(text: str) -> str:
    """Return words with a capital first; the name of somebody's own code, such as `mine:darken`, stays as it is."""
    return text if ":" in text.split(" ")[0] else text[:1].upper() + text[1:]
