"""What compare puts beside each other: runs one by one, or --group, several trainings of each method; on --part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from robustpose.cli.help import OUTPUT
from robustpose.errors import UserError, quote

if TYPE_CHECKING:
    from robustpose.pose.types import ImageId
    from robustpose.results.across import AcrossSuites
    from robustpose.results.compared import Comparison
    from robustpose.results.parts import Part


@dataclass(frozen=True)
class ComparedOptions:
    """How runs are put together, and what they are called."""

    panel: ClassVar[str] = OUTPUT

    group: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=RUN,RUN,…",
            help="In the place of RUN: a method and the runs of its trainings, with commas; repeat it for each method, "
            "the first of which is the reference. Means ± spread, with intervals over trainings and images.",
        ),
    ] = None
    names: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME", help="What the runs are called, in their order; of several suites, the models."
        ),
    ] = None

    part: Annotated[
        str | None,
        typer.Option(
            metavar="SLICE|FILE",
            help="Compare on some of the images alone: by their places in the runs, as a slice of Python (0::2 and "
            "1::2 are every second one, :200 the first 200); or by a file of image ids, one a line, or COCO "
            "annotations. So what is chosen on one part is reported on the other.",
        ),
    ] = None

    def find_groups(self, runs: Sequence[Path]) -> dict[str, list[Path]]:
        """Return the runs of each group, none where `runs` are compared one by one; UserError where both are given."""
        from robustpose.results.groups import parse_groups

        if self.group is None:
            return {}
        if runs:
            raise UserError(
                f"compare takes run folders one by one, or groups of them, got {quote(str(runs[0]))} beside --group: "
                "each method has its own --group NAME=RUN,RUN, without blanks around = and commas"
            )
        if self.names is not None:
            raise UserError("--names calls runs that are compared one by one; a group has its name in --group NAME=")
        return parse_groups(self.group)

    def compare(
        self, runs: Sequence[Path], groups: Mapping[str, Sequence[Path]], n_resamples: int, part: Part | None
    ) -> Comparison:
        """Return the groups beside each other, or the runs where there are none."""
        from robustpose.results.compare import compare_runs
        from robustpose.results.groups import compare_groups

        if groups:
            return compare_groups(groups, n_resamples, part)
        return compare_runs(runs, n_resamples, self.chosen_names, part=part)

    def compare_suites(
        self, runs: Sequence[Path], groups: Mapping[str, Sequence[Path]], n_resamples: int, part: Part | None
    ) -> AcrossSuites:
        """Return models, or groups of trainings where there are some, by suites."""
        from robustpose.results.compare_suites import compare_groups_on_suites, compare_suites

        if groups:
            return compare_groups_on_suites(groups, n_resamples, part)
        return compare_suites(runs, n_resamples, self.chosen_names, part)

    @property
    def chosen_names(self) -> list[str] | None:
        """Return what runs, or models of several suites, are called, as far as it is said."""
        return None if self.names is None else [name.strip() for name in self.names.split(",")]

    def choose_part(self, list_ids: Callable[[], Sequence[ImageId]]) -> Part | None:
        """Return the images that runs are compared on, None for all; `list_ids` is asked for those of a file."""
        from robustpose.results.parts import read_part

        return None if self.part is None else read_part(self.part, list_ids)
