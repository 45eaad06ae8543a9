"""Head: hair, face, headgear and neck, in the order in which the side that is seen shows them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robustpose.data.toy.body import FACE_JOINTS, SIDES, Body, Camera
from robustpose.data.toy.paint import Colour, Floats, Shape, hull, hull_of_circles, shade
from robustpose.data.toy.solids import Part, Solids, is_turned_away
from robustpose.data.toy.wardrobe import Wardrobe


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


def paint_long_hair(body: Body, camera: Camera, wear: Wardrobe) -> list[Shape]:
    """Return the hair that falls from the back of the head; nothing for short hair."""
    if not wear.hair_length or wear.headgear == "bald":
        return []
    end = wear.hair_length
    fall = np.array([(0, -0.15, -0.12), (0.36, 0.5, -0.4), (-0.36, 0.5, -0.4), (0.4, end, -0.4), (-0.4, end, -0.4)])
    xy, scale = camera.project(body.points["head"] + body.head_radius * fall @ body.head_axes.T)
    radii = scale * body.head_radius * np.array([1.05, 0.7, 0.7, 0.5, 0.5])
    return [Shape([hull_of_circles(xy, radii)], shade(wear.hair, 0.85), Part.HAIR)]


def paint_head(body: Body, camera: Camera, solids: Solids, wear: Wardrobe, long_hair: list[Shape]) -> list[Shape]:
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
        return [Shape([hull(placed(outline))], colour, part)]

    def covering(outline: Floats, colour: Colour) -> list[Shape]:
        xy = placed(outline, seen_only=True)
        return [Shape([hull(xy)], colour, Part.HAIR)] if len(xy) > 2 else []

    faces_viewer = float(axes[2, 2])  # 1 from the front, -1 from the back
    ears: list[Shape] = []
    for side, _ in SIDES:
        if not is_turned_away(f"{side}_ear", body):
            centre = camera.project(body.points[f"{side}_ear"][None])[0]
            radius = solids.radius("head") * np.array([0.22])
            ears.append(Shape([hull_of_circles(centre, radius)], shade(wear.skin, 0.9), Part.HEAD))
            ears.append(Shape([hull_of_circles(centre, 0.5 * radius)], shade(wear.skin, 0.72)))

    face = solids.paint(Part.HEAD, wear.skin, "head", "jaw")
    neck = solids.paint(Part.NECK, shade(wear.skin, 0.93), "neck", "chin")
    shapes = (neck + face if faces_viewer > -0.2 else face + neck) + long_hair
    for side, _ in SIDES:
        if not is_turned_away(f"{side}_eye", body):
            shapes += feature(EYE_WHITE[side], (240, 238, 232)) + feature(PUPIL[side], (28, 22, 20))
            shapes += feature(BROW[side], shade(wear.hair, 0.7))
    if not is_turned_away("nose", body):
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
