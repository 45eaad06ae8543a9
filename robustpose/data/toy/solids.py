"""Solids: a posed body as spheres, whose hulls are its parts, and as circles in the image; the labels of the parts."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from robustpose.data.toy.body import FACE_JOINTS, SIDES, Body, Camera
from robustpose.data.toy.paint import Colour, Floats, Shape, hull_of_circles, shade
from robustpose.data.toy.wardrobe import Wardrobe

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


def flesh_out(body: Body, wear: Wardrobe) -> dict[str, tuple[Floats, float]]:
    """Return the spheres (centre, radius) whose hulls are the body's parts, in standing heights."""
    points, build, head_radius = body.points, body.build, body.head_radius
    chest, pelvis = body.chest_axes, body.pelvis_axes
    loose = 0.004  # cloth stands off the skin
    spheres = {
        "neck": (points["neck"], 0.03 * build),
        "chin": (points["head"] + 0.5 * head_radius * body.head_axes[:, 1], 0.03 * build),
        "head": (points["head"], head_radius),
        "jaw": (points["head"] + head_radius * (body.head_axes @ np.array([0, 0.5, 0.16])), 0.7 * head_radius),
        "belt": (points["waist"] + 0.035 * pelvis[:, 1], 0.05 * build),
        "pelvis": (points["pelvis"], 0.05 * build),
    }
    for side, sign in SIDES:
        hip, knee, ankle = points[f"{side}_hip"], points[f"{side}_knee"], points[f"{side}_ankle"]
        shoulder, elbow, wrist = points[f"{side}_shoulder"], points[f"{side}_elbow"], points[f"{side}_wrist"]
        spheres |= {
            f"{side}_shoulder": (shoulder - 0.008 * sign * chest[:, 0], 0.036),
            f"{side}_rib": (points["neck"] + chest @ np.array([sign * 0.055 * build, 0.1, 0.0]), 0.062 * build),
            f"{side}_belt": (points["waist"] + pelvis @ np.array([sign * 0.045 * build, 0.03, 0.0]), 0.052 * build),
            f"{side}_hip": (hip, 0.052 * build),
            f"{side}_arm": (shoulder, 0.039 * build),
            f"{side}_sleeve": (shoulder + wear.sleeve * (elbow - shoulder), 0.039 * build + 2 * loose),
            f"{side}_elbow": (elbow, 0.032 * build),
            f"{side}_cuff": (elbow + 0.88 * (wrist - elbow), 0.026 * build + loose),
            f"{side}_wrist": (wrist, 0.024 * build),
            f"{side}_hand": (points[f"{side}_hand"], 0.026),
            f"{side}_thigh": (hip + 0.12 * (knee - hip), 0.058 * build),
            f"{side}_knee": (knee, 0.042 * build),
            f"{side}_hem": (
                (hip + wear.leg * (knee - hip), 0.051 * build + 2 * loose)
                if wear.leg <= 1
                else (knee + 0.93 * (ankle - knee), 0.035 * build + loose)
            ),
            f"{side}_skirt": (
                hip + wear.skirt * (knee - hip) + 0.02 * sign * pelvis[:, 0],
                (0.045 + 0.02 * wear.skirt) * build,
            ),
            f"{side}_ankle": (ankle, 0.029 * build),
            f"{side}_heel": (points[f"{side}_heel"], 0.03),
            f"{side}_toe": (points[f"{side}_toe"], 0.025),
        }
    return spheres


class Solids:
    """The body's spheres as circles in the image, each with a smaller one, shifted to the light."""

    def __init__(self, spheres: dict[str, tuple[Floats, float]], camera: Camera, light_xy: Floats) -> None:
        self._row = {name: i for i, name in enumerate(spheres)}
        centres = np.stack([centre for centre, _ in spheres.values()])
        self._centres, scale = camera.project(centres)  # (S, 2)
        self._radii = scale * np.array([radius for _, radius in spheres.values()])  # (S,)
        self._depth = centres[:, 2]
        self._strength = float(np.hypot(*light_xy))
        self._lit_centres = self._centres + 0.34 * self._radii[:, None] * light_xy / self._strength

    def xy(self, name: str) -> Floats:
        return self._centres[self._row[name]]

    def radius(self, name: str) -> float:
        return float(self._radii[self._row[name]])

    def depth(self, *names: str) -> float:
        return sum(float(self._depth[self._row[name]]) for name in names) / len(names)

    def paint(self, part: Part, colour: Colour, *names: str) -> list[Shape]:
        rows = [self._row[name] for name in names]
        whole = hull_of_circles(self._centres[rows], self._radii[rows])
        lit = hull_of_circles(self._lit_centres[rows], 0.64 * self._radii[rows])
        return [
            Shape([whole], shade(colour, 1 - 0.3 * self._strength), part),
            Shape([lit], shade(colour, 1 + 0.12 * self._strength)),
        ]
