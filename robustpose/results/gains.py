"""Gains: what a hardened network scores above the standard one, by corruption, by severity and on the whole suite.

They are paired: the same resampled images are taken in both runs (see `robustpose.results.compare`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robustpose.corruptions.suites import Suite, cells_of
from robustpose.errors import UserError, spell_list
from robustpose.metrics.robustness import mean_under_corruption
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.comparable import note_differences, tell_corruptions_apart
from robustpose.results.compared import Difference
from robustpose.results.published import PublishedRow
from robustpose.results.resampling import check_resamples, interval
from robustpose.results.rows import require_one_suite, severities_of
from robustpose.results.run_scores import read_scores, resample_runs
from robustpose.results.summary import read_summary

Sides = tuple[float, float]  # scores of the standard network and of the hardened one, 0..1
Key = tuple[str, str | int]  # what a gain is of: its kind, and the corruption or severity


@dataclass(frozen=True)
class Gains:
    """What a hardened network gains over a standard one. Differences are hardened less standard, 0..1."""

    clean: Sides
    mean: Sides | None  # of the suite, such as mPC; None unless both have all its cells
    of_mean: Difference | None
    corruptions: Mapping[str, Difference]  # mean over severities
    severities: Mapping[int, Difference]  # mean over corruptions
    notes: tuple[str, ...] = field(default=())  # what is not as one might expect, though it can be compared


def find_gains(standard: Path, hardened: Path) -> Gains:
    """Return the gains between two finished runs, over the cells that both have; UserError for other images.

    There are intervals where both summaries have them and the matches are there.
    """
    folders = (standard, hardened)
    summaries = [read_summary(folder) for folder in folders]
    suite = require_one_suite(dict(zip(folders, summaries, strict=True)))
    notes = note_differences(standard, summaries[0], hardened, summaries[1])
    apart, doubts = tell_corruptions_apart(folders, summaries)
    common = [name for name in summaries[0]["corruptions"] if name in summaries[1]["corruptions"] and name not in apart]
    names = [name for name in dict.fromkeys([*suite.corruptions, *common]) if name in common]
    severities = sorted(set(severities_of(summaries[0])) & set(severities_of(summaries[1])))
    cells = cells_of(names, severities)
    scores = [read_scores(summary, cells) for summary in summaries]
    values = [dict(_take_means(of, names, severities, suite)) for of in scores]
    resampled: list[dict[Key, Any]] | None = None
    try:
        resampled = [dict(_take_means(of, names, severities, suite)) for of in _resample(folders, summaries, scores)]
    except UserError as error:
        notes.append(f"no intervals: {error}")
    differences = {
        key: Difference(
            value - values[0][key], None if not resampled else interval(resampled[1][key] - resampled[0][key])
        )
        for key, value in values[1].items()
    }
    mean = (values[0]["mean", ""], values[1]["mean", ""]) if ("mean", "") in differences else None
    return Gains(
        clean=(scores[0][CLEAN], scores[1][CLEAN]),
        mean=mean,
        of_mean=differences.get(("mean", "")),
        corruptions={str(name): gain for (kind, name), gain in differences.items() if kind == "corruption"},
        severities={int(at): gain for (kind, at), gain in differences.items() if kind == "severity"},
        notes=(*notes, *doubts, *_note_partial(names, severities, suite)),
    )


def find_printed_gains(standard: PublishedRow, hardened: PublishedRow) -> Gains:
    """Return the gains between two rows of the paper, which prints none by severity, and no intervals."""
    both = [name for name in standard.corruptions if name in hardened.corruptions]
    return Gains(
        clean=(standard.clean, hardened.clean),
        mean=(standard.mPC, hardened.mPC),
        of_mean=Difference(hardened.mPC - standard.mPC, None),
        corruptions={name: Difference(hardened.corruptions[name] - standard.corruptions[name], None) for name in both},
        severities={},
    )


def _resample(
    folders: Sequence[Path], summaries: Sequence[Mapping[str, Any]], scores: Sequence[Mapping[Cell, float]]
) -> list[dict[Cell, Any]]:
    """Return the scores (R,) of the same resamples for both runs; nothing where a run was scored without intervals."""
    intervals = [summary.get("intervals") for summary in summaries]
    if not all(intervals):
        return []
    n_resamples = min(of["resamples"] for of in intervals if of)
    check_resamples(n_resamples, 1)
    return resample_runs(folders, scores, n_resamples)


def _take_means(
    scores: Mapping[Cell, Any], names: Sequence[str], severities: Sequence[int], suite: Suite
) -> Iterator[tuple[Key, Any]]:
    """Yield the means of which there are gains; over corruptions of somebody's own only where there are no others."""
    if not names or not severities:
        return
    averaged = [name for name in names if name in suite.corruptions] or names
    for name in names:
        yield ("corruption", name), mean_under_corruption(scores, [name], severities)
    for severity in severities:
        yield ("severity", severity), mean_under_corruption(scores, averaged, [severity])
    if suite.is_complete(scores):
        yield ("mean", ""), mean_under_corruption(scores, suite.corruptions, suite.severities)


def _note_partial(names: Sequence[str], severities: Sequence[int], suite: Suite) -> Iterator[str]:
    """Yield what the means leave out, where both runs do not have all cells of their suite."""
    n_known = sum(name in suite.corruptions for name in names)
    if names and n_known < suite.n_corruptions:
        yield f"by severity the mean over {n_known or len(names)} corruptions; {suite.name} has {suite.n_corruptions}"
    if names and severities and tuple(severities) != suite.severities:
        yield f"by corruption the mean over severity {spell_list(severities)} alone"
