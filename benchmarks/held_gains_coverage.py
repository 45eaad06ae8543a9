"""How often do intervals of held gains hold the truth, and is a share told where there is none?

    python benchmarks/held_gains_coverage.py
    python benchmarks/held_gains_coverage.py --images 40,161 --simulations 400

Two models of which the gain on two suites is known: the score of an image is what makes it hard for everybody, what
each model makes of it, and what each makes of it on each suite; all are normal. As many images as a data set has are
drawn again and again, and gains, their difference and the share that holds are made as for runs. Printed in percent:
how often the truth is in the interval of the difference, and in that of the share, among the samples in which one is
told; how often one is told at all; and how often the difference is told apart, which should be 5 where there is none.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from robustpose.pose.types import Floats
from robustpose.results.held_gains import Gain, hold_gain
from robustpose.results.resampling import draw_weights

SPREAD_OF_MODEL, SPREAD_OF_SUITE = 0.08, 0.06  # of an image's gain: what both suites share, and what each has alone
GAINS = ((0.04, 0.04), (0.04, 0.02), (0.04, 0.0), (0.04, -0.02), (0.015, 0.015), (0.015, 0.0))


def draw_gains(known: float, other: float, n_images: int, rng: np.random.Generator) -> Floats:
    """Return the gains (2, N) of images on both suites."""
    shared = rng.normal(0, SPREAD_OF_MODEL, n_images)
    return np.array([[known], [other]]) + shared + rng.normal(0, SPREAD_OF_SUITE, (2, n_images))


def simulate(known: float, other: float, n_images: int, n_simulations: int) -> Iterator[Gain]:
    """Yield what is told of two gains, of samples of so many images."""
    rng = np.random.default_rng([n_images, round(1e4 * known), round(1e4 * (1 + other))])
    weights = draw_weights(n_images).astype(float) / n_images
    for _ in range(n_simulations):
        of_images = draw_gains(known, other, n_images, rng)
        values = of_images.mean(1)
        resampled = of_images @ weights.T
        yield hold_gain(1, "other", (float(values[0]), float(values[1])), list(resampled))


def describe(known: float, other: float, n_images: int, gains: list[Gain]) -> str:
    """Return a line of the table."""
    change, share = other - known, other / known
    in_change = [low <= change <= high for gain in gains for low, high in [gain.change.interval or (1, -1)]]
    told = [gain.share_interval for gain in gains if gain.share is not None and gain.share_interval is not None]
    in_share = [low <= share <= high for low, high in told]
    apart = [gain.change.is_distinguishable for gain in gains]
    figures = [100 * np.mean(in_change), 100 * len(told) / len(gains), 100 * np.mean(in_share), 100 * np.mean(apart)]
    return f"{n_images:6d} {known:7.3f} {other:7.3f}" + "".join(f"{figure:10.1f}" for figure in figures)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="30,161,1000")
    parser.add_argument("--simulations", type=int, default=1000)
    given = parser.parse_args()
    print("images   known   other    change      told     share     apart", flush=True)
    for n_images in map(int, given.images.split(",")):
        for known, other in GAINS:
            gains = list(simulate(known, other, n_images, given.simulations))
            print(describe(known, other, n_images, gains), flush=True)


if __name__ == "__main__":
    main()
