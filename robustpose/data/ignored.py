"""Ignored regions: where in an image there are people without annotated joints, so that nothing is learned there.

They are crowds, and people without keypoints. Their region is COCO's segmentation, or the box where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError
from robustpose.pose.protocols import Dataset, Mask


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
        try:
            if isinstance(segmentation, Mapping):
                mask |= _read_runs(segmentation, mask.shape)
            elif segmentation:
                _fill_outlines(mask, segmentation)
            else:
                x, y, width, height = box
                left, top = max(int(np.floor(x)), 0), max(int(np.floor(y)), 0)
                mask[top : max(int(np.ceil(y + height)), 0), left : max(int(np.ceil(x + width)), 0)] = 1
        except (ValueError, TypeError, KeyError, IndexError, RuntimeError, cv2.error) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"a segmentation of image {image.get('id')} cannot be read: {reason}") from error
    return mask.astype(bool)


def _fill_outlines(mask: npt.NDArray[np.uint8], outlines: Sequence[Sequence[float]]) -> None:
    for outline in outlines:  # one by one: filled together, overlaps would be holes
        points = np.rint(np.array(outline, float).reshape(-1, 2)).astype(np.int32)
        cv2.fillPoly(mask, [points], (1,))


def _read_runs(segmentation: Mapping[str, Any], shape_hw: tuple[int, ...]) -> Any:
    """Return COCO's run lengths, which go down the columns, as (H, W) of 0 and 1."""
    from faster_coco_eval.core import mask as coco_mask

    if list(segmentation["size"]) != list(shape_hw):
        raise ValueError(f"it is of size {segmentation['size']}, the image is {shape_hw}")
    counts = segmentation["counts"]
    if isinstance(counts, str | bytes):
        return np.asarray(coco_mask.decode(dict(segmentation)), np.uint8)
    values = np.repeat(np.arange(len(counts)) % 2, counts).astype(np.uint8)
    if values.size != shape_hw[0] * shape_hw[1]:
        raise ValueError(f"it has {values.size} pixels, the image {shape_hw}")
    return values.reshape(shape_hw[::-1]).T
