"""Dress: a posed body becomes a clothed figure: shapes in the order they are painted, and exact joints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from robustpose.data.toy.body import SIDES, Body, Camera
from robustpose.data.toy.head import paint_head, paint_long_hair
from robustpose.data.toy.paint import Colour, Floats, Outline, Shape, to_outline
from robustpose.data.toy.solids import LIMB_PARTS, Part, Solids, flesh_out, is_turned_away
from robustpose.data.toy.wardrobe import draw_wardrobe
from robustpose.pose.skeletons import COCO

# A trunk seen this much from the side hides the shoulder and the hip of its far side: sine of the turn.
FAR_SIDE = 0.85


@dataclass(frozen=True, eq=False)
class Figure:
    """A clothed person, placed in the image."""

    shapes: list[Shape]  # back to front; their labels are `Part`s
    xy: Floats  # (17, 2) px, COCO order
    turned_away: npt.NDArray[np.bool_]  # (17,) bool: face joints on the side of the head that is not seen
    behind_trunk: npt.NDArray[np.bool_]  # (17,) bool: shoulder and hip on the trunk's far side, seen from the side


def dress_body(body: Body, camera: Camera, light_xy: Floats, rng: np.random.Generator) -> Figure:
    """Draw clothes, hair and colours for a body and return it as seen by the camera.

    `light_xy` (2,) points to the light in the image; its length, above 0 and up to 1, is the shading's strength.
    """
    wear = draw_wardrobe(rng)
    solids = Solids(flesh_out(body, wear), camera, light_xy)
    # Sorted by depth in the end; what is added to a depth decides between parts at the same depth, such as
    # arms that hang beside the chest.
    parts: list[tuple[float, list[Shape]]] = []
    hair = paint_long_hair(body, camera, wear)
    if body.head_axes[2, 2] > 0.3:  # faces the viewer: the hair falls behind neck and shoulders
        chest_depth = solids.depth("left_rib", "right_rib", "left_belt", "right_belt")
        parts.append((min(solids.depth("head"), chest_depth) - 0.04, hair))
        hair = []
    parts.append((solids.depth("head") + 0.03, paint_head(body, camera, solids, wear, hair)))

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
        turned_away=np.array([is_turned_away(joint, body) for joint in COCO.joints]),
        behind_trunk=np.array([_is_behind_trunk(joint, body) for joint in COCO.joints]),
    )


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


def _is_behind_trunk(joint: str, body: Body) -> bool:
    side, _, name = joint.partition("_")
    if name not in ("shoulder", "hip"):
        return False
    other = "right" if side == "left" else "left"
    across = body.points[f"{other}_{name}"] - body.points[joint]
    return bool(across[2] > FAR_SIDE * np.sqrt(across @ across))
