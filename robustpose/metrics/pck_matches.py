"""PCK matches: which annotated joints of each image are right; PCK of slices, joints and resamples follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from robustpose.metrics.score_tables import JointTable
from robustpose.pose.protocols import Mask, Matches
from robustpose.pose.types import Floats


@dataclass(frozen=True, eq=False)
class PckMatches(Matches):
    """Which annotated joints are found, in all images of a set.

    Attributes:
        joints: K names.
        rows: for each image, the people (P,) who count, as rows of its truth.
        visible: masks (P, K), one for each image: annotated joints.
        right: masks (P, K), one for each image: annotated joints that are near enough.
        in_mean: (K,) joints that PCK is the mean over.
    """

    joints: tuple[str, ...]
    rows: Sequence[npt.NDArray[np.integer]]
    visible: Sequence[Mask]
    right: Sequence[Mask]
    in_mean: Mask

    joint_figure = "PCK"

    def table(self, kept: Sequence[Mask] | None = None) -> JointTable:
        """Return the table of PCK: of everybody, or of a slice of the people.

        Args:
            kept: masks (G,), one for each image: who belongs to the slice.
        """
        sides = []
        for all_joints in (self.right, self.visible):
            chosen = (
                all_joints if kept is None else [a[k[r]] for a, k, r in zip(all_joints, kept, self.rows, strict=True)]
            )
            sides.append(np.array([joints[:, self.in_mean].sum() for joints in chosen], float))
        return JointTable(*sides)

    def joints_tables(self) -> dict[str, JointTable]:
        """Return for each joint the table of its PCK."""
        sides = [np.array([joints.sum(0) for joints in side], float) for side in (self.right, self.visible)]
        return {joint: JointTable(sides[0][:, k], sides[1][:, k]) for k, joint in enumerate(self.joints)}

    def quality(self) -> Floats:
        """Return for each image (N,) the part of its annotated joints that are right; NaN where none is annotated."""
        return self.table().means()
