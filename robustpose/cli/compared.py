"""What compare puts beside each other: runs one by one, or --group, several trainings of each method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from robustpose.cli.help import OUTPUT
from robustpose.errors import UserError, quote

if TYPE_CHECKING:
    from robustpose.results.across import AcrossSuites
    from robustpose.results.compared import Comparison


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

    def compare(self, runs: Sequence[Path], groups: Mapping[str, Sequence[Path]], n_resamples: int) -> Comparison:
        """Return the groups beside each other, or the runs where there are none."""
        from robustpose.results.compare import compare_runs
        from robustpose.results.groups import compare_groups

        if groups:
            return compare_groups(groups, n_resamples)
        return compare_runs(runs, n_resamples, self.chosen_names)

    def compare_suites(
        self, runs: Sequence[Path], groups: Mapping[str, Sequence[Path]], n_resamples: int
    ) -> AcrossSuites:
        """Return models, or groups of trainings where there are some, by suites."""
        from robustpose.results.compare_suites import compare_groups_on_suites, compare_suites

        if groups:
            return compare_groups_on_suites(groups, n_resamples)
        return compare_suites(runs, n_resamples, self.chosen_names)

    @property
    def chosen_names(self) -> list[str] | None:
        """Return what runs, or models of several suites, are called, as far as it is said."""
        return None if self.names is None else [name.strip() for name in self.names.split(",")]
