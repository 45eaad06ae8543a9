"""The options of bench by which a torch network adapts to the images that it is tested on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import typer

from robustpose.cli.help import MODEL
from robustpose.errors import UserError


@dataclass(frozen=True)
class AdaptOptions:
    """Whether, and how, the model adapts at test time."""

    panel: ClassVar[str] = MODEL

    adapt: Annotated[
        str,
        typer.Option(
            metavar="none|bn|tent",
            help="Adapt a torch network to the images at test time, clean ones too. bn: its batch norms; tent: then "
            "also a step towards sharper heatmaps (TENT-style).",
        ),
    ] = "none"
    adapt_images: Annotated[
        int | None,
        typer.Option(
            metavar="M",
            show_default="16",
            help="Consecutive images that --adapt takes together; 1: each by itself. Scores depend on it.",
        ),
    ] = None
    adapt_prior: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default="16",
            help="How many people (or whole images) the statistics of training count as for --adapt; 0: not at all.",
        ),
    ] = None

    @property
    def given(self) -> dict[str, Any]:
        """Return what was said, by the names of the model's options."""
        said = {"adapt_images": self.adapt_images, "adapt_prior": self.adapt_prior}
        said = {name: value for name, value in said.items() if value is not None}
        return said if self.adapt == "none" and not said else {"adapt": self.adapt, **said}

    def join(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the model's options with those of adapting; UserError for what is said twice."""
        twice = [name for name in self.given if name in options]
        if twice:
            option = "--" + twice[0].replace("_", "-")
            raise UserError(f"{option} and --model-set {twice[0]}= are the same: leave one of them out")
        return {**options, **self.given}
