"""robustpose corrupt of a few images: all of them are looked at before the first is written."""

import os

import numpy as np
import PIL.Image
import pytest

from robustpose.data.images import read_image, write_image
from robustpose.errors import UserError
from tests.scenes import draw_scene
from tests.test_cli import one_line_error


@pytest.fixture
def corrupt(run, tmp_path):
    """A function that corrupts images, with options after their names."""

    def run_corrupt(*words, corruption="contrast"):
        return run("corrupt", *words, "--corruptions", corruption, "--severities", "1", "--out", tmp_path / "out")

    return run_corrupt


@pytest.fixture
def places(tmp_path):
    """A good image, and what is none, by name."""
    write_image(tmp_path / "good.png", draw_scene(40, 50))
    write_image(tmp_path / "small.png", draw_scene(31, 50))
    PIL.Image.fromarray(np.zeros((40, 20_000), np.uint8)).save(tmp_path / "long.png")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    (tmp_path / "empty.jpg").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "corruption", "message"),
    [
        ("pipe.jpg", "contrast", "pipe.jpg is no file"),
        ("circle.jpg", "contrast", "circle.jpg cannot be read"),
        ("empty.jpg", "contrast", "empty.jpg cannot be read (it is empty)"),
        ("gone.jpg", "contrast", "gone.jpg does not exist"),
        ("small.png", "contrast", "small.png is 50 x 31 px, but corruptions are defined from 32 x 32 px on"),
        ("long.png", "fog", "ROBUSTPOSE_MAX_MEMORY_MB"),
    ],
)
def test_image_that_cannot_be_taken_is_one_line_before_another_is_written(corrupt, places, name, corruption, message):
    one_line_error(corrupt(places / "good.png", places / name, corruption=corruption), message)
    assert not (places / "out").exists()


def test_name_without_a_suffix_is_a_name(corrupt, places):
    (places / "good.png").rename(places / "photo")
    assert corrupt(places / "photo")[0] == 0
    assert read_image(places / "out/photo-contrast-1.png").shape == (40, 50, 3)


def test_longest_names_are_written_and_longer_ones_are_one_line(corrupt, places):
    longest = "n" * (255 - len("-contrast-1.png"))
    (places / "good.png").rename(places / f"{longest}.png")
    assert corrupt(places / f"{longest}.png")[0] == 0
    (places / f"{longest}.png").rename(places / f"{longest}n.png")
    one_line_error(corrupt(places / f"{longest}n.png"), "choose a shorter name")


def test_no_image_is_overwritten_by_a_result(corrupt, places):
    (places / "out").mkdir()
    for name in ("a.png", "a-contrast-1.png"):
        write_image(places / "out" / name, draw_scene(40, 50))
    one_line_error(corrupt(places / "out/a.png", places / "out/a-contrast-1.png"), "would be overwritten")


@pytest.mark.parametrize("name", ["a", "a.", "a.txt", "a.pgn", ".png"])
def test_image_is_written_to_known_suffixes_only(tmp_path, name):
    with pytest.raises(UserError, match="its suffix names no format"):
        write_image(tmp_path / name, draw_scene(40, 50))
    assert not list(tmp_path.iterdir())
