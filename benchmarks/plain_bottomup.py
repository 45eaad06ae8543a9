"""Bottom-up estimation, plainly: every step as HigherHRNet's evaluation describes it, on whole maps, nothing skipped.

What `benchmarks/bottomup.py` holds the package against: two passes of the network as it is, interpolation by PyTorch,
suppression by max pooling, matching by munkres, and for every missing joint a search over the whole map.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from munkres import Munkres
from torch import Tensor, nn

from robustpose.decoding.tags import COCO_ORDER
from robustpose.estimators.tags import place_image
from robustpose.pose.crop import crop_person, map_xy_to_xy
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Image

Array = npt.NDArray[np.float32]


@torch.no_grad()
def estimate(network: nn.Module, image: Image, short_side: int) -> tuple[Array, Array]:
    """Return people (N, 17, 3) as x, y of the image and value, and their scores (N,)."""
    size_wh, center, scale = place_image((image.shape[1], image.shape[0]), short_side)
    resized = crop_person(image, center, scale, size_wh)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = ((torch.from_numpy(resized).float() / 255 - mean) / std).permute(2, 0, 1)[None]
    heatmaps, tags = look(network, x)
    mirrored, mirrored_tags = (maps.flip(3)[:, list(COCO.flip_order)] for maps in look(network, x.flip(3)))
    size_hw = x.shape[2:]
    both = [F.interpolate(maps, size_hw, mode="bilinear", align_corners=False) for maps in (heatmaps, mirrored)]
    both_tags = [F.interpolate(maps, size_hw, mode="bilinear", align_corners=False) for maps in (tags, mirrored_tags)]
    people, scores = group((both[0] + both[1]) / 2, torch.stack(both_tags, dim=4))
    if not len(people):
        return people, scores
    copies = (len(people), 1)
    places = map_xy_to_xy(people[:, :, :2].astype(float), np.tile(center, copies), np.tile(scale, copies), size_wh)
    people[:, :, :2] = places
    return people, scores


def look(network: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return heatmaps and tags at half the size of the image."""
    coarse, fine = network(x)
    coarse = F.interpolate(coarse, fine.shape[2:], mode="bilinear", align_corners=False)
    n_joints = fine.shape[1]
    return (coarse[:, :n_joints] + fine) / 2, coarse[:, n_joints:]


def group(heatmaps: Tensor, tags: Tensor) -> tuple[Array, Array]:
    """Return people (N, K, 3 + T) and scores (N,) of heatmaps (1, K, H, W) and tags (1, K, H, W, T)."""
    people = _match(heatmaps, tags)
    maps, tag_maps = heatmaps[0].numpy(), tags[0].numpy()
    for person in people:
        for joint in np.flatnonzero(person[:, 2] > 0):
            person[joint, :2] = _nudge(maps[joint], int(person[joint, 1]), int(person[joint, 0]))
    scores = np.array([person[:, 2].mean() for person in people], np.float32)
    for person in people:
        held = [joint for joint in range(len(person)) if person[joint, 2] > 0]
        wanted = np.mean([tag_maps[j, int(person[j, 1]), int(person[j, 0])] for j in held], axis=0)
        for joint in range(len(person)):
            if person[joint, 2] > 0:
                continue
            apart = ((tag_maps[joint] - wanted) ** 2).sum(2) ** 0.5
            y, x = np.unravel_index(np.argmax(maps[joint] - np.round(apart)), apart.shape)
            if maps[joint, y, x] > 0:
                person[joint] = [*_nudge(maps[joint], int(y), int(x)), maps[joint, y, x], *person[joint, 3:]]
    return (np.stack(people) if people else np.zeros((0, 17, 5), np.float32)), scores


def _match(heatmaps: Tensor, tags: Tensor) -> list[Array]:
    n_joints, width = heatmaps.shape[1], heatmaps.shape[3]
    peaks = heatmaps * (F.max_pool2d(heatmaps, 5, 1, 2) == heatmaps)
    values, places = peaks.flatten(2).topk(30, dim=2)
    found_tags = torch.stack([tags[..., t].flatten(2).gather(2, places) for t in range(tags.shape[4])], dim=3)
    people: dict[Any, Array] = {}
    all_tags: dict[Any, list[Array]] = {}
    for joint in COCO_ORDER:
        rows = [
            np.array([float(place % width), float(place // width), float(value), *tag.tolist()])
            for value, place, tag in zip(values[0, joint], places[0, joint], found_tags[0, joint], strict=True)
            if value > 0.1
        ]
        if not rows:
            continue
        keys = list(people)[:30]
        owners: list[Any] = [None] * len(rows)
        if keys:
            means = [np.mean(all_tags[key], axis=0) for key in keys]
            apart = np.linalg.norm(np.stack(rows)[:, None, 3:] - np.array(means)[None], axis=2)
            cost = np.round(apart) * 100 - np.stack(rows)[:, 2:3]
            if len(rows) > len(keys):
                cost = np.concatenate([cost, np.full((len(rows), len(rows) - len(keys)), 1e10)], axis=1)
            for row, column in Munkres().compute(cost):
                if column < len(keys) and apart[row, column] < 1:
                    owners[row] = keys[column]
        for row, owner in zip(rows, owners, strict=True):
            key = np.float32(row[3]) if owner is None else owner
            people.setdefault(key, np.zeros((n_joints, len(row)), np.float32))[joint] = row
            tag = np.asarray(row[3:], np.float32)
            all_tags[key] = [tag] if owner is None else [*all_tags[key], tag]
    return list(people.values())


def _nudge(heatmap: Array, y: int, x: int) -> tuple[float, float]:
    height, width = heatmap.shape
    right, left = heatmap[y, min(x + 1, width - 1)], heatmap[y, max(x - 1, 0)]
    below, above = heatmap[min(y + 1, height - 1), x], heatmap[max(y - 1, 0), x]
    return x + 0.5 + (0.25 if right > left else -0.25), y + 0.5 + (0.25 if below > above else -0.25)
