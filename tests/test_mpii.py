import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import scipy.io

from robustpose import estimators
from robustpose.benchmark.job import Job
from robustpose.benchmark.run import run_bench
from robustpose.corruptions.suites import choose_cells
from robustpose.data.corrupted import MadeImages
from robustpose.data.images import write_image
from robustpose.data.mpii import read_mpii, read_truth
from robustpose.data.spec import DataSpec, describe_data
from robustpose.errors import UserError
from robustpose.evaluation import evaluate
from robustpose.metrics.pckh import pckh
from robustpose.pose.crop import boxes_to_center_scale
from robustpose.pose.skeletons import MPII
from robustpose.pose.types import Poses
from tests.scenes import draw_scene

# Most truths here have other joints than the annotations, so that it shows which are taken.
pytestmark = pytest.mark.filterwarnings("ignore:gt_valid.mat has the joints")
CELLS = choose_cells(["contrast"], [3])
GUESS = "tests.outside_network:guess_mpii"


def make_person(image, seed=0, **changes):
    """Return a person as the HRNet repository's files have them: pixels from 1."""
    rng = np.random.default_rng(seed)
    return {
        "image": image,
        "center": [60.0, 50.0],
        "scale": 0.4,
        "joints": rng.uniform(10, 90, (16, 2)).round(2).tolist(),
        "joints_vis": [1] * 15 + [0],
        **changes,
    }


def write_truth(path, people, seed=0, **changes):
    """Write a gt_valid.mat with other joints than the annotations have, and return its arrays."""
    rng = np.random.default_rng(seed)
    n_people = len(people)
    corner = rng.uniform(10, 50, (2, n_people))
    arrays = {
        "pos_gt_src": rng.uniform(1, 100, (16, 2, n_people)),
        "jnt_missing": rng.integers(0, 2, (16, n_people)),
        "headboxes_src": np.stack([corner, corner + rng.uniform(10, 20, (2, n_people))]),
        **changes,
    }
    scipy.io.savemat(path, arrays)
    return arrays


@pytest.fixture
def people():
    """Five people in three images, which do not stand together in the file."""
    images = ("b.jpg", "017.jpg", "b.jpg", "c.jpg", "b.jpg")
    return [make_person(image, seed) for seed, image in enumerate(images)]


@pytest.fixture
def root(tmp_path, people):
    """A folder as MPII's is laid out, without gt_valid.mat."""
    root = tmp_path / "mpii"
    (root / "annot").mkdir(parents=True)
    (root / "images").mkdir()
    (root / "annot/valid.json").write_text(json.dumps(people))
    for seed, name in enumerate(("b.jpg", "017.jpg", "c.jpg")):
        write_image(root / "images" / name, draw_scene(100, 120, seed))
    return root


def read(root, truth=None):
    return read_mpii(root / "annot/valid.json", root / "images", truth)


def test_people_of_one_image_are_one_frame_in_the_files_order(root, people):
    dataset = read(root)
    assert len(dataset) == 3
    assert [dataset.frame(i).image_id for i in range(3)] == ["b", 17, "c"]
    assert [dataset.frame(i).file_name for i in range(3)] == ["b.jpg", "017.jpg", "c.jpg"]
    assert [dataset.frame(i).truth_rows.tolist() for i in range(3)] == [[0, 1, 2], [0], [0]]
    np.testing.assert_allclose(dataset.truth(0).xy[1], np.array(people[2]["joints"]) - 1)
    np.testing.assert_array_equal(dataset.frame(0).boxes, dataset.truth(0).boxes)
    assert dataset.frame(0).image.shape == (100, 120, 3)


def test_pixels_are_counted_from_0(root, people):
    truth = read(root).truth(1)
    np.testing.assert_allclose(truth.xy[0], np.array(people[1]["joints"]) - 1)
    np.testing.assert_array_equal(truth.visible[0], [2] * 15 + [0])
    assert truth.head_size is None
    assert not truth.crowd.any()


def test_box_is_the_annotators_square_moved_down(root):
    box = read(root).frame(1).boxes[0]  # 80 px around (60, 50), 6 px down, from 0
    np.testing.assert_allclose(box, [60 - 1 - 40, 56 - 1 - 40, 60 - 1 + 40, 56 - 1 + 40])


def test_numbers_in_quotes_are_numbers(root):
    person = make_person("c.jpg")
    quoted = {**person, "center": [str(value) for value in person["center"]], "scale": str(person["scale"])}
    boxes = []
    for one in (person, quoted):
        (root / "annot/valid.json").write_text(json.dumps([one]))
        boxes.append(read(root).frame(0).boxes)
    np.testing.assert_array_equal(*boxes)


def test_person_without_a_center_is_neither_moved_nor_enlarged(root):
    person = make_person("c.jpg", center=[-1.0, 50.0], scale=1.0)
    (root / "annot/valid.json").write_text(json.dumps([person]))
    centers, scales = boxes_to_center_scale(read(root).frame(0).boxes, (256, 256))
    np.testing.assert_allclose(centers, [[-2, 49]])
    np.testing.assert_allclose(scales, [[1, 1]])


def test_crop_is_that_of_the_published_program(shared, tmp_path):
    golden = json.loads((shared / "goldens/pckh.json").read_text())
    (tmp_path / "valid.json").write_text(json.dumps(golden["valid_json"]))
    for person in golden["valid_json"]:
        write_image(tmp_path / person["image"], np.zeros((8, 8, 3), np.uint8))
    dataset = read_mpii(tmp_path / "valid.json", tmp_path)
    centers, scales = boxes_to_center_scale(dataset.frame(0).boxes, (256, 256))
    np.testing.assert_allclose(centers[0], golden["first_center"], rtol=1e-12)
    np.testing.assert_allclose(scales[0], golden["first_scale"], rtol=1e-12)


def test_truth_replaces_the_joints_and_gives_head_sizes(root, people):
    arrays = write_truth(root / "annot/gt_valid.mat", people)
    truth = read(root, root / "annot/gt_valid.mat").truth(0)
    rows = [0, 2, 4]
    np.testing.assert_allclose(truth.xy, arrays["pos_gt_src"].transpose(2, 0, 1)[rows] - 1)
    np.testing.assert_array_equal(truth.visible, 2 * (1 - arrays["jnt_missing"].T[rows]))
    diagonals = np.linalg.norm(arrays["headboxes_src"][1] - arrays["headboxes_src"][0], axis=0)
    np.testing.assert_allclose(truth.head_size, 0.6 * diagonals[rows])


def test_truth_with_joints_in_another_order_is_put_in_ours(root, people):
    order = np.random.default_rng(0).permutation(16)
    arrays = write_truth(root / "annot/gt_valid.mat", people)
    expected = read(root, root / "annot/gt_valid.mat").truth(0)
    names = np.empty((1, 16), object)
    names[0] = [MPII.joints[i] for i in order]
    other = {name: arrays[name][order] for name in ("pos_gt_src", "jnt_missing")}
    write_truth(root / "annot/gt_valid.mat", people, **other, dataset_joints=names)
    found = read(root, root / "annot/gt_valid.mat").truth(0)
    np.testing.assert_array_equal(found.xy, expected.xy)
    np.testing.assert_array_equal(found.visible, expected.visible)


class Known:
    """An estimator that knows its poses: those of all people, in the annotations' order."""

    skeleton = MPII
    needs_boxes = True

    def __init__(self, xy, people):
        self._xy = xy
        self._people = people

    def predict(self, frames):
        """Return the poses of each frame's people."""
        found = []
        for frame in frames:
            assert frame.one_pose_per_box
            xy = self._xy[[row for row, person in enumerate(self._people) if person["image"] == frame.file_name]]
            found.append(Poses(frame.image_id, xy, np.ones(xy.shape[:2]), np.ones(len(xy)), frame.truth_rows))
        return found


def test_evaluation_gives_the_pckh_of_all_people_at_once(root, people):
    arrays = write_truth(root / "annot/gt_valid.mat", people)
    dataset = DataSpec(name="mpii", root=root).open()
    xy = arrays["pos_gt_src"].transpose(2, 0, 1) - 1 + np.random.default_rng(1).normal(0, 5, (5, 16, 2))
    figures, expected = evaluate(dataset, Known(xy, people)), pckh(xy + 1, *read_truth(arrays))
    assert 0.2 < expected["Mean"] < 0.9
    assert {name: figures[name] for name in expected} == pytest.approx(expected)


def test_set_says_where_it_comes_from(root, people):
    plain = DataSpec(name="mpii", root=root).open().provenance
    assert plain["name"] == "MPII valid.json"
    assert (plain["n_images"], plain["n_people"], plain["boxes"]) == (3, 5, "gt")
    assert len(plain["annotations_sha256"]) == 64
    write_truth(root / "annot/gt_valid.mat", people)
    assert {**DataSpec(name="mpii", root=root).open().provenance, "truth_sha256": 0} == {**plain, "truth_sha256": 0}


def test_split_train_has_no_truth(root, people):
    (root / "annot/train.json").write_text(json.dumps(people[1:2]))
    write_truth(root / "annot/gt_valid.mat", people)
    dataset = DataSpec(name="mpii", root=root, split="train").open()
    assert len(dataset) == 1
    assert dataset.truth(0).head_size is None


def spoil(change):
    return pytest.param(change, id=change.__name__)


def a_missing_image(people):
    people[3]["image"] = "gone.jpg"
    return r"image file .*gone\.jpg is missing"


def no_scale(people):
    del people[1]["scale"]
    return "person 1 lacks scale"


def no_size(people):
    people[1]["scale"] = 0
    return "person 1: scale must be a number above 0, got 0"


def a_scale_in_words(people):
    people[1]["scale"] = "large"
    return "person 1: scale must be a number above 0, got 'large'"


def a_center_that_is_none(people):
    people[1]["center"] = [float("nan"), 3]
    return "person 1: center must be x and y, px"


def a_center_of_three(people):
    people[1]["center"] = [1, 2, 3]
    return "person 1: center must be x and y, px"


def a_missing_joint(people):
    people[2]["joints"].pop()
    return "person 2: joints must be x and y, finite numbers, of 16 joints"


def a_joint_without_y(people):
    people[2]["joints"][3].pop()
    return "person 2: joints must be x and y, finite numbers, of 16 joints"


def a_joint_that_is_none(people):
    people[2]["joints"][3] = [float("nan"), 3]
    return "person 2: joints must be x and y, finite numbers, of 16 joints"


def a_person_who_is_a_number(people):
    people[4] = 3
    return "person 4 must be an object, got 3"


def an_image_without_a_name(people):
    people[1]["image"] = None
    return "person 1: image must be the path of a file in the image folder, got None"


def a_number_beyond_numbers(people):
    people[1]["joints"][3][0] = 10**400
    return "person 1: joints must be x and y, finite numbers"


def a_visibility_of_a_half(people):
    people[1]["joints_vis"][3] = 0.5
    return "person 1: joints_vis must be 16 times 0 or 1"


def nobody(people):
    people.clear()
    return "must be a list of MPII's people"


@pytest.mark.parametrize(
    "change",
    [
        spoil(change)
        for change in (
            a_missing_image, no_scale, no_size, a_scale_in_words, a_center_that_is_none, a_center_of_three,
            a_missing_joint, a_joint_without_y, a_joint_that_is_none, a_person_who_is_a_number, nobody,
            an_image_without_a_name, a_number_beyond_numbers, a_visibility_of_a_half,
        )
    ],
)  # fmt: skip
def test_damaged_annotations_are_refused_with_the_reason(root, people, change):
    message = change(people)
    (root / "annot/valid.json").write_text(json.dumps(people))
    with pytest.raises(UserError, match=message) as error:
        read(root)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{", "is no JSON"), (b"", "is no JSON"), (b'"abc"', "must be a list"), (b'{"images": []}', "must be a list")],
)
def test_annotations_that_are_none_are_refused(root, content, message):
    (root / "annot/valid.json").write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        read(root)
    assert "\n" not in str(error.value)


def test_missing_files_are_one_line(root):
    with pytest.raises(UserError, match=r"cannot read the annotation file .*none\.json: No such file"):
        read_mpii(root / "none.json", root / "images")
    with pytest.raises(UserError, match=r"cannot read .*none\.mat"):
        read(root, root / "none.mat")


def test_truth_about_other_people_is_refused(root, people):
    write_truth(root / "annot/gt_valid.mat", people[:-1])
    with pytest.raises(UserError, match=r"gt_valid\.mat is about 4 people, but the annotations are about 5"):
        DataSpec(name="mpii", root=root).open()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"jnt_missing": np.full((16, 5), 0.5)}, "jnt_missing of MPII's truth must be 0 or 1"),
        ({"pos_gt_src": np.full((16, 2, 5), np.nan)}, "pos_gt_src of MPII's truth must hold finite numbers"),
        ({"pos_gt_src": np.full((16, 2, 5), 1e300)}, "pos_gt_src of MPII's truth must hold finite numbers"),
        (
            {"headboxes_src": np.full((2, 2, 5), 1j)},
            "headboxes_src of MPII's truth must hold finite numbers, got complex",
        ),
        ({"headboxes_src": "heads"}, "headboxes_src of MPII's truth must hold finite numbers, got <U5"),
        ({"headboxes_src": {"a": 1}}, "headboxes_src of MPII's truth must hold finite numbers, got"),
        ({"pos_gt_src": np.zeros((5, 16, 2))}, r"pos_gt_src of MPII's truth must be \(16, 2, 2\), got \(5, 16, 2\)"),
        (
            {"dataset_joints": np.array([["rank", "lank"]], object)},
            r"must have the joints rank, .*, got \['rank', 'lank'\]",
        ),
        ({"dataset_joints": np.zeros((0, 0))}, "must have the joints rank"),
        ({"dataset_joints": np.array([[np.zeros(0)] * 16], object)}, "must have the joints rank"),
        ({"dataset_joints": np.arange(16)}, "must have the joints rank"),
    ],
)
def test_foreign_truth_is_one_line_that_names_the_file(root, people, changes, message):
    write_truth(root / "annot/gt_valid.mat", people, **changes)
    with pytest.raises(UserError, match=message) as error:
        read(root, root / "annot/gt_valid.mat")
    assert "gt_valid.mat" in str(error.value)
    assert "\n" not in str(error.value)


def test_truth_whose_header_asks_for_more_than_the_limit_is_refused_before(root, people, monkeypatch):
    scipy.io.savemat(root / "annot/gt_valid.mat", {"zeros": np.zeros((1200, 1200))}, do_compression=True)
    monkeypatch.setenv("ROBUSTPOSE_MAX_ARRAYS_MB", "10")
    with pytest.raises(UserError, match=r"gt_valid\.mat takes 11 MB, and the limit is 10"):
        read(root, root / "annot/gt_valid.mat")


def test_truth_of_other_people_than_the_annotations_is_doubted(root, people):
    xy = np.array([person["joints"] for person in people]).transpose(1, 2, 0)
    write_truth(root / "annot/gt_valid.mat", people, pos_gt_src=xy)
    assert read(root, root / "annot/gt_valid.mat").warnings == []
    write_truth(root / "annot/gt_valid.mat", people, pos_gt_src=xy[:, :, ::-1])
    (warning,) = read(root, root / "annot/gt_valid.mat").warnings
    assert warning.startswith("gt_valid.mat has the joints of 4 of 5 people elsewhere than the annotations")


@pytest.mark.parametrize("how", ["empty", "text", "zeros", "cut", "changed", "of another version"])
def test_damaged_truth_is_one_line(root, people, how):
    path = root / "annot/gt_valid.mat"
    arrays = write_truth(path, people)
    whole = path.read_bytes()
    scipy.io.savemat(path, arrays, do_compression=True)
    packed = path.read_bytes()
    parts = {
        "empty": b"",
        "text": b"<html>404</html>",
        "zeros": bytes(500),
        "cut": whole[:1000],
        "changed": packed[:300] + bytes(100) + packed[400:],
        "of another version": whole[:124] + b"\x00\x02" + whole[126:],
    }
    path.write_bytes(parts[how])
    with pytest.raises(UserError, match=r"cannot read .*gt_valid\.mat") as error:
        DataSpec(name="mpii", root=root).open()
    assert "\n" not in str(error.value)


def test_truth_that_lacks_an_array_is_one_line(root):
    scipy.io.savemat(root / "annot/gt_valid.mat", {"preds": np.zeros((5, 16, 2))})
    with pytest.raises(UserError, match="truth lacks pos_gt_src, jnt_missing, headboxes_src: expected the arrays"):
        DataSpec(name="mpii", root=root).open()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "mpii"}, r"data 'mpii' needs root \(--root\)"),
        (
            {"name": "mpii", "root": "ROOT", "boxes": "clean-det"},
            r"data 'mpii' takes no boxes \(--boxes\), it takes root",
        ),
        (
            {"name": "mpii", "root": "ROOT", "boxes": "boxes.json"},
            r"data 'mpii' takes no boxes \(--boxes\), it takes root",
        ),
        ({"name": "mpii", "root": "ROOT", "split": "val"}, r"mpii has no split 'val' \(did you mean 'valid'\?\)"),
        ({"name": "mpii", "root": "ROOT", "split": "train"}, r"mpii train needs annot/train\.json, which is not at"),
        ({"name": "mpii", "root": "GONE"}, r"the folder .*gone does not exist"),
        ({"name": "mpii", "root": "ROOT", "limit": 0}, r"limit \(--limit\) must be at least 1, got 0"),
        ({"name": "toy", "root": "ROOT"}, r"data 'toy' takes no root \(--root\), it takes n_images, seed and split"),
        (
            {"name": "tests.outside:Squares", "split": "val"},
            r"data 'tests.outside:Squares' takes no split \(--split\), it takes min_box_score",
        ),
        ({"annotations": "ROOT"}, r"annotations \(--annotations\) came without images \(--images\): give both$"),
        ({"root": "ROOT"}, "^name the data: either --data NAME, or --annotations"),
        ({"name": "mpii", "root": "ROOT", "annotations": "ROOT"}, r"'mpii' takes no annotations \(--annotations\)"),
        (
            {"name": "coco", "root": "ROOT", "images": "ROOT"},
            r"data 'coco' takes no root \(--root\), it takes annotations",
        ),
        ({"name": "mpii", "root": "ROOT", "skeleton": "ROOT"}, r"takes no skeleton \(--skeleton\)"),
        ({"name": "mpi", "root": None}, r"unknown dataset 'mpi' \(did you mean 'mpii'\?\)"),
        ({"name": "toy", "boxes": "clean-det"}, r"data 'toy' takes no boxes \(--boxes\)"),
    ],
)
def test_data_that_cannot_be_opened_are_one_line(root, arguments, message):
    places = {"ROOT": root, "GONE": root / "gone"}
    arguments = {name: places.get(value, value) for name, value in arguments.items()}
    with pytest.raises(UserError, match=message) as error:
        describe_data(arguments).open()
    assert "\n" not in str(error.value)


def job_for(out, model=GUESS, **data):
    return Job(
        make_dataset=DataSpec(**data).open,
        make_estimator=partial(estimators.build, model, options={}),
        corrupted_images=MadeImages(5),
        out=out,
    )


def test_bench_without_head_sizes_is_refused_before_anything_is_predicted(root, tmp_path):
    job = job_for(tmp_path / "run", "tests.outside:fails", name="mpii", root=root)
    with pytest.raises(UserError, match=r"image b has no head sizes .*gt_valid\.mat"):
        run_bench(job, CELLS)
    assert not job.out.exists()


def test_bench_scores_every_person_of_every_cell(root, people, tmp_path):
    write_truth(root / "annot/gt_valid.mat", people)
    summary = run_bench(job_for(tmp_path / "run", name="mpii", root=root), CELLS)
    assert summary["metric"] == "PCKh"
    for cell in CELLS:
        found = json.loads((tmp_path / "run/predictions" / f"{cell.file_stem}.json").read_text())
        assert [(pose["image_id"], pose["truth_row"]) for pose in found] == [
            ("b", 0), ("b", 1), ("b", 2), (17, 0), ("c", 0),
        ]  # fmt: skip
    rows = [json.loads(line) for line in (tmp_path / "run/results.jsonl").read_text().splitlines()]
    assert {"PCKh", "Head", "Ankle", "Mean", "Mean@0.1"} <= set(rows[0])


def test_bench_of_people_in_one_place_keeps_a_pose_for_each(root, people, tmp_path):
    write_truth(root / "annot/gt_valid.mat", people)  # the three of one image share their box
    job = job_for(tmp_path / "run", name="mpii", root=root)
    run_bench(job, CELLS)
    again = replace(job, make_estimator=partial(estimators.build, f"results:{job.out}", options={}))
    again = replace(again, out=tmp_path / "again")
    assert run_bench(again, CELLS)["cells"] == json.loads((job.out / "summary.json").read_text())["cells"]


def test_real_mpii_is_benched_by_a_limb_where_head_sizes_are_missing(shared, tmp_path):
    data = {"name": "mpii", "root": shared / "data/mpii-mini", "metric": "pck:upper_neck-head_top@0.5"}
    summary = run_bench(job_for(tmp_path / "run", **data), CELLS)
    assert summary["metric"] == "PCK"
    for cell in CELLS:
        found = json.loads((tmp_path / "run/predictions" / f"{cell.file_stem}.json").read_text())
        assert len(found) == 5
        assert len({pose["image_id"] for pose in found}) == 5
    run = json.loads((tmp_path / "run/run.json").read_text())
    assert run["dataset"]["metric"] == "pck:upper_neck-head_top@0.5"
    assert (run["dataset"]["n_images"], run["dataset"]["n_people"]) == (5, 5)


def test_real_ochuman_is_benched(shared, tmp_path):
    data = {"name": "ochuman", "root": shared / "data/ochuman-mini"}
    summary = run_bench(job_for(tmp_path / "run", "tests.outside:guess_from_pixels", **data), CELLS)
    assert summary["metric"] == "AP"
    for cell in CELLS:
        found = json.loads((tmp_path / "run/predictions" / f"{cell.file_stem}.json").read_text())
        assert [(pose["image_id"], pose["truth_row"]) for pose in found] == [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1)]
    assert json.loads((tmp_path / "run/run.json").read_text())["dataset"]["n_images"] == 3


def test_ochuman_opens_with_its_files_beside_the_images(shared, tmp_path):
    source = shared / "data/ochuman-mini"
    shutil.copytree(source / "images", tmp_path / "images")
    name = "ochuman_coco_format_val_range_0.00_1.00.json"
    shutil.copy(source / "annotations" / name, tmp_path / name)
    assert len(DataSpec(name="ochuman", root=tmp_path).open()) == 3
    with pytest.raises(UserError, match=r"ochuman test needs .*test_range_0\.00_1\.00\.json, which is not at"):
        DataSpec(name="ochuman", root=tmp_path, split="test").open()
