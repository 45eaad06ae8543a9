"""Models that stand on boards of several suites, beside each other by suite."""

import json

import pytest

from robustpose.corruptions.suites import COCO_C, HELD_OUT
from robustpose.results.board_suites import join_suites, leaderboard_to_json
from robustpose.results.entries import check_entry, make_entry
from robustpose.results.leaderboard import read_boards
from robustpose.results.one_model import hash_identity
from robustpose.results.summary import read_summary
from robustpose.show.pages.leaderboard import render_leaderboard
from tests.browser import find_breaches, open_browser, opened
from tests.summaries import TOY, make_summary


def write(folder, name, suite=COCO_C, sha256="a" * 64, dataset=TOY, seen=None, **made):
    """Write a run of a model, known by the hash of its weights, with nothing but a summary."""
    summary = make_summary(name, dataset, suite=suite, cells=suite.cells, **made)
    summary["provenance"]["estimator"] |= {"sha256": sha256, **({} if seen is None else {"seen": seen})}
    place = folder / f"{name}-{suite.name}-{len(list(folder.iterdir()))}"
    place.mkdir()
    (place / "summary.json").write_text(json.dumps(summary))
    return place


@pytest.fixture
def folder(tmp_path):
    """Two models on two suites, and one on one suite alone."""
    for number, (name, sha256) in enumerate((("Nano", "a" * 64), ("Tiny", "b" * 64))):
        for suite in (HELD_OUT, COCO_C):
            write(tmp_path, name, suite, sha256, drop=0.03 + 0.01 * number)
    write(tmp_path, "Alone", COCO_C, "c" * 64)
    return tmp_path


def list_names(table):
    return [table.first_entry(model).name for model in table.models]


def test_models_on_boards_of_two_suites_stand_in_one_table(folder):
    (table,) = join_suites(read_boards(folder)[0])
    assert table.titles == ("coco-c", "held-out")
    assert list_names(table) == ["Nano", "Tiny"]
    for model in table.models:
        assert [entry.name for entry in model] == [table.first_entry(model).name] * 2


def test_models_are_joined_by_what_they_are_and_not_by_their_names(tmp_path):
    write(tmp_path, "Nano", COCO_C)
    write(tmp_path, "Nano", HELD_OUT, "b" * 64)
    assert join_suites(read_boards(tmp_path)[0]) == []
    write(tmp_path, "renamed", HELD_OUT)
    (table,) = join_suites(read_boards(tmp_path)[0])
    assert list_names(table) == ["Nano"]


@pytest.mark.parametrize("made", [{"clean": 0.65}, {"boxes": "clean-det"}, {"dataset": TOY | {"seed": 1}}])
def test_other_clean_scores_boxes_and_data_are_no_row_together(tmp_path, made):
    write(tmp_path, "Nano", COCO_C)
    write(tmp_path, "Nano", HELD_OUT, **made)
    assert join_suites(read_boards(tmp_path)[0]) == []


def test_runs_of_some_cells_are_in_no_table_of_suites(tmp_path):
    write(tmp_path, "Nano", COCO_C)
    summary = make_summary("Nano", suite=HELD_OUT, cells=HELD_OUT.cells[:4])
    summary["provenance"]["estimator"]["sha256"] = "a" * 64
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "summary.json").write_text(json.dumps(summary))
    assert join_suites(read_boards(tmp_path)[0]) == []


def test_json_has_the_table_where_there_is_one(folder, tmp_path_factory):
    content = leaderboard_to_json(read_boards(folder)[0])
    (table,) = content["across_suites"]
    assert [one["model"] for one in table["models"]] == ["Nano", "Tiny"]
    assert len(table["models"][0]["means"]) == 2
    other = tmp_path_factory.mktemp("one")
    write(other, "Nano")
    assert "across_suites" not in leaderboard_to_json(read_boards(other)[0])


def test_command_prints_the_table(folder, run, tmp_path):
    code, output, _ = run("leaderboard", folder, "--out", tmp_path / "site")
    assert code == 0
    assert "held-out mPH" in output


def test_what_was_seen_in_training_is_said_by_suite(tmp_path):
    write(tmp_path, "Nano", COCO_C, seen=["spatter", "fog", "snow"])
    write(tmp_path, "Nano", HELD_OUT, seen=["spatter", "fog", "snow"])
    boards, _ = read_boards(tmp_path)
    page = render_leaderboard(boards)
    assert "2 corruptions of coco-c seen in training" in page
    assert "1 corruption of held-out seen in training" in page


def test_an_entry_says_which_model_it_is_of(finished_run):
    entry = make_entry(finished_run, {})
    assert entry["model"]["identity"] == hash_identity(read_summary(finished_run))
    check_entry(entry)


def test_page_has_the_table_which_is_filtered_sorted_and_counts_no_results(folder):
    path = folder / "leaderboard.html"
    path.write_text(render_leaderboard(read_boards(folder)[0]))
    with (
        open_browser() as browser,
        opened(browser, path, {"width": 390, "height": 900}, wait_for="table") as (page, check),
    ):
        table = page.locator("#suites-1")
        assert page.locator("#shown").inner_text() == "5 results"
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.goto(path.as_uri() + "#sort=mPC&order=ascending")
        assert table.locator(".name").all_inner_texts() == ["Tiny", "Nano"]
        page.locator("[data-filter=model]").fill("nano")
        assert table.locator("tbody tr:visible .name").all_inner_texts() == ["Nano"]
        page.locator("[data-filter=suite]").select_option("coco-c 1")
        assert table.is_hidden()
        page.locator("#clear").click()
        assert [find_breaches(page, scheme) for scheme in ("light", "dark")] == [[], []]
        check()
