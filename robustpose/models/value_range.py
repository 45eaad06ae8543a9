"""Ranges of values: a mean and a std of values in 0..255 are told from those of values in 0..1, which go in here."""

from __future__ import annotations

import math
from collections.abc import Sequence

LEVELS = 255
MOST_MEAN, MOST_STD = 2.0, 4.0  # of values in 0..1: beyond any that a network has
LEAST_STD = 0.02  # of values in 0..1; 1/255 is 0.004


def check_range(mean: Sequence[float], std: Sequence[float], way_out: str = "") -> None:
    """Raise ValueError if a mean and a std cannot be of values in 0..1; it says the right ones where they show.

    `way_out` is what to do for a network that takes values in 0..255 as they are.
    """
    if not all(map(math.isfinite, [*mean, *std])) or min(std) <= 0:
        raise ValueError("mean must be three finite numbers, and std three numbers above 0")
    mean_words, std_words = f"mean={write_numbers(mean)}", f"std={write_numbers(std)}"
    here = "here values are in 0..1"
    check_signs(mean)
    if max(mean) <= MOST_MEAN and max(std) <= MOST_STD:
        return
    of_levels = f"mean={write_numbers(mean, LEVELS)} std={write_numbers(std, LEVELS)}"
    is_mean_large = all(number > MOST_MEAN or number == 0 for number in mean)  # 0 is the same in both
    is_mean_mixed = max(mean) > MOST_MEAN and not is_mean_large
    is_std_large = min(std) > MOST_STD
    if is_mean_mixed or (max(std) > MOST_STD and not is_std_large):
        raise ValueError(f"{mean_words} {std_words} mix numbers for values in 0..255 with others; {here}")
    if is_mean_large and is_std_large:
        raise ValueError(f"{mean_words} {std_words} are for values in 0..255; {here}: {of_levels}")
    if is_std_large:
        right = f"{mean_words} std={write_numbers(std, LEVELS)}"
        raise ValueError(f"{std_words} are for values in 0..255, unlike {mean_words}; {here}: {right}")
    if set(std) == {1.0}:  # as networks of Caffe have it
        raise ValueError(f"{mean_words} {std_words} are for values in 0..255; {here}: {way_out or of_levels}")
    right = f"mean={write_numbers(mean, LEVELS)} {std_words}"
    raise ValueError(f"{mean_words} are for values in 0..255, unlike {std_words}; {here}: {right}")


def check_signs(mean: Sequence[float]) -> None:
    """Raise ValueError if a mean, of values in any range, has a number below 0: values of images are 0 or more."""
    if min(mean) < 0:
        right = f"mean={write_numbers([abs(number) for number in mean])}"
        raise ValueError(
            f"mean={write_numbers(mean)} must be 0 or more, as values of images are; it is subtracted from them, so "
            f"leave out the signs: {right}"
        )


def check_no_factor(std: Sequence[float], way_out: str) -> None:
    """Raise ValueError if a std looks like the factor that brings values in 0..255 to 0..1."""
    if min(std) < LEAST_STD:
        raise ValueError(
            f"std={write_numbers(std)} would bring values from 0..255 to 0..1, where they are already: std=1,1,1; "
            f"{way_out}"
        )


def write_numbers(numbers: Sequence[float], divisor: float = 1) -> str:
    """Return numbers, divided, as they are typed: ``0.485,0.456,0.406``."""
    return ",".join(f"{number / divisor:.6g}" for number in numbers)
