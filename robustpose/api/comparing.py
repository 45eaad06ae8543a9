"""Comparing: finished runs of one suite beside each other, as an object: see `robustpose.api.compare`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustpose.api.arguments import as_whole_number
from robustpose.api.places import find_folder
from robustpose.api.run import Run
from robustpose.api.tables import check_score_name, make_frame
from robustpose.errors import UserError, nearest, quote
from robustpose.results import compared as results
from robustpose.results.compared import ComparedRow, Difference
from robustpose.results.run_images import find_corrupted_images, open_shared_images
from robustpose.results.score_names import find_name
from robustpose.show.inline import comparison_to_html, spell_difference

if TYPE_CHECKING:
    import pandas

    from robustpose.data.corrupted import CorruptedImages
    from robustpose.pose.protocols import Dataset

MOST_SHOWN = 6  # corruptions of a run in one line


class Comparison:
    """Runs beside each other, with paired differences to the first one; all scores are 0..1.

    Attributes:
        names: of the runs, all different; or of the groups, whose numbers are means over their trainings.
        trainings: names of the runs in each group; empty where runs are compared one by one.
        verdict: what they say, in words.
        warnings: why scores of the runs could be wrong.
        notes: what is not the same between the runs, though they can be compared.
        result: all numbers, as the command ``robustpose compare`` has them.

    >>> import robustpose
    >>> bench = lambda boxes: robustpose.bench("demo", "toy", limit=4, corruptions="none", progress=False)
    >>> comparison = robustpose.compare(bench("gt"), bench("gt"), names=["one", "other"])
    >>> comparison.difference("clean").value
    0.0
    """

    def __init__(self, result: results.Comparison, sides: Sequence[Sequence[Run]] = ()) -> None:
        self.result = result
        self._sides = sides  # the runs of `result`, in its order: one each, or the trainings of a group

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the runs, all different."""
        return self.result.names

    @property
    def trainings(self) -> tuple[tuple[str, ...], ...]:
        """Return the names of the runs in each group; empty where runs are compared one by one."""
        return self.result.trainings

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what is not the same between the runs, though they can be compared."""
        return self.result.notes

    @property
    def verdict(self) -> str:
        """Return what the comparison says in words: which run is better, by how much, and where."""
        return " ".join(self.result.verdict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return why scores of the runs could be wrong."""
        return self.result.warnings

    def difference(self, name: str, run: int | str = 1) -> Difference | None:
        """Return a run's number less that of the first run: value, interval, is_distinguishable.

        `name` is `clean`, `mPC`, a group, a corruption, or a cell such as ``fog/3``; `run` the run's number, from 0, or
        its name. None where the number is not defined; UserError for one that the runs do not have in common.
        """
        return self._find(name).differences[self._number(run)]

    def values(self, name: str) -> tuple[float | None, ...]:
        """Return a number of every run."""
        return self._find(name).values

    def has(self, name: str) -> bool:
        """Return whether the runs have a number of this name in common."""
        return find_name(check_score_name(name), self._kinds()) is not None

    def to_records(self) -> list[dict[str, Any]]:
        """Return a record for every number of every run: kind, name, run, value, spread, low, high, and its difference.

        The difference to the first run is `difference`, `difference_low`, `difference_high` and `distinguishable`; None
        for the first run. `leads` says whether the run is best, or cannot be told from the best one. `spread` is the
        standard deviation between the trainings of a group; None for runs.
        """
        return [record for row in self.result.rows for record in self._records_of(row)]

    @property
    def slices(self) -> list[dict[str, Any]]:
        """Return the same records of people of one size, number of joints or crowding, and of each joint.

        Each has the `kind` and the `slice` that it is of, `n_people` (of a joint, how many are annotated), and the
        score's `name`. What fewer than 10 people score says little.
        """
        return [
            {"slice": one.name, "n_people": one.n_people, **record, "name": row.name}
            for one in self.result.slices
            for row in one.rows
            for record in self._records_of(row)
        ]

    def to_frame(self) -> pandas.DataFrame:
        """Return the records of `to_records` as a table of pandas, which has to be installed."""
        return make_frame(self.to_records())

    def write(self, folder: str | Path) -> Path:
        """Write compare.html, comparison.json and table.tex into a folder that is made, and return the page's path.

        The page shows the images on which runs differ most, and says why where they cannot be opened.
        """
        from robustpose.show.pages.compare import write_comparison
        from robustpose.show.pages.compare_images import find_gallery

        target = find_folder(folder, "write")
        gallery, reason = find_gallery(
            [[run.folder for run in of] for of in self._sides], self.result, self._open_images
        )
        return write_comparison(target, self.result, gallery, reason)

    def _open_images(self) -> tuple[Dataset, CorruptedImages]:
        """Return the images of the runs, as the program that made one opened them, or as the runs say."""
        runs = [run for of in self._sides for run in of]
        for run in runs:
            if run._make_dataset is not None:
                return run._make_dataset(), find_corrupted_images(run.folder, run.summary["provenance"])
        return open_shared_images([run.folder for run in runs])

    def __repr__(self) -> str:
        first, *others = self.names
        lines = [
            f"{name} − {first}: " + ", ".join(f"{label} {words}" for label, words in self._describe(run))
            for run, name in enumerate(others, 1)
        ]
        lines.append(self.verdict)
        return "\n  ".join([f"<Comparison on {self.result.data}, percent;", *lines]) + ">"

    def _repr_html_(self) -> str:
        return comparison_to_html(self.result)

    def _describe(self, run: int) -> Iterator[tuple[str, str]]:
        """Yield the differences of a run that are told first: the headline, then groups, or corruptions if none."""
        rows = [(row, row.differences[run]) for row in self.result.rows if row.differences[run] is not None]
        yield from ((row.name, spell_difference(found)) for row, found in rows if row.kind == "headline")
        groups = [(row.name, spell_difference(found)) for row, found in rows if row.kind == "group"]
        if groups:
            yield from groups
            return
        parts = [(row.name, found) for row, found in rows if row.kind == "corruption" and found is not None]
        if len(parts) > 1:
            means = [(row, found) for row, found in rows if row.kind == "chosen"]
            yield from ((self.result.label(row), spell_difference(found)) for row, found in means)
        yield from ((name, spell_difference(found)) for name, found in parts[:MOST_SHOWN])
        if len(parts) > MOST_SHOWN:
            yield "…", "(to_records() has all)"

    def _find(self, name: str) -> ComparedRow:
        known = self._by_name()
        found = find_name(check_score_name(name), self._kinds())
        if found is None:
            raise UserError(
                f"these runs have no {quote(name)} in common{nearest(name, map(self._name, known.values()))}"
            )
        return known[found]

    def _by_name(self) -> dict[str, ComparedRow]:
        return {row.name: row for row in reversed(self.result.rows)}  # the headline first

    def _kinds(self) -> dict[str, tuple[str, str]]:
        return {row.name: (row.kind, self._name(row)) for row in self._by_name().values()}

    def _name(self, row: ComparedRow) -> str:
        """Return the name of a row as a run has it: of the clean score, people read `AP*`."""
        return "clean" if row == self.result.rows[0] else row.name

    def _number(self, run: int | str) -> int:
        if isinstance(run, str):
            if run not in self.names:
                raise UserError(f"there is no run '{run}'{nearest(run, self.names)}: they are {', '.join(self.names)}")
            return self.names.index(run)
        number = as_whole_number(run, "run", 0)
        if number >= len(self.names):
            raise UserError(f"run= must be below {len(self.names)}, the number of runs, got {number}")
        return number

    def _records_of(self, row: ComparedRow) -> list[dict[str, Any]]:
        records = []
        for run, name in enumerate(self.names):
            difference = row.differences[run]
            low, high = row.intervals[run] or (None, None)
            apart = (difference and difference.interval) or (None, None)
            records.append(
                {
                    "kind": row.kind,
                    "name": self._name(row),
                    "run": name,
                    "value": row.values[run],
                    "spread": row.spreads[run] if row.spreads else None,
                    "low": low,
                    "high": high,
                    "difference": difference and difference.value,
                    "difference_low": apart[0],
                    "difference_high": apart[1],
                    "distinguishable": difference and difference.is_distinguishable,
                    "leads": run in row.leaders,
                }
            )
        return records
