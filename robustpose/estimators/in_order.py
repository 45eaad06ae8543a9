"""In order: estimators of others whose joints are named, put in the order of the annotations, or picked out of more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from robustpose.errors import UserError
from robustpose.pose.cell import Cell
from robustpose.pose.joint_names import find_names, match_names
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.pose.shared_joints import OtherJoints, respell
from robustpose.pose.skeletons import COCO, MPII, Skeleton, explain_other_joints
from robustpose.pose.types import Frame, Poses, copy_frame, reorder_joints


class InOrder(Estimator):
    """An estimator of others whose joints are put in the order of a skeleton that names the same ones, or some."""

    def __init__(self, estimator: Estimator, skeleton: Skeleton, order: Sequence[int]) -> None:
        self.skeleton = skeleton
        self.needs_boxes = estimator.needs_boxes
        self.needs_images = estimator.needs_images
        self.warnings = estimator.warnings
        self.images_per_group = estimator.images_per_group
        self.__wrapped__ = getattr(estimator, "__wrapped__", estimator)  # whose code results know
        self._estimator = estimator
        self._order = order

    @property
    def provenance(self) -> Mapping[str, object]:
        """Return what results say about the estimator."""
        n_joints, n_own = self.skeleton.n_joints, self._estimator.skeleton.n_joints
        return {
            **({"joints_taken": f"{n_joints} of {n_own}"} if n_own > n_joints else {}),
            **self._estimator.provenance,
        }

    def check_data(self, dataset: Dataset, cells: Sequence[Cell]) -> None:
        """Have the estimator check the data."""
        self._estimator.check_data(dataset, cells)

    def predict(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return the poses found in each frame."""
        found = self._estimator.predict([copy_frame(frame) for frame in frames])
        if not isinstance(found, Sequence) or not all(isinstance(poses, Poses) for poses in found):
            return found  # which is refused where estimators are called
        own = self._estimator.skeleton
        for poses in found:
            if poses.xy.shape[1] != own.n_joints:
                raise UserError(
                    f"Poses.xy must be (N, {own.n_joints}, 2) for skeleton '{own.name}', got {poses.xy.shape}"
                )
        return [reorder_joints(poses, self._order) for poses in found]


def put_in_order(estimator: Estimator, skeleton: Skeleton, what: str) -> Estimator:
    """Return an estimator that gives the joints of a skeleton in its order; OtherJoints if it lacks some of them."""
    own = estimator.skeleton
    if own.joints == skeleton.joints:
        return estimator
    joints = respell(own.joints, skeleton)
    order = find_names(joints, skeleton.joints)
    if order is None:
        same = ", or give it the skeleton of the annotations if these are the same"
        other = explain_other_joints(own.joints, skeleton) + (same if own.n_joints == skeleton.n_joints else "")
        raise OtherJoints(f"{what} {other}", joints)
    return InOrder(estimator, skeleton, order)


def doubt_order(skeleton: Skeleton, name: str) -> list[str]:
    """Return a warning where a callable could well have a published order of the joints in mind."""
    for published in (COCO, MPII):
        order = match_names(published.joints, skeleton.joints)
        if order not in (None, tuple(range(skeleton.n_joints))):
            return [
                f"the annotations have the joints of {published.name.upper()} in another order: '{name}' has to give "
                f"them as {', '.join(skeleton.joints)}"
            ]
    return []
