"""Bench recipes: how a row of a table was measured and what it says; and ours beside it.

The paper's rows become recipes by `make_recipe`; for rows of one's own there are YAML files with the same fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, field_validator

from robustpose.config import Settings, check_settings, read_recipe, refuse_code, shorten
from robustpose.corruptions.suites import COCO_C
from robustpose.data.boxes import split_boxes
from robustpose.data.official import SETS
from robustpose.errors import UserError, nearest
from robustpose.results.published import PublishedRow, get_row, published_rows
from robustpose.results.rows import percent, rows_of
from robustpose.results.seen import mark_seen, seen_in_run
from robustpose.results.spelling import spell_markdown, tabulate_markdown

Percent = Annotated[float, Field(ge=0, le=100)]
Word = Annotated[str, Field(min_length=1, max_length=1000)]


class Expected(Settings):
    """What a table says, in percent, and where: see `PublishedRow`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    source: Word
    """Where the numbers were published."""
    clean: Percent
    """Score on clean images, percent."""
    mPC: Percent
    """Mean over the cells of coco-c, percent."""
    rPC: Annotated[float, Field(ge=0, le=1000)]
    """mPC divided by the clean score, percent."""
    corruptions: dict[str, Percent] = Field(default_factory=dict)
    """Mean over the severities of each corruption by its name, percent; may be left out."""

    @field_validator("corruptions")
    @classmethod
    def _check_names(cls, corruptions: dict[str, float]) -> dict[str, float]:
        for name in corruptions:
            if name not in COCO_C.corruptions:
                raise ValueError(f"unknown corruption '{shorten(name)}'{nearest(name[:80], COCO_C.corruptions)}")
        return corruptions


class BenchRecipe(Settings):
    """How a row was measured: options of the bench command, and what the row says."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: Word
    """Network: see robustpose list networks; or package.module:attr."""
    weights: Word | None = None
    """Name of the official file; left out where there is none."""
    input: Word
    """WIDTHxHEIGHT of the crops, px."""
    data: Word
    """Data set, as --data takes it; or package.module:attr."""
    split: Word
    """Split of an official set, as --split takes it."""
    boxes: Word = "gt"
    """Boxes that are looked at, as --boxes takes them."""
    seed: Annotated[Word, BeforeValidator(lambda seed: str(seed) if type(seed) is int else seed)] = "release"
    """release, as the published benchmark; or a number for independent noise."""
    only_with_people: bool = False
    """Leave out images without people."""
    expected: Expected

    @field_validator("weights")
    @classmethod
    def _check_file_name(cls, weights: str | None) -> str | None:
        if weights is not None and (Path(weights).name != weights or weights == ".."):
            raise ValueError("must be the name of a file, without folders")
        return weights

    @property
    def code(self) -> dict[str, str]:
        """Return what the recipe names as code, by field."""
        return {name: word for name, word in (("model", self.model), ("data", self.data)) if ":" in word}


def make_recipe(row: PublishedRow) -> BenchRecipe:
    """Return how a row of the paper was measured. Networks without boxes are measured whatever the boxes are."""
    return BenchRecipe(
        model=row.zoo.network,
        weights=row.weights,
        input="{}x{}".format(*row.zoo.input_wh),
        data=row.data,
        split=row.split,
        boxes="gt" if row.boxes == "none" else row.boxes,
        only_with_people=row.only_with_people,
        expected=Expected(
            source=row.source,
            clean=round(100 * row.clean, 1),
            mPC=round(100 * row.mPC, 1),
            rPC=round(100 * row.rPC, 1),
            corruptions={name: round(100 * score, 1) for name, score in row.corruptions.items()},
        ),
    )


def find_recipe(
    name: str | None, path: Path | None, typed: Sequence[str] = (), trust: bool = False
) -> tuple[BenchRecipe | None, str | None]:
    """Return the recipe that a command asks for by a row's name or a YAML file, and the name of the paper's row.

    A file that says the same as a row of the paper, as those of version 0.1.0 do, is that row; others have None for its
    name. Both are None if nothing is asked for. Code that a file names is an error unless it is trusted, or a command's
    options, `typed`, take its place.
    """
    if name is not None and path is not None:
        raise UserError("--row and --recipe both say what to measure: leave one out")
    if name is not None:
        return make_recipe(get_row(name)), name
    if path is None:
        return None, None
    recipe = check_settings(BenchRecipe, read_recipe(path), f"bench recipe {path}")
    foreign = {name: word for name, word in recipe.code.items() if name not in typed}
    refuse_code(foreign, f"bench recipe {path}", trust)
    return recipe, next((row.name for row in published_rows() if make_recipe(row) == recipe), None)


def apply_row(recipe: BenchRecipe, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command's options, which have the recipe's names, with the recipe's value for each that is None."""
    return {name: getattr(recipe, name) if value is None else value for name, value in options.items()}


def find_weights(recipe: BenchRecipe, weights: Path | None) -> Path:
    """Return the weights file: `weights`, or in that folder (this one if None) the one with the official name."""
    place = weights or Path()
    if place.is_file():
        return place
    if not place.is_dir():
        raise UserError(f"there are no weights at {place}: name the file, or the folder that has it, --weights PATH")
    if recipe.weights is None:
        raise UserError("the weights of this row have no official file name: name the file, --weights FILE")
    if not (place / recipe.weights).is_file():
        raise UserError(f"there is no {recipe.weights} in {place.resolve()}: name the file, --weights FILE")
    return place / recipe.weights


def find_alike(name: str, given: Mapping[str, object]) -> str:
    """Return the name of the row that was measured as options say: one of the same network, training and data.

    `given` are options by a recipe's names for them, None where they were left out. It is the row `name` itself where
    the options change nothing, or no row was measured like this.
    """
    row = get_row(name)
    recipe, asked = make_recipe(row), {key: value for key, value in given.items() if value is not None}
    other_data = asked.get("data", row.data) != row.data
    for other in (row, *published_rows()):
        theirs = make_recipe(other)
        left = {} if other_data else {key: getattr(recipe, key) for key in given}
        same = (other.zoo, other.training) == (row.zoo, row.training)
        if same and all(_is_alike(theirs, key, value) for key, value in {**left, **asked}.items()):
            return other.name
    return name


def _is_alike(recipe: BenchRecipe, key: str, value: Any) -> bool:
    """Tell whether a recipe's value is that of an option, which may name a split briefly, or a file of boxes."""
    if key == "split":
        value = SETS[recipe.data].short_splits.get(value, value)
    if key == "boxes":
        word, path = split_boxes(value)
        value = word or ("clean-det" if path is not None and path.is_file() else value)
    return bool(getattr(recipe, key) == value)


def list_changes(recipe: BenchRecipe, given: Mapping[str, object], others: Sequence[str] = ()) -> list[str]:
    """Return in what a run is not the recipe's measurement.

    `given` are options of the command by the recipe's names for them, None where they were left out; `others` are
    options that no recipe has.
    """
    changed = {name: value for name, value in given.items() if value not in (None, getattr(recipe, name))}
    words = {"only_with_people": "--only-with-people" if changed.get("only_with_people") else "--all-images"}
    return [
        *(words.get(name, f"--{name} {value} instead of {getattr(recipe, name)}") for name, value in changed.items()),
        *others,
    ]


def compare_with_published(summary: Mapping[str, Any], expected: Expected) -> list[tuple[str, str, str, str]]:
    """Return for each figure that a table has its name, ours, published and the difference: words, in percent."""
    # Means over a part of the severities stand beside no published number.
    kinds = ("headline",) if summary["mPC"] is None else ("headline", "corruption")
    rows, seen = {row.name: row for row in rows_of(summary, *kinds)}, seen_in_run(summary)
    lines = []
    for name, published in {**expected.model_dump(include={"clean", "mPC", "rPC"}), **expected.corruptions}.items():
        label, ours = (rows[name].label, rows[name].value) if name in rows else (name, None)
        difference = "–" if ours is None else f"{100 * ours - published:+.1f}"
        lines.append((mark_seen(label, seen), percent(ours), f"{published:.1f}", difference))
    return lines


def write_comparison(rows: Sequence[Sequence[str]], source: str, differences: Sequence[str]) -> str:
    """Return a Markdown table of what `compare_with_published` gives."""
    lines = [f"# Ours beside {spell_markdown(source)}", ""]
    if differences:
        lines += [f"Not the same measurement: {spell_markdown('; '.join(differences))}.", ""]
    lines += tabulate_markdown(["", "ours", "published", "difference"], rows, 1)
    return "\n".join([*lines, ""])
