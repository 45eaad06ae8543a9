"""The galleries of a run and of a comparison in a real browser: zoom, address, keys, fingers."""

from dataclasses import replace

import pytest

from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.compare import compare_runs
from robustpose.show.pages import page as pages
from robustpose.show.pages.compare_gallery import make_compare_gallery
from robustpose.show.pages.gallery import make_gallery
from robustpose.show.pages.quality import describe_quality
from tests.browser import find_breaches, open_browser, opened
from tests.test_charts import HOSTILE
from tests.test_compare_gallery import bench

CELLS = [CLEAN, Cell("gaussian_noise", 1), Cell("gaussian_noise", 4), Cell("contrast", 1), Cell("contrast", 4)]
AROUND = """{{% extends "base.html.j2" %}}{{% block title %}}gallery{{% endblock %}}
{{% block styles %}}{{{{ styles("gallery.css") }}}}{{% endblock %}}{{% block header %}}<h1>gallery</h1>{{% endblock %}}
{{% block content %}}{content}{{% endblock %}}
{{% block data %}}{data}{{% endblock %}}"""
DATA = '<script type="application/json" id="data-gallery">{{ gallery | tojson }}</script>'
SCRIPTS = "".join(f'{{{{ script("{name}.js") }}}}' for name in ("panel", "cases", "gallery", "corruption_sheet"))


def write_page(path, content, data, **values):
    """Write a page with a gallery and nothing else: without charts, it opens at once."""
    source = AROUND.format(content=f'{{% include "{content}" %}}', data=data)
    path.write_text(pages._environment().from_string(source).render(kind="gallery", charts={}, **values))
    return path


@pytest.fixture(scope="module")
def browser():
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def dataset(coco_folder):
    return DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images").open()


@pytest.fixture(scope="module")
def values(finished_run, dataset):
    """What the page of a run gives its gallery."""
    gallery = make_gallery(finished_run, dataset, MadeImages(5), CELLS) | describe_quality("AP")
    thumbnails = [image["thumbnail"] for image in gallery["images"]]
    gallery["crops"] = {f"4 {cell} {person}": thumbnails[person] for cell in range(5) for person in range(2)}
    values = {"gallery": gallery, "has_truth": True, "has_images": True, "longest_side": 320}
    return values | {"cell_titles": ["mean", "1", "4"], "sheet_severities": [1, 4]}


@pytest.fixture(scope="module")
def run_page(values, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "run.html"
    return write_page(path, "report_gallery.html.j2", DATA + SCRIPTS, **values)


@pytest.fixture(scope="module")
def compare_page(coco_folder, dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    runs = [bench(folder, coco_folder, name, noise) for name, noise in (("a", 1.0), ("b", 6.0), ("c", 3.0))]
    comparison = replace(compare_runs(runs, 40), names=(HOSTILE, "b" * 300, "c"))
    gallery = make_compare_gallery([[run] for run in runs], comparison, dataset, MadeImages(5))
    gallery["images"][0]["name"] = HOSTILE
    data = '{% include "compare_gallery_scripts.html.j2" %}'
    return write_page(folder / "compare.html", "compare_gallery.html.j2", data, gallery=gallery)


@pytest.fixture(scope="module")
def run_tab(browser, run_page):
    with opened(browser, run_page, wait_for="[data-shown]") as tab:
        yield tab


@pytest.fixture(scope="module")
def compare_tab(browser, compare_page):
    with opened(browser, compare_page, wait_for="[data-shown]") as tab:
        yield tab


@pytest.fixture
def run_view(run_tab):
    page, check = run_tab
    go(page, "#image=1&cell=clean")
    yield page
    check()


@pytest.fixture
def compare_view(compare_tab):
    page, check = compare_tab
    yield page
    check()


def go(page, address):
    """Go to an address as somebody who types it."""
    page.evaluate(f"location.hash = {address!r}")


def wait_for(page, image, cell):
    page.wait_for_selector(f"[data-shown='{image} {cell}']")


def view_of(page, drawing="gallery-drawing"):
    return [float(number) for number in page.locator(f"#{drawing}").get_attribute("viewBox").split()]


def problem_of(page):
    problem = page.locator("#gallery-problem")
    return problem.inner_text() if problem.is_visible() else ""


@pytest.mark.parametrize("image", ["3", "000003.jpg", "000003"])
@pytest.mark.parametrize("cell", ["gaussian_noise-4", "gaussian_noise/4", "gaussian%20noise%204"])
def test_an_address_names_the_case(run_view, image, cell):
    go(run_view, f"#image={image}&cell={cell}")
    wait_for(run_view, 2, 2)
    assert problem_of(run_view) == ""


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("#image=nobody", "This page has no image “nobody”: it shows 9 of the 9 images."),
        ("#image=1&cell=fog-3", "has no cell “fog-3”: it shows 5, such as contrast-4."),
        ("#image=1&person=7", "Image 000001.jpg has no person “7”: it has 2."),
        ("#image=%E0%A4%A&cell=clean", "This page has no image “%E0%A4%A”"),
        ("#image=", "This page has no image “”"),
        ("#image=<img src=x onerror=alert(1)>", "onerror"),
        (f"#image={'9' * 500}", "9999…”"),
    ],
)
def test_an_address_of_what_is_not_there_is_said_in_a_line(run_view, address, words):
    go(run_view, address)
    run_view.wait_for_selector("#gallery-problem", state="visible")
    run_view.wait_for_function(
        "words => document.getElementById('gallery-problem').textContent.includes(words)", arg=words
    )
    run_view.locator("#gallery-next").click()
    run_view.wait_for_selector("#gallery-problem", state="hidden")


def test_other_addresses_leave_the_gallery_alone(run_view):
    go(run_view, "#image=2&cell=contrast-4")
    wait_for(run_view, 1, 4)
    go(run_view, "#content")
    assert problem_of(run_view) == ""
    assert run_view.locator("#gallery-root").get_attribute("data-shown") == "1 4"


def test_an_address_is_written_without_filling_the_history(run_view):
    length = run_view.evaluate("history.length")
    run_view.locator("#gallery-corruption").select_option("contrast")
    run_view.locator("#gallery-next").click()
    run_view.wait_for_function("() => location.hash === '#image=2&cell=contrast-4'")
    run_view.locator("#gallery-person").select_option("1")
    run_view.wait_for_function("() => location.hash === '#image=2&cell=contrast-4&person=2'")
    assert run_view.evaluate("history.length") == length


def test_a_case_is_there_when_the_page_is_opened_at_its_address(browser, run_page):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{run_page.as_uri()}#image=4&cell=contrast-1&person=2")
    wait_for(page, 3, 3)
    assert page.locator("#gallery-person").input_value() == "1"
    context.close()


def test_clean_stands_beside_corrupted_with_the_same_view(run_view):
    assert run_view.locator("#gallery-clean").is_hidden()
    go(run_view, "#image=3&cell=gaussian_noise-4&person=1")
    wait_for(run_view, 2, 2)
    assert run_view.locator("#gallery-clean").is_visible()
    assert view_of(run_view) == view_of(run_view, "gallery-clean-drawing")
    sources = [
        run_view.locator(f"#{name} image").first.get_attribute("href")
        for name in ("gallery-drawing", "gallery-clean-drawing")
    ]
    assert sources[0] != sources[1]
    run_view.locator("#gallery-stage").focus()
    run_view.keyboard.press("c")
    run_view.wait_for_selector("#gallery-clean", state="hidden")
    run_view.keyboard.press("c")
    run_view.wait_for_selector("#gallery-clean", state="visible")


def test_everybody_who_is_cut_out_lies_over_the_image_and_who_is_looked_at_on_top(run_view):
    go(run_view, "#image=5&cell=gaussian_noise-4&person=1")
    wait_for(run_view, 4, 2)
    sources = [image.get_attribute("href") for image in run_view.locator("#gallery-drawing image").all()]
    assert len(sources) >= 3
    assert sources[-1] == run_view.evaluate("`data:image/webp;base64,${window.galleryParts.data.crops['4 2 0']}`")
    go(run_view, "#image=5&cell=gaussian_noise-4")
    run_view.wait_for_selector("#gallery-stage:not(.zoomed)")
    assert run_view.locator("#gallery-drawing image").count() == 1


def test_a_click_on_somebody_zooms_in_and_another_one_out(run_view):
    go(run_view, "#image=3&cell=contrast-4")
    wait_for(run_view, 2, 4)
    whole = view_of(run_view)
    x, y = run_view.locator("#gallery-drawing g.truth circle").first.evaluate(
        "dot => { const box = dot.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }"
    )
    run_view.mouse.click(x, y)
    run_view.wait_for_selector("#gallery-stage.zoomed")
    zoomed = view_of(run_view)
    assert zoomed[2] < whole[2] or zoomed[3] < whole[3]
    run_view.mouse.click(x, y)
    run_view.wait_for_selector("#gallery-stage:not(.zoomed)")
    assert view_of(run_view) == whole


def test_keys_zoom_and_go_to_the_next_worst_case(run_view):
    worst = run_view.locator("#gallery-worst button")
    places = [f"{one.get_attribute('data-image')} {one.get_attribute('data-cell')}" for one in worst.all()]
    worst.first.click()
    run_view.wait_for_selector(f"[data-shown='{places[0]}']")
    for key, place in (("n", 1), ("n", 2), ("Shift+N", 1), ("Shift+N", 0), ("Shift+N", -1), ("n", 0)):
        run_view.keyboard.press(key)
        run_view.wait_for_selector(f"[data-shown='{places[place]}']")
    assert run_view.locator("#gallery-worst-place").inner_text() == f"1 of {len(places)}"
    run_view.keyboard.press("z")
    run_view.wait_for_selector("#gallery-stage.zoomed")
    run_view.keyboard.press("x")
    run_view.wait_for_function("() => /^[01]$/.test(document.getElementById('gallery-person').value)")
    run_view.locator("#gallery-stage").focus()
    run_view.keyboard.press("Escape")
    run_view.wait_for_selector("#gallery-stage:not(.zoomed)")
    run_view.locator("#gallery-worst-next").click()
    run_view.wait_for_selector(f"[data-shown='{places[1]}']")


def test_a_metric_that_rates_no_image_and_an_image_of_nobody_have_a_gallery(browser, values, tmp_path):
    bare = {"quality": None, "truth": [], "regions": [], "people": [-1] * 5, "id": "a&b=c #%41", "name": "outside:blur"}
    images = [{**values["gallery"]["images"][0], **bare}]
    cells = ["clean", *(f"outside:blur/{severity}" for severity in range(1, 5))]
    gallery = {**values["gallery"], "images": images, "cells": cells, "sheet": 0, "corrupted": {}, "n_images": 1}
    path = write_page(
        tmp_path / "page.html", "report_gallery.html.j2", DATA + SCRIPTS, **{**values, "gallery": gallery}
    )
    with opened(browser, path, wait_for="[data-shown='0 0']") as (page, check):
        page.locator("#gallery-stage").focus()
        for key in ("n", "z", "x", "ArrowRight", "PageDown"):
            page.keyboard.press(key)
        wait_for(page, 0, 3)
        page.wait_for_function("() => location.hash.endsWith('cell=outside.blur-3')")
        address = page.evaluate("location.hash")
        go(page, "#image=outside:blur&cell=outside:blur-1")
        wait_for(page, 0, 1)
        go(page, address)
        wait_for(page, 0, 3)
        check()


def test_letters_in_a_list_of_choices_choose_there(run_view):
    shown = run_view.locator("#gallery-root").get_attribute("data-shown")
    run_view.locator("#gallery-worst-of").focus()
    run_view.keyboard.press("n")
    assert run_view.locator("#gallery-root").get_attribute("data-shown") == shown


def test_a_finger_goes_to_the_next_case_and_scrolls_the_page(browser, run_page):
    with opened(browser, run_page, {"width": 390, "height": 800}, "[data-shown]", has_touch=True) as (page, check):
        second = page.locator("#gallery-worst button").nth(1)
        place = f"{second.get_attribute('data-image')} {second.get_attribute('data-cell')}"
        swipe = """by => { for (const [name, x] of [["pointerdown", 200], ["pointerup", 200 + by]])
            document.getElementById("gallery-stage").dispatchEvent(
                new PointerEvent(name, {pointerType: "touch", isPrimary: true, clientX: x, clientY: 300})); }"""
        page.evaluate(swipe, -120)
        page.wait_for_selector(f"[data-shown='{place}']")
        assert (
            page.evaluate("getComputedStyle(document.getElementById('gallery-stage')).touchAction")
            == "pan-y pinch-zoom"
        )
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        check()


def test_both_runs_stand_side_by_side_where_the_second_loses_most(compare_view):
    gaps = [float(text.replace("−", "-")) for text in compare_view.locator("#gallery-worst .drop").all_inner_texts()]
    assert gaps == sorted(gaps)
    assert gaps[0] < 0
    compare_view.locator("#gallery-direction").select_option("loses")
    lines = [compare_view.locator(f"#gallery-{side} g.prediction line").count() for side in ("first", "second")]
    assert min(lines) > 0
    assert view_of(compare_view, "gallery-first") == view_of(compare_view, "gallery-second")
    dashes = compare_view.locator("#gallery-first g.truth line[stroke-dasharray]")
    assert dashes.count() > 0


def test_pairs_and_directions_are_chosen_and_are_part_of_the_address(compare_view):
    compare_view.locator("#gallery-pair").select_option(label="C against B")
    compare_view.wait_for_function("() => location.hash.endsWith('&runs=B-C')")
    assert compare_view.locator("#gallery-first-name").inner_text().startswith("B · ")
    compare_view.locator("#gallery-direction").select_option("gains")
    assert compare_view.locator("#gallery-worst .drop").first.inner_text().startswith("+")
    case = compare_view.locator("#gallery-worst button").nth(1)
    case.click()
    shown = f"{case.get_attribute('data-image')} {case.get_attribute('data-cell')}"
    compare_view.wait_for_selector(f"[data-shown='{shown}']")
    compare_view.wait_for_timeout(300)
    address = compare_view.evaluate("location.hash")
    compare_view.locator("#gallery-pair").select_option("0")
    compare_view.wait_for_timeout(300)
    go(compare_view, address)
    compare_view.wait_for_selector(f"[data-shown='{shown}']")
    assert compare_view.locator("#gallery-pair").input_value() == "2"


def test_a_case_that_is_not_there_is_said(compare_view):
    go(compare_view, "#image=nobody&runs=A-Z")
    compare_view.wait_for_selector("#gallery-problem", state="visible")
    assert problem_of(compare_view).startswith("This page has no case of image “nobody”, runs “A-Z”: it shows the ")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(run_view, compare_view, scheme):
    assert find_breaches(run_view, scheme) == []
    assert find_breaches(compare_view, scheme) == []


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_names_of_any_length_fit(browser, compare_page, width):
    with opened(browser, compare_page, {"width": width, "height": 800}, "[data-shown]") as (page, check):
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        check()
