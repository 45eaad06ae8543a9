"""Settings of any kind: typed, made from the values of a recipe or of options, with each mistake said in one line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from robustpose.errors import UserError, first_few, nearest
from robustpose.reading import parse_yaml, read_yaml

S = TypeVar("S", bound=BaseModel)


class Settings(BaseModel):
    """Settings of any kind: an unknown key is an error, and nothing changes them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_recipe(recipe: Path) -> dict[str, Any]:
    """Return what a YAML recipe holds, unchecked."""
    values = read_yaml(recipe, "recipe")
    if not isinstance(values, dict):
        raise UserError(f"recipe {recipe} must hold settings (key: value), got {type(values).__name__}")
    return values


def check_settings(kind: type[S], values: Mapping[str, Any], source: str) -> S:
    """Return checked settings of nested values, as in a recipe.

    `source`, for messages, is where the values come from; empty for a command's options.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = [_explain(problem, kind) for problem in error.errors()]
        raise UserError(f"{source}{': ' if source else ''}{first_few(problems, 'mistakes')}") from error


def override_value(values: dict[str, Any], override: str) -> None:
    """Change one of nested values, in place, by ``a.b=c``, where c is read as YAML."""
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise UserError(f"--set expects key=value such as augment.rotation=30, got '{override}'")
    value = parse_yaml(text, f"--set {path}: '{text}'")
    group = values
    for i, key in enumerate(keys[:-1]):
        group = group.setdefault(key, {})
        if not isinstance(group, dict):
            raise UserError(f"--set {override}: {'.'.join(keys[: i + 1])} is one value, not a group of settings")
    group[keys[-1]] = value


def write_settings(settings: Settings, path: Path) -> None:
    """Write settings, defaults included, as a recipe."""
    path.write_text(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))


def _explain(problem: Any, kind: type[BaseModel]) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key '{place}'{nearest(str(problem['loc'][-1]), _keys_at(kind, problem['loc'][:-1]))}"
    if problem["type"] == "missing":
        return f"'{place}' is missing"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    is_one_value = not isinstance(problem["input"], dict | BaseModel)
    if place and is_one_value and message.startswith("must be"):
        return f"{place} {message}, got {problem['input']!r}"
    return f"{place}: {message}" if place else message


def _keys_at(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    for part in place:
        annotation = model.model_fields[str(part)].annotation
        kinds = (kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type))
        model = next(kind for kind in kinds if issubclass(kind, BaseModel))
    return list(model.model_fields)
