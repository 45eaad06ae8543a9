"""Parts: what a painted pixel of a person shows, and which joints are seen there."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from robustpose.data.toy.body import FACE_JOINTS, SIDES, Body


class Part(IntEnum):
    """Name what a painted pixel of a person shows; left and right are the person's own."""

    HEAD = 1
    HAIR = 2  # and hats
    NECK = 3
    CHEST = 4
    PELVIS = 5
    SKIRT = 6
    LEFT_UPPER_ARM = 7
    RIGHT_UPPER_ARM = 8
    LEFT_FOREARM = 9
    RIGHT_FOREARM = 10
    LEFT_HAND = 11
    RIGHT_HAND = 12
    LEFT_THIGH = 13
    RIGHT_THIGH = 14
    LEFT_SHIN = 15
    RIGHT_SHIN = 16
    LEFT_FOOT = 17
    RIGHT_FOOT = 18


TRUNK = (Part.CHEST, Part.PELVIS, Part.SKIRT)

LIMB_PARTS = {
    side: {name: Part[f"{side}_{name}".upper()] for name in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")}
    for side, _ in SIDES
}

# A joint is visible where the pixel at its place shows one of these.
PARTS_AT_JOINT: dict[str, tuple[Part, ...]] = {joint: (Part.HEAD,) for joint in FACE_JOINTS}
for _side, _part in LIMB_PARTS.items():
    PARTS_AT_JOINT[f"{_side}_shoulder"] = (Part.CHEST, _part["upper_arm"])
    PARTS_AT_JOINT[f"{_side}_elbow"] = (_part["upper_arm"], _part["forearm"])
    PARTS_AT_JOINT[f"{_side}_wrist"] = (_part["forearm"], _part["hand"])
    PARTS_AT_JOINT[f"{_side}_hip"] = (*TRUNK, _part["thigh"])
    PARTS_AT_JOINT[f"{_side}_knee"] = (_part["thigh"], _part["shin"], Part.SKIRT)
    PARTS_AT_JOINT[f"{_side}_ankle"] = (_part["shin"], _part["foot"])

# How far a face joint's direction may turn from the viewer before the head hides it: the z of its unit
# direction. The nose sticks out and the ears stand off, so they are seen a little past the head's edge.
FACE_TURNED_AWAY = {"nose": -0.3, "left_eye": 0.02, "right_eye": 0.02, "left_ear": -0.36, "right_ear": -0.36}


def is_turned_away(joint: str, body: Body) -> bool:
    """Tell whether a joint of the face is on the side of the head that is not seen."""
    if joint not in FACE_TURNED_AWAY:
        return False
    direction = body.points[joint] - body.points["head"]
    return bool(direction[2] < FACE_TURNED_AWAY[joint] * np.sqrt(direction @ direction))
