"""Targets of PifPaf's networks: which cells see a joint or a connection, and where its ends are from there.

Composite fields as Kreiss et al. (CVPR 2019) define them. Which cells are positive, and how large a joint is, the paper
leaves open; what is drawn here is what we know of the published program's version 0.10, and has not been held against
its output:

- Joints: the 4×4 cells around a joint, two columns on each side of it and two rows. Where those of two people meet, a
  cell belongs to the nearer joint. A joint's scale is its OKS sigma times the square root of the area of the box around
  the person's annotated joints, in the crop, those beyond its border included.
- Connections: the cells of a square of 3×3 that moves from joint to joint, between two annotated ones. It keeps 2.5
  cells away from both, or 0.4 of the way if that is less. Where two people's meet, a cell belongs to the nearer one.
- All other cells are background, right up to the positive ones. Of the people whom nobody has annotated, and outside
  the image, nothing is known; the program learns background outside.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from robustpose.models.input_spec import InputSpec
from robustpose.models.pifpaf import STRIDE, UPSCALE
from robustpose.pose.skeletons import COCO, Skeleton, list_connections
from robustpose.pose.types import Floats
from robustpose.train.whole_images import PeopleInCrop, find_kept

SIDE = 4  # cells, of the square around a joint
WIDTH = 3.0  # cells, of the square that moves along a connection
FREE_ENDS = WIDTH / 2 + 1  # cells from its middle to either joint
MOST_FREE = 0.4  # of the length, at either end
LEAST_AREA = 1.0  # cells², of a box that says how large somebody is


def draw_field_targets(
    crowd: PeopleInCrop, input_spec: InputSpec, skeleton: Skeleton = COCO
) -> dict[str, npt.NDArray[Any]]:
    """Return what `fields.FieldObjective` wants of a crop: float32, lengths in cells.

    With K joints, L connections and (h, w) = `count_cells` of the input spec's input:

    - `pif_confidence` (K, h, w) and `paf_confidence` (L, h, w): 1 or 0, NaN where nothing is known;
    - `pif_vector` (K, 2, h, w): x and y from a positive cell to the joint, 0 elsewhere;
    - `pif_scale` (K, h, w): of the joint at a positive cell; 0 elsewhere, and where joints are too few or too near each
      other to tell;
    - `paf_vectors` (2, L, 2, h, w): from a positive cell to the connection's first and second joint, 0 elsewhere.

    Cell (i, j) is at pixel (8·i, 8·j).

    Args:
        crowd: the people in the crop.
        input_spec: gives the input size.
        skeleton: gives sigmas and connections; of COCO's joints always COCO's own, which is what networks are made for.
    """
    ends = np.array(list_connections(skeleton), np.int64).reshape(-1, 2)
    map_wh = count_cells(input_spec.input_wh)
    shape_hw = map_wh[::-1]
    joints = np.ascontiguousarray(crowd.crop_xy, np.float64) / STRIDE
    annotated = np.ascontiguousarray(crowd.visible > 0)
    scales = _measure_people(joints, annotated)[:, None] * np.array(skeleton.sigmas)  # (N, K)

    pif_confidence, pif_scale = np.zeros((2, skeleton.n_joints, *shape_hw), np.float32)
    pif_vector = np.zeros((skeleton.n_joints, 2, *shape_hw), np.float32)
    _draw_joints(joints, annotated, scales, pif_confidence, pif_vector, pif_scale)
    paf_confidence = np.zeros((len(ends), *shape_hw), np.float32)
    paf_vectors = np.zeros((2, len(ends), 2, *shape_hw), np.float32)
    _draw_connections(joints, annotated, ends, paf_confidence, paf_vectors)

    unknown = find_kept(crowd.ignored, crowd.matrix, map_wh, STRIDE) == 0
    for confidence in (pif_confidence, paf_confidence):  # what is annotated is known, whatever is behind it
        confidence[(confidence == 0) & unknown] = np.nan
    return {
        "pif_confidence": pif_confidence,
        "pif_vector": pif_vector,
        "pif_scale": pif_scale,
        "paf_confidence": paf_confidence,
        "paf_vectors": paf_vectors,
    }


def count_cells(input_wh: tuple[int, int]) -> tuple[int, int]:
    """Return the width and height of the fields of an input of that many px: (⌈side / 16⌉·2 − 1)."""
    width, height = (UPSCALE * -(-side // (UPSCALE * STRIDE)) - 1 for side in input_wh)
    return width, height


def _measure_people(joints: Floats, annotated: npt.NDArray[np.bool_]) -> Floats:
    """Return the square root of the area of each person's annotated joints' box (N,), 0 where it is too small."""
    shown = annotated[..., None]
    low, high = np.where(shown, joints, np.inf).min(1), np.where(shown, joints, -np.inf).max(1)
    area = np.prod(np.maximum(high - low, 0), axis=1)  # of somebody without joints 0
    return np.sqrt(np.where(area >= LEAST_AREA, area, 0))


@njit(cache=True)
def _draw_joints(joints, annotated, scales, confidence, vector, scale):  # type: ignore[no-untyped-def]
    """Fill confidence and scale (K, h, w) and vector (K, 2, h, w), all 0, from joints (N, K, 2) in cells."""
    _, height, width = confidence.shape
    nearest = np.full(confidence.shape, np.inf)
    for person, joint in np.ndindex(annotated.shape):
        if not annotated[person, joint]:
            continue
        x, y = joints[person, joint]
        left, top = int(np.floor(x)) + 1 - SIDE // 2, int(np.floor(y)) + 1 - SIDE // 2
        for row in range(max(top, 0), min(top + SIDE, height)):
            for column in range(max(left, 0), min(left + SIDE, width)):
                distance = (x - column) ** 2 + (y - row) ** 2
                if distance < nearest[joint, row, column]:
                    nearest[joint, row, column] = distance
                    confidence[joint, row, column] = 1
                    vector[joint, 0, row, column] = x - column
                    vector[joint, 1, row, column] = y - row
                    scale[joint, row, column] = scales[person, joint]


@njit(cache=True)
def _draw_connections(joints, annotated, ends, confidence, vectors):  # type: ignore[no-untyped-def]
    """Fill confidence (L, h, w) and vectors (2, L, 2, h, w), all 0, from joints (N, K, 2) in cells."""
    _, height, width = confidence.shape
    nearest = np.full(confidence.shape, np.inf)
    half = WIDTH / 2
    for person in range(len(joints)):
        for connection in range(len(ends)):
            a, b = ends[connection]
            if not (annotated[person, a] and annotated[person, b]):
                continue
            (x1, y1), (x2, y2) = joints[person, a], joints[person, b]
            dx, dy = x2 - x1, y2 - y1
            squared = dx * dx + dy * dy
            free = MOST_FREE if squared == 0 else min(MOST_FREE, FREE_ENDS / np.sqrt(squared))
            left, right = _span(x1, dx, free, half, width)
            top, bottom = _span(y1, dy, free, half, height)
            for row in range(top, bottom):
                for column in range(left, right):
                    # Where on its way, 0..1, the square holds the cell.
                    first, last = _limit(free, 1 - free, column - x1, dx, half)
                    first, last = _limit(first, last, row - y1, dy, half)
                    if first > last:
                        continue
                    along = 0.0 if squared == 0 else ((column - x1) * dx + (row - y1) * dy) / squared
                    along = min(max(along, 0.0), 1.0)
                    distance = (x1 + along * dx - column) ** 2 + (y1 + along * dy - row) ** 2
                    if distance < nearest[connection, row, column]:
                        nearest[connection, row, column] = distance
                        confidence[connection, row, column] = 1
                        vectors[0, connection, 0, row, column] = x1 - column
                        vectors[0, connection, 1, row, column] = y1 - row
                        vectors[1, connection, 0, row, column] = x2 - column
                        vectors[1, connection, 1, row, column] = y2 - row


@njit(cache=True)
def _span(start, way, free, half, size):  # type: ignore[no-untyped-def]
    """Return first and end (excluded) of the cells on one axis that the square passes."""
    one, other = start + free * way, start + (1 - free) * way
    first, last = np.ceil(min(one, other) - half), np.floor(max(one, other) + half)
    return int(max(first, 0.0)), int(min(last + 1, float(size)))


@njit(cache=True)
def _limit(first, last, apart, way, half):  # type: ignore[no-untyped-def]
    """Return the part of `first`..`last` of the way in which a cell `apart` from its start is at most `half` away."""
    if way == 0:
        return (first, last) if abs(apart) <= half else (1.0, 0.0)
    one, other = (apart - half) / way, (apart + half) / way
    return max(first, min(one, other)), min(last, max(one, other))
