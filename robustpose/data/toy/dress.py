"""Dress: a posed body becomes a clothed figure: shapes in the order they are painted, and exact joints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from robustpose.data.toy.body import FACE_JOINTS, SIDES, Body, Camera
from robustpose.data.toy.paint import Colour, Floats, Outline, Shape, hull, hull_of_circles, shade, to_outline
from robustpose.pose.skeletons import COCO


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

# A trunk seen this much from the side hides the shoulder and the hip of its far side: sine of the turn.
FAR_SIDE = 0.85

SKIN: tuple[Colour, ...] = (
    (255, 224, 196), (241, 194, 156), (224, 172, 128), (198, 140, 98),
    (158, 104, 68), (122, 78, 50), (92, 58, 40), (64, 42, 32),
)  # fmt: skip
HAIR: tuple[Colour, ...] = (
    (24, 20, 20), (58, 38, 26), (96, 62, 36), (150, 102, 56),
    (214, 176, 104), (150, 60, 30), (150, 150, 150), (226, 222, 214),
)  # fmt: skip
PATTERNS = ("plain", "plain", "plain", "plain", "plain", "hoops", "stripes", "checks", "block", "badge")


@dataclass(frozen=True, eq=False)
class Figure:
    """A clothed person, placed in the image.

    Attributes:
        shapes: back to front; their labels are `Part`s.
        xy: (17, 2) px, COCO order.
        turned_away: (17,) bool: face joints on the side of the head that is not seen.
        behind_trunk: (17,) bool: shoulder and hip on the trunk's far side, seen from the side.
    """

    shapes: list[Shape]
    xy: Floats
    turned_away: npt.NDArray[np.bool_]
    behind_trunk: npt.NDArray[np.bool_]


def draw_colour(rng: np.random.Generator) -> Colour:
    """Draw any colour that cloth or paint can have; greys are as likely as in a wardrobe."""
    value = rng.uniform(45, 245)
    saturation = rng.uniform(0, 0.15) if rng.random() < 0.3 else rng.uniform(0.25, 0.85)
    hue = 6 * rng.random()
    wheel = [min(max(abs((hue + shift) % 6 - 3) - 1, 0.0), 1.0) for shift in (0, 4, 2)]
    r, g, b = (float(value * (1 - saturation * (1 - part))) for part in wheel)
    return r, g, b


def dress_body(body: Body, camera: Camera, light_xy: Floats, rng: np.random.Generator) -> Figure:
    """Draw clothes, hair and colours for a body and return it as seen by the camera.

    Args:
        body: the posed person.
        camera: where and how large it lands in the image.
        light_xy: (2,), towards the light in the image; its length, above 0 and up to 1, is the shading's strength.
        rng: source of everything that is drawn by chance.
    """
    wear = _draw_wardrobe(rng)
    solids = _Solids(_flesh_out(body, wear), camera, light_xy)
    # Sorted by depth in the end; what is added to a depth decides between parts at the same depth, such as
    # arms that hang beside the chest.
    parts: list[tuple[float, list[Shape]]] = []
    hair = _paint_long_hair(body, camera, wear)
    if body.head_axes[2, 2] > 0.3:  # faces the viewer: the hair falls behind neck and shoulders
        chest_depth = solids.depth("left_rib", "right_rib", "left_belt", "right_belt")
        parts.append((min(solids.depth("head"), chest_depth) - 0.04, hair))
        hair = []
    parts.append((solids.depth("head") + 0.03, _paint_head(body, camera, solids, wear, hair)))

    chest_spheres = ("left_shoulder", "right_shoulder", "left_rib", "right_rib", "left_belt", "right_belt")
    chest = solids.paint(Part.CHEST, wear.shirt, *chest_spheres)
    axis = solids.xy("neck"), solids.xy("belt")
    chest += _paint_pattern(wear.pattern, wear.trim, chest[0].outlines[0], *axis)
    parts.append((solids.depth("left_rib", "right_rib", "left_belt", "right_belt") + 0.004, chest))
    pelvis = solids.paint(Part.PELVIS, wear.trousers, "left_belt", "right_belt", "left_hip", "right_hip")
    parts.append((solids.depth("pelvis"), pelvis))

    for side, _ in SIDES:
        part = LIMB_PARTS[side]
        shoulder, elbow, wrist, hand = (f"{side}_{name}" for name in ("arm", "elbow", "wrist", "hand"))
        sleeve, cuff = f"{side}_sleeve", f"{side}_cuff"
        long_sleeve = wear.sleeve > 1
        upper = solids.paint(part["upper_arm"], wear.shirt if long_sleeve else wear.skin, shoulder, elbow)
        if 0 < wear.sleeve <= 1:
            upper += solids.paint(part["upper_arm"], wear.shirt, shoulder, sleeve)
        fore = solids.paint(part["forearm"], wear.skin, elbow, wrist)
        if long_sleeve:
            fore += solids.paint(part["forearm"], wear.shirt, elbow, cuff)
            if wear.pattern == "hoops":
                upper += _paint_pattern("hoops", wear.trim, upper[0].outlines[0], solids.xy(shoulder), solids.xy(elbow))
        palm = solids.paint(part["hand"], wear.skin, wrist, hand)
        parts.append((solids.depth(shoulder, elbow) + 0.018, upper))
        parts.append((solids.depth(elbow, wrist) + 0.022, fore))
        parts.append((solids.depth(wrist, hand) + 0.021, palm))

        hip, knee, ankle, hem = (f"{side}_{name}" for name in ("thigh", "knee", "ankle", "hem"))
        bare = wear.leg <= 1
        thigh = solids.paint(part["thigh"], wear.skin if bare else wear.trousers, hip, knee)
        shin = solids.paint(part["shin"], wear.legs, knee, ankle)
        if bare and not wear.skirt:
            thigh += solids.paint(part["thigh"], wear.trousers, hip, hem)
        elif not bare:
            shin += solids.paint(part["shin"], wear.trousers, knee, hem)
        foot = solids.paint(part["foot"], wear.shoes, f"{side}_heel", f"{side}_toe")
        parts.append((solids.depth(hip, knee) + 0.008, thigh))
        parts.append((solids.depth(knee, ankle) + 0.004, shin))
        parts.append((solids.depth(ankle, f"{side}_toe"), foot))
    if wear.skirt:
        spheres = ("left_belt", "right_belt", "left_hip", "right_hip", "left_skirt", "right_skirt")
        depth = max(solids.depth("left_thigh", "left_knee"), solids.depth("right_thigh", "right_knee"))
        parts.append((depth + 0.009, solids.paint(Part.SKIRT, wear.trousers, *spheres)))

    parts.sort(key=lambda depth_and_shapes: depth_and_shapes[0])
    joints = np.stack([body.points[joint] for joint in COCO.joints])
    return Figure(
        shapes=[shape for _, shapes in parts for shape in shapes],
        xy=camera.project(joints)[0],
        turned_away=np.array([_is_turned_away(joint, body) for joint in COCO.joints]),
        behind_trunk=np.array([_is_behind_trunk(joint, body) for joint in COCO.joints]),
    )


@dataclass(frozen=True)
class _Wardrobe:
    skin: Colour
    hair: Colour
    shirt: Colour
    trim: Colour
    trousers: Colour
    legs: Colour  # skin, or stockings
    shoes: Colour
    hat: Colour
    pattern: str
    sleeve: float  # in upper arms: 0 none, up to 1 short, above 1 long
    leg: float  # of trousers, in thighs: up to 1 short, above 1 long
    skirt: float  # in thighs; 0 for trousers
    hair_length: float  # in head radii below the head's centre; 0 for short
    headgear: str  # none, bald, cap, wide


def _draw_wardrobe(rng: np.random.Generator) -> _Wardrobe:
    skin = shade(SKIN[int(rng.integers(len(SKIN)))], rng.uniform(0.92, 1.06))
    has_skirt = rng.random() < 0.18
    long_legs = not has_skirt and rng.random() < 0.65
    shirt, other = draw_colour(rng), draw_colour(rng)
    return _Wardrobe(
        skin=skin,
        hair=shade(HAIR[int(rng.integers(len(HAIR)))], rng.uniform(0.8, 1.15)),
        shirt=shirt,
        trim=draw_colour(rng),
        trousers=shirt if rng.random() < (0.5 if has_skirt else 0.06) else other,  # a dress, or overalls
        legs=skin if rng.random() < 0.8 else draw_colour(rng),
        shoes=draw_colour(rng),
        hat=draw_colour(rng),
        pattern=PATTERNS[int(rng.integers(len(PATTERNS)))],
        sleeve=(0.0, rng.uniform(0.4, 0.8), 2.0)[int(np.searchsorted((0.12, 0.58), rng.random()))],
        leg=2.0 if long_legs else rng.uniform(0.35, 0.85),
        skirt=rng.uniform(0.5, 1.05) if has_skirt else 0.0,
        hair_length=rng.uniform(1.2, 2.6) if rng.random() < 0.35 else 0.0,
        headgear=("none", "bald", "cap", "wide")[int(np.searchsorted((0.72, 0.8, 0.93), rng.random()))],
    )


def _flesh_out(body: Body, wear: _Wardrobe) -> dict[str, tuple[Floats, float]]:
    """Return the spheres (centre, radius) whose hulls are the body's parts, in standing heights."""
    points, build = body.points, body.build
    chest, pelvis = body.chest_axes, body.pelvis_axes
    loose = 0.004  # cloth stands off the skin
    spheres = {
        "neck": (points["neck"], 0.03 * build),
        "chin": (points["head"] + 0.5 * body.head_radius * body.head_axes[:, 1], 0.03 * build),
        "head": (points["head"], body.head_radius),
        "jaw": (
            points["head"] + body.head_radius * (body.head_axes @ np.array([0, 0.5, 0.16])),
            0.7 * body.head_radius,
        ),
        "belt": (points["waist"] + 0.035 * pelvis[:, 1], 0.05 * build),
        "pelvis": (points["pelvis"], 0.05 * build),
    }
    for side, sign in SIDES:
        hip, knee, ankle = points[f"{side}_hip"], points[f"{side}_knee"], points[f"{side}_ankle"]
        shoulder, elbow, wrist = points[f"{side}_shoulder"], points[f"{side}_elbow"], points[f"{side}_wrist"]
        spheres |= {
            f"{side}_shoulder": (shoulder - 0.008 * sign * chest[:, 0], 0.036),
            f"{side}_rib": (
                points["neck"] + chest @ np.array([sign * 0.055 * build, 0.1, 0.0]),
                0.062 * build,
            ),
            f"{side}_belt": (
                points["waist"] + pelvis @ np.array([sign * 0.045 * build, 0.03, 0.0]),
                0.052 * build,
            ),
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


class _Solids:
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
            Shape([whole], shade(colour, 1 - 0.3 * self._strength), int(part)),
            Shape([lit], shade(colour, 1 + 0.12 * self._strength)),
        ]


def _paint_pattern(pattern: str, colour: Colour, inside: Outline, start: Floats, end: Floats) -> list[Shape]:
    """Return what is printed on a part that runs from `start` to `end` (2,) px."""
    along = end - start
    across = np.array([-along[1], along[0]])
    if pattern == "plain":
        return []

    def band(t0: float, t1: float, s0: float, s1: float) -> Outline:
        corners = [(t0, s0), (t0, s1), (t1, s1), (t1, s0)]
        return to_outline(np.stack([start + t * along + s * across for t, s in corners]))

    hoops = [band(t, t + 0.1, -1.5, 1.5) for t in (-0.18, 0.04, 0.26, 0.48, 0.7, 0.92, 1.14)]
    stripes = [band(-0.5, 1.6, s, s + 0.07) for s in (-0.63, -0.45, -0.27, -0.09, 0.09, 0.27, 0.45, 0.63)]
    outlines: dict[str, list[Outline]] = {
        "hoops": hoops,
        "stripes": stripes,
        "checks": hoops + stripes,
        "block": [band(0.45, 1.8, -2, 2)],
        "badge": [band(0.2, 0.6, -0.22, 0.22)],
    }
    return [Shape(outlines[pattern], colour, None, inside)]


def _cap_directions(elevation: float, edge: float, n_points: int = 420) -> Floats:
    """Return the unit directions (M, 3) of a sphere that lie on a cap.

    Its middle points up, tilted backwards to `elevation` degrees; `edge` is the cosine of its half angle.
    """
    index = np.arange(n_points) + 0.5
    down, turn = 1 - 2 * index / n_points, index * np.pi * (1 + np.sqrt(5))
    radius = np.sqrt(1 - down**2)
    sphere = np.stack([radius * np.cos(turn), down, radius * np.sin(turn)], axis=1)
    middle = np.array([0, -np.sin(np.radians(elevation)), -np.cos(np.radians(elevation))])
    return sphere[sphere @ middle > edge]


def _disc_on_head(direction: Sequence[float], radius: float) -> Floats:
    """Return a small circle (12, 3) around a direction of the unit head."""
    middle = np.array(direction)
    u = np.cross(middle, [0, 1, 0])
    u /= np.hypot(np.hypot(*u[:2]), u[2])
    v = np.cross(middle, u)
    angles = np.arange(12)[:, None] * (2 * np.pi / 12)
    return middle + radius * (np.cos(angles) * u + np.sin(angles) * v)


# Outlines on a head of radius 1: its left, down, front.
HAIR_CAP = _cap_directions(elevation=32, edge=0.14) * 1.08
CROWN = _cap_directions(elevation=80, edge=0.3) * 1.14
_ring = np.linspace(0, 2 * np.pi, 20, endpoint=False)
WIDE_BRIM = np.stack([1.75 * np.cos(_ring), np.where(_ring < np.pi, -0.5, -0.36), 1.75 * np.sin(_ring)], axis=1)
CAP_BRIM = np.array([(x, y, z) for x, z in ((-0.8, 0.5), (-0.6, 1.5), (0.6, 1.5), (0.8, 0.5)) for y in (-0.45, -0.33)])
EYE_WHITE = {side: _disc_on_head(FACE_JOINTS[f"{side}_eye"], 0.19) for side, _ in SIDES}
PUPIL = {side: _disc_on_head(FACE_JOINTS[f"{side}_eye"], 0.11) for side, _ in SIDES}
BROW = {
    side: np.array([(s * x, y, 0.93) for x, y in ((0.14, -0.2), (0.6, -0.18), (0.58, -0.29), (0.16, -0.32))])
    for side, s in SIDES
}
NOSE = np.array(
    [(0, 0.1, 1.0), (0.15, 0.42, 0.96), (-0.15, 0.42, 0.96), (0, 0.42, 1.16), (0, 0.3, 1.16), (0, 0.48, 1.0)]
)
MOUTH = np.array([(-0.28, 0.72, 0.78), (0, 0.68, 0.86), (0.28, 0.72, 0.78), (0.15, 0.82, 0.78), (-0.15, 0.82, 0.78)])
FRONT = np.array([0, 0, 1])


def _paint_long_hair(body: Body, camera: Camera, wear: _Wardrobe) -> list[Shape]:
    """Return the hair that falls from the back of the head; nothing for short hair."""
    if not wear.hair_length or wear.headgear == "bald":
        return []
    end = wear.hair_length
    fall = np.array([(0, -0.15, -0.12), (0.36, 0.5, -0.4), (-0.36, 0.5, -0.4), (0.4, end, -0.4), (-0.4, end, -0.4)])
    xy, scale = camera.project(body.points["head"] + body.head_radius * fall @ body.head_axes.T)
    radii = scale * body.head_radius * np.array([1.05, 0.7, 0.7, 0.5, 0.5])
    return [Shape([hull_of_circles(xy, radii)], shade(wear.hair, 0.85), int(Part.HAIR))]


def _paint_head(body: Body, camera: Camera, solids: _Solids, wear: _Wardrobe, long_hair: list[Shape]) -> list[Shape]:
    """Return neck, face, hair, headgear and features, in the order in which this side of the head shows them.

    `long_hair` is what of it falls over this side.
    """
    axes, size = body.head_axes, body.head_radius

    def placed(outline: Floats, seen_only: bool = False) -> Floats:
        turned = outline @ axes.T
        if seen_only:
            turned = turned[turned[:, 2] > -0.06]
        return camera.project(body.points["head"] + size * turned)[0]

    def feature(outline: Floats, colour: Colour, part: Part = Part.HEAD) -> list[Shape]:
        return [Shape([hull(placed(outline))], colour, int(part))]

    def covering(outline: Floats, colour: Colour) -> list[Shape]:
        xy = placed(outline, seen_only=True)
        return [Shape([hull(xy)], colour, int(Part.HAIR))] if len(xy) > 2 else []

    faces_viewer = float(axes[2, 2])  # 1 from the front, -1 from the back
    ears: list[Shape] = []
    for side, _ in SIDES:
        if not _is_turned_away(f"{side}_ear", body):
            centre = camera.project(body.points[f"{side}_ear"][None])[0]
            radius = solids.radius("head") * np.array([0.22])
            ears.append(Shape([hull_of_circles(centre, radius)], shade(wear.skin, 0.9), int(Part.HEAD)))
            ears.append(Shape([hull_of_circles(centre, 0.5 * radius)], shade(wear.skin, 0.72)))

    face = solids.paint(Part.HEAD, wear.skin, "head", "jaw")
    neck = solids.paint(Part.NECK, shade(wear.skin, 0.93), "neck", "chin")
    shapes = (neck + face if faces_viewer > -0.2 else face + neck) + long_hair
    for side, _ in SIDES:
        if not _is_turned_away(f"{side}_eye", body):
            shapes += feature(EYE_WHITE[side], (240, 238, 232)) + feature(PUPIL[side], (28, 22, 20))
            shapes += feature(BROW[side], shade(wear.hair, 0.7))
    if not _is_turned_away("nose", body):
        if (MOUTH.mean(axis=0) @ axes.T)[2] > 0.15:
            shapes += feature(MOUTH, (min(wear.skin[0] * 0.72 + 20, 255.0), wear.skin[1] * 0.4, wear.skin[2] * 0.42))
        shapes += feature(NOSE, shade(wear.skin, 0.78))
    if wear.headgear != "bald":
        shapes += covering(HAIR_CAP, wear.hair)
    if not long_hair:
        shapes += ears
    if wear.headgear in ("cap", "wide"):
        brim = feature(WIDE_BRIM if wear.headgear == "wide" else CAP_BRIM, shade(wear.hat, 0.8), Part.HAIR)
        crown = covering(CROWN, wear.hat)
        shapes += crown + brim if faces_viewer > -0.2 else brim + crown
    return shapes


def _is_turned_away(joint: str, body: Body) -> bool:
    if joint not in FACE_TURNED_AWAY:
        return False
    direction = body.points[joint] - body.points["head"]
    return bool(direction[2] < FACE_TURNED_AWAY[joint] * np.sqrt(direction @ direction))


def _is_behind_trunk(joint: str, body: Body) -> bool:
    side, _, name = joint.partition("_")
    if name not in ("shoulder", "hip"):
        return False
    other = "right" if side == "left" else "left"
    across = body.points[f"{other}_{name}"] - body.points[joint]
    return bool(across[2] > FAR_SIDE * np.sqrt(across @ across))
