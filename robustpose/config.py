"""Settings: typed, read from a YAML recipe and `--set a.b=c`, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    PositiveInt,
    ValidationError,
    model_validator,
)

from robustpose.errors import UserError, first_few, nearest

S = TypeVar("S", bound=BaseModel)


class Settings(BaseModel):
    """Settings of any kind: an unknown key is an error, and nothing changes them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(Settings):
    """Say which pictures of people.

    Attributes:
        name: `toy` or `toy-crowds`; `coco`, `mpii` or `ochuman`; or `package.module:attr`: a dataset, or a function
            without arguments that makes one.
        n_images: of `toy`.
        seed: of `toy`.
        annotations: of `coco`, any file in its format: the keypoint file.
        images: of `coco`: the image folder.
        root: of `coco`, `mpii` or `ochuman`: the folder of the official set, instead of the two.
        split: of the official set; by default the one that is benched.
        metric: what evaluations go by; by default the data's own.
        style_images: of `coco`: a folder with stylised copies of the images, under the same names.
        stylized: what is learned from then: both images and copies, or copies only.
    """

    name: str = "toy"
    n_images: PositiveInt = 64
    seed: int = 0
    annotations: Path | None = None
    images: Path | None = None
    root: Path | None = None
    split: str | None = None
    metric: str | None = None
    style_images: Path | None = None
    stylized: Literal["both", "only"] = "both"

    @model_validator(mode="after")
    def _check_belongs(self) -> DataSettings:
        files = {"root", "split"}
        own = {
            "toy": {"n_images", "seed"},
            "toy-crowds": {"n_images", "seed"},
            "coco": {"annotations", "images", "style_images", "stylized", *files},
            "mpii": files,
            "ochuman": files,
        }.get(self.name, set()) | {"name", "metric"}
        stray = {key for key, field in type(self).model_fields.items() if getattr(self, key) != field.default} - own
        if stray:
            raise ValueError(f"{', '.join(sorted(stray))}: not a setting of data '{self.name}'")
        has_files = self.annotations is not None and self.images is not None
        if self.name == "coco" and not has_files and self.root is None:
            raise ValueError("data 'coco' needs annotations and images, or root")
        if self.name in ("mpii", "ochuman") and self.root is None:
            raise ValueError(f"data '{self.name}' needs root")
        return self


def read_values(
    recipe: Path, overrides: Sequence[str] = (), data: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Return what a YAML recipe holds, changed by overrides such as `augment.rotation=30`, unchecked.

    Args:
        recipe: YAML file.
        overrides: `a.b=c`; c is read as YAML.
        data: files that take the place of the recipe's data, from `change_data`.

    Raises:
        UserError: the file cannot be read, or an override is not `key=value`.
    """
    values = read_recipe(recipe)
    for key, files in (data or {}).items():
        kept: Any = values.get(key) if isinstance(values.get(key), dict) else {}
        others = {"name", "annotations", "images", "root", "split", "n_images", "seed"}
        values[key] = {**{k: v for k, v in kept.items() if k not in others}, **files}
    for override in overrides:
        _override(values, override)
    return values


def read_recipe(recipe: Path) -> dict[str, Any]:
    """Return what a YAML recipe holds, unchecked.

    Raises:
        UserError: the file cannot be read, or holds no settings.
    """
    try:
        values = yaml.safe_load(recipe.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"cannot read recipe {recipe}: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UserError(f"recipe {recipe} must hold settings (key: value), got {type(values).__name__}")
    return values


def check_settings(kind: type[S], values: Mapping[str, Any], source: str) -> S:
    """Return settings of any kind, checked.

    Raises:
        UserError: a key is unknown, missing, or its value is of the wrong kind.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = [_explain(problem, kind) for problem in error.errors()]
        raise UserError(f"{source}: {first_few(problems, 'mistakes')}") from error


def change_data(key: str, annotations: Path | None, images: Path | None) -> dict[str, dict[str, Any]]:
    """Return what `read_values` takes for COCO-format files in the place of a recipe's data; nothing for no files.

    Raises:
        UserError: one of the two is missing.
    """
    if annotations is None and images is None:
        return {}
    if annotations is None or images is None:
        raise UserError(f"{key} needs both annotations and images, got {annotations or images} alone")
    return {key: {"name": "coco", "annotations": str(annotations), "images": str(images)}}


def write_settings(settings: Settings, path: Path) -> None:
    """Write settings, defaults included, as a recipe that `read_recipe` reads back."""
    path.write_text(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))


def list_differences(old: Settings, new: Settings) -> list[str]:
    """Return lines such as `augment.rotation: 45.0 -> 30.0` for the settings in which two runs differ."""
    before, after = _flatten(old.model_dump(mode="json")), _flatten(new.model_dump(mode="json"))
    return [f"{key}: {before.get(key)} -> {after.get(key)}" for key in after if before.get(key) != after[key]]


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _override(values: dict[str, Any], override: str) -> None:
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise UserError(f"--set expects key=value such as augment.rotation=30, got '{override}'")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"--set {path}: '{text}' is no YAML value") from error
    group = values
    for i, key in enumerate(keys[:-1]):
        group = group.setdefault(key, {})
        if not isinstance(group, dict):
            raise UserError(f"--set {override}: {'.'.join(keys[: i + 1])} is one value, not a group of settings")
    group[keys[-1]] = value


def _explain(problem: Any, kind: type[BaseModel]) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key '{place}'{nearest(str(problem['loc'][-1]), _keys_at(kind, problem['loc'][:-1]))}"
    if problem["type"] == "missing":
        return f"'{place}' is missing"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if place and not isinstance(problem["input"], dict | BaseModel):
        return (
            f"{place} {message}, got {problem['input']!r}" if message.startswith("must be") else f"{place}: {message}"
        )
    return f"{place}: {message}" if place else message


def _keys_at(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    for part in place:
        annotation = model.model_fields[str(part)].annotation
        model = next(
            kind
            for kind in (annotation, *get_args(annotation))
            if isinstance(kind, type) and issubclass(kind, BaseModel)
        )
    return list(model.model_fields)
