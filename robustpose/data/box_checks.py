"""Boxes and joints held against images: whether they are what they should be, x y width height in px of these images.

What cannot be right is an error; what could be right but hardly is gives a warning, which results carry.
"""

from __future__ import annotations

import numpy as np

from robustpose.errors import UserError
from robustpose.pose.protocols import Mask
from robustpose.pose.types import Floats

WANTED = "x y width height"
BEYOND = 0.1  # of an image's side: how far a box may reach out of it
UNIT = 1.5  # px; where all coordinates are smaller, they are fractions of the image
LEAST_SIDE = 10 * UNIT  # px, of an image in which that can be told
SOME = 0.05  # of detected boxes: a few may be specks in the corner
MOST = 0.5  # of the boxes, joints or people
OVERLAP = 0.3  # intersection over union of a box that finds a person
SEVERAL = 5  # people who are asked for an opinion
MANY, FAR = 20, 0.8  # among so many boxes, some reach beyond this part of their image
# Of the area of a box: COCO's people fill about half of it.
LEAST_AREA, MOST_AREA = 0.05, 1.5


def check_boxes(boxes_xywh: Floats, sizes_wh: Floats, what: str, wanted: str = WANTED) -> list[str]:
    """Return the warnings that boxes (N, 4) in images of sizes (N, 2) px give rise to; messages begin with `what`.

    `wanted` are the numbers of a box that whoever gives them was asked for.

    Raises:
        UserError: they are fractions of the image, or x1 y1 x2 y2.
    """
    if not len(boxes_xywh):
        return []
    if np.abs(boxes_xywh).max() <= UNIT and sizes_wh.min() > LEAST_SIDE:
        raise UserError(
            f"{what} are fractions of the image, at most {np.abs(boxes_xywh).max():.3g}: expected px, {wanted}"
        )
    in_fractions = find_fractions(boxes_xywh, sizes_wh)
    if in_fractions.mean() > SOME:
        raise UserError(
            f"{in_fractions.sum()} of {len(boxes_xywh)} {what} are fractions of the image, such as "
            f"{spell(boxes_xywh[in_fractions][0])}: expected px, {wanted}"
        )
    far = boxes_xywh[:, :2] + boxes_xywh[:, 2:]
    beyond = (far > (1 + BEYOND) * sizes_wh) | (boxes_xywh[:, :2] < -BEYOND * sizes_wh)
    leaves: Mask = np.asarray(beyond.any(1))
    if wanted == WANTED and _are_corners(boxes_xywh, sizes_wh) and leaves.mean() > 0.2:
        raise UserError(
            f"{what} seem to be x1 y1 x2 y2, such as {spell(boxes_xywh[leaves][0])}: expected x y width height. So "
            f"read, {leaves.sum()} of {len(leaves)} reach far out of their images, as corners none does"
        )
    if len(boxes_xywh) >= MANY and (far < FAR * sizes_wh).all():
        return [
            f"none of {len(far)} {what} reaches into the last fifth of its image, right or down: are they in px, of "
            "images of this size?"
        ]
    if leaves.mean() > MOST:
        example = np.flatnonzero(leaves)[0]
        return [
            f"{leaves.sum()} of {len(leaves)} {what} reach far out of their images, such as "
            f"{spell(boxes_xywh[example])} out of {spell(sizes_wh[example])}: are they {wanted}, in px, of "
            "images of this size?"
        ]
    return []


def find_fractions(boxes_xywh: Floats, sizes_wh: Floats) -> Mask:
    """Return which boxes (N, 4) xywh are fractions of their images of sizes (N, 2) px, rather than px: (N,)."""
    is_small = (np.abs(boxes_xywh) <= UNIT).all(1) & (boxes_xywh[:, 2:] > 0).all(1)
    is_whole = (boxes_xywh == np.round(boxes_xywh)).all(1)  # 0 0 1 1 stands for no box, too
    return np.asarray(is_small & ~is_whole & (sizes_wh.min(1) > LEAST_SIDE))


def check_joints(xy: Floats, is_annotated: Mask, boxes_xywh: Floats, sizes_wh: Floats, where: str) -> list[str]:
    """Return the warnings that N annotated people give rise to whose joints are not where their boxes are.

    Args:
        xy: (N, K, 2) px.
        is_annotated: (N, K), at least one joint of each person.
        boxes_xywh: (N, 4) px.
        sizes_wh: (N, 2) px, of their images.
        where: what they are from, for messages.

    Raises:
        UserError: joints are fractions of the image, or boxes are x1 y1 x2 y2.
    """
    if len(xy) < SEVERAL:
        return []
    largest = np.abs(xy[is_annotated]).max()
    if largest <= UNIT:
        raise UserError(f"keypoints of {where} are fractions of the image, at most {largest:.3g}: expected px")
    far = np.where(is_annotated[:, :, None], xy, -np.inf).max(1)  # (N, 2): the last joint right and down
    gap, gap_to_corner = (abs(far - end) for end in (boxes_xywh[:, :2] + boxes_xywh[:, 2:], boxes_xywh[:, 2:]))
    if _are_corners(boxes_xywh, sizes_wh) and (gap_to_corner < gap - 1).all(1).mean() > 0.9:
        raise UserError(
            f"annotated boxes of {where} seem to be x1 y1 x2 y2, such as {spell(boxes_xywh[0])}: expected x y width "
            "height. As corners they end where the joints do"
        )
    margin = BEYOND * boxes_xywh[:, None, 2:] + 2
    low, high = boxes_xywh[:, None, :2] - margin, boxes_xywh[:, None, :2] + boxes_xywh[:, None, 2:] + margin
    inside = ((xy >= low) & (xy <= high)).all(2) & is_annotated
    is_strange = inside.sum(1) < MOST * is_annotated.sum(1)
    if is_strange.mean() <= MOST:
        return []
    return [
        f"{is_strange.sum()} of {len(xy)} annotated people of {where} have most of their joints outside their "
        "boxes: are joints x, y and visibility in px, boxes x y width height in px, both of images of this size?"
    ]


def check_areas(areas: Floats, boxes_xywh: Floats, where: str) -> list[str]:
    """Return the warning that areas (N,) px² give rise to which do not go with the boxes (N, 4) of the same people."""
    known = (areas > 0) & (boxes_xywh[:, 2:] > 0).all(1)
    parts = areas[known] / boxes_xywh[known, 2:].prod(1)
    if len(parts) < SEVERAL or LEAST_AREA <= np.median(parts) <= MOST_AREA:
        return []
    return [
        f"areas of people in {where} are {np.median(parts):.2g} of those of their boxes (the median), and poses are "
        "scored by them: are they in px²? area: box (--area box) takes 0.53 of those of the boxes"
    ]


def check_scores(scores: Floats, where: str) -> list[str]:
    """Return the warnings that scores (N,) of detected boxes give rise to.

    Raises:
        UserError: some are below 0, so that a pose's score times that of its box turns the order around.
    """
    if not len(scores):
        return []
    if scores.min() < 0:
        raise UserError(
            f"scores of boxes of {where} must be 0 or more, got {scores.min():.6g} ({(scores < 0).sum()} of "
            f"{len(scores)} are below 0): are they logarithms? A pose's score is its own times that of its box"
        )
    if scores.max() == 0:
        return [f"all scores of boxes of {where} are 0, and so are those of all poses: their order says nothing"]
    doubts = []
    if scores.max() > 1:
        doubts.append(
            f"{(scores > 1).sum()} of {len(scores)} scores of boxes of {where} are above 1, up to {scores.max():.6g}: "
            "are they percent or logits? A pose's score is its own times that of its box"
        )
    if len(scores) >= SEVERAL and scores.min() == scores.max():
        doubts.append(
            f"all {len(scores)} scores of boxes of {where} are {scores[0]:.6g}: are they those of the detector? Poses "
            "are ranked by them"
        )
    return doubts


def _are_corners(boxes_xywh: Floats, sizes_wh: Floats) -> bool:
    """Tell whether boxes (N, 4) would be as right as corners, x1 y1 x2 y2: hardly any set of true boxes is."""
    in_order, inside = boxes_xywh[:, 2:] > boxes_xywh[:, :2], boxes_xywh[:, 2:] <= 1.02 * sizes_wh + 1
    return bool((in_order & inside).all(1).mean() > 0.95)


def count_found(people: Floats, boxes: Floats) -> int:
    """Return how many annotated people (N, 4) any of the boxes (M, 4) overlaps, both xyxy px in the same image."""
    low, high = np.maximum(people[:, None, :2], boxes[:, :2]), np.minimum(people[:, None, 2:], boxes[:, 2:])
    both = (high - low).clip(0).prod(2)  # (N, M)
    area, of_box = ((corners[:, 2:] - corners[:, :2]).prod(1) for corners in (people, boxes))
    return int((both > OVERLAP * (area[:, None] + of_box - both)).any(1).sum())


def spell(numbers: Floats) -> str:
    """Return numbers for messages: ``5 8.5 40 70``."""
    return " ".join(f"{number:.6g}" for number in numbers)
