"""Does grouping assign joints to people as munkres 3.0.0 does, and how fast?

    python benchmarks/assignment.py
    python benchmarks/assignment.py --draws 20000 --seed 1

Needs munkres 3.0.0 with its compiled part. One core. First: how many of drawn assignments differ; of 1 to 30 joints and
people, far apart or in crowds, with values that repeat or not, by tags of one number or two. Second: the median time of
one assignment, by its size; `munkres` is `Munkres().compute` of lists, `compiled` its quickest way from an array.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from munkres import Munkres, linear_sum_assignment, native_status

from robustpose.decoding.tags.assignment import assign

Costs = npt.NDArray[np.float64]
SIZES = ((5, 5), (10, 10), (20, 20), (30, 30), (20, 25), (25, 20), (30, 10))  # joints, people
CROWDS = {"apart": 30.0, "near": 2.0, "crowded": 0.7}  # how far tags spread


def draw_costs(rng: np.random.Generator, n_joints: int, n_people: int, spread: float) -> Costs:
    """Return costs (n, m), m at least n: rounded distances of tags · 100, less the value of each joint, padded."""
    n_tags, n_values = rng.integers(1, 3), rng.choice([1, 3, 10, 1000])
    means = rng.normal(0, spread, (n_people, n_tags)).astype(np.float32).astype(float)
    some = rng.integers(0, n_people, n_joints) if rng.random() < 0.5 else rng.permutation(n_joints) % n_people
    tags = (means[some] + rng.normal(0, rng.choice([0.0, 0.1, 0.5]), (n_joints, n_tags))).astype(np.float32)
    values = rng.choice(rng.uniform(0.1, 1.1, n_values).astype(np.float32), n_joints).astype(float)
    if rng.random() < 0.7:
        values = -np.sort(-values)
    apart = np.sqrt(((tags[:, None] - means) ** 2).sum(2))
    padding = np.full((n_joints, max(0, n_joints - n_people)), 1e10)
    return np.concatenate([np.rint(apart) * 100 - values[:, None], padding], axis=1)


def count_different(rng: np.random.Generator, n_draws: int) -> int:
    """Return how many of drawn assignments differ from munkres'."""
    n_different = 0
    for _ in range(n_draws):
        n_joints, n_people = rng.integers(1, 31, 2)
        costs = draw_costs(rng, n_joints, n_people, rng.choice([0.3, 1, 3, 10, 100, 1000]))
        n_different += assign(costs).tolist() != [column for _, column in Munkres().compute(costs)]
    return n_different


def measure(call: Callable[[Any], Any], drawn: Sequence[Any]) -> float:
    """Return the median CPU time of a call over rounds of all that is drawn, us."""
    times = []
    for _ in range(6):
        start = time.process_time()
        for one in drawn:
            call(one)
        times.append(time.process_time() - start)
    return 1e6 * statistics.median(times[1:]) / len(drawn)


def main() -> None:
    """Print what differs, and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if not native_status()["available"]:
        parser.error(f"munkres has no compiled part here: {native_status()['disabled_reason']}")
    n_different = count_different(np.random.default_rng(given.seed), given.draws)
    print(f"{n_different} of {given.draws} assignments differ from munkres'\n")
    print(f"{'people':>8} {'size':>7} {'munkres':>9} {'compiled':>9} {'ours':>9}   us")
    for name, spread in CROWDS.items():
        for n_joints, n_people in SIZES:
            rng = np.random.default_rng(0)
            drawn = [draw_costs(rng, n_joints, n_people, spread) for _ in range(100)]
            times = [measure(call, drawn) for call in (Munkres().compute, linear_sum_assignment, assign)]
            print(f"{name:>8} {n_joints:>4}x{n_people:<2} {times[0]:9.1f} {times[1]:9.1f} {times[2]:9.1f}", flush=True)


if __name__ == "__main__":
    main()
