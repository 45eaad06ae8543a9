"""Seen: the corruptions of a run that its network has learned from, as far as anybody says so.

A score under one of them is no measure of robustness to something new. Weights that `robustpose train` writes say what
they have seen, and results note it: `seen` of `provenance.estimator`. Where that is lacking nothing is known, and
nothing is marked, but for a run that stands beside a row of the paper whose training is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.errors import spell_list
from robustpose.metrics.robustness import Means
from robustpose.results.published import PublishedRow, published_rows

_COLORS, _SQUARES = ("color_quantization",), ("checkerboard_cutout", "mask")  # what AutoAugment and GridMask are like
_MIXED = (*_COLORS, *_SQUARES)
# By what the paper calls a training, what it shows: Wang et al., CVPR 2021, Tables 4 to 7, and the views of `train`,
# which are of a higher layer.
SEEN_BY_TRAINING: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Standard", "FPD", "FPD same architecture", "Stylized only", "Stylized"), ()),
    "Transfer": ("gaussian_noise", "defocus_blur", "snow", "contrast"),
    "Grid-Mask": _SQUARES,
    "AutoAugment": _COLORS,
    **dict.fromkeys(("SequentialMix", "EqualMix", "DirichletMix", "AdvMix-Image", "AdvMix"), _MIXED),
    **dict.fromkeys(("AdvMix without distillation", "AdvMix+Stylized"), _MIXED),
}
MEAN_OF_UNSEEN = "mean_of_unseen"  # in summary.json, of runs in which some corruptions were seen
MARK = " (seen)"  # behind the name of a corruption
SEEN_FACT = "seen in training: "  # how the note among the warnings of a run begins
SEEN_BY = "seen in training by "  # how notes on several runs begin
EXPLAINED = "the network has learned from these or from the like of them, so their scores are no measure of what is new"


def read_seen(summary: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the corruptions that the network of a run has learned from, whether run or not; None: nothing is known.

    >>> read_seen({"provenance": {"estimator": {"seen": ["fog"]}}})
    ('fog',)
    >>> read_seen({"provenance": {"estimator": {}}}) is None
    True
    """
    provenance = summary.get("provenance") or {}
    said = (provenance.get("estimator") or {}).get("seen")
    if isinstance(said, list):
        return tuple(name for name in said if isinstance(name, str))
    noted = (provenance.get("row") or {}).get("name")
    training = next((row.training for row in published_rows() if row.name == noted), None)
    return SEEN_BY_TRAINING.get(str(training))


def seen_by_row(row: PublishedRow) -> tuple[str, ...]:
    """Return those of the corruptions of a row of the paper that its network has learned from."""
    return tuple(name for name in SEEN_BY_TRAINING[row.training] if name in COCO_C.corruptions)


def seen_in_run(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Return those of a run's corruptions that its network has learned from, in the order of the run."""
    seen = read_seen(summary) or ()
    return tuple(name for name in summary["corruptions"] if name in seen)


def list_unknown(seen: Iterable[str] | None) -> list[str]:
    """Return the words for what is not known to have been seen, among the names of what was: see `InputSpec.seen`.

    >>> list_unknown(["fog", "what a.pth had seen"])
    ['what a.pth had seen']
    """
    return [word for word in seen or () if " " in word]


def mark_seen(name: str, seen: Iterable[str]) -> str:
    """Return the name of a corruption, marked if it is one of those that were seen.

    >>> mark_seen("snow", ["snow"]), mark_seen("fog", ["snow"])
    ('snow (seen)', 'fog')
    """
    return f"{name}{MARK}" if name in seen else name


def tell_seen(names: Sequence[str], seen: Iterable[str] | None) -> list[str]:
    """Return the note on the corruptions of a run that were seen, a sentence; none where there are none.

    `seen` is all that is known of the network, `names` those of the run.
    """
    unknown = list_unknown(seen)
    least, more = ("at least ", f"; {spell_list(unknown)} is not known") if unknown else ("", "")
    return [f"{SEEN_FACT}{least}{spell_list(names)}: {EXPLAINED}{more}"] if names else []


def list_unseen(corruptions: Sequence[str], suite: Suite, is_complete: bool, seen: Iterable[str]) -> list[str]:
    """Return the corruptions whose mean stands beside the one of all; none where none was seen, or all were.

    They are those of the suite if the run has all of it, or else all that were run. Where what was seen is not all
    known, there are none.
    """
    if list_unknown(seen := list(seen)):
        return []
    names = suite.corruptions if is_complete else corruptions
    unseen = [name for name in names if name not in seen]
    return unseen if len(unseen) < len(names) else []


def mean_of_unseen(means: Means, suite: Suite, seen: Iterable[str]) -> Any:
    """Return the mean over the corruptions of `list_unseen`, or None where there are none."""
    names = list_unseen(list(means.corruptions), suite, means.mean is not None, seen)
    return sum(means.corruptions[name] for name in names) / len(names) if names else None


def tell_seen_apart(names: Sequence[str], summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return notes on what runs that are compared have seen of what they are compared on, the same ones together."""
    found = [(seen_in_run(summary), list_unknown(read_seen(summary))) for summary in summaries]
    return spell_seen(names, found, "all runs")


def spell_seen(names: Sequence[str], found: Sequence[tuple[Iterable[str], Iterable[str]]], of_all: str) -> list[str]:
    """Return notes on what each of some names has seen, the same ones together; `of_all` stands for all names.

    `found` has the corruptions of each, and the words of `list_unknown`.
    """
    together: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for name, (seen, unknown) in zip(names, found, strict=True):
        together.setdefault((tuple(seen), tuple(unknown)), []).append(name)
    return [
        f"{SEEN_BY}{of_all if len(of) == len(names) else spell_list(of)}: {spell_list(seen)}, "
        f"or the like of them; scores there are no test of something new"
        + (f"; {spell_list(unknown)} is not known" if unknown else "")
        for (seen, unknown), of in together.items()
        if seen
    ]
