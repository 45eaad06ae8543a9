"""Bodies: a jointed person in a plausible pose, in three dimensions, and the camera that looks at it.

Lengths are in standing heights; x is right, y down, z towards the viewer. A body that faces the viewer
therefore has its left side at positive x.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Range = tuple[float, float]  # degrees

SIDES = (("left", 1.0), ("right", -1.0))  # the person's own left and right


@dataclass(frozen=True)
class Leg:
    """Ranges of a leg's angles: forwards and outwards at the hip, and the knee's bend."""

    flex: Range
    abduct: Range
    knee: Range


@dataclass(frozen=True)
class Arm:
    """Ranges of an arm's angles: forwards and outwards at the shoulder, the elbow's bend, and the twist outwards."""

    flex: Range
    abduct: Range
    elbow: Range
    twist: Range


HANGING = Arm((-20, 30), (4, 24), (0, 50), (-40, 25))
SWUNG_FORWARD = Arm((15, 60), (3, 18), (15, 95), (-40, 5))
SWUNG_BACK = Arm((-50, -12), (5, 22), (5, 75), (-30, 10))
RAISED = Arm((-10, 30), (100, 172), (0, 95), (-20, 90))
REACHING = Arm((55, 165), (0, 35), (0, 65), (-30, 40))
ON_HIP = Arm((-25, 0), (35, 55), (80, 115), (-95, -65))
FOLDED = Arm((5, 35), (5, 22), (90, 130), (-80, -45))
SPREAD = Arm((-15, 25), (55, 100), (0, 70), (-30, 90))

STRAIGHT = Leg((-6, 9), (1, 10), (0, 9))
STEP_FORWARD = Leg((10, 40), (0, 7), (2, 28))
STEP_BACK = Leg((-30, -6), (0, 7), (4, 45))
STRIDE_FORWARD = Leg((35, 85), (0, 9), (25, 105))
STRIDE_BACK = Leg((-38, -4), (0, 9), (35, 110))
SEATED = Leg((68, 98), (2, 20), (55, 105))
SQUATTING = Leg((75, 118), (5, 32), (90, 140))
TUCKED = Leg((5, 65), (5, 35), (25, 115))
WIDE = Leg((-6, 30), (14, 38), (0, 35))


@dataclass(frozen=True)
class Stance:
    """How often a pose is drawn (its weight) and in which ranges: two legs, arms to choose from, torso and lean."""

    weight: float
    legs: tuple[Leg, Leg]
    arms: tuple[Arm, ...]
    bend: Range = (-5, 14)  # torso forwards
    lean: Range = (-7, 7)  # whole body sideways


ANY_ARM = (HANGING, SWUNG_FORWARD, SWUNG_BACK, RAISED, REACHING, ON_HIP, FOLDED, SPREAD)
STANCES = {
    "standing": Stance(7, (STRAIGHT, STRAIGHT), (HANGING, HANGING, ON_HIP, FOLDED, REACHING, SWUNG_FORWARD)),
    "walking": Stance(6, (STEP_FORWARD, STEP_BACK), (SWUNG_FORWARD, SWUNG_BACK, HANGING)),
    "running": Stance(1.5, (STRIDE_FORWARD, STRIDE_BACK), (SWUNG_FORWARD, SWUNG_BACK), bend=(5, 35)),
    "arms_raised": Stance(2.5, (STRAIGHT, WIDE), (RAISED, RAISED, SPREAD, REACHING), lean=(-12, 12)),
    "sitting": Stance(1.7, (SEATED, SEATED), (HANGING, SWUNG_FORWARD, REACHING, FOLDED), bend=(-12, 30)),
    "bending": Stance(1, (STRAIGHT, STEP_FORWARD), (HANGING, REACHING, SPREAD), bend=(35, 95)),
    "squatting": Stance(0.8, (SQUATTING, SQUATTING), (SWUNG_FORWARD, REACHING, HANGING), bend=(5, 50)),
    "jumping": Stance(1.2, (TUCKED, TUCKED), (RAISED, SPREAD, REACHING), bend=(-10, 30), lean=(-20, 20)),
    "leaning": Stance(1, (WIDE, STRAIGHT), ANY_ARM, bend=(-15, 40), lean=(-36, 36)),
    "lunging": Stance(1, (STRIDE_FORWARD, WIDE), ANY_ARM, bend=(-10, 45), lean=(-25, 25)),
}

# Where the five face joints sit on a head of radius 1: its left, down, front.
FACE_JOINTS = {
    "nose": (0.0, 0.36, 1.06),
    "left_eye": (0.36, 0.08, 0.93),
    "right_eye": (-0.36, 0.08, 0.93),
    "left_ear": (1.0, 0.16, -0.08),
    "right_ear": (-1.0, 0.16, -0.08),
}


@dataclass(frozen=True, eq=False)
class Body:
    """One posed person."""

    # (3,) by name: the 17 COCO joints, and `pelvis`, `waist`, `neck`, `head` and each side's `hand`, `heel`, `toe`
    points: dict[str, Floats]
    chest_axes: Floats  # (3, 3), whose columns are the left, down and front of the chest; so with the next two
    pelvis_axes: Floats
    head_axes: Floats
    head_radius: float  # in standing heights
    build: float  # thickness, 1 for average
    stance: str  # its name in `STANCES`


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera with mild perspective, which maps points of a body to pixels."""

    scale: float  # px per standing height at the pelvis
    offset_xy: Floats  # (2,) px, where the pelvis lands
    distance: float  # in standing heights

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Return xy (N, 2) px and the scale (N,) in px per standing height of points (N, 3)."""
        scale = self.scale * self.distance / (self.distance - points[:, 2])
        return self.offset_xy + points[:, :2] * scale[:, None], scale


def pose_body(rng: np.random.Generator) -> Body:
    """Draw one person: proportions, a stance, the angles in it, and the direction it is seen from."""
    names = list(STANCES)
    weights = np.array([stance.weight for stance in STANCES.values()])
    name = names[int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), side="right"))]
    stance = STANCES[name]

    camera_tilt = _forwards(rng.uniform(-14, 14)) @ _outwards(rng.uniform(*stance.lean))
    root = camera_tilt @ _turned(_draw_heading(rng))
    bend = rng.uniform(*stance.bend)
    pelvis_axes = root @ _forwards(-0.45 * bend)
    chest_axes = root @ _forwards(-bend) @ _turned(rng.uniform(-22, 22)) @ _outwards(rng.uniform(-9, 9))
    nod = -0.5 * min(max(bend, 0.0), 20.0) * rng.random() + rng.uniform(-18, 15) + 0.4 * max(bend - 30.0, 0.0)
    head_axes = chest_axes @ _turned(rng.uniform(-35, 35)) @ _forwards(nod) @ _outwards(rng.uniform(-14, 14))

    build = rng.uniform(0.95, 1.3)
    head_radius = 0.063 * rng.uniform(1.15, 1.45)
    arm_length, leg_length = rng.uniform(0.92, 1.08, 2)
    shoulder_half, hip_half = 0.105 * rng.uniform(0.9, 1.12), 0.066 * rng.uniform(0.9, 1.12)

    pelvis = np.zeros(3)
    waist = pelvis - 0.12 * pelvis_axes[:, 1]
    neck = waist - 0.185 * chest_axes[:, 1]
    head = neck - (1.22 * head_radius + 0.018) * (0.6 * chest_axes[:, 1] + 0.4 * head_axes[:, 1])
    points = {"pelvis": pelvis, "waist": waist, "neck": neck, "head": head}
    for joint, place in FACE_JOINTS.items():
        points[joint] = head + head_radius * (head_axes @ np.array(place))

    legs = stance.legs if rng.random() < 0.5 else stance.legs[::-1]
    first_arm = stance.arms[int(rng.integers(len(stance.arms)))]
    second_arm = first_arm if rng.random() < 0.4 else stance.arms[int(rng.integers(len(stance.arms)))]
    for (side, sign), leg, arm in zip(SIDES, legs, (first_arm, second_arm), strict=True):
        hip = pelvis + pelvis_axes @ np.array([sign * hip_half, 0.01, 0.0])
        thigh_axes = root @ _outwards(sign * rng.uniform(*leg.abduct)) @ _forwards(rng.uniform(*leg.flex))
        shin_axes = thigh_axes @ _forwards(-rng.uniform(*leg.knee))
        foot_axes = shin_axes @ _turned(sign * rng.uniform(0, 30)) @ _forwards(rng.uniform(-25, 12))
        knee = hip + 0.235 * leg_length * thigh_axes[:, 1]
        ankle = knee + 0.225 * leg_length * shin_axes[:, 1]

        shoulder = neck + chest_axes @ np.array([sign * shoulder_half, 0.028, 0.0])
        upper_axes = chest_axes @ _outwards(sign * rng.uniform(*arm.abduct)) @ _forwards(rng.uniform(*arm.flex))
        upper_axes = upper_axes @ _turned(sign * rng.uniform(*arm.twist))
        fore_axes = upper_axes @ _forwards(rng.uniform(*arm.elbow))
        hand_axes = fore_axes @ _forwards(rng.uniform(-25, 35)) @ _outwards(rng.uniform(-20, 20))
        elbow = shoulder + 0.165 * arm_length * upper_axes[:, 1]
        wrist = elbow + 0.14 * arm_length * fore_axes[:, 1]

        points[f"{side}_hip"], points[f"{side}_knee"], points[f"{side}_ankle"] = hip, knee, ankle
        points[f"{side}_heel"] = ankle + foot_axes @ np.array([0.0, 0.022, -0.018])
        points[f"{side}_toe"] = ankle + foot_axes @ np.array([0.0, 0.03, 0.085])
        points[f"{side}_shoulder"], points[f"{side}_elbow"], points[f"{side}_wrist"] = shoulder, elbow, wrist
        points[f"{side}_hand"] = wrist + 0.045 * hand_axes[:, 1]
    return Body(points, chest_axes, pelvis_axes, head_axes, head_radius, build, name)


def _draw_heading(rng: np.random.Generator) -> float:
    """Draw the angle, in degrees, that a person turns from the viewer: 58 % front, 13 % half, 13 % side, 16 % back."""
    view, sign = rng.random(), 1.0 if rng.random() < 0.5 else -1.0
    if view < 0.58:
        return sign * rng.uniform(0, 30)
    if view < 0.71:
        return sign * rng.uniform(30, 65)
    if view < 0.84:
        return sign * rng.uniform(65, 110)
    return sign * rng.uniform(140, 180)


# Rotations act on columns; the comments say what becomes of a limb that hangs down, (0, 1, 0).


def _forwards(degrees: float) -> Floats:
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])  # (0, c, s): swings to the front


def _outwards(degrees: float) -> Floats:
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])  # (s, c, 0): swings to the person's left


def _turned(degrees: float) -> Floats:
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])  # stays; what looked forwards looks to the left
