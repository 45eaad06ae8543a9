"""robustpose list: what there is to choose from."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer


class Kind(str, Enum):
    """What can be listed."""

    models = "models"
    corruptions = "corruptions"
    datasets = "datasets"
    metrics = "metrics"
    networks = "networks"
    strategies = "strategies"
    views = "views"


def list_(kind: Annotated[Kind, typer.Argument(help="What to list.")]) -> None:
    """List what is known by name: models, networks, corruptions, datasets, metrics, or training's strategies, views."""
    if kind is Kind.corruptions:
        from robustpose.corruptions import GROUPS, HELD_OUT

        for group, names in {**GROUPS, "held_out": HELD_OUT}.items():
            print(f"{group:<9} {', '.join(names)}")
        print("or package.module:function for your own f(image, severity, rng)")
        return
    if kind is Kind.networks:
        _list_networks()
        return
    if kind is Kind.strategies:
        _list_strategies()
        return
    if kind is Kind.models:
        from robustpose.estimators import DESCRIPTIONS
    elif kind is Kind.metrics:
        from robustpose.metrics import DESCRIPTIONS
    elif kind is Kind.views:
        from robustpose.train.views.table import DESCRIPTIONS
    else:
        from robustpose.data import DESCRIPTIONS
    for name, text in DESCRIPTIONS.items():
        print(f"{name:<34} {text}")


def _list_networks() -> None:
    from robustpose.models.zoo import PUBLISHED, PUBLISHED_WHOLE

    print(f"{'network':<15} {'data':<5} {'w x h':<8} {'colours':<8} {'sigma':<6} {'clean':<6} official file")
    for one in PUBLISHED:
        input_spec = one.input_spec
        size = f"{input_spec.input_wh[0]}x{input_spec.input_wh[1]}"
        score = f"{100 * one.score:.1f}"
        file = one.file or "none"
        name = f"{one.network:<15} {one.skeleton.name:<5} {size:<8}"
        print(f"{name} {input_spec.channels:<8} {input_spec.sigma:<6} {score:<6} {file}")
    for whole in PUBLISHED_WHOLE:
        size = f"{whole.side}x{whole.side}"
        name = f"{whole.network:<15} {'coco':<5} {size:<8}"
        print(f"{name} {'rgb':<8} {2.0:<6} {100 * whole.score:<6.1f} {whole.file}")
    print("clean: AP on COCO val2017, top-down networks with detected boxes, or PCKh on MPII valid, as published")


def _list_strategies() -> None:
    from robustpose.train.strategies import STRATEGIES

    print(f"{'strategy':<14} {'views':<28} {'teacher':<8}the student learns from")
    for name, row in STRATEGIES.items():
        print(f"{name:<14} {', '.join(row.views):<28} {'yes' if row.distils else 'no':<8}{row.description}")
    print("or package.module:attr: a Strategy of your own, a mixer, or a function that makes one")
    print("--set mixing.views=[clean, ...] takes other views (robustpose list views), --set mixing.alpha=0 no teacher")
