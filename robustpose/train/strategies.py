"""Strategies, one table: which views a student learns from, how they are mixed, and whether a teacher has a say.

The rows are the paper's (Wang et al., CVPR 2021, Tables 4 to 7); the control that it lacks, the same budget of plain
fine-tuning (`supervised` with `start_from`); and `randomview`, ours. A row here is all that a new strategy needs:
settings, the command's help and `robustpose list strategies` read this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from robustpose.errors import UserError
from robustpose.registry import load

THREE = ("clean", "autoaugment", "gridmask")
UNLIKE_SUITES = ("clean", "augmix", "pixmix", "patch-noise", "lowpass")  # which show nothing of what a suite tests
GENERATOR = "robustpose.train.mixing:make_pixel_mixer"
GENERATOR_OF_IMAGES = "robustpose.train.mixing:make_image_mixer"


@dataclass(frozen=True)
class Strategy:
    """Say what a strategy is made of."""

    description: str  # one line for people who choose
    # Names in `views.table.VIEWS`, the clean one first where there is a mixer or a teacher; `mixing.views` overrides.
    views: tuple[str, ...] = THREE
    # What makes one image of the views: a mixer (see `mixing`), a function that makes one, or the `package.module:attr`
    # of either; None where the student learns from the last view as it is.
    mixer: Any = None
    distils: bool = False  # whether a teacher has a say, unless `mixing.alpha` is 0


STRATEGIES: dict[str, Strategy] = {
    "supervised": Strategy("the clean crop: plain training, or with --init plain fine-tuning, the control", ("clean",)),
    "gridmask": Strategy("the crop with squares taken out", ("gridmask",)),
    "autoaugment": Strategy("the crop in other colours", ("autoaugment",)),
    "transfer": Strategy("crops of which half come from corrupted images: four of the corruptions", ("corrupted",)),
    "distill": Strategy("the clean crop, and a teacher", ("clean",), distils=True),
    "sequentialmix": Strategy("other colours, then squares taken out", ("clean", "sequential"), distils=True),
    "equalmix": Strategy("the mean of the views", THREE, "robustpose.train.mixing:EqualMix", distils=True),
    "dirichletmix": Strategy("views in random shares", THREE, "robustpose.train.mixing:DirichletMix", distils=True),
    "randomview": Strategy(
        "one view a crop, as it is: the clean one (mixing.clean_share) or any of the others",
        UNLIKE_SUITES,
        "robustpose.train.mixing:make_random_view",
        distils=True,
    ),
    "advmix-image": Strategy("a generator weighs whole views against the student", THREE, GENERATOR_OF_IMAGES, True),
    "advmix": Strategy("a generator weighs views pixel by pixel against the student", THREE, GENERATOR, True),
}

# The paper's views, and the strategies that learn from them alone: by those, a network sees what was asked for by name,
# whatever a suite tests. See `train.seen`.
VIEWS_OF_PAPER = (*THREE, "sequential", "corrupted")
OF_PAPER = tuple(name for name, strategy in STRATEGIES.items() if set(strategy.views) <= set(VIEWS_OF_PAPER))


def find_strategy(name: str) -> Strategy:
    """Return a row of the table, or the strategy that `package.module:attr` names.

    That may also be a mixer, or a function that makes one (`mixing.make_mixer`): it mixes the paper's three views, and
    a teacher has a say.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    found = load(name, dict.fromkeys(STRATEGIES, ""), "strategy")
    if isinstance(found, Strategy):
        views = found.views
        if not isinstance(views, tuple | list) or not all(isinstance(view, str) for view in views):
            raise UserError(f"strategy '{name}' must have names of views as views, got {views!r}")
        return found
    if not callable(found):
        raise UserError(
            f"strategy '{name}' is of type {type(found).__name__}: expected a Strategy, a mixer (a module of views "
            "that gives a mix and weights), or a function that makes one"
        )
    return Strategy(f"views mixed by {name}", THREE, found, distils=True)
