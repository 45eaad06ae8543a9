"""Do the 95 % intervals hold the truth 95 times in 100?

    python benchmarks/interval_coverage.py
    python benchmarks/interval_coverage.py --sets 30x2000,5000x100

Models whose truth is known: people are drawn from a population, and two models find them in clean and corrupted cells.
What makes a person or an image hard is shared by all cells and both models; corruptions, severities and cells have
their own parts. Scores go with how good a pose is, loosely; some people are missed, and some poses are of nobody. The
truth is what a very large sample scores. Then as many images as a data set has are drawn again and again, and each time
the intervals are made of `draw_weights` and `interval`, as for a run.

`sd`: of the figure from sample to sample. `bias`: mean of the samples less the truth, in `sd`. `width`: half of the
mean interval's, by the 1.96 `sd` that it should be. `below`, `above` and `held`: how often the truth lies below the
interval, above it and in it. The rows share their samples, so chance moves them together. One core, about ten minutes
of CPU time.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np

from robustpose.metrics.oks_pairs import THRESHOLDS
from robustpose.metrics.score_tables import ApTable, JointTable, ScoreTable
from robustpose.results.resampling import draw_weights, interval

N_CORRUPTIONS, N_SEVERITIES = 4, 3
MODELS = (1.0, 0.93)  # how much of a corruption's harm each model takes
N_JOINTS = 17
FIGURES = ("clean AP", "mPC", "rPC", "one cell", "one corruption", "clean PCK")
PAIRED = ("clean AP", "mPC", "rPC")


@dataclass(frozen=True, eq=False)
class People:
    """Images and how easily their people are found, in units of logit OKS.

    Attributes:
        positives: (N,) people in each image.
        image: (P,) where each person is.
        ease: (P,) for every model in every cell.
        ease_in: (C, P) more of it, under each corruption.
    """

    positives: np.ndarray
    image: np.ndarray
    ease: np.ndarray
    ease_in: np.ndarray


def draw_people(n_images: int, rng: np.random.Generator) -> People:
    """Return images with one person or more, some with many."""
    positives = 1 + rng.exponential(1.2, n_images).astype(int)
    image = np.repeat(np.arange(n_images), positives)
    ease = rng.normal(0, 0.6, n_images)[image] + rng.normal(0, 1.0, len(image))
    return People(positives, image, ease, rng.normal(0, 0.5, (N_CORRUPTIONS, len(image))))


def find_people(people: People, share: float, rng: np.random.Generator) -> list[ScoreTable]:
    """Return the tables of a model: AP clean and in each cell, then PCK clean."""
    n_people, n_images = len(people.image), len(people.positives)
    own = rng.normal(0, 0.6, n_people)
    found = rng.random(n_people) > 0.03
    of_nobody = np.repeat(np.arange(n_images), rng.poisson(0.3, n_images))
    image = np.concatenate([people.image[found], of_nobody])
    tables: list[ScoreTable] = []
    for cell in range(1 + N_CORRUPTIONS * N_SEVERITIES):
        corruption, severity = divmod(cell - 1, N_SEVERITIES)
        logit = 2.1 + own + people.ease + rng.normal(0, 0.5, n_people)
        if cell:
            logit += people.ease_in[corruption] - share * (0.3 + 0.15 * corruption + 0.55 * severity)
        score = np.concatenate(
            [(0.7 * logit + rng.normal(0, 0.8, n_people))[found], rng.normal(-0.5, 1, len(of_nobody))]
        )
        verdict = np.zeros((len(THRESHOLDS), len(image)), np.int8)
        verdict[:, : found.sum()] = logit[found] >= np.log(THRESHOLDS / (1 - THRESHOLDS))[:, None]
        order = np.argsort(-score, kind="stable")
        tables.append(ApTable(image[order].astype(np.int32), np.ascontiguousarray(verdict[:, order]), people.positives))
        if cell == 0:
            annotated = rng.integers(1, N_JOINTS + 1, n_people)
            right = rng.binomial(annotated, 1 / (1 + np.exp(-logit)))
            pck = JointTable(*(np.bincount(people.image, side, n_images) for side in (right, annotated)))
    return [*tables, pck]


def score_models(n_images: int, rng: np.random.Generator, n_resamples: int = 0) -> np.ndarray:
    """Return all figures and paired differences of new images: (F, 1) of the sample and (F, R) of its resamples."""
    people = draw_people(n_images, rng)
    models = [find_people(people, share, rng) for share in MODELS]
    weights = draw_weights(n_images, n_resamples) if n_resamples else np.zeros((0, n_images), np.uint8)
    weights = np.concatenate([np.ones((1, n_images), np.uint8), weights])
    first, second = (_to_figures([table.score(weights) for table in tables]) for tables in models)
    differences = [second[name] - first[name] for name in PAIRED]
    return np.stack([*first.values(), *differences])  # (F, 1 + R)


def _to_figures(scores: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    clean, *cells, pck = scores
    mpc = np.mean(cells, axis=0)
    values = (clean, mpc, mpc / clean, cells[-1], np.mean(cells[:N_SEVERITIES], axis=0), pck)
    return dict(zip(FIGURES, values, strict=True))


def measure(truth: np.ndarray, n_images: int, n_simulations: int, n_resamples: int) -> None:
    """Print a row for every figure."""
    start = time.process_time()
    values = np.empty((n_simulations, len(truth)))
    bands = np.empty((n_simulations, len(truth), 2))
    for number in range(n_simulations):
        scores = score_models(n_images, np.random.default_rng([2, n_images, number]), n_resamples)
        values[number] = scores[:, 0]
        bands[number] = [interval(among) for among in scores[:, 1:]]
    held = ((bands[..., 0] <= truth) & (truth <= bands[..., 1])).mean(0)
    sd = values.std(0, ddof=1)
    names = [*FIGURES, *(f"difference of {name}" for name in PAIRED)]
    print(
        f"\n{n_images} images, {n_simulations} times, {n_resamples} resamples: "
        f"{(time.process_time() - start) / n_simulations:.2f} s each; one standard error of `held` is "
        f"{100 * np.sqrt(0.95 * 0.05 / n_simulations):.1f}"
    )
    print(f"{'percent':<24}{'truth':>8}{'sd':>7}{'bias':>7}{'width':>7}{'below':>7}{'above':>7}{'held':>7}")
    for place, name in enumerate(names):
        low, high = bands[:, place].T
        bias = (values[:, place].mean() - truth[place]) / sd[place]
        width = (high - low).mean() / 2 / 1.96 / sd[place]
        print(
            f"{name:<24}{100 * truth[place]:>8.2f}{100 * sd[place]:>7.2f}{bias:>7.2f}{width:>7.2f}"
            f"{100 * (truth[place] < low).mean():>7.1f}{100 * (truth[place] > high).mean():>7.1f}"
            f"{100 * held[place]:>7.1f}",
            flush=True,
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="161x1500,1000x400", help="images x how often they are drawn, with commas")
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--truth-images", type=int, default=500_000)
    options = parser.parse_args()
    # Parts that are large enough for a figure to have no bias, and small enough to be held in memory.
    n_parts = max(1, options.truth_images // 50_000)
    parts = [score_models(50_000, np.random.default_rng([1, part]))[:, 0] for part in range(n_parts)]
    truth = np.mean(parts, axis=0)
    for one in options.sets.split(","):
        n_images, n_simulations = map(int, one.split("x"))
        measure(truth, n_images, n_simulations, options.resamples)


if __name__ == "__main__":
    main()
