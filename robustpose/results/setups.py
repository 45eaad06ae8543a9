"""Setups: in what the runs of a comparison differ, by what each says of itself; and what speaks against scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from robustpose.errors import spell_list
from robustpose.results.doubts import is_fact, read_doubts

MOST_LETTERS = 200  # of a value that is shown
MOST_NAMED = 3  # runs that share a warning


def tell_setups_apart(summaries: Sequence[Mapping[str, Any]]) -> list[tuple[str, tuple[str | None, ...]]]:
    """Return what is not the same in all runs: what it is, and what each of them says; None where one says nothing."""
    said = [dict(flatten(summary["provenance"])) for summary in summaries]
    names = dict.fromkeys(name for of_run in said for name in of_run)
    beside = {name: tuple(of_run.get(name) for of_run in said) for name in names}
    return [(name, tuple(map(_shorten, values))) for name, values in beside.items() if len(set(values)) > 1]


def collect_doubts(names: Sequence[str], summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the warnings that scores of runs could be wrong, each once, with the runs that carry it."""
    carriers: dict[str, list[str]] = {}
    for name, summary in zip(names, summaries, strict=True):
        for text in read_doubts(summary):
            if not is_fact(text):
                carriers.setdefault(text, []).append(name)
    return [f"{_name_runs(of, len(names))}: {text}" for text, of in carriers.items()]


def _name_runs(carriers: Sequence[str], n_runs: int) -> str:
    if len(carriers) == n_runs:
        return "all runs"
    if len(carriers) > MOST_NAMED:
        return f"{len(carriers)} runs, {carriers[0]} among them"
    return spell_list(carriers, "and")


def flatten(tree: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value of a provenance as text, with the names of what it is in, such as `dataset boxes`."""
    for key, value in tree.items():
        name = f"{where} {key}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            yield from flatten(value, name)
        else:
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _shorten(text: str | None) -> str | None:
    return text if text is None or len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
