"""Joint order: which joints a network has, in which order, whose file does not name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from robustpose.errors import UserError, nearest, spell_list
from robustpose.pose.joint_names import find_shared
from robustpose.pose.skeleton_table import TABLE, Published, find_published, get_published, list_by_size
from robustpose.pose.skeletons import Skeleton, advise_model

DATA = "data"
USUAL = "coco"  # whose 17 joints are meant where nothing else is known
LEAST = 14  # joints of a network that are told by their number


def _check_order(word: str) -> str:
    if word != DATA and word not in TABLE:
        raise ValueError(f"must be {DATA} or a published skeleton, {spell_list(TABLE, 'or')}{nearest(word, TABLE)}")
    return word


JointOrder = Annotated[str, AfterValidator(_check_order)]


class OwnJoints(NamedTuple):
    """The joints of a network in its order, of which skeleton they are, and a doubt, or no text.

    None, and no name, if they are those of the annotations.
    """

    joints: tuple[str, ...] = ()
    name: str = ""
    doubt: str = ""

    @property
    def warnings(self) -> list[str]:
        """Return the doubt in a list, which is empty without one."""
        return [self.doubt] if self.doubt else []


def list_numbers(skeleton: Skeleton, said: str | None) -> list[int]:
    """Return how many joints a network that does not name them can have, the likeliest number first."""
    if said not in (None, DATA):
        return [get_published(str(said)).skeleton.n_joints]
    own = skeleton.whole.n_joints
    sizes = dict.fromkeys(row.skeleton.n_joints for row in TABLE.values())
    return [own] if said == DATA else [own, *(size for size in sizes if size != own and size >= LEAST)]


def choose_joints(file: str, skeleton: Skeleton, said: str | None, n_joints: int) -> OwnJoints:
    """Return the joints of a network with `n_joints` that does not name them.

    With as many as the annotations have, they are those, in their order. Where the annotations have published joints in
    another order, nobody knows whose order the network has, and the user has to say it. Other numbers are those of a
    published skeleton, which is a doubt. `file` is what messages call the network, `said` the option.

    Raises:
        UserError: nothing tells which joints they are.
    """
    whole = skeleton.whole
    if said not in (None, DATA):
        return _take_said(file, whole, get_published(str(said)), n_joints)
    if n_joints != whole.n_joints:
        return tell_by_number(file, skeleton, n_joints)
    rows = find_published(whole.joints)
    if said == DATA or not rows or any(row.is_in_order(whole.joints) for row in rows):
        return OwnJoints(doubt="" if said == DATA else _doubt_order(file, whole, rows))
    names = [row.skeleton.name for row in rows]
    raise UserError(
        f"{file} does not name its joints, and the annotations have those of {spell_list(map(str.upper, names), 'or')} "
        f"in another order ({', '.join(whole.joints[:4])}, …): say with --model-set joints="
        f"{spell_list(names, 'or')} that the network has them as {spell_list(map(str.upper, names), 'or')} "
        "does, or with joints=data that it has them as the annotations do"
    )


def _take_said(file: str, whole: Skeleton, row: Published, n_joints: int) -> OwnJoints:
    """Return the joints of the published skeleton that the user names."""
    published = row.skeleton
    if n_joints != published.n_joints:
        raise UserError(
            f"{file} finds {n_joints} joints, but joints={published.name} are {published.n_joints}: name another "
            "skeleton (robustpose list skeletons)"
        )
    joints = row.spell_as(whole.joints)
    return OwnJoints() if joints == whole.joints else OwnJoints(joints, published.name)


def tell_by_number(file: str, skeleton: Skeleton, n_joints: int) -> OwnJoints:
    """Return the joints of the published skeleton that has so many; UserError if there is none, or several."""
    names = list_by_size(n_joints) if n_joints >= LEAST else []
    chosen = find_by_number(skeleton, n_joints)
    if chosen is None and names:
        raise UserError(
            f"{file} finds {n_joints} joints, which it does not name, and the annotations have "
            f"{skeleton.whole.n_joints}: several published skeletons have {n_joints}, in other orders; say with "
            f"--model-set joints={spell_list(names, 'or')} which it has"
        )
    if chosen is None:
        raise UserError(
            f"{file} finds {n_joints} joints, which it does not name, but the annotations have "
            f"{skeleton.whole.n_joints} (skeleton '{skeleton.name}'): {advise_model(n_joints, skeleton)}"
        )
    shared = {name: len(find_shared(TABLE[name].skeleton.joints, skeleton.whole.joints)) for name in names}
    others = [name for name in names if name != chosen and shared[name] >= shared[chosen]]  # not animals' for people
    also = f", or joints={spell_list(others, 'or')}" if others else ""
    return OwnJoints(
        TABLE[chosen].skeleton.joints,
        chosen,
        f"{file} does not name its joints: its {n_joints} are taken for those of {chosen}, in its order "
        f"(--model-set joints={chosen} says so{also})",
    )


def find_by_number(skeleton: Skeleton, n_joints: int) -> str | None:
    """Return the name of the published skeleton with so many joints; None if there is none, or several.

    Of 17, COCO's are meant, unless animals' have more in common with the annotations.
    """
    names = list_by_size(n_joints) if n_joints >= LEAST else []
    if USUAL in names:
        in_common = {name: len(find_shared(TABLE[name].skeleton.joints, skeleton.whole.joints)) for name in names}
        return max(names, key=lambda name: (in_common[name], name == USUAL))
    return names[0] if len(names) == 1 else None


def _doubt_order(file: str, whole: Skeleton, rows: Sequence[Published]) -> str:
    """Return a doubt where other published skeletons have as many joints as the annotations, in a known order.

    COCO's are not doubted: networks of 17 joints are of these unless somebody says so.
    """
    others = [name for name in list_by_size(whole.n_joints) if not TABLE[name].is_in_order(whole.joints)]
    if not rows or not others or rows[0].skeleton.name == USUAL:
        return ""
    verb = "have" if len(others) > 1 else "has"
    return (
        f"{file} does not name its joints: they are taken in the order of the annotations, as {rows[0].skeleton.name} "
        f"has them; {spell_list(others)} {verb} {whole.n_joints} in another one (--model-set "
        f"joints={spell_list(others, 'or')})"
    )
