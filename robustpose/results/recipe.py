"""Bench recipes: one row of a published table: what was measured how, and what came out; and ours beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from robustpose.config import Settings, check_settings, read_recipe
from robustpose.errors import UserError
from robustpose.results.rows import percent

Row = tuple[str, float | None, float]  # figure, ours 0..1, published in percent


class Published(Settings):
    """What a table says, in percent.

    Attributes:
        source: which table.
        clean: AP* or PCKh*.
        mPC: mean under corruption.
        rPC: mPC / clean.
        corruptions: mean over severities by corruption; none where the table has no such columns.
    """

    source: str
    clean: float
    mPC: float
    rPC: float
    corruptions: dict[str, float] = Field(default_factory=dict)


class BenchRecipe(Settings):
    """How a published row was measured: options of the bench command, and the row.

    Attributes:
        model: kind of model.
        weights: name of the official file; None where there is none.
        input: WIDTHxHEIGHT px.
        data: official dataset.
        split: of it.
        boxes: protocol.
        seed: of the corruptions.
        only_with_people: whether images in which nobody is annotated are left out.
        expected: the published row.
    """

    model: str
    weights: str | None = None
    input: str
    data: str
    split: str
    boxes: str = "gt"
    seed: str = "release"
    only_with_people: bool = False
    expected: Published


def read_bench_recipe(path: Path) -> BenchRecipe:
    """Return a bench recipe.

    Raises:
        UserError: the file cannot be read, or is no bench recipe.
    """
    return check_settings(BenchRecipe, read_recipe(path), f"bench recipe {path}")


def find_weights(recipe: BenchRecipe, weights: Path | None) -> Path:
    """Return the weights file: `weights`, or in that folder (this one if None) the one with the official name.

    Raises:
        UserError: there is no such file.
    """
    place = weights or Path()
    if place.is_file():
        return place
    if not place.is_dir():
        raise UserError(f"there are no weights at {place}")
    if recipe.weights is None:
        raise UserError("this recipe is of weights without an official file name: name them, --weights FILE")
    if not (place / recipe.weights).is_file():
        raise UserError(f"there is no {recipe.weights} in {place.resolve().name}: name the file, --weights FILE")
    return place / recipe.weights


def list_changes(recipe: BenchRecipe, given: Mapping[str, object], others: Sequence[str] = ()) -> list[str]:
    """Return in what a run is not the recipe's measurement.

    Args:
        recipe: the published row.
        given: options of the command by the recipe's name for them; None where they were left out.
        others: options that no recipe has.
    """
    changes = [
        f"--{name} {value} instead of {getattr(recipe, name)}"
        for name, value in given.items()
        if value is not None and value != getattr(recipe, name)
    ]
    return [*changes, *others]


def compare_with_published(summary: Mapping[str, Any], expected: Published) -> list[Row]:
    """Return the figures that a table has, ours beside it."""
    rows: list[Row] = [
        (f"{summary['metric']}*", summary["clean"], expected.clean),
        ("mPC", summary["mPC"], expected.mPC),
        ("rPC", summary["rPC"], expected.rPC),
    ]
    ours = summary["corruptions"] if summary["mPC"] is not None else {}
    return rows + [(name, ours.get(name), value) for name, value in expected.corruptions.items()]


def write_row(row: Row) -> tuple[str, str, str, str]:
    """Return figure, ours, published and the difference as words, in percent."""
    name, ours, published = row
    return name, percent(ours), f"{published:.1f}", "–" if ours is None else f"{100 * ours - published:+.1f}"


def write_comparison(rows: list[Row], source: str, differences: list[str]) -> str:
    """Return a Markdown table of ours beside a published row, in percent."""
    lines = [f"# Ours beside {source}", ""]
    if differences:
        lines += [f"Not the same measurement: {'; '.join(differences)}.", ""]
    lines += ["| | ours | published | difference |", "|---|---:|---:|---:|"]
    lines += [f"| {' | '.join(write_row(row))} |" for row in rows]
    return "\n".join([*lines, ""])
