"""robustpose list: what there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Annotated

import typer

from robustpose import registry
from robustpose.errors import UserError
from robustpose.printing import print_line


class Kind(str, Enum):
    """What can be listed."""

    models = "models"
    corruptions = "corruptions"
    datasets = "datasets"
    metrics = "metrics"
    networks = "networks"
    recipes = "recipes"
    rows = "rows"
    strategies = "strategies"
    views = "views"


DESCRIBED = {
    Kind.models: "robustpose.estimators:DESCRIPTIONS",
    Kind.datasets: "robustpose.data.spec:DESCRIPTIONS",
    Kind.metrics: "robustpose.metrics:DESCRIPTIONS",
    Kind.views: "robustpose.train.views.table:DESCRIPTIONS",
}


def list_(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    part: Annotated[str, typer.Argument(help="For rows: only those with this in their names, such as table5.")] = "",
) -> None:
    """List what is known by name: models, networks, corruptions, data, metrics, recipes, rows, strategies, views."""
    if part and kind is not Kind.rows:
        raise UserError(f"'{part}' chooses among rows alone: robustpose list {kind.value} lists all")
    if kind is Kind.corruptions:
        _list_suites()
    elif kind is Kind.networks:
        _list_networks()
    elif kind is Kind.rows:
        _list_rows(part)
    elif kind is Kind.strategies:
        _list_strategies()
    elif kind is Kind.recipes:
        _list_recipes()
    else:
        for name, text in registry.load(DESCRIBED[kind]).items():
            print_line(f"{name:<34} {text}")


def _list_suites() -> None:
    from robustpose.corruptions.suites import SUITES

    for suite in SUITES.values():
        size = f"{suite.n_corruptions} corruptions x {len(suite.severities)} severities"
        print_line(
            f"suite {suite.name}, version {suite.version}: {size}; mean {suite.mean_name}, ratio {suite.ratio_name}"
        )
        for group, names in suite.groups.items():
            print_line(f"  {group:<9} {', '.join(names)}")
    print_line("or package.module:function for your own f(image, severity, rng)")


def _list_networks() -> None:
    from robustpose.models.zoo import ZOO

    titles = ["network", "data", "colours", "epochs", "batch", "sigma", "rot", "scale", "half", "clean"]
    lines: list[Sequence[object]] = [[*titles, "official file"]]
    for one in ZOO.values():
        vary = one.training.get("augment") or one.training["image_augment"]
        drops, batch = ", ".join(map(str, one.training["decay_at"])), " x ".join(map(str, one.training["batch"]))
        how: list[object] = [f"{one.training['epochs']} ({drops})", batch, one.input_spec.sigma]
        how += [vary.get(name, "–") for name in ("rotation", "scale", "half_body_probability")]
        score = "–" if one.score is None else f"{100 * one.score:.1f}"
        lines.append((one.name, one.skeleton.name, one.input_spec.channels, *how, score, one.file or "–"))
    _print_columns(lines)
    print_line(
        "clean: AP on COCO val2017, crops with detected boxes, or PCKh on MPII valid, as its authors published it."
    )
    print_line(
        "batch: devices x crops. A recipe with like: NETWORK trains as this table says. PifPaf's files: convert-pifpaf."
    )


def _list_rows(part: str) -> None:
    from robustpose.results.published import published_rows
    from robustpose.results.rows import percent
    from robustpose.train.rows import get_training

    lines: list[Sequence[object]] = [("row", "network", "strategy", "boxes", "table", "clean", "mPC", "rPC")]
    for row in published_rows():
        if part.lower() in row.name:
            scores = (percent(score) for score in (row.clean, row.mPC, row.rPC))
            strategy = get_training(row).strategy + "*" * (row.weights is not None)
            lines.append((row.name, row.zoo.name, strategy, row.boxes, row.table, *scores))
    if len(lines) == 1:
        raise UserError(f"no row has '{part}' in its name: robustpose list rows shows all")
    _print_columns(lines)
    print_line(
        "clean: AP*, or PCKh* on MPII-C. strategy: see list strategies; *: list networks names a file with the weights."
    )
    print_line(
        "robustpose train --row ROW --root DATA [--init FILE | --backbone FILE] --out DIR trains one: docs/training.md."
    )
    print_line("robustpose bench --row ROW --root DATA --weights FILE_OR_DIR --out DIR measures one.")


def _list_recipes() -> None:
    from robustpose.train.recipes import list_recipes

    for name, text in list_recipes().items():
        print_line(f"{name:<20}  {text}")
    print_line("robustpose train --recipe NAME --out DIR trains one, --set KEY=VALUE otherwise.")


def _print_columns(lines: Sequence[Sequence[object]]) -> None:
    """Print lines of the same number of words, one below the other."""
    widths = [max(len(str(word)) for word in column) for column in zip(*lines, strict=True)]
    for line in lines:
        print_line("  ".join(str(word).ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())


def _list_strategies() -> None:
    from robustpose.train.strategies import STRATEGIES

    print_line(f"{'strategy':<14} {'views':<28} {'teacher':<8}the student learns from")
    for name, row in STRATEGIES.items():
        print_line(f"{name:<14} {', '.join(row.views):<28} {'yes' if row.distils else 'no':<8}{row.description}")
    print_line("or package.module:attr: a Strategy of your own, a mixer, or a function that makes one")
    print_line(
        "--set mixing.views=[clean, ...] takes other views (robustpose list views), --set mixing.alpha=0 no teacher"
    )
