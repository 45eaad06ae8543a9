"""EXIF from end to end: images that are only shown turned give the numbers of upright ones, or the option is asked."""

import json
import shutil

import numpy as np
import PIL.Image
import pytest

from robustpose.data.images import read_image
from robustpose.data.spec import DataSpec, describe_data
from robustpose.errors import UserError
from tests.runs import files_of
from tests.scenes import draw_scene
from tests.test_cli import one_line_error

CELLS = ["--corruptions", "contrast", "--severities", "2", "--workers", "1"]


def write_turned(path, image, orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    PIL.Image.fromarray(image).save(path, format="PNG", exif=exif)


@pytest.fixture(scope="module")
def folders(coco_folder, tmp_path_factory):
    """Images that are upright, and the same ones stored upside down with an EXIF orientation of 3, lossless."""
    made = {}
    for kind, orientation in (("upright", 1), ("turned", 3)):
        made[kind] = shutil.copytree(coco_folder, tmp_path_factory.mktemp("exif") / kind)
        for path in (made[kind] / "images").iterdir():
            image = read_image(path)
            write_turned(path, image if orientation == 1 else image[::-1, ::-1], orientation)
    return made


def data(folder, *more):
    return ["--annotations", folder / "people.json", "--images", folder / "images", *more]


def test_bench_asks_for_the_option_and_then_has_the_numbers_of_upright_images(run, folders, tmp_path):
    words = ["bench", "--model", "tests.outside:guess_from_pixels", "--resamples", "0", *CELLS]
    one_line_error(
        run(*words, *data(folders["turned"]), "--out", tmp_path / "no"), "EXIF turns or mirrors 9 of 9 images in"
    )
    assert not (tmp_path / "no").exists()
    outs = {name: tmp_path / name for name in ("upright", "apply", "ignore")}
    for name, out in outs.items():
        more = [] if name == "upright" else ["--exif", name]
        code, _, errors = run(*words, *data(folders["upright" if not more else "turned"], *more), "--out", out)
        assert code == 0, errors
    predictions = {name: files_of(out / "predictions") for name, out in outs.items()}
    assert predictions["apply"] == predictions["upright"] != predictions["ignore"]
    about = {name: json.loads((out / "summary.json").read_text()) for name, out in outs.items()}
    exif = {name: summary["provenance"]["dataset"].get("exif") for name, summary in about.items()}
    assert exif == {"upright": None, "apply": "apply", "ignore": "ignore"}
    one_line_error(
        run(*words, *data(folders["turned"], "--exif", "ignore"), "--out", outs["apply"]), "exif: 'apply' there"
    )


def test_corrupted_set_is_read_as_it_was_made(run, folders, tmp_path):
    made = ["corrupt", *data(folders["turned"], "--exif", "apply"), *CELLS, "--format", "png"]
    assert run(*made, "--out", tmp_path / "set")[0] == 0
    assert json.loads((tmp_path / "set/manifest.json").read_text())["dataset"]["exif"] == "apply"
    words = ["bench", "--model", "tests.outside:guess_from_pixels", "--resamples", "0", *CELLS]
    for name, more in (("here", []), ("read", ["--corrupted-root", tmp_path / "set"])):
        assert run(*words, *data(folders["turned"], "--exif", "apply"), *more, "--out", tmp_path / name)[0] == 0
    assert files_of(tmp_path / "here/predictions") == files_of(tmp_path / "read/predictions")
    other = data(folders["turned"], "--exif", "ignore", "--corrupted-root", tmp_path / "set")
    one_line_error(run(*words, *other, "--out", tmp_path / "no"), "was made with exif (--exif) apply, and these")


def test_stored_images_that_exif_turns_do_not_stand_for_upright_ones(run, folders, tmp_path):
    shutil.copytree(folders["turned"] / "images", tmp_path / "set/contrast/1")  # severity 2, from somebody else
    words = ["bench", "--model", "tests.outside:guess_from_pixels", "--resamples", "0", *CELLS]
    result = run(*words, *data(folders["upright"]), "--corrupted-root", tmp_path / "set", "--out", tmp_path / "no")
    one_line_error(result, "is turned by its EXIF, and those that belong to it are not")


def test_stylised_copies_are_read_as_they_were_made(run, folders, tmp_path):
    (tmp_path / "styles").mkdir()
    PIL.Image.fromarray(draw_scene(64, 64, seed=8)).save(tmp_path / "styles/a.png")
    words = ["stylize", "--styles", tmp_path / "styles", "--out", tmp_path / "copies", "--workers", "1"]
    assert run(*words, *data(folders["turned"], "--exif", "apply"))[0] == 0
    fields = {"annotations": folders["turned"] / "people.json", "images": folders["turned"] / "images"}
    assert len(DataSpec(**fields, exif="apply", style_images=tmp_path / "copies").open()) == 18
    with pytest.raises(UserError, match=r"were made with exif \(--exif\) apply"):
        DataSpec(**fields, exif="ignore", style_images=tmp_path / "copies").open()


def test_photographs_are_written_upright_and_the_command_says_so(run, tmp_path):
    image = draw_scene(40, 60)
    write_turned(tmp_path / "a.png", image, 6)
    write_turned(tmp_path / "b.png", np.ascontiguousarray(np.rot90(image, -1)), 1)
    words = ["corrupt", tmp_path / "a.png", tmp_path / "b.png", "--corruptions", "contrast", "--severities", "2"]
    code, _, errors = run(*words, "--out", tmp_path / "out")
    assert code == 0
    assert f"turned as EXIF says: {tmp_path / 'a.png'} (--exif ignore leaves images as stored)" in errors
    one, other = (read_image(tmp_path / f"out/{name}-contrast-2.png") for name in "ab")
    np.testing.assert_array_equal(one, other)
    assert run(*words, "--out", tmp_path / "stored", "--exif", "ignore")[2] == ""
    assert read_image(tmp_path / "stored/a-contrast-2.png").shape == image.shape
    one_line_error(run(*words, "--out", tmp_path / "no", "--exif", "maybe"), "--exif must be apply or ignore")


def test_official_sets_are_read_as_stored_and_take_no_option(run, folders, tmp_path):
    root = tmp_path / "COCO"
    (root / "annotations").mkdir(parents=True)
    shutil.copy(folders["turned"] / "people.json", root / "annotations/person_keypoints_val2017.json")
    shutil.copytree(folders["turned"] / "images", root / "val2017")
    dataset = DataSpec(name="coco", root=root).open()
    np.testing.assert_array_equal(dataset.frame(0).image, read_image(root / "val2017/000001.jpg"))
    assert dataset.provenance["exif"] == "ignore"
    with pytest.raises(UserError, match="data 'coco' takes no exif"):
        describe_data({"name": "coco", "root": root, "exif": "apply"})
