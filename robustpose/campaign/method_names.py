"""What methods are called: a training in one way of use, alone and in comparisons."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from robustpose.errors import nearest, quote, spell_list

Method = tuple[str, str | None]  # a training, and the way in which its networks are used


def call_method(name: str, way: str | None) -> str:
    """Return what a training, or a suite, is called in a way of use; the way without options has no name of its own.

    >>> call_method("advmix", None), call_method("advmix", "bn")
    ('advmix', 'advmix (bn)')
    """
    return name if way is None else f"{name} ({way})"


def list_ways(ways: Mapping[str, Mapping[str, Any]]) -> list[str | None]:
    """Return the ways of use; None for the one that has no options, as networks are."""
    return [name if options else None for name, options in ways.items()]


def find_pairs(
    comparisons: Mapping[str, Sequence[str]], trainings: Collection[str], ways: Sequence[str | None]
) -> Iterator[tuple[str, tuple[Method, Method]]]:
    """Yield the pairs that comparisons name: two trainings in each way by itself, or two methods; else ValueError.

    >>> dict(find_pairs({"gain": ("a", "b")}, ["a", "b"], [None, "bn"]))
    {'gain': (('a', None), ('b', None)), 'gain (bn)': (('a', 'bn'), ('b', 'bn'))}
    >>> dict(find_pairs({"which": ("a (bn)", "b")}, ["a", "b"], [None, "bn"]))
    {'which': (('a', 'bn'), ('b', None))}
    """
    methods = {call_method(training, way): (training, way) for training in trainings for way in ways}
    for name, (first, second) in comparisons.items():
        if first == second:
            raise ValueError(f"comparisons.{name} must name two trainings, or two methods, got {quote(first)} twice")
        if first in trainings and second in trainings:
            for way in ways:
                yield call_method(name, way), ((first, way), (second, way))
            continue
        for one in (first, second):
            if one not in methods:
                known = [*trainings, *methods]
                raise ValueError(
                    f"comparisons.{name} must name two of the trainings ({spell_list(trainings)}), which are compared "
                    f"in each way by itself, or two methods, such as {quote([*methods][-1])}, got {quote(one)}"
                    f"{nearest(one, known)}"
                )
        yield name, (methods[first], methods[second])
