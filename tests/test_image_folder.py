"""The image folder: what is told of every file before anything starts, and what decides whether EXIF turns images."""

import json

import numpy as np
import PIL.Image
import pytest

from robustpose.data.coco import read_coco
from robustpose.data.image_folder import leads_out, open_image_folder
from robustpose.errors import UserError
from tests.scenes import draw_scene

IMAGE = draw_scene(40, 60)
STORED, TURNED = (60, 40), (40, 60)  # width and height


@pytest.fixture
def write(tmp_path):
    """A function that writes images with an EXIF orientation, and returns their folder."""

    def write_images(**orientations):
        for name, orientation in orientations.items():
            exif = PIL.Image.Exif()
            exif[0x0112] = orientation
            PIL.Image.fromarray(IMAGE).save(tmp_path / name, format="PNG", exif=exif)
        return tmp_path

    return write_images


# EXIF


def test_images_that_nothing_turns_need_no_decision(write):
    assert open_image_folder(write(a=1, b=1), ["a", "b"], annotated=[STORED, STORED]).exif is None


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize(("size", "exif"), [(STORED, "ignore"), (TURNED, "apply")])
def test_annotated_size_of_a_quarter_turn_decides_for_all_images(write, orientation, size, exif):
    folder = open_image_folder(write(a=orientation, b=3, c=1), ["a", "b", "c"], annotated=[size, STORED, STORED])
    assert folder.exif == exif
    assert folder.sizes_wh == {"a": size, "b": STORED, "c": STORED}
    expected = IMAGE[::-1, ::-1] if exif == "apply" else IMAGE
    np.testing.assert_array_equal(folder.reader("b")(), expected)
    np.testing.assert_array_equal(folder.reader("c")(), IMAGE)


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_half_turns_and_mirrored_images_need_the_option(write, orientation):
    folder, names = write(a=1, b=orientation), ["a", "b"]
    with pytest.raises(UserError) as error:
        open_image_folder(folder, names, annotated=[STORED, STORED])
    assert f"EXIF turns or mirrors 1 of 2 images in {folder} (b), and nothing tells" in str(error.value)
    assert "say exif (--exif): apply" in str(error.value)
    for exif in ("apply", "ignore"):
        assert open_image_folder(folder, names, exif, [STORED, STORED]).exif == exif


def test_without_annotated_sizes_nothing_decides(write):
    with pytest.raises(UserError, match="nothing tells"):
        open_image_folder(write(a=6), ["a"])


def test_sizes_that_contradict_each_other_need_the_option_and_then_one_is_wrong(write):
    folder, names, sizes = write(a=6, b=8), ["a", "b"], [STORED, TURNED]
    with pytest.raises(UserError, match="annotations fit b turned, but a as it is stored: say exif"):
        open_image_folder(folder, names, annotated=sizes)
    with pytest.raises(UserError, match=r"image a is 40 x 60 px, but its .* 60 x 40: it would fit with exif .* ignore"):
        open_image_folder(folder, names, "apply", sizes)


# What every file is looked at for


def test_sizes_that_lie_are_told_before_anything_is_decoded(write):
    with pytest.raises(UserError, match=r"image a is 60 x 40 px, but .* say 640 x 480: have the images been resized"):
        open_image_folder(write(a=1), ["a"], annotated=[(640, 480)])


def test_all_unreadable_files_are_counted(write, tmp_path):
    for name in "bcdef":
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"image .*b cannot be read \(it is empty\).* 6 problems in all"):
        open_image_folder(write(a=1), [*"abcdef", "gone"])


def test_image_that_changes_while_it_is_in_use_is_one_line(write):
    folder = open_image_folder(write(a=1), ["a"])
    PIL.Image.fromarray(IMAGE[:30]).save(folder.path / "a", format="PNG")
    with pytest.raises(UserError, match="has been changed since it was looked at"):
        folder.reader("a")()


OUTSIDE = [
    "../secret.png", "a/../../secret.png", "..\\secret.png", "/etc/hosts", "\\\\host\\share\\a.png", "a/..", "..", ".",
    "", "a\0b.png", "\x1b[31m/../a.png",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_name_that_leads_out_of_the_folder_is_refused_and_nothing_is_opened(tmp_path, coco_folder, name, monkeypatch):
    monkeypatch.setattr("robustpose.data.image_folder.read_header", lambda path: pytest.fail(f"{path} was opened"))
    content = json.loads((coco_folder / "people.json").read_text())
    content["images"][0]["file_name"] = name
    (tmp_path / "people.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match="lead out of the folder") as error:
        read_coco(tmp_path / "people.json", coco_folder / "images")
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", ["a.png", "val/a.png", "..a.png", "a..png", "./a.png", "~/a.png", "http://x/a.png"])
def test_name_inside_the_folder_is_none_that_leads_out(name):
    assert not leads_out(name)


def test_link_that_lies_in_the_folder_is_followed(write, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "images").mkdir()
    write(a=1)
    (tmp_path / "a").rename(elsewhere / "a")
    (tmp_path / "images/linked").symlink_to(elsewhere)
    np.testing.assert_array_equal(open_image_folder(tmp_path / "images", ["linked/a"]).reader("linked/a")(), IMAGE)
