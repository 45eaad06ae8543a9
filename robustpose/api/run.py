"""Runs: what a finished bench found, as an object."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustpose.api.places import find_folder, give_folder
from robustpose.api.tables import find_row, make_frame, record_of
from robustpose.api.wording import plain_floats
from robustpose.api.worst import list_worst, name_images
from robustpose.corruptions.suites import SUITES, Suite
from robustpose.errors import UserError
from robustpose.files import hash_file, hold_folder, lock_folder, writing_to
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.pose.protocols import Dataset
from robustpose.results.doubts import read_doubts
from robustpose.results.gates import Judged, judge_gates, make_gates
from robustpose.results.rows import Row, list_rows, model_name, percent, row_of_chosen, rows_of, suite_of
from robustpose.results.run_folder import IDENTITY
from robustpose.results.run_images import open_images
from robustpose.results.slices_model import read_slices
from robustpose.results.summary import read_summary
from robustpose.results.unseen import row_of_unseen
from robustpose.results.verdict import judge_run
from robustpose.show.inline import describe_data, run_to_html

if TYPE_CHECKING:
    import pandas

LOCK, SUMMARY = ".lock", "summary.json"


class Run:
    """A finished run: scores 0..1, their 95 % intervals, and the folder with all that belongs to it.

    `mPC` and `rPC` are the mean under corruption and its ratio to the clean score. They are None where the run does not
    have all cells of its suite: a mean over other cells would be taken for the suite's. In another suite they have
    other names, such as `mPH`; `mean` and `ratio` are those of any suite.

    Attributes:
        folder: the run folder, which bench can go on in, and the commands report, score and compare take.
        summary: the content of summary.json; `docs/reference/results.md` says what it holds.

    >>> import robustpose
    >>> run = robustpose.bench("demo", "toy", limit=2, corruptions="fog", severities=3, progress=False)
    >>> list(run.cells), run.mPC, run.mean
    (['fog/3'], None, None)
    >>> run.clean == run.summary["clean"]
    True
    """

    if TYPE_CHECKING:  # the names of coco-c; see `__getattr__`
        mPC: float | None
        rPC: float | None

    def __init__(self, folder: str | Path, make_dataset: Callable[[], Dataset] | None = None) -> None:
        self.folder = find_folder(folder, "Run").absolute()  # wherever the program goes
        summary = self.folder / SUMMARY
        self._digest = hash_file(summary) if summary.is_file() else ""  # another summary is that of another run
        self.summary: dict[str, Any] = read_summary(self.folder)
        self._slices = read_slices(self.folder, self.summary) or {}
        self._make_dataset = make_dataset  # of the program that made the run; else its note says where the data are

    def __getattr__(self, name: str) -> Any:
        known = {suite_name for suite in SUITES.values() for suite_name in (suite.mean_name, suite.ratio_name)}
        if name in known.union(HELD_AGAINST_CLEAN):
            own = list(filter(None, (self.suite.mean_name, self.suite.ratio_name)))
            if name in own:
                return self.summary[name]
            which = f"suite {self.suite.name}, whose mean and ratio are {' and '.join(own)}"
            raise AttributeError(f"this run is of {which}: it has no {name}")
        raise AttributeError(f"'Run' has no attribute '{name}'")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), self.suite.mean_name, self.suite.ratio_name} - {""})

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent to other processes: everything but how the data were opened."""
        return {**vars(self), "_make_dataset": None}

    @property
    def suite(self) -> Suite:
        """Return the suite of corruptions whose mean is taken."""
        return suite_of(self.__dict__["summary"])

    @property
    def name(self) -> str:
        """Return what tables call the run: the name that it was given, else that of its model."""
        return model_name(self.summary)

    @property
    def metric(self) -> str:
        """Return the name of the figure that all scores are: `AP`, `PCKh`, …"""
        return str(self.summary["metric"])

    @property
    def clean(self) -> float:
        """Return the score on clean images."""
        return float(self.summary["clean"])

    @property
    def mean(self) -> float | None:
        """Return the mean over all cells of the suite, whatever it is called; None for a run without some of them."""
        value: float | None = self.summary[self.suite.mean_name]
        return value

    @property
    def ratio(self) -> float | None:
        """Return mean / clean; None without a mean, where clean is 0, and for consistency, whose clean score is 1."""
        value: float | None = self.summary.get(self.suite.ratio_name)
        return value

    @property
    def cells(self) -> dict[str, float]:
        """Return the score in each corrupted cell of the run, such as ``fog/3``."""
        return dict(self.summary["cells"])

    @property
    def corruptions(self) -> dict[str, float]:
        """Return the mean of each corruption over the severities of the run."""
        return dict(self.summary["corruptions"])

    @property
    def groups(self) -> dict[str, float]:
        """Return the mean of each group of corruptions; empty for a run without some cells of its suite."""
        return dict(self.summary["groups"])

    @property
    def slices(self) -> list[dict[str, Any]]:
        """Return the scores of people by size, visible joints and crowding: a record each; none without resamples."""
        return list(self._slices.get("slices", []))

    @property
    def joints(self) -> list[dict[str, Any]]:
        """Return the scores of each joint: a record each; none without resamples."""
        return list(self._slices.get("joints", []))

    @property
    def warnings(self) -> list[str]:
        """Return why the numbers could be wrong, a line each; empty where nothing speaks against them."""
        return read_doubts(self.summary)

    @property
    def verdict(self) -> str:
        """Return in words what the model keeps, what costs it most and who suffers most, as far as intervals tell."""
        return " ".join(judge_run(self.summary, self._slices))

    def interval(self, name: str) -> tuple[float, float] | None:
        """Return the 95 % interval of a number: `clean`, `mPC`, a group, a corruption, or a cell such as ``fog/3``,
        or `mean_of_chosen`, of a run that has not all cells of its suite, or `mean_of_unseen`, if it has seen some.

        Names are those of `check`, and of ``bench --fail-under``: in capitals or not, the clean score also `AP*`.
        None where the number is not defined, and for runs without resamples; UserError for what the run has not.
        """
        ends = self._find(name).interval
        return None if ends is None else (ends[0], ends[1])

    def score(self, name: str) -> float | None:
        """Return a number by its name, as `interval` does: None where it is not defined."""
        return self._find(name).value

    def to_records(self) -> list[dict[str, Any]]:
        """Return every number as a record: kind, name, corruption, severity, group, value, low, high.

        Kinds are headline, group, corruption and cell, as in the tables; values are 0..1, None where not defined.
        """
        return [record_of(row) for row in self._rows()]

    def to_frame(self) -> pandas.DataFrame:
        """Return the records of `to_records` as a table of pandas, which has to be installed."""
        return make_frame(self.to_records())

    def worst(self, n: int = 10) -> list[dict[str, Any]]:
        """Return the images that lose most, each in the cell where it loses most: a record each, largest loss first.

        A record has `index` of the image in the data, `image` (its file's name, else its id; None where the data
        cannot be opened), `cell`, and 0..1 how good the image's poses are: `clean`, `corrupted`, `loss`. Images that
        lose nothing are left out.

        Raises:
            UserError: the run has no corrupted cells, or no matches, as with a metric of one's own.
        """
        with plain_floats():
            records = list_worst(self.find_files(), self.summary, n)
        self.find_files()  # nobody went on with it meanwhile
        try:
            make = self._make_dataset
            return name_images(records, open_images(self.folder, self.summary) if make is None else make())
        except UserError:  # moved, or named by a stranger's run: the index says which image it is
            return records

    def check(self, bounds: Mapping[str, float]) -> list[Judged]:
        """Hold scores against bounds (0..1), and return what came of each.

        Each has `name`, `value`, `interval`, `is_passed` and `describe()`, a line for people, which is shown, too.
        Scores are named as for ``bench --fail-under``: `clean`, `mPC`, groups, corruptions, cells such as ``fog/3``.

        Raises:
            UserError: the run has no such score, or it is not defined.

        >>> import robustpose
        >>> run = robustpose.bench("demo", "toy", limit=2, corruptions="fog", severities=3, progress=False)
        >>> [(one.name, one.is_passed) for one in run.check({"clean": 0.1, "fog/3": 1.0})]
        [('AP*', True), ('fog/3', False)]
        """
        return judge_gates(make_gates(bounds), self.summary, "check()")

    def report(self) -> Path:
        """Return the path of the run's page, report.html, which is one file; one that is gone is written again."""
        page = self.find_files() / "report.html"
        if not page.is_file():
            from robustpose.show.pages.report import write_report

            with hold_folder(self.folder), plain_floats():
                self.find_files()
                write_report(self.folder)
        return page

    def save(self, folder: str | Path) -> Run:
        """Copy the run to another folder, which is made, and return it there. Runs of ``out=None`` are kept so.

        Raises:
            UserError: there is something in that folder, or this run's own folder is gone.
        """
        target = find_folder(folder, "save")
        own = self.find_files().resolve()
        if own in (target.resolve(), *target.resolve().parents):
            raise UserError(f"{target} is in the run's own folder: save the run in another one")
        with self._keep_still(), lock_folder(target), writing_to(target):
            others = sorted(entry.name for entry in target.iterdir() if entry.name != LOCK)
            if others:
                raise UserError(f"{target} is not empty ({others[0]}, …): save the run in another folder")
            shutil.copytree(self.folder, target, ignore=shutil.ignore_patterns(LOCK), dirs_exist_ok=True)
        return Run(target, self._make_dataset)

    def find_files(self) -> Path:
        """Return the run folder, if its files are those of this run.

        UserError where it is gone, as a temporary one is once its program has ended, or where bench or score have
        written other scores there since.
        """
        summary = self.folder / SUMMARY
        if not summary.is_file() and not (self.folder / IDENTITY).is_file():
            raise UserError(f"{self.folder} is not there any more: this run has its numbers, and no files")
        if not summary.is_file() or hash_file(summary) != self._digest:
            raise UserError(
                f"the run in {self.folder} has changed since this object was made: "
                f"robustpose.load_run({str(self.folder)!r}) reads it as it is now"
            )
        return self.folder

    @contextmanager
    def _keep_still(self) -> Iterator[None]:
        """Keep other processes from writing to the run folder, and check it; one that nobody may write to is still."""
        with lock_folder(self.folder) if os.access(self.folder, os.W_OK) else nullcontext():
            self.find_files()
            yield

    def __repr__(self) -> str:
        scores = ", ".join(f"{row.label} {percent(row.value)}" for row in rows_of(self.summary, "headline"))
        return f"<Run of {self.name} on {describe_data(self.summary)}: {scores} (percent); {self.folder}>"

    def _repr_html_(self) -> str:
        return run_to_html(self.summary, self.folder, self.verdict)

    def _find(self, name: str) -> Row:
        more = filter(None, (row_of_chosen(self.summary), row_of_unseen(self.summary)))
        return find_row([*self._rows(), *more], name)

    def _rows(self) -> list[Row]:
        """Return the numbers that the run has or could have: not those of corruptions that were not asked for."""
        rows = [row for row in list_rows(self.summary) if row.kind != "pixels"]
        return [row for row in rows if row.kind != "corruption" or row.name in self.summary["corruptions"]]


def load_run(folder: str | Path) -> Run:
    """Return a finished run of a folder, which `bench` or the command ``robustpose bench`` made.

    Nothing but its figures is read: neither code nor files that it names are opened.

    Raises:
        UserError: there is no finished run in the folder: none at all, a preview, an unfinished or a damaged one.

    >>> import robustpose, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = robustpose.bench("demo", "toy", limit=2, corruptions="none", out=folder + "/run", progress=False)
    ...     robustpose.load_run(folder + "/run").metric
    'AP'
    """
    return Run(give_folder(find_folder(folder, "load_run")))


def as_run(run: Run | str | Path, what: str) -> Run:
    """Return a run, of one or of a folder; `what` is the function that was given it, for messages."""
    return run if isinstance(run, Run) else Run(give_folder(find_folder(run, what)))
