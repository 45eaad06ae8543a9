"""Measured runs: the finished runs in some folders, each once, with resamples of its images where it has matches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from robustpose.errors import UserError, nearest
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN, take_means
from robustpose.pose.cell import CLEAN, Cell
from robustpose.progress import Progress
from robustpose.results.about import About
from robustpose.results.doubts import read_doubts
from robustpose.results.measurement import Measurement, measure_run
from robustpose.results.resampling import RESAMPLES, check_resamples, draw_weights
from robustpose.results.rows import explain_no_mean
from robustpose.results.run_scores import read_tables
from robustpose.results.summary import read_summary

OnProgress = Callable[[Progress], None]


@dataclass
class FoundRuns:
    """Summaries by the names of their runs, where they are, and what has to be said of them."""

    summaries: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def measure_runs(
    places: Sequence[Path],
    told: Mapping[str, About],
    training: str | None = None,
    n_resamples: int = RESAMPLES,
    on_progress: OnProgress = lambda progress: None,
) -> tuple[list[Measurement], list[str]]:
    """Return the measurements of all finished runs in some folders, and notes on what was left out or is in doubt.

    A place is a run folder, or a folder with some at any depth. `told` says by name of a run, its path from the place,
    or the name of its folder, what its summary does not; `training` is that of all runs of which nobody says another.
    """
    check_resamples(n_resamples, 1)
    found = find_runs(places)
    for name in [name for name, summary in found.summaries.items() if summary["metric"] in HELD_AGAINST_CLEAN]:
        found.notes.append(f"left out: {name} has {found.summaries.pop(name)['metric']}, which no claim is about")
    if not found.summaries:
        raise UserError(
            f"there is no run with scores that a claim is about in {', '.join(map(str, places))}: "
            "consistency says how much poses change, not how right they are"
        )
    unknown = [name for name in told if name not in found.summaries]
    if unknown:
        names = ", ".join(list(found.summaries)[:8])
        raise UserError(f"no run is called '{unknown[0]}'{nearest(unknown[0], found.summaries)}: there are {names}")
    measured: dict[str, Measurement] = {}
    for name, summary in found.summaries.items():
        one = measure_run(name, summary, told.get(name, About()))
        about = one.about if one.about.training else one.about.fill_in(About(training=training), name)
        measured[name] = replace(one, about=about)
    kept = _drop_copies(found, measured)
    for done, name in enumerate(kept, 1):
        measured[name] = _resample(found, name, measured[name], n_resamples)
        on_progress(Progress(done, len(kept), None))
    return [measured[name] for name in kept], found.notes


def find_runs(places: Sequence[Path]) -> FoundRuns:
    """Return the finished runs in some folders; UserError where there is none, or where one that was named is not."""
    found = FoundRuns()
    seen: dict[Path, str] = {}
    for place in places:
        if not place.is_dir():
            raise UserError(f"{place} is no folder: expected a run folder, or one with run folders in it")
        is_run = any((place / name).is_file() for name in ("summary.json", "run.json"))
        folders = [place] if is_run else sorted({path.parent for path in _find_marks(place)})
        for folder in folders:
            name = folder.resolve().name if is_run else folder.relative_to(place).as_posix()
            name = str(folder) if name in found.summaries else name
            if folder.resolve() in seen:
                found.notes.append(f"{folder} is named twice, and counts once")
                continue
            seen[folder.resolve()] = name
            try:
                found.summaries[name] = read_summary(folder)
                found.folders[name] = folder
            except UserError as error:
                if is_run:
                    raise
                found.notes.append(f"left out: {error}")
    if not found.summaries:
        problems = f" ({found.notes[0]})" if found.notes else ""
        where = ", ".join(map(str, places))
        raise UserError(f"there is no finished run in {where}{problems}: expected folders that bench has written")
    return found


def _find_marks(place: Path) -> list[Path]:
    return [path for name in ("summary.json", "run.json") for path in place.rglob(name) if path.is_file()]


def _drop_copies(found: FoundRuns, measured: Mapping[str, Measurement]) -> list[str]:
    """Return the names of runs without those that are another one's copy: they would count as evidence twice."""
    first: dict[str, str] = {}
    kept = []
    # Of a run and a copy without matches, the run.
    names = sorted(found.summaries, key=lambda name: not (found.folders[name] / "matches").is_dir())
    for name in names:
        summary = found.summaries[name]
        estimator = summary["provenance"]["estimator"]
        digests = [estimator.get(key) for key in ("sha256", "state_sha256")]
        scores = [summary["clean"], summary["cells"]]
        key = json.dumps([measured[name].pixels, measured[name].people, digests, scores], sort_keys=True)
        if first.setdefault(key, name) == name:
            kept.append(name)
        else:
            found.notes.append(f"left out: {name} is the same run as {first[key]}")
    return [name for name in found.summaries if name in kept]


def _resample(found: FoundRuns, name: str, one: Measurement, n_resamples: int) -> Measurement:
    """Return a measurement with its resamples; without them, and a note, where the run has no matches that fit it."""
    summary, folder = found.summaries[name], found.folders[name]
    found.notes += [f"{name}: {doubt}" for doubt in read_doubts(summary)]
    if not one.is_complete:
        found.notes.append(f"{name}: {explain_no_mean(summary)}")
    scores = {CLEAN: summary["clean"], **{Cell.from_key(key): score for key, score in summary["cells"].items()}}
    try:
        tables = read_tables(folder, scores)
        n_images = tables[CLEAN].n_images
        weights = draw_weights(n_images, n_resamples)
    except UserError as error:
        found.notes.append(f"{name} has no intervals: {error}")
        return one
    resampled = take_means({cell: table.score(weights) for cell, table in tables.items()}, list(tables), one.suite)
    return replace(one, resampled=resampled, n_images=n_images)
