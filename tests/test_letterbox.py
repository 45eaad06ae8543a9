"""Letterboxes: where an image lands in an input, pixel for pixel, and where what is found there is in the image."""

import cv2
import numpy as np
import pytest

from robustpose.pose.letterbox import Letterbox

SIZES = [
    (640, 480),
    (480, 640),
    (640, 427),
    (333, 517),
    (1, 2000),
    (2000, 1),
    (1, 1),
    (64, 64),
    (37, 41),
    (1281, 961),
    (2, 638),
    (704, 99),
]


def draw(image_wh):
    return np.random.default_rng(1).integers(0, 256, (image_wh[1], image_wh[0], 3), dtype=np.uint8)


def pad_as_ultralytics(image, side):
    """Return YOLO's letterbox: the ratio, rounded sizes, and half of what is left on each side, less a tenth."""
    height, width = image.shape[:2]
    ratio = min(side / height, side / width)
    new_wh = max(1, round(width * ratio)), max(1, round(height * ratio))
    across, down = (side - new_wh[0]) / 2, (side - new_wh[1]) / 2
    resized = cv2.resize(image, new_wh, interpolation=cv2.INTER_LINEAR)
    top, bottom, left, right = (round(part) for part in (down - 0.1, down + 0.1, across - 0.1, across + 0.1))
    return cv2.copyMakeBorder(resized, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(114, 114, 114))


def by_quotient(width, height, side):
    """MoveNet's sides of the resized image."""
    return [round(length * side / max(height, width)) for length in (width, height)]


def by_cut(width, height, side):
    """RTMO's, as rtmlib has them."""
    ratio = min(side / height, side / width)
    return [int(length * ratio) for length in (width, height)]


def pad_top_left(image, side, fill, find_sides):
    height, width = image.shape[:2]
    new_wh = [max(1, length) for length in find_sides(width, height, side)]
    padded = np.full((side, side, 3), fill, np.uint8)
    padded[: new_wh[1], : new_wh[0]] = cv2.resize(image, new_wh, interpolation=cv2.INTER_LINEAR)
    return padded


@pytest.mark.parametrize("image_wh", SIZES)
def test_inputs_are_those_of_plain_programs(image_wh):
    image = draw(image_wh)
    for side in (64, 96, 640):
        size = (side, side)
        assert np.array_equal(Letterbox(size).fit_image(image), pad_as_ultralytics(image, side))
        movenet, rtmo = Letterbox(size, "corner", 0, "quotient"), Letterbox(size, "corner", 114, "cut")
        assert np.array_equal(movenet.fit_image(image), pad_top_left(image, side, 0, by_quotient))
        assert np.array_equal(rtmo.fit_image(image), pad_top_left(image, side, 114, by_cut))
        assert np.array_equal(Letterbox(size, "stretch").fit_image(image), cv2.resize(image, size))


@pytest.mark.parametrize("image_wh", SIZES)
@pytest.mark.parametrize("input_wh", [(64, 64), (96, 64), (64, 160)])
@pytest.mark.parametrize("place", ["center", "corner", "stretch"])
def test_positions_come_back_to_where_they_were(image_wh, input_wh, place):
    box = Letterbox(input_wh, place)
    (width, height), (left, top) = box.find_place(image_wh)
    assert 1 <= width <= input_wh[0] - left
    assert 1 <= height <= input_wh[1] - top
    xy = np.random.default_rng(0).uniform(-50, 700, (5, 3, 2))
    input_xy = xy * np.array([width, height]) / np.array(image_wh) + [left, top]
    np.testing.assert_allclose(box.map_xy(input_xy, image_wh), xy, rtol=1e-12, atol=1e-9)
    corners = box.map_xy(np.array([[left, top], [left + width, top + height]]), image_wh)
    np.testing.assert_allclose(corners, [[0, 0], image_wh], atol=1e-9)
