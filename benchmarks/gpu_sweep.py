"""Sweeps that `gpu.py` times: drawn people in JPEG files, through all cells, with and without a network process."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from robustpose import estimators
from robustpose.benchmark.job import make_job
from robustpose.benchmark.predict import Predicting
from robustpose.corruptions.suites import COCO_C, cells_of
from robustpose.data.corrupted import describe_corrupted_images
from robustpose.data.images import write_image
from robustpose.data.spec import DataSpec
from robustpose.data.toy import ToyPeople
from robustpose.network_processes import Client, run_networks, serve
from robustpose.pose.cell import CLEAN
from robustpose.pose.skeletons import COCO
from robustpose.results.inputs import Inputs
from robustpose.work import Processes, cut_chunks, do_tasks

LONGER_SIDE = 640  # px
INPUT_WH = (192, 256)
STEADY = 12.0  # seconds that a sweep is measured for
STARTING = 150.0  # seconds after which a sweep whose workers are not at work is given up
ASKED = 32  # crops of a question: 16 people and their mirror images


@dataclass
class Run:
    """What parts need: where, how large, how long; and the table that they fill."""

    device: torch.device
    small: bool
    folder: Path
    ends_at: float
    n_workers: int
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def tell(self, part: str, what: str, value: str) -> None:
        """Add a row to the table, and print it."""
        self.rows.append((part, what, value))
        print(f"{part:12} {what:52} {value}", flush=True)

    @property
    def precisions(self) -> tuple[str, ...]:
        return ("float32", "bf16") if self.device.type == "cpu" else ("float32", "bf16", "fp16")

    @property
    def seconds(self) -> float:
        return 1.0 if self.small else STEADY

    def name(self, network: str) -> str:
        """Return the network that stands for another one where everything is small."""
        return "small" if self.small else network

    def wait(self) -> None:
        """Wait for the GPU."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def save_data(folder: Path, n_images: int) -> DataSpec:
    """Draw people into JPEG files with annotations as COCO has them."""
    toy, images, annotations = ToyPeople(n_images), [], []
    for index in range(n_images):
        frame, truth = toy.frame(index), toy.truth(index)
        scale = LONGER_SIDE / max(frame.image.shape[:2])
        image = cv2.resize(frame.image, None, fx=scale, fy=scale)
        write_image(folder / f"images/{index:06}.jpg", image)
        images.append({"id": index, "file_name": f"{index:06}.jpg", "height": image.shape[0], "width": image.shape[1]})
        for xy, visible, (x1, y1, x2, y2) in zip(truth.xy, truth.visible, frame.boxes, strict=True):
            box = [float(side * scale) for side in (x1, y1, x2 - x1, y2 - y1)]
            joints = np.column_stack([np.round(xy * scale, 2), visible]).ravel().tolist()
            about = {"keypoints": joints, "num_keypoints": int((visible > 0).sum()), "area": box[2] * box[3]}
            annotations.append(
                {"id": len(annotations) + 1, "image_id": index, "category_id": 1, "iscrowd": 0, "bbox": box, **about}
            )
    category = {"id": 1, "name": "person", "keypoints": list(COCO.joints), "skeleton": []}
    path = folder / "people.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": [category]}))
    return DataSpec(annotations=path, images=folder / "images")


@dataclass
class Watched:
    """The most memory that was taken, MB."""

    gpu: float = 0.0
    host: float = 0.0


@contextmanager
def watch_memory(run: Run) -> Iterator[Watched]:
    """Look twice a second at the memory of the whole GPU, and of this process and all that it has started."""
    most, is_over = Watched(), threading.Event()

    def look() -> None:
        while not is_over.wait(0.5):
            most.host = max(most.host, sum(map(measure_process, list_family())) / 2**20)
            if run.device.type == "cuda":
                free, total = torch.cuda.mem_get_info(run.device)
                most.gpu = max(most.gpu, (total - free) / 2**20)

    watching = threading.Thread(target=look, daemon=True)
    watching.start()
    try:
        yield most
    finally:
        is_over.set()
        watching.join()


def list_family() -> list[int]:
    """Return the ids of this process and of all that it has started, directly or not."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family = [os.getpid()]
    for pid in family:  # it grows meanwhile
        family += [child for child, parent in parents.items() if parent == pid]
    return family


def measure_process(pid: int) -> int:
    """Return the bytes of a process, of those that it shares its part; 0 where nobody says."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


def run_data(run: Run) -> DataSpec:
    """Return the drawn data, made once."""
    if not (run.folder / "people.json").is_file():
        (run.folder / "images").mkdir()
        return save_data(run.folder, 4 * run.n_workers)  # at least a chunk for each
    return DataSpec(annotations=run.folder / "people.json", images=run.folder / "images")


def sweep(run: Run, spec: str, title: str, precision: str, n_networks: int) -> None:
    """Tell how many images × cells a second a sweep does, and what memory it takes."""
    options = {"precision": precision, "device": str(run.device), "batch_size": 16}
    inputs = Inputs(data=run_data(run), corrupted_images=describe_corrupted_images(None, None, None))
    out = run.folder / f"run-{len(run.rows)}"
    job = make_job(inputs, partial(estimators.build, spec, options=options), out, COCO_C)
    cells = [CLEAN, *cells_of(COCO_C.corruptions, (3,) if run.small else COCO_C.severities)]
    tasks = [(chunk, cells) for chunk in cut_chunks(4 * run.n_workers)]
    engine, times, start = Processes(run.n_workers, n_networks=n_networks), [], time.perf_counter()
    with watch_memory(run) as most, closing(do_tasks(Predicting(job), tasks, engine, lambda _: None)) as results:  # type: ignore[type-var]
        for _ in results:
            times.append(time.perf_counter())
            # Every worker has loaded everything by the time when a few units of each are there.
            begun = times[4 * run.n_workers :]
            if (begun and begun[-1] - begun[0] > run.seconds) or times[-1] - start > STARTING:
                break
    begun = times[4 * run.n_workers :]
    rate = 4 * (len(begun) - 1) / (begun[-1] - begun[0]) if len(begun) > 1 else float("nan")  # 4 images a unit
    who = f"{run.n_workers} workers" + (f" and {n_networks} network process" if n_networks else " run it themselves")
    memory = f"host {most.host:,.0f} MB" + (f", GPU {most.gpu:,.0f} MB" if run.device.type == "cuda" else "")
    began = f"at work after {times[0] - start:.0f} s" if times else "nothing was finished"
    run.tell("sweep", f"{title}, {precision}, {who}", f"{rate:,.1f} images × cells/s; {memory}; {began}")


class Free:
    """A network that costs nothing: heatmaps of zeros."""

    n_per_call = ASKED

    def start(self, parts: Sequence[Any]) -> Free:
        """Look at the crops, as one must who brings them to a device."""
        self._crops = np.concatenate(parts)
        return self

    def is_ready(self) -> bool:
        """Return True."""
        return True

    def finish(self) -> list[Any]:
        """Return heatmaps."""
        return [np.zeros((len(self._crops), 17, INPUT_WH[1] // 4, INPUT_WH[0] // 4), np.float32)]


def time_asking(run: Run) -> None:
    """Tell what it takes to ask for a network that costs nothing: crops go, heatmaps come."""
    asking, answering = Pipe()
    server = threading.Thread(target=run_networks, args=(lambda: serve(Free()), [answering]))
    server.start()
    ask, crops = Client(asking).add_network(), np.ones((ASKED, 3, INPUT_WH[1], INPUT_WH[0]), np.float32)
    seconds = []
    for _ in range(10 if run.small else 100):
        start = time.process_time()  # of both threads, whatever else the machine does
        ask(crops)
        seconds.append(time.process_time() - start)
    asking.close()
    server.join()
    what = f"asking for {ASKED} crops of {INPUT_WH[1]}x{INPUT_WH[0]}, ms of CPU, both sides"
    run.tell("asking", what, f"{1000 * float(np.median(seconds)):.1f}")
