"""Context crops: samples where they are said to be, edges on edges, and grey where there is nothing to see."""

import hashlib

import cv2
import numpy as np
import pytest
from PIL import Image

from robustpose.pose.context_crop import crop_context, place_rectangles
from tests.scenes import draw_scene


def crop(image, box, input_wh, margin=1.1, mask=None):
    rectangles = place_rectangles(np.array([box], float), input_wh, margin)
    return crop_context(image, rectangles, 0, input_wh, mask)


def crop_plainly(image, box, input_wh, margin):
    """Return the crop of real numbers, sample by sample; zero outside the image."""
    x1, y1, x2, y2 = box
    (width, height), (box_w, box_h) = input_wh, ((x2 - x1) * margin, (y2 - y1) * margin)
    scale = max(box_w / width, box_h / height)
    padded = np.pad(image.astype(float), ((1, 1), (1, 1), (0, 0)))
    found = np.zeros((height, width, 3))
    for row in range(height):
        for column in range(width):
            x = (x1 + x2) / 2 + (column + 0.5 - width / 2) * scale - 0.5
            y = (y1 + y2) / 2 + (row + 0.5 - height / 2) * scale - 0.5
            left, top = int(np.floor(x)), int(np.floor(y))
            for i in (0, 1):
                for j in (0, 1):
                    if -1 <= top + i <= image.shape[0] and -1 <= left + j <= image.shape[1]:
                        weight = (1 - abs(y - top - i)) * (1 - abs(x - left - j))
                        found[row, column] += weight * padded[top + i + 1, left + j + 1]
    return found


@pytest.mark.parametrize("input_wh", [(24, 24), (18, 24)])
@pytest.mark.parametrize("box", [(5, 8, 45, 78), (-30.3, 20.1, 25.77, 60), (10.5, 5, 90, 200.25)])
def test_samples_are_those_of_a_plain_loop(box, input_wh):
    image = cv2.GaussianBlur(draw_scene(96, 128, seed=2), (0, 0), 3)  # a 32nd of a pixel is about a grey level
    expected = crop_plainly(image, box, input_wh, 1.1)
    assert np.abs(crop(image, box, input_wh) - expected).max() < 2


def test_a_pixel_for_a_pixel_is_a_part_of_the_image():
    image = draw_scene(96, 128, seed=2)
    np.testing.assert_array_equal(crop(image, (10, 20, 42, 52), (32, 32), margin=1), image[20:52, 10:42])


def test_positions_are_from_edge_to_edge():
    rectangles = place_rectangles(np.array([[10.0, 20, 30, 60], [0, 0, 8, 4]]), (96, 96), 1.5)
    corners = rectangles.to_xy(np.array([[[0.0, 0], [1, 1], [0.5, 0.5]]] * 2))
    np.testing.assert_allclose(corners[0], [[-10, 10], [50, 70], [20, 40]])
    np.testing.assert_allclose(corners[1], [[-2, -4], [10, 8], [4, 2]])


def test_what_the_grown_box_does_not_touch_is_painted():
    image = np.full((40, 60, 3), 200, np.uint8)
    found = crop(image, (20, 10, 28, 26), (16, 16), margin=1, mask=7)
    np.testing.assert_array_equal(found[:, 4:12], 200)
    np.testing.assert_array_equal(found[:, [*range(4), *range(12, 16)]], 7)
    touched = crop(image, (20.5, 10, 27.5, 26), (16, 16), margin=1, mask=7)
    np.testing.assert_array_equal(touched, found)


@pytest.mark.parametrize("box", [(-500, -500, -400, -400), (5, 5, 5, 5), (5, 5, 5, 9), (0, 0, 1e9, 1e9)])
@pytest.mark.parametrize("mask", [None, 9])
def test_any_box_has_a_crop(box, mask):
    assert crop(draw_scene(40, 60), box, (8, 8), mask=mask).shape == (8, 8, 3)


def test_box_that_was_width_and_height_has_the_crop_of_these():
    """The sum of a corner and a size loses bits, and samples lie on borders of steps."""
    image = draw_scene(120, 90, seed=3)
    for x, y, width, height in ((280.79 - 250, 44.73, 218.7 / 4, 346.68 / 8), (0.1, 0.2, 0.7, 57.35)):
        box = np.array([x, y, x + width, y + height])
        rectangles = place_rectangles(box[None], (64, 64), 1.1)
        assert rectangles.grown[0].tolist() == [pytest.approx(width * 1.1, abs=1e-9), height * 1.1]
        assert crop_context(image, rectangles, 0, (64, 64)).shape == (64, 64, 3)


@pytest.mark.parametrize(("name", "side", "mask"), [("movenet_thunder", 256, 127), ("movenet_lightning", 192, 0)])
def test_crop_is_the_published_one_to_the_last_grey_level(shared, name, side, mask):
    reference = np.load(shared / "weights/reference_outputs.npz")
    image = np.asarray(Image.open(shared / "data/coco-mini/images/val2017/000000000785.jpg").convert("RGB"))
    x, y, width, height = reference[f"{name}|785|box_xywh"]
    found = crop(image, (x, y, x + width, y + height), (side, side), mask=mask)
    digest = hashlib.sha256(found.astype(np.float32).tobytes()).hexdigest()
    assert digest == str(reference[f"{name}|785|input_tensor_sha256"])
