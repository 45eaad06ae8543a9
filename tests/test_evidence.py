"""The campaigns behind docs/evidence.md can be read, and are of what they say."""

from pathlib import Path

import pytest

from benchmarks.evidence import FOLDER, PAGE, check_whole, fill, find_figure, find_table, list_bare
from robustpose.campaign.file import read_campaign
from robustpose.campaign.runs import list_runs, spell_setup
from robustpose.results.spelling import spell_markdown

ROOT = Path(__file__).parents[1]
PRINTED = """# Campaign x

## All images

### Methods by suites

| method | PCK* |
|---|---:|
| plain | 52.4 ± 0.1 |

### a: plain less b

coco-c, PCK in percent:

| | b |
|---|---|
| noise | ≈ -0.7 |

## Half (half.json)

### a: plain less b

coco-c, PCK in percent:

| | plain | difference |
|---|---|---|
| noise | 12.0 | ≈ +1.7 \\[-0.1, 3.5\\] |
"""


@pytest.mark.parametrize("name", ["lspet", "crowds"])
def test_methods_of_a_table_differ_in_their_strategies_alone(name, tmp_path, monkeypatch):
    for half in ("chosen", "reported"):
        (tmp_path / f"lspet_{half}.json").write_text("[1]")
    monkeypatch.chdir(tmp_path)  # paths are from where the command is started
    campaign = read_campaign(ROOT / f"examples/evidence/{name}.yaml")
    methods = ["plain", "advmix", "equalmix", "advmix lowpass", "randomview"]
    assert list(campaign.trainings) == methods
    for training in campaign.trainings.values():
        assert set(training.options) <= {"strategy", "set"}
        assert all(key.startswith("mixing.") for key in training.options.get("set", {}))
    assert len(list_runs(campaign)) == len(campaign.seeds) * len(methods) * (1 + 2 * 4)


def test_what_was_searched_holds_one_half_of_the_photographs_alone():
    campaign = read_campaign(ROOT / "examples/evidence/search.yaml")
    assert {run.seed for run in list_runs(campaign)} == {0}
    assert all("lspet_val.json" not in word for run in list_runs(campaign) for word in run.words)


def test_page_says_what_campaigns_printed():
    page = PAGE.read_text()
    assert fill(page) == page, "python benchmarks/evidence.py says how tables and figures are written"
    assert list(list_bare(page)) == []
    assert "\n<!--figure" not in page.replace(" ", "")  # a line that begins with a comment ends a list
    assert page.count("<!-- table: ") + page.count("<!-- figure: ") == page.count("<!-- end -->") > 0


def test_tables_and_figures_of_a_page_are_those_that_a_campaign_printed(tmp_path):
    (tmp_path / "x.md").write_text(PRINTED)
    assert find_table("x; All images; Methods by suites", tmp_path).splitlines()[-1] == "| plain | 52.4 ± 0.1 |"
    assert "-0.7" in find_table("x; All images; a: plain less b; coco-c", tmp_path)
    assert find_figure("x; Half; a; coco-c | noise", tmp_path) == "≈ +1.7 [-0.1, 3.5]"
    assert find_figure("x; Half; a; coco-c | noise | plain", tmp_path) == "12.0"
    page = (
        "Plain has <!-- figure: x; All images; Methods by suites | plain | PCK* -->?<!-- end -->.\n\n"
        "<!-- table: x; All images; Methods by suites -->\n<!-- end -->\n"
    )
    filled = fill(page, tmp_path)
    assert "-->52.4 ± 0.1<!--" in filled
    assert "| plain | 52.4&nbsp;±&nbsp;0.1 |" in filled
    assert fill(filled, tmp_path) == filled
    assert list(list_bare(filled)) == []
    assert len(list(list_bare(f"It has 52.5, not `1.5`.\n{filled}"))) == 1


@pytest.mark.parametrize("name", [path.stem for path in FOLDER.glob("*.md")])
def test_what_was_printed_is_of_the_file_that_is_there(name, tmp_path, monkeypatch):
    for half in ("chosen", "reported"):
        (tmp_path / f"lspet_{half}.json").write_text("[1]")
    monkeypatch.chdir(tmp_path)
    campaign = read_campaign(ROOT / f"examples/evidence/{name}.yaml")
    printed = (FOLDER / f"{name}.md").read_text()
    setup = [[cell for cell in line.split(" | ")] for line in printed.splitlines() if line.startswith("| ")]
    for what, options in spell_setup(campaign):
        assert [f"| {what}", f"{spell_markdown(options)} |"] in setup
    check_whole(FOLDER / f"{name}.md")


def test_what_is_not_whole_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no"):
        check_whole(tmp_path / "campaign.md")
    (tmp_path / "campaign.md").write_text("# Campaign x\n\n3 of 15 trainings and 20 of 20 benches are done.\n")
    with pytest.raises(ValueError, match="is not done"):
        check_whole(tmp_path / "campaign.md")
    with pytest.raises(ValueError, match="without its <!-- end -->"):
        fill("<!-- table: x; All images; Methods by suites -->\n\nText <!-- end --> and <!-- end -->", tmp_path)


@pytest.mark.parametrize(
    "place",
    [
        "x; Other; Methods by suites",
        "x; All images; b less c",
        "x; All images; a: plain less b; c-bar",
        "x; All images; Methods by suites | advmix",
        "x; All images; Methods by suites | plain | mPC",
    ],
)
def test_a_place_that_no_campaign_printed_is_refused(tmp_path, place):
    (tmp_path / "x.md").write_text(PRINTED)
    with pytest.raises(ValueError, match=r"has printed|has not one"):
        find_figure(place if "|" in place else f"{place} | plain", tmp_path)
