import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.io import savemat
from typer.testing import CliRunner

from robustpose.cli.official import data as app
from robustpose.data import official
from robustpose.data.mpii import MAT_NAMES
from robustpose.data.official import find_files
from robustpose.data.official_check import check
from robustpose.errors import UserError

COCO_VAL = "annotations/person_keypoints_val2017.json"
COCO_TRAIN = "annotations/person_keypoints_train2017.json"
DETECTIONS = "person_detection_results/COCO_val2017_detections_AP_H_56_person.json"
OCHUMAN_VAL = "ochuman_coco_format_val_range_0.00_1.00.json"
OCHUMAN_TEST = "ochuman_coco_format_test_range_0.00_1.00.json"


@pytest.fixture
def write(tmp_path):
    """A function that writes files under a root: bytes as they are, the rest as JSON."""

    def write_files(files):
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return tmp_path

    return write_files


@pytest.fixture
def coco_root(write):
    """COCO with two images and three people, in the HRNet repository's layout."""
    return write({COCO_VAL: list_people(), "images/val2017/1.jpg": b"", "images/val2017/2.jpg": b""})


@pytest.fixture
def mpii_root(write):
    """MPII's valid split with two people in one image."""
    root = write({"annot/valid.json": [{"image": "a.jpg"}, {"image": "a.jpg"}], "images/a.jpg": b""})
    write_truth(root / "annot/gt_valid.mat", n_people=2)
    return root


def list_people():
    """Return COCO annotations of 1.jpg and 2.jpg with three people, two of them marked."""
    return {
        "images": [{"file_name": "1.jpg"}, {"file_name": "2.jpg"}],
        "annotations": [{"image_id": 1, "num_keypoints": n} for n in (17, 3, 0)],
    }


def write_truth(path, n_people, **changes):
    variables = {
        "dataset_joints": np.array([list(MAT_NAMES)], object),
        "jnt_missing": np.zeros((16, n_people)),
        "pos_gt_src": np.zeros((16, 2, n_people)),
        "headboxes_src": np.zeros((2, 2, n_people)),
        **changes,
    }
    savemat(path, {name: value for name, value in variables.items() if value is not None})


def know_counts(monkeypatch, name, split, what, **counts):
    """Let the official file be one of these counts."""
    places = official.SETS[name].splits[split].places
    counts = {key.replace("_", " "): count for key, count in counts.items()}
    monkeypatch.setitem(places, what, replace(places[what], counts=counts))


def find_by_path(name, root):
    return {finding.path: finding for finding in check(name, root)}


def test_coco_is_found_with_images_in_images(coco_root):
    files = find_files("coco", coco_root, "val2017")
    assert files.annotations == coco_root / COCO_VAL
    assert files.images == coco_root / "images/val2017"
    assert files.detections is None


def test_coco_is_found_with_images_beside_annotations(write):
    root = write({COCO_TRAIN: list_people(), "train2017/1.jpg": b""})
    assert find_files("coco", root, "train2017").images == root / "train2017"


def test_coco_detections_are_found(coco_root, write):
    write({DETECTIONS: []})
    assert find_files("coco", coco_root, "val2017").detections == coco_root / DETECTIONS


def test_coco_splits_have_short_names(coco_root, write):
    write({COCO_TRAIN: list_people(), "images/train2017/1.jpg": b""})
    assert find_files("coco", coco_root, "val") == find_files("coco", coco_root, "val2017")
    assert find_files("coco", coco_root, "train") == find_files("coco", coco_root, "train2017")


def test_mpii_has_truth_for_valid_only(mpii_root, write):
    write({"annot/train.json": []})
    assert find_files("mpii", mpii_root, "valid").truth == mpii_root / "annot/gt_valid.mat"
    assert find_files("mpii", mpii_root, "valid").annotations == mpii_root / "annot/valid.json"
    assert find_files("mpii", mpii_root, "train").truth is None
    assert find_files("mpii", mpii_root, "train").images == mpii_root / "images"


@pytest.mark.parametrize("folder", ["annotations/", ""])
def test_ochuman_annotations_are_found_in_their_folder_or_in_the_root(write, folder):
    root = write({folder + OCHUMAN_VAL: list_people(), folder + OCHUMAN_TEST: list_people(), "images/1.jpg": b""})
    assert find_files("ochuman", root, "val").annotations == root / folder / OCHUMAN_VAL
    assert find_files("ochuman", root, "test").annotations == root / folder / OCHUMAN_TEST
    assert find_files("ochuman", root, "test").images == root / "images"


def test_missing_file_is_named_with_where_it_was_looked_for(mpii_root):
    (mpii_root / "annot/valid.json").unlink()
    with pytest.raises(UserError) as caught:
        find_files("mpii", mpii_root, "valid")
    assert str(caught.value) == (
        f"mpii valid needs annot/valid.json, which is not at {mpii_root}/annot/valid.json: "
        f"robustpose data check mpii --root {mpii_root} says what belongs there"
    )


def test_missing_folder_is_named_with_all_places_it_was_looked_for(write):
    root = write({COCO_VAL: list_people()})
    with pytest.raises(UserError, match=f"which is not at {root}/images/val2017 nor {root}/val2017: "):
        find_files("coco", root, "val")


def test_file_in_place_of_the_image_folder_is_no_image_folder(write):
    root = write({OCHUMAN_VAL: list_people(), "images": b""})
    with pytest.raises(UserError, match="needs images,"):
        find_files("ochuman", root, "val")


@pytest.mark.parametrize(
    ("name", "split", "message"),
    [
        ("coco", "val2071", r"coco has no split 'val2071' \(did you mean 'val2017'\?\): it has val2017 and train"),
        ("mpii", "val", r"mpii has no split 'val' \(did you mean 'valid'\?\): it has valid and train"),
        ("ochuman", "train", r"ochuman has no split 'train': it has val and test"),
    ],
)
def test_unknown_split_names_the_nearest_and_all(name, split, message, tmp_path):
    with pytest.raises(UserError, match=message):
        find_files(name, tmp_path, split)


@pytest.mark.parametrize("call", [lambda root: find_files("mpii", root, "valid"), lambda root: check("mpii", root)])
def test_missing_root_names_the_folder_that_is_spelled_alike(call, tmp_path):
    (tmp_path / "mpii").mkdir()
    with pytest.raises(UserError, match=r"mpi does not exist \(did you mean 'mpii'\?\): name the one that holds"):
        call(tmp_path / "mpi")


def test_missing_root_is_an_error_where_files_are_needed(tmp_path):
    with pytest.raises(UserError, match="one/two does not exist: name the one"):
        find_files("mpii", tmp_path / "one/two", "valid")


@pytest.mark.parametrize("name", official.SETS)
def test_check_says_what_belongs_in_a_folder_that_is_not_there_yet(name, tmp_path):
    done = CliRunner().invoke(app, ["check", name, "--root", str(tmp_path / "new")])
    (tmp_path / "empty").mkdir()
    assert done.exit_code == 2
    assert done.stdout == CliRunner().invoke(app, ["check", name, "--root", str(tmp_path / "empty")]).stdout
    assert "\nget " in done.stdout
    assert not (tmp_path / "new").exists()


def test_check_refuses_a_file_as_folder(tmp_path):
    (tmp_path / "set").write_text("")
    with pytest.raises(UserError, match="set is no folder: name the one"):
        check("mpii", tmp_path / "set")


def test_unknown_set_names_the_nearest(tmp_path):
    with pytest.raises(UserError, match=r"unknown official set 'mpi' \(did you mean 'mpii'\?\): expected one of coco,"):
        check("mpi", tmp_path)


def test_official_counts_are_ok(coco_root, monkeypatch):
    know_counts(monkeypatch, "coco", "val2017", "annotations", images=2, people=3, with_keypoints=2)
    finding = find_by_path("coco", coco_root)[COCO_VAL]
    assert finding.state == "ok"
    assert finding.found == finding.expected == "2 images, 3 people, 2 with keypoints"
    assert finding.needed_for == "scores on COCO-C"


def test_subset_differs_and_says_both_counts(coco_root):
    finding = find_by_path("coco", coco_root)[COCO_VAL]
    assert finding.state == "differs"
    assert finding.found == "2 images, 3 people, 2 with keypoints"
    assert finding.expected == "5,000 images, 11,004 people, 6,352 with keypoints"


def test_images_are_compared_with_the_list(coco_root):
    assert find_by_path("coco", coco_root)["images/val2017"].state == "ok"
    (coco_root / "images/val2017/2.jpg").unlink()
    finding = find_by_path("coco", coco_root)["images/val2017"]
    assert finding.state == "differs"
    assert finding.found == "1 of 2 images missing, such as 2.jpg"


def test_images_in_folders_of_their_own_are_there(write):
    content = {"images": [{"file_name": "a/1.jpg"}, {"file_name": "a/2.jpg"}], "annotations": []}
    root = write({OCHUMAN_VAL: content, "images/a/1.jpg": b""})
    assert find_by_path("ochuman", root)["images"].found == "1 of 2 images missing, such as a/2.jpg"


def test_image_of_several_people_is_counted_once(mpii_root):
    assert find_by_path("mpii", mpii_root)["images"].found == "all 1 images"
    (mpii_root / "images/a.jpg").unlink()
    assert find_by_path("mpii", mpii_root)["images"].found == "1 of 1 images missing, such as a.jpg"


def test_images_without_their_list_are_not_called_ok(mpii_root):
    (mpii_root / "annot/valid.json").unlink()
    finding = find_by_path("mpii", mpii_root)["images"]
    assert (finding.state, finding.found) == ("differs", "1 files, but no list to compare with")


def test_counts_of_mpii_are_people(mpii_root):
    findings = find_by_path("mpii", mpii_root)
    assert findings["annot/valid.json"].found == findings["annot/gt_valid.mat"].found == "2 people"
    assert findings["annot/valid.json"].expected == findings["annot/gt_valid.mat"].expected == "2,958 people"


def test_detections_are_counted_and_optional(coco_root, write):
    write({DETECTIONS: [{"bbox": [0, 0, 1, 1]}]})
    finding = find_by_path("coco", coco_root)[DETECTIONS]
    assert (finding.state, finding.found, finding.expected) == ("differs", "1 boxes", "104,125 boxes")
    assert finding.is_optional


def test_everything_missing_says_where_to_get_it(tmp_path):
    for name, site in {"coco": "cocodataset.org", "mpii": "human-pose.mpi-inf.mpg.de", "ochuman": "OCHumanApi"}.items():
        findings = check(name, tmp_path)
        assert {finding.state for finding in findings} == {"missing"}
        assert any(site in finding.source for finding in findings)
    assert "nor at val2017" in find_by_path("coco", tmp_path)["images/val2017"].found


def test_optional_split_that_is_not_there_is_one_finding(mpii_root):
    assert [finding.path for finding in check("mpii", mpii_root) if finding.is_optional] == ["annot/train.json"]


def test_optional_split_that_is_begun_says_what_else_it_needs(coco_root, write):
    write({COCO_TRAIN: list_people()})
    finding = find_by_path("coco", coco_root)["images/train2017"]
    assert (finding.state, finding.needed_for, finding.is_optional) == ("missing", "training on COCO", True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "damaged: it is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (b'{"images": [', "damaged: it is no JSON: Expecting value"),
        (b"\xff\xfe\xfa", "damaged: it is no JSON: 'utf-16"),
        (b"[" * 100_000, "damaged: "),
        ([], "damaged: must be an object with images and annotations, got list"),
        ({"images": {}}, "damaged: images must be a list, got dict"),
        ({"images": [{"file_name": "1.jpg"}, {}]}, "damaged: entry 1 of images lacks 'file_name'"),
        ({"images": [], "annotations": [None]}, "damaged: entry 0 of annotations lacks 'image_id'"),
    ],
)
def test_damaged_annotations_differ_with_the_reason(coco_root, write, content, reason):
    write({COCO_VAL: content})
    finding = find_by_path("coco", coco_root)[COCO_VAL]
    assert finding.state == "differs"
    assert finding.found.startswith(reason)
    assert "\n" not in finding.found


def test_damaged_lists_differ_with_the_reason(coco_root, mpii_root, write):
    write({DETECTIONS: [{"box": []}], "annot/valid.json": {"image": "a.jpg"}})
    assert find_by_path("coco", coco_root)[DETECTIONS].found == "damaged: entry 0 of boxes lacks 'bbox'"
    assert find_by_path("mpii", mpii_root)["annot/valid.json"].found == "damaged: people must be a list, got dict"


@pytest.mark.parametrize("n_bytes", [0, 1, 100, 128, 150, 400])
def test_truncated_truth_differs_with_the_reason(mpii_root, n_bytes):
    path = mpii_root / "annot/gt_valid.mat"
    path.write_bytes(path.read_bytes()[:n_bytes])
    finding = find_by_path("mpii", mpii_root)["annot/gt_valid.mat"]
    assert finding.state == "differs"
    assert finding.found.startswith("damaged: ")
    assert "\n" not in finding.found


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"headboxes_src": None},
            "gt_valid.mat: MPII's truth lacks headboxes_src: expected the arrays of gt_valid.mat",
        ),
        ({"pos_gt_src": np.zeros((16, 2))}, "gt_valid.mat: pos_gt_src of MPII's truth must be (16, 2, 2), got (16, 2)"),
    ],
)
def test_other_matlab_file_in_place_of_the_truth_differs(mpii_root, changes, reason):
    write_truth(mpii_root / "annot/gt_valid.mat", n_people=2, **changes)
    assert find_by_path("mpii", mpii_root)["annot/gt_valid.mat"].found.endswith(reason)


@pytest.fixture
def run_check():
    """A function that runs `data check` and returns (exit code, output, its last line)."""

    def run(name, root):
        result = CliRunner().invoke(app, ["check", name, "--root", str(root)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output, result.output.splitlines()[-1]

    return run


def test_command_ends_with_0_if_all_that_scores_need_is_there(run_check, mpii_root, monkeypatch):
    know_counts(monkeypatch, "mpii", "valid", "annotations", people=2)
    know_counts(monkeypatch, "mpii", "valid", "truth", people=2)
    code, output, last = run_check("mpii", mpii_root)
    assert code == 0
    assert last == "ready for official scores on MPII-C"
    assert "training on MPII (optional)" in output  # what is optional is missing, and said to be


def test_command_ends_with_2_and_names_what_is_missing_or_differs(run_check, mpii_root):
    (mpii_root / "annot/gt_valid.mat").unlink()
    code, output, last = run_check("mpii", mpii_root)
    assert code == 2
    assert last == "not ready for official scores on MPII-C: annot/valid.json (differs), annot/gt_valid.mat (missing)"
    assert "get annot/valid.json, annot/gt_valid.mat, annot/train.json from github.com/leoxiaobin/" in output
    assert "get images" not in output


def test_command_shows_brackets_of_damaged_files_as_they_are(run_check, mpii_root, write):
    write({"annot/valid.json": [{"image": "[/red]"}]})
    assert "[/red]" in run_check("mpii", mpii_root)[1]


def test_command_refuses_an_unknown_set_in_one_line(run_check, tmp_path):
    with pytest.raises(UserError, match="unknown official set 'cocoa'"):
        run_check("cocoa", tmp_path)


def test_command_does_not_import_torch(mpii_root):
    code = (
        "import sys\nfrom robustpose.cli.official import data as app\n"
        "try:\n    app(sys.argv[1:])\nexcept SystemExit as end:\n    assert end.code == 2, end.code\n"
        "assert 'torch' not in sys.modules\n"
    )
    command = [sys.executable, "-c", code, "check", "mpii", "--root", str(mpii_root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_small_real_sets_differ_and_their_images_are_there(shared):
    found = {
        "coco": ("161 images, 592 people, 505 with keypoints", COCO_VAL, "images/val2017"),
        "mpii": ("5 people", "annot/valid.json", "images"),
        "ochuman": ("3 images, 5 people, 5 with keypoints", f"annotations/{OCHUMAN_VAL}", "images"),
    }
    for name, (counts, annotations, images) in found.items():
        findings = find_by_path(name, shared / f"data/{name}-mini")
        assert (findings[annotations].state, findings[annotations].found) == ("differs", counts)
        assert findings[images].state == "ok"


def test_small_real_sets_are_found(shared):
    assert find_files("coco", shared / "data/coco-mini", "train").images.name == "train2017"
    assert find_files("ochuman", shared / "data/ochuman-mini", "val").annotations.is_file()
    assert find_files("mpii", shared / "data/mpii-mini", "valid").truth is None


def test_real_truth_of_mpii_has_the_known_count(shared, tmp_path):
    (tmp_path / "annot").mkdir()
    shutil.copy(shared / "data/mpii-val-published/detections_our_format.mat", tmp_path / "annot/gt_valid.mat")
    assert find_by_path("mpii", tmp_path)["annot/gt_valid.mat"].state == "ok"
