"""Scenes: people and objects in their places, the light on them, and the exact annotations of what can be seen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from robustpose.data.toy.body import Body, Camera, pose_body
from robustpose.data.toy.dress import Figure, dress_body
from robustpose.data.toy.light import expose, paint_texture
from robustpose.data.toy.paint import SHIFT, SUPERSAMPLING, Floats, Shape, paint_colours, paint_labels
from robustpose.data.toy.solids import PARTS_AT_JOINT, TRUNK, Part
from robustpose.data.toy.surroundings import draw_background, draw_obstacle, draw_seat
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
    """The truth about one person in the image."""

    xy: Floats  # (17, 2) px, zero where not annotated
    visible: npt.NDArray[np.int64]  # (17,) 0/1/2
    area: float  # px² of the person that can be seen
    box_xyxy: Floats  # (4,) px, tight around them


Layers = list[tuple[Figure | None, list[Shape]]]  # back to front; a figure and its shapes, or those of an object


@dataclass(frozen=True, eq=False)
class Scene:
    """One image before it is painted."""

    name: str  # seeds its texture and noise
    size_wh: tuple[int, int]  # px
    background: list[Shape]
    layers: Layers
    people: list[Annotation]  # of each figure, in the order of `layers`


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
        background = draw_background(size_wh, rng)
        layers = _place_people(_draw_statures(size_wh[1], crowded, rng), size_wh, light_xy, rng)
        layers, people = _annotate(layers, size_wh)
        if people:
            return Scene(f"{name}|{attempt}", size_wh, background, layers, people)
        attempt += 1


def paint_scene(scene: Scene) -> npt.NDArray[np.uint8]:
    """Return the image (H, W, 3), RGB."""
    rng = rng_for(f"{scene.name}|pixels")
    width, height = scene.size_wh
    canvas = paint_texture(scene.size_wh, rng)
    paint_colours(scene.background, canvas)
    for _, shapes in scene.layers:
        paint_colours(shapes, canvas)
    image = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return expose(np.asarray(image, np.uint8), rng)


def _draw_statures(height: int, crowded: bool, rng: np.random.Generator) -> Floats:
    """Return the standing heights of the people in an image of `height` px, smallest first, px."""
    if crowded:
        n_people = int(rng.integers(CROWD[0], CROWD[1] + 1))
        smallest, largest = 0.4, 0.7
    else:
        n_people = 1 + int(np.searchsorted((0.55, 0.87, 0.96), rng.random()))
        smallest, largest = 0.5, 1.35 if n_people == 1 else 1.0
    common = height * np.exp(rng.uniform(np.log(smallest), np.log(largest)))
    return np.sort(np.maximum(common * rng.uniform(0.75, 1.2, n_people), SMALLEST_PERSON))


def _place_people(statures: Floats, size_wh: tuple[int, int], light_xy: Floats, rng: np.random.Generator) -> Layers:
    """Return the people and the objects among them, back to front."""
    width, height = size_wh
    layers: Layers = []
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
            layers.append((None, draw_seat(body, camera, rng)))
        figure = dress_body(body, camera, light_xy, rng)
        layers.append((figure, figure.shapes))
        if rng.random() < 0.14:
            layers.append((None, draw_obstacle(figure.xy, stature, rng)))
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


def _annotate(layers: Layers, size_wh: tuple[int, int]) -> tuple[Layers, list[Annotation]]:
    """Return the layers without the people who are hardly seen, and the annotations of the others."""
    while True:
        labels = _paint_label_map(layers, size_wh)
        figures = [figure for figure, _ in layers if figure is not None]
        people = [_look_at(figure, number, labels) for number, figure in enumerate(figures)]
        hidden = [figure for figure, person in zip(figures, people, strict=True) if person is None]
        if not hidden:
            return layers, [person for person in people if person is not None]
        # Without them others may be seen better, so look again.
        layers = [(figure, shapes) for figure, shapes in layers if figure not in hidden]


def _paint_label_map(layers: Layers, size_wh: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return the label of each canvas pixel (2H, 2W): a person's number × LABELS_PER_PERSON + a Part, or 0."""
    width, height = size_wh
    labels = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.uint8)
    number = 0
    for figure, shapes in layers:
        paint_labels(shapes, labels, number * LABELS_PER_PERSON if figure is not None else 0)
        number += figure is not None
    return labels


def _look_at(figure: Figure, number: int, labels: npt.NDArray[np.uint8]) -> Annotation | None:
    """Return the annotation of a person, or None if next to nothing of them can be seen."""
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
