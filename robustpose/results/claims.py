"""Claims: what the paper concludes from its tables, one row each, to be held against any runs.

Wang et al., CVPR 2021, sections 4.2 and 5.2, in our own words. A row more in `CLAIMS` is a claim more: a name, where
the paper says it, a sentence, and a function of measurements that yields comparisons (`robustpose.results.pairings`),
each with the range in which the claim wants it. What follows from those is the same for all claims: see
`robustpose.results.findings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from robustpose.results import pairings
from robustpose.results.comparisons import Comparison
from robustpose.results.pairings import ADVMIX, STANDARD, Measurements

Comparisons = Iterator[Comparison]
FIXED = ("EqualMix", "DirichletMix", "SequentialMix")  # whose weights nobody learns
# Of the clean score, 0..1: what counts as keeping it. The paper's largest loss is 0.3 points.
MAY_LOSE = 0.005


@dataclass(frozen=True)
class Claim:
    """One claim. It takes part of runs that it can use, and says nothing where there are none."""

    name: str
    source: str  # in the paper
    sentence: str
    compare: Callable[[Measurements], Comparisons]
    needs: str  # which runs it takes, for people
    knows: tuple[str, ...] = ()  # fields of `About` without which a run takes no part
    published: str = ""  # why the paper's own rows do not support it everywhere, where that is so


TRAINED = ("network", "training", "boxes")
HARDENED_PAIR = "a standard run and one with AdvMix of the same network, input and data"
TWO_SIZES = "two networks of one series, such as sbl_r50 and sbl_r101, at the same input on the same data"
TWO_INPUTS = "one network at two inputs on the same data"
ONE_RUN = "a run of all cells of coco-c"


def _compare(better: tuple[str, ...], worse: tuple[str, ...], figure: str, low: float = 0.0) -> partial[Comparisons]:
    return partial(pairings.compare_trainings, better, worse, figure, low)


CLAIMS = (
    Claim(
        "alike", "section 4.2", "Top-down and bottom-up networks degrade alike: the same corruptions cost both most.",
        pairings.compare_ways, "a top-down and a bottom-up run of all cells of coco-c on the same data", ("boxes",),
    ),
    Claim(
        "capacity-mpc", "section 4.2", "At the same input, a network with more capacity has a higher mPC.",
        partial(pairings.compare_capacity, "mean"), TWO_SIZES, ("network", "input", "boxes"),
    ),
    Claim(
        "capacity-rpc", "section 4.2", "At the same input, a network with more capacity has a higher rPC.",
        partial(pairings.compare_capacity, "ratio"), TWO_SIZES, ("network", "input", "boxes"),
    ),
    Claim(
        "input-clean", "Table 1", "A network at a larger input scores better on clean images.",
        partial(pairings.compare_inputs, "clean", True), TWO_INPUTS, ("network", "input", "boxes"),
        "It holds in all rows of COCO-C; on OCHuman-C HigherHRNet is better at 512 than at 640",
    ),
    Claim(
        "input-rpc", "Table 1", "A network at a larger input keeps less of its clean score: its rPC is lower.",
        partial(pairings.compare_inputs, "ratio", False), TWO_INPUTS, ("network", "input", "boxes"),
        "The exception is HRNet W32, whose rPC is lowest at the smallest input",
    ),
    Claim(
        "weather-easy", "section 4.2", "Weather, with brightness, costs less than the other corruptions do on average.",
        partial(pairings.compare_group, "weather"), ONE_RUN,
    ),
    Claim(
        "brightness-easy", "section 4.2", "Brightness is among the five corruptions that cost least.",
        partial(pairings.compare_rank, "brightness", True), ONE_RUN,
    ),
    Claim(
        "zoom-hard", "section 4.2", "Zoom blur is among the five corruptions that cost most.",
        partial(pairings.compare_rank, "zoom_blur", False), ONE_RUN,
    ),
    Claim(
        "motion-hard", "section 4.2", "Motion blur is among the five corruptions that cost most.",
        partial(pairings.compare_rank, "motion_blur", False), ONE_RUN, (),
        "It holds in all rows of COCO-C, and in none of MPII-C and OCHuman-C",
    ),
    Claim(
        "advmix-mpc", "section 5.2, Tables 2 and 3", "AdvMix raises mPC.",
        _compare((ADVMIX,), (STANDARD,), "mean"), HARDENED_PAIR, TRAINED,
    ),
    Claim(
        "advmix-rpc", "section 5.2, Tables 2 and 3", "AdvMix raises rPC.",
        _compare((ADVMIX,), (STANDARD,), "ratio"), HARDENED_PAIR, TRAINED,
    ),
    Claim(
        "advmix-clean", "section 5.2, Tables 2 and 3", "AdvMix keeps the clean score, to half a point.",
        _compare((ADVMIX,), (STANDARD,), "clean", -MAY_LOSE), HARDENED_PAIR, TRAINED,
    ),
    Claim(
        "advmix-severity", "section 5.2, Figure 4b", "What AdvMix gains grows with severity.",
        pairings.compare_severities, f"{HARDENED_PAIR}, of all cells", TRAINED,
        "The paper draws it; no table of it prints scores by severity",
    ),
    Claim(
        "mix-over-parts", "section 5.2, Table 5", "AdvMix has a higher mPC than either of its two views alone.",
        _compare((ADVMIX,), ("Grid-Mask", "AutoAugment"), "mean"),
        "a run with AdvMix and one with Grid-Mask or AutoAugment of the same network, input and data", TRAINED,
    ),
    Claim(
        "stylized-adds", "section 5.2, Table 5", "Stylised images on top of AdvMix raise mPC further.",
        _compare(("AdvMix+Stylized",), (ADVMIX,), "mean"),
        "a run with AdvMix and one with AdvMix+Stylized of the same network, input and data", TRAINED,
    ),
    Claim(
        "pixel-over-image", "section 5.2, Table 6", "Weights by pixel have a higher mPC than weights by image.",
        _compare((ADVMIX,), ("AdvMix-Image",), "mean"),
        "a run with AdvMix and one with AdvMix-Image of the same network, input and data", TRAINED,
    ),
    Claim(
        "learned-over-fixed", "section 5.2, Table 6",
        "Weights that a generator learns, of pixels or images, have a higher mPC than those that nobody learns.",
        _compare((ADVMIX, "AdvMix-Image"), FIXED, "mean"),
        "a run with AdvMix or AdvMix-Image and one with EqualMix, DirichletMix or SequentialMix of the same network, "
        "input and data", TRAINED,
    ),
    Claim(
        "teacher-clean", "section 5.2, Table 7", "The teacher keeps the clean score up: without it, AdvMix's is lower.",
        _compare((ADVMIX,), ("AdvMix without distillation",), "clean"),
        "a run with AdvMix and one with AdvMix without distillation of the same network, input and data", TRAINED,
    ),
)  # fmt: skip
