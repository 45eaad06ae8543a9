"""Groups: several trainings of each method beside each other, so that what is found holds for the methods.

One training is one draw: another seed gives another score. A group's numbers are the means over its trainings, with the
spread between them, and intervals that other trainings as well as other images would move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from robustpose.errors import UserError, quote, spell_list
from robustpose.results.compare import compare_runs
from robustpose.results.compared import ComparedRow, Comparison
from robustpose.results.grouped import split
from robustpose.results.names import check_name
from robustpose.results.one_model import identify_model
from robustpose.results.parts import Part
from robustpose.results.resampling import RESAMPLES
from robustpose.results.summary import read_summary

LEAST = 2  # trainings, between which something lies
OF_FEW = "of so few, intervals are wide"  # in the note on groups of fewer than FEW
FEW = 3  # below, intervals hold the truth less often than they say: see benchmarks/trainings_coverage.py
Groups = Mapping[str, Sequence[Path]]


def parse_groups(texts: Sequence[str]) -> dict[str, list[Path]]:
    """Return the run folders of each group by ``NAME=RUN,RUN``, or raise UserError.

    >>> parse_groups(["standard=r0,r1", "advmix=a0,a1"])["advmix"]
    [PosixPath('a0'), PosixPath('a1')]
    """
    groups: dict[str, list[Path]] = {}
    for text in texts:
        name, equals, runs = text.partition("=")
        words = [word.strip() for word in runs.split(",")]
        if not equals or not name.strip() or not all(words):
            raise UserError(
                f"--group takes NAME=RUN,RUN,RUN, such as standard=runs/r0,runs/r1,runs/r2, got {quote(text)}"
            )
        name = check_name(name, "--group NAME")
        if name in groups:
            raise UserError(
                f"--group names {quote(name)} twice: give all its runs at once, with commas, or another name"
            )
        if (folder := _find_split(runs.split(","))) is not None:
            raise UserError(
                f"--group {name}: {folder.absolute()} is one folder, and a comma stands between two: "
                "name it by a link without a comma, or compare in Python: robustpose.compare(groups={...})"
            )
        groups[name] = [Path(word) for word in words]
    return groups


def _find_split(parts: Sequence[str]) -> Path | None:
    """Return a folder with commas in its name of which parts are taken for folders, though one of them is none."""
    for start, end in combinations(range(len(parts) + 1), 2):
        folder = Path(",".join(parts[start:end]).strip())
        if end - start > 1 and folder.is_dir() and not all(Path(part.strip()).is_dir() for part in parts[start:end]):
            return folder
    return None


def compare_groups(groups: Groups, n_resamples: int = RESAMPLES, part: Part | None = None) -> Comparison:
    """Return groups of trainings beside each other, the first as the reference; UserError where they cannot be.

    `groups` has the folders of finished runs, of the same images, by the group's name: two or more of each. With a
    `part`, all is of these images alone, as in `compare_runs`.
    """
    check_groups(groups)
    folders = [folder for of in groups.values() for folder in of]
    sizes = [len(of) for of in groups.values()]
    comparison = compare_runs(folders, n_resamples, sizes=sizes, part=part)
    of_groups = tuple(map(tuple, split(comparison.names, sizes)))
    return replace(
        comparison,
        names=tuple(groups),
        trainings=of_groups,
        setup=tuple((what, tuple(_join(of) for of in split(values, sizes))) for what, values in comparison.setup),
        notes=(
            *comparison.notes,
            *note_few({name: len(folders) for name, folders in groups.items()}),
            *_note_alike(comparison.rows, groups),
        ),
    )


def _join(values: Sequence[str | None]) -> str | None:
    """Return what the trainings of a group say of themselves: once, if all say the same."""
    known = list(dict.fromkeys("–" if value is None else value for value in values))
    return None if known == ["–"] else ", ".join(known)


def check_groups(groups: Groups) -> None:
    """Raise UserError unless there are two groups or more, each of two trainings or more, and no run is there twice."""
    check_runs_of_groups(groups)
    check_sizes({name: len(folders) for name, folders in groups.items()})


def check_runs_of_groups(groups: Groups) -> None:
    """Raise UserError unless there are two groups or more, and no run is there twice."""
    if len(groups) < 2:
        named = f", got {next(iter(groups))} alone" if groups else ""
        raise UserError(f"comparing takes two groups or more{named}: the first is what the others are compared with")
    places: dict[Path, tuple[str, Path]] = {}
    for name, folders in groups.items():
        for folder in folders:
            place = folder.resolve()
            if place in places:
                before, written = places[place]
                where = f"group {name} twice" if before == name else f"group {before} and in group {name}"
                also = f" (as {written} and {folder})" if written != folder else ""
                raise UserError(f"{place} is in {where}{also}: each training counts once")
            places[place] = (name, folder)


def check_sizes(sizes: Mapping[str, int]) -> None:
    """Raise UserError unless each group has two trainings or more."""
    for name, size in sizes.items():
        if size < LEAST:
            raise UserError(
                f"group {name} has {size or 'no'} training{'s' * (not size)}: how far trainings lie apart "
                "cannot be told from fewer than two, and three or more say it well; runs of one training each are "
                "compared without groups"
            )


def note_few(sizes: Mapping[str, int]) -> Iterator[str]:
    """Yield a note on groups of so few trainings that their intervals hold the truth less often than they say."""
    for few in sorted({size for size in sizes.values() if size < FEW}):
        names = [name for name, size in sizes.items() if size == few]
        have, each = ("has", "") if len(names) == 1 else ("have", " each")
        yield (
            f"{spell_list(names)} {have} {few} trainings{each}: {OF_FEW}, and hold the truth "
            "between 92 and 99 times in 100; of three or more, about 95 times, if no training fails by a wide margin"
        )


def _note_alike(rows: Sequence[ComparedRow], groups: Groups) -> Iterator[str]:
    """Yield a note for each training that scores as one before it does, everywhere: of its group, or of another.

    Runs of which it is known that they are of other weights are no such: on a few images, scores meet by chance.
    """
    before: dict[tuple[float | None, ...], list[tuple[str, Path]]] = {}
    for group, (name, folders) in enumerate(groups.items()):
        for folder, scores in zip(folders, zip(*(row.trainings[group] for row in rows), strict=True), strict=True):
            alike = before.setdefault(scores, [])
            one = next((one for one in alike if _may_be_one(one[1], folder)), None)
            alike.append((name, folder))
            if one is None:
                continue
            other, first = one
            if other == name:
                yield (
                    f"{first} and {folder} of {name} have the same score in every cell: are they one training, "
                    "measured twice? Then its spread and its intervals are too small"
                )
            else:
                yield (
                    f"{first} of {other} and {folder} of {name} have the same score in every cell: are they one "
                    "training, in two groups? Then intervals of differences are not right: they take each group's "
                    "trainings for other ones"
                )


def _may_be_one(folder: Path, other: Path) -> bool:
    """Tell whether two runs may be of one training: unless both say of which weights they are, and these differ."""
    identities = [identify_model(read_summary(one)) for one in (folder, other)]
    return None in identities or identities[0] == identities[1]
