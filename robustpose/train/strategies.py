"""Strategies: which views a student learns from, and how they are mixed.

The rows are the paper's (Wang et al., CVPR 2021, Tables 4 to 7) and the control that it lacks: the same budget of plain
fine-tuning (`supervised` with `start_from`). Which of them have a teacher, `robustpose.train.settings` says.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from robustpose.train.mixing import DirichletMix, EqualMix, GeneratorMix, LastView, make_generator

THREE = ("clean", "autoaugment", "gridmask")


@dataclass(frozen=True)
class Strategy:
    """Say what a strategy is made of.

    Attributes:
        views: names of the views of a crop; see `views`.
        mixer: `last` (the last view alone), `equal`, `dirichlet`, `generator` or `generator-image`.
    """

    views: tuple[str, ...]
    mixer: str = "last"

    @property
    def is_adversarial(self) -> bool:
        """Return whether a generator is trained."""
        return self.mixer.startswith("generator")


STRATEGIES: dict[str, Strategy] = {
    "supervised": Strategy(("clean",)),
    "gridmask": Strategy(("gridmask",)),
    "autoaugment": Strategy(("autoaugment",)),
    "transfer": Strategy(("corrupted",)),
    "distill": Strategy(("clean",)),
    "sequentialmix": Strategy(("clean", "sequential")),
    "equalmix": Strategy(THREE, "equal"),
    "dirichletmix": Strategy(THREE, "dirichlet"),
    "advmix-image": Strategy(THREE, "generator-image"),
    "advmix": Strategy(THREE, "generator"),
}


def make_mixer(strategy: Strategy, input_wh: tuple[int, int], width: int = 64, scale: int = 1) -> nn.Module:
    """Return the mixer of a strategy.

    Args:
        strategy: says which.
        input_wh: width and height of the crops, px.
        width: of the generator, where there is one.
        scale: of the generator.
    """
    if strategy.is_adversarial:
        generator = make_generator(len(strategy.views), input_wh, width, scale)
        return GeneratorMix(generator, scale, per_image=strategy.mixer == "generator-image")
    return {"last": LastView, "equal": EqualMix, "dirichlet": DirichletMix}[strategy.mixer]()
