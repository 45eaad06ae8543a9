import hashlib
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from robustpose import estimators
from robustpose.benchmark.job import Job
from robustpose.benchmark.run import run_bench
from robustpose.corruptions.suites import choose_cells
from robustpose.data.boxes import BoxChoice, DetectedBoxes, parse_boxes
from robustpose.data.coco import read_coco
from robustpose.data.corrupted import MadeImages
from robustpose.data.detections import Wanted
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError
from robustpose.evaluation import get_frames
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.image_ids import ImageNames
from robustpose.pose.types import Frame

CELLS = choose_cells(["contrast"], [2])
CONTRAST = Cell("contrast", 2)


def detect(image_id, box, score=0.9, category_id=1):
    """Return a COCO detection of a box (xywh px)."""
    return {"image_id": image_id, "category_id": category_id, "bbox": list(box), "score": score}


def write_boxes(path, detections):
    path.write_text(json.dumps(detections))
    return path


def wanted_in(*image_ids):
    """Return that people of category 1 are looked for in images of 128 x 96 px, where nobody is annotated."""
    names = ImageNames([(image_id, f"{image_id:06d}.jpg") for image_id in image_ids])
    return Wanted(names, dict.fromkeys(image_ids, (128, 96)), {}, (1,))


@pytest.fixture
def by_cell(tmp_path):
    """A folder with the boxes of two cells: one box in the clean image 1, two in the corrupted, elsewhere."""
    folder = tmp_path / "boxes"
    folder.mkdir()
    write_boxes(folder / "clean.json", [detect(1, [5, 8, 40, 70]), detect(3, [0, 0, 30, 50])])
    write_boxes(folder / "contrast-2.json", [detect(1, [60, 10, 40, 70], 0.5), detect(1, [20, 20, 30, 30], 0.25)])
    return folder


@pytest.fixture
def clean_file(tmp_path):
    return write_boxes(tmp_path / "boxes.json", [detect(1, [5, 8, 40, 70]), detect(2, [3, 3, 40, 60], 0.4)])


@pytest.fixture
def job(coco_folder, tmp_path):
    """A function that makes a bench job with boxes of your choice."""

    def make(boxes, model="tests.outside:guess_from_pixels", **options):
        return Job(
            make_dataset=DataSpec(
                annotations=coco_folder / "people.json", images=coco_folder / "images", boxes=str(boxes), **options
            ).open,
            make_estimator=partial(estimators.build, model, options={}),
            corrupted_images=MadeImages(5),
            out=tmp_path / "run",
        )

    return make


def read_predictions(run, cell):
    return json.loads((run / "predictions" / f"{cell.file_stem}.json").read_text())


def test_ground_truth_is_a_word():
    assert parse_boxes("gt") == BoxChoice("gt", None)


def test_protocol_and_path_are_joined_by_a_colon(clean_file, by_cell):
    assert parse_boxes(f"clean-det:{clean_file}") == BoxChoice("clean-det", clean_file)
    assert parse_boxes(f"corrupt-det:{by_cell}") == BoxChoice("corrupt-det", by_cell)


def test_path_alone_tells_its_protocol(clean_file, by_cell):
    assert parse_boxes(clean_file) == parse_boxes(str(clean_file)) == BoxChoice("clean-det", clean_file)
    assert parse_boxes(by_cell) == parse_boxes(str(by_cell)) == BoxChoice("corrupt-det", by_cell)


def test_path_may_hold_colons(tmp_path):
    path = write_boxes(tmp_path / "a:b.json", [])
    assert parse_boxes(f"clean-det:{path}").path == path
    assert parse_boxes(path).path == path


def test_clean_det_alone_is_the_official_file_of_a_set(clean_file):
    assert parse_boxes("clean-det", official=clean_file) == BoxChoice("clean-det", clean_file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clean-det", "--boxes clean-det needs a path: clean-det:FILE"),
        ("clean-det:", "--boxes clean-det needs a path: clean-det:FILE"),
        ("corrupt-det", "--boxes corrupt-det needs a path: corrupt-det:DIR"),
        ("corrupt-det:gone", "corrupt-det needs a folder with one detection file per cell; gone is none"),
        ("corrupt-det:FILE", r"corrupt-det needs a folder .*boxes\.json is none"),
        ("clean_det", r"must be gt, clean-det:FILE, .* a path \(did you mean 'clean-det'\?\); there is no clean_det"),
        ("clean_det:a.json", r"\(did you mean 'clean-det'\?\); there is no clean_det:a\.json"),
        ("gone.json", r"--boxes must be gt, clean-det:FILE, corrupt-det:DIR or a path; there is no gone\.json"),
        ("gt:a.json", r"there is no gt:a\.json"),
    ],
)
def test_wrong_choice_is_one_line(clean_file, text, message):
    with pytest.raises(UserError, match=message) as error:
        parse_boxes(text.replace("FILE", str(clean_file)))
    assert "\n" not in str(error.value)


def test_missing_detection_file_is_one_line(coco_folder):
    with pytest.raises(UserError, match=r"cannot read the detection file .*gone\.json: No such file"):
        read_coco(coco_folder / "people.json", coco_folder / "images", "clean-det:gone.json")


def test_clean_boxes_are_those_of_every_cell(clean_file):
    boxes = DetectedBoxes(BoxChoice("clean-det", clean_file), wanted_in(1, 2))
    boxes.check(choose_cells(["all"], [1, 5]))
    frame = Frame(1, lambda: np.zeros((9, 9, 3), np.uint8))
    for cell in (CLEAN, CONTRAST):
        placed = boxes.place(replace(frame, cell=cell))
        np.testing.assert_array_equal(placed.boxes, [[5, 8, 45, 78]])


def test_boxes_of_a_folder_are_those_of_their_cell(by_cell):
    boxes = DetectedBoxes(BoxChoice("corrupt-det", by_cell), wanted_in(1, 2, 3))
    frame = Frame(1, lambda: np.zeros((9, 9, 3), np.uint8))
    np.testing.assert_array_equal(boxes.place(frame).boxes, [[5, 8, 45, 78]])
    corrupted = boxes.place(replace(frame, cell=CONTRAST))
    np.testing.assert_array_equal(corrupted.boxes, [[60, 10, 100, 80], [20, 20, 50, 50]])
    np.testing.assert_array_equal(corrupted.box_scores, [0.5, 0.25])
    assert boxes.place(replace(frame, image_id=3, cell=CONTRAST)).boxes.shape == (0, 4)


def test_detected_boxes_are_of_nobody_in_the_truth(coco_folder, clean_file):
    people = read_coco(coco_folder / "people.json", coco_folder / "images", clean_file)
    assert people.frame(0).truth_rows is None


def test_annotated_boxes_know_their_person_past_those_who_are_not_scored(coco_folder, coco_content, tmp_path):
    crowd, scored, unmarked, flat = coco_content["annotations"][:4]
    crowd["iscrowd"] = 1
    unmarked["keypoints"] = [0] * 51
    flat["area"] = 0
    path = tmp_path / "people.json"
    path.write_text(json.dumps(coco_content))
    people = read_coco(path, coco_folder / "images")
    assert [people.frame(i).truth_rows.tolist() for i in range(3)] == [[1], [], [0, 1]]
    np.testing.assert_array_equal(people.truth(0).boxes[1, :2], scored["bbox"][:2])
    np.testing.assert_array_equal(people.frame(0).boxes[0, :2], scored["bbox"][:2])


def test_frame_is_looked_at_with_the_boxes_of_its_cell(coco_folder, by_cell):
    people = DataSpec(
        annotations=coco_folder / "people.json", images=coco_folder / "images", boxes=str(by_cell), limit=3
    ).open()
    (frame,) = get_frames(people, [0])
    assert len(frame.boxes) == 1
    assert len(people.boxes_in(replace(frame, cell=CONTRAST)).boxes) == 2


def test_clean_boxes_are_used_in_every_cell_of_a_run(job, clean_file):
    made = job(f"clean-det:{clean_file}")
    run_bench(made, CELLS)
    for cell in CELLS:
        assert [pose["image_id"] for pose in read_predictions(made.out, cell)] == [1, 2]


@pytest.mark.parametrize("n_workers", [1, 2])
def test_every_cell_of_a_run_has_the_boxes_of_its_file(job, by_cell, n_workers):
    made = job(f"corrupt-det:{by_cell}")
    run_bench(made, CELLS, n_workers)
    clean, corrupted = (read_predictions(made.out, cell) for cell in CELLS)
    assert [pose["image_id"] for pose in clean] == [1, 3]
    assert [pose["image_id"] for pose in corrupted] == [1, 1]
    for pose, (x1, y1, x2, y2) in zip(
        [*clean, *corrupted], [[5, 8, 45, 78], [0, 0, 30, 50], [60, 10, 100, 80], [20, 20, 50, 50]], strict=True
    ):
        xy = np.array(pose["keypoints"]).reshape(17, 3)[:, :2]
        assert ((xy >= [x1, y1]) & (xy <= [x2 + 1, y2 + 1])).all()


def test_missing_file_of_a_cell_is_refused_before_anything_is_predicted(job, by_cell):
    made = job(by_cell, model="tests.outside:fails")
    with pytest.raises(UserError, match=r"boxes lacks the detections of cells: .*contrast-4\.json$"):
        run_bench(made, choose_cells(["contrast"], [2, 4]))
    assert not made.out.exists()


def test_damaged_file_of_a_cell_is_one_line(job, by_cell):
    (by_cell / "contrast-2.json").write_text("[3]")
    with pytest.raises(UserError, match=r"contrast-2\.json: detection 0 must be an object") as error:
        run_bench(job(by_cell), CELLS)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("limit", [None, 4])
def test_results_carry_the_name_of_the_protocol(job, clean_file, by_cell, tmp_path, limit):
    digest = hashlib.sha256(clean_file.read_bytes()).hexdigest()
    expected = {
        "gt": {"boxes": "gt"},
        f"clean-det:{clean_file}": {"boxes": "clean-det", "boxes_file": "boxes.json", "boxes_sha256": digest},
        f"corrupt-det:{by_cell}": {"boxes": "corrupt-det", "boxes_file": "boxes"},
    }
    for number, (boxes, entries) in enumerate(expected.items()):
        made = replace(job(boxes, limit=limit), out=tmp_path / f"run{number}")
        run_bench(made, CELLS)
        run = json.loads((made.out / "run.json").read_text())
        summary = json.loads((made.out / "summary.json").read_text())
        for dataset in (run["dataset"], summary["provenance"]["dataset"]):
            assert dataset.items() >= entries.items()
            assert dataset.get("limit") == limit
            assert ("boxes_sha256" in dataset) == (boxes != "gt")


def test_same_boxes_under_another_name_are_the_same_setup(job, by_cell, tmp_path):
    made = job(f"corrupt-det:{by_cell}")
    run_bench(made, CELLS)
    before = (made.out / "run.json").read_bytes()
    other = tmp_path / "renamed"
    by_cell.rename(other)
    run_bench(job(f"corrupt-det:{other}"), CELLS)
    assert (made.out / "run.json").read_bytes() == before


def test_changed_boxes_are_another_setup(job, by_cell):
    made = job(by_cell)
    run_bench(made, CELLS)
    write_boxes(by_cell / "contrast-2.json", [detect(1, [0, 0, 30, 50])])
    with pytest.raises(UserError, match=r"^contrast-2\.json has changed since this run was begun \("):
        run_bench(made, CELLS)
