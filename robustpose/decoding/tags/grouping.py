"""Grouping: heatmaps and tags of a whole image become people, by associative embedding.

Newell et al., NeurIPS 2017, as HigherHRNet is evaluated (Cheng et al., CVPR 2020): joints are taken one kind after the
other, and each found one goes to the person whose mean tag is nearest, or starts a person.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from robustpose.decoding.tags.assignment import assign
from robustpose.decoding.tags.peaks import block_maxima, find_peaks, nudge
from robustpose.decoding.tags.search import find_tagged, tag_ranges
from robustpose.errors import UserError
from robustpose.pose.types import Floats

MAX_PEOPLE = 30  # joints of a kind, and people that take part in an assignment
JOINT_THRESHOLD = 0.1
TAG_THRESHOLD = 1.0  # a joint belongs to a person if its tag is nearer than this
PADDING = 1e10  # cost of leaving a joint to nobody, where there are more joints than people
# COCO's joints from the head outwards: those that are found best start the people.
COCO_ORDER = (0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16)


def group_people(
    heatmaps: Floats,
    tags: Floats,
    *,
    refine: bool = True,
    max_people: int = MAX_PEOPLE,
    threshold: float = JOINT_THRESHOLD,
    order: tuple[int, ...] | None = None,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return people (N, K, 3 + T) as x, y, value and tags of each joint, and their scores (N,).

    A joint that is not found has value 0, unless `refine` finds a place for it; its tags stay 0. A score is the mean
    of the K values before that.

    Args:
        heatmaps: (K, H, W).
        tags: (K, H, W, T).
        refine: look for joints that a person lacks, where the heatmap is high and the tag is near the person's.
        max_people: joints of a kind that are looked at, and people that take part in an assignment.
        threshold: a joint's heatmap must be above it.
        order: of the joints; by default COCO's from the head outwards, or as they are.

    Raises:
        UserError: the shapes do not fit each other.
    """
    heatmaps = np.ascontiguousarray(heatmaps, np.float32)
    tags = np.ascontiguousarray(tags, np.float32)
    if heatmaps.ndim != 3 or tags.ndim != 4 or tags.shape[:3] != heatmaps.shape:
        raise UserError(
            f"heatmaps must be (K, H, W) and tags (K, H, W, T) of the same K, H and W, "
            f"got {heatmaps.shape} and {tags.shape}"
        )
    if not tags.size:
        return np.zeros((0, len(heatmaps), 3 + tags.shape[3]), np.float32), np.zeros(0, np.float32)
    if order is None:
        order = COCO_ORDER if len(heatmaps) == len(COCO_ORDER) else tuple(range(len(heatmaps)))
    maxima = np.stack([block_maxima(heatmap) for heatmap in heatmaps])
    people = _match(heatmaps, tags, maxima, np.array(order), max_people, threshold)
    _adjust(people, heatmaps)
    scores = np.array([person[:, 2].mean() for person in people], np.float32)
    if refine:
        _complete(people, heatmaps, tags, maxima)
    return people, scores


@njit(cache=True)
def _match(heatmaps, tags, maxima, order, max_people, threshold):  # type: ignore[no-untyped-def]
    """Return people (N, K, 3 + T) with x, y as whole px."""
    n_joints, n_tags = len(heatmaps), tags.shape[3]
    most = n_joints * max_people
    people = np.zeros((most, n_joints, 3 + n_tags), np.float32)
    starts = np.empty(most, np.float32)  # the first number of the tag that started a person
    tag_sums = np.empty((most, n_tags), np.float32)
    counts = np.empty(most, np.int64)
    n_people = 0
    for joint in order:
        peaks = find_peaks(heatmaps[joint], maxima[joint], threshold, max_people)
        n_candidates = min(n_people, max_people)
        owners = np.full(len(peaks), -1)
        if len(peaks) and n_candidates:
            owners = _assign_owners(peaks, heatmaps[joint], tags[joint], tag_sums[:n_candidates], counts)
        for i in range(len(peaks)):
            y, x = peaks[i]
            tag, owner = tags[joint, y, x], owners[i]
            if owner < 0:  # who starts with the same number as somebody takes that place over
                owner = 0
                while owner < n_people and starts[owner] != tag[0]:
                    owner += 1
                n_people = max(n_people, owner + 1)
                starts[owner] = tag[0]
                tag_sums[owner] = tag
                counts[owner] = 1
            else:
                tag_sums[owner] += tag
                counts[owner] += 1
            people[owner, joint, 0], people[owner, joint, 1], people[owner, joint, 2] = x, y, heatmaps[joint, y, x]
            people[owner, joint, 3:] = tag
    return people[:n_people].copy()


@njit(cache=True)
def _assign_owners(peaks, heatmap, tags, tag_sums, counts):  # type: ignore[no-untyped-def]
    """Return whose each peak (n, 2) is, -1 for nobody's."""
    n, n_candidates = len(peaks), len(tag_sums)
    # The padding is part of the published rule: beside it costs lose digits, and so more of them tie.
    cost = np.full((n, max(n, n_candidates)), PADDING)
    apart = np.empty((n, n_candidates))
    for i in range(n):
        y, x = peaks[i]
        for candidate in range(n_candidates):
            total = 0.0
            for t in range(tags.shape[2]):
                mean = tag_sums[candidate, t] / np.float32(counts[candidate])
                total += (np.float64(tags[y, x, t]) - np.float64(mean)) ** 2
            apart[i, candidate] = np.sqrt(total)
            cost[i, candidate] = np.rint(apart[i, candidate]) * 100 - np.float64(heatmap[y, x])
    owners = assign(cost)
    for i in range(n):
        if owners[i] >= n_candidates or apart[i, owners[i]] >= TAG_THRESHOLD:
            owners[i] = -1
    return owners


@njit(cache=True)
def _adjust(people, heatmaps):  # type: ignore[no-untyped-def]
    for person in people:
        for joint in range(len(person)):
            if person[joint, 2] > 0:
                place = nudge(heatmaps[joint], int(person[joint, 1]), int(person[joint, 0]))
                person[joint, 0], person[joint, 1] = place


@njit(cache=True)
def _complete(people, heatmaps, tags, maxima):  # type: ignore[no-untyped-def]
    """Find places for the joints that people lack."""
    n_joints, n_tags = len(heatmaps), tags.shape[3]
    wanted = np.zeros((len(people), n_tags), np.float32)
    for i in range(len(people)):
        n_held = 0
        for joint in range(n_joints):
            if people[i, joint, 2] > 0:
                wanted[i] += tags[joint, int(people[i, joint, 1]), int(people[i, joint, 0])]
                n_held += 1
        wanted[i] /= np.float32(n_held)
    for joint in range(n_joints):
        if (people[:, joint, 2] > 0).all():
            continue
        ranges = tag_ranges(tags[joint])
        for i in range(len(people)):
            if people[i, joint, 2] == 0:
                y, x = find_tagged(heatmaps[joint], tags[joint], maxima[joint], ranges, wanted[i])
                value = heatmaps[joint, y, x]
                if value > 0:
                    people[i, joint, 0], people[i, joint, 1] = nudge(heatmaps[joint], y, x)
                    people[i, joint, 2] = value
