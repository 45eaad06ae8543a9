from itertools import pairwise

import pytest

from robustpose.campaign.file import Campaign
from robustpose.campaign.order import Costs, choose_next
from robustpose.campaign.runs import list_runs


@pytest.fixture
def runs():
    """Runs of two trainings with two seeds, on two suites."""
    return list_runs(Campaign(seeds=(0, 1), trainings={"slow": {}, "quick": {"epochs": 1}}, suites=("coco-c", "c-bar")))


def do_all(runs, costs):
    """Return runs in the order in which they are done, one after the other."""
    done, order = set(), []
    while len(order) < len(runs):
        ready = [run for run in runs if run not in order and (run.after is None or run.after in done)]
        order.append(choose_next(ready, costs))
        done.add(order[-1].folder)
    return order


def test_a_seed_is_finished_before_the_next_one_begins(runs):
    seeds = [run.seed for run in do_all(runs, Costs())]
    assert seeds == sorted(seeds)


def test_benches_come_before_the_next_training_and_the_quickest_training_first(runs):
    costs = Costs()
    costs.plan({("slow", None): 90.0, ("quick", None): 10.0, ("slow", "coco-c"): 5.0, ("slow", "c-bar"): 3.0})
    order = [(run.training, run.bench) for run in do_all(runs, costs)][:6]
    assert order == [
        ("quick", None), ("quick", "c-bar"), ("quick", "coco-c"), ("slow", None), ("slow", "c-bar"), ("slow", "coco-c"),
    ]  # fmt: skip


def test_places_of_the_table_are_filled_as_fast_as_they_can_be(runs):
    costs = Costs()
    costs.plan({("slow", None): 90.0, ("quick", None): 10.0, ("slow", "coco-c"): 5.0, ("slow", "c-bar"): 3.0})

    def sum_of_times(order):
        clock = total = 0.0
        for run in order:
            clock += costs.guess(run)
            total += 0.0 if run.is_training else clock
        return total

    of_seed = [run for run in runs if run.seed == 0]
    best = sum_of_times(do_all(of_seed, costs))
    swapped = do_all(of_seed, costs)
    for one, two in pairwise(range(len(swapped))):
        other = list(swapped)
        other[one], other[two] = other[two], other[one]
        if all(run.after is None or other.index(run) > [o.folder for o in other].index(run.after) for run in other):
            assert sum_of_times(other) >= best


def test_what_was_measured_counts_more_than_what_was_planned(runs):
    costs = Costs()
    costs.plan({("slow", None): 90.0})
    costs.add(runs[0], 30.0)
    costs.add(runs[6], 50.0)
    assert costs.guess(runs[0]) == 40.0


def test_a_bench_is_guessed_by_the_same_bench_of_another_training(runs):
    costs = Costs()
    costs.add(runs[1], 7.0)
    assert costs.guess(runs[4]) == 7.0
    assert costs.guess(runs[5]) is None


def test_the_time_left_is_shared_by_jobs_and_unknown_while_nothing_is_known(runs):
    costs = Costs()
    assert costs.guess_all(runs, 2) is None
    costs.plan({("slow", None): 90.0, ("slow", "coco-c"): 5.0})
    assert costs.guess_all(runs, 2) == (4 * 90.0 + 8 * 5.0) / 2
    assert costs.guess_all([], 2) == 0.0
