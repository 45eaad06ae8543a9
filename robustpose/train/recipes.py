"""Recipes: settings of a training from a YAML file, changed by what a command was given."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.config import override_value, read_recipe
from robustpose.train.recipe_code import check_trust, name_typed
from robustpose.train.settings import TrainSettings, make_settings

# Fields of a recipe's data that files named on the command line take the place of.
PLACE_OF_DATA = {"name", "annotations", "images", "skeleton", "root", "split", "boxes", "n_images", "seed"}


def read_settings(
    recipe: Path,
    overrides: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    trust: bool = False,
    root: Path | None = None,
) -> TrainSettings:
    """Return the settings of a YAML recipe, changed by overrides such as `augment.rotation=30`, whose value is YAML.

    `options` has settings as they are, some in groups; None is one that is not given. `annotations` or `images` in a
    group take the place of the recipe's data, `root` of the folder in which these lie. Code that the recipe names is an
    error unless `trust` is given.
    """
    values = read_recipe(recipe)
    of_recipe = copy.deepcopy(values)
    for group in ("train_data", "val_data"):
        if root is not None and isinstance(values.get(group), dict):
            values[group]["root"] = root
    change_values(values, overrides, options or {})
    check_trust(of_recipe, values, name_typed(overrides, options or {}), f"recipe {recipe}", trust)
    return make_settings(values, f"recipe {recipe}")


def change_values(values: dict[str, Any], overrides: Sequence[str], options: Mapping[str, Any]) -> None:
    """Change nested values, in place, by `overrides` and `options` as `read_settings` takes them."""
    for key, value in options.items():
        if isinstance(value, Mapping):
            given = {field: item for field, item in value.items() if item is not None}
            own: Any = values.get(key) if isinstance(values.get(key), dict) else {}
            if "annotations" in given or "images" in given:
                own = {field: item for field, item in own.items() if field not in PLACE_OF_DATA} | {"name": "coco"}
            if given:
                values[key] = {**own, **given}
        elif value is not None:
            values[key] = value
    for override in overrides:
        override_value(values, override)
