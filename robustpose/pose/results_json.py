"""COCO results JSON: poses as bench writes them for every cell, and reads them back."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from robustpose.errors import UserError, first_few, quote, spell_list
from robustpose.files import open_whole
from robustpose.pose.types import Floats, ImageId, Poses, Truth
from robustpose.reading import parse_json, read_json_bytes
from robustpose.records import Must, Number, Record, RecordId, find_mistakes

RESULTS = "results file"  # as messages call it
Result = dict[str, Any]  # of one person, as COCO's results files have it

# A thousandth of a pixel, a millionth of a score: finer than any metric sees, and the file half as long.
XY_DECIMALS = 3
SCORE_DECIMALS = 6
TOGETHER = 64  # images that are rounded at once when a file is written


def round_poses(poses: Poses) -> Poses:
    """Return `poses` with the decimals that results files keep."""
    return Poses(
        poses.image_id,
        np.round(poses.xy.astype(np.float64), XY_DECIMALS),
        np.round(poses.confidence.astype(np.float64), SCORE_DECIMALS),
        np.round(poses.score.astype(np.float64), SCORE_DECIMALS),
        poses.truth_rows,
        poses.categories,
    )


def round_all(all_poses: Sequence[Poses]) -> tuple[Floats, Floats, Floats]:
    """Return xy (N, K, 2), confidence (N, K) and score (N,) of the people of some images: see `round_poses`."""
    xy, confidence, score = (
        np.round(np.concatenate([getattr(poses, name) for poses in all_poses]).astype(np.float64), decimals)
        for name, decimals in (("xy", XY_DECIMALS), ("confidence", SCORE_DECIMALS), ("score", SCORE_DECIMALS))
    )
    if not all(np.isfinite(array).all() for array in (xy, confidence, score)):
        for poses in all_poses:
            round_poses(poses)  # which says whose number has become too large
    return xy, confidence, score


def poses_to_results(poses: Poses, category_ids: Sequence[ImageId] = (1,)) -> list[Result]:
    """Return one COCO result per person: keypoints as K times (x px, y px, confidence), and a score.

    A pose that answers a person of the truth has that person's row in `truth_row`, which other programs ignore. Where
    there are several categories, a pose that does not say its own has no `category_id`.
    """
    return list(_list_results([poses], category_ids))


def _list_results(all_poses: Sequence[Poses], category_ids: Sequence[ImageId]) -> Iterator[Result]:
    xy, confidence, scores = round_all(all_poses)
    points = np.concatenate([xy, confidence[:, :, None]], axis=2)  # (N, K, 3)
    people = zip(points.reshape(len(points), 3 * points.shape[1]).tolist(), scores.tolist(), strict=True)
    for poses in all_poses:
        n_people, about = len(poses.score), {"image_id": poses.image_id}
        rows = [None] * n_people if poses.truth_rows is None else poses.truth_rows.tolist()
        categories = _list_categories(poses, category_ids)
        # Rows first: it ends without taking a person.
        for row, category, (keypoints, score) in zip(rows, categories, people, strict=False):
            result = {**about, **category, "keypoints": keypoints, "score": score}
            yield result if row is None else {**result, "truth_row": row}


class _Person(Record):
    image_id: RecordId
    keypoints: list[Number]
    score: Number
    category_id: RecordId | None = None
    truth_row: Annotated[int, Field(strict=True, ge=0, lt=2**31), Must("a whole number of 0 or more")] | None = None


def _list_categories(poses: Poses, category_ids: Sequence[ImageId]) -> list[dict[str, ImageId]]:
    """Return what the result of each person says of its category."""
    if len(category_ids) > 1 and poses.categories is None:
        return [{}] * len(poses.score)
    check_categories(poses, len(category_ids))
    categories = [0] * len(poses.score) if poses.categories is None else poses.categories.tolist()
    return [{"category_id": category_ids[category]} for category in categories]


def read_results(
    path: Path, n_joints: int, content: bytes | None = None, category_ids: Sequence[ImageId] = (1,)
) -> dict[ImageId, Poses]:
    """Return the poses of a COCO results file by image id, in the file's order; UserError for another skeleton's.

    Where its `content` is given, nothing is read, and messages alone name the path. Of several categories, poses are
    of those that they say, and those of others are left out.
    """
    results = read_people(path, n_joints, content)
    if len(category_ids) > 1:
        results = keep_category(results, category_ids, f"results file {path}")
    return group_poses(results, n_joints, category_ids)


def read_people(path: Path, n_joints: int | None, content: bytes | None = None) -> list[Result]:
    """Return the results of a COCO results file, checked: see `check_people`."""
    return check_people(parse_people(path, content), path, n_joints)


def parse_people(path: Path, content: bytes | None = None) -> Any:
    """Return what a results file holds, not checked; UserError if it is no JSON."""
    raw = read_json_bytes(path, RESULTS) if content is None else content
    return parse_json(raw, f"the {RESULTS} {path}")


def check_people(results: Any, path: Path, n_joints: int | None) -> list[Result]:
    """Return results, checked; UserError, which names the entry, for another skeleton's.

    Without `n_joints`, all must have as many as the first one.
    """
    if not isinstance(results, list):
        raise UserError(f"results file {path} must be a list of results, got {type(results).__name__}")
    problems = find_mistakes(_Person, results, "result")
    if n_joints is None:
        n_joints = count_joints(results) if results and not problems else 0
    problems = problems or [
        f"result {number} must hold {3 * n_joints} keypoint values ({n_joints} joints), got "
        f"{len(result['keypoints'])}: is this another skeleton?"
        for number, result in enumerate(results)
        if len(result["keypoints"]) != 3 * n_joints
    ]
    if problems:
        raise UserError(f"results file {path}: {first_few(problems, 'problems')}")
    return results


def count_joints(results: Sequence[Result]) -> int:
    """Return how many joints the first of some results has, rounded down."""
    return len(results[0]["keypoints"]) // 3


def keep_category(results: Sequence[Result], category_ids: Collection[ImageId], where: str) -> list[Result]:
    """Return the results of some categories: all, where none says its category.

    UserError, which begins with `where`, if there are results but none of these categories.
    """
    silent = [number for number, result in enumerate(results) if result.get("category_id") is None]
    if 0 < len(silent) < len(results):
        raise UserError(f"{where}: entry {silent[0]} lacks category_id, which others have")
    # Some programs write "1" for 1.
    wanted = {*category_ids, *map(str, category_ids)}
    kept = results if silent else [result for result in results if result["category_id"] in wanted]
    if results and not kept:
        counts = Counter(result["category_id"] for result in results).most_common(3)
        found = ", ".join(f"{quote(category)} ({count:,} times)" for category, count in counts)
        raise UserError(
            f"{where} holds nothing of category {spell_list(map(quote, category_ids), 'or')}, which the data are of: "
            f"its category_id is {found}"
        )
    return list(kept)


def find_categories(results: Sequence[Result], category_ids: Sequence[ImageId]) -> npt.NDArray[np.integer] | None:
    """Return of which category (N,) results that `keep_category` kept are, as indices into `category_ids`.

    None where there is one category, or no result says its own.
    """
    if len(category_ids) == 1 or not results or results[0].get("category_id") is None:
        return None
    index = {category: i for i, category in enumerate(category_ids)}
    index = {**{str(category): i for category, i in index.items()}, **index}
    return np.array([index[result["category_id"]] for result in results], int)


def group_poses(
    results: Iterable[Result], n_joints: int, category_ids: Sequence[ImageId] = (1,)
) -> dict[ImageId, Poses]:
    """Return the poses of checked results by image id, in their order; of several categories, as `keep_category` does.

    Poses are then of the categories that they say.
    """
    results = list(results)
    points = np.array([result["keypoints"] for result in results], float).reshape(-1, n_joints, 3)
    scores = np.array([result["score"] for result in results], float)
    categories = find_categories(results, category_ids)
    rows: dict[ImageId, list[int]] = defaultdict(list)
    for row, result in enumerate(results):
        image_id = result["image_id"]
        rows[int(image_id) if isinstance(image_id, float) else image_id].append(row)  # 139.0, as some programs write
    poses = {}
    for image_id, here in rows.items():
        truth_rows: list[int | None] = [results[row].get("truth_row") for row in here]
        rows_of_truth = None if None in truth_rows else np.array(truth_rows, int)
        people = slice(here[0], here[-1] + 1) if here[-1] - here[0] == len(here) - 1 else here  # mostly no copy
        xy, confidence = points[people, :, :2], points[people, :, 2]
        own = None if categories is None else categories[people]
        poses[image_id] = Poses(image_id, xy, confidence, scores[people], rows_of_truth, own)
    return poses


def check_categories(poses: Poses, n_categories: int) -> None:
    """Raise UserError if a pose is of a category that the data do not have."""
    if poses.categories is not None and not set(poses.categories.tolist()) <= set(range(n_categories)):
        raise UserError(
            f"Poses.categories of image {quote(poses.image_id)} must be indices of the dataset's category_ids, "
            f"0..{n_categories - 1}, got {poses.categories.tolist()}"
        )


def check_truth_rows(poses: Mapping[ImageId, Poses], truths: Iterable[Truth], path: Path) -> None:
    """Raise UserError if poses read from `path` answer people beyond those who are annotated."""
    for truth in truths:
        found, n_people = poses.get(truth.image_id), len(truth.xy)
        if found is not None and found.truth_rows is not None and found.truth_rows.max() >= n_people:
            raise UserError(
                f"{path}: truth_row {found.truth_rows.max()} in image {quote(truth.image_id)} is of nobody, {n_people} "
                "people are annotated there: are these results of other annotations?"
            )


def write_results(path: Path, all_poses: Iterable[Poses], category_ids: Sequence[ImageId] = (1,)) -> None:
    """Write poses as one COCO results file, atomically: it is whole or not there."""
    with open_whole(path) as file:
        file.write(b"[")
        separator = "\n"
        rest = iter(all_poses)
        while some := list(islice(rest, TOGETHER)):
            for result in _list_results(some, category_ids):
                file.write((separator + json.dumps(result)).encode())
                separator = ",\n"
        file.write(b"\n]\n")
