"""Gates: bounds that the scores of a run must reach, such as an mPC of 0.30.

A gate is read and held against what a run will have before anything is predicted: a name that nobody will ever find a
score for is an error, never a gate that was passed. Scores are compared as they are, unrounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

from robustpose.corruptions.suites import Suite
from robustpose.errors import UserError, quote
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.rows import Interval, list_rows, row_of_chosen, suite_of
from robustpose.results.score_names import MEAN_OF_CHOSEN, explain_lack, find_name, name_scores
from robustpose.results.spelling import NUMBER


@dataclass(frozen=True)
class Gate:
    """A bound (0..1) that a score must reach, and both as they were written."""

    name: str
    bound: float
    written: str  # the bound, such as `0.30` or `30%`


@dataclass(frozen=True, repr=False)
class Judged:
    """A gate, and the score of a run that it was held against."""

    gate: Gate
    name: str  # as tables have it, such as `AP*` or `fog/3`
    value: float  # 0..1
    interval: Interval | None

    @property
    def is_passed(self) -> bool:
        """Return whether the score reaches the bound; one that is just as large does."""
        return self.value >= self.gate.bound

    def __repr__(self) -> str:
        return f"<{self.describe()}>"

    def describe(self) -> str:
        """Return the line that people read."""
        value, interval = spell_apart(self.value, self.gate.bound), spell_interval(self.interval)
        if self.gate.written.endswith("%"):  # one unit in a line
            value, interval = (re.sub(r"\d[\d.e-]*", _to_percent, text) for text in (value, interval))
        words = "is at least" if self.is_passed else "is below"
        return f"{'passed' if self.is_passed else 'FAILED'}: {self.name} {value}{interval} {words} " + self.gate.written

    def to_json(self) -> dict[str, Any]:
        """Return what JSON has of it."""
        return {
            "name": self.name,
            "value": self.value,
            "interval": self.interval,
            "at_least": self.gate.bound,
            "passed": self.is_passed,
        }


def parse_gates(texts: Iterable[str]) -> list[Gate]:
    """Return the gates of ``NAME=BOUND``, each text with one or with several between commas.

    >>> parse_gates(["mPC=0.30,fog=40%"])
    [Gate(name='mPC', bound=0.3, written='0.30'), Gate(name='fog', bound=0.4, written='40%')]
    """
    gates: dict[str, Gate] = {}
    for text in texts:
        words = [word.strip() for word in text.split(",")]
        for word in words:
            name, equals, bound = (part.strip() for part in word.rpartition("="))
            if not equals or not name or not bound:
                raise UserError(
                    f"--fail-under takes NAME=BOUND, such as mPC=0.30, got {quote(word)}"
                    + (f" in {quote(text)} (a comma stands between two gates, a point in a number)" * (len(words) > 1))
                )
            if name.casefold() in gates:
                before = gates[name.casefold()].written
                raise UserError(f"--fail-under gives '{name}' twice, {before} and {bound}: leave one of them out")
            gates[name.casefold()] = Gate(name, parse_share(bound, f"--fail-under {word}"), bound)
    return list(gates.values())


def make_gates(bounds: Any) -> list[Gate]:
    """Return the gates of a program: bounds by the names of scores; UserError unless each is a number of 0 to 1."""
    if not isinstance(bounds, Mapping):
        raise UserError(f"bounds are given by the names of scores, {{'mPC': 0.3}}, got {quote(bounds)}")
    return [_make_gate(name, bound) for name, bound in bounds.items()]


def _make_gate(name: Any, bound: Any) -> Gate:
    if not isinstance(name, str):
        raise UserError(f"a score is named by a word, such as 'mPC' or 'fog/3', got {quote(name)}")
    plain = bound.item() if getattr(bound, "shape", None) == () else bound  # of NumPy
    is_number = isinstance(plain, Real | Decimal) and not isinstance(plain, bool)
    if not is_number or not 0 <= float(plain) <= 1:
        raise UserError(f"the bound of {quote(name)} must be a number of 0 to 1, got {quote(plain)}")
    return Gate(name.strip(), float(plain), repr(float(plain)))


def parse_share(text: str, what: str) -> float:
    """Return a number of 0..1, or one in percent such as ``30%``, as 0..1; messages call it `what`.

    >>> parse_share("29.9%", "--margin 29.9%")
    0.299
    """
    number = text.strip()
    is_percent = number.endswith("%")
    number = number.removesuffix("%").strip()
    if not NUMBER.fullmatch(number) or not re.fullmatch(r"[^eE]*([eE][+-]?\d{1,3})?", number):
        raise UserError(f"{what}: {quote(text)} must be a number of 0 to 1, such as 0.30, or in percent, such as 30%")
    share = float(Decimal(number) / (100 if is_percent else 1))
    if 1 < share <= 100 and not is_percent:
        raise UserError(f"{what}: scores are 0 to 1, got {number}: is it in percent? Then write {number}%")
    if not 0 <= share <= 1:
        raise UserError(f"{what}: scores are 0 to 1, or 0% to 100%, got {text.strip()}")
    return share


def check_gates(
    gates: Sequence[Gate],
    suite: Suite,
    cells: Sequence[Cell],
    metric: str,
    asked: str = "--fail-under",
    cuts: Sequence[tuple[str, str]] = (),
) -> None:
    """Raise UserError unless a run of these cells, whose figure that counts is `metric`, has a score for each gate.

    Messages begin with where gates were `asked` for. `cuts` are as `name_scores` takes them.
    """
    known = name_scores(suite, cells, metric, cuts)
    of_all = {**name_scores(suite, suite.cells, metric, cuts), **known}
    of_score: dict[str, Gate] = {}
    for gate in gates:
        label = find_name(gate.name, known)
        if label is None:
            raise UserError(f"{asked}: {explain_lack(gate.name, known, of_all, suite)}")
        if label in of_score:
            first = of_score[label]
            raise UserError(
                f"{asked} gives {label} twice, {first.name}={first.written} and {gate.name}={gate.written}: leave one "
                "of them out"
            )
        of_score[label] = gate


def judge_gates(gates: Sequence[Gate], summary: Mapping[str, Any], asked: str = "--fail-under") -> list[Judged]:
    """Return each gate with its score in a summary; UserError for a score that is not defined."""
    if not gates:
        return []
    cells = [CLEAN, *map(Cell.from_key, summary["cells"])]
    suite = suite_of(summary)
    cuts = [(cut["kind"], cut["name"]) for cut in summary.get("cuts") or []]
    check_gates(gates, suite, cells, summary["metric"], asked, cuts)
    known = name_scores(suite, cells, summary["metric"], cuts)
    rows = {(row.kind, row.name): (row.value, row.interval) for row in list_rows(summary)}
    if (chosen := row_of_chosen(summary)) is not None:
        rows["chosen", MEAN_OF_CHOSEN] = chosen.value, chosen.interval
    judged = []
    for gate in gates:
        label = find_name(gate.name, known)
        assert label is not None
        value, interval = rows.get(known[label], (None, None))  # of metrics that score nothing alone
        if value is None or not math.isfinite(value) or value < 0:
            raise UserError(
                f"{asked}: {label} is not defined in this run, so it cannot be held against {gate.written} "
                f"(clean is {summary['clean']})"
            )
        judged.append(Judged(gate, label, value, interval))
    return judged


def spell_apart(value: float, bound: float, signed: str = "") -> str:
    """Return a value with four digits, or with as many more as it takes to see that it is not the bound.

    >>> spell_apart(0.29996, 0.3), spell_apart(0.3, 0.3), spell_apart(0.41, 0.3)
    ('0.29996', '0.3000', '0.4100')
    """
    for digits in range(4, 17):
        text = f"{value:{signed}.{digits}f}"
        if value == bound or ((float(text) < bound) == (value < bound) and float(text) != bound):
            return text
    return f"{value:{signed}}"


def _to_percent(number: re.Match[str]) -> str:
    return f"{Decimal(number[0]).scaleb(2):f}%"


def spell_interval(interval: Interval | None) -> str:
    """Return an interval (0..1) for behind its score; nothing for none."""
    return "" if interval is None else f" [{interval[0]:.4f}, {interval[1]:.4f}]"
