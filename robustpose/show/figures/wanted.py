"""What a command may say of the figures that it wants."""

from __future__ import annotations

from dataclasses import dataclass

from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.errors import UserError, spell_list
from robustpose.results.published import dataset_names
from robustpose.show.figures.paper import check_beside


@dataclass(frozen=True)
class Wanted:
    """What is said of the figures of runs; None or () for what is chosen by the runs."""

    severity: int = 3  # of figure 2, and of figures 6 if the runs have it
    image: int | None = None  # index of that of figures 2 and 6
    beside: str | None = None  # whose published models figures 1 and 5 have, see `choose_rows`
    pairs: tuple[str, ...] = ()  # ``STANDARD,HARDENED``, see `pair_runs`
    corruptions: tuple[str, ...] = ()  # of figure 6 with the truth
    severities: tuple[int, ...] = ()  # of the same

    def check_image(self, n_images: int) -> None:
        """Raise UserError for an image that data of so many do not have."""
        if self.image is not None and not 0 <= self.image < n_images:
            raise UserError(f"--image must be 0 to {n_images - 1}, got {self.image}")

    def check(self, suite: Suite) -> None:
        """Raise UserError for what runs of a suite cannot have."""
        for option, said in (("severity", [self.severity]), ("severities", self.severities)):
            for severity in said:
                if severity not in suite.severities:
                    raise UserError(f"--{option} must be {spell_list(suite.severities, 'or')}, got {severity}")
        check_beside(self.beside)
        if suite != COCO_C and self.beside in dataset_names():
            raise UserError(
                f"--beside {self.beside} has no rows of suite {suite.name}: the paper measured with {COCO_C.name}"
            )
