"""Memory: what a corruption would take is told from the size of an image, before it is taken."""

import tracemalloc

import numpy as np
import pytest

from robustpose.corruptions import TABLE, corrupt
from robustpose.corruptions.memory import estimate_bytes, haze_side, pane_wh
from robustpose.data.corrupted import MadeImages
from robustpose.errors import UserError
from robustpose.pose.cell import Cell
from robustpose.pose.types import Frame
from tests.scenes import draw_scene


def frame_of(width, height):
    return Frame(1, lambda: pytest.fail("it was decoded"), file_name="a.jpg", size_wh=(width, height))


@pytest.mark.parametrize("shape", [(20_000, 50, 3), (50, 20_000, 3)])
@pytest.mark.parametrize("seed", ["release", 7])
def test_fog_of_a_long_image_is_one_line_before_its_field_is_made(shape, seed):
    tracemalloc.start()
    image = np.zeros(shape, np.uint8)
    with pytest.raises(
        UserError, match=r"^fog of an image \(\d+ x \d+ px\) takes [\d,]+ MB, .*ROBUSTPOSE_MAX_MEMORY_MB"
    ):
        corrupt(image, "fog", 3, seed)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_variable_lifts_the_limit(monkeypatch):
    image = draw_scene(40, 50)
    monkeypatch.setattr("robustpose.limits.LIMITS", {"MEMORY_MB": 0.01})
    with pytest.raises(UserError, match=r"ROBUSTPOSE_MAX_MEMORY_MB=1$"):
        corrupt(image, "fog", 3)
    monkeypatch.setenv("ROBUSTPOSE_MAX_MEMORY_MB", "1")
    assert corrupt(image, "fog", 3).shape == image.shape


@pytest.mark.parametrize(
    ("corruption", "size", "seed", "message"),
    [
        ("fog", (20_000, 50), "release", "fog of a.jpg (20000 x 50 px) takes"),
        ("shot_noise", (9000, 9000), "release", "shot_noise of a.jpg"),
        ("frost", (60_000, 33), 7, "frost of a.jpg"),
        ("jpeg_compression", (66_000, 33), 7, "jpeg_compression takes at most 65,500 px a side, but a.jpg"),
        ("contrast", (31, 900), 7, "a.jpg is 31 x 900 px, but corruptions are defined from 32 x 32 px on"),
    ],
)
def test_sizes_are_checked_before_an_image_is_decoded(corruption, size, seed, message):
    frames = [frame_of(640, 480), frame_of(*size)]
    with pytest.raises(UserError) as error:
        MadeImages(seed).check([Cell("brightness", 1), Cell(corruption, 1)], frames)
    assert str(error.value).startswith(message)
    MadeImages(seed).check([Cell(None, 0)], frames)  # clean images may be of any size
    MadeImages(seed).check([Cell(corruption, 1)], frames[:1])


def test_small_images_are_counted():
    message = r"a\.jpg is 5 x 900 px; .*; … 4 images in all, but corruptions .*: leave them out"
    with pytest.raises(UserError, match=message):
        MadeImages(7).check([Cell("fog", 1)], [frame_of(5, 900)] * 4 + [frame_of(32, 32)])


@pytest.mark.parametrize("seed", ["release", 7])
@pytest.mark.parametrize("name", sorted({*TABLE} - {"frost", "jpeg_compression", "pixelate"}))
def test_estimate_is_above_what_arrays_take(name, seed):
    image = draw_scene(400, 500)
    corrupt(image[:64, :64], name, 1, seed)  # what is loaded once does not count
    tracemalloc.start()
    corrupt(image, name, 1, seed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    from robustpose.corruptions import DEFAULT_MEMORY, MEMORY

    is_release = seed == "release"
    bytes_per_pixel = MEMORY.get(name, DEFAULT_MEMORY)[0 if is_release else 1]
    assert peak < 1.3 * estimate_bytes(name, image.shape, bytes_per_pixel, is_release)


def test_fields_are_as_large_as_the_published_ones():
    assert [haze_side((1, side)) for side in (64, 65, 640, 20_000)] == [64, 128, 1024, 32_768]
    assert pane_wh((600, 800), (480, 640)) == (881, 660)
    assert pane_wh((10, 1000), (480, 640)) == (52_801, 528)
