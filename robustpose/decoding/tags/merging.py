"""Merging: a network's outputs for an image and for its mirrored copy become one set of maps of one size.

As HigherHRNet is evaluated (Cheng et al., CVPR 2020): heatmaps are averaged over both resolutions and both images; tags
are the coarser output's, a second set from the mirrored image. All are interpolated to the size of the network's input.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Maps = npt.NDArray[np.float32]
Outputs = tuple[Maps, Maps]  # (B, 2K, h, w) heatmaps and tags; (B, K, 2h, 2w) heatmaps


def merge_outputs(
    outputs: Outputs, flip_order: Sequence[int], size_wh: tuple[int, int], with_tags: bool = True
) -> tuple[Maps, Maps | None]:
    """Return heatmaps (K, H, W) and tags (K, H, W, B) of one image, or None without `with_tags`; `size_wh` is W, H.

    Outputs are of the image (B = 1), or of the image and its mirrored copy (B = 2), in which each joint becomes that of
    `flip_order` (K,).
    """
    coarse, fine = outputs
    n_joints, fine_wh = fine.shape[1], (fine.shape[3], fine.shape[2])
    heatmaps = np.empty((n_joints, size_wh[1], size_wh[0]), np.float32)
    tags = np.empty((*heatmaps.shape, len(coarse)), np.float32) if with_tags else None
    for joint in range(n_joints):
        # (image, channel, order of columns): of the mirrored copy the other side's joint, columns turned around.
        sources = [(0, joint, slice(None)), (1, flip_order[joint], slice(None, None, -1))][: len(coarse)]
        # What is averaged first has to be enlarged once.
        mean = _mean([coarse[i, k, :, order] for i, k, order in sources])
        total = _resize(mean, fine_wh) + _mean([fine[i, k, :, order] for i, k, order in sources])
        _resize(total * np.float32(0.5), size_wh, heatmaps[joint])
        if tags is not None:
            sides = np.stack([coarse[i, n_joints + k, :, order] for i, k, order in sources], axis=2)
            _resize(_resize(sides, fine_wh), size_wh, tags[joint])
    return heatmaps, tags


def _mean(maps: Sequence[Maps]) -> Maps:
    return maps[0] if len(maps) == 1 else (maps[0] + maps[1]) * np.float32(0.5)


def _resize(maps: Maps, size_wh: tuple[int, int], to: Maps | None = None) -> Maps:
    return np.asarray(cv2.resize(maps, size_wh, to, interpolation=cv2.INTER_LINEAR), np.float32)
