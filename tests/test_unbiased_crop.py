import cv2
import numpy as np

from robustpose.pose.crop import boxes_to_center_scale
from robustpose.pose.unbiased_crop import crop_unbiased, unbiased_map_xy_to_xy, unbiased_matrix

INPUT_WH = (48, 64)


def test_the_first_and_the_last_pixel_of_a_crop_are_the_ends_of_the_grown_box():
    centers, scales = boxes_to_center_scale(np.array([[10.0, 20, 40, 60]]), INPUT_WH)
    matrix = unbiased_matrix(centers[0], scales[0], INPUT_WH)
    width, height = 200 * scales[0]
    np.testing.assert_allclose((width, height), (1.25 * 30, 1.25 * 40))
    np.testing.assert_allclose(matrix @ [0, 0, 1], [25 - width / 2, 40 - height / 2], rtol=1e-6)
    np.testing.assert_allclose(matrix @ [47, 63, 1], [25 + width / 2, 40 + height / 2], rtol=1e-6)


def test_each_axis_has_a_factor_of_its_own():
    centers, scales = boxes_to_center_scale(np.array([[0.0, 0, 48, 64]]), INPUT_WH)
    matrix = unbiased_matrix(centers[0], scales[0], INPUT_WH)
    np.testing.assert_allclose([matrix[0, 0], matrix[1, 1]], [1.25 * 48 / 47, 1.25 * 64 / 63], rtol=1e-6)


def test_positions_in_a_heatmap_of_any_size_go_back_to_the_image():
    boxes = np.array([[10.0, 20, 40, 60], [-5, 3, 300, 80]])
    centers, scales = boxes_to_center_scale(boxes, INPUT_WH)
    crop_xy = np.random.default_rng(0).uniform(0, [47, 63], (2, 17, 2))
    for map_wh in (INPUT_WH, (12, 16), (24, 32)):
        map_xy = crop_xy / (np.array(INPUT_WH) - 1) * (np.array(map_wh) - 1)
        back = unbiased_map_xy_to_xy(map_xy, centers, scales, map_wh)
        for i in range(2):
            matrix = unbiased_matrix(centers[i], scales[i], INPUT_WH)
            np.testing.assert_allclose(back[i], crop_xy[i] @ matrix[:, :2].T + matrix[:, 2], atol=1e-4)


def test_a_crop_is_bilinear_and_zero_outside_the_image():
    image = np.random.default_rng(0).integers(1, 256, (64, 48, 3), dtype=np.uint8)
    center, scale = np.array([23.5, 31.5]), np.array([47, 63]) / 200
    np.testing.assert_array_equal(crop_unbiased(image, center, scale, INPUT_WH), image)
    assert not crop_unbiased(image, center - 500, scale, INPUT_WH).any()
    half = crop_unbiased(image, center + np.array([0.5, 0]), scale, INPUT_WH)[:, :-1].astype(float)
    np.testing.assert_allclose(half, (image[:, :-1].astype(float) + image[:, 1:]) / 2, atol=0.5)


def test_the_crop_of_a_mirrored_image_is_the_mirrored_crop():
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (90, 101, 3), dtype=np.uint8), (5, 5), 0)
    center, scale = np.array([47.25, 40.5]), np.array([60.0, 80]) / 200
    crop = crop_unbiased(image, center, scale, INPUT_WH).astype(int)
    mirrored = crop_unbiased(image[:, ::-1].copy(), np.array([100 - 47.25, 40.5]), scale, INPUT_WH).astype(int)
    assert np.abs(mirrored[:, ::-1] - crop).max() <= 1
