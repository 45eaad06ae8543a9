"""What a leaderboard is made from: summaries of finished runs and entries, found in a folder at any depth."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from robustpose.errors import UserError
from robustpose.reading import read_json
from robustpose.results.adapted import spell_adapting
from robustpose.results.doubts import doubt_summary, is_fact
from robustpose.results.entries import is_entry, read_entry, summarize_entry
from robustpose.results.links import find_file, is_relative, is_report, link_file, tell_lost
from robustpose.results.one_model import hash_identity
from robustpose.results.published import PublishedRow, count_images, find_row
from robustpose.results.resampling import LEAST_RESAMPLES
from robustpose.results.rows import model_name
from robustpose.results.run_folder import IDENTITY
from robustpose.results.summary import NEEDED, read_summary_file
from robustpose.results.summary_model import MOST_BYTES

OF_CELLS = ("predictions", "matches", "units")  # folders of a run, in which there are many files and no results


@dataclass(frozen=True, eq=False)
class Found:
    """The results of one run."""

    file: str  # where they are, relative to the folder that was read
    summary: dict[str, Any]
    name: str
    model: Mapping[str, Any]  # what is known of it: `parameters`, `input`, `training`, `sha256`, `identity`
    links: Mapping[str, str]  # by name: of the web, or relative to the folder that was read
    row: PublishedRow | None  # of the paper
    differences: tuple[str, ...]  # in what it is not the same measurement as that row
    warnings: tuple[str, ...]  # why its numbers could be wrong
    is_entry: bool = False
    joined: tuple[str, ...] = ()  # files of the runs that an entry was made of, where these are there, too

    @property
    def files(self) -> tuple[str, ...]:
        """Return all files, relative to the folder that was read."""
        return (self.file, *self.joined)

    @property
    def same(self) -> str:
        """Return what two have in common that are the same results of the same model."""
        summary, model = self.summary, self.model.get("sha256") or self.name
        return json.dumps([model, summary["metric"], summary["clean"], summary["cells"]], sort_keys=True)


def find_results(folder: Path) -> tuple[list[Found], list[str]]:
    """Return the results under a folder, and a line on each file and link that was left out.

    A run that is there with an entry that was made of it counts once, by the entry's name, with the links of both.
    """
    results: list[Found] = []
    left_out: list[str] = []
    for file in _list_files(folder):
        try:
            found = _read(folder, file, left_out)
        except UserError as error:
            left_out.append(str(error))
            continue
        if found is not None:
            results.append(found)
    return _join_same(results), left_out


def _list_files(folder: Path) -> list[str]:
    files: list[str] = []
    for place, folders, names in os.walk(folder):
        if IDENTITY in names:
            folders[:] = [name for name in folders if name not in OF_CELLS]
        files += [Path(place, name).relative_to(folder).as_posix() for name in names if name.endswith(".json")]
    return sorted(files, key=lambda file: file.split("/"))


def _read(folder: Path, file: str, left_out: list[str]) -> Found | None:
    """Return the results in a file; None where it holds something else; UserError where they are damaged."""
    path = folder / file
    is_named = path.name == "summary.json"
    try:
        content, _ = read_json(path, "summary", MOST_BYTES)
    except UserError:
        if is_named or _looks_like_entry(path):
            raise
        return None  # whatever else lies there
    if is_entry(content):
        entry = read_entry(path)
        links = dict(_place_links(folder, path, entry["links"], left_out)) if entry.get("links") else {}
        return _describe(file, summarize_entry(entry), entry["model"], links, is_of_entry=True)
    if not is_named and not (isinstance(content, dict) and content.keys() >= NEEDED):
        return None
    summary = read_summary_file(path)
    report = path.with_name("report.html")
    links = {"report": link_file(report.relative_to(folder).as_posix())} if is_named and is_report(report) else {}
    size = summary["provenance"]["estimator"].get("input")
    model = {"input": size if isinstance(size, str) else None}
    model["sha256"] = summary["provenance"]["estimator"].get("sha256")
    model["adapting"] = spell_adapting(summary["provenance"]["estimator"])
    model["identity"] = hash_identity(summary)
    return _describe(file, summary, model, links)


def _looks_like_entry(path: Path) -> bool:
    """Tell whether a file that cannot be read as JSON begins as entries do."""
    try:
        with path.open("rb") as file:
            return path.is_file() and re.match(rb'\s*\{\s*("\$schema"[^,]*,\s*)?"entry":', file.read(300)) is not None
    except OSError:
        return False


def _describe(
    file: str, summary: dict[str, Any], model: Mapping[str, Any], links: Mapping[str, str], is_of_entry: bool = False
) -> Found:
    doubts = tuple(text for text in doubt_summary(summary) if not is_fact(text))
    intervals = summary.get("intervals")
    if intervals and (intervals["resamples"] < LEAST_RESAMPLES or count_images(summary) == 1):
        summary = {**summary, "intervals": None}  # they say nothing, and would look as if they did
    row, differences = find_row(summary)
    return Found(file, summary, model_name(summary), model, links, row, tuple(differences), doubts, is_of_entry)


def _place_links(folder: Path, path: Path, links: Mapping[str, str], left_out: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the links of an entry, relative ones as seen from a folder: to what is in it, and nothing else."""
    for name, link in links.items():
        if not is_relative(link):
            yield name, link
            continue
        if why := tell_lost(link, path, folder):
            left_out.append(f"{path}: links.{name} {why}; the entry is shown without it")
        else:
            target = find_file(link, path).resolve().relative_to(folder.resolve())
            yield name, link_file(target.as_posix(), link)


def _join_same(results: Sequence[Found]) -> list[Found]:
    """Return results, those of a run joined with an entry that was made of it."""
    entries = {found.same: found for found in results if found.is_entry}
    joined: list[Found] = []
    for found in results:
        entry = entries.get(found.same)
        if entry is None or found.is_entry:
            joined.append(found)
    for run in results:
        entry = entries.get(run.same)
        if entry is not None and not run.is_entry:
            place = joined.index(entry)
            entries[run.same] = joined[place] = replace(
                entry, links={**run.links, **entry.links}, joined=(*entry.joined, run.file)
            )
    return joined
