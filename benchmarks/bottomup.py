"""How fast is bottom-up estimation, and are its people those of the plain way?

    python benchmarks/bottomup.py
    python benchmarks/bottomup.py --network higherhrnet_w32:pose_higher_hrnet_w32_512.pth --images 4

One core, CPU time, medians. First table: grouping of 30 people × 17 joints in maps of several sizes, some joints
missing. Second: the whole estimator, from image to people, beside `plain_bottomup`, on drawn crowds; the network is
one of the table with the weights that are given, or with random ones, which find nobody: then drawn maps take the place
of what it found, so that there is something to group. `different`: people, joints or scores that differ by more than
0.01 px or 1e-4.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import cv2
import numpy as np
import numpy.typing as npt
import torch
from plain_bottomup import estimate, group
from torch import Tensor, nn

from robustpose import models
from robustpose.data.toy import ToyPeople
from robustpose.decoding.tags import group_people
from robustpose.estimators.running.backends import as_image_callable
from robustpose.estimators.tags import Options, TagEstimator, place_image
from robustpose.models.weights import load_weights
from robustpose.models.zoo import make_input_spec
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Frame

Array = npt.NDArray[np.float32]
SIZES_HW = ((128, 128), (256, 320), (512, 640))


def draw_maps(n_people: int, size_hw: tuple[int, int], missing: float) -> tuple[Array, Array]:
    """Return heatmaps (17, H, W) and tags (17, H, W, 2) of people whose joints are small blobs."""
    rng = np.random.default_rng(0)
    height, width = size_hw
    heatmaps = rng.normal(0, 0.01, (17, height, width)).astype(np.float32)
    tags = rng.normal(0, 0.05, (17, height, width, 2)).astype(np.float32)
    rows, columns = np.mgrid[:height, :width]
    for person in range(n_people):
        for joint in np.flatnonzero(rng.random(17) >= missing):
            x, y = rng.uniform(4, (width - 4, height - 4))
            apart = (columns - x) ** 2 + (rows - y) ** 2
            heatmaps[joint] = np.maximum(heatmaps[joint], np.exp(-apart / 4) * rng.uniform(0.4, 1))
            tags[joint][apart < 9] = 3 * person
    return heatmaps, tags


def measure(call: Callable[[], Any], n: int) -> float:
    """Return the median CPU time of a call, ms."""
    call()
    times = []
    for _ in range(n):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


class Crowded(nn.Module):
    """A network, at its own cost, that finds drawn people whatever it looks at, and the same ones in the mirror.

    Args:
        network: whose outputs are computed and thrown away: a module or any callable.
        n_people: in each image, an even number: half of them are the mirror images of the others.
    """

    def __init__(self, network: Callable[[Any], Any], n_people: int) -> None:
        super().__init__()
        self._network = [network]  # in a list: not a part of this module
        self._n_people = n_people
        self._drawn: dict[tuple[int, int], tuple[Array, Array]] = {}

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return tuple(torch.from_numpy(maps) for maps in self.find(x))

    def find(self, x: Any) -> tuple[Array, Array]:
        """Return heatmaps and tags, and finer heatmaps, of images (B, 3, h, w)."""
        _, fine = self._network[0](x)
        size_hw = (fine.shape[2], fine.shape[3])
        if size_hw not in self._drawn:
            self._drawn[size_hw] = self._draw(size_hw)
        return tuple(np.repeat(maps[None], len(x), axis=0) for maps in self._drawn[size_hw])

    def _draw(self, size_hw: tuple[int, int]) -> tuple[Array, Array]:
        heatmaps, tags = draw_maps(self._n_people // 2, size_hw, missing=0.15)
        order = list(COCO.flip_order)
        mirrored, mirrored_tags = heatmaps[order, :, ::-1], tags[order, :, ::-1, 0] + np.float32(1.5)
        both = np.maximum(heatmaps, mirrored)
        both_tags = np.where(mirrored > heatmaps, mirrored_tags, tags[..., 0])
        small = [cv2.resize(np.ascontiguousarray(m), None, fx=0.5, fy=0.5) for m in (*both, *both_tags)]
        return np.stack(small), both


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="higherhrnet_w32", help="a row of the table of networks, or ROW:FILE")
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--backend", default="torch", help="torch or openvino")
    parser.add_argument("--short-side", type=int, default=512)
    people = "in each image, where the weights are random"
    parser.add_argument("--people", type=int, nargs="+", default=[2, 6, 20], help=people)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print_grouping()
    name, _, file = given.network.partition(":")
    torch.manual_seed(0)
    network = models.build(name).eval()
    if file:
        load_weights(network, Path(file))
    run: Any = as_image_callable(network, 1, backend=given.backend)
    print(f"\n{name}, short side {given.short_side}, mirror test, ms an image")
    print(f"{'input':>12} {'people':>8} {'plain':>8} {'ours':>8} {'ratio':>6} {'different':>10}")
    frames = [ToyPeople(given.images, crowded=True).frame(index) for index in range(given.images)]
    if file:
        print_estimators(network, run, name, given.short_side, frames)
        return
    for n_people in given.people:
        both = Crowded(network, n_people).eval(), Crowded(run, n_people).find
        print_estimators(*both, name, given.short_side, frames)


def print_grouping() -> None:
    """Print the first table."""
    print("grouping 30 people x 17 joints, ms")
    print(f"{'maps':>12} {'missing':>8} {'plain':>8} {'ours':>8} {'ratio':>6} {'different':>10}")
    for size_hw in SIZES_HW:
        for missing in (0.0, 0.15, 0.4):
            heatmaps, tags = draw_maps(30, size_hw, missing)
            tensors = torch.from_numpy(heatmaps)[None], torch.from_numpy(tags)[None]
            plain, ours = measure(partial(group, *tensors), 1), measure(partial(group_people, heatmaps, tags), 15)
            n_different = count_different(group(*tensors), group_people(heatmaps, tags))
            name = f"{size_hw[1]}x{size_hw[0]}"
            print(
                f"{name:>12} {missing:8.0%} {plain:8.1f} {ours:8.1f} {plain / ours:6.1f} {n_different:10d}", flush=True
            )


def print_estimators(network: nn.Module, run: Any, name: str, short_side: int, frames: Sequence[Frame]) -> None:
    """Print a row of the second table for each image."""
    estimator = TagEstimator(run, make_input_spec(name, COCO), COCO, Options(input=short_side))
    for frame in frames:
        image = frame.image
        plain = measure(partial(estimate, network, image, short_side), 1)
        ours = measure(partial(estimator.predict, [frame]), 3)
        found = estimator.predict([frame])[0]
        people = np.concatenate([found.xy, found.confidence[:, :, None]], axis=2)
        n_different = count_different(estimate(network, image, short_side), (people, found.score))
        size_wh, _, _ = place_image((image.shape[1], image.shape[0]), short_side)
        size = f"{size_wh[0]}x{size_wh[1]}"
        print(f"{size:>12} {len(people):8d} {plain:8.0f} {ours:8.0f} {plain / ours:6.2f} {n_different:10d}", flush=True)


def count_different(first: tuple[Any, Any], second: tuple[Any, Any]) -> int:
    """Return how many people differ, in number, joints (0.01 px) or values and scores (1e-4), whatever their order."""
    if len(first[0]) != len(second[0]):
        return abs(len(first[0]) - len(second[0]))
    # Peaks of equal height, as a person and the mirror image have, come in no particular order.
    orders = [np.argsort(people[..., 0].mean(1)) for people, _ in (first, second)]
    people, others = (found[0][order].astype(float) for found, order in zip((first, second), orders, strict=True))
    scores, other_scores = (found[1][order].astype(float) for found, order in zip((first, second), orders, strict=True))
    apart = np.abs(people[..., :3] - others[..., :3])
    scores = np.abs(scores - other_scores)
    return int(((apart[..., :2] > 0.01).any((1, 2)) | (apart[..., 2] > 1e-4).any(1) | (scores > 1e-4)).sum())


if __name__ == "__main__":
    main()
