"""What does a bench take around its model: memory over time, and CPU time a unit, with an estimator that costs nothing?

    python benchmarks/driver.py
    python benchmarks/driver.py --images 500 --cells 16 --finds nobody
    python benchmarks/driver.py --workers 2
    python benchmarks/driver.py --workers 2 --engine ray      # a cluster is started here

As many images as COCO's validation set has, in all cells of COCO-C, by an estimator that asks for images and looks at
none: it finds its boxes again, or nobody. So nothing is decoded, corrupted or computed, and what is left is the driver:
frames, tasks, units written, read and gathered into predictions files. With one worker it does all of that itself; with
more, `CPU` is that of the process that shares out; with Ray,
`for Ray` is the process that speaks with it. `MB at`: resident memory at each tenth of a stage.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
from scoring import SIZE_WH, draw_people

from robustpose.benchmark import predict
from robustpose.benchmark.job import Job, prepare
from robustpose.cluster import Place, RayCluster
from robustpose.corruptions.suites import COCO_C
from robustpose.data.corrupted import MadeImages
from robustpose.data.images import write_image
from robustpose.data.spec import DataSpec
from robustpose.pose.protocols import Estimator
from robustpose.pose.skeletons import COCO, Skeleton
from robustpose.pose.types import Frame, Poses, no_poses
from robustpose.work import Engine, Processes

SECONDS = 0.05  # between looks at the memory
PAGE_MB = resource.getpagesize() / 2**20


class CostsNothing(Estimator):
    """Asks for images, looks at none, and finds its boxes again, or nobody."""

    needs_boxes, needs_images = True, True

    def __init__(self, skeleton: Skeleton, finds: str) -> None:
        self.skeleton = skeleton
        self.finds = finds

    def predict(self, frames: list[Frame]) -> list[Poses]:  # type: ignore[override]
        if self.finds == "nobody":
            return [no_poses(frame.image_id, self.skeleton.n_joints) for frame in frames]
        return [self._copy(frame) for frame in frames]

    def _copy(self, frame: Frame) -> Poses:
        boxes = frame.boxes if frame.boxes is not None else np.zeros((0, 4))
        shares = np.linspace(0, 1, self.skeleton.n_joints)[:, None]
        xy = boxes[:, None, :2] * shares + boxes[:, None, 2:] * (1 - shares)
        return Poses(frame.image_id, xy, np.full(xy.shape[:2], 0.9), np.full(len(xy), 0.9), frame.truth_rows)


def make_estimator(finds: str, skeleton: Skeleton) -> Estimator:
    """Return the estimator of a job."""
    return CostsNothing(skeleton, finds)


def draw_data(folder: Path, n_images: int, n_people: int) -> DataSpec:
    """Draw annotations, and tiny images: one file under many names."""
    (folder / "images").mkdir()
    names = [f"{number}.png" for number in range(n_images)]
    write_image(folder / "images" / names[0], np.zeros((SIZE_WH[1], SIZE_WH[0], 3), np.uint8))
    for name in names[1:]:
        os.link(folder / "images" / names[0], folder / "images" / name)
    images = [
        {"id": 139 + 3 * i, "file_name": name, "width": SIZE_WH[0], "height": SIZE_WH[1]}
        for i, name in enumerate(names)
    ]
    people = draw_people(n_images, n_people, 0.6, np.random.default_rng(0))
    category = {"id": 1, "name": "person", "keypoints": COCO.joints, "skeleton": []}
    content = {"images": images, "annotations": people, "categories": [category]}
    (folder / "people.json").write_text(json.dumps(content))
    return DataSpec(annotations=folder / "people.json", images=folder / "images")


class Watch:
    """Memory of this process over time, looked at in a thread of its own."""

    def __init__(self) -> None:
        self.stage = "start"
        self.seen: dict[str, list[float]] = {}
        self.seconds: dict[str, float] = {}
        self.other: int | None = None  # a process that is looked at, too
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            with suppress(OSError):
                self._note(self.stage, "self")
                if self.other is not None and self.stage == "units":
                    self._note("for Ray", str(self.other))
            time.sleep(SECONDS)

    def _note(self, name: str, process: str) -> None:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        self.seen.setdefault(name, []).append(pages * PAGE_MB)

    def time(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same as a stage of its own."""

        def timed(*args: Any, **options: Any) -> Any:
            before, self.stage, start = self.stage, stage, time.process_time()
            try:
                return function(*args, **options)
            finally:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + time.process_time() - start
                self.stage = before

        return timed


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--people", type=int, default=18400)
    parser.add_argument("--cells", type=int, default=76)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--finds", choices=("boxes", "nobody"), default="boxes")
    parser.add_argument("--engine", choices=("processes", "ray"), default="processes")
    options = parser.parse_args()
    engine: Engine = Processes(options.workers)
    warnings.simplefilter("ignore")
    watch = Watch()
    if options.engine == "ray":
        engine = RayCluster(Place(address="local"), options.workers)
        engine.n_workers  # noqa: B018  it connects
        watch.other, watch.seconds["for Ray"] = engine._connection._process.pid, math.nan
    predict.predict_units = watch.time("units", predict.predict_units)
    predict._gather = watch.time("gather", predict._gather)  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        spec = draw_data(folder, options.images, options.people)
        job = Job(spec.open, partial(make_estimator, options.finds), MadeImages("release"), folder / "run")
        prepared = watch.time("prepare", prepare)(job, COCO_C.cells[: options.cells])
        n_units = len(predict.find_chunks(predict.RunFolder(job.out), options.images)) * options.cells
        predict.predict_cells(prepared, engine, lambda progress: None)
    print(
        f"{options.images:,} images × {options.cells} cells, {n_units:,} units, {options.workers} workers "
        f"of {options.engine}, finds {options.finds} (load {os.getloadavg()[0]:.1f})"
    )
    print(f"{'':<10}{'CPU s':>8}{'ms a unit':>11}   MB at each tenth")
    for stage, seconds in watch.seconds.items():
        seen = watch.seen.get(stage, [0.0])
        at = [seen[min(len(seen) * tenth // 10, len(seen) - 1)] for tenth in range(11)]
        print(f"{stage:<10}{seconds:>8.1f}{1000 * seconds / n_units:>11.2f}   {' '.join(f'{mb:.0f}' for mb in at)}")
    of_workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    if isinstance(engine, RayCluster):
        engine.close()
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB", end="")
    print(f"; workers {of_workers.ru_utime + of_workers.ru_stime:.1f} s of CPU" if options.workers > 1 else "")


if __name__ == "__main__":
    main()
