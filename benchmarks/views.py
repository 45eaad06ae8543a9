"""How long do the views of AdvMix take?

    python benchmarks/views.py

One thread, one 192 x 256 crop, CPU time in milliseconds, median of many calls. First operations of AutoAugment,
Pillow's beside ours; then the mean over many draws, policies with and without sharpness; then GridMask, where
`batch` is what a crop takes in a batch of 32 tensors.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import cv2
import numpy as np
import torch
from PIL import Image, ImageOps

from robustpose.data.toy import ToyPeople
from robustpose.train.views.autoaugment import apply_autoaugment, apply_operations
from robustpose.train.views.gridmask import draw_grid, grid_mask, remove_squares

INPUT_WH = (192, 256)
SHAPE_HW = (256, 192)
CALLS = 20  # per measurement
BATCH = 32


def median_ms(run: Callable[[], Any], repeats: int) -> float:
    """Return the median over `repeats` of the CPU time of one call, in milliseconds."""
    run()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(CALLS):
            run()
        seconds.append((time.process_time() - start) / CALLS)
    return 1000 * statistics.median(seconds)


def mean_ms(run: Callable[[], Any], n_calls: int) -> float:
    """Return the mean CPU time of `n_calls` calls, in milliseconds."""
    start = time.process_time()
    for _ in range(n_calls):
        run()
    return 1000 * (time.process_time() - start) / n_calls


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--draws", type=int, default=5000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

    crop = cv2.resize(ToyPeople(1).frame(0).image, INPUT_WH, interpolation=cv2.INTER_CUBIC)
    pillow = Image.fromarray(crop)
    pairs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "equalize": (lambda: apply_operations(crop, [("equalize", 0)]), lambda: ImageOps.equalize(pillow)),
        "posterize": (lambda: apply_operations(crop, [("posterize", 6)]), lambda: ImageOps.posterize(pillow, 5)),
        "solarize": (lambda: apply_operations(crop, [("solarize", 4)]), lambda: ImageOps.solarize(pillow, 142.2)),
        "invert": (lambda: apply_operations(crop, [("invert", 0)]), lambda: ImageOps.invert(pillow)),
        "equalize twice": (
            lambda: apply_operations(crop, [("equalize", 0), ("equalize", 0)]),
            lambda: ImageOps.equalize(ImageOps.equalize(pillow)),
        ),
    }
    print(f"{'operation':<26}{'ours':>8}{'Pillow':>8}")
    for name, (ours, theirs) in pairs.items():
        print(f"{name:<26}{median_ms(ours, options.repeats):>8.3f}{median_ms(theirs, options.repeats):>8.3f}")

    rng = np.random.default_rng(0)
    for policies in ("paper", "release"):
        took = mean_ms(lambda policies=policies: apply_autoaugment(crop, rng, policies), options.draws)
        print(f"{f'AutoAugment, {policies}':<26}{took:>8.3f}")

    print(f"{'GridMask, draw':<26}{mean_ms(lambda: draw_grid(SHAPE_HW, rng), options.draws):>8.3f}")
    grids = torch.from_numpy(np.stack([draw_grid(SHAPE_HW, rng) for _ in range(BATCH)]))
    took = median_ms(lambda: grid_mask(grids, SHAPE_HW), options.repeats) / BATCH
    print(f"{'GridMask, batch':<26}{took:>8.3f}")
    crops = torch.zeros(BATCH, 3, *SHAPE_HW)
    took = median_ms(lambda: remove_squares(crops, grids), options.repeats) / BATCH
    print(f"{'GridMask, batch, removed':<26}{took:>8.3f}")


if __name__ == "__main__":
    main()
