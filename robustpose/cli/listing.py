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


def list_(kind: Annotated[Kind, typer.Argument(help="models, corruptions or datasets.")]) -> None:
    """List the models, corruptions or datasets that are known by name."""
    if kind is Kind.corruptions:
        from robustpose.corruptions import GROUPS, HELD_OUT

        for group, names in {**GROUPS, "held_out": HELD_OUT}.items():
            print(f"{group:<9} {', '.join(names)}")
        print("or package.module:function for your own f(image, severity, rng)")
        return
    if kind is Kind.models:
        from robustpose.estimators import DESCRIPTIONS
    else:
        from robustpose.data import DESCRIPTIONS
    for name, text in DESCRIPTIONS.items():
        print(f"{name:<34} {text}")
