"""Where the images of runs come from: what the command names, else what a run's own inputs.json says."""

from __future__ import annotations

from collections.abc import Sequence

from robustpose.pose.protocols import Dataset
from robustpose.results.run_images import NOTHING, Trusted, open_first, open_images
from robustpose.show.figures.runs import Run


def open_noted(runs: Sequence[Run], trusted: Trusted = NOTHING) -> Dataset:
    """Return the dataset of runs on the same data, as the first that can says where it is; an error if none can."""
    return open_first(runs, lambda run: open_images(run.folder, run.summary, trusted=trusted))
