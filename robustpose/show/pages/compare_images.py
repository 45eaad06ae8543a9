"""The images of a comparison's page: opened where they can be, else with the reason why there are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.data.corrupted import CorruptedImages
from robustpose.errors import UserError
from robustpose.pose.protocols import Dataset
from robustpose.results.compared import Comparison
from robustpose.show.pages.compare_gallery import make_compare_gallery

NOT_WANTED = "There is no gallery, for this page was written without images."


def find_gallery(
    sides: Sequence[Sequence[Path]],
    comparison: Comparison,
    open_images: Callable[[], tuple[Dataset, CorruptedImages]],
    is_asked_for: bool = False,
) -> tuple[Mapping[str, Any] | None, str]:
    """Return what `make_compare_gallery` gives, or None and why there is no gallery, in a sentence for the page.

    `sides` are the folders of the runs of `comparison`, in its order: one of each run, or all of a group. With
    `is_asked_for`, images that cannot be opened are a UserError; a comparison needs none, and is worth a page without.
    """
    if not comparison.has_cells:
        return None, "There is no gallery, for the runs have no corrupted cells in common."
    try:
        return make_compare_gallery(sides, comparison, *open_images()), ""
    except UserError as error:
        if is_asked_for:
            raise
        return None, f"There is no gallery: {error}"
