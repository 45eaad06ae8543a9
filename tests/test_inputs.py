import json
import shutil
from pathlib import Path

import pytest

from robustpose import Cell, UserError
from robustpose.data.corrupted import CorruptedSpec
from robustpose.data.spec import DataSpec
from robustpose.results.inputs import Inputs, read_inputs, write_inputs
from robustpose.results.run_images import NOTHING, Trusted, choose_data, find_corrupted_images

CELL = Cell("gaussian_noise", 3)
TRUSTED = Trusted(paths=True)


def open_again(folder, given=None, trusted=NOTHING):
    """Return the data of a run, and its corrupted images."""
    return choose_data(folder, given, trusted), find_corrupted_images(folder, {"seed": "release"}, trusted)


@pytest.fixture
def inputs(coco_folder):
    data = DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images", limit=2)
    return Inputs(data=data, corrupted_images=CorruptedSpec(seed=7))


def test_data_and_corrupted_images_are_opened_again_as_they_were(tmp_path, inputs):
    write_inputs(tmp_path, inputs)
    spec, corrupted_images = open_again(tmp_path)
    assert spec == inputs.data
    dataset = spec.open()
    assert len(dataset) == 2
    assert corrupted_images.provenance()["seed"] == 7
    assert corrupted_images.frame_in(dataset.frame(0), CELL).image.shape == dataset.frame(0).image.shape


def test_data_that_are_named_are_taken_instead_and_corrupted_images_stay(tmp_path, inputs):
    write_inputs(tmp_path, inputs)
    spec, corrupted_images = open_again(tmp_path, DataSpec(name="toy", limit=3))
    assert spec == DataSpec(name="toy", limit=3)
    assert corrupted_images.provenance()["seed"] == 7


def test_whether_images_without_people_are_left_out_is_not_asked_again(tmp_path, inputs):
    write_inputs(tmp_path, inputs.model_copy(update={"data": DataSpec(name="toy", only_with_people=True)}))
    assert open_again(tmp_path, DataSpec(name="toy", limit=3))[0].only_with_people


def test_data_that_are_named_need_no_file(tmp_path):
    spec, corrupted_images = open_again(tmp_path, DataSpec(name="toy", limit=1))
    assert len(spec.open()) == 1
    assert corrupted_images.provenance()["profile"] == "release"


def test_without_file_or_names_one_line_asks_for_the_data(tmp_path):
    assert read_inputs(tmp_path) is None
    with pytest.raises(UserError, match=r"does not say where its data are: name them, as for bench") as error:
        open_again(tmp_path)
    assert "\n" not in str(error.value)


def test_paths_that_were_given_relatively_are_found_from_any_folder(tmp_path, coco_folder, monkeypatch):
    shutil.copytree(coco_folder, tmp_path / "here/coco")
    for folder in ("boxes", "here/run"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    data = DataSpec(annotations="coco/people.json", images="coco/images", boxes="corrupt-det:../boxes", limit=2)
    write_inputs(Path("run"), Inputs(data=data, corrupted_images=CorruptedSpec(frost="frost")))
    monkeypatch.chdir("/")
    found = read_inputs(tmp_path / "here/run")
    assert found.data.annotations == tmp_path / "here/coco/people.json"
    assert found.data.boxes == f"corrupt-det:{tmp_path / 'boxes'}"
    assert found.corrupted_images.frost == tmp_path / "here/frost"
    assert len(found.data.model_copy(update={"boxes": "gt"}).open()) == 2


def test_data_that_were_moved_together_with_the_run_are_found(tmp_path, coco_folder):
    (tmp_path / "old/runs/run").mkdir(parents=True)
    shutil.copytree(coco_folder, tmp_path / "old/coco")
    write_inputs(
        tmp_path / "old/runs/run",
        Inputs(
            data=DataSpec(annotations=tmp_path / "old/coco/people.json", images=tmp_path / "old/coco/images"),
            corrupted_images=CorruptedSpec(corrupted_root=tmp_path / "old/coco"),
        ),
    )
    (tmp_path / "old").rename(tmp_path / "new")
    found = read_inputs(tmp_path / "new/runs/run")
    assert found.data.annotations.samefile(tmp_path / "new/coco/people.json")
    assert found.corrupted_images.corrupted_root.samefile(tmp_path / "new/coco")
    assert found.data.open().frame(0).image.shape == (96, 128, 3)


def test_paths_that_are_nowhere_are_named_as_they_were(tmp_path):
    write_inputs(tmp_path, Inputs(data=DataSpec(annotations="/gone/people.json", images="/gone/images")))
    with pytest.raises(UserError, match=r"cannot read the annotation file /gone/people\.json"):
        open_again(tmp_path)[0].open()


def test_name_of_a_link_is_kept(tmp_path, coco_folder):
    (tmp_path / "link.json").symlink_to(coco_folder / "people.json")
    write_inputs(tmp_path, Inputs(data=DataSpec(annotations=tmp_path / "link.json", images=tmp_path)))
    assert read_inputs(tmp_path).data.annotations.name == "link.json"


def test_same_content_is_not_written_again(tmp_path, inputs):
    write_inputs(tmp_path, inputs)
    before = (tmp_path / "inputs.json").stat().st_mtime_ns
    write_inputs(tmp_path, inputs)
    assert (tmp_path / "inputs.json").stat().st_mtime_ns == before
    write_inputs(tmp_path, inputs.model_copy(update={"corrupted_images": CorruptedSpec(seed=8)}))
    assert read_inputs(tmp_path).corrupted_images == CorruptedSpec(seed=8)


def test_file_of_0_1_0_is_read_with_its_paths_as_they_were_given(tmp_path, coco_folder, monkeypatch):
    monkeypatch.chdir(coco_folder)
    opened = {
        "data": {"spec": None, "annotations": "people.json", "images": "images", "boxes": "gt", "skeleton_file": None,
                 "limit": 2, "root": None, "split": None, "metric": None},
        "views": {"seed": 7, "frost": None},
    }  # fmt: skip
    (tmp_path / "opened.json").write_text(json.dumps(opened))
    spec, corrupted_images = open_again(tmp_path, trusted=TRUSTED)
    assert spec == DataSpec(annotations=Path("people.json"), images=Path("images"), limit=2)
    assert len(spec.open()) == 2
    assert corrupted_images.provenance()["seed"] == 7
    (tmp_path / "opened.json").write_text(json.dumps({**opened, "data": {"spec": "toy"}}))
    assert open_again(tmp_path)[0] == DataSpec(name="toy")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"name": "code_that_must_not_run:make"}, "code_that_must_not_run:make"),
        ({"name": "toy", "metric": "code_that_must_not_run:metric"}, "code_that_must_not_run:metric"),
    ],
)
@pytest.mark.parametrize("name", ["inputs.json", "opened.json"])
def test_code_that_a_run_folder_names_is_not_imported(tmp_path, monkeypatch, data, code, name):
    (tmp_path / "code_that_must_not_run.py").write_text("raise SystemExit('it was run')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / name).write_text(json.dumps({"data": data} | ({"format": 2} if name == "inputs.json" else {})))
    with pytest.raises(UserError, match=f"names code as its data, {code}, and code that a run folder names") as error:
        open_again(tmp_path)
    assert "\n" not in str(error.value)


def test_code_is_run_that_is_named_again(tmp_path):
    write_inputs(tmp_path, Inputs(data=DataSpec(name="tests.outside:Squares")))
    spec, _ = open_again(tmp_path, DataSpec(name="tests.outside:Squares"))
    assert len(spec.open()) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"the note of inputs .*inputs\.json is no JSON"),
        ("[]", r"inputs\.json does not say where the data are: delete it and name the data"),
        (json.dumps({"format": 2}), "does not say where"),
        (json.dumps({"data": {"name": "toy"}, "format": 3}), r"inputs\.json: format must be 2, got 3"),
        (
            json.dumps({"data": {"name": "toy", "root": "x"}, "format": 2}),
            r"inputs\.json: data: data 'toy' takes no root",
        ),
        (json.dumps({"data": {"name": "toy"}, "corrupted_images": None, "format": 2}), "corrupted_images"),
        (json.dumps({"data": {"name": "toy"}, "views": {"sead": 3}}), r"unknown key 'corrupted_images\.sead'"),
    ],
)
def test_damaged_file_is_one_line(tmp_path, text, message):
    (tmp_path / "inputs.json").write_text(text)
    with pytest.raises(UserError, match=message) as error:
        open_again(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("command", ["score", "report", "figures"])
def test_command_from_another_folder_finds_the_images(run, coco_folder, tmp_path, monkeypatch, command):
    shutil.copytree(coco_folder, tmp_path / "here/coco")
    monkeypatch.chdir(tmp_path / "here")
    words = ["bench", "--model", "tests.outside:guess_from_pixels", "--annotations", "coco/people.json"]
    words += ["--images", "coco/images", "--limit", "4", "--corruptions", "contrast", "--severities", "3"]
    assert run(*words, "--workers", 1, "--out", "run")[0] == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    out = ["--out", "figures"] if command == "figures" else []
    code, output, errors = run(command, "../here/run", *out)
    assert code == 0, errors
    assert "warning" not in errors
    assert "shows a picture of the toy data" not in output
