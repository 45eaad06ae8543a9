"""Across: finished runs of several suites, as models by suites."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustpose.api.comparing import Comparison
from robustpose.api.places import find_folder
from robustpose.api.tables import make_frame
from robustpose.errors import UserError, nearest, quote
from robustpose.results import across as results
from robustpose.results.compared import Difference
from robustpose.results.held_gains import Gain
from robustpose.show.across_inline import across_to_html

if TYPE_CHECKING:
    import pandas


class SuitesComparison:
    """Models by suites, with paired differences to the first model; all scores are 0..1.

    Attributes:
        names: of the models, all different.
        suites: names of the suites; gains are held against the first one, which is coco-c where it is there.
        gains: of each model over the first one, on the first suite and on another one: `known`, `other`, `change` (the
            second less the first), and `share` where the first is shown to be above 0.
        verdict: what they say, in words.
        warnings: why scores of the runs could be wrong.
        notes: what is not the same between the runs, though they can be compared.
        result: all numbers, as the command ``robustpose compare`` has them.

    >>> import robustpose
    >>> def bench(suite, words):
    ...     cells = {"suite": suite, "corruptions": words, "severities": [3]}
    ...     return robustpose.bench("demo", "toy", limit=2, progress=False, **cells)
    >>> comparison = robustpose.compare(bench("coco-c", "fog"), bench("held-out", "spatter"))
    >>> comparison.suites, len(comparison.names)
    (('coco-c', 'held-out'), 1)
    """

    def __init__(self, result: results.AcrossSuites) -> None:
        self.result = result
        self._of_suites = {comparison.suite.name: Comparison(comparison) for comparison in result.comparisons}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the models, all different."""
        return self.result.names

    @property
    def suites(self) -> tuple[str, ...]:
        """Return the names of the suites, the one that gains are held against first."""
        return tuple(self._of_suites)

    @property
    def gains(self) -> tuple[Gain, ...]:
        """Return the gains over the first model on the first suite and on each other one."""
        return self.result.gains

    @property
    def verdict(self) -> str:
        """Return what the comparison says in words: of what is gained on one suite, how much holds on others."""
        return " ".join(self.result.verdict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return why scores of the runs could be wrong."""
        return self.result.warnings

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what is not the same between the runs, though they can be compared."""
        return self.result.notes

    @property
    def slices(self) -> list[dict[str, Any]]:
        """Return no records: slices of people are compared on one suite at a time."""
        return []

    def difference(self, name: str, run: int | str = 1, suite: str | None = None) -> Difference | None:
        """Return a model's number less that of the first model: value, interval, is_distinguishable.

        `name` is `clean`, `mPC`, another suite's mean, a group, a corruption, or a cell such as ``fog/3``; `run` the
        model's number, from 0, or its name; `suite` one of `suites`, by default the first that has such a number. None
        where the number is not defined.
        """
        return self._find(name, suite).difference(name, run)

    def values(self, name: str, suite: str | None = None) -> tuple[float | None, ...]:
        """Return a number of every model; None for one without a run of the suite."""
        return self._find(name, suite).values(name)

    def to_records(self) -> list[dict[str, Any]]:
        """Return the records of `Comparison.to_records`, each with its `suite`."""
        return [{"suite": suite, **record} for suite, of in self._of_suites.items() for record in of.to_records()]

    def to_frame(self) -> pandas.DataFrame:
        """Return the records of `to_records` as a table of pandas, which has to be installed."""
        return make_frame(self.to_records())

    def write(self, folder: str | Path) -> Path:
        """Write compare.html, comparison.json and table.csv, .md and .tex into a folder; return the page's path."""
        from robustpose.show.pages.across import write_across

        return write_across(find_folder(folder, "write"), self.result)

    def __repr__(self) -> str:
        where = f"{len(self.names)} models on {', '.join(self.suites)}; {self.result.first.data}"
        return f"<SuitesComparison of {where}:\n  {self.verdict}>"

    def _repr_html_(self) -> str:
        return across_to_html(self.result)

    def _find(self, name: str, suite: str | None) -> Comparison:
        if suite is not None and suite not in self._of_suites:
            raise UserError(
                f"there is no suite {quote(suite)}{nearest(str(suite), self.suites)}: they are {', '.join(self.suites)}"
            )
        wanted: Sequence[str] = self.suites if suite is None else (suite,)
        for one in wanted:
            if self._of_suites[one].has(name):
                return self._of_suites[one]
        return self._of_suites[wanted[0]]  # which says what it has
