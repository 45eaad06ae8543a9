import re

import pytest

from robustpose.corruptions.suites import COCO_C
from robustpose.results.compared import ComparedRow, ComparedSlice, Comparison, Difference
from robustpose.show.pages.compare import render_comparison
from tests.browser import find_breaches, open_browser, opened


def compare(kind, name, n_runs=2, value=0.5, step=0.02, **more):
    values = tuple(value + step * run for run in range(n_runs))
    differences = (None, *(Difference(v - value, (v - value - 0.01, v - value + 0.01)) for v in values[1:]))
    return ComparedRow(
        kind, name, values, tuple((v - 0.05, v + 0.05) for v in values), differences, (n_runs - 1,), **more
    )


def make(n_runs=2, **more):
    """Return a comparison of runs, each of which is better than the one before, in two corruptions."""
    rows = [compare("headline", name, n_runs) for name in ("AP*", "mPC", "rPC")]
    rows += [
        compare("group", "noise", n_runs),
        compare("corruption", "fog", n_runs),
        compare("corruption", "snow", n_runs),
    ]
    rows += [compare("cell", f"{name}/{severity}", n_runs) for name in ("fog", "snow") for severity in (1, 3, 5)]
    slices = [("size", "below 32 px", 9), ("size", "32 to 64 px", 10), ("joint", "left_wrist", 40)]
    people = tuple(ComparedSlice(*one, (compare(one[0], "mPC", n_runs),), "AP") for one in slices)
    names = tuple(f"run number {run}" for run in range(n_runs))
    given = {"rows": tuple(rows), "setup": (("box protocol", ("gt",) * n_runs),), "slices": people, **more}
    return Comparison(names, "AP", COCO_C, "val2017", 200, 1000, notes=("boxes: gt in a",), **given)


def test_sections_come_from_the_verdict_to_the_setup():
    page = render_comparison(make(), None, "There is no gallery: they moved")
    ids = ("verdict", "runs", "corruption", "group", "slices", "gallery", "cell", "setup")
    places = [page.index(f'id="{name}"') for name in ids]
    assert places == sorted(places)
    assert "run number 1 is better than run number 0" in page
    assert "There is no gallery: they moved" in page
    assert page.index("<details>") > page.index('id="cell"')


def test_warnings_of_runs_stand_with_the_verdict():
    page = render_comparison(make(warnings=("run number 1: nothing found",)))
    verdict = page[page.index('id="verdict"') :].partition("</section>")[0]
    assert "run number 1: nothing found" in verdict


def test_slices_of_few_people_are_grey():
    page = render_comparison(make())
    rows = re.findall(r'<tr( class="few")?><th scope="row" data-csv="([^"]*px)"', page)
    assert rows == [(' class="few"', "below 32 px"), ("", "32 to 64 px")]


def test_curves_have_a_drawing_for_each_corruption_with_all_runs():
    page = render_comparison(make())
    assert len(re.findall(r"<polyline ", page)) == 4
    assert "A: clean 50.0 (45.0 – 55.0), severity 1 50.0 (45.0 – 55.0)" in page


def test_many_runs_are_drawn_six_at_most_and_chosen_in_the_chart():
    page = render_comparison(make(40))
    assert len(re.findall(r"<polyline ", page)) == 12
    assert page.count('<option value="') >= 39
    assert "The first run and those that score highest are drawn." in page


def test_groups_show_their_spread_and_their_trainings():
    rows = (compare("headline", "AP*", spreads=(0.01, 0.02), trainings=((0.4, 0.6), (0.5, 0.54))),)
    trainings = (("s0", "s1"), ("h0", "h1"))
    setup = (("seed", ("0, 1", "2, 3")),)
    page = render_comparison(make(rows=rows, trainings=trainings, setup=setup))
    assert "± 1.0" in page
    assert "s0, s1" in page
    assert re.search(r"2\s*groups\s*on", page)
    titles = re.findall(r"<th[^>]*>([^<]*)</th>", page[page.index('id="setup"') :].partition("</thead>")[0])
    assert titles == ["what", *make(rows=rows).names]


@pytest.fixture(scope="module")
def browser():
    with open_browser() as chromium:
        yield chromium


@pytest.mark.parametrize("n_runs", [2, 8])
def test_page_is_accessible_and_as_wide_as_the_window(browser, tmp_path, n_runs):
    path = tmp_path / "compare.html"
    path.write_text(render_comparison(make(n_runs, warnings=("run number 1: nothing found",))))
    with opened(browser, path, viewport={"width": 390, "height": 800}) as (page, check):
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.evaluate("document.querySelector('details').open = true")
        assert [find_breaches(page, scheme) for scheme in ("light", "dark")] == [[], []]
        check()
