"""Scenes: who stands where, in front of what, behind what, and in which light."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from robustpose.data.toy.body import Body, Camera, pose_body
from robustpose.data.toy.dress import HAIR, PARTS_AT_JOINT, SKIN, TRUNK, Figure, Part, draw_colour, dress_body
from robustpose.data.toy.paint import (
    SHIFT,
    SUPERSAMPLING,
    Colour,
    Floats,
    Shape,
    hull,
    hull_of_circles,
    paint_colours,
    paint_labels,
    shade,
)
from robustpose.pose.skeletons import COCO

# Another number gives other scenes: raise it with every change that moves a pixel.
GENERATOR_VERSION = 1

SIZES_WH = ((320, 240), (240, 320), (256, 256), (352, 288))
SMALLEST_PERSON = 60.0  # px, standing height
LABELS_PER_PERSON = 20  # > the largest Part; 0 is everything that is no person
LEAST_VISIBLE_JOINTS = 3
LEAST_VISIBLE_SHARE = 0.05  # of a person's parts
CROWD = (2, 5)  # people, at least and at most

# (17, 19) bool: whether a joint is visible where a part is painted; row of COCO's order, column of Part.
SHOWS = np.zeros((COCO.n_joints, max(Part) + 1), bool)
for _row, _joint in enumerate(COCO.joints):
    SHOWS[_row, [int(part) for part in PARTS_AT_JOINT[_joint]]] = True
IS_TRUNK = np.isin(np.arange(max(Part) + 1), [int(part) for part in TRUNK])


@dataclass(frozen=True, eq=False)
class Annotation:
    """What is true of one person in the picture.

    Attributes:
        xy: (17, 2) px, zero where not annotated.
        visible: (17,) 0/1/2.
        area: px² of the person that can be seen.
        box_xyxy: (4,) px, tight around them.
    """

    xy: Floats
    visible: npt.NDArray[np.int64]
    area: float
    box_xyxy: Floats


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture before it is painted.

    Attributes:
        name: seeds its texture and noise.
        size_wh: px.
        light_xy: (2,), towards the light in the image; its length is the strength of the shading.
        behind: shapes of the background.
        layers: back to front, each with the figure it shows; None for an object.
        people: what is true of each figure, in the order of `layers`.
    """

    name: str
    size_wh: tuple[int, int]
    light_xy: Floats
    behind: list[Shape]
    layers: list[tuple[Figure | None, list[Shape]]]
    people: list[Annotation]


def rng_for(name: str) -> np.random.Generator:
    """Return the random generator that belongs to a name."""
    digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def compose_scene(name: str, crowded: bool = False) -> Scene:
    """Draw the scene with this name: the same name gives the same scene.

    With `crowded` there are two to five people, smaller ones, some of them in each other's way; else one to four.
    A person of whom almost nothing would be seen is left out; a scene that this empties is drawn again.
    """
    attempt = 0
    while True:
        rng = rng_for(f"{name}|{attempt}")
        size_wh = SIZES_WH[int(rng.integers(len(SIZES_WH)))]
        angle, strength = rng.uniform(-np.pi, 0), rng.uniform(0.15, 1.0)
        light_xy = strength * np.array([np.cos(angle), np.sin(angle)])
        behind = _draw_background(size_wh, rng)
        layers = _place_people(_draw_statures(size_wh[1], crowded, rng), size_wh, light_xy, rng)
        layers, people = _annotate(layers, size_wh)
        if people:
            return Scene(f"{name}|{attempt}", size_wh, light_xy, behind, layers, people)
        attempt += 1


def paint_scene(scene: Scene) -> npt.NDArray[np.uint8]:
    """Return the picture (H, W, 3), RGB."""
    rng = rng_for(f"{scene.name}|pixels")
    width, height = scene.size_wh
    canvas = _paint_texture(scene.size_wh, rng)
    paint_colours(scene.behind, canvas)
    for _, shapes in scene.layers:
        paint_colours(shapes, canvas)
    image = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return _expose(np.asarray(image, np.uint8), rng)


def _draw_statures(height: int, crowded: bool, rng: np.random.Generator) -> Floats:
    """Return the standing heights of the people in a picture of `height` px, smallest first, px."""
    if crowded:
        n_people = int(rng.integers(CROWD[0], CROWD[1] + 1))
        smallest, largest = 0.4, 0.7
    else:
        n_people = 1 + int(np.searchsorted((0.55, 0.87, 0.96), rng.random()))
        smallest, largest = 0.5, 1.35 if n_people == 1 else 1.0
    common = height * np.exp(rng.uniform(np.log(smallest), np.log(largest)))
    return np.sort(np.maximum(common * rng.uniform(0.75, 1.2, n_people), SMALLEST_PERSON))


def _place_people(
    statures: Floats, size_wh: tuple[int, int], light_xy: Floats, rng: np.random.Generator
) -> list[tuple[Figure | None, list[Shape]]]:
    """Return the people and the objects among them, back to front."""
    width, height = size_wh
    layers: list[tuple[Figure | None, list[Shape]]] = []
    taken_x: list[float] = []
    for stature in statures:
        body = pose_body(rng)
        distance = rng.uniform(3.0, 9.0)
        candidates = [float(x) for x in rng.uniform(0.1, 0.9, 3) * width]
        if rng.random() < 0.75:  # keep a distance; otherwise whoever meets, meets
            candidates.sort(key=lambda x: -min((abs(x - other) for other in taken_x), default=0.0))
        centre_x = candidates[0]
        taken_x.append(centre_x)
        camera = _aim_camera(body, stature, distance, centre_x, height, rng)
        if body.stance == "sitting":
            layers.append((None, _draw_seat(body, camera, rng)))
        figure = dress_body(body, camera, light_xy, rng)
        layers.append((figure, figure.shapes))
        if rng.random() < 0.14:
            layers.append((None, _draw_obstacle(figure.xy, stature, rng)))
    return layers


def _aim_camera(
    body: Body, stature: float, distance: float, centre_x: float, height: int, rng: np.random.Generator
) -> Camera:
    """Place the body with its middle at `centre_x` and most of it, or its upper part, in the image."""
    at_origin = Camera(stature, np.zeros(2), distance)
    xy, _ = at_origin.project(np.stack(list(body.points.values())))
    margin = 0.07 * stature  # joints lie inside the body
    top, bottom = xy[:, 1].min() - margin, xy[:, 1].max() + margin
    free = height - (bottom - top)
    if free > 0:
        new_top = rng.uniform(0, 1) * free + rng.uniform(-0.08, 0.08) * stature
    elif rng.random() < 0.75:
        new_top = rng.uniform(-0.05, 0.12) * height
    else:
        new_top = rng.uniform(free, 0)
    return Camera(stature, np.array([centre_x - (xy[:, 0].min() + xy[:, 0].max()) / 2, new_top - top]), distance)


def _annotate(
    layers: list[tuple[Figure | None, list[Shape]]], size_wh: tuple[int, int]
) -> tuple[list[tuple[Figure | None, list[Shape]]], list[Annotation]]:
    """Return the layers without the people who are hardly seen, and what is true of the others."""
    while True:
        labels = _paint_label_map(layers, size_wh)
        figures = [figure for figure, _ in layers if figure is not None]
        people = [_look_at(figure, number, labels) for number, figure in enumerate(figures)]
        hidden = [figure for figure, person in zip(figures, people, strict=True) if person is None]
        if not hidden:
            return layers, [person for person in people if person is not None]
        # Without them others may be seen better, so look again.
        layers = [(figure, shapes) for figure, shapes in layers if figure not in hidden]


def _paint_label_map(
    layers: list[tuple[Figure | None, list[Shape]]], size_wh: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Return what each canvas pixel shows (2H, 2W): a person's number × LABELS_PER_PERSON + a Part, or 0."""
    width, height = size_wh
    labels = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.uint8)
    number = 0
    for figure, shapes in layers:
        paint_labels(shapes, labels, number * LABELS_PER_PERSON if figure is not None else 0)
        number += figure is not None
    return labels


def _look_at(figure: Figure, number: int, labels: npt.NDArray[np.uint8]) -> Annotation | None:
    """Return what can be seen of a person, or None if that is next to nothing."""
    base = number * LABELS_PER_PERSON
    mask = ((labels > base) & (labels < base + LABELS_PER_PERSON)).astype(np.uint8)
    area = cv2.countNonZero(mask) / SUPERSAMPLING**2
    unit = SUPERSAMPLING << SHIFT
    whole = sum(cv2.contourArea(shape.outlines[0]) for shape in figure.shapes if shape.label) / unit**2
    if area < LEAST_VISIBLE_SHARE * whole:
        return None

    height, width = (side // SUPERSAMPLING for side in labels.shape)
    inside = ((figure.xy >= 0) & (figure.xy <= (width - 1, height - 1))).all(axis=1)
    annotated = inside & ~figure.turned_away
    # The 3×3 canvas pixels (1.5 px wide) around a joint: at a part's very edge one of them is enough.
    around = np.rint(figure.xy * SUPERSAMPLING + 0.5).astype(int)
    shows = np.zeros(COCO.n_joints, bool)
    for shift_x in (-1, 0, 1):
        for shift_y in (-1, 0, 1):
            x = np.clip(around[:, 0] + shift_x, 0, labels.shape[1] - 1)
            y = np.clip(around[:, 1] + shift_y, 0, labels.shape[0] - 1)
            part = labels[y, x].astype(int) - base
            part[(part < 0) | (part >= SHOWS.shape[1])] = 0
            shows |= SHOWS[np.arange(COCO.n_joints), part] & ~(figure.behind_trunk & IS_TRUNK[part])
    visible = np.where(annotated, np.where(shows, 2, 1), 0)
    if (visible == 2).sum() < LEAST_VISIBLE_JOINTS:
        return None
    x, y, w, h = cv2.boundingRect(mask)
    corners = np.array([x, y, x + w - 1, y + h - 1])  # canvas pixels
    limit = (width - 1, height - 1, width - 1, height - 1)
    box = np.clip((corners - 0.5) / SUPERSAMPLING, 0, limit)
    return Annotation(np.where(annotated[:, None], figure.xy, 0.0), visible, area, box)


def _draw_obstacle(xy: Floats, stature: float, rng: np.random.Generator) -> list[Shape]:
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


def _draw_seat(body: Body, camera: Camera, rng: np.random.Generator) -> list[Shape]:
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


def _draw_background(size_wh: tuple[int, int], rng: np.random.Generator) -> list[Shape]:
    """Draw a room, a street, a field or nothing in particular, and clutter that looks like limbs."""
    width, height = size_wh
    horizon = rng.uniform(0.35, 0.85) * height
    kind = rng.random()
    shapes: list[Shape] = []

    def slab(x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        shapes.extend(_box(x0, y0, x1, y1, colour, None))

    if kind < 0.3:  # room: floor, and frames, windows and doors on the wall
        slab(-2, horizon, width + 2, height + 2, _draw_dull_colour(rng))
        slab(-2, horizon - rng.uniform(2, 8), width + 2, horizon, _draw_dull_colour(rng))
        for _ in range(int(rng.integers(1, 5))):
            x, y = rng.uniform(0, width), rng.uniform(-0.1, 0.7) * horizon
            w, h = rng.uniform(20, 90, 2)
            frame, inner = _draw_dull_colour(rng), _draw_dull_colour(rng)
            slab(x, y, x + w, y + h, frame)
            slab(x + 0.1 * w, y + 0.1 * w, x + 0.9 * w, y + h - 0.1 * w, inner)
            if rng.random() < 0.5:
                slab(x + 0.46 * w, y, x + 0.54 * w, y + h, frame)
    elif kind < 0.55:  # street: houses with windows, road
        x = -rng.uniform(0, 40)
        while x < width:
            w, top = rng.uniform(30, 110), rng.uniform(-0.1, 0.6) * horizon
            colour, glass = _draw_dull_colour(rng), _draw_dull_colour(rng)
            slab(x, top, x + w, horizon, colour)
            pitch = rng.uniform(14, 28)
            for column in range(int(w / pitch)):
                for row in range(min(int((horizon - top) / pitch), 6)):
                    window_x, window_y = x + (column + 0.3) * pitch, top + (row + 0.3) * pitch
                    slab(window_x, window_y, window_x + 0.45 * pitch, window_y + 0.6 * pitch, glass)
            x += w
        slab(-2, horizon, width + 2, height + 2, _draw_dull_colour(rng))
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
                    Shape(
                        [hull_of_circles(centre, rng.uniform(0.5, 1, 1) * r)],
                        shade(leaves, rng.uniform(0.8, 1.2)),
                    )
                )
    else:  # blobs and slivers
        for _ in range(int(rng.integers(3, 14))):
            corners = rng.uniform(0, 1, 2) * size_wh + rng.uniform(-60, 60, (int(rng.integers(3, 8)), 2))
            shapes.append(Shape([hull(corners)], _draw_dull_colour(rng)))

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


def _draw_dull_colour(rng: np.random.Generator) -> Colour:
    """Draw a colour for what is far away: haze takes a part of it."""
    r, g, b = draw_colour(rng)
    grey = (r + g + b) / 3
    return 0.55 * r + 0.3 * grey + 20, 0.55 * g + 0.3 * grey + 20, 0.55 * b + 0.3 * grey + 20


def _paint_texture(size_wh: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return a canvas (2H, 2W, 3) with a colour gradient and a mottled grain."""
    width, height = size_wh
    canvas_wh = (width * SUPERSAMPLING, height * SUPERSAMPLING)
    quarter_wh = (width // 4, height // 4)
    base = np.array(_draw_dull_colour(rng))
    spread = rng.uniform(5, 55)
    colours = np.clip(base + rng.uniform(-spread, spread, (3, 4, 3)), 0, 255).astype(np.uint8)
    smooth = _spread_out(colours, quarter_wh)
    amplitude = int(rng.integers(0, 32))
    coarseness = rng.choice([1, 1, 2, 4, 8], 2)  # in x and y: speckle to clouds, and streaks
    grain_wh = int(quarter_wh[0] // coarseness[0] + 2), int(quarter_wh[1] // coarseness[1] + 2)
    grain = rng.integers(128 - amplitude, 129 + amplitude, grain_wh[::-1], dtype=np.uint8)
    mottled = smooth.astype(np.int16) + _enlarge(grain, quarter_wh)[:, :, None] - 128
    return _enlarge(np.clip(mottled, 0, 255).astype(np.uint8), canvas_wh)


def _spread_out(values: npt.NDArray[np.uint8], size_wh: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return a smooth (H, W, ...) field from a few values (h, w, ...)."""
    # Linear interpolation alone leaves creases that the eye takes for edges.
    steps = values.repeat(8, axis=0).repeat(8, axis=1)
    return _enlarge(_blur(_blur(steps, 13), 13), size_wh)


def _enlarge(image: npt.NDArray[np.uint8], size_wh: tuple[int, int]) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)


def _blur(image: npt.NDArray[np.uint8], n_pixels: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(image, (n_pixels, n_pixels), 0), np.uint8)


def _expose(image: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return the picture as a camera gives it: uneven light, contrast, colour cast, blur, noise."""
    height, width = image.shape[:2]
    tone = np.arange(256)[:, None] / 255.0
    gamma, contrast = np.exp(rng.uniform(-0.3, 0.3)), rng.uniform(0.75, 1.1)
    cast = rng.uniform(0.9, 1.1, 3) * rng.uniform(0.85, 1.15)
    curve = ((tone**gamma - 0.5) * contrast + 0.5) * cast  # (256, 3)
    table = np.rint(np.clip(curve, 0, 1) * 255).astype(np.uint8)
    image = np.asarray(cv2.LUT(image, table[None]), np.uint8)

    spots = rng.integers(int(rng.uniform(95, 128)), 145, (3, 3), dtype=np.uint8)  # 128 is 1
    gain = _spread_out(spots, (width, height))
    lit = (image.astype(np.uint16) * gain[:, :, None]) >> 7  # (H, W, 3)
    image = np.minimum(lit, 255).astype(np.uint8)
    if rng.random() < 0.3:
        image = _blur(image, 3 if rng.random() < 0.6 else 5)

    amplitude = int(rng.integers(0, 16))  # of the sum of two uniform bytes: a triangular distribution
    byte = np.frombuffer(rng.bytes(2 * image.size), np.uint8).reshape(2, *image.shape).astype(np.int16)
    noise = ((byte[0] + byte[1] - 255) * np.int16(amplitude)) >> 8
    return np.clip(image + noise, 0, 255).astype(np.uint8)
