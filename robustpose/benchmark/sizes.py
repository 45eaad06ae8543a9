"""Sizes: the bytes of a run folder, from how many images, people and cells there are and what a few of them take."""

from __future__ import annotations

from dataclasses import dataclass

from robustpose.benchmark.trial import Rates
from robustpose.show.pages.gallery import IMAGES_SHARE, MOST_IMAGES, TOTAL_BYTES
from robustpose.show.pages.gallery_images import MOST_PEOPLE
from robustpose.show.pages.thumbnails import EXPECTED_BYTES, MOST_PIXELS

# Bytes, measured on runs of 8 to 161 images in 1 to 76 cells.
SUMMARY, SUMMARY_OF_CELL = 9_000, 700  # results.jsonl, summary.json, tables, run.json
MATCHES_OF_CELL, MATCHES_OF_PERSON = 1_000, 4.0
SLICES, SLICES_OF_CELL = 20_000, 1_050
SLICES_OF_PEOPLE, RESAMPLED_SLICE = 13, 3_500  # a thousand resamples of one score of a slice or joint
PAGE, PAGE_OF_CELL = 190_000, 2_200  # without images and plotly.js
PLOTLY = 1_200_000
POSE_OF_JOINT = 2.5  # in the gallery
TRUTH_OF_JOINT = 12.0
CROPS = 0.35  # of the bytes of corrupted images, beside them: who is cut out of images of more than `LARGE` pixels
LARGE = 416 * 312


@dataclass(frozen=True)
class Counts:
    """How much there is of what takes room."""

    n_images: int
    n_people: int  # who are looked at in an image's boxes, or annotated
    n_units: int  # of `Rates`
    n_cells: int
    n_joints: int
    n_pixels: float  # of an image, on average
    has_slices: bool
    has_page: bool
    n_bytes_there: int = 0  # of predictions files of finished cells
    n_cells_there: int = 0


def count_thumbnails(counts: Counts, rates: Rates) -> tuple[int, int]:
    """Return how many clean and how many corrupted images the page of a run shows."""
    if not rates.bytes_of_thumbnail or counts.n_cells == 1:  # a page of clean images has no gallery
        return 0, 0
    of_image = _measure_image(counts, rates)
    n_clean = min(counts.n_images, MOST_IMAGES, max(int(IMAGES_SHARE * TOTAL_BYTES / of_image), 1))
    left = max(TOTAL_BYTES - n_clean * of_image, 0)
    most = min(left / EXPECTED_BYTES, left / _measure_corrupted(counts, rates), MOST_PIXELS / max(counts.n_pixels, 1))
    return n_clean, min(n_clean * (counts.n_cells - 1), int(most))


def measure_predictions(counts: Counts, rates: Rates) -> int:
    """Return the bytes of the predictions files of all cells."""
    n_lacking = counts.n_cells - counts.n_cells_there
    return counts.n_bytes_there + round(n_lacking * (counts.n_units * rates.bytes_of_unit + 4))


def measure_folder(counts: Counts, rates: Rates) -> int:
    """Return the bytes of a finished run folder."""
    total = SUMMARY + SUMMARY_OF_CELL * counts.n_cells
    total += measure_predictions(counts, rates)
    total += round(counts.n_cells * (MATCHES_OF_CELL + MATCHES_OF_PERSON * counts.n_people))
    if counts.has_slices:
        total += SLICES + SLICES_OF_CELL * counts.n_cells
        n_scores = 1 if counts.n_cells == 1 else 2 if counts.n_cells < 50 else 3  # clean, and a mean, and its ratio
        total += RESAMPLED_SLICE * n_scores * (SLICES_OF_PEOPLE + counts.n_joints)
    if counts.has_page:
        n_clean, n_corrupted = count_thumbnails(counts, rates)
        total += PAGE + PAGE_OF_CELL * counts.n_cells + PLOTLY
        total += round(n_clean * _measure_image(counts, rates) + n_corrupted * _measure_corrupted(counts, rates))
    return total


def _measure_image(counts: Counts, rates: Rates) -> float:
    """Return the bytes that an image and its poses in all cells take on the page, on average."""
    people = counts.n_people / max(counts.n_images, 1)
    poses = POSE_OF_JOINT * counts.n_joints * min(people, MOST_PEOPLE) * counts.n_cells
    return rates.bytes_of_thumbnail + poses + TRUTH_OF_JOINT * counts.n_joints * people + 5 * counts.n_cells


def _measure_corrupted(counts: Counts, rates: Rates) -> float:
    """Return the bytes that a corrupted image takes on the page, with who is cut out of it, on average."""
    return rates.bytes_of_corrupted * (1 + CROPS * (counts.n_pixels > LARGE))
