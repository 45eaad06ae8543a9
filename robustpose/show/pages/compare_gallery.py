"""The gallery of a comparison: the images on which one run is worse or better than another, with the poses of both.

A case is an image in a cell. Of each pair of runs those are here where the second loses most and where it gains most
against the first; a case holds the poses of the runs in its pairs. `templates/compare_gallery.js` shows it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.data.corrupted import CorruptedImages
from robustpose.errors import UserError
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset
from robustpose.pose.types import Floats, Poses
from robustpose.printing import make_visible
from robustpose.results.clean_poses import CleanPosesAsTruth
from robustpose.results.compared import Comparison
from robustpose.results.run_folder import RunFolder
from robustpose.show.pages.gallery import find_lacking, thousandths, want_person
from robustpose.show.pages.gallery_images import UNITS, GalleryImage, make_image, pack_truth, read_poses
from robustpose.show.pages.quality import describe_quality
from robustpose.show.pages.thumbnails import EXPECTED_BYTES, Wanted, make_thumbnails
from robustpose.show.pages.worst_cases import list_losses

COMPARE_BYTES = 3_600_000  # of images and poses
MOST_CASES = 40  # of a pair, in which its second run loses; and as many in which it gains
MOST_IN_ALL_PAIRS = 4  # runs; of more of them, each is held against the first one alone

Pair = tuple[int, int]  # two runs: what the second one loses or gains against the first
Case = tuple[int, int]  # the cell's number, and the image's index in the dataset
Sides = Sequence[Sequence[Path]]  # of each run its folder; of a group of trainings, the folders of all
View = tuple[Case, int]  # what one run found in a case


def make_compare_gallery(
    sides: Sides,
    comparison: Comparison,
    dataset: Dataset,
    corrupted_images: CorruptedImages,
    n_bytes: int = COMPARE_BYTES,
) -> dict[str, Any] | None:
    """Return what `templates/compare_gallery.js` shows, or None where the runs do not differ on any image.

    `sides` are the folders of the runs of `comparison`, in its order: one of each run, or those of all trainings of a
    group, which is as good on an image as its trainings are on average. `dataset` holds the images that all were
    benched on. UserError where runs do not say how good the poses of each image are, or are of other images.
    """
    cells = [CLEAN, *(Cell.from_key(row.name) for row in comparison.rows if row.kind == "cell")]
    of_trainings = [[_read_quality(folder, cells, len(dataset)) for folder in side] for side in sides]
    quality = np.array([np.mean(of_side, axis=0) for of_side in of_trainings])  # (runs, cells, images)
    pairs = list_pairs(len(sides))
    cases = _choose_cases(quality, pairs, n_bytes // EXPECTED_BYTES)
    if not cases:
        return None
    training_of = {  # of a group, the training that is as good as the group is there
        view: int(np.argmin([abs(one[view[0]] - quality[view[1]][view[0]]) for one in of_trainings[view[1]]]))
        for view in ((case, run) for case, runs in cases.items() for run in runs)
    }
    is_against_clean = comparison.metric in HELD_AGAINST_CLEAN
    truths = [[CleanPosesAsTruth(dataset, folder) for folder in side] for side in sides] if is_against_clean else []
    found = _read_found(sides, cells, dataset, training_of)
    images = _make_images(truths[0][0] if truths else dataset, cases, found)
    n_left = n_bytes - sum(image.n_bytes - len(image.thumbnail.base64) for image in images.values())
    lacking = find_lacking(corrupted_images, cells[1:], dataset.frame(0))
    wanted = {case: _want(case, cases, images[case[1]], cells, lacking) for case in cases}
    n_pixels = {index: image.n_pixels for index, image in images.items()}
    thumbnails = make_thumbnails(dataset, corrupted_images, list(wanted.values()), n_pixels, n_left)
    shown = [case for case in cases if wanted[case].place in thumbnails.whole]
    numbers = {index: number for number, index in enumerate(sorted({index for _, index in shown}))}

    def list_case(case: Case) -> dict[str, Any]:
        cell, index = case
        runs, of_image = cases[case], _list_views(index, cases)
        scale = images[index].thumbnail.scale
        return {
            "image": numbers[index],
            "cell": cell,
            "quality": [thousandths(of_run[case]) for of_run in quality],
            "person": wanted[case].person,
            "poses": {run: of_image.index((case, run)) for run in runs},
            "trainings": {run: training_of[case, run] for run in runs},
            "truths": {
                run: pack_truth(truths[run][training_of[case, run]].truth(index), scale) for run in runs if truths
            },
        }

    return {
        "joints": dataset.skeleton.n_joints,
        "limbs": [list(limb) for limb in dataset.skeleton.limbs],
        "units": UNITS,
        "names": [make_visible(name) for name in comparison.names],
        "letters": comparison.letters,
        "trainings": [[make_visible(folder.name) for folder in side] for side in sides],
        "pairs": [list(pair) for pair in pairs],
        "cells": [make_visible(cell.key) for cell in cells],
        "n_images": len(dataset),
        "images": [images[index].to_json() for index in numbers],
        "cases": [list_case(case) for case in shown],
        "thumbnails": {
            f"{numbers[index]} {cells.index(cell)}": content for (index, cell), content in thumbnails.whole.items()
        },
        "crops": {
            f"{numbers[index]} {cells.index(cell)} {person}": content
            for (index, cell, person), content in thumbnails.crops.items()
        },
        "lacking": list(dict.fromkeys(lacking.values())),
        **describe_quality(comparison.metric),
    }


def list_pairs(n_runs: int) -> list[Pair]:
    """Return the pairs of runs that are compared: of many runs, each with the first one.

    >>> list_pairs(3), list_pairs(5)
    ([(0, 1), (0, 2), (1, 2)], [(0, 1), (0, 2), (0, 3), (0, 4)])
    """
    pairs = list(combinations(range(n_runs), 2))
    return pairs if n_runs <= MOST_IN_ALL_PAIRS else [pair for pair in pairs if pair[0] == 0]


def _read_quality(folder: Path, cells: Sequence[Cell], n_images: int) -> Floats:
    """Return how good a run's poses are (cells, images), 0..1, NaN where nobody is to be found."""
    quality = RunFolder(folder).read_quality(cells)
    if quality is None:
        raise UserError(f"{folder} does not say how good the poses of each image are: robustpose score {folder}")
    if len(quality[CLEAN]) != n_images:
        raise UserError(f"the run in {folder} is of {len(quality[CLEAN])} images, the dataset has {n_images}")
    return np.array([quality[cell] for cell in cells])


def _choose_cases(quality: Floats, pairs: Sequence[Pair], most: int) -> dict[Case, list[int]]:
    """Return at most `most` cases, the most important ones first, each with the runs that are looked at there.

    From quality (runs, cells, images): of each pair, by turns, where the second run loses most and where it gains most.
    """
    lists = []
    for first, second in pairs:
        drops = quality[first] - quality[second]
        lists += [[(case, (first, second)) for case in list_losses(of, MOST_CASES)] for of in (drops, -drops)]
    cases: dict[Case, list[int]] = {}
    for entry in (one for rank in zip_longest(*lists) for one in rank if one is not None):
        case, pair = entry
        if case in cases or len(cases) < most:
            of_case = cases.setdefault(case, [])
            of_case += [run for run in pair if run not in of_case]
    return cases


def _list_views(index: int, cases: Mapping[Case, Sequence[int]]) -> list[View]:
    """Return what is looked at on an image: case by case, run by run."""
    return [(case, run) for case, runs in cases.items() if case[1] == index for run in runs]


def _read_found(
    sides: Sides, cells: Sequence[Cell], dataset: Dataset, training_of: Mapping[View, int]
) -> dict[View, Poses | None]:
    """Return the poses of each view; None where nobody was found."""
    views: dict[Path, list[View]] = defaultdict(list)
    for ((cell, index), run), training in training_of.items():
        views[RunFolder(sides[run][training]).prediction_path(cells[cell])].append(((cell, index), run))
    found: dict[View, Poses | None] = {}
    for path, of_file in views.items():
        ids = {view: dataset.frame(view[0][1]).image_id for view in of_file}
        poses = read_poses(path, dataset.skeleton.n_joints, ids.values())
        found |= {view: poses.get(image_id) for view, image_id in ids.items()}
    return found


def _make_images(
    dataset: Dataset, cases: Mapping[Case, Sequence[int]], found: Mapping[View, Poses | None]
) -> dict[int, GalleryImage]:
    """Return the image of each index in the dataset, with the poses of all views of it."""
    indices = dict.fromkeys(index for _, index in cases)
    return {index: make_image(dataset, index, [found[view] for view in _list_views(index, cases)]) for index in indices}


def _want(
    case: Case,
    cases: Mapping[Case, Sequence[int]],
    image: GalleryImage,
    cells: Sequence[Cell],
    lacking: Mapping[Cell, str],
) -> Wanted:
    """Return the image of a case, the clean one where there can be no other, and on whom the runs differ most."""
    ratings = [image.ratings[number] for number, view in enumerate(_list_views(image.index, cases)) if view[0] == case]
    differences = np.ptp(ratings, axis=0)
    cell = cells[case[0]]
    place = (image.index, CLEAN if cell in lacking else cell)
    return want_person(place, image, int(np.argmax(differences)) if len(differences) else -1)
