"""The gallery of a run: which images a page shows, with the truth and every cell's poses; worst cases first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.data.corrupted import CorruptedImages
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Frame, Poses
from robustpose.printing import make_visible
from robustpose.results.run_folder import RunFolder
from robustpose.show.pages.gallery_images import UNITS, GalleryImage, make_image, read_poses
from robustpose.show.pages.people import choose_people
from robustpose.show.pages.thumbnails import Place, Thumbnails, Wanted, is_worth_cropping, make_thumbnails
from robustpose.show.pages.worst_cases import Quality, order_images, order_worst

TOTAL_BYTES = 4_000_000  # of images and poses: with charts and tables a page stays below 6 MB
IMAGES_SHARE = 0.42  # of it for clean images and poses, at most: so that most have a corrupted image, too
MOST_IMAGES = 240
GOOD_SHARE = 0.15  # of its image, for the person that the sheet of corruptions shows


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
    shown = _make_images(dataset, candidates, _read_poses(run, dataset, cells, candidates), n_bytes)
    sheet = _choose_sheet(dataset, shown)
    thumbnails = Thumbnails()
    lacking: dict[Cell, str] = {}
    if corrupted_images is not None:
        lacking = find_lacking(corrupted_images, cells[1:], dataset.frame(sheet))
        wanted = [one for one in _list_wanted(sheet, cells, quality, shown) if one.place[1] not in lacking]
        n_pixels = {image.index: image.n_pixels for image in shown}
        n_left = n_bytes - sum(image.n_bytes for image in shown)
        thumbnails = make_thumbnails(dataset, corrupted_images, wanted, n_pixels, n_left)
    place_of = {image.index: place for place, image in enumerate(shown)}
    corrupted, crops = thumbnails.number(place_of, cells)
    return {
        "joints": dataset.skeleton.n_joints,
        "limbs": [list(limb) for limb in dataset.skeleton.limbs],
        "units": UNITS,
        "cells": [make_visible(cell.key) for cell in cells],
        "n_images": len(dataset),
        "images": [
            {
                **image.to_json(),
                "thumbnail": image.thumbnail.base64,
                "people": choose_people(image.ratings, image.ratings[0]),
                "quality": None if quality is None else [thousandths(quality[cell][image.index]) for cell in cells],
            }
            for image in shown
        ],
        "corrupted": corrupted,
        "crops": crops,
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


def want_person(place: Place, image: GalleryImage, person: int) -> Wanted:
    """Return that an image is shown in a cell, with the person cut out who is looked at there, if that is worth it."""
    is_cut_out = person >= 0 and is_worth_cropping(image.regions[person], image.size_wh)
    return Wanted(place, person, image.regions[person] if is_cut_out else None)


def thousandths(value: float) -> int | None:
    """Return 0.1234 as 123, and None for NaN."""
    return None if np.isnan(value) else round(1000 * float(value))


def _make_images(
    dataset: Dataset, candidates: Sequence[int], poses: Mapping[int, Sequence[Poses | None]], n_bytes: int
) -> list[GalleryImage]:
    """Return as many of the first candidates as their share of the bytes pays for, by their place in the dataset."""
    shown: list[GalleryImage] = []
    left = IMAGES_SHARE * n_bytes
    for index in candidates:
        image = make_image(dataset, index, poses[index])
        left -= image.n_bytes
        if shown and left < 0:
            break
        shown.append(image)
    return sorted(shown, key=lambda image: image.index)


def _list_wanted(
    sheet: int, cells: Sequence[Cell], quality: Quality | None, shown: Sequence[GalleryImage]
) -> list[Wanted]:
    """Return the corrupted images to show, the most important ones first: the sheet's, then the worst cases."""
    images = {image.index: image for image in shown}
    people = {image.index: choose_people(image.ratings, image.ratings[0]) for image in shown}
    worst = [
        want_person((index, cell), images[index], people[index][cells.index(cell)])
        for index, cell in order_worst(quality, cells, list(images))
    ]
    return [*(Wanted((sheet, cell)) for cell in cells[1:]), *(one for one in worst if one.place[0] != sheet)]


def _read_poses(
    run: RunFolder, dataset: Dataset, cells: Sequence[Cell], indices: Sequence[int]
) -> dict[int, list[Poses | None]]:
    """Return the poses in every cell of each image, by its index; None where nobody was found."""
    ids = {index: dataset.truth(index).image_id for index in indices}
    poses: dict[int, list[Poses | None]] = {index: [] for index in indices}
    for cell in cells:  # one file at a time: those of all cells are large together
        found = read_poses(run.prediction_path(cell), dataset.skeleton.n_joints, ids.values())
        for index, image_id in ids.items():
            poses[index].append(found.get(image_id))
    return poses


def _choose_sheet(dataset: Dataset, shown: Sequence[GalleryImage]) -> int:
    """Return the image for the sheet of corruptions: it shows most of somebody, neither from close by nor from afar."""

    def rate(image: GalleryImage) -> tuple[int, float]:
        truth = dataset.truth(image.index)
        shares = np.maximum(truth.area / image.n_pixels, 1e-9)
        people = zip((truth.visible == 2).sum(1), -np.abs(np.log(shares / GOOD_SHARE)), strict=True)
        return max(((int(n_visible), float(fit)) for n_visible, fit in people), default=(0, 0.0))

    return max(shown, key=rate).index
