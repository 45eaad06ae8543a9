"""Across suites: models by suites, from runs of several suites of the same images; and whether gains hold on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from robustpose.corruptions.suites import Suite
from robustpose.results.compared import ComparedRow, Comparison
from robustpose.results.held_gains import Gain
from robustpose.results.parts import describe_part
from robustpose.results.resampling import LEVEL
from robustpose.results.score_names import MEAN_OF_CHOSEN
from robustpose.results.terms import add_images, explain_chosen
from robustpose.results.verdict_across import describe_across


@dataclass(frozen=True)
class AcrossSuites:
    """Models by suites; the first model is what the others are compared with.

    Each of `comparisons` is of one suite and has all models, with None where a model has no run of it.
    """

    comparisons: tuple[Comparison, ...]
    clean: ComparedRow  # of all models: the images are the same in all suites
    gains: tuple[Gain, ...]  # by model, then by suite: of all that have both suites, as has the first model
    folders: tuple[tuple[str | None, ...], ...]  # of the runs: by suite, then by model
    seen: tuple[tuple[str, ...], ...]  # by model: the corruptions that it is known to have learned from
    notes: tuple[str, ...]  # what is not as one might expect, though it can be compared

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the models, all different."""
        return self.comparisons[0].names

    @property
    def letters(self) -> list[str]:
        """Return what the models are called in tables: A, B, …"""
        return self.comparisons[0].letters

    @property
    def suites(self) -> list[Suite]:
        """Return the suites, the one that gains are held against first."""
        return [comparison.suite for comparison in self.comparisons]

    @property
    def first(self) -> Comparison:
        """Return the comparison on the suite that gains are held against; data and metric are the same in all."""
        return self.comparisons[0]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return why scores of the runs could be wrong, each once."""
        return tuple(dict.fromkeys(text for comparison in self.comparisons for text in comparison.warnings))

    @property
    def verdict(self) -> tuple[str, ...]:
        """Return what is found in words, a sentence each."""
        return describe_across(self)

    def find_suite(self, label: str) -> Comparison:
        """Return the comparison on a suite, by its label."""
        return next(comparison for comparison in self.comparisons if comparison.suite.label == label)

    def list_seen(self, comparison: Comparison) -> list[tuple[str, ...]]:
        """Return by model which corruptions of a suite's rows it has learned from."""
        names = [row.name for row in comparison.rows if row.kind == "corruption"]
        return [tuple(name for name in names if name in seen) for seen in self.seen]

    @property
    def overview(self) -> list[tuple[Comparison, ComparedRow]]:
        """Return the columns of the table of models by suites: the clean score once, then of each suite the headline.

        A suite that is not complete has the mean of its cells; one without corrupted cells has no column.
        """
        columns = [(self.first, self.clean)]
        for comparison in self.comparisons:
            rows = [row for row in comparison.rows[1:] if row.kind in ("headline", "chosen")]
            columns += [(comparison, row) for row in rows if any(value is not None for value in row.values)]
        return columns

    def label(self, comparison: Comparison, row: ComparedRow) -> str:
        """Return what a column is called on its suite: `mPC`, or `mean of 15 corruptions at severities 1, 3, 5`."""
        label = comparison.label(row)
        return f"{label}{_say_cells(comparison)}" if row.name == MEAN_OF_CHOSEN else label

    @property
    def terms(self) -> list[tuple[str, str]]:
        """Return what the columns of the overview are: names and words, of no others."""
        found: dict[str, str] = {}
        for comparison, row in self.overview:
            known, label = dict(comparison.terms), self.label(comparison, row)
            if row.name == MEAN_OF_CHOSEN:
                words = explain_chosen(self.first.metric, comparison.suite)
                found[f"{comparison.suite.name} {label}"] = add_images(words, comparison.of_part)
            elif row.name in known:
                found.setdefault(label, known[row.name])
        return list(found.items())

    @property
    def of_images(self) -> str:
        """Return of what scores are: `161 images`, or `161 images, severities 1, 3, 5 of 1 to 5`."""
        run = {tuple(list_severities(comparison)) for comparison in self.comparisons}
        whole = {comparison.suite.severities for comparison in self.comparisons}
        if len(run) > 1 or len(whole) > 1 or run == whole or run == {()}:
            return self.first.of_images  # columns say what is of which suite
        (severities,), (of,) = run, whole
        return f"{self.first.of_images}, {_spell_severities(severities)} of {of[0]} to {of[-1]}"

    def to_json(self) -> dict[str, Any]:
        """Return what comparison.json holds."""
        first = self.first
        return {
            "level": LEVEL,
            "verdict": " ".join(self.verdict),
            **{name: getattr(first, name) for name in ("names", "metric", "dataset", "n_images", "n_all", "resamples")},
            **describe_part(first.part),
            "seen": self.seen,
            "warnings": self.warnings,
            "notes": self.notes,
            "suites": [
                {
                    "suite": comparison.suite.identity,
                    "runs": folders,
                    "corruptions": list_corruptions(comparison),
                    "severities": list_severities(comparison),
                    "rows": [row.to_json() for row in comparison.rows],
                }
                for comparison, folders in zip(self.comparisons, self.folders, strict=True)
            ],
            "held_against": first.suite.identity,
            "gains": [gain.to_json() for gain in self.gains],
        }


def list_corruptions(comparison: Comparison) -> list[str]:
    """Return the corruptions of the cells that are compared on a suite."""
    return list(dict.fromkeys(corruption for corruption, _ in _list_cells(comparison)))


def list_severities(comparison: Comparison) -> list[int]:
    """Return the severities of the cells that are compared on a suite."""
    return sorted({severity for _, severity in _list_cells(comparison)})


def _say_cells(comparison: Comparison) -> str:
    """Return what is to be said of cells behind a mean of theirs, where some severities are not there."""
    cells, severities = _list_cells(comparison), list_severities(comparison)
    if len(cells) < len(list_corruptions(comparison)) * len(severities):
        return f" in {len(cells)} cells"
    return "" if tuple(severities) == comparison.suite.severities else f" at {_spell_severities(severities)}"


def _spell_severities(severities: Sequence[int]) -> str:
    return f"severit{'y' if len(severities) == 1 else 'ies'} {', '.join(map(str, severities))}"


def _list_cells(comparison: Comparison) -> list[tuple[str, int]]:
    """Return corruption and severity of each cell that is compared."""
    parts = [row.name.rpartition("/") for row in comparison.rows if row.kind == "cell"]
    return [(corruption, int(severity)) for corruption, _, severity in parts]
