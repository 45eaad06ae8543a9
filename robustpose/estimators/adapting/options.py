"""Options of networks that adapt at test time: to how many images at once, and how much training still counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from robustpose.estimators.options import Count, EngineOptions, Whole, parse_number

Adapt = Literal["none", "bn", "tent"]
Number = Annotated[float, BeforeValidator(parse_number)]
OF_TENT = ("adapt_steps", "adapt_rate", "adapt_temperature")
OF_RESULTS = {"adapt_images": "images_per_group"}  # as results say it of any estimator that looks at groups
MOST_IMAGES = 512  # of a group, whose images are in memory at once, clean and corrupted: 1 GB at 640 x 480
NAMES = ("adapt", "adapt_images", "adapt_prior", *OF_TENT)


@dataclass(frozen=True)
class Sharpening:
    """Steps towards sharper heatmaps: TENT-style, with a softmax over a heatmap's cells in the place of classes."""

    n_steps: int
    rate: float  # of Adam
    temperature: float  # that heatmaps are divided by before the softmax


@dataclass(frozen=True)
class Adapting:
    """How a network adapts to a group of images."""

    n_images: int  # of a group; the last one of the data may have fewer
    prior: int  # N: how many people (images, for networks of whole images) the statistics of training count as
    sharpening: Sharpening | None = None


class AdaptOptions(EngineOptions):
    """How a torch network runs, and whether it adapts to the images that it looks at."""

    adapt: Adapt = "none"
    """bn: batch norms take statistics of the images; tent: then also a step towards sharper heatmaps; none: neither."""
    adapt_images: Annotated[Count, Field(le=MOST_IMAGES)] = 16
    """Images, from the first one on, that it adapts to together, 512 at most: scores depend on it. 1: each alone."""
    adapt_prior: Annotated[Whole, Field(le=10**9)] = 16
    """People (whole images, without boxes) that the statistics of training count as, beside those of the images."""
    adapt_steps: Annotated[Count, Field(le=100)] = 1
    """Steps of tent in each group of images."""
    adapt_rate: Annotated[Number, Field(gt=0, le=1)] = 1e-3
    """Learning rate of tent."""
    adapt_temperature: Annotated[Number, Field(ge=1e-3, le=1e3)] = 0.1
    """What tent divides heatmaps by before it takes the softmax over their cells."""

    @model_validator(mode="after")
    def _check_adapting(self) -> AdaptOptions:
        given = [name for name in type(self).model_fields if name in self.model_fields_set]
        useless = [name for name in given if name.startswith("adapt_") and self.adapt == "none"]
        if useless:
            raise ValueError(f"{useless[0]} goes with adapt=bn or adapt=tent: name one, or leave it out")
        useless = [name for name in given if name in OF_TENT and self.adapt != "tent"]
        if useless:
            raise ValueError(f"{useless[0]} goes with adapt=tent: leave it out")
        if self.adapt != "none" and self.backend != "torch":
            raise ValueError(
                f"adapt={self.adapt} needs backend=torch, got {self.backend}, which folds batch norms: leave one out"
            )
        return self

    @property
    def adapting(self) -> Adapting | None:
        """Return how the network adapts; None where it does not."""
        if self.adapt == "none":
            return None
        steps = Sharpening(self.adapt_steps, self.adapt_rate, self.adapt_temperature) if self.adapt == "tent" else None
        return Adapting(self.adapt_images, self.adapt_prior, steps)

    @property
    def engine(self) -> dict[str, Any]:
        """Return the arguments of `running.backends.as_callable`, but for the device."""
        return {**super().engine, "adapting": self.adapting}

    def describe_adapting(self) -> dict[str, Any]:
        """Return what results say of it: nothing of a network that stays as it is."""
        if self.adapt == "none":
            return {}
        wanted = [name for name in NAMES if self.adapt == "tent" or name not in OF_TENT]
        return {OF_RESULTS.get(name, name): getattr(self, name) for name in wanted}
