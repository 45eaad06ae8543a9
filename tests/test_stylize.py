import json
import shutil
import sys

import numpy as np
import pytest

from robustpose import UserError
from robustpose.data.coco import read_coco
from robustpose.data.images import read_image, write_image
from robustpose.data.stylized import WithStyles
from robustpose.export.style import transfer_style
from robustpose.export.stylize import make_copy
from tests.runs import assert_interrupt_ends_with_one_line, assert_small_files_only_is_one_line, files_of
from tests.scenes import draw_scene
from tests.test_cli import one_line_error


@pytest.fixture
def styles(tmp_path):
    """A folder with two pictures to take styles from."""
    folder = tmp_path / "styles"
    (folder / "more").mkdir(parents=True)
    write_image(folder / "a.png", draw_scene(70, 90, seed=8))
    write_image(folder / "more/b.jpg", draw_scene(200, 150, seed=9))
    return folder


def words(coco_folder, styles, out, *more):
    files = ["--annotations", coco_folder / "people.json", "--images", coco_folder / "images"]
    return ["stylize", *files, "--styles", styles, "--out", out, *more]


def test_copy_has_the_colours_of_the_style_and_the_edges_of_the_image():
    image, style = draw_scene(96, 128, seed=1), np.full((96, 128, 3), (200, 40, 40), np.uint8)
    style[::4] = (180, 60, 30)
    copy = transfer_style(image, style, np.random.default_rng(0), texture=0)
    assert copy.shape == image.shape
    assert copy.dtype == np.uint8
    np.testing.assert_allclose(copy.mean((0, 1)), style.mean((0, 1)), atol=8)

    def edges(picture):
        return np.abs(np.diff(picture.astype(float).mean(2), axis=1)).ravel()

    own = transfer_style(image, draw_scene(96, 128, seed=2), np.random.default_rng(0), texture=0)
    assert np.corrcoef(edges(own), edges(image))[0, 1] > 0.5


def test_image_in_its_own_style_stays_nearly_the_same():
    image = draw_scene(96, 128, seed=1)
    copy = transfer_style(image, image, np.random.default_rng(0), texture=0)
    assert np.abs(copy.astype(float) - image).mean() < 3


def test_style_smaller_than_the_image_is_enlarged_and_tiny_pictures_are_refused():
    copy = transfer_style(draw_scene(96, 128), draw_scene(40, 50), np.random.default_rng(0))
    assert copy.shape == (96, 128, 3)
    with pytest.raises(UserError, match="from 32 px, got a style of"):
        transfer_style(draw_scene(96, 128), np.zeros((1, 1, 3), np.uint8), np.random.default_rng(0))


def test_command_writes_a_copy_of_every_image_that_training_can_read(run, coco_folder, styles, tmp_path):
    code, output, errors = run(*words(coco_folder, styles, tmp_path / "out"))
    assert code == 0, errors
    assert "9 stylised images" in output
    people = read_coco(coco_folder / "people.json", coco_folder / "images")
    both = WithStyles(people, tmp_path / "out")
    assert len(both) == 18
    for index in range(9):
        image, copy = both.frame(index).image, both.frame(9 + index).image
        assert image.shape == copy.shape
        assert np.abs(image.astype(float) - copy).mean() > 5
        np.testing.assert_array_equal(both.truth(9 + index).xy, both.truth(index).xy)
    assert len(WithStyles(people, tmp_path / "out", only=True)) == 9


def test_copies_do_not_depend_on_workers_or_stops(run, coco_folder, styles, tmp_path):
    run(*words(coco_folder, styles, tmp_path / "a", "--workers", 1))
    run(*words(coco_folder, styles, tmp_path / "b", "--workers", 2))
    (tmp_path / "a/000003.jpg").unlink()
    run(*words(coco_folder, styles, tmp_path / "a", "--workers", 1))
    for path in sorted((tmp_path / "a").glob("*.jpg")):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def command(*more):
    return [sys.executable, "-m", "robustpose", *map(str, more)]


def test_interrupt_ends_with_one_line_and_keeps_the_copies(coco_folder, styles, tmp_path):
    for number in range(60):  # enough to be interrupted at
        shutil.copy(coco_folder / "images/000001.jpg", tmp_path / f"{number}.jpg")
    content = json.loads((coco_folder / "people.json").read_text())
    content["images"] = [{**content["images"][0], "id": n, "file_name": f"{n}.jpg"} for n in range(60)]
    content["annotations"] = [{**content["annotations"][0], "image_id": n, "id": n + 1} for n in range(60)]
    (tmp_path / "people.json").write_text(json.dumps(content))
    files = ["--annotations", tmp_path / "people.json", "--images", tmp_path]
    words = ["stylize", *files, "--styles", styles, "--out", tmp_path / "out", "--workers", 2]
    assert_interrupt_ends_with_one_line(command(*words), lambda _: list(tmp_path.glob("out/*.jpg")))
    assert list(tmp_path.glob("out/*.jpg"))
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("workers", [1, 2])
def test_file_system_that_refuses_a_copy_is_one_line(coco_folder, styles, tmp_path, workers):
    more = words(coco_folder, styles, tmp_path / "out", "--workers", workers)
    assert_small_files_only_is_one_line(command(*more), 2000)  # bytes: the note is smaller, the copies are larger


def test_disk_that_fills_up_at_any_file_is_one_line_and_later_starts_go_on(
    run, coco_folder, styles, tmp_path, full_disk
):
    run(*words(coco_folder, styles, tmp_path / "whole", "--workers", 1))
    for room in range(10):
        full_disk(room)
        result = run(*words(coco_folder, styles, tmp_path / "out", "--workers", 1))
        if result[0] == 0:
            break
        one_line_error(result, "No space left on device): finished work is kept")
    assert room > 2
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")


def test_folder_with_other_images_is_refused(run, coco_folder, styles, tmp_path):
    shutil.copytree(coco_folder / "images", tmp_path / "out")  # they would be taken for copies
    one_line_error(run(*words(coco_folder, styles, tmp_path / "out")), "is not empty (000001.jpg, …) and holds no")


def test_seed_chooses_other_styles():
    image = draw_scene(64, 64)
    rng = [np.random.default_rng(seed) for seed in (0, 1)]
    some, others = (transfer_style(image, draw_scene(90, 90, seed=4), r) for r in rng)
    assert (some != others).any()


def test_copy_is_that_of_seed_and_name(styles):
    paths = sorted(path for path in styles.rglob("*") if path.is_file())
    image = draw_scene(64, 64)
    assert np.array_equal(make_copy(image, "a.jpg", paths), make_copy(image, "a.jpg", paths))
    assert any((make_copy(image, "a.jpg", paths) != make_copy(image, f"{i}.jpg", paths)).any() for i in range(3))


def test_folder_made_otherwise_and_wrong_input_are_one_line(run, coco_folder, styles, tmp_path):
    run(*words(coco_folder, styles, tmp_path / "out", "--limit", 1))
    empty = tmp_path / "empty"
    empty.mkdir()
    for more, message in (
        (words(coco_folder, styles, tmp_path / "out", "--limit", 1, "--seed", 3), "seed: 0 there, 3 now"),
        (words(coco_folder, empty, tmp_path / "new"), "holds no images"),
        (words(coco_folder, tmp_path / "none", tmp_path / "new"), "does not exist"),
        (words(coco_folder, styles, tmp_path / "new", "--texture", 2), "--texture must be between 0 and 1"),
        (words(coco_folder, styles, tmp_path / "new", "--workers", 0), "--workers must be at least 1"),
    ):
        code, _, errors = run(*more)
        assert code == 2
        assert message in errors
        assert errors.count("error:") == 1


def test_missing_copies_and_copies_of_another_size_are_named(coco_folder, tmp_path):
    people = read_coco(coco_folder / "people.json", coco_folder / "images")
    with pytest.raises(UserError, match=r"lacks stylised copies: 000001\.jpg; .* 9 missing in all"):
        WithStyles(people, tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        WithStyles(people, tmp_path / "none")
    for index in range(9):
        write_image(tmp_path / people.frame(index).file_name.replace("jpg", "png"), draw_scene(40, 40))
    with pytest.raises(UserError, match="is 40 x 40 px, but the image it stands for is 128 x 96"):
        _ = WithStyles(people, tmp_path).frame(9).image


def test_note_says_how_the_copies_were_made(run, coco_folder, styles, tmp_path):
    run(*words(coco_folder, styles, tmp_path / "out", "--limit", 2, "--seed", 4))
    note = json.loads((tmp_path / "out/styles.json").read_text())
    assert (note["seed"], note["n_styles"]) == (4, 2)
    assert read_image(tmp_path / "out/000001.jpg").shape == (96, 128, 3)
