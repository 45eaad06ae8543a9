"""Fields: what PifPaf's network sees in a whole image becomes people.

Kreiss et al., CVPR 2019, "PifPaf: Composite Fields for Human Pose Estimation", in the form of the fields' version 0.10.
A composite intensity field (pif) says where joints are and how large, a composite association field (paf) which two
belong together. People grow from the surest joints along connections that hold in both directions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from robustpose.decoding.fields.cells import collect_cells
from robustpose.decoding.fields.connections import list_candidates
from robustpose.decoding.fields.growing import complete_people, grow_people
from robustpose.decoding.fields.maps import look_up_positions
from robustpose.decoding.fields.occupancy import suppress_joints
from robustpose.errors import UserError
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Floats

CELL_THRESHOLD = 0.1  # a cell sees a joint if its confidence is above it
SEED_THRESHOLD = 0.2  # a person starts where the position map is above it, at a cell whose confidence is above half
CONNECTION_THRESHOLD = 0.1  # confidence, score and weight of a connection, at least
COMPLETION_THRESHOLD = 1e-4  # of connections that fill the joints a person lacks
JOINT_THRESHOLD = 0.001  # joints that nothing was filled in for are dropped below it
N_BEST, BEST_WEIGHT = 3, 3.0  # the best three joints count three times in a person's score


def decode_fields(
    pif: Sequence[Floats],
    paf: Sequence[Floats],
    stride: int = 8,
    complete: bool = True,
    *,
    connections: Sequence[tuple[int, int]] = COCO.limbs,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Return the people of one image, best first: poses (N, K, 3) as x px, y px and confidence, and scores (N,).

    Pixels are those of the network's input; joints may lie outside. A joint that is not found has the confidence 0; if
    another person's joint took its place, it keeps its position. A score is the mean of the confidences, the best three
    counting three times. Both are about 0..1; a confidence is higher where many cells see the joint. `complete` fills
    the joints that a person lacks, by weaker connections, or else with a neighbour's place.

    Args:
        pif: confidence (K, h, w) 0..1, vector (K, 2, h, w) from a cell to the joint, log-spread (unused), scale
            (K, h, w), in cells, which are `stride` px apart.
        paf: confidence (L, h, w), two vectors (L, 2, h, w) to the connection's ends, perhaps two log-spreads (unused).
        connections: L pairs of joint indices, 0-based, in the order of the field.
    """
    if len(pif) != 4 or len(paf) not in (3, 5):
        raise UserError(
            f"pif must have 4 components and paf 5, or 3 without log-spreads, got {len(pif)} and {len(paf)}"
        )
    confidence, vector, scale = (np.ascontiguousarray(pif[i], np.float32) for i in (0, 1, 3))
    paf_confidence, *vectors = (np.ascontiguousarray(component, np.float32) for component in paf[:3])
    ends = np.array(connections, np.int64).reshape(-1, 2)
    _expect_shapes((confidence, vector, scale), (paf_confidence, *vectors), ends)
    n_joints, height, width = confidence.shape
    nobody = np.zeros((0, n_joints, 3), np.float32), np.zeros(0)
    if not confidence.size:
        return nobody
    shape_hw = ((height - 1) * stride + 1, (width - 1) * stride + 1)  # maps reach from the first cell to the last
    confidence, paf_confidence = (field.reshape(len(field), height * width) for field in (confidence, paf_confidence))
    joint_xy = _to_pixels([vector], stride)[0]  # (K, 2, h·w)
    end_xy = _to_pixels(vectors, stride)  # (2, L, 2, h·w)
    scale = (scale * stride).reshape(n_joints, height * width)
    if not all(np.isfinite(field).all() for field in (confidence, joint_xy, scale, paf_confidence, end_xy)):
        raise UserError("fields must be finite, got NaN or infinity: are the network's weights broken?")

    cells = collect_cells(confidence, joint_xy, scale, CELL_THRESHOLD, shape_hw)
    at_cells, at_ends = look_up_positions(cells, ends, end_xy, shape_hw)
    seeds = np.flatnonzero((at_cells > SEED_THRESHOLD) & (cells.confidence > SEED_THRESHOLD / 2))
    # Best first; equal ones by joint, x, y and scale, falling, too: of cells that see one pixel the rightmost starts.
    keys = (cells.scale, cells.y, cells.x, cells.joint, at_cells)
    seeds = seeds[np.lexsort([key[seeds] for key in keys])[::-1]]
    if not len(seeds):
        return nobody
    strong = list_candidates(paf_confidence, end_xy, at_ends, CONNECTION_THRESHOLD, shape_hw)
    poses, scales = grow_people(seeds, at_cells, cells, strong, ends, CONNECTION_THRESHOLD, shape_hw)
    if complete:
        weak = list_candidates(paf_confidence, end_xy, at_ends, COMPLETION_THRESHOLD, shape_hw)
        complete_people(poses, scales, cells, weak, ends, shape_hw)
    order = _best_first(poses)  # of people whose scores are equal afterwards, the one that was better is first
    poses = poses[order]
    suppress_joints(poses, scales[order])
    poses = poses[(poses[:, :, 2] > 0).any(1)]
    poses = poses[_best_first(poses)]  # that order counts, too, where the scores below are equal
    poses[poses[:, :, 2] < (0.0 if complete else JOINT_THRESHOLD)] = 0
    poses = poses[_best_first(poses)]
    return poses, score_poses(poses)


def score_poses(poses: Floats) -> npt.NDArray[np.float64]:
    """Return scores (N,) of poses (N, K, 3): means of the joints' confidences, the best three counting three times."""
    weights = np.ones(poses.shape[1])
    weights[:N_BEST] = BEST_WEIGHT
    return (-np.sort(-poses[:, :, 2], axis=1) * (weights / weights.sum())).sum(1)


def _best_first(poses: Floats) -> npt.NDArray[np.int64]:
    return np.argsort(-score_poses(poses), kind="stable")


def _to_pixels(vectors: list[npt.NDArray[np.float32]], stride: int) -> npt.NDArray[np.float32]:
    """Return the places (n, …, 2, h·w) px that n arrays of vectors (…, 2, h, w), in cells, lead to."""
    xy = np.stack(vectors)
    height, width = xy.shape[-2:]
    xy[..., 0, :, :] += np.arange(width, dtype=np.float32)
    xy[..., 1, :, :] += np.arange(height, dtype=np.float32)[:, None]
    xy *= stride
    return xy.reshape(*xy.shape[:-2], height * width)


def _expect_shapes(pif: Sequence[Floats], paf: Sequence[Floats], ends: npt.NDArray[np.int64]) -> None:
    n_joints, *cells = pif[0].shape
    wanted = [(n_joints, *cells), (n_joints, 2, *cells), (n_joints, *cells)]
    wanted += [(len(ends), *cells), (len(ends), 2, *cells), (len(ends), 2, *cells)]
    found = [component.shape for component in (*pif, *paf)]
    if len(cells) != 2 or found != wanted:
        raise UserError(
            f"fields of {len(ends)} connections must be (K, h, w), (K, 2, h, w), log-spread, (K, h, w) and "
            f"({len(ends)}, h, w), twice ({len(ends)}, 2, h, w), got "
            f"{', '.join(map(str, found[:2]))}, log-spread, {', '.join(map(str, found[2:]))}"
        )
    if ends.size and not 0 <= ends.min() <= ends.max() < n_joints:
        raise UserError(f"connections must be pairs of joints 0..{n_joints - 1}, got {ends.min()} and {ends.max()}")
