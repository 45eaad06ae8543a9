"""Add a corruption of your own: look at it, then measure with it.

    python examples/own_corruption.py

It goes by --corruptions package.module:name on the command line, too.
"""

import numpy as np
from PIL import Image

import robustpose


def dead_rows(image, severity, rng):
    """Black rows, as of a broken sensor, in an image (H, W, 3) uint8 RGB; returns one of the same size and type.

    All random numbers come from `rng`, which has the methods of NumPy's `Generator`: so a run can be repeated.
    """
    image = image.copy()
    n_rows = len(image) * severity // 50  # 2 % to 10 % of them
    image[rng.permutation(len(image))[:n_rows]] = 0
    return image


def main():
    """Write an image of each severity side by side, and bench the demo network."""
    ramp = np.tile(np.linspace(0, 255, 128, dtype=np.uint8)[None, :, None], (96, 1, 3))  # an image of yours
    sheet = [dead_rows(ramp, severity, np.random.default_rng(severity)) for severity in range(1, 6)]
    Image.fromarray(np.concatenate([ramp, *sheet], axis=1)).save("dead_rows.png")
    run = robustpose.bench(
        "demo", "toy", limit=8, corruptions=[dead_rows, "brightness"], severities=[1, 3, 5], out="runs/rows"
    )
    for cell, score in run.cells.items():
        low, high = run.interval(cell)
        print(f"{cell}: {score:.1%} [{low:.1%}, {high:.1%}]")
    print("mPC:", run.mPC)  # None: it is the mean over the 15 corruptions of coco-c, and of nothing else


if __name__ == "__main__":
    main()
