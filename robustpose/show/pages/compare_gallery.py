"""The gallery of a comparison: the images on which one run is worse or better than another, with the poses of both.

A case is an image in a cell. Of each pair of runs those are here where the second loses most and where it gains most
against the first; a case holds the poses of the runs in its pairs. `templates/compare_gallery.js` shows it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Cases:
    """Cases that are looked at, with the poses of runs in them."""

    cells: Sequence[Cell]
    trainings: Mapping[View, int]  # whose poses are shown; 0 for runs that are no groups
    images: Mapping[int, GalleryImage]  # by their index in the dataset, with a list of poses for each view of them
    truths: Sequence[Sequence[Dataset]]  # of each run and training, what its poses are held against; () where it is one

    def to_json(self, case: Case) -> dict[str, Any]:
        """Return of each run in a case: which list of poses is its own, whose they are, and its own truth if it has."""
        views = _list_views(case[1], self.trainings)
        image = self.images[case[1]]
        chosen = {view[1]: self.trainings[view] for view in views if view[0] == case}
        truths = {run: self.truths[run][training].truth(case[1]) for run, training in chosen.items() if self.truths}
        return {
            "poses": {run: views.index((case, run)) for run in chosen},
            "trainings": chosen,
            "truths": {run: pack_truth(truth, image.thumbnail.scale) for run, truth in truths.items()},
        }

    def want(self, case: Case, lacking: Mapping[Cell, str]) -> Wanted:
        """Return the image of a case, the clean one where there can be no other, and on whom the runs differ most."""
        (number, index), image = case, self.images[case[1]]
        views = _list_views(index, self.trainings)
        ratings = [rating for rating, view in zip(image.ratings, views, strict=True) if view[0] == case]
        differences = np.ptp(ratings, axis=0)
        cell = self.cells[number]
        place = (index, CLEAN if cell in lacking else cell)
        return want_person(place, image, int(np.argmax(differences)) if len(differences) else -1)


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
    benched on; of a comparison of a part, the images of that alone are shown. UserError where runs do not say how good
    the poses of each image are, or are of other images.
    """
    cells = [CLEAN, *(Cell.from_key(row.name) for row in comparison.rows if row.kind == "cell")]
    qualities = [np.array([_read_quality(folder, cells, len(dataset)) for folder in side]) for side in sides]
    quality = np.array([of_side.mean(0) for of_side in qualities])  # (runs, cells, images)
    if comparison.part is not None:
        quality[:, :, ~comparison.part.select(len(dataset))] = np.nan  # as where nobody is: nothing is lost there
    pairs = list_pairs(len(sides))
    runs_of = _choose_cases(quality, pairs, n_bytes // EXPECTED_BYTES)
    if not runs_of:
        return None
    is_against_clean = comparison.metric in HELD_AGAINST_CLEAN
    cases = _gather(sides, cells, dataset, _choose_trainings(runs_of, qualities), is_against_clean)
    lacking = find_lacking(corrupted_images, cells[1:], dataset.frame(0))
    wanted = {case: cases.want(case, lacking) for case in runs_of}
    n_pixels = {index: image.n_pixels for index, image in cases.images.items()}
    n_left = n_bytes - sum(image.n_bytes - len(image.thumbnail.base64) for image in cases.images.values())
    thumbnails = make_thumbnails(dataset, corrupted_images, list(wanted.values()), n_pixels, n_left)
    shown = [case for case in runs_of if wanted[case].place in thumbnails.whole]
    if not shown:
        return None
    number_of = {index: number for number, index in enumerate(sorted({index for _, index in shown}))}
    whole, crops = thumbnails.number(number_of, cells)
    return {
        "joints": dataset.skeleton.n_joints,
        "limbs": [list(limb) for limb in dataset.skeleton.limbs],
        "units": UNITS,
        "names": [make_visible(name) for name in comparison.names],
        "letters": comparison.letters,
        "trainings": [[make_visible(name) for name in names] for names in comparison.trainings],
        "is_against_clean": is_against_clean,
        "pairs": [list(pair) for pair in pairs],
        "cells": [make_visible(cell.key) for cell in cells],
        "n_images": comparison.n_images,
        "images": [cases.images[index].to_json() for index in number_of],
        "cases": [
            {
                "image": number_of[case[1]],
                "cell": case[0],
                "quality": [thousandths(of_run[case]) for of_run in quality],
                "person": wanted[case].person,
                **cases.to_json(case),
            }
            for case in shown
        ],
        "thumbnails": whole,
        "crops": crops,
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


def _choose_trainings(runs_of: Mapping[Case, Sequence[int]], qualities: Sequence[Floats]) -> dict[View, int]:
    """Return by view the training that is nearest to its group's mean, from qualities (trainings, cells, images)."""
    views = [(case, run) for case, runs in runs_of.items() for run in runs]
    scores = {(case, run): qualities[run][(slice(None), *case)] for case, run in views}
    return {view: int(np.argmin(np.abs(of - of.mean()))) for view, of in scores.items()}


def _gather(
    sides: Sides, cells: Sequence[Cell], dataset: Dataset, trainings: Mapping[View, int], is_against_clean: bool
) -> _Cases:
    """Read what runs found in the cases that are looked at."""
    truths = [[CleanPosesAsTruth(dataset, folder) for folder in side] for side in sides] if is_against_clean else []
    views: dict[Path, list[View]] = defaultdict(list)
    for ((cell, index), run), training in trainings.items():
        views[RunFolder(sides[run][training]).prediction_path(cells[cell])].append(((cell, index), run))
    found: dict[View, Poses | None] = {}
    for path, of_file in views.items():
        ids = {view: dataset.frame(view[0][1]).image_id for view in of_file}
        poses = read_poses(path, dataset.skeleton.n_joints, ids.values())
        found |= {view: poses.get(image_id) for view, image_id in ids.items()}
    with_truth = truths[0][0] if truths else dataset
    images = {
        index: make_image(with_truth, index, [found[view] for view in _list_views(index, trainings)])
        for index in dict.fromkeys(case[1] for case, _ in trainings)
    }
    return _Cases(cells, trainings, images, truths)


def _list_views(index: int, views: Iterable[View]) -> list[View]:
    """Return those views that are of an image."""
    return [view for view in views if view[0][1] == index]
