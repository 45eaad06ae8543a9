"""PCK matches: which annotated joints of each image are right, for PCK of slices and resamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from robustpose.metrics.score_tables import ShareTable
from robustpose.pose.protocols import Mask, Matches
from robustpose.pose.types import Floats


@dataclass(frozen=True, eq=False)
class PckMatches(Matches):
    """What poses and truth of a set of images have to do with each other.

    Attributes:
        joints: K names.
        rows: of each image, the people (P,) who count, as rows of its truth.
        visible: (P, K) of each image: annotated joints.
        right: (P, K) of each image: those of them that are near enough.
        in_mean: (K,) joints that the figure is of.
    """

    joints: tuple[str, ...]
    rows: Sequence[npt.NDArray[np.integer]]
    visible: Sequence[Mask]
    right: Sequence[Mask]
    in_mean: Mask

    joint_figure = "PCK"

    def table(self, kept: Sequence[Mask] | None = None) -> ShareTable:
        """Return the table of PCK: of everybody, or of a slice of the people.

        Args:
            kept: (G,) of each image: who belongs to the slice.
        """
        sides = []
        for all_joints in (self.right, self.visible):
            chosen = (
                all_joints if kept is None else [a[k[r]] for a, k, r in zip(all_joints, kept, self.rows, strict=True)]
            )
            sides.append(np.array([joints[:, self.in_mean].sum() for joints in chosen], float))
        return ShareTable(sides[0], sides[1])

    def joints_tables(self) -> dict[str, ShareTable]:
        """Return the table of each joint's PCK."""
        sides = [np.array([joints.sum(0) for joints in side], float) for side in (self.right, self.visible)]
        return {joint: ShareTable(sides[0][:, k], sides[1][:, k]) for k, joint in enumerate(self.joints)}

    def quality(self) -> Floats:
        """Return for each image (N,) the share of its annotated joints that are right; NaN where none is annotated."""
        table = self.table()
        return np.divide(
            table.reached, table.possible, out=np.full(len(table.possible), np.nan), where=table.possible > 0
        )

    def confidences(self) -> None:
        """Return nothing: PCK does not look at scores."""
        return None
