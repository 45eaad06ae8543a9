"""Richer pages: what `report` does where the images of a run have gone."""

import json
import shutil

import pytest

from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.show.pages.report import write_report
from robustpose.show.pages.richer import RicherPage, rate_images


@pytest.fixture
def open_small(coco_folder):
    return DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images").open


@pytest.fixture
def copy(finished_run, tmp_path):
    return shutil.copytree(finished_run, tmp_path / "run")


def test_page_is_rated_by_the_images_that_it_shows(copy, open_small):
    rated = [rate_images((copy / "report.html").read_bytes())]
    for images in ((open_small(), None), (None, None)):
        rated.append(rate_images(write_report(copy, *images, may_lose_images=True).read_bytes()))
    assert rated == [2, 1, 0]


def test_page_with_images_is_not_replaced_by_one_without(copy, open_small):
    before = (copy / "report.html").read_bytes()
    (copy / "table.md").unlink()
    for images, words in (((None, None), "no images"), ((open_small(), None), "clean images")):
        with pytest.raises(RicherPage, match=f"shows clean and corrupted images and is kept, .* would show {words}"):
            write_report(copy, *images)
    assert (copy / "report.html").read_bytes() == before
    assert (copy / "table.md").is_file()
    write_report(copy, open_small(), MadeImages(5))  # no poorer


def test_command_keeps_the_page_says_why_and_writes_it_where_asked(run, copy):
    (copy / "inputs.json").write_text(json.dumps({"data": {"name": "toy", "n_images": 3}, "format": 2}))
    before = (copy / "report.html").read_bytes()
    code, _, errors = run("report", copy)
    assert code == 0
    assert "warning: the page has no gallery: the images are not those of" in errors
    assert "shows clean and corrupted images and is kept" in errors
    assert (copy / "report.html").read_bytes() == before
    code, _, errors = run("report", copy, "--without-images")
    assert code == 0
    assert "is kept" not in errors
    assert rate_images((copy / "report.html").read_bytes()) == 0
    assert run("report", copy)[0] == 0  # there is nothing to lose any more
