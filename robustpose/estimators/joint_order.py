"""Joint order: in which order a network has its joints whose file does not name them."""

from __future__ import annotations

from typing import Literal

from robustpose.errors import UserError
from robustpose.pose.joint_names import match_names
from robustpose.pose.skeletons import COCO, MPII, Skeleton

JointOrder = Literal["coco", "mpii", "data"]


def choose_joints(file: str, skeleton: Skeleton, said: str | None) -> tuple[str, ...]:
    """Return the joints of a network that does not name them, in its order; none if they are those of the annotations.

    Where the annotations have published joints in another order, nobody knows whose order the network has, and the user
    has to say it. `file` is what messages call the network, `said` the option.
    """
    for published in (COCO, MPII):
        order = match_names(published.joints, skeleton.joints)
        if order is None:
            continue
        is_usual = order == tuple(range(skeleton.n_joints))
        if said is None and not is_usual:
            raise UserError(
                f"{file} does not name its joints, and the annotations have those of {published.name.upper()} in "
                f"another order ({', '.join(skeleton.joints[:4])}, …): say with --model-set joints={published.name} "
                f"that the network has them as {published.name.upper()} does, or with joints=data that it has them "
                "as the annotations do"
            )
        if said in (None, "data", published.name):
            return published.joints if said == published.name and not is_usual else ()
    if said in (None, "data"):
        return ()
    raise UserError(
        f"joints={said} does not fit: the annotations have other joints ({', '.join(skeleton.joints[:4])}, …): leave "
        "it out"
    )
