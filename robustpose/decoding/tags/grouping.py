"""Grouping: the heatmaps and tags of a whole image become people, by associative embedding.

Newell et al., NeurIPS 2017, as HigherHRNet is evaluated (Cheng et al., CVPR 2020). Joints are taken one kind after the
other. Every peak of a heatmap is a joint; it goes to the person whose mean tag is nearest to the joint's, or starts a
new person. All joints of a kind are given out at once, by the assignment that costs least in total; of several that
cost the same, the one that `assignment.py` describes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from robustpose.decoding.tags.assignment import assign
from robustpose.decoding.tags.peaks import find_block_maxima, find_peaks, place_in_pixel
from robustpose.decoding.tags.search import find_nearest_tag, find_tag_ranges
from robustpose.errors import UserError
from robustpose.pose.types import Floats

MAX_PEOPLE = 30  # peaks of one kind of joint, and people that take part in an assignment
JOINT_THRESHOLD = 0.1
TAG_THRESHOLD = 1.0  # a joint belongs to a person if their tags are nearer than this
PADDING = 1e10  # cost of giving a joint to nobody, where there are more joints than people
# COCO's joints from the head outwards: those that are found best start the people.
COCO_ORDER = (0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16)


def group_people(
    heatmaps: Floats,
    tags: Floats,
    *,
    refine: bool = True,
    max_people: int = MAX_PEOPLE,
    threshold: float = JOINT_THRESHOLD,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return people (N, K, 3 + T) as x px, y px, confidence and T tags of every joint, and the people's scores (N,).

    Heatmaps are (K, H, W), tags (K, H, W, T). A joint's confidence is the heatmap's value at its pixel; 0 for a joint
    that is not found, unless `refine` finds a place for it where the heatmap is high and the tag is near the person's
    (its tags stay 0). A score is the mean of the K confidences before that.

    Args:
        max_people: peaks of one kind of joint that are looked at, and people that take part in an assignment, at most.
        threshold: a peak of a heatmap must be above it.

    Raises:
        UserError: shapes do not fit, or a peak or its tag is not finite where it is compared with people's.
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
    order = COCO_ORDER if len(heatmaps) == len(COCO_ORDER) else tuple(range(len(heatmaps)))
    block_maxima = np.stack([find_block_maxima(heatmap) for heatmap in heatmaps])  # (K, rows, columns)
    people = _match(heatmaps, tags, block_maxima, np.array(order), max_people, threshold)
    scores = np.array([person[:, 2].mean() for person in people], np.float32)
    if refine:
        _complete(people, heatmaps, tags, block_maxima)
    return people, scores


@njit(cache=True)
def _match(heatmaps, tags, block_maxima, order, max_people, threshold):  # type: ignore[no-untyped-def]
    """Return people (N, K, 3 + T), with the joints that have a peak.

    Joints are taken in the order (K,); block_maxima (K, rows, columns) is that of `find_block_maxima`.
    """
    n_joints, n_tags = len(heatmaps), tags.shape[3]
    most = n_joints * max_people
    people = np.zeros((most, n_joints, 3 + n_tags), np.float32)
    first_tags = np.empty(most, np.float32)  # the first number of the tag that started each person
    tag_sums = np.empty((most, n_tags), np.float32)  # of each person's joints so far
    counts = np.empty(most, np.int64)  # of these joints
    n_people = 0
    for joint in order:
        peaks = find_peaks(heatmaps[joint], block_maxima[joint], threshold, max_people)
        n_candidates = min(n_people, max_people)
        owners = np.full(len(peaks), -1)
        if len(peaks) and n_candidates:
            owners = _assign_owners(peaks, heatmaps[joint], tags[joint], tag_sums[:n_candidates], counts)
        for i in range(len(peaks)):
            y, x = peaks[i]
            tag, owner = tags[joint, y, x], owners[i]
            if owner < 0:
                # The published program knows people by the first number of the tag that started them: a new person
                # with the number of an old one adds to its joints and starts its tags anew.
                owner = 0
                while owner < n_people and first_tags[owner] != tag[0]:
                    owner += 1
                n_people = max(n_people, owner + 1)
                first_tags[owner] = tag[0]
                tag_sums[owner] = tag
                counts[owner] = 1
            else:
                tag_sums[owner] += tag
                counts[owner] += 1
            people[owner, joint, 0], people[owner, joint, 1] = place_in_pixel(heatmaps[joint], y, x)
            people[owner, joint, 2] = heatmaps[joint, y, x]
            people[owner, joint, 3:] = tag
    return people[:n_people].copy()


@njit(cache=True)
def _assign_owners(peaks, heatmap, tags, tag_sums, counts):  # type: ignore[no-untyped-def]
    """Return the person index of each peak (n,), or -1 for a new person.

    Peaks (n, 2) are pixels y, x of one kind of joint, with its heatmap (H, W) and tags (H, W, T). Of the people so far
    there is the sum of their joints' tags (N, T), and how many joints these are (N or more,).
    """
    n, n_candidates = len(peaks), len(tag_sums)
    # The padding is part of the published rule: beside it costs lose digits, and so more of them tie.
    cost = np.full((n, max(n, n_candidates)), PADDING)
    distance = np.empty((n, n_candidates))
    for i in range(n):
        y, x = peaks[i]
        for candidate in range(n_candidates):
            total = 0.0
            for t in range(tags.shape[2]):
                mean = tag_sums[candidate, t] / np.float32(counts[candidate])
                total += (np.float64(tags[y, x, t]) - np.float64(mean)) ** 2
            distance[i, candidate] = np.sqrt(total)
            # Rounded distances tie often; then the surer peak goes first.
            cost[i, candidate] = np.rint(distance[i, candidate]) * 100 - np.float64(heatmap[y, x])
            if not np.isfinite(cost[i, candidate]):
                raise UserError("heatmaps and tags must be finite, got NaN or infinity: are the weights broken?")
    owners = assign(cost)
    for i in range(n):
        if owners[i] >= n_candidates or distance[i, owners[i]] >= TAG_THRESHOLD:
            owners[i] = -1
    return owners


@njit(cache=True)
def _complete(people, heatmaps, tags, block_maxima):  # type: ignore[no-untyped-def]
    """Find places for the joints that people (N, K, 3 + T), changed in place, lack: by the mean of their tags."""
    n_joints, n_tags = len(heatmaps), tags.shape[3]
    mean_tags = np.zeros((len(people), n_tags), np.float32)
    for i in range(len(people)):
        n_found = 0
        for joint in range(n_joints):
            if people[i, joint, 2] > 0:
                mean_tags[i] += tags[joint, int(people[i, joint, 1]), int(people[i, joint, 0])]
                n_found += 1
        mean_tags[i] /= np.float32(n_found)
    for joint in range(n_joints):
        if (people[:, joint, 2] > 0).all():
            continue
        ranges = find_tag_ranges(tags[joint])
        for i in range(len(people)):
            if people[i, joint, 2] == 0:
                y, x = find_nearest_tag(heatmaps[joint], tags[joint], block_maxima[joint], ranges, mean_tags[i])
                confidence = heatmaps[joint, y, x]
                if confidence > 0:
                    people[i, joint, 0], people[i, joint, 1] = place_in_pixel(heatmaps[joint], y, x)
                    people[i, joint, 2] = confidence
