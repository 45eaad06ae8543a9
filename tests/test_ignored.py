from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from faster_coco_eval.core import mask as faster_masks
from pycocotools import mask as coco_masks

from robustpose.data.coco import CocoPeople, read_coco
from robustpose.data.ignored import find_ignored, paint_regions
from robustpose.data.images import write_image
from robustpose.data.stylized import WithStyles
from robustpose.data.subset import Adjusted
from robustpose.data.toy import ToyPeople
from robustpose.errors import UserError
from robustpose.pose.protocols import Dataset
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Frame, Truth

IMAGE = {"id": 4, "height": 40, "width": 60}
NOWHERE = [0.0, 0.0, 0.0, 0.0]  # a box that shows when it is taken instead of the segmentation
Mask = np.ndarray


def paint(segmentation: Any, box: Any = NOWHERE) -> Mask:
    return paint_regions([(segmentation, box)], IMAGE)


def draw_mask(seed: int = 0) -> Mask:
    """Return some blobs, (H, W) of 0 and 1."""
    noise = np.random.default_rng(seed).normal(size=(IMAGE["height"], IMAGE["width"]))
    return (cv2.GaussianBlur(noise, (0, 0), 4) > 0).astype(np.uint8)


def to_runs(mask: Mask) -> list[int]:
    """Return COCO's run lengths down the columns, of 0 first, by counting."""
    runs, value = [0], 0
    for pixel in mask.T.ravel():
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return runs


def read_outline(outline: list[float]) -> Mask:
    """Return the pixels of an outline as COCO's own program paints it."""
    return faster_masks.decode(faster_masks.frPyObjects([outline], IMAGE["height"], IMAGE["width"]))[:, :, 0]


def assert_nearly(mask: Mask, expected: Mask) -> None:
    """Assert that masks differ by two pixels at most: programs do not agree about what an outline itself belongs to."""
    around = np.ones((5, 5), np.uint8)
    assert mask[cv2.erode(expected, around, borderValue=1) > 0].all()
    assert not mask[cv2.dilate(expected, around) == 0].any()
    assert mask.any() == expected.any()


def test_nothing_is_ignored_where_there_are_no_regions() -> None:
    mask = paint_regions([], IMAGE)
    assert (mask.shape, mask.dtype) == ((40, 60), bool)
    assert not mask.any()


@pytest.mark.parametrize("seed", range(5))
def test_polygon_is_painted_as_cocos_own_program_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
    around = np.stack([30 + 25 * np.cos(angles), 20 + 17 * np.sin(angles)], axis=1)
    outline = around.ravel().round(2).tolist()
    assert_nearly(paint([outline]), read_outline(outline))


def test_all_polygons_of_a_person_are_painted() -> None:
    parts = [[2.0, 2, 20, 2, 20, 30, 2, 30], [30.0, 5, 50, 5, 50, 35, 30, 35]]
    mask = paint(parts)
    assert mask[15, 10]
    assert mask[15, 40]
    assert not mask[15, 25]
    assert_nearly(mask, read_outline(parts[0]) | read_outline(parts[1]))


def test_polygon_partly_outside_the_image_is_cut_off() -> None:
    outline = [-20.0, -20, 30, -20, 30, 15, -20, 15]
    assert_nearly(paint([outline]), read_outline(outline))
    assert paint([outline])[0, 0]
    assert not paint([[100.0, 5, 120, 5, 120, 30]]).any()


@pytest.mark.parametrize("seed", range(3))
def test_run_lengths_go_down_the_columns(seed: int) -> None:
    mask = draw_mask(seed)
    segmentation = {"size": list(mask.shape), "counts": to_runs(mask)}
    np.testing.assert_array_equal(paint(segmentation), mask)
    np.testing.assert_array_equal(faster_masks.decode(faster_masks.frPyObjects(segmentation, *mask.shape)), mask)


def test_run_lengths_of_a_mask_that_starts_at_the_corner_start_with_none() -> None:
    mask = np.ones((40, 60), np.uint8)
    assert to_runs(mask) == [0, 2400]
    assert paint({"size": [40, 60], "counts": [0, 2400]}).all()
    assert not paint({"size": [40, 60], "counts": [2400]}).any()


@pytest.mark.parametrize("masks", [coco_masks, faster_masks], ids=["pycocotools", "faster_coco_eval"])
@pytest.mark.parametrize("as_text", [False, True])
def test_compressed_run_lengths_are_read_from_either_library(masks: Any, as_text: bool) -> None:
    mask = draw_mask()
    segmentation = masks.encode(np.asfortranarray(mask))
    if as_text:
        segmentation = json.loads(json.dumps({**segmentation, "counts": segmentation["counts"].decode()}))
    np.testing.assert_array_equal(paint(segmentation), mask)


@pytest.mark.parametrize("nothing", [None, []])
def test_box_is_taken_where_there_is_no_segmentation(nothing: Any) -> None:
    mask = paint(nothing, [10.0, 5.0, 20.0, 8.0])
    expected = np.zeros((40, 60), bool)
    expected[5:13, 10:30] = True
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ([-5.0, -5, 15, 12], (0, 7), (0, 10)),
        ([50.0, 30, 100, 100], (30, 40), (50, 60)),
        ([10.4, 5.6, 3.2, 2.2], (5, 8), (10, 14)),  # every pixel that it touches
        ([-30.0, 5, 20, 20], (0, 0), (0, 0)),
        ([5.0, -30, 20, 20], (0, 0), (0, 0)),
        ([200.0, 5, 20, 20], (0, 0), (0, 0)),
    ],
)
def test_box_partly_outside_the_image_is_cut_off(
    box: list[float], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    expected = np.zeros((40, 60), bool)
    expected[slice(*rows), slice(*columns)] = True
    np.testing.assert_array_equal(paint(None, box), expected)


def test_regions_of_all_kinds_are_painted_over_each_other() -> None:
    mask = draw_mask()
    kinds = [
        ({"size": [40, 60], "counts": to_runs(mask)}, NOWHERE),
        ([[20.0, 10, 45, 10, 45, 30, 20, 30]], NOWHERE),
        (None, [30.0, 20, 25, 15]),
    ]
    together = np.any([paint(*kind) for kind in kinds], axis=0)
    for regions in (kinds, kinds[::-1]):
        np.testing.assert_array_equal(paint_regions(regions, IMAGE), together)


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ({"size": [60, 40], "counts": [2400]}, r"it is of size \[60, 40\], the image is \(40, 60\)"),
        ({"size": [60, 40], "counts": "U6"}, r"it is of size \[60, 40\]"),
        ({"size": [40, 60], "counts": [100, 5]}, r"it has 105 pixels, the image \(40, 60\)"),
        ({"size": [40, 60], "counts": [0, 2401]}, "it has 2401 pixels"),
        ({"size": [40, 60], "counts": "U6"}, ""),
        ({"size": [40, 60], "counts": "zzqq$$"}, ""),
        ({"size": [40, 60]}, ""),
        ({"counts": "U6"}, ""),
        ({"size": [40, 60], "counts": [-5, 2405]}, ""),
        ([[]], ""),
        ([[1.0, 2, 3]], ""),
        ("abc", ""),
    ],
)
def test_damaged_segmentation_is_one_clear_line(segmentation: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"a segmentation of image 4 cannot be read: .*{message}") as caught:
        paint(segmentation)
    assert "\n" not in str(caught.value)


def test_where_polygons_of_a_person_overlap_is_ignored_too() -> None:
    first, second = [2.0, 2, 22, 2, 22, 22, 2, 22], [12.0, 12, 32, 12, 32, 32, 12, 32]
    np.testing.assert_array_equal(paint([first, second]), paint([first]) | paint([second]))


@pytest.fixture
def read(coco_folder: Path, tmp_path: Path) -> Callable[[Any], CocoPeople]:
    """A function that writes annotations and reads them with the small dataset's images."""

    def read_content(content: Any) -> CocoPeople:
        (tmp_path / "people.json").write_text(json.dumps(content))
        return read_coco(tmp_path / "people.json", coco_folder / "images")

    return read_content


def test_crowds_and_people_without_keypoints_are_ignored_and_others_are_not(
    read: Callable[[Any], CocoPeople], coco_content: Any
) -> None:
    crowd, unmarked, without_keys, marked = coco_content["annotations"][:4]  # two people in each image
    mask = np.zeros((96, 128), np.uint8)
    mask[60:80, 90:120] = 1
    crowd |= {"iscrowd": 1, "segmentation": {"size": [96, 128], "counts": to_runs(mask)}}
    unmarked |= {"keypoints": [0] * 51, "segmentation": [[5.0, 5, 30, 5, 30, 25, 5, 25]]}
    del without_keys["keypoints"]
    marked["segmentation"] = [[0.0, 0, 89, 0, 89, 119, 0, 119]]
    people = read(coco_content)
    first, second, third = (people.ignored(index) for index in range(3))
    assert (first.shape, second.shape) == ((96, 128), (120, 90))
    assert first[60:80, 90:120].all()
    assert first[5:25, 5:30].all()
    assert first.sum() < 20 * 30 + 22 * 27
    x, y, width, height = (int(side) for side in without_keys["bbox"])
    assert second[y : y + height, x : x + width].all()
    assert second.sum() == width * height
    assert not third.any()


def test_person_whose_joints_are_marked_as_not_annotated_is_ignored(
    read: Callable[[Any], CocoPeople], coco_content: Any
) -> None:
    person = coco_content["annotations"][0]
    person["keypoints"][2::3] = [0] * 17  # places without a visibility
    assert read(coco_content).ignored(0).any()
    person["keypoints"][2] = 1
    assert not read(coco_content).ignored(0).any()


class Plain(Dataset):
    """A dataset that does not say who is not annotated: each image has a person, one without keypoints, a crowd."""

    skeleton = COCO
    metric = "coco_ap"

    def __len__(self) -> int:
        return 3

    def frame(self, index: int) -> Frame:
        return Frame(index, lambda: np.zeros((40 + index, 60, 3), np.uint8))

    def truth(self, index: int) -> Truth:
        visible = np.full((3, 17), 2)
        visible[1] = 0
        boxes = np.array([[0.0, 0, 60, 40], [5, 5, 15, 9], [40, 20 + index, 70, 70]])
        return Truth(index, np.zeros((3, 17, 2)), visible, np.ones(3), boxes, np.array([False, False, True]))


def plain_mask(index: int) -> Mask:
    expected = np.zeros((40 + index, 60), bool)
    expected[5:9, 5:15] = True
    expected[20 + index :, 40:] = True
    return expected


@pytest.mark.parametrize("index", [0, 2])
def test_boxes_are_ignored_for_datasets_that_do_not_say(index: int) -> None:
    np.testing.assert_array_equal(find_ignored(Plain(), index), plain_mask(index))


def test_dataset_that_says_is_believed() -> None:
    class Own(Plain):
        def ignored(self, index: int) -> Mask:
            return np.full((2, 3), index == 1)

    assert find_ignored(Own(), 1).tolist() == np.ones((2, 3), bool).tolist()


def test_nobody_is_ignored_among_drawn_people() -> None:
    toy = ToyPeople(2, crowded=True)
    mask = find_ignored(toy, 1)
    assert mask.shape == toy.frame(1).image.shape[:2]
    assert not mask.any()


def test_datasets_around_another_one_pass_it_on(
    read: Callable[[Any], CocoPeople], coco_content: Any, tmp_path: Path
) -> None:
    for number in (0, 3, 7):
        coco_content["annotations"][2 * number]["iscrowd"] = 1
    people = read(coco_content)
    masks = [people.ignored(index) for index in range(9)]
    assert [index for index in range(9) if masks[index].any()] == [0, 3, 7]
    some = Adjusted(people, indices=[7, 2, 3])
    for index, original in enumerate((7, 2, 3)):
        np.testing.assert_array_equal(find_ignored(some, index), masks[original])
    copies = tmp_path / "copies"
    copies.mkdir()
    for index in range(9):
        write_image(copies / people.frame(index).file_name, people.frame(index).image)
    for first_copy, styled in ((9, WithStyles(people, copies)), (0, WithStyles(people, copies, only=True))):
        for index in range(9):
            np.testing.assert_array_equal(find_ignored(styled, first_copy + index), masks[index])
    np.testing.assert_array_equal(find_ignored(WithStyles(people, copies), 3), masks[3])
    np.testing.assert_array_equal(find_ignored(Adjusted(WithStyles(people, copies), indices=[12]), 0), masks[3])


def test_dataset_around_one_that_does_not_say_still_knows() -> None:
    np.testing.assert_array_equal(find_ignored(Adjusted(Plain(), limit=2), 1), plain_mask(1))
