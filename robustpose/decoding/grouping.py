"""Grouping: heatmaps and tags of a whole image become people, by associative embedding.

Newell et al., NeurIPS 2017, as HigherHRNet is evaluated (Cheng et al., CVPR 2020): joints are taken one kind after the
other, and each found one goes to the person whose mean tag is nearest, or starts a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from robustpose.decoding.peaks import block_maxima, find_peaks, find_tagged, nudge
from robustpose.pose.types import Floats

MAX_PEOPLE = 30  # joints of a kind, and people that take part in an assignment
JOINT_THRESHOLD = 0.1
TAG_THRESHOLD = 1.0  # a joint belongs to a person if its tag is nearer than this
PADDING = 1e10  # cost of leaving a joint to nobody, where there are more joints than people
# COCO's joints from the head outwards: those that are found best start the people.
COCO_ORDER = (0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16)

Tag = npt.NDArray[np.float32]  # (T,)


@dataclass
class _Person:
    joints: npt.NDArray[np.float32]  # (K, 3 + T): x, y, value, tags
    tag_sum: Tag
    n_tags: int

    @property
    def tag(self) -> Tag:
        return self.tag_sum / np.float32(self.n_tags)


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
    """
    heatmaps = np.ascontiguousarray(heatmaps, np.float32)
    tags = np.ascontiguousarray(tags, np.float32)
    n_joints = len(heatmaps)
    if order is None:
        order = COCO_ORDER if n_joints == len(COCO_ORDER) else tuple(range(n_joints))
    people = _match(heatmaps, tags, order, max_people, threshold)
    if not people:
        return np.zeros((0, n_joints, 3 + tags.shape[3]), np.float32), np.zeros(0, np.float32)
    for person in people:
        _adjust(person, heatmaps)
    scores = np.array([person[:, 2].mean() for person in people], np.float32)
    if refine:
        blocks: dict[int, Any] = {}  # of the joints that somebody lacks
        for person in people:
            _complete(person, heatmaps, tags, blocks)
    return np.stack(people), scores


def _match(
    heatmaps: npt.NDArray[np.float32],
    tags: npt.NDArray[np.float32],
    order: tuple[int, ...],
    max_people: int,
    threshold: float,
) -> list[npt.NDArray[np.float32]]:
    """Return people (K, 3 + T) with x, y as whole px."""
    n_joints, n_tags = len(heatmaps), tags.shape[3]
    # By the first number of the tag that started them: who starts with the same one takes the place over.
    people: dict[np.float32, _Person] = {}
    for joint in order:
        peaks = find_peaks(heatmaps[joint], threshold, max_people)
        if not len(peaks):
            continue
        y, x = peaks.T
        found_tags = tags[joint, y, x]  # (n, T)
        found = np.concatenate([peaks[:, ::-1], heatmaps[joint, y, x][:, None], found_tags], axis=1)
        candidates = list(people.values())[:max_people]
        owners = _assign(found, candidates) if candidates else [None] * len(found)
        for row, tag, owner in zip(found, found_tags, owners, strict=True):
            if owner is not None:
                owner.joints[joint] = row
                owner.tag_sum = owner.tag_sum + tag
                owner.n_tags += 1
                continue
            same = people.get(tag[0])
            if same is None:
                same = people[tag[0]] = _Person(np.zeros((n_joints, 3 + n_tags), np.float32), tag, 1)
            same.joints[joint] = row
            same.tag_sum, same.n_tags = tag, 1
    return [person.joints for person in people.values()]


def _assign(found: Floats, candidates: list[_Person]) -> list[_Person | None]:
    """Return whose each found joint (n, 3 + T) is; None for nobody's."""
    apart = np.linalg.norm(found[:, None, 3:] - np.stack([person.tag for person in candidates])[None], axis=2)
    cost = np.round(apart) * 100 - found[:, 2:3]
    # Rounded distances tie often. Which of the best assignments is found hangs on the padding, so it is the published.
    cost = np.pad(cost, ((0, 0), (0, max(len(found) - len(candidates), 0))), constant_values=PADDING)
    owners: list[_Person | None] = [None] * len(found)
    for row, column in zip(*linear_sum_assignment(cost), strict=True):
        if column < len(candidates) and apart[row, column] < TAG_THRESHOLD:
            owners[row] = candidates[column]
    return owners


def _adjust(person: npt.NDArray[np.float32], heatmaps: npt.NDArray[np.float32]) -> None:
    for joint, (x, y, value) in enumerate(person[:, :3]):
        if value > 0:
            person[joint, :2] = nudge(heatmaps[joint], int(y), int(x))


def _complete(
    person: npt.NDArray[np.float32],
    heatmaps: npt.NDArray[np.float32],
    tags: npt.NDArray[np.float32],
    blocks: dict[int, Any],
) -> None:
    """Find places for the joints that a person lacks."""
    held = np.flatnonzero(person[:, 2] > 0)
    missing = np.flatnonzero(person[:, 2] == 0)
    if not len(missing):
        return
    x, y = person[held, :2].astype(int).T
    wanted = tags[held, y, x].mean(0)
    for joint in missing.tolist():
        if joint not in blocks:
            maxima = block_maxima(heatmaps[joint])
            blocks[joint] = maxima, np.argsort(-maxima, axis=None, kind="stable")
        y0, x0 = find_tagged(heatmaps[joint], tags[joint], *blocks[joint], wanted)
        value = heatmaps[joint, y0, x0]
        if value > 0:
            person[joint, :2] = nudge(heatmaps[joint], y0, x0)
            person[joint, 2] = value
