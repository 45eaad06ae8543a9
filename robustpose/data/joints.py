"""Some joints of a dataset: truth, skeleton and annotated boxes cut down to those that are scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from robustpose.data.sigma_doubts import drop_sigma_doubts
from robustpose.data.subset import Adjusted, DatasetAround
from robustpose.errors import UserError, nearest, quote
from robustpose.pose.joint_names import find_lacking, find_names, find_shared
from robustpose.pose.protocols import Dataset, Mask
from robustpose.pose.shared_joints import OtherJoints, list_joints, restrict_skeleton, take_published_sigmas
from robustpose.pose.types import Frame, Truth


class SomeJoints(DatasetAround):
    """Another dataset, of which only some joints count. People without any of these do not count, nor do their boxes.

    The provenance says in `joints` which ones, and in `joints_scored` how many of how many. Where the data's sigmas are
    unknown, and these are all COCO's, they have COCO's.
    """

    def __init__(self, dataset: Dataset, kept: Sequence[int]) -> None:
        super().__init__(dataset)
        restricted = restrict_skeleton(dataset.skeleton, kept)
        self.skeleton = take_published_sigmas(restricted)
        if self.skeleton.sigmas_from != restricted.sigmas_from:
            self.provenance["sigmas_from"] = self.skeleton.sigmas_from
            self.warnings = drop_sigma_doubts(self.warnings)
        self.provenance["joints"] = list(self.skeleton.joints)
        self.provenance["joints_scored"] = f"{len(kept)} of {dataset.skeleton.whole.n_joints}"
        self._kept = list(kept)

    def frame(self, index: int) -> Frame:
        return self._leave_out(super().frame(index), index)

    def truth(self, index: int) -> Truth:
        truth = super().truth(index)
        return replace(truth, xy=truth.xy[:, self._kept], visible=truth.visible[:, self._kept])

    def ignored(self, index: int) -> Mask | None:
        """Return where there are people who are not annotated (H, W), the boxes of those who no longer are among them.

        None for the boxes of all of them.
        """
        mask = super().ignored(index)
        if mask is None:
            return None
        mask, before = mask.copy(), super().truth(index)
        now = self.truth(index)
        for box in before.boxes[before.counted & ~now.counted]:
            x1, y1, x2, y2 = np.maximum(np.rint(box), 0).astype(int)
            mask[y1 : y2 + 1, x1 : x2 + 1] = True
        return mask

    def _leave_out(self, frame: Frame, index: int) -> Frame:
        """Return a frame without the annotated boxes of people who do not count."""
        if frame.boxes is None or frame.truth_rows is None:
            return frame
        is_visible = super().truth(index).visible > 0  # (N, K)
        # Those of whom nothing was annotated before have boxes because the dataset wants them looked at.
        stays = is_visible[:, self._kept].any(axis=1) | ~is_visible.any(axis=1)  # (N,)
        kept: Mask = np.take(stays, frame.truth_rows)
        if kept.all():
            return frame
        arrays: dict[str, Any] = {
            name: vars(frame)[name] for name in ("boxes", "box_scores", "truth_rows", "box_categories")
        }
        arrays = {name: None if array is None else array[kept] for name, array in arrays.items()}
        return replace(frame, **arrays)


def take_joints(dataset: Dataset, joints: Sequence[str]) -> Dataset:
    """Return a dataset of which only some joints count, in its own order; UserError where it does not have them.

    They are known by name, however they are spelt.
    """
    if isinstance(dataset, Adjusted):  # which stays outside: runs that grow ask how many images it takes
        inner = take_joints(dataset.inner, joints)
        return dataset if inner is dataset.inner else dataset.around(inner)
    own = dataset.skeleton.joints
    places: list[int] = []
    for joint in joints:
        found = find_names(own, [joint])
        if found is None:
            raise UserError(
                f"the data have no joint {quote(joint)}{nearest(joint, own)}, which is to be scored (joints, "
                f"--joints): expected some of {list_joints(own)}"
            )
        places += found
    kept = sorted(set(places))
    return dataset if len(kept) == len(own) else SomeJoints(dataset, kept)


class Shared(NamedTuple):
    """Joints of annotations that a model finds, too, and the warning of what is not scored."""

    joints: tuple[str, ...]
    doubt: str


def choose_shared(own: Sequence[str], other: OtherJoints) -> Shared:
    """Return which joints of annotations a model finds, too, by name; UserError where there are none."""
    joints = tuple(own[index] for index in find_shared(own, other.joints))
    if not joints:
        raise UserError(
            f"the model and the annotations have no joint in common, by name: the model finds "
            f"{list_joints(other.joints)}; annotated are {list_joints(own)}. If they mean the same, name them alike: "
            "joints: in a skeleton file (--skeleton FILE), or --model-set joints=NAME of a model that names none"
        )
    lacking, more = find_lacking(joints, own), find_lacking(joints, other.joints)
    beside = f"; the model finds {list_joints(more)}, too" if more else ""
    return Shared(
        joints,
        f"only {len(joints)} of the {len(own)} annotated joints are scored, those that the model finds: it lacks "
        f"{list_joints(lacking)}{beside}",
    )


def open_with_joints(open_dataset: Callable[[], Dataset], joints: Sequence[str]) -> Dataset:
    """Open a dataset and return it with some of its joints: see `take_joints`."""
    return take_joints(open_dataset(), joints)
