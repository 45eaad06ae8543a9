"""Targets of bottom-up networks: heatmaps of everybody in a crop at two resolutions, and where whose joints are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.models.input_spec import InputSpec
from robustpose.pose.types import Floats
from robustpose.train.targets import draw_crowd_targets
from robustpose.train.whole_images import PeopleInCrop, find_kept

MAX_PEOPLE = 30  # whose tags are learned in one image
COARSE, FINE = 4, 2  # crop px per heatmap px


def draw_tag_targets(crowd: PeopleInCrop, input_spec: InputSpec) -> dict[str, npt.NDArray[Any]]:
    """Return what `tags.TagObjective` wants of a crop."""
    width, height = input_spec.input_wh
    coarse_wh, fine_wh = ((width // stride, height // stride) for stride in (COARSE, FINE))
    return {
        "coarse": draw_crowd_targets(crowd.crop_xy, crowd.visible, coarse_wh, COARSE, input_spec.sigma),
        "fine": draw_crowd_targets(crowd.crop_xy, crowd.visible, fine_wh, FINE, input_spec.sigma),
        "coarse_kept": find_kept(crowd.ignored, crowd.matrix, coarse_wh, COARSE),
        "fine_kept": find_kept(crowd.ignored, crowd.matrix, fine_wh, FINE),
        "joints": place_joints(crowd.crop_xy, crowd.visible, coarse_wh),
    }


def place_joints(crop_xy: Floats, visible: npt.NDArray[np.integer], map_wh: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Return (MAX_PEOPLE, K): y·w + x of every annotated joint in the coarse map; -1 for none there.

    People without any have no row.

    Args:
        crop_xy: (N, K, 2) px of the crop.
        visible: (N, K).
        map_wh: width and height of the coarse map.
    """
    cells = np.floor(crop_xy / COARSE).astype(np.int64)
    inside = (visible > 0) & ((cells >= 0) & (cells < np.array(map_wh))).all(-1)
    joints = np.where(inside, cells[..., 1] * map_wh[0] + cells[..., 0], -1)[inside.any(1)][:MAX_PEOPLE]
    rest = np.full((MAX_PEOPLE - len(joints), joints.shape[1]), -1, np.int64)
    return np.concatenate([joints, rest])
