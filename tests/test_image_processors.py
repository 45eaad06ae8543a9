"""Image processors beside SciPy and plain loops; beside transformers itself in test_huggingface."""

import numpy as np
import pytest
from scipy.ndimage import affine_transform, gaussian_filter

from robustpose.estimators.image_processors.loops import blur_at, sample_crop
from robustpose.estimators.image_processors.peaks import find_peaks, list_neighbours
from robustpose.estimators.image_processors.sapiens2 import Sapiens2Processor, blur_keeping_maximum
from robustpose.estimators.image_processors.settings import Sapiens2Settings, VitPoseSettings, boxes_to_xywh
from robustpose.estimators.image_processors.vitpose import RADIUS, SIGMA, VitPoseProcessor

SIZE = {"width": 48, "height": 64}
PROCESSORS = [VitPoseProcessor(VitPoseSettings(size=SIZE)), Sapiens2Processor(Sapiens2Settings(size=SIZE))]


@pytest.mark.parametrize("seed", range(5))
def test_crop_is_scipys_to_the_last_bit(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (*rng.integers(1, 90, 2), 3), dtype=np.uint8)
    step_xy, start_xy = rng.uniform(0.01, 3, 2), rng.uniform(-30, 30, 2)
    crop = np.empty((3, 40, 30), np.float32)
    sample_crop(image, step_xy, start_xy, np.tile(np.arange(256, dtype=np.float32), (3, 1)), crop)
    matrix, offset = np.diag(step_xy[::-1]), start_xy[::-1]
    for channel in range(3):
        expected = affine_transform(image[:, :, channel], matrix, offset, output_shape=(40, 30), order=1)
        assert np.array_equal(crop[channel], expected)


def test_blur_is_scipys_to_the_last_bit():
    heatmaps = np.random.default_rng(0).normal(size=(2, 3, 9, 4)).astype(np.float32)  # narrower than the kernel
    rows, columns = (part.ravel() for part in np.mgrid[:9, :4])
    distances = np.arange(-RADIUS, RADIUS + 1)
    weights = np.exp(-0.5 / (SIGMA * SIGMA) * distances**2)
    weights = (weights / weights.sum())[RADIUS:]
    shape = (2, 3, len(rows))
    joints = np.broadcast_to(np.arange(3)[:, None], shape)
    found = blur_at(heatmaps, joints, np.broadcast_to(rows, shape), np.broadcast_to(columns, shape), weights)
    for heatmap, blurred in zip(heatmaps.reshape(-1, 9, 4), found.reshape(6, 9, 4), strict=True):
        assert np.array_equal(blurred, gaussian_filter(heatmap, SIGMA, radius=(RADIUS, RADIUS), axes=(0, 1)))


def test_sapiens2s_blur_has_zeros_around_and_keeps_maxima():
    heatmaps = np.random.default_rng(0).random((2, 12, 10)).astype(np.float32)
    heatmaps[1] -= 5  # nobody
    found = blur_keeping_maximum(heatmaps)
    padded = np.pad(heatmaps, ((0, 0), (20, 20), (20, 20)))
    plain = np.stack([gaussian_filter(one, 2.0, radius=5, mode="constant") for one in padded])[:, 20:-20, 20:-20]
    assert np.allclose(found[0], plain[0] * heatmaps[0].max() / plain[0].max(), atol=1e-6)
    assert np.allclose(found[1], plain[1], atol=1e-5)


@pytest.mark.parametrize("processor", PROCESSORS, ids=["vitpose", "sapiens2"])
def test_boxes_are_corner_and_size_not_two_corners(processor):
    image = np.zeros((300, 400, 3), np.uint8)
    image[148:153, 248:253] = 255
    box = np.array([[200.0, 100, 300, 200]])
    crop = processor.crop([image], boxes_to_xywh(box))[0, 0]
    rows, columns = np.nonzero(crop > crop.min() + 0.5)
    assert (rows.mean(), columns.mean()) == pytest.approx((31.5, 23.5), abs=0.6)  # the centre of 64x48


@pytest.mark.parametrize("processor", PROCESSORS, ids=["vitpose", "sapiens2"])
def test_joint_of_a_round_heatmap_is_at_its_centre(processor):
    rows, columns = np.mgrid[:64, :48]
    map_xy = np.array([20.3, 40.8])
    heatmap = 0.9 * np.exp(-((columns - map_xy[0]) ** 2 + (rows - map_xy[1]) ** 2) / (2 * 2.0**2))
    box = np.array([[10.0, 20, 60, 100]])  # of the crops' own shape, but for its padding by a quarter
    xy, confidence = processor.decode(heatmap.astype(np.float32)[None, None], box)
    size = np.array([96, 128]) * 100 / 128 * 1.25
    expected = box[0, :2] + box[0, 2:] / 2 + (map_xy / [47, 63] - 0.5) * size
    assert np.abs(xy[0, 0] - expected).max() < 0.03
    assert confidence[0, 0] == pytest.approx(0.89, abs=0.01)


def test_joint_that_was_not_found_reads_the_joint_before_of_the_same_person():
    heatmaps = np.zeros((2, 3, 5, 4), np.float32)
    map_xy, confidence = find_peaks(heatmaps)
    assert (map_xy == -1).all()
    assert not confidence.any()
    joints, _, _ = list_neighbours(map_xy, (5, 4))
    assert joints[0, 1].tolist() == [1, 1, 0, 1, 0, 1, 0]
    assert (joints[0] == joints[1]).all()
    assert joints[0, 0].tolist() == [0, 0, 2, 0, 2, 0, 2]


@pytest.mark.parametrize("processor", PROCESSORS, ids=["vitpose", "sapiens2"])
def test_joints_do_not_depend_on_the_people_beside(processor):
    rng = np.random.default_rng(0)
    heatmaps = rng.normal(size=(3, 4, 16, 12)).astype(np.float32) - np.float32([0, 3, 0, 3])[:, None, None]
    boxes = rng.uniform(1, 50, (3, 4))
    together, _ = processor.decode(heatmaps, boxes)
    alone, _ = processor.decode(heatmaps[1:2], boxes[1:2])
    assert np.array_equal(together[1:2], alone)
