"""A campaign's file: what is trained, with which seeds, what each network is measured on, and what is compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from robustpose.campaign.method_names import Method, find_pairs, list_ways
from robustpose.campaign.words import list_keys, merge_options, spell_options
from robustpose.config import Settings, check_settings
from robustpose.corruptions.suites import SUITES
from robustpose.errors import UserError, nearest, quote, spell_list
from robustpose.reading import read_yaml
from robustpose.results.outcome import ALL_IMAGES
from robustpose.results.parts import is_slice

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._+-]{0,58}[A-Za-z0-9])?")  # of folders on every system, too
AS_IS = "as is"
MOST_RUNS = 100_000
# Options that a campaign gives itself, by command, and why.
OF_BOTH = {
    "out": "each run has a folder of its own",
    "fresh": "it is an option of robustpose campaign",
    "dry-run": "it is an option of robustpose campaign",
    "quiet": "it is an option of robustpose campaign",
    "json": "it is an option of robustpose campaign",
    "help": "robustpose campaign --help says more",
    "debug": "it is an option of robustpose campaign",
}
GIVEN = {
    "train": OF_BOTH,
    "bench": {
        **OF_BOTH,
        "model": "trainings say which networks there are",
        "suite": "suites names them",
        "name": "trainings have names",
        "shard": "several processes of robustpose campaign share its runs",
        "preview": "a campaign measures",
        "preview-images": "a campaign measures",
        "fail-under": "a campaign compares: give --fail-if-worse to robustpose compare",
    },
}
# Options of robustpose bench that say what is measured: they must be the same in all ways, or nothing is compared.
OF_DATA = (
    *("data", "root", "split", "annotations", "images", "category", "area", "parts", "visibility", "limit", "exif"),
    *("boxes", "min-box-score", "metric", "joints", "skeleton", "only-with-people"),
    *("corruptions", "severities", "seed", "frost", "corrupted-root", "row", "recipe"),
)
# And options that change neither that nor what a network is.
OF_WORK = (
    *("workers", "batch-size", "resamples", "no-report", "engine", "network-processes", "shared-files", "ship"),
    *("cpus-per-worker", "gpus-per-worker"),
)


def _as_options(value: Any) -> Any:
    return {} if value is None else value


def _make_ways() -> dict[str, Any]:
    return {AS_IS: {}}


Options = Annotated[dict[str, Any], BeforeValidator(_as_options)]


class Training(Settings):
    """One row of trainings: options of robustpose train beside those of all, or a network that is there already."""

    model_config = ConfigDict(extra="allow")

    # Another training, with whose weights of the same seed this one begins (--init).
    begins_with: str | None = Field(None, alias="from")
    # What `robustpose bench --model` takes, with {seed} where the seed stands: nothing is trained.
    model: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Return its options of robustpose train, as they were given."""
        return dict(self.model_extra or {})


class Campaign(Settings):
    """All of a campaign's file."""

    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**31)], ...], Field(min_length=1)] = (0, 1, 2)
    train: Options = Field(default_factory=dict)
    trainings: Annotated[dict[str, Annotated[Training, BeforeValidator(_as_options)]], Field(min_length=1)]
    bench: Options = Field(default_factory=dict)
    suites: Annotated[tuple[str, ...], Field(min_length=1)] = ("coco-c",)
    ways: Annotated[dict[str, Options], Field(min_length=1)] = Field(default_factory=_make_ways)
    parts: dict[str, str] = Field(default_factory=dict)
    comparisons: dict[str, Annotated[tuple[str, ...], Field(min_length=2, max_length=2)]] = Field(default_factory=dict)

    @field_validator("seeds", "suites")
    @classmethod
    def _check_once(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        twice = [value for value in values if values.count(value) > 1]
        if twice:
            raise ValueError(f"it has {twice[0]!r} twice")
        return values

    @field_validator("suites")
    @classmethod
    def _check_suites(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for name in values:
            if name not in SUITES:
                raise ValueError(f"there is no suite '{name}'{nearest(name, SUITES)}: see robustpose list suites")
        return values

    @field_validator("trainings", "ways", "parts", "comparisons")
    @classmethod
    def _check_names(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in values:
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"{quote(name)} is no name here: letters, digits, blanks and . _ + - only, at most 60, with a "
                    "letter or digit at either end"
                )
        lower = [name.lower() for name in values]  # which some file systems do not tell apart
        for name in values:
            if lower.count(name.lower()) > 1:
                raise ValueError(f"{quote(name)} is there twice, or in other capitals")
        return values

    @field_validator("parts", mode="before")
    @classmethod
    def _check_texts(cls, values: Any) -> Any:
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, int):
                raise ValueError(f"{name}: YAML reads a slice such as 1:2 as a number, {value}: put it in quotes")
        return values

    @field_validator("parts")
    @classmethod
    def _check_parts(cls, values: dict[str, str]) -> dict[str, str]:
        for name, text in values.items():
            if name.lower() == ALL_IMAGES:
                raise ValueError(f"{quote(name)} is what is compared besides: give it another name")
            try:
                is_slice(text)
            except UserError as error:
                raise ValueError(f"{name}: {error}") from None
        return values

    @model_validator(mode="after")
    def _check_whole(self) -> Campaign:
        for group, command in (("train", "train"), ("bench", "bench")):
            _check_keys(getattr(self, group), command, group)
        for name, way in self.ways.items():
            _check_keys(way, "bench", f"ways.{name}")
            if of_data := [key for key in list_keys(way) if key in OF_DATA]:
                raise ValueError(
                    f"ways.{name}.{of_data[0]} says what is measured, which must be the same in all ways to be "
                    "compared: put it below bench, or make another campaign of it"
                )
        for key, value in zip(list_keys(self.bench), self.bench.values(), strict=True):
            if len(self.seeds) > 1 and key in OF_DATA and "{seed}" in str(value):
                raise ValueError(
                    f"bench.{key} says what is measured, which must be the same for all seeds to be compared, got "
                    f"{quote(str(value))}"
                )
        for name, training in self.trainings.items():
            _check_keys(training.options, "train", f"trainings.{name}")
            self._check_training(name, training)
        self._check_different()
        tuple(self.pairs)  # raises where a name is none
        n_runs = len(self.seeds) * len(self.trainings) * (1 + len(self.suites) * len(self.ways))
        if n_runs > MOST_RUNS:
            raise ValueError(f"it has {n_runs:,} runs: at most {MOST_RUNS:,} are one campaign")
        return self

    @property
    def pairs(self) -> Iterator[tuple[str, tuple[Method, Method]]]:
        """Yield the comparisons: two methods each."""
        yield from find_pairs(self.comparisons, self.trainings, list_ways(self.ways))

    def _check_different(self) -> None:
        """Raise ValueError where two trainings, or two ways, are one."""
        ways: dict[str, str] = {}
        for name, way in self.ways.items():
            options = merge_options(self.bench, way)
            of_use = {key: value for key, value in options.items() if key.replace("_", "-") not in OF_WORK}
            if (first := ways.setdefault(repr(sorted(spell_options(of_use))), name)) != name:
                apart = [key for key in list_keys({**way, **self.ways[first]}) if key in OF_WORK]
                but = f" but for {spell_list(apart)}, which belongs below bench" if apart else ""
                raise ValueError(f"ways.{first} and ways.{name} are the same{but}: leave one out, or change an option")
        firsts: dict[str, str] = {}
        for name, training in self.trainings.items():
            options = merge_options(self.train, training.options)
            made = repr((spell_options(options), training.begins_with, training.model))
            if made in firsts:
                raise ValueError(
                    f"trainings.{firsts[made]} and trainings.{name} are the same: leave one out, or change an option"
                )
            firsts[made] = name

    def _check_training(self, name: str, training: Training) -> None:
        if training.model is not None:
            if training.options or training.begins_with is not None:
                others = [*training.options, *["from"] * (training.begins_with is not None)]
                raise ValueError(f"trainings.{name} has a model, so nothing is trained: leave out {spell_list(others)}")
            if len(self.seeds) > 1 and "{seed}" not in training.model:
                raise ValueError(
                    f"trainings.{name}.model must hold {{seed}}, such as 'onnx:net-{{seed}}.onnx': the networks of "
                    f"{len(self.seeds)} seeds are different ones; one network, as before hardening, is benched by "
                    "itself and stands beside any run of the campaign in robustpose compare"
                )
        seen = [name]
        while (before := self.trainings[seen[-1]].begins_with) is not None:
            if before not in self.trainings:
                raise ValueError(
                    f"trainings.{seen[-1]}.from must name one of the trainings, got {quote(before)}"
                    f"{nearest(before, self.trainings)}"
                )
            if before in seen:
                raise ValueError(f"trainings.{name} begins with itself: {' from '.join([*seen, before])}")
            if self.trainings[before].model is not None:
                raise ValueError(
                    f"trainings.{seen[-1]}.from must name what is trained here, and {before} is a model: give its "
                    "weights as init, with {seed} where the seed stands"
                )
            seen.append(before)


def _check_keys(options: Mapping[str, Any], command: str, where: str) -> None:
    """Raise ValueError for options that the campaign gives itself."""
    keys = list_keys(options)
    for key, name in zip(keys, options, strict=True):
        if key in GIVEN[command]:
            raise ValueError(f"{where}.{key} is not for a campaign's file: {GIVEN[command][key]}")
        if key == "boxes" and str(options[name]).startswith("detect"):
            raise ValueError(
                f"{where}.boxes: detect makes two runs of each bench, in two kinds of boxes: make the boxes first, "
                "robustpose detect --out DIR, then give corrupt-det:DIR"
            )
        if keys.count(key) > 1:
            raise ValueError(f"{where} has {key} twice, with - and with _: leave one of them out")
    settings = options.get("set")
    if settings is not None and not isinstance(settings, Mapping):
        raise ValueError(f"{where}.set must be a group (key: value), such as {{epochs: 8}}, got {quote(settings)}")
    if command == "train" and settings is not None and "seed" in settings:
        raise ValueError(f"{where}.set.seed is not for a campaign's file: seeds says it")


def read_campaign(path: Path) -> Campaign:
    """Return what a campaign's YAML file says, checked; UserError in one line where it cannot be one."""
    values = read_yaml(path, "campaign")
    if not isinstance(values, dict):
        raise UserError(f"campaign {path} must hold trainings and benches (key: value), got {type(values).__name__}")
    return check_settings(Campaign, values, f"campaign {path}")
