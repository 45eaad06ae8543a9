"""The report in a real browser: a headless Chromium, by playwright."""

import csv
import io
import shutil
import socket

import numpy as np
import pytest

from robustpose.corruptions.suites import COCO_C
from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.pose.cell import CLEAN, Cell
from robustpose.show.pages.gallery import make_gallery
from robustpose.show.pages.report import render, write_report
from tests.browser import PATIENCE, find_breaches, open_browser, opened
from tests.hostile import TOGETHER
from tests.test_charts import CURVES, HOSTILE, add_intervals
from tests.test_page import PAGES
from tests.test_report import make_summary

CELLS = [CLEAN, Cell("gaussian_noise", 1), Cell("gaussian_noise", 4), Cell("contrast", 1), Cell("contrast", 4)]


@pytest.fixture(scope="module")
def browser():
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def small_dataset(coco_folder):
    return DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images").open()


@pytest.fixture(scope="module")
def run_page(finished_run, small_dataset, tmp_path_factory):
    """The page of a real run over clean and four cells, with pictures."""
    folder = tmp_path_factory.mktemp("page") / "run"
    shutil.copytree(finished_run, folder)
    return write_report(folder, small_dataset, MadeImages(5))


def make_slices(name):
    row = {"clean": 0.5, "clean_interval": [0.4, 0.6], "mPC": 0.3, "mPC_interval": None, "rPC": None}
    row |= {"rPC_interval": None, "groups": {"noise": 0.2}, "severities": {"1": 0.4}}
    return {
        "metric": "AP",
        "level": 0.95,
        "resamples": 100,
        "slices": [
            {"kind": "size", "name": size, "n_people": n, **row} for size, n in ((name, 9), ("large", 20), ("tiny", 0))
        ],
        "joint_figure": "mean keypoint similarity",
        "joints": [{"name": name, "n": 9, **row}],
        "calibration": CURVES,
    }


@pytest.fixture(scope="module")
def hostile_page(finished_run, small_dataset, tmp_path_factory):
    """A page with everything in it, whose names are all HTML."""
    cells = (*COCO_C.cells, *(Cell(HOSTILE, severity) for severity in range(1, 6)))
    summary = add_intervals(make_summary(HOSTILE, cells, dataset={"name": f"</script>{HOSTILE}", "n_images": 9}))
    gallery = make_gallery(finished_run, small_dataset, None, CELLS)
    gallery = {**gallery, "quality_name": "mean OKS", "quality_words": HOSTILE}
    for image in gallery["images"]:
        image["name"] = f"</script>{HOSTILE}"
    path = tmp_path_factory.mktemp("page") / "hostile.html"
    path.write_text(render(summary, make_slices(HOSTILE), gallery))
    return path


@pytest.fixture(scope="module")
def run_tab(browser, run_page):
    with opened(browser, run_page) as tab:
        yield tab


@pytest.fixture(scope="module")
def hostile_tab(browser, hostile_page):
    with opened(browser, hostile_page) as tab:
        yield tab


@pytest.fixture
def run_view(run_tab):
    """The page of a real run in a tab that the tests share: loading it takes longer than looking at it."""
    page, check = run_tab
    yield page
    check()


@pytest.fixture
def hostile_view(hostile_tab):
    """The page whose names are HTML, in a tab that the tests share."""
    page, check = hostile_tab
    yield page
    check()


def wait_for(page, image, cell):
    page.wait_for_selector(f"#gallery-root[data-shown='{image} {cell}']")


def go_to(page, image, corruption, severity=4):
    """Choose an image and a cell as a mouse would."""
    page.locator("#gallery-image-choice").select_option(str(image))
    page.locator("#gallery-corruption").select_option(corruption)
    if corruption != "clean":
        page.wait_for_selector("#gallery-severity input:not(:disabled)", state="attached")
        page.locator("#gallery-severity label", has_text=str(severity)).click()
    wait_for(page, image, CELLS.index(CLEAN if corruption == "clean" else Cell(corruption, severity)))


def drawing_of(page):
    """Return the lines of the predicted skeletons, and the picture below them."""
    lines = page.eval_on_selector_all(
        "#gallery-drawing g.prediction line", "lines => lines.map(line => line.getAttribute('x1')).join()"
    )
    return lines, page.locator("#gallery-image").get_attribute("href")


def rows_of(page, table):
    return [row.split("\t")[0] for row in page.locator(f"{table} tbody tr").all_inner_texts()]


def download(page, button):
    with page.expect_download() as event:
        page.locator(button).click()
    return event.value.suggested_filename, event.value.path().read_bytes()


def test_page_draws_every_chart_and_asks_for_nothing(run_view):
    charts = run_view.evaluate("Object.keys(JSON.parse(document.getElementById('data-charts').textContent))")
    assert {"curves-noise", "curves-digital"} <= set(charts)
    for chart in charts:
        assert run_view.locator(f"#{chart} .main-svg").count() > 0
    assert run_view.locator("#sheet-images img").count() == 3  # clean, and two corruptions
    assert run_view.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_can_be_read_by_everybody_in_light_and_dark(hostile_view, scheme):
    assert find_breaches(hostile_view, scheme) == []
    hostile_view.emulate_media(color_scheme="light")


def test_headers_sort_by_mouse_and_keyboard_and_give_the_old_order_back(hostile_view):
    first = rows_of(hostile_view, "#cells")
    header = hostile_view.locator("#cells thead th").nth(0)
    for direction in ("ascending", "descending", "none"):
        header.locator("button").press("Enter")
        assert header.get_attribute("aria-sort") == direction
        in_order = sorted(first, reverse=direction == "descending") if direction != "none" else first
        assert rows_of(hostile_view, "#cells") == in_order
    people = hostile_view.locator("#slices .table").first.locator("thead tr").last.locator("button").nth(1)
    people.click()
    assert rows_of(hostile_view, "#slices figure:nth-of-type(1)")[0] == "tiny"
    people.click()
    assert rows_of(hostile_view, "#slices figure:nth-of-type(1)")[0] == "large"


def test_gallery_begins_with_the_worst_case(run_view):
    run_view.reload()
    run_view.wait_for_selector("#gallery-root[data-shown]")
    first = run_view.locator("#gallery-worst button").first
    drops = [float(text.replace("−", "-")) for text in run_view.locator("#gallery-worst .drop").all_inner_texts()]
    assert drops == sorted(drops)
    assert first.get_attribute("aria-current") == "true"
    shown = run_view.locator("#gallery-root").get_attribute("data-shown")
    assert shown == f"{first.get_attribute('data-image')} {first.get_attribute('data-cell')}"
    run_view.locator("#gallery-worst li:nth-child(3) button").click()
    run_view.wait_for_selector("#gallery-worst li:nth-child(3) button[aria-current='true']")


def test_gallery_changes_picture_and_skeleton_by_mouse(run_view):
    go_to(run_view, 1, "clean")
    clean = drawing_of(run_view)
    assert run_view.locator("#gallery-severity input").first.is_disabled()
    go_to(run_view, 1, "gaussian_noise")
    noisy = drawing_of(run_view)
    run_view.locator("#gallery-next").click()
    wait_for(run_view, 2, 2)
    next_one = drawing_of(run_view)
    assert len({lines for lines, _ in (clean, noisy, next_one)}) == 3
    assert len({picture for _, picture in (clean, noisy, next_one)}) == 3
    assert run_view.locator("#gallery-badge").is_hidden()
    run_view.locator("#show-prediction").uncheck()
    run_view.wait_for_selector("#gallery-drawing g.prediction line", state="hidden")
    assert run_view.locator("#gallery-drawing g.truth line").first.is_visible()
    run_view.locator("#show-prediction").check()


def test_gallery_goes_by_keys(run_view):
    go_to(run_view, 0, "contrast", 4)
    go_to(run_view, 0, "clean")
    run_view.locator("#gallery-stage").focus()
    for key, image, cell in (
        ("PageDown", 0, 2),  # noise, at the severity of before
        ("ArrowDown", 0, 1),
        ("ArrowUp", 0, 2),
        ("PageDown", 0, 4),
        ("ArrowLeft", 8, 4),  # round to the last one
        ("ArrowRight", 0, 4),
    ):
        run_view.keyboard.press(key)
        wait_for(run_view, image, cell)
    run_view.keyboard.press("t")
    run_view.wait_for_selector("#gallery-drawing g.truth line", state="hidden")
    run_view.keyboard.press("t")
    assert run_view.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_skeletons_lie_where_they_were_predicted(run_view, finished_run, small_dataset):
    from robustpose.pose.results_json import read_results
    from robustpose.results.run_folder import RunFolder

    go_to(run_view, 3, "contrast")
    drawn = run_view.eval_on_selector_all(
        "#gallery-drawing g.prediction circle",
        "dots => dots.map(dot => [Number(dot.getAttribute('cx')), Number(dot.getAttribute('cy'))])",
    )
    poses = read_results(RunFolder(finished_run).prediction_path(CELLS[4]), 17)[small_dataset.truth(3).image_id]
    given = poses.xy[np.argsort(-poses.score, kind="stable")].reshape(-1, 2)
    assert np.abs(np.array(drawn) - given).max() <= 0.25


def test_picture_that_is_not_there_is_said_to_be_the_clean_one(hostile_view):
    hostile_view.locator("#gallery-corruption").select_option("contrast")
    hostile_view.wait_for_selector("#gallery-badge", state="visible")
    hostile_view.locator("#gallery-corruption").select_option("clean")
    hostile_view.wait_for_selector("#gallery-badge", state="hidden")


def test_names_from_files_stay_text_everywhere(hostile_view):
    assert hostile_view.locator("h1").inner_text() == HOSTILE
    assert hostile_view.locator("img[src='x']").count() == 0
    assert hostile_view.locator("#curves-others .legendtext").text_content() == HOSTILE
    assert HOSTILE in hostile_view.locator("#clean-and-mpc .legendtext").last.text_content()
    assert HOSTILE in hostile_view.locator("#gallery-words").inner_text()
    hostile_view.locator("#clean-and-mpc").scroll_into_view_if_needed()
    last = hostile_view.evaluate("document.getElementById('clean-and-mpc').data.length - 1")
    hostile_view.evaluate(f"Plotly.Fx.hover('clean-and-mpc', [{{curveNumber: {last}, pointNumber: 0}}])")
    assert HOSTILE in hostile_view.locator("#clean-and-mpc .hoverlayer").text_content()


@pytest.mark.parametrize("kind", PAGES)
def test_nothing_in_names_acts_on_any_page(browser, tmp_path, kind):
    path = tmp_path / "page.html"
    path.write_text(PAGES[kind](tmp_path, TOGETHER))
    with opened(browser, path, wait_for="table" if kind == "leaderboard" else ".plot .main-svg") as (page, check):
        for plot in page.locator(".plot").all():
            plot.hover()
        page.evaluate("document.querySelectorAll('button.sort').forEach(button => button.click())")
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        _, content = download(page, "button[data-csv] >> nth=-1")
        rows = list(csv.reader(io.StringIO(content.decode())))
        assert len(rows) >= 2
        assert not any(word.lstrip(" \"';,")[:1] in "=@＝" for row in rows for word in row if word[:1] not in ("'", ""))
        check()


def test_script_that_is_not_ours_does_not_run(browser, tmp_path):
    """As if a text had not been escaped somewhere."""
    path = tmp_path / "page.html"
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"http://127.0.0.1:{server.getsockname()[1]}"
        forgotten = "<script>document.title = 'ran'</script><img src='x:' onerror='document.title = 1'>"
        forgotten += f"<img src='{place}/a.png'><link rel=stylesheet href='{place}/a.css'><script src='{place}/a.js'>"
        path.write_text(PAGES["compare"](tmp_path, "net").replace("<main id", f"{forgotten}</script><main id"))
        page = browser.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector(".plot .main-svg", state="attached", timeout=PATIENCE)
        assert page.title() == "2 runs on net compared"
        page.close()
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()


def test_tables_are_saved_as_csv_with_intervals(hostile_view):
    name, content = download(hostile_view, "#cells button[data-csv]")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert name == "img-src-x-onerror-alert-1-cells.csv"
    assert [row["corruption"] for row in rows][-2:] == ["jpeg_compression", HOSTILE]
    assert float(rows[0]["severity 3"]) == pytest.approx(0.3)
    assert float(rows[0]["severity 3 low"]) == pytest.approx(0.28)


def test_chosen_row_of_the_paper_is_shown_and_saved(hostile_view):
    hostile_view.locator("#published-choice").select_option(label="HRNet W32 256x192")
    assert hostile_view.locator("#published tbody:visible").count() == 2
    _, content = download(hostile_view, "#published button[data-csv]")
    ours, theirs, difference = csv.DictReader(io.StringIO(content.decode()))
    assert float(theirs["fog"]) + float(difference["fog"]) == pytest.approx(float(ours["fog"]))


def test_charts_and_pictures_are_saved_under_names_that_say_what_they_are(run_view):
    name, content = download(run_view, "#curves-noise [data-title='Download as SVG']")
    assert name == "tests-outside-guess_from_pixels-severity-noise.svg"
    assert content.startswith(b"<svg")
    go_to(run_view, 1, "contrast")
    name, content = download(run_view, "#gallery-png")
    assert name == "000002-jpg-contrast-4.png"
    assert content.startswith(b"\x89PNG")


def test_picture_saved_with_the_clean_image_below_says_so(hostile_view):
    go_to(hostile_view, 1, "contrast")
    name, _ = download(hostile_view, "#gallery-png")
    assert name.endswith("-contrast-4-on-clean.png")


def test_choice_of_a_cell_changes_the_calibration_chart(hostile_view):
    hostile_view.locator("select[data-chart]").select_option("fog/3")
    assert hostile_view.evaluate("document.getElementById('calibration').data.length") == 3
    hostile_view.locator("select[data-chart]").select_option("clean")
    assert hostile_view.evaluate("document.getElementById('calibration').data.length") == 2


def test_charts_follow_dark_mode(run_view):
    for scheme, paper in (("dark", "rgb(18, 22, 27)"), ("light", "rgb(255, 255, 255)")):
        run_view.emulate_media(color_scheme=scheme)
        run_view.wait_for_selector(f"#curves-noise .main-svg[style*='{paper}']")
        assert run_view.evaluate("getComputedStyle(document.body).backgroundColor") == paper


@pytest.mark.parametrize("width", [360, 1280])
def test_page_does_not_scroll_sideways(browser, hostile_page, width):
    with opened(browser, hostile_page, {"width": width, "height": 800}) as (page, check):
        for _ in range(2):
            assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            page.locator("#cells button[data-intervals]").click()
        assert page.locator("#cells td small").first.is_hidden()
        check()


def test_everything_that_can_be_used_has_a_name(hostile_view):
    nameless = """() => [...document.querySelectorAll("button, select, input")]
        .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length))
        .map((one) => one.outerHTML)"""
    assert hostile_view.evaluate(nameless) == []


def test_printed_page_is_light_and_without_controls(run_view):
    run_view.emulate_media(media="print", color_scheme="dark")
    assert run_view.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert run_view.locator("#gallery-png").is_hidden()
    assert run_view.pdf().startswith(b"%PDF")
    run_view.emulate_media(media="screen", color_scheme="light")


def test_page_prints_on_four_sheets_at_most(run_view):
    run_view.emulate_media(media="null")  # whatever another test asked for
    sheets = run_view.pdf(prefer_css_page_size=True, print_background=True)
    assert 1 <= sheets.count(b"/Type /Page\n") <= 4
    run_view.wait_for_selector("html:not(.printing)")  # charts are as they were


def test_whole_bodies_print_on_four_sheets_whose_tables_have_their_headers(browser, tmp_path):
    slices = make_slices("size")
    joints = slices["joints"][0]
    slices["joints"] = [{**joints, "name": f"right middle finger {k}"} for k in range(133)]
    page = tmp_path / "page.html"
    page.write_text(render(add_intervals(make_summary("net", COCO_C.cells)), slices))
    with opened(browser, page, {"width": 1280, "height": 800}) as (view, check):
        view.emulate_media(media="print")
        # A button is painted on the first sheet alone; the words in it are on all of them.
        shown = "[...document.querySelectorAll('th button.sort')].map((one) => getComputedStyle(one).display)"
        assert set(view.evaluate(shown)) == {"contents"}
        view.emulate_media(media="null")
        assert view.pdf(prefer_css_page_size=True, print_background=True).count(b"/Type /Page\n") <= 4
        check()
