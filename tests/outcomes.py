"""What campaigns find, made up: methods of three seeds on two suites, each better than the one before."""

from functools import partial
from pathlib import Path

import numpy as np

from robustpose.corruptions.suites import COCO_C, HELD_OUT
from robustpose.results.across import AcrossSuites
from robustpose.results.compared import Comparison, Difference
from robustpose.results.grouped import compare_grouped_row
from robustpose.results.held_gains import Gain
from robustpose.results.outcome import Outcome, PairOutcome, PartOutcome, RunState
from robustpose.results.parts import Part

SEEDS = (0, 1, 2)
SUITES = (COCO_C, HELD_OUT)
SEEN = ("spatter",)  # of held-out, by all methods but the first one
N_RESAMPLES = 60


class Scores:
    """Scores of trainings, and of the same resampled images: what a method gains differs from row to row."""

    def __init__(self, n_methods, step, spread, seed=0):
        self.rng = np.random.default_rng(seed)
        self.images = self.rng.normal(0, 0.012, N_RESAMPLES)
        self.n_methods, self.step, self.spread = n_methods, step, spread

    def draw(self, value, gain=1.0):
        """Return the score of each training, and (R,) of each on resamples, method by method."""
        values, again = [], []
        for method in range(self.n_methods):
            for _ in SEEDS:
                score = value + method * self.step * gain + self.rng.normal(0, self.spread)
                values.append(float(score))
                again.append(score + self.images + self.rng.normal(0, 0.002, N_RESAMPLES))
        return values, again


def make_comparison(suite, names, scores, n_images, seen=(), places=""):
    """Return methods on a suite."""
    row = partial(compare_grouped_row, [len(SEEDS)] * len(names), n_images)
    rows = [row("headline", "AP*", *scores.draw(0.6, 0.2))]
    rows += [row("headline", suite.mean_name, *scores.draw(0.4)), row("headline", suite.ratio_name, *scores.draw(0.7))]
    for kind, of in (("group", suite.groups), ("corruption", suite.corruptions)):
        rows += [row(kind, name, *scores.draw(0.45, 1.5 - number % 4)) for number, name in enumerate(of)]
    trainings = tuple(tuple(f"{name}-{seed}" for seed in SEEDS) for name in names)
    terms = (
        ("AP*", "AP on clean images"),
        (suite.mean_name, f"mean AP of {suite.name}"),
        (suite.ratio_name, "a ratio"),
    )
    more = {"terms": terms, "trainings": trainings, "seen": seen, "n_all": 400}
    more |= {"part": Part(places)} if places else {}
    return Comparison(names, "AP", suite, "val2017", n_images, N_RESAMPLES, tuple(rows), (), **more)


def make_part(names, suites=SUITES, name="all images", places="", n_images=400, step=0.02, spread=0.004):
    """Return all methods on some images, with the last two as a pair."""
    scores = Scores(len(names), step, spread, n_images)
    comparisons = tuple(make_comparison(suite, names, scores, n_images, (), places) for suite in suites)
    seen = ((), *(SEEN,) * (len(names) - 1))
    folders = tuple(tuple(f"{one}-{suite.name}" for one in names) for suite in suites)
    gains = tuple(make_gains(comparisons))
    across = AcrossSuites(comparisons, comparisons[0].rows[0], gains, folders, seen, ("of a note",))
    pair = Scores(2, step, spread, n_images)
    of_pair = tuple(make_comparison(suite, names[-2:], pair, n_images, SEEN, places) for suite in suites)
    return PartOutcome(name, places, n_images, across, (PairOutcome("generator", of_pair),))


def make_gains(comparisons):
    """Yield what each method gains on the first suite and on each other one."""
    of_suites = [next(row for row in one.rows if row.name == one.suite.mean_name) for one in comparisons]
    for method in range(1, len(comparisons[0].names)):
        known = of_suites[0].differences[method]
        for comparison, row in zip(comparisons[1:], of_suites[1:], strict=True):
            other = row.differences[method]
            change = Difference(other.value - known.value, (-0.02, 0.02))
            has_seen = comparison.suite == HELD_OUT
            seen, unseen = (SEEN, other) if has_seen else ((), None)
            yield Gain(method, comparison.suite.label, known, other, change, seen=seen, unseen=unseen)


def make_runs(names, suites=SUITES, failed=()):
    """Return the runs of a campaign: all are done but those of the trainings and seeds in `failed`."""
    runs = []
    for name in names:
        for seed in SEEDS:
            is_done = (name, seed) not in failed
            state, note = ("done", "") if is_done else ("failed", "it ended with exit code 2: | no memory")
            runs.append(RunState(name, seed, None, state, Path(f"{name}-{seed}/training"), note))
            for suite in suites:
                folder = Path(f"{name}-{seed}/{suite.name}")
                runs.append(RunState(name, seed, suite.name, "done" if is_done else "waiting", folder))
    return tuple(runs)


def make_outcome(names=("plain", "equalmix", "advmix"), suites=SUITES, **of_parts):
    """Return what a campaign has found on all images and on half of them."""
    half = {"name": "reporting", "places": "1::2", "n_images": 200}
    parts = (make_part(names, suites, **of_parts), make_part(names, suites, **half, **of_parts))
    runs = make_runs(names, suites, failed=((names[-1], 2),))
    setup = (
        ("all trainings", "--recipe advmix/toy"),
        *((name, f"--strategy {name}") for name in names),
        ("all benches", ""),
    )
    return Outcome("lspet", runs, parts, (f"seed 2 of {names[-1]} failed: left out",), setup)
