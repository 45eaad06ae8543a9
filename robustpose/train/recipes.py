"""Recipes: settings of a training from a YAML file, changed by what a command was given.

Those that come with robustpose are in `robustpose/recipes` and have names, such as ``advmix/toy``.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.config import override_value, read_recipe
from robustpose.errors import UserError, nearest, quote
from robustpose.reading import read_text
from robustpose.train.recipe_code import check_trust, name_typed
from robustpose.train.settings import PER_DEVICE, TrainSettings, make_settings

FOLDER = Path(__file__).parents[1] / "recipes"
# Fields of a recipe's data that files named on the command line take the place of.
PLACE_OF_DATA = {"name", "annotations", "images", "skeleton", "root", "split", "boxes", "n_images", "seed"}


def list_recipes() -> dict[str, str]:
    """Return the recipes that come with robustpose: name -> the first line of the file, which says what it is for.

    >>> list_recipes()["toy_crowds"]
    'Train a small bottom-up network on drawn crowds.'
    """
    paths = {path.relative_to(FOLDER).with_suffix("").as_posix(): path for path in sorted(FOLDER.rglob("*.yaml"))}
    return {name: read_text(path, "recipe").partition("\n")[0].strip("# ") for name, path in paths.items()}


def find_recipe_file(recipe: Path | str) -> Path:
    """Return the file of a recipe, given its path or the name of one that comes with robustpose.

    A file that is there comes first. What begins with ``.``, ``/`` or ``~``, or ends with ``.yaml``, is a path.

    Raises:
        UserError: it is neither; the line names the recipe that may be meant.

    >>> find_recipe_file("advmix/toy").name
    'toy.yaml'
    """
    text, names = str(recipe), list_recipes()
    path = Path(os.path.expanduser(text))  # noqa: PTH111  # which never fails
    is_path = text.startswith((".", "/", "~")) or path.suffix.lower() in (".yaml", ".yml")
    # Path's own methods fail for names that no file can have.
    if os.path.isfile(path) or (is_path and os.path.lexists(path)):  # noqa: PTH113
        return path  # of anything else than a file, reading it says what it is
    if not is_path and text in names:
        return FOLDER / f"{text}.yaml"
    near = _find_near(path.with_suffix("").as_posix().rpartition("recipes/")[2] if is_path else text, names)
    if is_path:
        raise UserError(f"cannot read the recipe {path.absolute()}: there is no such file{near}")
    raise UserError(
        f"there is no recipe and no file {quote(text)}{near}: robustpose list recipes shows the names; "
        "a file of your own is given by its path"
    )


def _find_near(word: str, names: Iterable[str]) -> str:
    """Return which name may be meant, in brackets, as `nearest` does; ``toy`` is meant for ``advmix/toy``."""
    same = sorted((name for name in names if f"/{name}".endswith(f"/{word}")), key=len)
    return f" (did you mean '{same[0]}'?)" if same and word else nearest(word[:80], names)


def read_settings(
    recipe: Path | str,
    overrides: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    trust: bool = False,
    root: Path | None = None,
) -> TrainSettings:
    """Return the settings of a recipe, changed by overrides such as `augment.rotation=30`, whose value is YAML.

    `recipe` is a YAML file or a name of `list_recipes`.
    `options` has settings as they are, some in groups; None is one that is not given. `annotations` or `images` in a
    group take the place of the recipe's data, `root` of the folder in which these lie. Code that the recipe names is an
    error unless `trust` is given.
    """
    recipe = find_recipe_file(recipe)
    values = read_recipe(recipe)
    of_recipe = copy.deepcopy(values)
    for group in ("train_data", "val_data"):
        if root is not None and isinstance(values.get(group), dict):
            values[group]["root"] = root
    change_values(values, overrides, options or {})
    check_trust(of_recipe, values, name_typed(overrides, options or {}), f"recipe {recipe}", trust)
    mistakes = _find_mistakes(values)
    if mistakes and _find_mistakes(of_recipe) not in mistakes:  # of options, and not of the recipe
        said = [f"--set {override}" for override in overrides if override.partition("=")[0].strip() in mistakes]
        raise UserError(f"{', '.join(said) or 'options'}: {mistakes}")
    return make_settings(values, f"recipe {recipe}")


def _find_mistakes(values: dict[str, Any]) -> str:
    """Return what is wrong with settings; nothing if nothing is."""
    try:
        make_settings(values, "")
    except UserError as error:
        return str(error)
    return ""


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
    choose_batch(values, [override.partition("=")[0].strip() for override in overrides])


def choose_batch(values: dict[str, Any], typed: Iterable[str]) -> None:
    """Let the size of a batch that was typed, of all devices or of each, take the place of the other one, in place."""
    given = {"batch_size", PER_DEVICE}.intersection(typed)
    if len(given) == 1 and values.get(*given) is not None:
        for other in {"batch_size", PER_DEVICE} - given:
            values.pop(other, None)
