"""Groups of trainings on several suites: what methods gain on one suite, and how much of it holds on another."""

import json

import numpy as np
import pytest

import robustpose
from robustpose.errors import UserError
from robustpose.results.compare_suites import compare_groups_on_suites
from robustpose.results.groups import compare_groups
from robustpose.results.held_grouped import invert
from robustpose.results.outcome import Outcome, PairOutcome, PartOutcome
from robustpose.results.parts import Part
from robustpose.results.spelling import spell_markdown
from robustpose.results.spreads import Trainings, interval_of_difference
from robustpose.show.campaign_markdown import campaign_to_markdown
from robustpose.show.campaign_tables import tabulate_differences, tabulate_scores
from robustpose.show.pages.across import render_across
from robustpose.show.pages.campaign import render_campaign
from tests.runs import bench_on_suites, few_images_do, run_quietly


@pytest.fixture(scope="module", autouse=True)
def enough_images():
    """Let the few images of these runs do."""
    with few_images_do():
        yield


@pytest.fixture(scope="module")
def groups(suite_runs, coco_folder, tmp_path_factory):
    """Two trainings of a bad method and two of a good one, each on two suites."""
    again = bench_on_suites(run_quietly, coco_folder, tmp_path_factory.mktemp("again"), seed=1)
    return {"bad": [*suite_runs[2:], *again[2:]], "good": [*suite_runs[:2], *again[:2]]}


def find(comparison, name):
    return next(row for row in comparison.rows if row.name == name)


@pytest.mark.parametrize("part", [None, Part("1::2")])
def test_rows_are_those_of_groups_on_one_suite(groups, part):
    across = compare_groups_on_suites(groups, part=part)
    assert across.names == ("bad", "good")
    for place, comparison in enumerate(across.comparisons):
        alone = compare_groups({name: of[place::2] for name, of in groups.items()}, part=part)
        assert comparison.rows == alone.rows
    assert across.clean.spreads == across.comparisons[0].rows[0].spreads
    assert across.gains[0].known == find(across.comparisons[0], "mean_of_chosen").differences[1]


def test_difference_of_two_gains_is_over_trainings_and_images(groups):
    across = compare_groups_on_suites(groups)
    (gain,) = across.gains
    assert gain.known == find(across.comparisons[0], "mean_of_chosen").differences[1]
    assert gain.other == find(across.comparisons[1], "mean_of_chosen").differences[1]
    assert gain.change.value == pytest.approx(gain.other.value - gain.known.value)
    low, high = gain.change.interval
    assert low < gain.change.value < high
    assert gain.share_interval[0] < gain.share < gain.share_interval[1]
    assert " that good gains on coco-c" in across.verdict[0]
    assert "bad and good have 2 trainings each" in " ".join(across.notes)


def test_share_is_where_neither_less_nor_more_can_be_told():
    rng = np.random.default_rng(0)
    images = rng.normal(0, 0.004, 500)
    known = [Trainings(np.array(v), images + np.array(v)[:, None]) for v in ([0.50, 0.51, 0.52], [0.46, 0.47, 0.46])]
    other = [Trainings(np.array(v), images + np.array(v)[:, None]) for v in ([0.31, 0.33, 0.32], [0.30, 0.30, 0.29])]

    def interval_at(share):
        pairs = zip(other, known, strict=True)
        at = [Trainings(u.values - share * s.values, u.resampled - share * s.resampled) for u, s in pairs]
        return interval_of_difference(*at, 100)

    low, high = invert(interval_at, 0.5)
    assert min(map(abs, interval_at(low))) == pytest.approx(0, abs=1e-6)
    assert min(map(abs, interval_at(high))) == pytest.approx(0, abs=1e-6)
    assert interval_at((low + high) / 2)[0] < 0 < interval_at((low + high) / 2)[1]
    assert invert(lambda t: (-1, 1), 0.5) is None


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        (lambda g: {"a": g["bad"][:2], "b": g["good"]}, "group a has 1 training: how far trainings lie apart"),
        (lambda g: {"a": g["bad"], "b": [*g["good"][:2], g["bad"][0]]}, "in group a and in group b"),
        (lambda g: {"a": [*g["bad"][:2], *g["good"][1:]], "b": [g["good"][0], *g["bad"][2:]]}, "counts once"),
        (lambda g: {"a": g["bad"]}, "comparing takes two groups or more"),
    ],
)
def test_groups_that_are_none_are_refused(groups, choose, message):
    with pytest.raises(UserError, match=message):
        compare_groups_on_suites(choose(groups))


def test_command_and_python_take_groups_of_several_suites(groups, run, tmp_path):
    words = [w for name, of in groups.items() for w in ("--group", f"{name}={','.join(map(str, of))}")]
    code, output, errors = run("compare", *words, "--out", tmp_path / "page", "--resamples", 100)
    assert code == 0, errors
    assert "B: good (2 trainings)" in output
    assert "gain on coco-c" in output
    content = json.loads((tmp_path / "page" / "comparison.json").read_text())
    assert content["names"] == ["bad", "good"]
    comparison = robustpose.compare(groups=groups, resamples=100)
    assert comparison.names == ("bad", "good")
    assert comparison.gains[0].share is not None
    page = render_across(comparison.result)
    assert "2 methods on 2 suites" in " ".join(page.split())
    assert "±" in page


def test_groups_are_shown_as_a_part_of_a_campaign(groups):
    across = compare_groups_on_suites(groups, 100)
    pair = [compare_groups({name: of[place::2] for name, of in groups.items()}, 100) for place in (0, 1)]
    part = PartOutcome("all images", "", 9, across, (PairOutcome("quality", tuple(pair)),))
    scores, differences = tabulate_scores(part), tabulate_differences(part)
    assert [row[0] for row in scores.rows] == ["bad", "good"]
    assert "±" in scores.rows[1][2]
    ((_, _, on_coco_c, _),) = differences.rows
    text = campaign_to_markdown(Outcome("two", (), (part,)))
    assert "### quality: good less bad" in text
    assert f"| {spell_markdown(on_coco_c)} |" in text
    assert "quality: good less bad" in render_campaign(Outcome("two", (), (part,)))
