"""Losses: scores that a run has less of than the run it is compared with, beyond what other images could explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.cuts import CUTS
from robustpose.results.compared import Comparison
from robustpose.results.gates import spell_apart
from robustpose.results.resampling import FEW_IMAGES
from robustpose.results.rows import Interval
from robustpose.results.score_names import explain_lack, find_name, name_scores


@dataclass(frozen=True)
class JudgedDifference:
    """A score of a run less that of the run it is compared with."""

    name: str  # of the score, such as `mPC`
    run: str
    reference: str
    value: float  # of the difference, -1..1
    interval: Interval  # of the paired resamples
    margin: float  # how much may be lost, 0..1

    @property
    def is_passed(self) -> bool:
        """Return whether not all of the interval is a loss of more than the margin."""
        return self.interval[1] >= -self.margin

    def describe(self) -> str:
        """Return the line that people read."""
        high = spell_apart(self.interval[1], -self.margin, "+")
        words = f"{self.value:+.4f} [{self.interval[0]:+.4f}, {high}]"
        if self.is_passed:
            bound = f" by more than {self.margin:g}" if self.margin else ""
            return (
                f"passed: {self.name} of {self.run} is not shown to be worse than of {self.reference}{bound}: {words}"
            )
        bound = f"below -{self.margin:g}" if self.margin else "below 0"
        return f"FAILED: {self.name} of {self.run} is worse than of {self.reference}: {words}, all of it {bound}"

    def to_json(self) -> dict[str, Any]:
        """Return what JSON has of it."""
        return {
            "name": self.name,
            "run": self.run,
            "reference": self.reference,
            "difference": self.value,
            "interval": self.interval,
            "margin": self.margin,
            "passed": self.is_passed,
        }


def judge_differences(comparison: Comparison, names: Sequence[str], margin: float = 0.0) -> list[JudgedDifference]:
    """Return what the scores of these names say of each run against the first one.

    Raises:
        UserError: no score has such a name, or there is no interval of its difference.
    """
    cells = [CLEAN, *(Cell.from_key(row.name) for row in comparison.rows if row.kind == "cell")]
    compared = {(row.kind, row.name): row for row in comparison.rows}
    suite, metric = comparison.suite, comparison.metric
    all_known = name_scores(suite, cells, metric)
    all_known |= {row.name: (row.kind, row.name) for row in comparison.rows if row.kind in CUTS}
    known = {name: row for name, row in all_known.items() if (row[0], name) in compared}
    of_all = {**name_scores(suite, suite.cells, metric), **known}
    judged = []
    for word in names:
        label = find_name(word, known)
        if label is None:
            raise UserError(f"--fail-if-worse: {explain_lack(word, known, of_all, suite)}")
        row = compared[known[label][0], label]
        for run, name in list(enumerate(comparison.names))[1:]:
            difference = row.differences[run]
            if comparison.n_images < FEW_IMAGES:
                raise UserError(
                    f"--fail-if-worse needs {FEW_IMAGES} images or more, got {comparison.n_images}: 95 % intervals of "
                    "so few are too narrow to tell a loss from luck; bench more images"
                )
            if difference is None or difference.interval is None:
                raise UserError(
                    f"--fail-if-worse: the difference of {label} between {comparison.names[0]} and {name} has no "
                    "interval, since too many resamples of the images have no such score: bench more images"
                )
            judged.append(
                JudgedDifference(label, name, comparison.names[0], difference.value, difference.interval, margin)
            )
    return judged
