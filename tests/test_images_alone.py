"""Images without annotations: which files of a folder they are, what names them, and what is refused in one line."""

import json
import os
import shutil

import numpy as np
import PIL.Image
import pytest

from robustpose.data.images_alone import list_images
from robustpose.data.spec import describe_data
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN
from tests.scenes import draw_scene


@pytest.fixture
def folder(tmp_path):
    """Three images with other files beside them."""
    images = tmp_path / "street"
    images.mkdir()
    for number, name in enumerate(("b.PNG", "a.jpg", "c.webp")):
        PIL.Image.fromarray(draw_scene(48, 64 + number, seed=number)).save(images / name)
    for name in ("notes.txt", "people.json", ".hidden.jpg", "Thumbs.db"):
        (images / name).write_text("no image")
    (images / "more.jpg").mkdir()
    return images


def test_images_are_those_of_the_folder_by_name(folder):
    data = describe_data({"images": folder}).open()
    assert [data.frame(index).image_id for index in range(len(data))] == ["a.jpg", "b.PNG", "c.webp"]
    frame = data.frame(1)
    assert (frame.file_name, frame.size_wh, frame.boxes) == ("b.PNG", (64, 48), None)
    np.testing.assert_array_equal(frame.image, draw_scene(48, 64, seed=0))
    assert data.metric == "consistency"
    assert "there are no annotations" in data.warnings[0]
    assert all(len(data.truth(index).xy) == 0 for index in range(len(data)))


def test_images_of_another_content_are_other_data(folder):
    before = dict(describe_data({"images": folder}).open().provenance)
    (folder / "notes.txt").write_text("another text")
    assert dict(describe_data({"images": folder}).open().provenance) == before
    path = folder / "b.PNG"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # of the same size
    assert describe_data({"images": folder}).open().provenance != before


def test_images_are_turned_as_their_exif_says(folder):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.fromarray(draw_scene(48, 64)).save(folder / "a.jpg", exif=exif)
    assert describe_data({"images": folder}).open().frame(0).size_wh == (48, 64)
    assert describe_data({"images": folder, "exif": "ignore"}).open().frame(0).size_wh == (64, 48)


def test_detected_boxes_find_images_by_file_name_or_stem(folder, tmp_path):
    found = [{"image_id": "a", "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.5}]
    (tmp_path / "boxes.json").write_text(json.dumps(found))
    data = describe_data({"images": folder, "boxes": f"clean-det:{tmp_path / 'boxes.json'}"}).open()
    assert data.frame(0).boxes.tolist() == [[1, 2, 31, 42]]
    assert data.frame(1).boxes.tolist() == []
    assert data.provenance["boxes"] == "clean-det"
    data.check_cells([CLEAN])


def test_folder_without_images_is_one_line(folder, tmp_path):
    for path in folder.iterdir():
        if path.suffix.lower() in (".png", ".jpg", ".webp") and path.is_file():
            path.unlink()
    with pytest.raises(UserError, match=r"street holds no image \(\.jpg, .*…\)$"):
        list_images(folder)
    PIL.Image.fromarray(draw_scene(20, 20)).save(folder / "more.jpg" / "1.png")
    with pytest.raises(UserError, match=r"those in its folder more\.jpg are taken by --images .*street/more\.jpg$"):
        list_images(folder)
    with pytest.raises(UserError, match=r"nowhere does not exist$"):
        list_images(tmp_path / "nowhere")


def test_images_that_are_left_out_are_named(folder):
    assert len(describe_data({"images": folder}).open().warnings) == 1
    (folder / "phone.HEIC").write_text("an image")
    shutil.copy(folder / "a.jpg", folder / "more.jpg")
    _, unread, inside = describe_data({"images": folder}).open().warnings
    assert unread == "images that cannot be read are left out: 'phone.HEIC'"
    assert inside == "images in folders of street are left out: 'more.jpg' (--images takes one folder)"


def test_image_that_cannot_be_read_is_one_line_that_names_it(folder):
    (folder / "d.jpg").write_text("no image")
    with pytest.raises(UserError, match=r"images in .*street: image .*street/d\.jpg cannot be read"):
        describe_data({"images": folder}).open()


def test_name_that_results_cannot_have_is_one_line(folder):
    try:
        shutil.copy(folder / "a.jpg", os.fsencode(folder) + b"/\xff.jpg")
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    with pytest.raises(UserError, match=r"cannot be written to results: names must be UTF-8"):
        list_images(folder)


@pytest.mark.parametrize("metric", ["coco_ap", "pckh", "pck:box@0.2"])
def test_metric_that_needs_people_is_one_line(folder, metric):
    with pytest.raises(UserError, match=rf"^images without annotations are scored by consistency alone, .*'{metric}'"):
        describe_data({"images": folder, "metric": metric}).open()
    assert len(describe_data({"images": folder, "metric": "consistency", "limit": 2}).open()) == 2


def test_nothing_is_learned_from_images_alone(folder):
    with pytest.raises(UserError, match=r"^there is nothing to learn from images alone: name annotations"):
        describe_data({"images": folder}).for_training()


def test_annotations_without_images_ask_for_both(folder):
    with pytest.raises(UserError, match=r"^annotations \(--annotations\) came without images \(--images\): give both$"):
        describe_data({"annotations": folder / "people.json"})
