"""The gallery: which images a page shows, with the truth and every cell's poses, packed small; worst cases first.

The poses of an image are one stream of int16 in halves of a thumbnail's pixel, cell by cell: the number of people, then
x and y of their joints, less those of the same row in the first cell if there is one. Low bytes first, then high bytes,
deflated, in base64: a quarter of the numbers as text. `templates/gallery.js` unpacks it.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.data.corrupted import CorruptedImages
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.results_json import group_poses, read_people
from robustpose.pose.types import Floats, Frame, Poses, Truth, no_poses
from robustpose.printing import make_visible
from robustpose.results.run_folder import RunFolder
from robustpose.show.pages.thumbnails import Place, Thumbnail, make_corrupted_thumbnails, make_thumbnail

TOTAL_BYTES = 4_000_000  # of images and poses: with charts and tables a page stays below 6 MB
IMAGES_SHARE = 0.6  # of it for clean images and poses, at most
MOST_IMAGES = 240
MOST_PEOPLE = 20  # per image and cell, best score first, as COCO counts them
UNITS = 2  # per pixel of a thumbnail
GOOD_SHARE = 0.15  # of its image, for the person that the sheet of corruptions shows

Quality = Mapping[Cell, Floats]  # (n_images,) 0..1, NaN where nobody is to be found


@dataclass(frozen=True)
class GalleryImage:
    """One image of the gallery: its place in the dataset, its name, and its people and poses in every cell."""

    index: int
    name: str
    n_pixels: int
    thumbnail: Thumbnail
    truth: list[list[int]]  # per person: K times x, y, visible
    poses: str

    @property
    def n_bytes(self) -> int:
        """Return what it takes on the page."""
        return len(self.thumbnail.base64) + len(self.poses) + 5 * sum(map(len, self.truth))


def make_gallery(
    folder: Path,
    dataset: Dataset,
    corrupted_images: CorruptedImages | None,
    cells: Sequence[Cell],
    n_bytes: int = TOTAL_BYTES,
) -> dict[str, Any]:
    """Return what `templates/gallery.js` shows of a run folder on the dataset that was benched, in cells, clean first.

    None for `corrupted_images` gives clean ones only. Images and poses together take at most `n_bytes`.
    """
    run = RunFolder(folder)
    quality = run.read_quality(cells)
    if quality is not None and len(quality[CLEAN]) != len(dataset):
        raise UserError(f"the run in {folder} is of {len(quality[CLEAN])} images, the dataset has {len(dataset)}")
    candidates = order_images(len(dataset), cells, quality)[:MOST_IMAGES]
    poses = _read_poses(run, dataset, cells, candidates)
    shown: list[GalleryImage] = []
    left = IMAGES_SHARE * n_bytes
    for index in candidates:
        image = _make_image(dataset, index, poses[index])
        left -= image.n_bytes
        if shown and left < 0:
            break
        shown.append(image)
    shown.sort(key=lambda image: image.index)
    sheet = _choose_sheet(dataset, shown)
    corrupted: dict[Place, str] = {}
    lacking: dict[Cell, str] = {}
    if corrupted_images is not None:
        lacking = find_lacking(corrupted_images, cells[1:], dataset.frame(sheet))
        n_pixels = {image.index: image.n_pixels for image in shown}
        worst = order_worst(quality, cells, list(n_pixels))
        places = dict.fromkeys([*((sheet, cell) for cell in cells[1:]), *worst])
        wanted = [place for place in places if place[1] not in lacking]
        n_left = n_bytes - sum(image.n_bytes for image in shown)
        corrupted = make_corrupted_thumbnails(dataset, corrupted_images, wanted, n_pixels, n_left)
    place_of = {image.index: place for place, image in enumerate(shown)}
    return {
        "joints": dataset.skeleton.n_joints,
        "limbs": [list(limb) for limb in dataset.skeleton.limbs],
        "units": UNITS,
        "cells": [make_visible(cell.key) for cell in cells],
        "n_images": len(dataset),
        "images": [
            {
                "name": image.name,
                "size": list(image.thumbnail.size_wh),
                "thumbnail": image.thumbnail.base64,
                "truth": image.truth,
                "poses": image.poses,
                "quality": None if quality is None else [_thousandths(quality[cell][image.index]) for cell in cells],
            }
            for image in shown
        ],
        "corrupted": {
            f"{place_of[index]} {cells.index(cell)}": content for (index, cell), content in corrupted.items()
        },
        "sheet": place_of[sheet],
        "lacking": list(dict.fromkeys(lacking.values())),
    }


def find_lacking(corrupted_images: CorruptedImages, cells: Sequence[Cell], frame: Frame) -> dict[Cell, str]:
    """Return the cells of which there can be no images, and why."""
    lacking = {}
    for cell in cells:
        try:
            corrupted_images.check([cell], [frame])
        except UserError as error:
            lacking[cell] = str(error)
    return lacking


def order_images(n_images: int, cells: Sequence[Cell], quality: Quality | None) -> list[int]:
    """Return all images, the ones to show first: those that lose most and evenly spread ones, by turns."""
    spread = _spread(n_images)
    if quality is None:
        return spread
    worst = dict.fromkeys(index for index, _ in order_worst(quality, cells, range(n_images)))
    by_turns = [index for pair in zip(worst, spread, strict=False) for index in pair]
    return list(dict.fromkeys([*by_turns, *worst, *spread]))


def order_worst(quality: Quality | None, cells: Sequence[Cell], images: Sequence[int]) -> list[Place]:
    """Return images in cells: what loses most in each cell, each image where it loses most, the second of each cell, …

    What loses nothing comes last. Without qualities, every cell gets another image.
    """
    if quality is None:
        n = len(images)
        return [(images[(rank + number) % n], cell) for rank in range(n) for number, cell in enumerate(cells[1:])]
    rows = list(images)
    drops = np.nan_to_num([quality[CLEAN][rows] - quality[cell][rows] for cell in cells[1:]]).T  # (images, cells)
    by_cell = np.argsort(-drops, axis=0, kind="stable")
    worst_cell = drops.argmax(axis=1)
    ranks = [[(row, column) for column, row in enumerate(rank)] for rank in by_cell]
    ranks.insert(1, [(row, worst_cell[row]) for row in np.argsort(-drops.max(axis=1), kind="stable")])
    places = dict.fromkeys((int(row), int(column)) for rank in ranks for row, column in rank)
    ordered = sorted(places, key=lambda place: drops[place] <= 0)
    return [(images[row], cells[1 + column]) for row, column in ordered]


def pack_poses(people: Sequence[Floats]) -> str:
    """Return the people of each cell (N, K, 2), px of the thumbnail, as the first lines of this file say."""
    first, *others = map(_to_units, people)
    for units in others:
        n_both = min(len(first), len(units))
        units[:n_both] -= first[:n_both]
    stream = [part for units in (first, *others) for part in ([len(units)], units.ravel())]
    # Differences of two numbers that fit may not: they wrap around, and adding wraps them back.
    raw = np.concatenate(stream).astype("<i2").view(np.uint8).reshape(-1, 2)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(deflate.compress(raw.T.tobytes()) + deflate.flush()).decode()


def _to_units(xy: Floats) -> np.ndarray:
    return np.clip(np.round(UNITS * xy), -30_000, 30_000).astype(np.int32)


def _read_poses(
    run: RunFolder, dataset: Dataset, cells: Sequence[Cell], indices: Sequence[int]
) -> dict[int, list[Poses | None]]:
    """Return the poses in every cell of each image, by its index; None where nobody was found."""
    ids = {index: dataset.truth(index).image_id for index in indices}
    poses: dict[int, list[Poses | None]] = {index: [] for index in indices}
    wanted, n_joints = set(ids.values()), dataset.skeleton.n_joints
    for cell in cells:  # one file at a time: those of all cells are large together
        people = read_people(run.prediction_path(cell), n_joints)
        found = group_poses((person for person in people if person["image_id"] in wanted), n_joints)
        for index, image_id in ids.items():
            poses[index].append(found.get(image_id))
    return poses


def _make_image(dataset: Dataset, index: int, poses: Sequence[Poses | None]) -> GalleryImage:
    frame = dataset.frame(index)
    thumbnail = make_thumbnail(frame.image)
    shift = (thumbnail.scale - 1) / 2  # pixel centres are at integers, here and there
    people = []
    for found in (found or no_poses(frame.image_id, dataset.skeleton.n_joints) for found in poses):
        best = np.argsort(-found.score, kind="stable")[:MOST_PEOPLE]
        people.append(found.xy[best] * thumbnail.scale + shift)
    return GalleryImage(
        index=index,
        name=make_visible(frame.file_name or frame.image_id),
        n_pixels=frame.image.shape[0] * frame.image.shape[1],
        thumbnail=thumbnail,
        truth=_pack_truth(dataset.truth(index), thumbnail.scale, shift),
        poses=pack_poses(people),
    )


def _pack_truth(truth: Truth, scale: float, shift: float) -> list[list[int]]:
    """Return, for every annotated person, K times x, y in halves of a thumbnail's pixel, and visible (0, 1 or 2)."""
    units, visible = _to_units(truth.xy * scale + shift), truth.visible[..., None]
    points = np.concatenate([units, visible], axis=2).astype(int)[truth.counted]  # (N, K, 3)
    return [person.ravel().tolist() for person in points]


def _choose_sheet(dataset: Dataset, shown: Sequence[GalleryImage]) -> int:
    """Return the image for the sheet of corruptions: it shows most of somebody, neither from close by nor from afar."""

    def rate(image: GalleryImage) -> tuple[int, float]:
        truth = dataset.truth(image.index)
        shares = np.maximum(truth.area / image.n_pixels, 1e-9)
        people = zip((truth.visible == 2).sum(1), -np.abs(np.log(shares / GOOD_SHARE)), strict=True)
        return max(((int(n_visible), float(fit)) for n_visible, fit in people), default=(0, 0.0))

    return max(shown, key=rate).index


def _spread(n: int) -> list[int]:
    """Return 0..n-1 so that the first ones of any number lie evenly: the ends, the middle, the quarters, …"""
    order = [0, n - 1] if n > 1 else [0]
    step = n
    while step > 1:
        step = (step + 1) // 2
        order += range(step, n - 1, step) if step > 1 else range(n)
    return list(dict.fromkeys(order))


def _thousandths(value: float) -> int | None:
    return None if np.isnan(value) else round(1000 * float(value))
