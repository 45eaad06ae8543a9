"""The page of a campaign: what stands on it, where it leads, and how it looks in a browser."""

import json
from dataclasses import replace

import pytest

from robustpose.errors import UserError
from robustpose.results.outcome import Outcome
from robustpose.show.pages.campaign import render_campaign, write_campaign
from robustpose.show.pages.campaign_charts import chart_corruptions, chart_methods
from tests.browser import find_breaches, open_browser, opened
from tests.hostile import TOGETHER
from tests.outcomes import make_outcome, make_part, make_runs

METHODS = ("plain", "equalmix", "advmix")


@pytest.fixture(scope="module")
def outcome():
    return make_outcome(METHODS)


def test_sections_come_from_all_images_to_the_notes(outcome):
    page = render_campaign(outcome)
    ids = ("part-0", "verdict-0", "methods-0", "corruptions-0", "part-1", "runs", "notes")
    places = [page.index(f'id="{name}"') for name in ids]
    assert places == sorted(places)
    assert 'content="robustpose campaign"' in page
    assert "3 trainings, 3 seeds, 2 benches of each; all images, reporting (1::2)" in page
    assert "seen in training: 1 of 4 in held-out" in page
    assert '<th scope="row">equalmix</th><td class="text options">--strategy equalmix</td>' in page


def test_all_files_are_written_and_written_again(outcome, tmp_path):
    path = write_campaign(tmp_path, outcome)
    assert path == tmp_path / "campaign.html"
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    assert set(before) == {"campaign.html", "campaign.md", "results.json"}
    write_campaign(tmp_path, outcome)
    assert before == {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    content = json.loads(before["results.json"])
    assert content["campaign"] == "lspet"
    assert [part["places"] for part in content["parts"]] == ["", "1::2"]
    assert content["parts"][0]["across"]["names"] == list(METHODS)
    pair = content["parts"][1]["pairs"][0]
    assert (pair["name"], pair["by_suite"][0]["names"]) == ("generator", ["equalmix", "advmix"])
    assert content["runs"][1]["folder"] == "plain-0/coco-c"


@pytest.mark.parametrize("name", ["campaign.html", "campaign.md", "results.json"])
def test_files_of_others_are_not_written_over(outcome, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match="choose another --out, or remove it"):
        write_campaign(tmp_path, outcome)
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_what_is_done_leads_to_its_report_where_there_is_one(outcome, tmp_path):
    (tmp_path / "plain-0/coco-c").mkdir(parents=True)
    (tmp_path / "plain-0/coco-c/report.html").write_text("a report")
    page = write_campaign(tmp_path, outcome).read_text()
    assert 'href="plain-0/coco-c/report.html"' in page
    assert page.count('report.html"') == 1
    assert "it ended with exit code 2: | no memory" in page
    assert page.count('<td class="text waiting">waiting</td>') == 2


def test_where_nothing_can_be_compared_yet_there_are_the_cells(tmp_path):
    page = write_campaign(tmp_path, Outcome("lspet", make_runs(METHODS), ())).read_text()
    assert "Nothing can be compared yet" in page
    assert page.count('<td class="text done">done</td>') == 27
    assert 'class="plot"' not in page


def test_marks_of_methods_lie_where_their_gains_are():
    across = make_part(METHODS).across
    chart = chart_methods(across)
    assert [trace["name"] for trace in chart["data"]] == ["AP*", "coco-c mPC", "held-out mPH"]
    difference = across.comparisons[1].rows[1].differences[2]
    assert chart["data"][2]["y"] == ["equalmix", "advmix"]
    assert chart["data"][2]["x"][1] == pytest.approx(100 * difference.value, abs=1e-3)


def test_corruptions_are_drawn_of_pairs_and_of_methods():
    chart = chart_corruptions(make_part(METHODS))
    names = ["generator: advmix less equalmix", "B: equalmix less plain", "C: advmix less plain"]
    assert list(chart["choices"]) == names
    of_pair, of_method = chart["choices"][names[0]], chart["choices"][names[2]]
    assert [trace["name"] for trace in of_pair] == ["coco-c", "held-out"]
    assert of_pair[0]["y"][:2] == ["coco-c mPC", "gaussian noise"]
    assert "spatter (seen)" in of_pair[1]["y"]
    assert "spatter (seen by B, C)" in of_method[1]["y"]
    assert len(of_pair[0]["y"]) == 16


def test_a_campaign_of_one_method_has_no_chart():
    part = make_part(METHODS[:1])
    page = render_campaign(Outcome("one", make_runs(METHODS[:1]), (replace(part, pairs=()),)))
    assert 'class="plot"' not in page


@pytest.fixture(scope="module")
def browser():
    with open_browser() as chromium:
        yield chromium


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_page_is_accessible_and_as_wide_as_the_window(browser, tmp_path, outcome, width, scheme):
    with opened(browser, write_campaign(tmp_path, outcome), {"width": width, "height": 800}) as (page, check):
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert find_breaches(page, scheme) == []
        page.select_option("select[data-chart='corruptions-1']", index=2)
        assert page.locator("#corruptions-1 .trace").count() == 2
        check()


def test_names_from_a_file_stay_words(browser, tmp_path, outcome):
    runs = tuple(
        replace(run, training=TOGETHER, bench=run.bench and TOGETHER, note=TOGETHER, state="failed")
        for run in outcome.runs
    )
    hostile = make_outcome((TOGETHER, f"{TOGETHER} (bn)", "advmix"))
    hostile = replace(hostile, name=TOGETHER, runs=runs, notes=(TOGETHER,))
    hostile = replace(hostile, parts=tuple(replace(part, name=TOGETHER, places=TOGETHER) for part in hostile.parts))
    path = write_campaign(tmp_path, hostile)
    assert "<script>alert" not in path.read_text()
    with opened(browser, path, {"width": 390, "height": 800}) as (page, check):
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.locator("img, svg[onload], [onmouseover]").count() == 0
        check()
