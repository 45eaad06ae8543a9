"""Does a harsher severity ever score higher?

    python benchmarks/monotone.py runs/net runs/net-video

For each finished run, the score of each corruption by severity, in percent, and behind it each step at which a harsher
severity scores higher, by how many points. What that is to be held against: the 95 % interval of the score there,
where the run has intervals, is as wide as +- says.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import robustpose
from robustpose import Cell


class Rise(NamedTuple):
    """A step to a harsher severity that scores higher."""

    corruption: str
    before: int  # severity
    after: int
    points: float  # 0..100


def list_scores(cells: dict[str, float]) -> dict[str, dict[int, float]]:
    """Return the score of each corruption by severity.

    >>> list_scores({"fog/1": 0.5, "fog/3": 0.25})
    {'fog': {1: 0.5, 3: 0.25}}
    """
    scores: dict[str, dict[int, float]] = {}
    for key in cells:
        cell = Cell.from_key(key)
        scores.setdefault(str(cell.corruption), {})[cell.severity] = cells[key]
    return {name: dict(sorted(of_one.items())) for name, of_one in scores.items()}


def list_rises(scores: dict[str, dict[int, float]]) -> list[Rise]:
    """Return the steps at which a harsher severity scores higher.

    >>> [rise.corruption for rise in list_rises({"fog": {1: 0.5, 3: 0.25}, "frost": {1: 0.25, 3: 0.5, 5: 0.4}})]
    ['frost']
    """
    return [
        Rise(name, before, after, 100 * (of_one[after] - of_one[before]))
        for name, of_one in scores.items()
        for before, after in pairwise(of_one)
        if of_one[after] > of_one[before]
    ]


def show_run(folder: Path) -> None:
    """Print the table of a run."""
    run = robustpose.load_run(folder)
    scores = list_scores(run.cells)
    rises = list_rises(scores)
    severities = sorted({severity for of_one in scores.values() for severity in of_one})
    print(f"{folder}: {run.metric} {100 * run.clean:.1f} clean, suite {run.suite.name}")
    print(f"{'':<28}" + "".join(f"{severity:>7}" for severity in severities))
    for name, of_one in scores.items():
        row = "".join(f"{100 * of_one[one]:>7.1f}" if one in of_one else f"{'':>7}" for one in severities)
        ups = []
        for rise in (rise for rise in rises if rise.corruption == name):
            ends = run.interval(f"{name}/{rise.after}")
            width = "" if ends is None else f" (+-{50 * (ends[1] - ends[0]):.1f})"
            ups.append(f"{rise.before} to {rise.after}: {rise.points:+.2f}{width}")
        print(f"{name:<28}{row}   {'; '.join(ups)}".rstrip())
    n_steps = sum(len(of_one) - 1 for of_one in scores.values())
    largest = f", the largest {max(rise.points for rise in rises):.2f} points" if rises else ""
    print(f"{len(rises)} of {n_steps} steps rise{largest}\n")


def main() -> None:
    """Print a table for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="finished run folders")
    for folder in parser.parse_args().runs:
        show_run(folder)


if __name__ == "__main__":
    main()
