"""The crops that people are learned in, beside those that evaluation looks at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robustpose.data.coco import read_coco
from robustpose.data.images import write_image
from robustpose.data.mpii import read_mpii
from robustpose.data.toy import ToyPeople
from robustpose.models.input_spec import InputSpec
from robustpose.pose.crop import boxes_to_center_scale, crop_person
from robustpose.pose.protocols import Dataset, adopt
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Frame, Truth
from robustpose.train.heatmaps import PersonCrops
from robustpose.train.samples import CropSource
from robustpose.train.settings_groups import AugmentSettings
from tests.scenes import draw_scene

STILL = AugmentSettings(rotation=0, scale=0, mirror_probability=0, half_body_probability=0)
INPUT_WH = (96, 128)
SIZE_WH = (120, 90)  # of the images
# Boxes x y width height: inside, over each border, over all of them, of fractions of a px.
BOXES = [
    [30, 20, 40, 60], [-12.5, 10, 50, 70], [90, 15.25, 60, 60], [40, -20, 30, 55], [35, 60, 33.3, 80],
    [-30, -25, 190, 150], [11.17, 13.31, 21.43, 44.44],
]  # fmt: skip


def learned_crops(dataset: Dataset, input_wh: tuple[int, int] = INPUT_WH) -> list[np.ndarray]:
    """Return the crops that training makes of a dataset without any augmentation."""
    people = PersonCrops(CropSource(dataset, InputSpec("net", input_wh, dataset.skeleton.joints), 0), STILL)
    return [people[0, number]["crops"][0].numpy() for number in range(len(people))]


def evaluated_crops(dataset: Dataset, input_wh: tuple[int, int] = INPUT_WH) -> list[np.ndarray]:
    """Return the crops that a network is shown when it is evaluated."""
    crops = []
    for frame in (dataset.frame(index) for index in range(len(dataset))):
        assert frame.boxes is not None
        centers, scales = boxes_to_center_scale(frame.boxes, input_wh)
        crops += [crop_person(frame.image, *at, input_wh) for at in zip(centers, scales, strict=True)]
    return crops


def assert_same_crops(dataset: Dataset, input_wh: tuple[int, int] = INPUT_WH) -> None:
    learned, evaluated = learned_crops(dataset, input_wh), evaluated_crops(dataset, input_wh)
    assert len(learned) == len(evaluated) > 0
    for one, other in zip(learned, evaluated, strict=True):
        np.testing.assert_array_equal(one, other)


class Own:
    """A dataset of somebody's: one image with all `BOXES`; its frame's boxes are `given`."""

    skeleton = COCO
    metric = "coco_ap"

    def __init__(self, given: Any = None, rows: Any = None) -> None:
        self.given, self.rows = given, rows

    def __len__(self) -> int:
        return 1

    def frame(self, index: int) -> Frame:
        boxes = self.truth(index).boxes if self.given is None else self.given
        return Frame(index, lambda: draw_scene(SIZE_WH[1], SIZE_WH[0], 3), boxes, truth_rows=self.rows)

    def truth(self, index: int) -> Truth:
        boxes = np.array(BOXES, float)
        boxes[:, 2:] += boxes[:, :2]
        n = len(boxes)
        xy = np.random.default_rng(0).uniform(0, 90, (n, 17, 2))
        return Truth(index, xy, np.full((n, 17), 2), np.full(n, 900.0), boxes, np.zeros(n, bool))


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Return the annotation file of an image with all `BOXES`, and with others that nobody is looked for in."""
    write_image(tmp_path / "a.png", draw_scene(SIZE_WH[1], SIZE_WH[0], 3))
    keypoints = [value for x in range(17) for value in (x + 20, 40, 2)]
    person = {"image_id": 1, "category_id": 1, "keypoints": keypoints, "area": 800, "iscrowd": 0}
    people = [{**person, "id": i, "bbox": box} for i, box in enumerate(BOXES)]
    people += [
        {**person, "id": 90, "bbox": [3, 3, 40, 40], "iscrowd": 1},
        {**person, "id": 91, "bbox": [3, 3, 40, 40], "area": 0},
        {**person, "id": 92, "bbox": [3, 3, 40, 40], "keypoints": [0] * 51},
    ]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": SIZE_WH[0], "height": SIZE_WH[1]}],
        "annotations": people,
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO.joints)}],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    return tmp_path / "a.json"


@pytest.fixture
def mpii(tmp_path: Path) -> Dataset:
    """Return people of MPII whose squares reach over each border of their image."""
    write_image(tmp_path / "a.png", draw_scene(SIZE_WH[1], SIZE_WH[0], 4))
    joints = np.random.default_rng(0).uniform(20, 80, (16, 2)).tolist()
    centers = [[60.0, 45.0], [5.0, 40.0], [118.5, 30.0], [61.25, 3.0], [44.0, 88.0], [-1.0, 40.0]]
    people = [
        {"image": "a.png", "center": center, "scale": 0.2 + 0.13 * i, "joints": joints, "joints_vis": [1] * 16}
        for i, center in enumerate(centers)
    ]
    (tmp_path / "valid.json").write_text(json.dumps(people))
    return read_mpii(tmp_path / "valid.json", tmp_path)


@pytest.mark.parametrize("input_wh", [(256, 256), (96, 128), (128, 96)])
def test_person_of_mpii_is_learned_in_the_crop_of_evaluation(mpii: Dataset, input_wh: tuple[int, int]) -> None:
    assert_same_crops(mpii, input_wh)


@pytest.mark.parametrize("input_wh", [INPUT_WH, (64, 64)])
def test_person_of_coco_is_learned_in_the_crop_of_evaluation(coco: Path, input_wh: tuple[int, int]) -> None:
    assert_same_crops(read_coco(coco, coco.parent), input_wh)


def test_person_of_somebodys_dataset_is_learned_in_the_crop_of_evaluation() -> None:
    cut = Own().truth(0).boxes.clip(0, [*SIZE_WH, *SIZE_WH])  # as a dataset may cut its boxes off itself
    order = np.array([4, 2, 0, 1])
    for given, rows in ((None, None), (cut, None), (cut, np.arange(len(cut)))):
        assert_same_crops(adopt(Own(given, rows), Dataset, "own"))
    dataset = adopt(Own(cut[order], order), Dataset, "own")
    learned = learned_crops(dataset)  # whoever evaluation does not look for is not learned from
    evaluated = [
        crop for _, crop in sorted(zip(order.tolist(), evaluated_crops(dataset), strict=True), key=lambda x: x[0])
    ]
    np.testing.assert_array_equal(learned, evaluated)


def test_boxes_that_may_be_anybodys_are_not_learned_from() -> None:
    annotated = adopt(Own(), Dataset, "own")
    for given in (Own().truth(0).boxes[:3], Own().truth(0).boxes[::-1].copy()):
        np.testing.assert_array_equal(learned_crops(adopt(Own(given), Dataset, "own")), learned_crops(annotated))


def test_toy_is_learned_in_boxes_that_end_a_pixel_earlier() -> None:
    dataset = ToyPeople(6, seed=2)
    for index in range(len(dataset)):
        boxes, frame = dataset.learning_boxes(index), dataset.frame(index)
        assert frame.boxes is not None
        assert np.abs(boxes - frame.boxes).max() <= 1
    assert len(learned_crops(dataset)) == len(evaluated_crops(dataset))


def test_box_without_an_extent_is_not_learned_from(coco: Path) -> None:
    content = json.loads(coco.read_text())
    content["annotations"][0]["bbox"] = [30, 20, 0.4, 0.4]
    coco.write_text(json.dumps(content))
    assert len(learned_crops(read_coco(coco, coco.parent))) == len(BOXES) - 1


def test_real_people_are_learned_in_the_crops_of_evaluation(shared: Path, tmp_path: Path) -> None:
    root = shared / "data"
    assert_same_crops(read_mpii(root / "mpii-mini/annot/valid.json", root / "mpii-mini/images"), (256, 256))
    ochuman = root / "ochuman-mini"
    file = ochuman / "annotations/ochuman_coco_format_val_range_0.00_1.00.json"
    assert_same_crops(read_coco(file, ochuman / "images"), (192, 256))
    val = root / "coco-mini/annotations/person_keypoints_val2017.json"
    content = json.loads(val.read_text())
    content["images"] = content["images"][:12]
    ids = {image["id"] for image in content["images"]}
    content["annotations"] = [person for person in content["annotations"] if person["image_id"] in ids]
    (tmp_path / "val.json").write_text(json.dumps(content))
    assert_same_crops(read_coco(tmp_path / "val.json", root / "coco-mini/images/val2017"), (192, 256))
