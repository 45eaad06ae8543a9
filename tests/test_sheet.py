"""corrupt --sheet: images under all cells on one page, which asks nothing of a network and is never endless."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from robustpose.corruptions import corrupt
from robustpose.data.images import write_image
from robustpose.pose.cell import Cell
from robustpose.pose.types import Frame
from robustpose.show.pages.sheet import MOST_THUMBNAILS, plan_sheet
from robustpose.show.pages.thumbnails import make_thumbnail
from tests.scenes import draw_scene


@pytest.fixture
def photos(tmp_path):
    """Two images of other sizes."""
    for number, name in enumerate("ab"):
        write_image(tmp_path / f"{name}.png", draw_scene(60 + 10 * number, 80))
    return [tmp_path / "a.png", tmp_path / "b.png"]


def thumbnails_of(page):
    """Return the thumbnails of a page by their words."""
    found = re.findall(
        r'<img src="data:image/webp;base64,([^"]+)" width="(\d+)" height="(\d+)"[^>]* alt="([^"]+)"', page
    )
    return {alt: (PIL.Image.open(io.BytesIO(base64.b64decode(data))), int(w), int(h)) for data, w, h, alt in found}


def test_page_has_every_image_in_every_cell_with_words(run, photos, tmp_path):
    words = ["--corruptions", "fog,pixelate", "--severities", "1,5", "--sheet", tmp_path / "s.html"]
    code, output, errors = run("corrupt", *photos, *words)
    assert code == 0
    assert re.fullmatch(rf"page: {tmp_path / 's.html'}, \d+ kB\n", output)
    assert re.search(r"a sheet of 10 thumbnails of at most 960 px: about \d+ kB\n", errors)
    thumbnails = thumbnails_of((tmp_path / "s.html").read_text())
    cells = [f"{corruption}, severity {severity}" for corruption in ("fog", "pixelate") for severity in (1, 5)]
    assert list(thumbnails) == [f"{name}, {cell}" for name in ("a.png", "b.png") for cell in ("clean", *cells)]
    assert all(thumbnail.size == (width, height) for thumbnail, width, height in thumbnails.values())
    shown, expected = np.asarray(thumbnails["a.png, fog, severity 5"][0], int), corrupt(draw_scene(60, 80), "fog", 5)
    assert np.abs(shown - expected).mean() < 8  # WebP
    assert not list(tmp_path.glob("*-fog-*"))


def test_images_of_a_data_set_can_be_limited(run, tmp_path):
    words = [
        "--data",
        "toy",
        "--limit",
        "2",
        "--corruptions",
        "fog",
        "--severities",
        "3",
        "--sheet",
        tmp_path / "s.html",
    ]
    assert run("corrupt", *words)[0] == 0
    assert len(thumbnails_of((tmp_path / "s.html").read_text())) == 4


def test_page_runs_its_own_scripts_only_and_shows_names_as_they_are(run, tmp_path):
    name = "<b>x&.png"
    write_image(tmp_path / name, draw_scene(60, 80))
    words = ["--corruptions", "fog", "--severities", "3", "--sheet", tmp_path / "s.html"]
    assert run("corrupt", tmp_path / name, *words)[0] == 0
    page = (tmp_path / "s.html").read_text()
    assert "<b>x" not in page
    assert "&lt;b&gt;x&amp;.png" in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)


@pytest.mark.parametrize("name", ["fog", "gaussian_noise", "frost"])
def test_plan_is_about_as_large_as_the_page(run, tmp_path, name):
    words = ["--data", "toy", "--limit", "3", "--corruptions", name, "--severities", "1,5"]
    code, _, errors = run("corrupt", *words, "--sheet", tmp_path / "s.html")
    assert code == 0
    number, unit = re.search(r"about (\d+) (kB|MB)", errors).groups()
    planned = int(number) * {"kB": 1e3, "MB": 1e6}[unit]
    assert 0.6 < planned / (tmp_path / "s.html").stat().st_size < 1.5


def test_thumbnails_are_smaller_where_there_are_many_and_too_many_are_refused(run, tmp_path):
    frames = [Frame(number, lambda: np.zeros((500, 1000, 3), np.uint8), size_wh=(1000, 500)) for number in range(40)]
    cells = [Cell("fog", severity) for severity in range(1, 6)]
    assert [plan_sheet(frames[:n], cells).side for n in (1, 40)] == [960, 640]
    assert make_thumbnail(np.zeros((500, 1000, 3), np.uint8), 320).size_wh == (320, 160)
    code, _, errors = run("corrupt", "--data", "toy", "--sheet", tmp_path / "s.html")
    assert code == 2
    assert errors == (
        f"error: a sheet holds at most {MOST_THUMBNAILS:,} thumbnails, and 64 images x 76 cells are 4,864: take fewer "
        "images (--limit 26), or fewer cells (--corruptions fog,noise --severities 3)\n"
    )
    assert not (tmp_path / "s.html").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sheet", "s.png"], "--sheet needs the name of an .html file to write, got 'HERE/s.png'"),
        (["--sheet", "s.html", "--out", "o"], "--sheet writes one page and nothing else: leave out --out"),
        (["--sheet", "s.html", "--workers", "2"], "--sheet writes one page and nothing else: leave out --workers"),
        (["--sheet", "s.html", "--corruptions", "none"], "name at least one corruption"),
        ([], "say where to write: --out DIR, or --sheet FILE.html for a page to look at"),
    ],
)
def test_what_cannot_be_together_is_one_line(run, photos, words, message):
    assert run("corrupt", photos[0], *words) == (2, "", f"error: {message.replace('HERE', str(Path.cwd()))}\n")


def test_folder_in_the_place_of_the_page_is_refused_before_anything_is_made(run, photos, tmp_path):
    (tmp_path / "s.html").mkdir()
    code, _, errors = run("corrupt", photos[0], "--sheet", tmp_path / "s.html")
    assert (code, errors) == (
        2,
        f"error: --sheet needs the name of an .html file to write, got '{tmp_path / 's.html'}'\n",
    )
