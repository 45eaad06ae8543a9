import json
from pathlib import Path

import pytest

from robustpose import Cell, UserError
from robustpose.results.inputs import open_again, read_inputs, write_inputs

CELL = Cell("gaussian_noise", 3)


@pytest.fixture
def opened(coco_folder):
    return {
        "data": {"annotations": coco_folder / "people.json", "images": coco_folder / "images", "limit": 2},
        "corrupted_images": {"seed": 7, "frost": None},
    }


def test_data_and_views_are_opened_again_as_they_were(tmp_path, opened):
    write_inputs(tmp_path, opened)
    make_dataset, corrupted_images = open_again(tmp_path)
    dataset = make_dataset()
    assert len(dataset) == 2
    assert corrupted_images.provenance()["seed"] == 7
    assert corrupted_images.frame_in(dataset.frame(0), CELL).image.shape == dataset.frame(0).image.shape


def test_data_that_are_named_are_taken_instead_and_views_stay(tmp_path, opened):
    write_inputs(tmp_path, opened)
    make_dataset, corrupted_images = open_again(tmp_path, {"spec": "toy", "limit": 3})
    assert len(make_dataset()) == 3
    assert corrupted_images.provenance()["seed"] == 7


def test_data_that_are_named_need_no_file(tmp_path):
    make_dataset, corrupted_images = open_again(tmp_path, {"spec": "toy", "limit": 1})
    assert len(make_dataset()) == 1
    assert corrupted_images.provenance()["profile"] == "release"


def test_without_file_or_names_one_line_asks_for_the_data(tmp_path):
    assert read_inputs(tmp_path) is None
    with pytest.raises(UserError, match=r"does not say where its data are: name them, as for bench") as error:
        open_again(tmp_path)
    assert "\n" not in str(error.value)


def test_paths_are_written_as_they_were_given(tmp_path):
    write_inputs(tmp_path, {"data": {"annotations": Path("here/people.json")}, "corrupted_images": {}})
    assert read_inputs(tmp_path) == {"data": {"annotations": "here/people.json"}, "corrupted_images": {}}


def test_same_content_is_not_written_again(tmp_path, opened):
    write_inputs(tmp_path, opened)
    before = (tmp_path / "inputs.json").stat().st_mtime_ns
    write_inputs(tmp_path, opened)
    assert (tmp_path / "inputs.json").stat().st_mtime_ns == before
    write_inputs(tmp_path, {**opened, "corrupted_images": {"seed": 8}})
    assert read_inputs(tmp_path)["corrupted_images"] == {"seed": 8}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"cannot read .*inputs\.json"),
        ("[]", r"inputs\.json does not say how the data were opened: delete it and name the data"),
        (json.dumps({"data": {}}), "does not say how"),
        (json.dumps({"data": {}, "corrupted_images": None}), "does not say how"),
    ],
)
def test_damaged_file_is_one_line(tmp_path, text, message):
    (tmp_path / "inputs.json").write_text(text)
    with pytest.raises(UserError, match=message) as error:
        open_again(tmp_path)
    assert "\n" not in str(error.value)
