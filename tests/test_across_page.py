"""The page of models by suites: what stands on it, and how it looks in a browser."""

from dataclasses import replace

import numpy as np
import pytest

from robustpose.corruptions.suites import COCO_C, HELD_OUT
from robustpose.results.across import AcrossSuites
from robustpose.results.compared import Comparison, Difference, compare_row
from robustpose.results.held_gains import Gain
from robustpose.show.held_map import find_range, list_regions
from robustpose.show.pages.across import render_across
from robustpose.show.pages.across_charts import chart_corruption_gains, chart_held_gains
from tests.browser import find_breaches, open_browser, opened

SHAPE = np.linspace(-0.02, 0.02, 101)  # of resamples, around a score


def around(value, room=0.006):
    return Difference(value, (value - room, value + room))


def make(n_models=3, suites=(COCO_C, HELD_OUT), lacks=None, name="model"):
    """Return models by suites, each model better than the one before; `lacks` has no run of the last suite."""
    names = tuple(f"{name} {number}" for number in range(n_models))

    def row(kind, label, value, is_last):
        values = [None if is_last and run == lacks else value + 0.02 * run for run in range(n_models)]
        return compare_row(kind, label, values, [None if v is None else v + SHAPE for v in values])

    comparisons = []
    for suite in suites:
        is_last = suite == suites[-1]
        rows = [row("headline", label, 0.6, is_last) for label in ("AP*", suite.mean_name, suite.ratio_name)]
        rows += [row("group", group, 0.5, is_last) for group in suite.groups]
        rows += [row("corruption", corruption, 0.5, is_last) for corruption in suite.corruptions]
        comparisons.append(Comparison(names, "AP", suite, "val2017", 200, 1000, tuple(rows), ()))
    gains = [
        Gain(run, suite.label, around(0.02 * run), around(0.01 * run), around(-0.01 * run), 0.5, (0.3, 0.7))
        for run in range(1, n_models)
        for suite in suites[1:]
        if run != lacks
    ]
    folders = tuple(tuple(f"runs/{suite.name}-{run}" for run in range(n_models)) for suite in suites)
    seen = ((), *(("spatter", "fog"),) * (n_models - 1))
    return AcrossSuites(tuple(comparisons), comparisons[0].rows[0], tuple(gains), folders, seen, ("a note",))


def test_sections_come_from_the_verdict_to_the_runs():
    page = render_across(make())
    ids = ("verdict", "models", "gains", "by-corruption", "runs")
    places = [page.index(f'id="{name}"') for name in ids]
    assert places == sorted(places)
    assert "a note" in page
    assert 'content="robustpose compare"' in page


def test_corruptions_that_a_model_has_learned_from_are_marked_and_others_are_not():
    page = render_across(make())
    assert page.count("seen by B, C") >= 2
    assert "seen by" not in render_across(replace(make(), seen=((),) * 3))


def test_text_from_files_stays_text():
    page = render_across(make(name="<script>alert(1)</script>"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_one_model_alone_has_no_chart():
    across = replace(make(1), gains=())
    assert 'class="plot"' not in render_across(across)


def test_points_lie_where_their_gains_are_with_both_intervals():
    chart = chart_held_gains(make())
    (points,) = [one for one in chart["data"] if "markers" in one["mode"]]
    assert (points["x"], points["y"]) == ([2, 4], [1, 2])
    assert points["error_x"]["array"] == points["error_y"]["array"] == [0.6, 0.6]
    assert points["marker"]["symbol"] == ["circle", "circle"]
    low, high = chart["layout"]["xaxis"]["range"]
    assert low < 0
    assert high > 4.6
    assert chart["layout"]["yaxis"]["scaleanchor"] == "x"


def test_gains_by_corruption_are_chosen_by_suite_and_of_many_models_by_model():
    assert list(chart_corruption_gains(make())["choices"]) == ["coco-c", "held-out"]
    many = chart_corruption_gains(make(6))["choices"]
    assert len(many) == 10
    assert next(iter(many)) == "coco-c: B, model 1"


@pytest.mark.parametrize(
    ("values", "words"),
    [((0.03, 0.01), "gained on coco-c, lost here"), ((-0.03, -0.01), "lost on both"), ((0.0, 0.0), "holds in part")],
)
def test_map_has_room_for_all_points_and_words_where_these_are(values, words):
    known, other = map(around, values)
    low, high = find_range([Gain(1, "s", known, other, other)])
    assert low < 100 * min(*values, 0)
    assert high > 100 * max(*values, 0)
    assert words in [region.words for region in list_regions(low, high, "coco-c")]


@pytest.fixture(scope="module")
def browser():
    with open_browser() as chromium:
        yield chromium


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_page_is_accessible_and_as_wide_as_the_window(browser, tmp_path, width, scheme):
    path = tmp_path / "compare.html"
    path.write_text(render_across(make(lacks=2)))
    with opened(browser, path, viewport={"width": width, "height": 800}) as (page, check):
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert find_breaches(page, scheme) == []
        assert page.pdf(print_background=True).count(b"/Type /Page\n") <= 3
        check()
