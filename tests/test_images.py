import numpy as np
import PIL.Image
import pytest

from robustpose.data.images import read_image, write_image
from robustpose.errors import UserError
from tests.scenes import draw_scene


def test_png_round_trip_keeps_every_pixel(tmp_path):
    image = draw_scene(40, 50)
    write_image(tmp_path / "a.png", image)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), image)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_grey_and_palette_files_become_rgb(tmp_path):
    grey = PIL.Image.fromarray(draw_scene(40, 50)[:, :, 0])
    grey.save(tmp_path / "grey.png")
    grey.convert("P").save(tmp_path / "palette.png")
    for name in ("grey.png", "palette.png"):
        assert read_image(tmp_path / name).shape == (40, 50, 3)


def test_exif_rotation_is_not_applied(tmp_path):
    picture = PIL.Image.fromarray(draw_scene(40, 50))
    exif = picture.getexif()
    exif[0x0112] = 6  # turn by 90 degrees
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (40, 50, 3)


def test_truncated_jpeg_is_an_error_that_names_the_file(tmp_path):
    write_image(tmp_path / "a.jpg", draw_scene(200, 200))
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"a\.jpg cannot be read \(.*truncated"):
        read_image(tmp_path / "a.jpg")


def test_missing_file_and_no_image_are_errors(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_image(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(UserError, match="cannot be read"):
        read_image(tmp_path / "text.png")
