"""Findings: what measurements say of each claim of the paper: they support it, contradict it, or cannot tell.

A claim is supported if all of its comparisons support it, and contradicted as soon as one does; a comparison with an
interval says only what all of its interval says. Otherwise these measurements cannot tell, and one line says what is
missing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from robustpose.config import flatten_values
from robustpose.errors import first_few, spell_list
from robustpose.results.claims import CLAIMS, Claim
from robustpose.results.comparisons import CANNOT_TELL, CONTRADICTS, PARTLY, SUPPORTS, Comparison, Verdict
from robustpose.results.measurement import Measurement
from robustpose.results.resampling import LEVEL
from robustpose.results.rows import headline_columns

SHOWN = 4  # names in a line
TEXTS = {SUPPORTS: "for", CONTRADICTS: "against", CANNOT_TELL: "open"}


@dataclass(frozen=True)
class Finding:
    """One claim, and what is found of it."""

    claim: Claim
    comparisons: tuple[Comparison, ...]
    verdict: Verdict
    by_data: dict[str, Verdict]  # by `Measurement.pixels`
    reason: str  # one line

    def to_json(self, data: dict[str, str]) -> dict[str, Any]:
        """Return what findings.json holds of it, given the names of the data."""
        return {
            **{key: getattr(self.claim, key) for key in ("name", "source", "sentence")},
            "verdict": self.verdict,
            "by_data": {data[pixels]: verdict for pixels, verdict in self.by_data.items()},
            "reason": self.reason,
            "comparisons": [{"data": data[one.pixels], **one.to_json()} for one in self.comparisons],
        }


@dataclass(frozen=True)
class Findings:
    """All claims, what they were judged on, and what has to be said of it."""

    measurements: tuple[Measurement, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    resamples: int | None  # None for the paper's numbers, which have no intervals

    @property
    def data(self) -> dict[str, str]:
        """Return what people call the data, by `Measurement.pixels`: never two by the same words."""
        named = {one.pixels: one.data for one in self.measurements}
        taken: Counter[str] = Counter()
        for pixels, name in named.items():
            taken[name] += 1
            named[pixels] = name if taken[name] == 1 else f"{name} measured otherwise ({taken[name]})"
        return named

    def to_json(self) -> dict[str, Any]:
        """Return what findings.json holds."""
        return {
            "findings": [finding.to_json(self.data) for finding in self.findings],
            "of": "the paper's tables, without intervals" if self.resamples is None else "runs",
            "level": LEVEL,
            "resamples": self.resamples,
            "measurements": [_measurement_to_json(one, self.data) for one in self.measurements],
            "notes": list(self.notes),
        }


def judge_claims(
    measurements: Sequence[Measurement], notes: Sequence[str] = (), resamples: int | None = None
) -> Findings:
    """Return what measurements say of all claims."""
    found = tuple(judge(claim, measurements) for claim in CLAIMS)
    more = [] if resamples is None else [*_note_apart(measurements), *_note_unknown(measurements)]
    return Findings(tuple(measurements), found, (*notes, *more, *_note_seen(found, measurements)), resamples)


def judge(claim: Claim, measurements: Sequence[Measurement]) -> Finding:
    """Return what measurements say of a claim."""
    comparisons = tuple(claim.compare(measurements))
    by_data: dict[str, list[Comparison]] = {}
    for one in comparisons:
        by_data.setdefault(one.pixels, []).append(one)
    verdicts = {pixels: _sum_up(of) for pixels, of in by_data.items()}
    verdict = _sum_up(comparisons)
    reason = _say_counts(comparisons) if comparisons else _say_missing(claim, measurements)
    if comparisons and verdict == CANNOT_TELL:
        without = dict.fromkeys(
            name for one in comparisons if one.interval is None and not one.is_printed for name in one.runs
        )
        reason += f"; {_few(without)} without intervals" if without else "; intervals reach beyond what the claim says"
    is_printed = bool(measurements) and all(one.is_printed for one in measurements)
    if is_printed and claim.published:
        reason += f". {claim.published}"
    return Finding(claim, comparisons, verdict, verdicts, reason)


def show_comparison(one: Comparison) -> str:
    """Return the value of a comparison and its interval: `+2.1 [1.2, 3.0]` points, or a rank or a correlation."""
    factor, form = {"points": (100, ".1f"), "rank": (1, ".3g"), "correlation": (1, ".2f")}[one.unit]
    value = f"{factor * one.value:{'+' if one.unit == 'points' else ''}{form}}"
    if one.interval is None:
        return value
    return f"{value} [{', '.join(f'{factor * end:{form}}' for end in one.interval)}]"


def _sum_up(comparisons: Sequence[Comparison]) -> Verdict:
    verdicts = {one.verdict for one in comparisons}
    if CONTRADICTS in verdicts:
        return PARTLY if SUPPORTS in verdicts else CONTRADICTS
    return SUPPORTS if verdicts == {SUPPORTS} else CANNOT_TELL


def _say_counts(comparisons: Sequence[Comparison]) -> str:
    """Return how many comparisons are for and against a claim, and of those that decide the one least for it."""
    counts = Counter(one.verdict for one in comparisons)
    shown = ", ".join(f"{counts[verdict]} {text}" for verdict, text in TEXTS.items() if counts[verdict])
    decides = CONTRADICTS if counts[CONTRADICTS] else _sum_up(comparisons)
    deciding = [one for one in comparisons if one.verdict == decides]
    least = min(deciding, key=lambda one: one.margin)
    return f"{shown}; weakest {least.what}: {show_comparison(least)} ({least.of})"


def _say_missing(claim: Claim, measurements: Sequence[Measurement]) -> str:
    """Return which runs a claim needs, and how many of those that are there do not say what it has to know."""
    lacking = {key: sum(getattr(one.about, key) is None for one in measurements) for key in claim.knows}
    unsaid = [f"{key} of {count}" for key, count in lacking.items() if count]
    return f"needs {claim.needs}" + (f"; not known: {', '.join(unsaid)} of {len(measurements)} runs" if unsaid else "")


def _note_unknown(measurements: Sequence[Measurement]) -> list[str]:
    """Return notes on what runs do not say of themselves, and what follows from that."""
    notes = []
    for key in ("network", "input", "training", "boxes"):
        lacking = [one for one in measurements if getattr(one.about, key) is None]
        names = [one.name for one in lacking if not (one.is_adapted and key in ("network", "input"))]
        if names:
            notes.append(f"{key} is not known of {_few(names)}: --set RUN.{key}=… says it")
    adapted = [one.name for one in measurements if one.is_adapted]
    if adapted:
        notes.append(f"{_few(adapted)} adapted at test time, and so stands for no network in claims about networks")
    if any(one.about.training is None for one in measurements):
        notes.append("runs of which no training is known are compared among themselves as if they were trained alike")
    return notes


def _note_seen(found: Sequence[Finding], measurements: Sequence[Measurement]) -> list[str]:
    """Return a note on measurements that are compared with others which have not seen the same in training."""
    seen = {one.name: one.seen for one in measurements}
    pairs = {comparison.runs for finding in found for comparison in finding.comparisons}
    apart = {
        name: None for runs in sorted(pairs) if len({seen[run] for run in runs}) > 1 for name in runs if seen[name]
    }
    if not apart:
        return []
    shown = spell_list(dict.fromkeys(corruption for name in apart for corruption in seen[name]))
    return [
        f"{_few(apart)} learned from corruptions that others are tested on as something new (seen in training: "
        f"{shown}): comparisons over all corruptions favour what has seen some of them"
    ]


def _note_apart(measurements: Sequence[Measurement]) -> list[str]:
    """Return notes on measurements that are on other data, or were measured otherwise, than most are."""
    groups: dict[str, list[str]] = {}
    data: dict[str, str] = {}
    for one in measurements:
        groups.setdefault(one.pixels, []).append(one.name)
        data[one.pixels] = one.data
    usual = max(groups, key=lambda pixels: len(groups[pixels]))
    expected = dict(flatten_values(json.loads(usual)))
    notes = []
    for pixels, names in groups.items():
        came = dict(flatten_values(json.loads(pixels)))
        keys = [key for key in {**expected, **came} if expected.get(key) != came.get(key)]
        if keys:
            is_other = data[pixels] != data[usual]  # its name says more than what follows from it
            differences = [f"other data: {data[pixels]} and {data[usual]}"] if is_other else []
            differences += [
                f"{key.rpartition('.')[2]} {came.get(key)} and {expected.get(key)}"
                for key in keys
                if not (is_other and key.startswith("data."))
            ]
            who = f"{_few(names)} with {_few(groups[usual])}"
            notes.append(f"not compared: {who}: {first_few(differences, 'differences')}")
    return notes


def _few(names: Sequence[str] | dict[str, None]) -> str:
    listed = list(names)
    return spell_list(listed) if len(listed) <= SHOWN else f"{', '.join(listed[:SHOWN])} and {len(listed) - SHOWN} more"


def _measurement_to_json(one: Measurement, data: dict[str, str]) -> dict[str, Any]:
    headline = {name: value_of(one.means) for name, value_of in headline_columns(one.suite).items()}
    known = one.about.model_dump(exclude_none=True)
    return {
        "name": one.name,
        "data": data[one.pixels],
        "metric": one.metric,
        "suite": one.suite.identity,
        **known,
        **headline,
        "has_intervals": one.resampled is not None,
    }
