"""Ignored regions: where in an image there are people without annotated joints, so that nothing is learned there.

They are crowds, and people without keypoints. Their region is COCO's segmentation, or the box where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field, TypeAdapter, ValidationError

from robustpose.errors import UserError, quote
from robustpose.pose.protocols import Dataset, Mask

# Filling an outline takes time with its height.
_Corner = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e6, le=1e6)]
_OUTLINES = TypeAdapter(list[Annotated[list[_Corner], Field(min_length=2)]])  # of x, y, x, y, …


def find_ignored(dataset: Dataset, index: int, shape_hw: tuple[int, int] | None = None) -> Mask:
    """Return where in image `index` there are people who are not annotated (H, W): as the dataset says, else boxes.

    With a known `shape_hw` (height and width of the image, px) the image does not have to be read.
    """
    known = dataset.ignored(index)
    if known is not None:
        return known
    truth, shape_hw = dataset.truth(index), shape_hw or dataset.frame(index).image.shape[:2]
    corners = truth.boxes[~truth.counted]
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    return paint_regions([(None, box) for box in boxes], {"height": shape_hw[0], "width": shape_hw[1]})


def paint_regions(regions: Sequence[tuple[Any, Sequence[float]]], image: Mapping[str, Any]) -> Mask:
    """Return the union of regions as a mask (H, W); UserError for a segmentation that is damaged, or of another image.

    A region is COCO's segmentation, polygons or run lengths, None for none; and its box, x y w h px. `image` is COCO's
    record of the image, with `height` and `width`.
    """
    mask = np.zeros((image["height"], image["width"]), np.uint8)
    for segmentation, box in regions:
        damage = find_damage(segmentation, (image["width"], image["height"]))
        if damage is not None:
            raise UserError(f"a segmentation of image {image.get('id')} cannot be read: {damage}")
        if isinstance(segmentation, Mapping):
            mask |= _read_runs(segmentation, mask.shape)
        elif segmentation:
            _fill_outlines(mask, segmentation)
        else:
            x, y, width, height = box
            left, top = max(int(np.floor(x)), 0), max(int(np.floor(y)), 0)
            mask[top : max(int(np.ceil(y + height)), 0), left : max(int(np.ceil(x + width)), 0)] = 1
    return mask.astype(bool)


def find_damage(segmentation: Any, size_wh: tuple[int, int]) -> str | None:
    """Return why COCO's segmentation of a person cannot be read in an image of this size, None if it can, or is none.

    >>> find_damage([[2, 3, 20, 3, 20]], (40, 30))
    'an outline needs x and y of each corner, got 5 numbers'
    """
    if isinstance(segmentation, Mapping):
        return _find_damage_of_runs(segmentation, size_wh[::-1])
    try:
        outlines = _OUTLINES.validate_python(segmentation or [])
    except ValidationError:
        return f"it must be outlines or run lengths, got {quote(segmentation)}"
    odd = [len(outline) for outline in outlines if len(outline) % 2]
    return f"an outline needs x and y of each corner, got {odd[0]} numbers" if odd else None


def _fill_outlines(mask: npt.NDArray[np.uint8], outlines: Sequence[Sequence[float]]) -> None:
    for outline in outlines:  # one by one: filled together, overlaps would be holes
        points = np.rint(np.array(outline, float).reshape(-1, 2)).astype(np.int32)
        cv2.fillPoly(mask, [points], (1,))


def _find_damage_of_runs(segmentation: Mapping[str, Any], shape_hw: tuple[int, int]) -> str | None:
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if size != list(shape_hw):
        return f"it is of size {quote(size)}, the image is {shape_hw}"
    if isinstance(counts, list) and {int}.issuperset(map(type, counts)) and min(counts, default=0) >= 0:
        n_pixels = shape_hw[0] * shape_hw[1]
        return None if sum(counts) == n_pixels else f"it has {sum(counts)} pixels, the image {shape_hw}"
    if not isinstance(counts, str | bytes):
        return f"counts must be run lengths of 0 or more, or text, got {quote(counts)}"
    try:
        _read_runs(segmentation, shape_hw)
    except (ValueError, TypeError, RuntimeError) as error:
        return " ".join(str(error).split())
    return None


def _read_runs(segmentation: Mapping[str, Any], shape_hw: tuple[int, ...]) -> Any:
    """Return COCO's run lengths, which go down the columns, as (H, W) of 0 and 1."""
    from faster_coco_eval.core import mask as coco_mask

    counts = segmentation["counts"]
    if isinstance(counts, str | bytes):
        return np.asarray(coco_mask.decode(dict(segmentation)), np.uint8)
    values = np.repeat(np.arange(len(counts)) % 2, counts).astype(np.uint8)
    return values.reshape(shape_hw[::-1]).T
