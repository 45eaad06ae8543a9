"""COCO results JSON: poses as bench writes them for every cell, and reads them back."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.errors import UserError
from robustpose.files import open_whole
from robustpose.pose.types import ImageId, Poses

# A thousandth of a pixel, a millionth of a score: finer than any metric sees, and the file half as long.
XY_DECIMALS = 3
SCORE_DECIMALS = 6


def round_poses(poses: Poses) -> Poses:
    """Return `poses` with the decimals that results files keep."""
    return Poses(
        poses.image_id,
        np.round(poses.xy.astype(np.float64), XY_DECIMALS),
        np.round(poses.confidence.astype(np.float64), SCORE_DECIMALS),
        np.round(poses.score.astype(np.float64), SCORE_DECIMALS),
        poses.truth_rows,
    )


def poses_to_results(poses: Poses, category_id: int = 1) -> list[dict[str, Any]]:
    """Return one COCO result per person: keypoints as K times (x px, y px, confidence), and a score.

    A pose that answers a person of the truth has that person's row in `truth_row`, which other programs ignore.
    """
    rounded = round_poses(poses)
    points = np.concatenate([rounded.xy, rounded.confidence[:, :, None]], axis=2)  # (N, K, 3)
    n_people, n_joints = points.shape[:2]
    about: dict[str, Any] = {"image_id": poses.image_id, "category_id": category_id}
    results = [
        {**about, "keypoints": person, "score": score}
        for person, score in zip(points.reshape(n_people, 3 * n_joints).tolist(), rounded.score.tolist(), strict=True)
    ]
    if poses.truth_rows is not None:
        for result, row in zip(results, poses.truth_rows.tolist(), strict=True):
            result["truth_row"] = row
    return results


def read_results(path: Path, n_joints: int) -> dict[ImageId, Poses]:
    """Return the poses of a COCO results file by image id, in the file's order; UserError for another skeleton's."""
    try:
        results = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read COCO results {path}: {error}") from error
    if not isinstance(results, list):
        raise UserError(f"COCO results {path} must be a list of results, got {type(results).__name__}")
    rows: dict[ImageId, list[dict[str, Any]]] = defaultdict(list)
    for number, result in enumerate(results):
        if not isinstance(result, dict):
            raise UserError(f"result {number} in {path} must be an object, got {type(result).__name__}")
        if missing := {"image_id", "keypoints", "score"} - set(result):
            raise UserError(f"result {number} in {path} lacks {', '.join(sorted(missing))}")
        if len(result["keypoints"]) != 3 * n_joints:
            raise UserError(
                f"result {number} in {path} must hold {3 * n_joints} keypoint values ({n_joints} joints), "
                f"got {len(result['keypoints'])}: is this another skeleton?"
            )
        rows[result["image_id"]].append(result)
    poses = {}
    for image_id, people in rows.items():
        points = np.array([person["keypoints"] for person in people], float).reshape(-1, n_joints, 3)
        scores = np.array([person["score"] for person in people], float)
        is_matched = all("truth_row" in person for person in people)
        rows_of_truth = np.array([person["truth_row"] for person in people], int) if is_matched else None
        poses[image_id] = Poses(image_id, points[:, :, :2], points[:, :, 2], scores, rows_of_truth)
    return poses


def write_results(path: Path, all_poses: Iterable[Poses], category_id: int = 1) -> None:
    """Write poses as one COCO results file, atomically: it is whole or not there."""
    with open_whole(path) as file:
        file.write(b"[")
        separator = "\n"
        for poses in all_poses:
            for result in poses_to_results(poses, category_id):
                file.write((separator + json.dumps(result)).encode())
                separator = ",\n"
        file.write(b"\n]\n")
