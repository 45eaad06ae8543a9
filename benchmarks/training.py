"""What does a step of AdvMix cost beside a supervised step, and how many crops does a data-loading core make?

    python benchmarks/training.py
    python benchmarks/training.py --rows "" --annotations people.json --images DIR

One thread, CPU time, medians over rounds in which all rows take turns; `ratio` is the median over rounds of a row's
time to the supervised step's. Views are random numbers; SBL with ResNet-50 at 256x192. Before it, crops per second and
core of each view, drawn beside the clean crop from an image in memory (drawn people, 640x480). With --annotations, also
crops per second and core: reading the image, cropping, views (the clean one alone, then three), targets.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric

from robustpose import models
from robustpose.data.coco import read_coco
from robustpose.data.toy import ToyPeople
from robustpose.models.zoo import make_input_spec
from robustpose.pose.skeletons import COCO
from robustpose.processes import keep_freed_memory
from robustpose.train.advmix import AdvMixStep
from robustpose.train.heatmaps import PersonCrops
from robustpose.train.mixing import GeneratorMix, make_generator
from robustpose.train.samples import CropSource
from robustpose.train.settings_groups import AugmentSettings
from robustpose.train.simultaneous import SimultaneousStep
from robustpose.train.steps import Step
from robustpose.train.teacher import Teacher
from robustpose.train.views.table import VIEWS

SIZES_WH = ((96, 128), (192, 256))
ROWS: dict[str, dict[str, Any]] = {
    "alternating, distils on the mix": {"distill_on": "mixed"},
    "alternating, distils on clean": {"distill_on": "clean"},
    "alternating, scale 2": {"distill_on": "mixed", "scale": 2},
    "simultaneous": {"step": SimultaneousStep},
    "simultaneous, scale 2": {"step": SimultaneousStep, "scale": 2},
}


def make_network(name: str) -> torch.nn.Module:
    """Return the same network every time."""
    torch.manual_seed(0)
    return models.build(name).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def time_steps(name: str, batch_size: int, rounds: int, rows: dict[str, dict[str, Any]]) -> None:
    """Print the table of steps."""
    fabric = Fabric(accelerator="cpu", devices=1)
    batch = {
        "views": torch.randn(batch_size, 3, 3, 256, 192),
        "target": torch.rand(batch_size, 17, 64, 48),
        "weight": torch.ones(batch_size, 17, 1),
    }
    steps: dict[str, Step] = {"supervised": AdvMixStep(make_network(name), fabric=fabric)}
    for row, options in rows.items():
        scale = options.get("scale", 1)
        mixer = GeneratorMix(make_generator(3, (192, 256), scale=scale), scale)
        mixer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        teacher = Teacher(make_network(name), distill_on=options.get("distill_on", "clean"))
        steps[row] = options.get("step", AdvMixStep)(make_network(name), teacher, mixer, fabric=fabric)
    seconds: dict[str, list[float]] = {row: [] for row in steps}
    for number in range(rounds + 1):
        for row, step in steps.items():
            start = time.process_time()
            step(batch)
            if number:  # the first one prepares
                seconds[row].append(time.process_time() - start)
    print(f"{name}, 256x192, batches of {batch_size}, {rounds} rounds")
    print(f"{'':34}{'ms/crop':>9}{'ratio':>7}")
    for row, values in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(values, seconds["supervised"], strict=True))
        print(f"{row:34}{1000 * statistics.median(values) / batch_size:9.1f}{ratio:7.2f}")


def time_views(n_crops: int = 300) -> None:
    """Print how many crops a core makes with each view, from images in memory: cropping, and drawing both."""
    print(f"{'crops/s and core':16}" + "".join(f"{f'{width}x{height}':>9}" for width, height in SIZES_WH))
    for view in VIEWS:
        rates = []
        for width, height in SIZES_WH:
            input_spec = make_input_spec("sbl_r50", COCO, (width, height))
            source = CropSource(ToyPeople(), input_spec, 0, views=tuple(dict.fromkeys(("clean", view))))
            image = cv2.resize(source.dataset.frame(0).image, (640, 480))
            matrix = np.array([[0.6 * width / 192, 0.2, -40], [-0.2, 0.6 * width / 192, 20]])
            for first in (0, n_crops):  # the first ones prepare
                start = time.process_time()
                for number in range(first, first + n_crops):
                    source.cut(image, matrix, (0, number))
            rates.append(n_crops / (time.process_time() - start))
        print(f"{view:16}" + "".join(f"{rate:9.0f}" for rate in rates), flush=True)


def time_loading(annotations: Path, images: Path) -> None:
    """Print how many crops a core makes, without and with the views of AdvMix."""
    people = read_coco(annotations, images)
    input_spec = make_input_spec("sbl_r50", COCO, (192, 256))
    for title, cache_mb in (("every image read from its file", 0), ("images in memory", 4096)):
        for views in (("clean",), ("clean", "autoaugment", "gridmask")):
            crops = PersonCrops(CropSource(people, input_spec, 0, cache_mb, views), AugmentSettings())
            for epoch in range(2):  # in the first one, memory is filled
                start = time.process_time()
                for person in range(len(crops)):
                    crops[epoch, person]
            rate = len(crops) / (time.process_time() - start)
            print(f"{' '.join(views)}, {title}: {rate:.0f} crops/s on one core")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="sbl_r50")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", help="of the table, with semicolons")
    parser.add_argument("--annotations", type=Path)
    parser.add_argument("--images", type=Path)
    given = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    time_views()
    if given.annotations:
        time_loading(given.annotations, given.images)
    chosen = given.rows.split(";") if given.rows is not None else list(ROWS)
    rows = {row: options for row, options in ROWS.items() if row in chosen}
    if rows:
        time_steps(given.network, given.batch_size, given.rounds, rows)


if __name__ == "__main__":
    main()
