"""The form of a leaderboard's entry: one JSON file that says what a model scored on which data, and how.

The one place of its fields: `robustpose leaderboard schema` prints them as JSON schema, docs/reference/leaderboard.md
has them in a table.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from robustpose.printing import make_visible
from robustpose.results.links import parse_link
from robustpose.results.resampling import LEAST_RESAMPLES, LEVEL, MOST_RESAMPLES
from robustpose.results.summary_model import MOST_CELLS, MOST_IMAGES, ROUNDING, Ends, Part, Score, Text

VERSION = 1
LONGEST_NAME = 200  # letters
MOST_LINKS = 10
MOST_SEEN = 1000  # names
MOST_WARNINGS = 50
PROFILES = ("release", "independent", "unknown")
BOXES = ("gt", "clean-det", "corrupt-det", "none", "unknown")
TEXTURES = re.compile("original|generated|unused|unknown|folder:[0-9a-f]{16}")


def _parse_name(value: Any) -> Any:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= LONGEST_NAME or make_visible(value) != value:
        raise ValueError(f"must be 1 to {LONGEST_NAME} letters that can be seen, on one line")
    return value.strip()


def _parse_digest(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise ValueError("must be a SHA-256: 64 digits 0-9a-f")
    return value


def _parse_size(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"[1-9]\d{0,5}x[1-9]\d{0,5}", value):
        raise ValueError("must be WIDTHxHEIGHT in pixels, such as 192x256")
    return value


def _parse_whole(value: Any) -> Any:
    if value is not None and type(value) is not int:  # pydantic would take 161.0, and others would not count it
        raise ValueError("must be a whole number")
    return value


def _parse_profile(value: Any) -> Any:
    if value not in PROFILES:
        raise ValueError(f"must be one of {', '.join(PROFILES)}")
    return value


def _parse_protocol(value: Any) -> Any:
    if value not in BOXES:
        raise ValueError(f"must be one of {', '.join(BOXES)}")
    return value


def _parse_textures(value: Any) -> Any:
    if not isinstance(value, str) or not TEXTURES.fullmatch(value):
        raise ValueError("must be original, generated, unused, unknown, or folder: and the beginning of a SHA-256")
    return value


def _parse_seed(value: Any) -> Any:
    if isinstance(value, str) and value not in ("release", "unknown"):
        raise ValueError("must be release, unknown or a whole number")
    return value if value is None or isinstance(value, str) else _parse_whole(value)


def _parse_level(value: Any) -> Any:
    if value != LEVEL:
        raise ValueError(f"must be {LEVEL}, as all intervals of a leaderboard are")
    return value


def _parse_bounds(ends: Any) -> Any:
    if isinstance(ends, list) and any(type(end) in (int, float) and not 0 <= end <= 1 + ROUNDING for end in ends):
        raise ValueError("must be an interval [low, high] from 0 to 1")
    return ends


Name = Annotated[str, BeforeValidator(_parse_name), Field(min_length=1, max_length=LONGEST_NAME)]
Digest = Annotated[str, BeforeValidator(_parse_digest), Field(pattern="^[0-9a-f]{64}$")]
Size = Annotated[str, BeforeValidator(_parse_size), Field(pattern=r"^[1-9]\d*x[1-9]\d*$")]
Bounds01 = Annotated[dict[Text, Annotated[Ends, BeforeValidator(_parse_bounds)] | None], Field(max_length=MOST_CELLS)]
Link = Annotated[str, BeforeValidator(parse_link)]
Part01 = Annotated[Score, Field(json_schema_extra={"minimum": 0, "maximum": 1})]
Parts01 = Annotated[dict[Text, Part01], Field(max_length=MOST_CELLS)]
Count = Annotated[int, BeforeValidator(_parse_whole), Field(ge=0, le=MOST_IMAGES)]
Parameters = Annotated[int, BeforeValidator(_parse_whole), Field(gt=0, le=10**15)]
Resamples = Annotated[int, BeforeValidator(_parse_whole), Field(ge=LEAST_RESAMPLES, le=MOST_RESAMPLES)]
Level = Annotated[float, BeforeValidator(_parse_level), Field(json_schema_extra={"const": LEVEL})]
Profile = Annotated[str, BeforeValidator(_parse_profile), Field(json_schema_extra={"enum": list(PROFILES)})]
Protocol = Annotated[str, BeforeValidator(_parse_protocol), Field(json_schema_extra={"enum": list(BOXES)})]
Textures = Annotated[
    str, BeforeValidator(_parse_textures), Field(json_schema_extra={"pattern": f"^({TEXTURES.pattern})$"})
]
Seed = Annotated[str | int | None, BeforeValidator(_parse_seed)]


class _Closed(BaseModel):
    """A part of an entry: keys that are unknown here are mistakes."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Model(_Closed):
    """The model that was measured."""

    name: Name = Field(description="What the model is called in tables.")
    kind: Name | None = Field(None, description="Network or kind of file, such as `hrnet_w32` or `onnx`.")
    parameters: Parameters | None = Field(None, description="Number of its parameters.")
    input: Size | None = Field(None, description="Size of its input, WIDTHxHEIGHT, px.")
    training: Name | None = Field(None, description="How it was trained, such as `AdvMix`.")
    sha256: Digest | None = Field(None, description="SHA-256 of its file.")
    identity: Digest | None = Field(
        None, description="SHA-256 of its weights, code and options: the same in its entries of all suites."
    )
    adapting: Name | None = Field(None, description="How it adapted to the images at test time, if it did.")
    seen: Annotated[list[Name], Field(max_length=MOST_SEEN)] | None = Field(
        None, description="Corruptions that it has learned from, or from the like of them; without it nothing is known."
    )


class Suite(_Closed):
    """The suite of corruptions."""

    name: Name = Field(description="Such as `coco-c`: see `robustpose list corruptions`.")
    version: Count = Field(description="Version of the suite.")


class Data(Part):
    """The data; other keys are what else decides images, truth and metric, as summary.json has them."""

    name: Name = Field(description="What the data are called, such as their annotation file.")
    images: Count | None = Field(description="Number of images that were used; null where the data do not say.")
    metric: Text | None = Field(None, description="Which metric, such as `coco_ap` or `pck:box@0.2`.")
    n_images: Count | None = Field(None, description="Number of images that the data have.")
    images_with_people: Count | None = Field(
        None, description="Number of those with people, where no others were used."
    )
    limit: Count | None = Field(None, description="How many were used, where only the first ones were.")
    annotations_sha256: Digest | None = Field(None, description="SHA-256 of the annotation file.")
    boxes_sha256: Digest | None = Field(
        None, description="SHA-256 of the detections that models got as boxes; must be there for those."
    )


class Setup(_Closed):
    """How it was measured."""

    profile: Profile = Field(description="How corruptions draw: `release`, `independent`, or `unknown`.")
    seed: Seed = Field(description="`release`, or the number that was drawn from.")
    frost_textures: Textures = Field(
        description="Which textures frost has, such as `original`; `unused` without frost."
    )
    box_protocol: Protocol = Field(
        description="Where people were looked for: `gt`, `clean-det`, `corrupt-det`, `none`, `unknown`."
    )
    corrupted_images: Any = Field(None, description="Which corrupted set, where images were not made on the fly.")
    corruption_code: Any = Field(
        None, description="Hashes of the code of corruptions of one's own; versions of the codec of those of H.264."
    )


class Scores(Part):
    """Scores, 0 to 1; also `mPC`, `rPC` or what a suite calls its means: null unless all cells are there."""

    clean: Part01 = Field(description="Score on clean images.")
    cells: Parts01 = Field(description="Score of each corruption at each severity, such as `fog/3`.")
    corruptions: Parts01 = Field({}, description="Mean over severities of each corruption.")
    groups: Parts01 = Field({}, description="Mean of each group of corruptions.")
    geometric: Parts01 = Field({}, description="Mean of the corruptions that move pixels, and of all others.")


class Intervals(Part):
    """95 % intervals over images, [low, high], under the names that scores have."""

    level: Level = Field(description="Of which level they are: 0.95.")
    resamples: Resamples = Field(description="How many resamples of the images they are made from, 40 at least.")
    clean: Annotated[Ends, BeforeValidator(_parse_bounds)] | None = Field(
        None, description="Interval of the score on clean images."
    )
    mean_of_chosen: Annotated[Ends, BeforeValidator(_parse_bounds)] | None = Field(
        None, description="Interval of the mean over the corruptions, where these are not all of a suite."
    )
    mean_of_unseen: Annotated[Ends, BeforeValidator(_parse_bounds)] | None = Field(
        None, description="Interval of the mean over the corruptions that the model has not seen, if it has seen some."
    )
    cells: Bounds01 = Field({}, description="Interval of each cell.")
    corruptions: Bounds01 = Field({}, description="Interval of each corruption.")
    groups: Bounds01 = Field({}, description="Interval of each group.")
    geometric: Bounds01 = Field({}, description="Interval of each of these means.")


class PaperRow(_Closed):
    """The row of the paper that the model was measured to stand beside."""

    name: Name = Field(description="Such as `coco-c/hrnet_w32_256x192`: see `robustpose list rows`.")
    differences: Annotated[list[Text], Field(max_length=MOST_WARNINGS)] = Field(
        [], description="In what it is not the same measurement."
    )


class EntryForm(_Closed):
    """An entry of a leaderboard."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, title="An entry of a robustpose leaderboard")

    json_schema: Text | None = Field(None, alias="$schema", description="Where the JSON schema of this form is.")
    entry: Literal[1] = Field(description="Version of this form.")
    model: Model = Field(description="The model that was measured.")
    links: Annotated[dict[Name, Link], Field(max_length=MOST_LINKS)] = Field(
        {}, description="By their names, such as `paper`, `code` and `report`: http(s), or a path relative to the file."
    )
    metric: Name = Field(description="The score that counts, such as `AP` or `PCKh`.")
    suite: Suite = Field(description="The suite of corruptions.")
    data: Data = Field(description="The data; keys beyond these are kept, and decide which board it is on.")
    setup: Setup = Field(description="How it was measured.")
    scores: Scores = Field(description="Scores, 0 to 1; with `mPC`, `rPC` or the means of another suite.")
    intervals: Intervals | None = Field(None, description="95 % intervals; null where there are none.")
    warnings: Annotated[list[Text], Field(max_length=MOST_WARNINGS)] = Field(
        [], description="Why its numbers could be wrong."
    )
    row: PaperRow | None = Field(None, description="The row of the paper that it stands beside.")
    versions: Annotated[dict[Name, Text], Field(max_length=100)] = Field(
        {}, description="Versions of robustpose and of libraries."
    )


def make_schema() -> dict[str, Any]:
    """Return the form as JSON schema."""
    schema = EntryForm.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
