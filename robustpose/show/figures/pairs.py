"""Pairs: which run is the hardened form of which, as a command says it or as the paper's rows tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os.path import realpath

from robustpose.errors import UserError, first_few, nearest, quote
from robustpose.results.gains import Gains, find_gains, find_printed_gains
from robustpose.results.published import PublishedRow, find_row, published_rows
from robustpose.show.figures.paper import name_row
from robustpose.show.figures.runs import Run, group_by_data, name_groups
from robustpose.show.figures.style import MOST_LETTERS, shorten

STANDARD = "Standard"  # as the paper calls plain training


@dataclass(frozen=True)
class Pair:
    """A standard network and a hardened one on the same data, and what the second gains."""

    label: str
    gains: Gains


Panels = Mapping[str, Sequence[Pair]]  # by what the data are called


def pair_runs(runs: Sequence[Run], words: Sequence[str], notes: list[str]) -> dict[str, list[Pair]]:
    """Return the pairs of runs by their data; what they leave out is added to `notes`.

    Args:
        runs: with the same metric and suite.
        words: ``STANDARD,HARDENED``, each by the label or the folder of a run; none for the pairs that the rows tell,
            which the runs were made to stand beside.
        notes: for people.
    """
    chosen = [_parse_pair(runs, word) for word in dict.fromkeys(words)] or list(_pair_by_rows(runs))
    panels: dict[str, list[Pair]] = {}
    groups = group_by_data(runs)
    titles = {run.folder: title for group, title in zip(groups, name_groups(groups), strict=True) for run in group}
    for (standard, hardened), label in zip(chosen, _name_pairs(chosen), strict=True):
        gains = _find_gains(standard, hardened, notes, is_said=bool(words))
        if gains is not None:
            panels.setdefault(titles[hardened.folder], []).append(Pair(label, gains))
    return panels


def _name_pairs(pairs: Sequence[tuple[Run, Run]]) -> list[str]:
    """Return `hardened over standard` for each pair: by the runs' labels, or by folders where two would look alike."""
    by_label = [_name_pair(hardened.label, standard.label) for standard, hardened in pairs]
    folders = [[run.folder.resolve().name for run in pair] for pair in pairs]
    by_folder = [_name_pair(hardened, standard) for standard, hardened in folders]
    for names in (by_label, by_folder):
        if len(set(names)) == len(names):
            return names
    return [f"{number}. {name}" for number, name in enumerate(by_label, 1)]


def _name_pair(hardened: str, standard: str) -> str:
    """Return the two names in the room of one, so that no figure cuts out what stands between them."""
    room = MOST_LETTERS - len(" over ") - len("99. ")
    lengths = len(shorten(standard)), len(shorten(hardened))
    names = zip((hardened, standard), lengths, strict=True)
    return " over ".join(shorten(name, max(room // 2, room - other)) for name, other in names)


def pair_published_networks() -> dict[str, list[Pair]]:
    """Return the paper's standard networks with the same networks after AdvMix, Tables 2 and 3, by data set."""
    panels: dict[str, list[Pair]] = {}
    for standard, hardened in _pair_published((2, 3)):
        if hardened.training == "AdvMix":
            pair = Pair(name_row(standard), find_printed_gains(standard, hardened))
            panels.setdefault(f"{hardened.dataset}: {hardened.metric}", []).append(pair)
    return panels


def pair_published_trainings() -> dict[str, list[Pair]]:
    """Return one of the paper's networks with the ways of hardening it of which scores by corruption are printed.

    That is Table 4.
    """
    panels: dict[str, list[Pair]] = {}
    for standard, hardened in _pair_published((4,)):
        pair = Pair(hardened.training, find_printed_gains(standard, hardened))
        panels.setdefault(f"{hardened.dataset}: {name_row(standard)}", []).append(pair)
    return panels


def _pair_published(tables: Sequence[int]) -> Iterator[tuple[PublishedRow, PublishedRow]]:
    """Yield each hardened row of some tables with the standard row of its network."""
    rows = published_rows()
    for row in rows:
        if row.table in tables and row.training != STANDARD:
            yield next(one for one in rows if one.training == STANDARD and _is_same_network(one, row)), row


def _find_gains(standard: Run, hardened: Run, notes: list[str], is_said: bool) -> Gains | None:
    """Return the gains of a pair; None and a note for runs that cannot be compared and that nobody said to compare."""
    try:
        gains = find_gains(standard.folder, hardened.folder)
    except UserError as error:
        if is_said:
            raise UserError(f"--pair {standard.label},{hardened.label}: {error}") from error
        notes.append(f"no gain of {hardened.folder} over {standard.folder}: {error}")
        return None
    notes += [f"gain of {hardened.folder} over {standard.folder}: {note}" for note in gains.notes]
    return gains


def _parse_pair(runs: Sequence[Run], word: str) -> tuple[Run, Run]:
    """Return the two runs that a word names: labels and folders may themselves have commas."""
    for place, letter in enumerate(word):
        if letter == ",":
            standard, hardened = _find_run(runs, word[:place]), _find_run(runs, word[place + 1 :])
            if standard is not None and hardened is not None:
                if standard == hardened:
                    raise UserError(f"--pair must be two different runs, got {quote(word)}")
                return standard, hardened
    labels = [run.label for run in runs]
    parts = [part.strip() for part in word.split(",")]
    unknown = next((part for part in parts if _find_run(runs, part) is None), "")
    raise UserError(
        f"--pair must be two of the runs, STANDARD,HARDENED, got {quote(word)}{nearest(unknown, labels)}: the runs are "
        f"{first_few(list(map(shorten, labels)), 'runs')}"
    )


def _find_run(runs: Sequence[Run], word: str) -> Run | None:
    """Return the run of a label or, if none has it, of a folder."""
    word = word.strip()
    by_label = next((run for run in runs if run.label == word), None)
    if by_label is not None or not word or "\0" in word:
        return by_label
    return next((run for run in runs if realpath(run.folder) == realpath(word)), None)


def _pair_by_rows(runs: Sequence[Run]) -> Iterator[tuple[Run, Run]]:
    """Yield each run of a hardened row with the first of the standard row of its network, on the same data."""
    for group in group_by_data(runs):
        rows = [(run, row) for run in group if (row := find_row(run.summary)[0]) is not None]
        for hardened, row in rows:
            standard = [
                run
                for run, other in rows
                if other.training == STANDARD and row.training != STANDARD and _is_same_network(other, row)
            ]
            if standard:
                yield standard[0], hardened


def _is_same_network(one: PublishedRow, other: PublishedRow) -> bool:
    return (one.dataset, one.zoo, one.boxes) == (other.dataset, other.zoo, other.boxes)
