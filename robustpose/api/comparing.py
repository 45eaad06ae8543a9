"""Comparing: finished runs beside each other, as an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustpose.api.arguments import as_whole_number
from robustpose.api.places import find_folder
from robustpose.api.run import Run, as_run
from robustpose.api.tables import check_score_name, make_frame
from robustpose.api.wording import in_python
from robustpose.errors import UserError, nearest, quote
from robustpose.results import compared as results
from robustpose.results.compare import compare_runs
from robustpose.results.compared import ComparedRow, Difference
from robustpose.results.groups import compare_groups
from robustpose.results.names import check_name
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
        return "\n  ".join([f"<Comparison on {self.result.dataset}, percent;", *lines]) + ">"

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
        known = {row.name: row for row in reversed(self.result.rows)}  # the headline first
        kinds = {row.name: (row.kind, self._name(row)) for row in known.values()}
        found = find_name(check_score_name(name), kinds)
        if found is None:
            raise UserError(
                f"these runs have no {quote(name)} in common{nearest(name, map(self._name, known.values()))}"
            )
        return known[found]

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


def compare(
    a: Run | str | Path | None = None,
    b: Run | str | Path | None = None,
    *more: Run | str | Path,
    groups: Mapping[str, Sequence[Run | str | Path]] | None = None,
    names: Sequence[str] | None = None,
    resamples: int = 1000,
) -> Comparison:
    """Compare finished runs: differences to the first one with 95 % intervals, and what cannot be told apart.

    Args:
        a: a run, or its folder; the others are compared with it.
        b: another one.
        more: further ones.
        groups: in the place of runs: by the name of a method, the runs of two or more trainings of it. Numbers are
            then means over them, with intervals over trainings and images; the first group is the reference.
        names: what the runs are called, one each; by default as they were named or as their models, and where these are
            the same, with their folders.
        resamples: of the images, for the intervals. They are the same ones in all runs, so differences are paired.

    Raises:
        UserError: the runs are not of the same images, or of two suites; a folder has no finished run, or no matches;
            a group has less than two trainings, or one that is in another group.

    >>> import robustpose
    >>> runs = [robustpose.bench("demo", "toy", limit=4, corruptions="none", progress=False) for _ in range(2)]
    >>> robustpose.compare(*runs, names=["before", "after"]).difference("clean").is_distinguishable
    False
    """
    with in_python():
        given = [run for run in (a, b, *more) if run is not None]
        n_resamples = as_whole_number(resamples, "resamples", 1)
        if groups is None:
            runs = [as_run(run, "compare") for run in given]
            called = None if names is None else _read_names(names)
            compared = compare_runs([run.find_files() for run in runs], n_resamples, called)
            sides = [[run] for run in runs]
        else:
            if given or names is not None:
                raise UserError("groups= has the runs and the names of groups: leave single runs and names= out")
            of_groups = _read_groups(groups)
            sides = list(of_groups.values())
            runs = [run for of in sides for run in of]
            folders = {name: [run.find_files() for run in of] for name, of in of_groups.items()}
            compared = compare_groups(folders, n_resamples)
        for run in runs:  # nobody went on with one meanwhile
            run.find_files()
        return Comparison(compared, sides)


def _read_groups(groups: Any) -> dict[str, list[Run]]:
    """Return the runs of each group, as far as they are given as such."""
    if not isinstance(groups, Mapping):
        raise UserError(f"groups= takes lists of runs by names, {{'standard': ['r0', 'r1'], …}}, got {quote(groups)}")
    found: dict[str, list[Run]] = {}
    for name, runs in groups.items():
        if not isinstance(name, str) or isinstance(runs, str | bytes | Path | Run) or not hasattr(runs, "__iter__"):
            raise UserError(f"groups= takes a list of runs for each name, got {quote(runs)} for {quote(name)}")
        checked = check_name(name, "the name of a group")
        if checked in found:
            raise UserError(f"groups= names {quote(checked)} twice")
        found[checked] = [as_run(run, "compare") for run in runs]
    return found


def _read_names(names: Any) -> list[str]:
    given = None if isinstance(names, str | bytes) or not hasattr(names, "__iter__") else list(names)
    if given is None or not all(isinstance(name, str) for name in given):
        raise UserError(f"names= takes a list of words, one for each run, got {quote(names)}")
    return given
