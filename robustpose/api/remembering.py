"""Remembering: what predictions change in an object of the program, such as a counter, is not held against it later.

The same object, handed over once more as its own predictions left it, is the one that it was before them. Whatever else
has changed it is a change. It is remembered until Python ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from robustpose import registry
from robustpose.benchmark.identity import identify_estimator
from robustpose.benchmark.job import Prepared
from robustpose.changes import BY_CORRUPTION, choose_states
from robustpose.corruptions import TABLE

States = Mapping[str, str]
# By the object's id, with the object, so that no other one gets it: what it was before, by what it was after.
_before: dict[int, tuple[Any, dict[str, States]]] = {}


@contextmanager
def as_before_its_predictions(prepared: Prepared) -> Iterator[Prepared]:
    """Give a job whose objects are what they were before their predictions, and note what those in the block change."""
    settled = _settle(prepared)
    start = {id(thing): states for thing, states in _list_states(settled)}
    try:
        yield settled
    finally:
        for thing, states in _list_states(_look_again(prepared)):
            if states != start.get(id(thing), states):
                _before.setdefault(id(thing), (thing, {}))[1][_spell(states)] = start[id(thing)]


def _settle(prepared: Prepared) -> Prepared:
    """Return a job with an identity in which objects are what they were before their predictions."""
    identity = {**prepared.identity, BY_CORRUPTION: dict(prepared.identity[BY_CORRUPTION])}
    for (thing, states), name in zip(_list_states(prepared), (None, *identity[BY_CORRUPTION]), strict=True):
        before = _before.get(id(thing), (thing, {}))[1].get(_spell(states))
        if before is not None and name is None:
            identity["estimator"] = {**identity["estimator"], "state": before}
        elif before is not None:
            identity[BY_CORRUPTION][name] = {**identity[BY_CORRUPTION][name], **before}
    return replace(prepared, identity=identity)


def _look_again(prepared: Prepared) -> Prepared:
    """Return a job with what its objects are now."""
    code = prepared.job.corrupted_images.code_of(prepared.cells) if prepared.identity[BY_CORRUPTION] else {}
    about = {"estimator": identify_estimator(prepared.estimator)[0], BY_CORRUPTION: dict(sorted(code.items()))}
    return replace(prepared, identity={**prepared.identity, **about})


def _list_states(prepared: Prepared) -> Iterable[tuple[Any, States]]:
    """Return the estimator's own object and the corruptions, each with its variables."""
    own = getattr(prepared.estimator, "__wrapped__", prepared.estimator)
    code = prepared.identity[BY_CORRUPTION]
    of_corruptions = [(registry.load(name, TABLE), choose_states(code[name])) for name in code]
    return [(own, prepared.identity["estimator"].get("state", {})), *of_corruptions]


def _spell(states: States) -> str:
    return json.dumps(states, sort_keys=True)
