import json

import numpy as np
import pytest

from robustpose.data.coco import read_coco
from robustpose.pose.crop import boxes_to_center_scale, clip_truth_box, crop_matrix, crop_person, map_xy_to_xy
from tests.scenes import draw_scene

INPUT_WH = (48, 64)


def test_box_of_the_inputs_aspect_is_padded_by_a_quarter():
    centers, scales = boxes_to_center_scale(np.array([[10.0, 20, 40, 60]]), INPUT_WH)
    np.testing.assert_allclose(centers, [[25, 40]])
    np.testing.assert_allclose(scales * 200, [[30 * 1.25, 40 * 1.25]])


def test_short_side_is_padded_to_the_inputs_aspect():
    _, scales = boxes_to_center_scale(np.array([[0.0, 0, 10, 80], [0, 0, 90, 10]]), INPUT_WH)
    np.testing.assert_allclose(scales * 200 / 1.25, [[60, 80], [90, 120]])


def test_map_position_goes_back_to_where_the_crop_took_it_from():
    rng = np.random.default_rng(0)
    boxes = np.sort(rng.uniform(0, 100, (5, 2, 2)), axis=1).reshape(5, 4)
    centers, scales = boxes_to_center_scale(boxes, INPUT_WH)
    xy = rng.uniform(0, 100, (5, 17, 2))
    for i in range(5):
        matrix = crop_matrix(centers[i], scales[i], INPUT_WH)
        crop_xy = xy[i] @ matrix[:, :2].T + matrix[:, 2]
        back = map_xy_to_xy(crop_xy[None] / 4, centers[i : i + 1], scales[i : i + 1], (12, 16))
        np.testing.assert_allclose(back[0], xy[i], atol=1e-4)  # the crop's affine is solved from float32 points


def test_crop_shows_the_pixels_of_the_box_and_zero_outside_the_image():
    image = draw_scene(80, 60)
    center, scale = np.array([24.0, 32.0]), np.array([48, 64]) / 200
    np.testing.assert_array_equal(crop_person(image, center, scale, INPUT_WH), image[:64, :48])
    outside = crop_person(image, np.array([-500.0, -500.0]), scale, INPUT_WH)
    assert not outside.any()


def test_annotated_box_is_clipped_to_the_image_with_its_far_corner_one_pixel_in():
    np.testing.assert_allclose(clip_truth_box(np.array([-5.0, 2, 20, 200]), (100, 50)), [0, 2, 19, 49])
    assert clip_truth_box(np.array([120.0, 2, 20, 20]), (100, 50)) is None


@pytest.mark.parametrize(("boxes", "key"), [("gt", "gt_boxes"), ("dets", "detections")])
def test_centers_and_scales_equal_those_of_the_hrnet_program(shared, tmp_path, boxes, key):
    golden = json.loads((shared / "goldens/topdown_sbl_r50.json").read_text())
    (tmp_path / "people.json").write_text(json.dumps(golden["annotations"]))
    (tmp_path / "dets.json").write_text(json.dumps(golden["dets"]))
    people = read_coco(
        tmp_path / "people.json", shared / "goldens/topdown_images", "gt" if boxes == "gt" else tmp_path / "dets.json"
    )
    n_found = 0
    for index in range(len(people)):
        frame = people.frame(index)
        ours = np.concatenate(boxes_to_center_scale(frame.boxes, (192, 256)), axis=1)
        for result in golden[key]["results"]:
            if result["image_id"] == frame.image_id:
                theirs = np.concatenate([result["center"], result["scale"]])
                assert abs(ours - theirs).max(1).min() < 1e-4
                n_found += 1
    assert n_found == len(golden[key]["results"])
