"""Settings: typed, read from a YAML recipe and `--set a.b=c`, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from robustpose.errors import UserError, first_few, nearest

Probability = Annotated[float, Field(ge=0, le=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(_Settings):
    """Say which pictures of people.

    Attributes:
        name: `toy`, `coco`, or `package.module:attr`: a dataset, or a function without arguments that makes one.
        n_images: of `toy`.
        seed: of `toy`.
        annotations: of `coco`: the keypoint file.
        images: of `coco`: the image folder.
    """

    name: str = "toy"
    n_images: PositiveInt = 64
    seed: int = 0
    annotations: Path | None = None
    images: Path | None = None

    @model_validator(mode="after")
    def _check_belongs(self) -> DataSettings:
        own = {"toy": {"n_images", "seed"}, "coco": {"annotations", "images"}}.get(self.name, set()) | {"name"}
        stray = {key for key, field in type(self).model_fields.items() if getattr(self, key) != field.default} - own
        if stray:
            raise ValueError(f"{', '.join(sorted(stray))}: not a setting of data '{self.name}'")
        if self.name == "coco" and (self.annotations is None or self.images is None):
            raise ValueError("data 'coco' needs annotations and images")
        return self


class AugmentSettings(_Settings):
    """Say how crops vary in training. The defaults are those HRNet was trained with on COCO (Sun et al., CVPR 2019).

    Attributes:
        rotation: spread of the angle, degrees; never more than twice that.
        rotation_probability: 0..1.
        scale: spread of the scale factor around 1; never further than that from 1.
        mirror_probability: 0..1.
        half_body_probability: 0..1, of cropping the upper or lower body of people with many joints annotated.
    """

    rotation: NonNegativeFloat = 45.0
    rotation_probability: Probability = 0.6
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.35
    mirror_probability: Probability = 0.5
    half_body_probability: Probability = 0.3


class EngineSettings(_Settings):
    """Say what the training runs on: handed to Lightning Fabric.

    Attributes:
        accelerator: `auto`, `cpu`, `cuda`, `mps`.
        devices: processes, one device each; they share every batch.
        precision: `32-true` or `bf16-mixed`.
        threads: of one process; None leaves it to PyTorch. On a CPU the number of threads decides the last bits.
        workers: processes that make crops; 0 makes them between the steps.
        cache_mb: memory for source images that are kept between epochs, per process that makes crops.
    """

    accelerator: str = "auto"
    devices: PositiveInt = 1
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    threads: PositiveInt | None = None
    workers: NonNegativeInt = 0
    cache_mb: NonNegativeInt = 1024


class TrainSettings(_Settings):
    """Describe one training run completely: same settings, same machine, same weights.

    Attributes:
        model: row of the model table, or `package.module:attr`: a function of the number of joints.
        input_wh: width and height of the crops, px.
        sigma: of the target Gaussians, heatmap px.
        start_from: weights to start from; None for random ones.
        train_data: what to learn from.
        val_data: what to evaluate on.
        augment: how crops vary.
        epochs: passes over the people of `train_data`.
        batch_size: crops per step, over all devices; the last incomplete batch of an epoch is left out.
        lr: learning rate of Adam.
        decay_at: epochs (counted from 0) from which the learning rate is multiplied by `decay` once more.
        decay: factor.
        seed: of the first weights, the order and the augmentation.
        evaluate_every: epochs between evaluations; the last epoch is always evaluated.
        checkpoint_every: steps between checkpoints; there is one after every epoch anyway.
        engine: what it runs on.
    """

    model: str
    input_wh: tuple[PositiveInt, PositiveInt]
    sigma: PositiveFloat = 2.0
    start_from: Path | None = None
    train_data: DataSettings
    val_data: DataSettings
    augment: AugmentSettings = AugmentSettings()
    epochs: PositiveInt = 210
    batch_size: PositiveInt = 32
    lr: PositiveFloat = 1e-3
    decay_at: tuple[PositiveInt, ...] = (170, 200)
    decay: PositiveFloat = 0.1
    seed: int = 0
    evaluate_every: PositiveInt = 1
    checkpoint_every: PositiveInt = 200
    engine: EngineSettings = EngineSettings()

    @field_validator("input_wh")
    @classmethod
    def _check_sides(cls, input_wh: tuple[int, int]) -> tuple[int, int]:
        if any(side % 32 for side in input_wh):
            raise ValueError("width and height must be multiples of 32, the networks halve them five times")
        return input_wh

    @model_validator(mode="after")
    def _check_shares(self) -> TrainSettings:
        if self.batch_size % self.engine.devices:
            raise ValueError(f"batch_size must be a multiple of engine.devices ({self.engine.devices})")
        return self


def read_settings(recipe: Path, overrides: Sequence[str] = ()) -> TrainSettings:
    """Return the settings of a YAML recipe, changed by overrides such as `augment.rotation=30`.

    Args:
        recipe: YAML file.
        overrides: `a.b=c`; c is read as YAML.

    Raises:
        UserError: the file cannot be read, a key is unknown, or a value is of the wrong kind.
    """
    try:
        values = yaml.safe_load(recipe.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"cannot read recipe {recipe}: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UserError(f"recipe {recipe} must hold settings (key: value), got {type(values).__name__}")
    for override in overrides:
        _override(values, override)
    return make_settings(values, f"recipe {recipe}")


def make_settings(values: Mapping[str, Any], source: str = "settings") -> TrainSettings:
    """Return checked settings.

    Args:
        values: nested, as in a recipe.
        source: where they come from, for messages.

    Raises:
        UserError: a key is unknown, missing, or its value is of the wrong kind.
    """
    try:
        return TrainSettings.model_validate(values)
    except ValidationError as error:
        problems = [_explain(problem) for problem in error.errors()]
        raise UserError(f"{source}: {first_few(problems, 'mistakes')}") from error


def write_settings(settings: TrainSettings, path: Path) -> None:
    """Write settings, defaults included, as a recipe that `read_settings` reads back."""
    path.write_text(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))


def list_differences(old: TrainSettings, new: TrainSettings) -> list[str]:
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


def _explain(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key '{place}'{nearest(str(problem['loc'][-1]), _keys_at(problem['loc'][:-1]))}"
    if problem["type"] == "missing":
        return f"'{place}' is missing"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if place and not isinstance(problem["input"], dict | BaseModel):
        return (
            f"{place} {message}, got {problem['input']!r}" if message.startswith("must be") else f"{place}: {message}"
        )
    return f"{place}: {message}" if place else message


def _keys_at(place: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = TrainSettings
    for part in place:
        annotation = model.model_fields[str(part)].annotation
        model = next(
            kind
            for kind in (annotation, *get_args(annotation))
            if isinstance(kind, type) and issubclass(kind, BaseModel)
        )
    return list(model.model_fields)
