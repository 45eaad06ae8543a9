"""The images of a comparison's page: those of its runs, opened as the runs noted them or as a command names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.data.spec import DataSpec
from robustpose.errors import UserError
from robustpose.results.compared import Comparison
from robustpose.results.run_images import NOTHING, Trusted, open_shared_images
from robustpose.show.pages.compare_gallery import make_compare_gallery

NOT_WANTED = "There is no gallery, for this page was written without images."


def find_gallery(
    sides: Sequence[Sequence[Path]], comparison: Comparison, given: DataSpec | None = None, trusted: Trusted = NOTHING
) -> tuple[Mapping[str, Any] | None, str]:
    """Return what `make_compare_gallery` gives, or None and why there is no gallery, in a sentence for the page.

    `sides` are the folders of the runs of `comparison`, in its order: one of each run, or all of a group. `given` and
    `trusted` are what a command says of images: see `robustpose.results.run_images`.

    Raises:
        UserError: images that were `given` are not those of the runs.
    """
    if not any(row.kind == "cell" for row in comparison.rows):
        return None, ""
    try:
        dataset, corrupted_images = open_shared_images([folder for of in sides for folder in of], given, trusted)
        return make_compare_gallery(sides, comparison, dataset, corrupted_images), ""
    except UserError as error:  # a comparison needs no images, and is worth a page without them
        if given is not None:
            raise
        return None, f"There is no gallery: {error}"
