"""The campaigns behind docs/evidence.md can be read, and are of what they say."""

from pathlib import Path

import pytest

from benchmarks.evidence import PAGE, fill_tables, find_table, list_unknown
from robustpose.campaign.file import read_campaign
from robustpose.campaign.runs import list_runs

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
    assert fill_tables(page) == page, "python benchmarks/evidence.py says how tables are written"
    assert list(list_unknown(page)) == []
    assert "<!-- table: " in page


def test_tables_of_a_page_are_those_that_a_campaign_printed(tmp_path):
    (tmp_path / "x.md").write_text(PRINTED)
    assert find_table("x; All images; Methods by suites", tmp_path).splitlines()[-1] == "| plain | 52.4 ± 0.1 |"
    assert "-0.7" in find_table("x; All images; a: plain less b; coco-c", tmp_path)
    page = "Plain has 52.4.\n\n<!-- table: x; All images; Methods by suites -->\n<!-- end -->\n"
    filled = fill_tables(page, tmp_path)
    assert "| plain | 52.4&nbsp;±&nbsp;0.1 |" in filled
    assert fill_tables(filled, tmp_path) == filled
    assert list(list_unknown(filled, tmp_path)) == []
    assert len(list(list_unknown(filled.replace("has 52.4", "has 52.5, not `1.5`"), tmp_path))) == 1
    assert list(list_unknown("It loses 0.7, so −0.7, or -0.7.", tmp_path)) == []
    assert [found[:4] for found in list_unknown("It gains +0.7.", tmp_path)] == ["+0.7"]
    for place in ("x; Half; Methods by suites", "x; All images; b less c", "x; All images; a: plain less b; c-bar"):
        with pytest.raises((ValueError, StopIteration)):
            find_table(place, tmp_path)
