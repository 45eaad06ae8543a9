"""Parts: the labels of a person's painted pixels, and which joints are seen in each part."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from robustpose.data.toy.body import FACE_JOINTS, SIDES, Body

# The labels of painted pixels, from 1 on. Hair includes hats; left and right are the person's own.
Part = IntEnum(
    "Part",
    "HEAD HAIR NECK CHEST PELVIS SKIRT LEFT_UPPER_ARM RIGHT_UPPER_ARM LEFT_FOREARM RIGHT_FOREARM LEFT_HAND RIGHT_HAND "
    "LEFT_THIGH RIGHT_THIGH LEFT_SHIN RIGHT_SHIN LEFT_FOOT RIGHT_FOOT",
)
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
