"""Compare: the function that puts finished runs beside each other, of one suite or of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from robustpose.api.across import SuitesComparison
from robustpose.api.arguments import as_whole_number
from robustpose.api.comparing import Comparison
from robustpose.api.run import Run, as_run
from robustpose.api.wording import in_python
from robustpose.errors import UserError, quote
from robustpose.results.compare import compare_runs
from robustpose.results.compare_suites import are_of_suites, compare_groups_on_suites, compare_suites
from robustpose.results.groups import compare_groups
from robustpose.results.names import check_name
from robustpose.results.parts import read_part
from robustpose.results.run_images import list_ids


def compare(
    a: Run | str | Path | None = None,
    b: Run | str | Path | None = None,
    *more: Run | str | Path,
    groups: Mapping[str, Sequence[Run | str | Path]] | None = None,
    names: Sequence[str] | None = None,
    resamples: int = 1000,
    part: str | Path | None = None,
) -> Comparison | SuitesComparison:
    """Compare finished runs: differences to the first one with 95 % intervals, and what cannot be told apart.

    Runs of several suites of the same images are put together as models by suites: see `SuitesComparison`. Which runs
    are of one model is told by its weights, code and options.

    Args:
        a: a run, or its folder; the others are compared with it.
        b: another one.
        more: further ones.
        groups: in the place of runs: by the name of a method, the runs of two or more trainings of it. Numbers are
            then means over them, with intervals over trainings and images; the first group is the reference.
        names: what the runs are called, one each; by default as they were named or as their models, and where these are
            the same, with their folders. Of runs of several suites, of the models, in the order of their first runs.
        resamples: of the images, for the intervals. They are the same ones in all runs, so differences are paired.
        part: some of the images alone: by their places in the order of the runs, as a slice, ``"0::2"`` and ``"1::2"``
            are every second one, ``":200"`` the first 200; or a file of image ids, one a line, or COCO annotations. All
            numbers are those of a run of these alone; there are no slices of people. By default all images.

    Raises:
        UserError: the runs are not of the same images; a folder has no finished run, or no matches; two runs are of one
            model and one suite, where there are several suites; a group has less than two trainings, or one that is in
            another group; `part` is neither a slice nor a file of ids, or has none of the images.

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
            given_folders = [run.find_files() for run in runs]
            chosen = None if part is None else read_part(part, partial(list_ids, given_folders))
            if are_of_suites(given_folders):
                return SuitesComparison(compare_suites(given_folders, n_resamples, called, chosen))
            compared = compare_runs(given_folders, n_resamples, called, part=chosen)
            sides = [[run] for run in runs]
        else:
            if given or names is not None:
                raise UserError("groups= has the runs and the names of groups: leave single runs and names= out")
            of_groups = _read_groups(groups)
            sides = list(of_groups.values())
            runs = [run for of in sides for run in of]
            folders = {name: [run.find_files() for run in of] for name, of in of_groups.items()}
            of_all = [folder for of in folders.values() for folder in of]
            chosen = None if part is None else read_part(part, partial(list_ids, of_all))
            if are_of_suites(of_all):
                return SuitesComparison(compare_groups_on_suites(folders, n_resamples, chosen))
            compared = compare_groups(folders, n_resamples, chosen)
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
