"""Shared joints: which joints a model and annotations have in common, by name, and skeletons cut down to some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from robustpose.errors import UserError
from robustpose.pose.joint_names import find_names, spell
from robustpose.pose.skeleton_table import UNKNOWN, find_published
from robustpose.pose.skeletons import COCO, Skeleton, explain_other_joints

MOST_NAMED = 20  # joints in one list of a message


class OtherJoints(UserError):
    """Report that a model lacks joints of the skeleton that it is made for.

    Attributes:
        joints: names of those that it finds, in its order.
    """

    def __init__(self, message: str, joints: Sequence[str]) -> None:
        super().__init__(message)
        self.joints = tuple(joints)

    def __reduce__(self) -> tuple[type[OtherJoints], tuple[str, tuple[str, ...]]]:
        return type(self), (str(self), self.joints)  # for other processes


def make_own_skeleton(joints: Sequence[str], skeleton: Skeleton, what: str) -> Skeleton:
    """Return the skeleton of a model's joints, in its order: those of `skeleton`, by name, or more.

    Of more joints it has the limbs, pairs and sigmas of the whole skeleton of the annotations, or of a published one.

    Raises:
        OtherJoints: it lacks some of them. The message calls the model `what`.
    """
    joints = respell(joints, skeleton)
    arranged = skeleton.whole.arrange(joints) or skeleton.arrange(joints)
    if arranged is not None:
        return arranged
    if find_names(joints, skeleton.joints) is None:
        raise OtherJoints(f"{what} {explain_other_joints(joints, skeleton)}", joints)
    for row in find_published(joints):
        published = row.arrange(joints)
        if published is not None:
            return published
    return Skeleton(what, tuple(joints), limbs=(), sigmas=(1 / len(joints),) * len(joints), sigmas_from=UNKNOWN)


def respell(joints: Sequence[str], skeleton: Skeleton) -> tuple[str, ...]:
    """Return a model's joints, those that have other names in files of one published skeleton as `skeleton` has them.

    >>> from robustpose.pose.skeleton_table import TABLE
    >>> respell(["L_F_Paw", "tail"], TABLE["ap10k"].skeleton)
    ('left_front_paw', 'tail')
    """
    if find_names(joints, skeleton.joints) is not None:
        return tuple(joints)
    whole = skeleton.whole.joints
    for row in find_published(whole):
        names = dict(zip(spell(row.translate(whole)), whole, strict=True))
        found = [names.get(key, joint) for key, joint in zip(spell(row.translate(joints)), joints, strict=True)]
        if len(set(found)) == len(found):
            return tuple(found)
    return tuple(joints)


def restrict_skeleton(skeleton: Skeleton, kept: Sequence[int]) -> Skeleton:
    """Return a skeleton of some of its joints, `kept` indices in their order: what it says of others goes.

    Where one joint of a mirror pair goes, the names have to say which of the others change sides.

    >>> from robustpose.pose.skeletons import COCO
    >>> arm = restrict_skeleton(COCO, (5, 7, 9))
    >>> arm.joints, arm.limbs, arm.flip_pairs
    (('left_shoulder', 'left_elbow', 'left_wrist'), ((0, 1), (1, 2)), ())
    """
    place = {old: new for new, old in enumerate(kept)}
    pairs = skeleton.flip_pairs or ()
    is_cut = any((a in place) != (b in place) for a, b in pairs)
    of_parts = ((name, tuple(place[old] for old in joints if old in place)) for name, joints in skeleton.parts)
    return replace(
        skeleton,
        joints=tuple(skeleton.joints[old] for old in kept),
        limbs=tuple((place[a], place[b]) for a, b in skeleton.limbs if a in place and b in place),
        sigmas=tuple(skeleton.sigmas[old] for old in kept),
        flip_pairs=tuple((place[a], place[b]) for a, b in pairs if a in place and b in place),
        sides_from="names" if is_cut else skeleton.sides_from,
        parts=tuple((name, joints) for name, joints in of_parts if joints),
        cut_from=skeleton.whole,
    )


def take_published_sigmas(skeleton: Skeleton) -> Skeleton:
    """Return a skeleton of sigmas that nobody has published with COCO's, where all its joints are COCO's by name.

    >>> hips = Skeleton("hips", ("RHip", "LHip"), limbs=(), sigmas=(1 / 14, 1 / 14), sigmas_from=UNKNOWN)
    >>> take_published_sigmas(hips).sigmas, take_published_sigmas(hips).sigmas_from
    ((0.107, 0.107), 'coco')
    """
    places = find_names(COCO.joints, skeleton.joints) if skeleton.sigmas_from == UNKNOWN else None
    if places is None:
        return skeleton
    return replace(skeleton, sigmas=tuple(COCO.sigmas[place] for place in places), sigmas_from=COCO.name)


def list_joints(joints: Sequence[str]) -> str:
    """Return names of joints for messages, the first ones of many."""
    more = f", … ({len(joints)} in all)" if len(joints) > MOST_NAMED else ""
    return ", ".join(joints[:MOST_NAMED]) + more
