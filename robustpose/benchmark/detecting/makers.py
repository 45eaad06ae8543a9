"""What makes a detector, for the categories that the data are of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from robustpose.carried import Files
from robustpose.pose.protocols import Dataset, Estimator

MakeDetector = Callable[[Sequence[str]], Estimator]  # given the names of the data's categories
PERSON = "person"


@dataclass(frozen=True)
class NamedDetector:
    """What makes the detector that a spec names: see `robustpose.detectors.build`."""

    spec: str
    options: Mapping[str, Any]

    def __call__(self, categories: Sequence[str]) -> Estimator:
        """Return the detector of categories of the data."""
        from robustpose import detectors

        return detectors.build(self.spec, categories, self.options)

    def carry(self) -> tuple[MakeDetector, Files]:
        """Return what makes the detector elsewhere, and the files that it takes."""
        from robustpose.detectors.carrying import carry

        return carry(self.spec, self.options)


def categories_of(dataset: Dataset) -> tuple[str, ...]:
    """Return the names of the categories that people, or others, of a dataset are of, one for each category id."""
    names = tuple(dataset.category_names)
    if len(names) == len(dataset.category_ids):
        return names
    return (PERSON,) if len(dataset.category_ids) == 1 else tuple(map(str, dataset.category_ids))
