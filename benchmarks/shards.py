"""How evenly shards share the work: ``python benchmarks/shards.py --model-ms 12``, a minute.

Times every corruption of coco-c on an image of 640 × 480 px, and adds up what each shard of some cuts then takes with a
model of so many milliseconds an image, opening an image included. Prints the longest shard beside the mean of them, and
how many images all shards open beside those that there are.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from robustpose import Cell, corrupt
from robustpose.benchmark.shards.split import Shard, list_shard_tasks
from robustpose.corruptions.suites import COCO_C

DECODING = 0.008  # seconds a JPEG of that size


def time_cells() -> dict[Cell, float]:
    """Return the seconds that an image takes in each cell, the faster of two tries."""
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    seconds = {}
    for cell in COCO_C.cells:
        tries = []
        for _ in range(2 if cell.corruption else 0):
            start = time.process_time()
            corrupt(image, str(cell.corruption), cell.severity)
            tries.append(time.process_time() - start)
        seconds[cell] = min(tries, default=0.0)
    return seconds


def main() -> None:
    """Print a line for each cut."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model-ms", type=float, default=0.0, help="of the model, an image in a cell")
    options = parser.parse_args()
    seconds, model = time_cells(), options.model_ms / 1000
    print(f"corruptions: {1000 * min(filter(None, seconds.values())):.1f} to {1000 * max(seconds.values()):.1f} ms")
    for n_images in (161, 5000):
        for n_shards in (8, 32, 100):
            took, n_opened = [], 0
            for number in range(1, n_shards + 1):
                tasks = list_shard_tasks(Shard(number, n_shards), n_images, COCO_C.cells)
                opened = sum(len(indices) for (_, indices), _ in tasks)
                work = sum(len(indices) * (seconds[cell] + model) for (_, indices), cells in tasks for cell in cells)
                took.append(work + DECODING * opened)
                n_opened += opened
            print(
                f"{n_images} images, {n_shards} shards: the longest takes {max(took) / np.mean(took):.2f} of the mean, "
                f"images are opened {n_opened / n_images:.2f} times"
            )


if __name__ == "__main__":
    main()
