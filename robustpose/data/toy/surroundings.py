"""Surroundings: what stands behind people, between them and in front of them; and clutter that looks like limbs."""

from __future__ import annotations

import numpy as np

from robustpose.data.toy.body import Body, Camera
from robustpose.data.toy.paint import Colour, Floats, Shape, hull, hull_of_circles, shade
from robustpose.data.toy.wardrobe import HAIR, SKIN, draw_colour
from robustpose.pose.skeletons import COCO


def draw_obstacle(xy: Floats, stature: float, rng: np.random.Generator) -> list[Shape]:
    """Draw something that stands in front of a person with joints xy (17, 2) px."""
    colour = draw_colour(rng)
    joint = xy[int(rng.integers(5, COCO.n_joints))]
    x, y = joint + rng.uniform(-0.08, 0.08, 2) * stature
    kind = rng.random()
    if kind < 0.25:  # pole
        half = rng.uniform(0.02, 0.06) * stature
        return _box(x - half, -5, x + half, 2000, colour) + _box(
            x - 0.3 * half, -5, x + 0.2 * half, 2000, shade(colour, 1.2)
        )
    if kind < 0.5:  # table
        half, thick, leg = rng.uniform(0.25, 0.5) * stature, 0.045 * stature, 0.02 * stature
        legs = _box(x - 0.9 * half, y, x - 0.9 * half + 2 * leg, y + 0.45 * stature, shade(colour, 0.7))
        legs += _box(x + 0.9 * half - 2 * leg, y, x + 0.9 * half, y + 0.45 * stature, shade(colour, 0.7))
        return legs + _box(x - half, y - thick, x + half, y + thick, colour)
    if kind < 0.75:  # box with two faces
        w, h, d = rng.uniform(0.12, 0.35, 3) * stature
        top = np.array([(x - w, y), (x + w, y), (x + w + 0.5 * d, y - 0.4 * d), (x - w + 0.5 * d, y - 0.4 * d)])
        side = np.array([(x + w, y), (x + w + 0.5 * d, y - 0.4 * d), (x + w + 0.5 * d, y + h), (x + w, y + 2 * h)])
        shapes = [Shape([hull(top)], shade(colour, 1.2), 0), Shape([hull(side)], shade(colour, 0.65), 0)]
        return shapes + _box(x - w, y, x + w, y + 2 * h, colour)
    shapes = []  # bush
    green = (rng.uniform(20, 110), rng.uniform(70, 160), rng.uniform(20, 80))
    for _ in range(7):
        centre = np.array([[x, y]]) + rng.uniform(-0.16, 0.16, (1, 2)) * stature
        radius = rng.uniform(0.06, 0.12, 1) * stature
        shapes.append(Shape([hull_of_circles(centre, radius)], shade(green, rng.uniform(0.75, 1.2)), 0))
    return shapes


def draw_seat(body: Body, camera: Camera, rng: np.random.Generator) -> list[Shape]:
    """Draw a stool, box or chair under someone who sits."""
    names = ("left_hip", "right_hip", "left_ankle", "right_ankle")
    xy, _ = camera.project(np.stack([body.points[name] for name in names]))
    colour = draw_colour(rng)
    x, y = xy[:2].mean(axis=0)
    unit = camera.scale
    floor = max(float(xy[2:, 1].max()), y + 0.2 * unit) + 0.03 * unit
    half = rng.uniform(0.11, 0.2) * unit
    shapes = []
    if rng.random() < 0.4:
        shapes += _box(x - half, y - rng.uniform(0.2, 0.35) * unit, x + half, y + 0.1 * unit, shade(colour, 0.7))
    if rng.random() < 0.5:
        return [*shapes, *_box(x - half, y + 0.035 * unit, x + half, floor, colour)]
    for leg_x in (x - half, x + 0.8 * half):
        shapes += _box(leg_x, y, leg_x + 0.2 * half, floor, shade(colour, 0.6))
    return shapes + _box(x - half, y + 0.03 * unit, x + half, y + 0.085 * unit, colour)


def _box(x0: float, y0: float, x1: float, y1: float, colour: Colour, label: int | None = 0) -> list[Shape]:
    return [Shape([hull(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))], colour, label)]


def draw_background(size_wh: tuple[int, int], rng: np.random.Generator) -> list[Shape]:
    """Draw a room, a street, a field or nothing in particular, and clutter that looks like limbs."""
    width, height = size_wh
    horizon = rng.uniform(0.35, 0.85) * height
    kind = rng.random()
    shapes: list[Shape] = []

    def slab(x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        shapes.extend(_box(x0, y0, x1, y1, colour, None))

    if kind < 0.3:  # room: floor, and frames, windows and doors on the wall
        slab(-2, horizon, width + 2, height + 2, draw_dull_colour(rng))
        slab(-2, horizon - rng.uniform(2, 8), width + 2, horizon, draw_dull_colour(rng))
        for _ in range(int(rng.integers(1, 5))):
            x, y = rng.uniform(0, width), rng.uniform(-0.1, 0.7) * horizon
            w, h = rng.uniform(20, 90, 2)
            frame, inner = draw_dull_colour(rng), draw_dull_colour(rng)
            slab(x, y, x + w, y + h, frame)
            slab(x + 0.1 * w, y + 0.1 * w, x + 0.9 * w, y + h - 0.1 * w, inner)
            if rng.random() < 0.5:
                slab(x + 0.46 * w, y, x + 0.54 * w, y + h, frame)
    elif kind < 0.55:  # street: houses with windows, road
        x = -rng.uniform(0, 40)
        while x < width:
            w, top = rng.uniform(30, 110), rng.uniform(-0.1, 0.6) * horizon
            colour, glass = draw_dull_colour(rng), draw_dull_colour(rng)
            slab(x, top, x + w, horizon, colour)
            pitch = rng.uniform(14, 28)
            for column in range(int(w / pitch)):
                for row in range(min(int((horizon - top) / pitch), 6)):
                    window_x, window_y = x + (column + 0.3) * pitch, top + (row + 0.3) * pitch
                    slab(window_x, window_y, window_x + 0.45 * pitch, window_y + 0.6 * pitch, glass)
            x += w
        slab(-2, horizon, width + 2, height + 2, draw_dull_colour(rng))
        lane = horizon + 0.4 * (height - horizon)
        for dash in range(-20, width, 60):
            slab(dash, lane, dash + 30, lane + 4, (220, 220, 210))
    elif kind < 0.75:  # field: hills and trees
        for _ in range(3):
            ground = (rng.uniform(50, 190), rng.uniform(90, 200), rng.uniform(40, 120))
            centre = np.array([[rng.uniform(0, width), horizon + 1.5 * width]])
            shapes.append(Shape([hull_of_circles(centre, rng.uniform(1.4, 1.6, 1) * width)], ground))
        for _ in range(int(rng.integers(0, 6))):
            x, y = rng.uniform(0, width), horizon + rng.uniform(-20, 20)
            r = rng.uniform(10, 45)
            slab(x - 0.15 * r, y - 2 * r, x + 0.15 * r, y, shade((110, 80, 50), rng.uniform(0.6, 1.3)))
            leaves = (rng.uniform(20, 140), rng.uniform(70, 170), rng.uniform(20, 80))
            for _ in range(3):
                centre = np.array([[x, y - 2 * r]]) + rng.uniform(-0.5, 0.5, (1, 2)) * r
                shapes.append(
                    Shape([hull_of_circles(centre, rng.uniform(0.5, 1, 1) * r)], shade(leaves, rng.uniform(0.8, 1.2)))
                )
    else:  # blobs and slivers
        for _ in range(int(rng.integers(3, 14))):
            corners = rng.uniform(0, 1, 2) * size_wh + rng.uniform(-60, 60, (int(rng.integers(3, 8)), 2))
            shapes.append(Shape([hull(corners)], draw_dull_colour(rng)))

    for _ in range(int(rng.integers(0, 6))):  # strokes and discs in the colours of people
        kind = rng.random()
        colours = SKIN if kind < 0.4 else HAIR
        colour = draw_colour(rng) if kind > 0.6 else colours[int(rng.integers(len(colours)))]
        start = rng.uniform(0, 1, 2) * size_wh
        thick = rng.uniform(2, 12)
        if rng.random() < 0.25:
            shapes.append(Shape([hull_of_circles(start[None], np.array([1.4 * thick]))], colour))
            continue
        for _ in range(int(rng.integers(1, 3))):
            end = start + rng.uniform(-60, 60, 2)
            centres, radii = np.stack([start, end]), np.array([thick, rng.uniform(0.5, 1) * thick])
            shapes.append(Shape([hull_of_circles(centres, radii)], shade(colour, 0.75)))
            shapes.append(Shape([hull_of_circles(centres - 0.2 * thick, 0.6 * radii)], colour))
            start = end
    return shapes


def draw_dull_colour(rng: np.random.Generator) -> Colour:
    """Draw a colour for what is far away: haze takes a part of it."""
    r, g, b = draw_colour(rng)
    grey = (r + g + b) / 3
    return 0.55 * r + 0.3 * grey + 20, 0.55 * g + 0.3 * grey + 20, 0.55 * b + 0.3 * grey + 20
