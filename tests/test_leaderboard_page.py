"""The page of a leaderboard in a browser: filters, the address, sorting, both views, small screens, contrast."""

import json

import pytest

from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.leaderboard import read_boards
from robustpose.show.pages.leaderboard import list_choices, name_size, render_leaderboard, spell_count
from tests.browser import find_breaches, open_browser, opened
from tests.hostile import TOGETHER
from tests.summaries import TOY
from tests.test_entries import write_entry

LONG = "a_very_long_name_of_a_file_that_somebody_exported_with_all_of_its_options_256x192_fp16_final.onnx"


@pytest.fixture(scope="module")
def browser():
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    sizes = [{"input": "192x256", "parameters": 28_500_000}, {"input": "288x384", "parameters": 1_400_000}, {}]
    for i, name in enumerate(("HRNet", "SBL", LONG)):
        links = {"paper": "https://example.org/a", "code": "https://example.org/b"}
        write_entry(folder / f"gt{i}.json", name, links, sizes[i], clean=0.7 - i / 20, drop=0.05 + i / 90, bands=True)
    write_entry(folder / "det.json", "HRNet", boxes="clean-det", dataset={**TOY, "boxes_sha256": "0" * 64})
    spoilt = write_entry(folder / "hostile.json", "SBL", drop=0.02)
    spoilt["data"]["name"] = spoilt["model"]["training"] = "<script>alert(1)</script>"
    spoilt["warnings"] = [TOGETHER.encode("ascii", "replace").decode()]
    (folder / "hostile.json").write_text(json.dumps(spoilt))
    boards, left_out = read_boards(folder)
    assert not left_out
    path = folder / "leaderboard.html"
    path.write_text(render_leaderboard(boards))
    return path


def shown(page):
    return page.locator("tbody tr:visible .name").all_inner_texts()


def test_filters_hide_rows_and_boards_and_the_address_keeps_them(browser, page_path):
    with opened(browser, page_path, wait_for="table") as (page, check):
        assert len(shown(page)) == 5
        page.locator("[data-filter=boxes]").select_option("clean-det")
        assert shown(page) == ["HRNet"]
        assert page.locator("section.board:visible").count() == 1
        assert page.locator("#shown").inner_text() == "1 of 5 shown"
        assert page.evaluate("location.hash") == "#boxes=clean-det"
        page.locator("#clear").click()
        page.locator("[data-filter=input]").select_option("192x256")
        page.locator("[data-filter=model]").fill("hr")
        assert shown(page) == ["HRNet"]
        assert page.evaluate("location.hash") == "#input=192x256&model=hr"
        page.goto(page_path.as_uri() + "#parameters=1+to+5+M&boxes=gt")
        assert shown(page) == ["SBL"]
        page.goto(page_path.as_uri() + "#suite=moon&x=%3Cb%3E")
        assert len(shown(page)) == 5
        assert "asks for suite=moon, x=<b>, which is not here" in page.locator("#shown").inner_text()
        for words in ("suite=coco-c+1", "sort=rPC&order=ascending&view=corruptions", "board-2", "model=e"):
            page.goto(page_path.as_uri() + f"#{words}")  # the suite is one that all have
            assert "which is not here" not in page.locator("#shown").inner_text()
        for words in ("sort=zzz", "order=down", "view=x", "boxes=none", "input=1x1", "board-9", "moon=1"):
            page.goto(page_path.as_uri() + f"#{words}")
            assert (
                f"asks for {'#' * (words == 'board-9')}{words}, which is not here"
                in page.locator("#shown").inner_text()
            )
            assert len(shown(page)) == 5
        check()


def test_all_boards_are_sorted_as_one_and_as_the_address_says(browser, page_path):
    with opened(browser, page_path, wait_for="table") as (page, check):
        page.goto(page_path.as_uri() + "#sort=mPC&order=ascending")
        assert page.locator("table").first.locator(".name").all_inner_texts() == [LONG, "SBL", "HRNet"]
        assert page.locator("th[aria-sort=ascending]").count() == 3
        page.locator("th[aria-sort=ascending] button").last.click()
        assert page.locator("th[aria-sort=descending]").count() == 3
        assert page.evaluate("location.hash") == "#sort=mPC"
        page.locator("#clear").click()
        assert page.locator("th[aria-sort=none]").count() == page.locator("thead th").count()
        assert page.evaluate("location.hash") == ""
        check()


@pytest.mark.parametrize("view", ["", "#view=corruptions"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page_never_scrolls_sideways_and_has_no_breaches(browser, page_path, width, view):
    with opened(browser, page_path, {"width": width, "height": 900}, wait_for="table") as (page, check):
        page.goto(page_path.as_uri() + view)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        if width == 1280 or not view:  # nor do the tables, but for fifteen corruptions on a small screen
            boxes = page.evaluate("[...document.querySelectorAll('.scroll')].map((b) => b.scrollWidth - b.clientWidth)")
            assert max(boxes) <= 0
        for scheme in ("light", "dark") if (width == 1280) == bool(view) else ():  # it takes a second
            assert find_breaches(page, scheme) == []
        check()


def test_incomplete_boards_fit_small_screens_with_all_their_scores(browser, tmp_path):
    cells = [CLEAN, *(Cell(name, 3) for name in ("fog", "contrast", "gaussian_noise"))]
    write_entry(tmp_path / "a.json", LONG, cells=cells)
    (tmp_path / "leaderboard.html").write_text(render_leaderboard(read_boards(tmp_path)[0]))
    with opened(browser, tmp_path / "leaderboard.html", {"width": 390, "height": 900}, wait_for="table") as (
        page,
        check,
    ):
        assert (
            page.evaluate(
                "(() => { const b = document.querySelector('.scroll'); return b.scrollWidth - b.clientWidth })()"
            )
            <= 0
        )
        check()


def test_without_scripts_all_scores_are_there(browser, page_path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_path.as_uri())
    assert page.locator("th.of-corruption").first.is_visible()
    assert page.locator("#filters").is_hidden()
    context.close()


def test_mean_comes_right_after_the_model(tmp_path):
    write_entry(tmp_path / "b.json")
    page = render_leaderboard(read_boards(tmp_path)[0])
    assert page.index(">model</th>") < page.index(">mPC</th>") < page.index(">AP*</th>") < page.index(">rPC</th>")
    assert "64 images used" in page


def test_only_what_differs_can_be_filtered(tmp_path):
    write_entry(tmp_path / "a.json", "a", model={"parameters": 100_000_000})
    assert list_choices(read_boards(tmp_path)[0]) == {}
    write_entry(tmp_path / "b.json", "b", model={"parameters": 999_999, "input": "192x256"})
    boards, _ = read_boards(tmp_path)
    assert list_choices(boards) == {"input": ["192x256", "unknown"], "parameters": ["below 1 M", "100 M and more"]}
    assert {name_size(entry) for entry in boards[0].entries} == {"below 1 M", "100 M and more"}
    assert [spell_count(count) for count in (28_536_000, 950_000, 1_200, 632_000_000)] == [
        *("28.5 M", "0.95 M", "1,200", "632 M")
    ]
