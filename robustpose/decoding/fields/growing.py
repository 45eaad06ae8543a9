"""Growing: from a seed to a person, joint by joint along the connections."""

from __future__ import annotations

import numpy as np
from numba import njit

from robustpose.decoding.fields.cells import scale_at
from robustpose.decoding.fields.connections import find_target
from robustpose.decoding.fields.occupancy import is_marked, mark_square

LEAST_SCALE = 8.0  # px, of a joint whose connections are looked for
WORST_FILLED = 1e-8  # weight of a connection that completion follows, at least
MOST_FILLED = 0.001  # confidence of a joint that only completion found, at most
COPIED = 1e-5  # confidence of a joint that is put where its neighbour is


@njit(cache=True)
def grow_people(seeds, confidence, cells, candidates, ends, threshold, shape_hw):  # type: ignore[no-untyped-def]
    """Return poses (N, K, 3) as x px, y px, confidence, and scales (N, K) px of their joints; 0 if not found.

    Seeds are indices of `JointCells`, best first; one where a joint was found already starts nobody. Each of the n
    cells would start a joint of a confidence (n,), 0..1. `Candidates` count whose weight is at least `threshold` in
    both directions; ends (L, 2) are the joints that each connection connects.
    """
    n_joints = len(cells.starts) - 1
    poses = np.zeros((len(seeds), n_joints, 3), np.float32)
    scales = np.zeros((len(seeds), n_joints), np.float32)
    squares = np.zeros((n_joints, len(seeds), 4), np.int64)
    n = 0
    for seed in seeds:
        joint, x, y = cells.joint[seed], cells.x[seed], cells.y[seed]
        if is_marked(squares[joint, :n], int(x), int(y)):
            continue
        pose = poses[n]
        pose[joint, 0], pose[joint, 1], pose[joint, 2] = x, y, confidence[seed]
        _grow(pose, cells, candidates, ends, threshold, True, shape_hw)
        _look_up_scales(scales[n], pose, cells, shape_hw)
        for found in range(n_joints):
            if pose[found, 2] > 0:
                mark_square(squares[found, n], pose[found, 0], pose[found, 1], scales[n, found])
        n += 1
    return poses[:n], scales[:n]


@njit(cache=True)
def complete_people(poses, scales, cells, candidates, ends, shape_hw):  # type: ignore[no-untyped-def]
    """Fill the joints not found of poses (N, K, 3), and scales (N, K), changed in place, as far as connections lead.

    First by weak connections that need to hold in one direction only; then with the place of a neighbour.
    """
    for i in range(len(poses)):
        pose = poses[i]
        was_found = pose[:, 2] > 0
        _grow(pose, cells, candidates, ends, WORST_FILLED, False, shape_hw)
        for joint in range(len(pose)):
            if not was_found[joint]:
                pose[joint, 2] = min(pose[joint, 2], np.float32(MOST_FILLED))
        _look_up_scales(scales[i], pose, cells, shape_hw)
        is_tried = np.zeros(2 * len(ends), np.bool_)
        direction = _next_direction(pose, ends, is_tried)
        while direction >= 0:
            source, target = _source_and_target(ends, direction)
            pose[target, 0], pose[target, 1], pose[target, 2] = pose[source, 0], pose[source, 1], COPIED
            direction = _next_direction(pose, ends, is_tried)


@njit(cache=True)
def _grow(pose, cells, candidates, ends, threshold, there_and_back, shape_hw):  # type: ignore[no-untyped-def]
    """Add to a pose (K, 3), changed in place, the joints that connections lead to, from the surest joint outwards.

    With `there_and_back`, a connection counts only if the way back from its target leads to its source, too.
    """
    is_tried = np.zeros(2 * len(ends), np.bool_)
    while True:
        direction = _next_direction(pose, ends, is_tried)
        if direction < 0:
            return
        is_tried[direction] = True
        source, target = _source_and_target(ends, direction)
        x, y = pose[source, 0], pose[source, 1]
        scale = _step_scale(cells, source, x, y, shape_hw)
        to_x, to_y, weight = find_target(candidates, direction, x, y, scale)
        if weight < threshold:
            continue
        if there_and_back:
            back_scale = _step_scale(cells, target, to_x, to_y, shape_hw)
            back_x, back_y, back_weight = find_target(candidates, direction ^ 1, to_x, to_y, back_scale)
            if back_weight < threshold or abs(back_x - x) + abs(back_y - y) > scale:
                continue
        pose[target, 0], pose[target, 1], pose[target, 2] = to_x, to_y, np.sqrt(weight * pose[source, 2])


@njit(cache=True)
def _next_direction(pose, ends, is_tried):  # type: ignore[no-untyped-def]
    """Return the direction, not tried yet, from the surest joint found to one not found; or −1. Of equals the last."""
    best, highest = -1, np.float32(0)
    for direction in range(2 * len(ends)):
        source, target = _source_and_target(ends, direction)
        confidence = pose[source, 2]
        if confidence > 0 and confidence >= highest and pose[target, 2] == 0 and not is_tried[direction]:
            best, highest = direction, confidence
    return best


@njit(cache=True)
def _source_and_target(ends, direction):  # type: ignore[no-untyped-def]
    """Return the joints that a direction leads from and to; see `connections.Candidates`."""
    connection, forward = divmod(direction, 2)
    return ends[connection, 1 - forward], ends[connection, forward]


@njit(cache=True)
def _step_scale(cells, joint, x, y, shape_hw):  # type: ignore[no-untyped-def]
    """Return the scale (px) of a joint whose connections are looked for; the least one outside of the map."""
    height, width = shape_hw
    if 0 <= x <= width - 1 and 0 <= y <= height - 1:
        return max(LEAST_SCALE, scale_at(cells, joint, int(x), int(y)))
    return LEAST_SCALE


@njit(cache=True)
def _look_up_scales(scales, pose, cells, shape_hw):  # type: ignore[no-untyped-def]
    """Set the scales (K,) px of the joints found; of joints outside of the map, that of the nearest pixel."""
    height, width = shape_hw
    for joint in range(len(pose)):
        if pose[joint, 2] > 0:
            x = int(min(max(pose[joint, 0], 0.0), width - 1.0))
            y = int(min(max(pose[joint, 1], 0.0), height - 1.0))
            scales[joint] = scale_at(cells, joint, x, y)
