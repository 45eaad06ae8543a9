"""Quality: what the poses on an image are rated by, in the words of a page, by metric."""

from __future__ import annotations

from robustpose.metrics.robustness import HELD_AGAINST_CLEAN

RIGHT_JOINTS = ("right joints", "Images are rated by the part of their annotated joints that are right, in percent.")
QUALITIES = {  # what `read_quality` gives
    "AP": ("mean OKS", "Images are rated by the mean OKS of their people, in percent; who is not found counts 0."),
    "PCK": RIGHT_JOINTS,
    "consistency": (
        "consistency",
        "Images are rated by how much their poses stay where they are on the clean image, in percent.",
    ),
    "PCKh": RIGHT_JOINTS,
}


def describe_quality(metric: str) -> dict[str, str]:
    """Return what images are rated by, a sentence that says it, and what people who are there to be found are called.

    >>> describe_quality("PCKh")["quality_name"]
    'right joints'
    """
    name, words = QUALITIES.get(metric, ("quality", "Images are rated by the quality of their poses."))
    truth_words = "on the clean image" if metric in HELD_AGAINST_CLEAN else "annotated"
    return {"quality_name": name, "quality_words": words, "truth_words": truth_words}
