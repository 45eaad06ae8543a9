"""How long do the intervals of a run take, and is what they are made of exact?

    python benchmarks/bootstrap.py
    python benchmarks/bootstrap.py --images 161 --people 273

One core, CPU time. Drawn people in as many images as COCO's validation set has, and poses that get worse from cell to
cell. First row: a pose for every person, as with annotated boxes; second: about ten poses an image, as with detected
ones. `match`: holding the poses of all cells against the truth; `resample`: AP of all resamples of all cells;
`slices`: the same for every slice and joint, measured on some cells and scaled to all; `figures`: COCO's ten figures of
each cell, scaled likewise. `difference`: the largest between the AP of the images as they are, of the table, and in
figures; `copies`: likewise between a resample and the images that it stands for, each as often as it was drawn. No
two poses of an image have the same score here: of such poses, the copies of one are taken before those of the other.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np

from robustpose.metrics.coco_ap import CocoAP
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Poses, Truth
from robustpose.results.cell_score import cut_people
from robustpose.results.resampling import draw_weights

Pairs = list[tuple[Poses, Truth]]
ROWS = {"annotated boxes": None, "detections": 10}  # poses an image; None for one a person


def draw_truths(n_images: int, n_people: int, rng: np.random.Generator) -> list[Truth]:
    """Return images with people of COCO's sizes: most have one or two, few have many, half of the joints annotated."""
    images = np.minimum((n_images * rng.random(n_people) ** 1.5).astype(int), n_images - 1)
    truths = []
    for image_id, n_here in enumerate(np.bincount(images, minlength=n_images)):
        size = np.exp(rng.normal(4.4, 0.8, n_here))  # px, the square root of the area
        corner = rng.uniform(0, 500, (n_here, 1, 2))
        xy = corner + rng.random((n_here, 17, 2)) * size[:, None, None] * [1.0, 2.0]
        visible = 2 * (rng.random((n_here, 17)) < rng.uniform(0.2, 1, (n_here, 1)))
        boxes = np.concatenate([corner[:, 0], corner[:, 0] + size[:, None] * [1.0, 2.0]], axis=1)
        truths.append(Truth(image_id, xy, visible, size**2, boxes, rng.random(n_here) < 0.01))
    return truths


def draw_poses(truths: Sequence[Truth], per_image: int | None, badness: float, rng: np.random.Generator) -> Pairs:
    """Return a pose for every person, and others up to `per_image`, the farther off the larger `badness`."""
    pairs = []
    spread = 2 * np.array(COCO.sigmas)[:, None]
    for truth in truths:
        n_here = len(truth.xy)
        n_found = n_here if per_image is None else max(per_image, n_here)
        error = np.exp(rng.normal(-1 + badness, 0.7, n_found))  # in units of OKS
        error[n_here:] *= 4
        if n_here:
            whom = np.arange(n_found) % n_here
            scale = error[:, None, None] * np.sqrt(truth.area[whom])[:, None, None]
            xy = truth.xy[whom] + rng.normal(size=(n_found, 17, 2)) * scale * spread
        else:
            xy = rng.uniform(0, 500, (n_found, 17, 2))
        score = np.exp(-error / 2) + rng.normal(0, 0.1, n_found)
        score = score.round(4) + np.arange(n_found) / 1e6  # none are equal: copies of equal ones would change places
        pairs.append((Poses(truth.image_id, xy, np.ones((n_found, 17)), score), truth))
    return pairs


def fill(pairs: Pairs) -> CocoAP:
    """Return the metric of some images."""
    metric = CocoAP(COCO.sigmas, COCO.joints)
    for poses, truth in pairs:
        metric.update(poses, truth)
    return metric


class Clock:
    """CPU seconds of what has been run, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def run(self, name: str, job: Callable[[], Any]) -> Any:
        """Return what `job` does."""
        start = time.process_time()
        found = job()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start
        return found


def measure(truths: Sequence[Truth], per_image: int | None, n_cells: int, n_resamples: int, n_checked: int) -> str:
    """Return a row of the table."""
    clock = Clock()
    weights = draw_weights(len(truths), n_resamples)
    slices = cut_people(truths, COCO.n_joints)
    differences, copies, n_poses = [], [], 0
    for cell in range(n_cells):
        pairs = draw_poses(truths, per_image, 1.5 * cell / n_cells, np.random.default_rng([1, cell]))
        n_poses = sum(len(poses.score) for poses, _ in pairs)
        metric = fill(pairs)
        matches = clock.run("match", metric.matches)
        table = clock.run("match", matches.table)
        scores = clock.run("resample", lambda table=table: table.score(weights))
        if cell >= n_checked:
            continue
        clock.run("slices", lambda m=matches: [m.table(kept).score(weights) for kept in slices.values()])
        clock.run("slices", lambda m=matches: [t.score(weights) for t in m.joints_tables().values()])
        figures = clock.run("figures", metric.compute)
        differences.append(abs(figures["AP"] - table.score()[0]))
        drawn = [pair for pair, times in zip(pairs, weights[cell], strict=True) for _ in range(times)]
        copies.append(abs(fill(drawn).compute()["AP"] - scores[cell]))
    for name in ("slices", "figures"):
        clock.seconds[name] *= n_cells / n_checked
    taken = "".join(f"{clock.seconds[name]:>10.1f}" for name in ("match", "resample", "slices", "figures"))
    return f"{n_poses / len(truths):>9.1f}{taken}{max(differences):>12.1e}{max(copies):>10.1e}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--people", type=int, default=11000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--cells", type=int, default=76)
    parser.add_argument("--checked", type=int, default=8, help="cells that slices and exactness are measured on")
    options = parser.parse_args()
    n_checked = max(1, min(options.checked, options.cells, options.resamples))

    few = draw_truths(20, 40, np.random.default_rng(0))
    measure(few, 4, 2, 3, 2)  # compiled
    draw_weights.cache_clear()
    start = time.process_time()
    draw_weights(options.images, options.resamples)
    print(
        f"{options.images} images, {options.people} people, {options.cells} cells, {options.resamples} resamples "
        f"(drawn once, {time.process_time() - start:.2f} s); CPU seconds on one core for all cells"
    )
    truths = draw_truths(options.images, options.people, np.random.default_rng(0))
    print(
        f"{'':<18}{'poses/im':>9}{'match':>10}{'resample':>10}{'slices':>10}{'figures':>10}"
        f"{'difference':>12}{'copies':>10}"
    )
    for name, per_image in ROWS.items():
        row = measure(truths, per_image, options.cells, options.resamples, n_checked)
        print(f"{name:<18}{row}", flush=True)


if __name__ == "__main__":
    main()
