"""What summary.json holds: typed and bounded, and its means are those of its cells.

A summary may come from anybody. What is unknown here, such as what others say of their data, is kept and shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from robustpose.config import check_settings, describe
from robustpose.corruptions.suites import Suite
from robustpose.errors import UserError, first_few
from robustpose.metrics.robustness import take_means
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.rows import as_number, headline_columns, nest_means, suite_of
from robustpose.results.seen import MEAN_OF_UNSEEN, mean_of_unseen, read_seen

ROUNDING = 1e-6  # of sums in another order
MOST_BYTES = 4 << 20  # of a file; those of all cells of coco-c have 20,000
MOST_CELLS = 10_000
MOST_IMAGES = 1_000_000_000
FAR = 1e9  # beyond any score or ratio
LONGEST_TEXT = 10_000  # letters


def parse_number(value: Any) -> Any:
    """Return a value that is a number, or None, as it is."""
    if isinstance(value, bool | str):  # pydantic would take them
        raise ValueError("must be a number")
    return value


def _parse_score(value: Any) -> Any:
    if type(value) not in (int, float) or not 0 <= value <= 1 + ROUNDING:
        raise ValueError("must be a number from 0 to 1")
    return value


def _parse_interval(ends: Any) -> Any:
    is_pair = isinstance(ends, list) and len(ends) == 2 and all(type(end) in (int, float) for end in ends)
    if not is_pair or not -FAR < ends[0] <= ends[1] < FAR:
        raise ValueError("must be an interval [low, high]")
    return ends


Score = Annotated[float, BeforeValidator(_parse_score)]
Count = Annotated[int, BeforeValidator(parse_number), Field(ge=0, le=MOST_IMAGES)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Word = Text | int | float | bool | None  # what is shown as it is
Ends = Annotated[list[float], BeforeValidator(_parse_interval)]
Scores = Annotated[dict[str, Score], Field(max_length=MOST_CELLS)]
Bounds = Annotated[dict[str, Ends | None], Field(max_length=MOST_CELLS)]


class Part(BaseModel):
    """A part of a file of results: keys that are unknown here are kept."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


class _Data(Part):
    name: Word = None
    metric: Text | None = None
    n_images: Count | None = None
    images_with_people: Count | None = None
    limit: Count | None = None
    joints: list[Text] | None = None
    joints_scored: Text | None = None


class _Estimator(Part):
    name: Word = None
    kind: Word = None
    input: Word = None
    seen: list[Text] | None = None  # corruptions that it has learned from


class _Row(Part):
    name: Text
    differences: list[Text] = []


class _Provenance(Part):
    dataset: _Data
    estimator: _Estimator
    box_protocol: Text = ""
    profile: Text = ""
    seed: Text | int | None = None
    frost_textures: Text = ""
    versions: dict[str, Text] = {}
    row: _Row | None = None


class _Geometric(Part):
    corruptions: list[Text] = []


class _Intervals(Part):
    level: Score
    resamples: Count
    groups: Bounds = {}
    corruptions: Bounds = {}
    cells: Bounds = {}
    geometric: Bounds = {}


class _Paired(Part):
    losses: Bounds = {}
    more: Annotated[dict[str, Bounds], Field(max_length=MOST_CELLS)] = {}


class _Headline(Part):
    intervals: Bounds


class _Cut(Part):
    kind: Literal["category", "part", "crowd index"]
    name: Text
    n_people: Count
    clean: Score | None
    cells: Annotated[dict[str, Score | None], Field(max_length=MOST_CELLS)]
    intervals: Bounds | None = None
    mean_of_chosen: Score | None = None


class _Change(Part):
    lost: Score | None = None  # None: a part of nothing
    new: Score | None = None


class _Summary(Part):
    name: Text | None = None
    metric: Text
    clean: Score
    cells: Scores
    corruptions: Scores
    groups: Scores
    provenance: _Provenance
    geometric: _Geometric | None = None
    intervals: _Intervals | None = None
    paired: _Paired | None = None  # of intervals; runs of before have none
    mean_of_chosen: Score | None = None
    mean_of_unseen: Score | None = None  # of runs in which some corruptions were seen
    warnings: list[Text] = []
    changes: Annotated[dict[Text, _Change], Field(max_length=MOST_CELLS)] = {}
    cuts: Annotated[list[_Cut], Field(max_length=MOST_CELLS)] = []


def check_summary(content: Any) -> dict[str, Any]:
    """Return the content of a summary; UserError, which says what is wrong with it and not where, for another one."""
    if not isinstance(content, dict):
        raise UserError(f"it must be a summary, got {describe(content)}")
    check_settings(_Summary, content, "")
    suite = suite_of(content)
    columns = headline_columns(suite)
    lacking = [name for name in columns if name not in content]
    if lacking:
        raise UserError(f"it lacks {', '.join(lacking)}")
    intervals = content.get("intervals") or {}
    headline = {name: intervals.get(name) for name in (*columns, "mean_of_chosen", MEAN_OF_UNSEEN)}
    check_settings(_Headline, {"intervals": headline}, "")
    cells = {Cell.from_key(key): score for key, score in content["cells"].items()}
    if CLEAN in cells:
        raise UserError("clean is one of its corrupted cells")
    scores = {CLEAN: content["clean"], **cells}
    taken = take_means(scores, list(scores), suite)
    means = nest_means(taken, suite)
    if content.get(MEAN_OF_UNSEEN) is not None:
        means[MEAN_OF_UNSEEN] = mean_of_unseen(taken, suite, read_seen(content) or ())
    wrong = list(_list_wrong(content, means))
    for cut in content.get("cuts", []):
        wrong += _list_wrong_in_cut(cut, list(scores), suite)
    if wrong:
        raise UserError(f"its means are not those of its cells: {first_few(wrong, 'such numbers')}")
    return content


def _list_wrong_in_cut(cut: Mapping[str, Any], cells: Sequence[Cell], suite: Suite) -> Iterator[str]:
    """Yield what a summary says of a category, a part or a crowd level that is not so, given its cells."""
    if [CLEAN.key, *cut["cells"]] != [cell.key for cell in cells]:
        yield f"the cells of {cut['name'][:80]} are others"
        return
    said = [cut["clean"], *cut["cells"].values()]
    scores = {cell: math.nan if score is None else score for cell, score in zip(cells, said, strict=True)}
    means = take_means(scores, cells, suite)
    for name, value_of in headline_columns(suite).items():
        if not _is_same(cut.get(name), as_number(value_of(means))):
            yield f"{name} of {cut['name'][:80]} is {describe(cut.get(name))} and must be {as_number(value_of(means))}"


def _list_wrong(content: Mapping[str, Any], means: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """Yield what a summary says that is not so, given the means of its cells."""
    for name, mean in means.items():
        said = content.get(name)
        if isinstance(mean, Mapping):
            yield from _list_wrong(said if isinstance(said, Mapping) else {}, mean, f"{where}{name}.")
        elif name in content and not _is_same(said, mean):
            yield f"{where}{name} is {describe(said)} and must be {mean}"
    # Numbers that no cells are behind.
    others = [name for name in content if where and name not in means and name != "corruptions"]
    yield from (f"{where}{name} is {describe(content[name])}, without cells" for name in others)


def _is_same(said: Any, mean: float | None) -> bool:
    if mean is None or said is None:
        return mean is said
    return type(said) in (int, float) and math.isclose(said, mean, rel_tol=ROUNDING, abs_tol=ROUNDING)
