"""Do the 95 % intervals of groups of trainings hold the truth 95 times in 100?

    python benchmarks/trainings_coverage.py
    python benchmarks/trainings_coverage.py --kinds means --trainings 2,3,5,10 --simulations 2000
    python benchmarks/trainings_coverage.py --kinds unequal,unlucky

Methods whose truth is known are trained k times and scored on the same images, again and again. A training's score has
four parts: what the method gives; luck in training, of standard deviation L; how hard the images are, I; and which
images this training happens to get right, O. Two methods differ in one more, M: which images the method gets right.
All four are those of one training's score on the images of a set. `means` are scores that are means over images;
`ap` are tables of AP, clean and in two cells, of people with a logit OKS, as in interval_coverage.py.

`mean` and `difference`: how often the truth is in the interval, of one group and of two groups of different methods.
`equal`: of two groups of one method. `width`: half of the mean interval of a mean, by 1.96 of its standard deviation.
`unequal`: differences of groups of other sizes, of which one may have two trainings, and of other luck. `unlucky`: luck
that is not normal: now and then a training fails.
`two-level`: the same as `mean` and `equal`, by percentiles of trainings and images drawn again.
`images`: by resamples of the images alone. About 15 minutes of CPU time with one core.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np

from robustpose.metrics.oks_pairs import THRESHOLDS
from robustpose.metrics.score_tables import ApTable
from robustpose.results.resampling import draw_weights, interval
from robustpose.results.spreads import Trainings, interval_of_difference, interval_of_mean

MIDDLE = 0.5  # of scores that are means over images
# L, I, O and M, standard deviations in points, for such scores.
MEANS = {
    "luck alone": (1.0, 0.0, 0.0, 0.0),
    "images alone": (0.0, 1.0, 0.0, 0.5),
    "luck 3, images 1": (3.0, 1.0, 0.0, 0.0),
    "luck 2, images 1": (2.0, 1.0, 0.0, 0.5),
    "luck 1, images 1": (1.0, 1.0, 0.0, 0.5),
    "luck 1, images 3": (1.0, 3.0, 0.0, 1.0),
    "luck 1, images 1, own 1": (1.0, 1.0, 1.0, 0.5),
    "luck 1, images 3, own 1": (1.0, 3.0, 1.0, 0.0),
    "luck 3, images 3, own 1": (3.0, 3.0, 1.0, 0.5),
    "luck 0.3, images 3, own 1": (0.3, 3.0, 1.0, 0.0),
    "no luck, images 3, own 1": (0.0, 3.0, 1.0, 0.0),
    "own alone": (0.0, 0.0, 1.0, 0.0),
}
# The same in units of logit OKS, of people: luck of a training, of a person, of a training and a person, of a method.
AP = {
    "luck 0.02, own 0.6": (0.02, 1.0, 0.6, 0.2),
    "luck 0.1, own 0.6": (0.1, 1.0, 0.6, 0.2),
    "luck 0.3, own 0.6": (0.3, 1.0, 0.6, 0.2),
}
# Trainings of each group, and their L; I, O and M are 1, 0.5 and 0.
UNEQUAL = [
    (2, 3, 1.0, 1.0),
    (2, 3, 2.0, 0.3),
    (2, 5, 3.0, 0.3),
    (2, 5, 0.3, 3.0),
    (2, 10, 1.0, 1.0),
    (2, 10, 3.0, 0.3),
    (2, 20, 1.0, 1.0),
    (3, 5, 3.0, 0.3),
    (3, 10, 3.0, 0.3),
    (3, 20, 1.0, 1.0),
]
# How luck of standard deviation 1 is drawn, and L of it; I, O and M are 1, 0.5 and 0.
UNLUCKY: dict[str, tuple[Callable[[np.random.Generator, int], np.ndarray], float]] = {
    "1 in 10 fails, luck 2": (lambda rng, k: (0.1 - (rng.random(k) < 0.1)) / 0.3, 2.0),
    "1 in 10 fails, luck 4": (lambda rng, k: (0.1 - (rng.random(k) < 0.1)) / 0.3, 4.0),
    "exponential tail, luck 4": (lambda rng, k: 1 - rng.exponential(size=k), 4.0),
}
HARMS = (0.0, 0.6, 1.4)  # logit OKS that a cell costs; clean first
Scores = tuple[np.ndarray, np.ndarray]  # (F, k) figures of each training, and (F, k, R) of the resamples
Draw = Callable[[int, int, np.random.Generator, int], tuple[Scores, Scores, Scores]]


@dataclass(frozen=True)
class Kind:
    """How scores of three groups are drawn, the first two of one method, and what their means would be."""

    draw: Draw  # (k, n_images, rng, n_resamples)
    truth: np.ndarray  # (F,)
    figures: tuple[str, ...]


def make_means(parts: tuple[float, ...]) -> Kind:
    """Return scores that are means of normal numbers, one an image."""
    luck, hard, own, method = (part / 100 for part in parts)

    def draw(k: int, n_images: int, rng: np.random.Generator, n_resamples: int) -> tuple[Scores, Scores, Scores]:
        weights = draw_weights(n_images, n_resamples) / n_images
        images = hard * n_images**0.5 * rng.normal(size=n_images)
        methods = method * n_images**0.5 * rng.normal(size=(2, n_images))
        found = []
        for which in (0, 0, 1):
            scores = MIDDLE + images + methods[which] + own * n_images**0.5 * rng.normal(size=(k, n_images))
            scores += luck * rng.normal(size=(k, 1))
            found.append((scores.mean(1)[None], (scores @ weights.T)[None]))
        return found[0], found[1], found[2]

    return Kind(draw, np.array([MIDDLE]), ("mean",))


def make_ap(parts: tuple[float, ...]) -> Kind:
    """Return AP clean, its mean over cells, and their ratio, of networks that find people with some luck."""
    luck, hard, own, method = parts

    def draw(k: int, n_images: int, rng: np.random.Generator, n_resamples: int) -> tuple[Scores, Scores, Scores]:
        weights = np.concatenate([np.ones((1, n_images), np.uint8), draw_weights(n_images, n_resamples)])
        positives = 1 + rng.exponential(1.2, n_images).astype(int)
        image = np.repeat(np.arange(n_images), positives)
        ease = rng.normal(0, 0.6, n_images)[image] + rng.normal(0, hard, len(image))
        methods = rng.normal(0, method, (2, len(image)))
        found = []
        for which in (0, 0, 1):
            of = [
                _score(positives, image, ease + methods[which] + luck * rng.normal(), own, weights, rng)
                for _ in range(k)
            ]
            figures = np.stack(of, 1)  # (F, k, 1 + R)
            found.append((figures[..., 0], figures[..., 1:]))
        return found[0], found[1], found[2]

    return Kind(draw, _find_truth(parts), ("clean AP", "mPC", "rPC"))


def _score(
    positives: np.ndarray,
    image: np.ndarray,
    ease: np.ndarray,
    own: float,
    weights: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the figures (F, R) of one training."""
    of_person = rng.normal(0, own, len(image))
    cells = []
    for harm in HARMS:
        logit = 2.1 + ease + of_person - harm + rng.normal(0, 0.3, len(image))
        order = np.argsort(-(0.7 * logit + rng.normal(0, 0.8, len(image))), kind="stable")
        verdict = (logit[order] >= np.log(THRESHOLDS / (1 - THRESHOLDS))[:, None]).astype(np.int8)
        cells.append(ApTable(image[order].astype(np.int32), np.ascontiguousarray(verdict), positives).score(weights))
    mpc = np.mean(cells[1:], axis=0)
    return np.stack([cells[0], mpc, mpc / cells[0]])


def _find_truth(parts: tuple[float, ...], n_images: int = 40_000) -> np.ndarray:
    """Return the mean (F,) over luck, by quadrature, of what is scored on very many images."""
    luck, hard, own, method = parts
    nodes, shares = np.polynomial.hermite_e.hermegauss(7)
    found = []
    for node in nodes:
        rng = np.random.default_rng(5)
        positives = 1 + rng.exponential(1.2, n_images).astype(int)
        image = np.repeat(np.arange(n_images), positives)
        ease = rng.normal(0, 0.6, n_images)[image] + rng.normal(0, np.hypot(hard, method), len(image))
        found.append(_score(positives, image, ease + luck * node, own, np.ones((1, n_images), np.uint8), rng)[:, 0])
    return np.average(found, axis=0, weights=shares)


def measure(kind: Kind, k: int, n_images: int, n_simulations: int, n_resamples: int) -> Iterator[list[float]]:
    """Yield the numbers of each figure's row."""
    held = {name: np.zeros((n_simulations, len(kind.truth))) for name in COLUMNS}
    means = np.zeros((n_simulations, len(kind.truth)))
    for number in range(n_simulations):
        rng = np.random.default_rng([3, k, n_images, number])
        groups = kind.draw(k, n_images, rng, n_resamples)
        drawn = rng.integers(0, k, (2, k, n_resamples))
        for place, truth in enumerate(kind.truth):
            first, same, other = (Trainings(values[place], among[place]) for values, among in groups)
            means[number, place] = first.values.mean()
            of_mean = interval_of_mean(first, n_images)
            again, same_again = (
                np.take_along_axis(of.resampled, at, 0).mean(0) for of, at in zip((first, same), drawn, strict=True)
            )
            bands = {
                "mean": (of_mean, truth),
                "difference": (interval_of_difference(other, first, n_images), 0.0),
                "equal": (interval_of_difference(same, first, n_images), 0.0),
                "two-level mean": (interval(again), truth),
                "two-level equal": (interval(same_again - again), 0.0),
                "images mean": (interval(first.resampled.mean(0)), truth),
            }
            for name, ((low, high), wanted) in bands.items():
                held[name][number, place] = low <= wanted <= high if low < high else np.nan
            held["width"][number, place] = (of_mean[1] - of_mean[0]) / 2 / 1.96
    for place in range(len(kind.truth)):
        row = [100 * held[name][:, place].mean() for name in COLUMNS if name != "width"]
        yield [*row, held["width"][:, place].mean() / means[:, place].std(ddof=1)]


def measure_two(
    sizes: tuple[int, int],
    lucks: tuple[float, float],
    draw: Callable[[np.random.Generator, int], np.ndarray],
    n_images: int,
    n_simulations: int,
    n_resamples: int,
) -> tuple[float, float]:
    """Return how often in 100 the intervals of a group's mean, and of the difference of two, hold the truth."""
    weights = draw_weights(n_images, n_resamples).T / n_images
    held = np.zeros((n_simulations, 2))
    for number in range(n_simulations):
        rng = np.random.default_rng([4, *sizes, number])
        images = n_images**0.5 / 100 * rng.normal(size=n_images)
        groups = []
        for k, luck in zip(sizes, lucks, strict=True):
            scores = MIDDLE + images + n_images**0.5 / 200 * rng.normal(size=(k, n_images))
            scores += luck / 100 * draw(rng, k)[:, None]
            groups.append(Trainings(scores.mean(1), scores @ weights))
        mean = interval_of_mean(groups[0], n_images)
        difference = interval_of_difference(groups[1], groups[0], n_images)
        held[number] = mean[0] <= MIDDLE <= mean[1], difference[0] <= 0 <= difference[1]
    of_mean, of_difference = 100 * held.mean(0)
    return of_mean, of_difference


def print_two(name: str, trainings: list[int], n_images: int, n_simulations: int, n_resamples: int) -> None:
    """Print the table of groups of other sizes, or of luck that is not normal."""
    rows = [
        (
            f"{one} and {other}, luck {luck} and {others}",
            (one, other),
            (luck, others),
            lambda rng, k: rng.normal(size=k),
        )
        for one, other, luck, others in UNEQUAL
    ]
    if name == "unlucky":
        rows = [
            (f"{k}: {case}", (k, k), (luck, luck), draw) for case, (draw, luck) in UNLUCKY.items() for k in trainings
        ]
    print(f"\n{name}: {n_images} images, {n_simulations} times\n{'percent':<38}{'mean':>17}{'difference':>17}")
    for label, sizes, lucks, draw in rows:
        mean, difference = measure_two(sizes, lucks, draw, n_images, n_simulations, n_resamples)
        print(f"{label:<38}{mean:>17.1f}{difference:>17.1f}", flush=True)


COLUMNS = ("mean", "difference", "equal", "two-level mean", "two-level equal", "images mean", "width")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", default="means,ap,unequal,unlucky")
    parser.add_argument("--trainings", default="2,3,5", help="how many a group has")
    parser.add_argument("--images", type=int, default=161)
    parser.add_argument("--simulations", type=int, default=400)
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    error = 100 * (0.95 * 0.05 / options.simulations) ** 0.5
    for name in options.kinds.split(","):
        if name in ("unequal", "unlucky"):
            counts = [int(k) for k in options.trainings.split(",")]
            print_two(name, counts, options.images, options.simulations, options.resamples)
            continue
        cases, make = {"means": (MEANS, make_means), "ap": (AP, make_ap)}[name]
        for k in map(int, options.trainings.split(",")):
            start = time.process_time()
            print(
                f"\n{name}: {k} trainings, {options.images} images, {options.simulations} times; one standard error "
                f"is {error:.1f}"
            )
            print(f"{'percent':<38}" + "".join(f"{column:>17}" for column in COLUMNS))
            for case, parts in cases.items():
                kind = make(parts)
                rows = measure(kind, k, options.images, options.simulations, options.resamples)
                for figure, row in zip(kind.figures, rows, strict=True):
                    label = case if len(kind.figures) == 1 else f"{case}: {figure}"
                    print(
                        f"{label:<38}" + "".join(f"{value:>17.1f}" for value in row[:-1]) + f"{row[-1]:>17.2f}",
                        flush=True,
                    )
            print(f"{time.process_time() - start:.0f} s of CPU time")


if __name__ == "__main__":
    main()
