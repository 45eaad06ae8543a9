"""Words: options of a campaign's file, as the words of a command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustpose.config import flatten_values
from robustpose.errors import UserError, quote

REPEATED = ("set", "model-set", "detector-set", "fail-under")  # options that take one value each time


def list_keys(options: Mapping[str, Any]) -> list[str]:
    """Return the names of options as a command line has them.

    >>> list_keys({"val_annotations": "a.json", "metric": "pckh"})
    ['val-annotations', 'metric']
    """
    return [str(key).replace("_", "-") for key in options]


def spell_options(options: Mapping[str, Any]) -> list[str]:
    """Return options as words.

    True is a switch, and what is false or empty is left out; of a group there is a word ``key=value`` for each value,
    with a dot between nested keys; a list is joined by commas.

    >>> spell_options({"recipe": "demo", "adapt_images": 4, "report": None, "severities": [1, 3]})
    ['--recipe', 'demo', '--adapt-images', '4', '--severities', '1,3']
    >>> spell_options({"set": {"epochs": 8, "mixing": {"views": ["clean", "augmix"]}}, "no-report": True})
    ['--set', 'epochs=8', '--set', 'mixing.views=["clean", "augmix"]', '--no-report']
    """
    words: list[str] = []
    for key, (name, value) in zip(list_keys(options), options.items(), strict=True):
        option = f"--{key}"
        if value is None or value is False:
            continue
        if value is True:
            words.append(option)
        elif isinstance(value, Mapping):
            for place, one in flatten_values(value):
                words += [option, f"{place}={_spell(one)}"]
        elif isinstance(value, list) and key in REPEATED:
            for one in value:
                words += [option, _spell_plainly(one, name)]
        elif isinstance(value, list):
            words += [option, ",".join(_spell_plainly(one, name) for one in value)]
        else:
            words += [option, _spell_plainly(value, name)]
    return words


def merge_options(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of which later layers change earlier ones; groups, such as `set`, are merged key by key.

    >>> merge_options({"set": {"epochs": 8, "lr": 1}}, {"set": {"epochs": 2}, "strategy": "advmix"})
    {'set': {'epochs': 2, 'lr': 1}, 'strategy': 'advmix'}
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, (name, value) in zip(list_keys(layer), layer.items(), strict=True):
            before = merged.get(key)
            if isinstance(value, Mapping) and isinstance(before, Mapping):
                merged[key] = {**dict(flatten_values(before)), **dict(flatten_values(value))}
            elif isinstance(value, Mapping) != isinstance(before, Mapping) and None not in (value, before):
                raise UserError(
                    f"'{name}' must be a group (key: value) at every place of a campaign's file, or at none"
                )
            else:
                merged[key] = value
    return merged


def fill_seed(words: list[str], seed: int) -> list[str]:
    """Return words with a seed where ``{seed}`` stands."""
    return [word.replace("{seed}", str(seed)) for word in words]


def _spell(value: Any) -> str:
    """Return a value as YAML reads it again."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _spell_plainly(value: Any, name: object) -> str:
    if isinstance(value, str | int | float | Path) and not isinstance(value, bool):
        return str(value)
    raise UserError(f"'{name}' in a campaign's file must be a word, a number or a list of such, got {quote(value)}")
