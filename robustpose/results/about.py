"""About: what is known of the network behind a run, from its summary or from whoever asks: by this, runs are paired."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from robustpose.config import Settings, check_settings
from robustpose.errors import UserError, nearest
from robustpose.models import TABLE
from robustpose.models.families import FAMILIES
from robustpose.models.zoo import ZOO
from robustpose.reading import parse_yaml, read_yaml
from robustpose.results.published import find_row, published_rows

Word = Annotated[str, Field(min_length=1, max_length=200)]
# Networks that differ in depth or width alone, the one with the fewest parameters first (Wang et al., Table 1).
SERIES: dict[str, tuple[str, ...]] = {
    "SBL": ("sbl_r50", "sbl_r101", "sbl_r152"),
    "HRNet": ("hrnet_w32", "hrnet_w48"),
    "HigherHRNet": ("higherhrnet_w32", "higherhrnet_w48"),
    "PifPaf": ("pifpaf_resnet50", "pifpaf_resnet101"),
}
BOXES = ("gt", "clean-det", "corrupt-det", "none")
TRAININGS = tuple(dict.fromkeys(row.training for row in published_rows()))


def _squeeze(word: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", word.lower())


def _parse_training(word: Any) -> Any:
    """Return a training as the paper spells it: `gridmask`, as our commands call it, is `Grid-Mask`."""
    known = {_squeeze(training): training for training in TRAININGS}
    if isinstance(word, str) and _squeeze(word) not in known:
        raise ValueError(f"must be one of {', '.join(TRAININGS)}{nearest(word, TRAININGS)}")
    return known[_squeeze(word)] if isinstance(word, str) else word


class About(Settings):
    """What is known of a network; None for what is not."""

    network: Word | None = None  # such as `hrnet_w32`; any word for one of somebody's own
    series: Word | None = None  # of one's own: what networks that differ in their number of parameters alone share
    parameters: Annotated[float, Field(gt=0, le=1e15)] | None = None
    input: Word | None = None  # WIDTHxHEIGHT, px, as in summaries
    training: Annotated[Word, BeforeValidator(_parse_training)] | None = None
    boxes: Literal["gt", "clean-det", "corrupt-det", "none"] | None = None  # none: the network finds people itself

    @field_validator("network")
    @classmethod
    def _drop_input(cls, name: str | None) -> str | None:
        """Take `sbl_r50_256x192`, a row of the zoo, for its network."""
        return ZOO[name].network if name is not None and name in ZOO else name

    @field_validator("input")
    @classmethod
    def _check_input(cls, size: str | None) -> str | None:
        if size is not None and not re.fullmatch(r"[1-9]\d{0,5}x[1-9]\d{0,5}", size):
            raise ValueError("must be WIDTHxHEIGHT in pixels, such as 192x256")
        return size

    @property
    def n_pixels(self) -> int:
        """Return the number of pixels of the input; 0 where it is not known."""
        width, _, height = (self.input or "0x0").partition("x")
        return int(width) * int(height)

    @property
    def line(self) -> str | None:
        """Return the name of the series of the network; None where that, or the size in it, is not known."""
        known = next((name for name, networks in SERIES.items() if self.network in networks), None)
        own = None if self.series is None or self.parameters is None else f"own: {self.series}"
        return known or own

    @property
    def size(self) -> float:
        """Return a number that grows with the parameters of the networks of a series.

        >>> About(network="sbl_r101").line, About(network="sbl_r101").size
        ('SBL', 1)
        """
        known = next((networks for networks in SERIES.values() if self.network in networks), None)
        return (self.parameters or 0) if known is None else known.index(str(self.network))

    def fill_in(self, told: About, name: str) -> About:
        """Return all that this one and another know; UserError, which calls the run `name`, if they contradict."""
        known = self.model_dump(exclude_none=True)
        for key, value in told.model_dump(exclude_none=True).items():
            if known.setdefault(key, value) != value:
                raise UserError(f"the {key} of {name} is {known[key]} by its summary.json, and {value} was said")
        return About(**known)


def parse_training(word: str) -> str:
    """Return a training as the paper spells it; UserError for one that it does not have."""
    return str(check_settings(About, {"training": word}, "").training)


def read_about(summary: Mapping[str, Any]) -> About:
    """Return what a summary knows of its network: its own words, and the row of the paper that it was made as."""
    provenance = summary["provenance"]
    estimator, row = provenance["estimator"], find_row(summary)[0]
    kind, name, size, boxes = (
        *(estimator.get(key) for key in ("kind", "name", "input")),
        provenance.get("box_protocol"),
    )
    if kind in FAMILIES:  # made of a network in memory
        kind = name
    if "adapt" in estimator:  # at test time, it became another one
        return About(boxes=boxes if boxes in BOXES else None)
    network = kind if kind in TABLE or (isinstance(kind, str) and ":" in kind and len(kind) <= 200) else None
    is_size = isinstance(size, str) and re.fullmatch(r"[1-9]\d{0,5}x[1-9]\d{0,5}", size)
    known = About(network=network, input=size if is_size else None, boxes=boxes if boxes in BOXES else None)
    if row is None or network not in (None, row.zoo.network):
        return known
    return About(**{**known.model_dump(), "network": row.zoo.network, "training": row.training})


def check_adapted(told: About, name: str) -> None:
    """Raise UserError for a network that is said of a run whose model adapted at test time, which calls it `name`."""
    if told.network is not None or told.series is not None:
        raise UserError(
            f"{name} adapted at test time, and no longer stands for its network: leave out {name}.network and "
            f"{name}.series"
        )


def read_told(path: Path | None, settings: Sequence[str] = ()) -> dict[str, About]:
    """Return what is said of runs, by their names: in a YAML file, and in words such as ``RUN.training=AdvMix``."""
    content = {} if path is None else read_yaml(path, "file about runs")
    if not isinstance(content, dict):
        raise UserError(
            f"{path} must hold runs, each with what it is (RUN: {{training: AdvMix}}), got {type(content).__name__}"
        )
    told = {str(name): check_settings(About, values, f"{path}: {name}") for name, values in content.items()}
    for word in settings:
        place, equals, text = word.partition("=")
        name, dot, key = place.rpartition(".")
        if not (equals and dot and name and key):
            raise UserError(f"--set expects RUN.KEY=VALUE, such as hardened.training=AdvMix, got '{word}'")
        value = parse_yaml(text, f"--set {place}: '{text}'")
        values = told.get(name, About()).model_dump(exclude_none=True)
        told[name] = check_settings(About, {**values, key: value}, f"--set {place}")
    return told
