import json
from pathlib import Path

import pytest

from robustpose import Cell, UserError
from robustpose.results.opened import open_again, read_opened, write_opened

CELL = Cell("gaussian_noise", 3)


@pytest.fixture
def opened(coco_folder):
    return {
        "data": {"annotations": coco_folder / "people.json", "images": coco_folder / "images", "limit": 2},
        "views": {"seed": 7, "frost": None},
    }


def test_data_and_views_are_opened_again_as_they_were(tmp_path, opened):
    write_opened(tmp_path, opened)
    make_dataset, views = open_again(tmp_path)
    dataset = make_dataset()
    assert len(dataset) == 2
    assert views.provenance()["seed"] == 7
    assert views.view(dataset.frame(0), CELL).image.shape == dataset.frame(0).image.shape


def test_data_that_are_named_are_taken_instead_and_views_stay(tmp_path, opened):
    write_opened(tmp_path, opened)
    make_dataset, views = open_again(tmp_path, {"spec": "toy", "limit": 3})
    assert len(make_dataset()) == 3
    assert views.provenance()["seed"] == 7


def test_data_that_are_named_need_no_file(tmp_path):
    make_dataset, views = open_again(tmp_path, {"spec": "toy", "limit": 1})
    assert len(make_dataset()) == 1
    assert views.provenance()["profile"] == "release"


def test_without_file_or_names_one_line_asks_for_the_data(tmp_path):
    assert read_opened(tmp_path) is None
    with pytest.raises(UserError, match=r"does not say where its data are: name them, as for bench") as error:
        open_again(tmp_path)
    assert "\n" not in str(error.value)


def test_paths_are_written_as_they_were_given(tmp_path):
    write_opened(tmp_path, {"data": {"annotations": Path("here/people.json")}, "views": {}})
    assert read_opened(tmp_path) == {"data": {"annotations": "here/people.json"}, "views": {}}


def test_same_content_is_not_written_again(tmp_path, opened):
    write_opened(tmp_path, opened)
    before = (tmp_path / "opened.json").stat().st_mtime_ns
    write_opened(tmp_path, opened)
    assert (tmp_path / "opened.json").stat().st_mtime_ns == before
    write_opened(tmp_path, {**opened, "views": {"seed": 8}})
    assert read_opened(tmp_path)["views"] == {"seed": 8}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"cannot read .*opened\.json"),
        ("[]", r"opened\.json does not say how the data were opened: delete it and name the data"),
        (json.dumps({"data": {}}), "does not say how"),
        (json.dumps({"data": {}, "views": None}), "does not say how"),
    ],
)
def test_damaged_file_is_one_line(tmp_path, text, message):
    (tmp_path / "opened.json").write_text(text)
    with pytest.raises(UserError, match=message) as error:
        open_again(tmp_path)
    assert "\n" not in str(error.value)
