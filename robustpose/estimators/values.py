"""Values: what a network wants of the grey levels of an image, and whether they fit into a file's numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from robustpose.errors import UserError
from robustpose.models.input_spec import IMAGENET_MEAN, IMAGENET_STD
from robustpose.models.value_range import check_no_factor, check_range, check_signs, write_numbers

RAW_NUMBERS = "scale=255 with mean and std for values in 0..255, such as mean=0,0,0 std=1,1,1"
Three = tuple[float, float, float]
ZERO, HALF, ONE = (0.0, 0.0, 0.0), (0.5, 0.5, 0.5), (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Values:
    """What a network wants of the values of an image.

    Mean and std, in the order of the channels, are of values in 0..`scale`.
    """

    channels: Literal["rgb", "bgr"] = "rgb"
    scale: Literal[1, 255] = 1
    mean: Three = IMAGENET_MEAN
    std: Three = IMAGENET_STD

    def of_unit_range(self) -> tuple[Three, Three]:
        """Return mean and std of values in 0..1."""
        (a, b, c), (d, e, f) = self.mean, self.std
        return (a / self.scale, b / self.scale, c / self.scale), (d / self.scale, e / self.scale, f / self.scale)


IMAGENET = Values()
SIGNED = Values(mean=HALF, std=HALF)  # -1..1, as TensorFlow's MobileNets are trained
UNIT = Values(mean=ZERO, std=ONE)  # 0..1, as Ultralytics trains
RAW = Values(scale=255, mean=ZERO, std=ONE)  # 0..255, as MoveNet takes them
# Shares of the range of a file's numbers: how much of it values fill at least, and how far they may reach beyond it,
# since files are quantised by the images that somebody had.
FILLED, BEYOND = 0.7, 0.1


def check_values(values: Values) -> None:
    """Raise ValueError if mean and std cannot be of values in their range."""
    check_signs(values.mean)
    if values.scale == 1:
        check_range(values.mean, values.std, RAW_NUMBERS)
        check_no_factor(values.std, f"for a network of values in 0..255, {RAW_NUMBERS}")
    elif min(values.std) < 1:
        came = f"mean={write_numbers(values.mean)} std={write_numbers(values.std)}"
        raise ValueError(f"{came} are for values in 0..1: leave out scale=255, or give both for values in 0..255")


def choose_quantised(usual: Values, least_most: tuple[float, float] | None) -> Values:
    """Return what fits into a file's numbers, from and to: what is `usual`, or else the first of the others."""
    if least_most is None:
        return usual
    others = (replace(values, channels=usual.channels) for values in (RAW, UNIT, SIGNED, IMAGENET))
    return next((values for values in (usual, *others) if _fits(values, least_most)), usual)


def check_quantised(values: Values, least_most: tuple[float, float] | None, what: str) -> None:
    """Raise UserError if values do not fit into the numbers of `what`, from and to: they would be cut off."""
    if least_most is not None and not _fits(values, least_most):
        low, high = min(_list_ends(values)), max(_list_ends(values))
        raise UserError(
            f"{what} takes numbers from {least_most[0]:.4g} to {least_most[1]:.4g}, and images would be {low:.4g} to "
            f"{high:.4g}: say with mean, std and scale (--model-set) what it was trained on"
        )


def _fits(values: Values, least_most: tuple[float, float]) -> bool:
    least, most = least_most
    low, high, size = min(_list_ends(values)), max(_list_ends(values)), most - least
    return low >= least - BEYOND * size and high <= most + BEYOND * size and high - low >= FILLED * size


def _list_ends(values: Values) -> Iterator[float]:
    """Yield what black and white become in each channel."""
    for mean, std in zip(values.mean, values.std, strict=True):
        yield from ((0 - mean) / std, (values.scale - mean) / std)
