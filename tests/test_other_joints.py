"""Models of other joints than the data's: the shared ones are scored, in every kind of model, whoever does the work."""

import json

import numpy as np
import pytest

import robustpose
from robustpose import InputSpec, UserError, estimators
from robustpose.data.spec import DataSpec
from robustpose.estimators.function import take
from robustpose.evaluation import evaluate
from robustpose.pose.shared_joints import OtherJoints, restrict_skeleton
from robustpose.pose.skeleton_table import TABLE
from robustpose.pose.skeletons import COCO, MPII, Skeleton
from tests import outside
from tests.conftest import make_onnx
from tests.runs import files_of, write_predictions

LSP = TABLE["lsp"].skeleton
SHARED = LSP.joints[:12]
PLACES = [COCO.joints.index(joint) for joint in SHARED]
DOUBT = "only 12 of the 14 annotated joints are scored, those that the model finds: it lacks neck, head_top; the model"
FOG = ("--corruptions", "fog", "--severities", 3, "--workers", 1, "--resamples", 40)
pytestmark = pytest.mark.filterwarnings("ignore::robustpose.errors.DoubtWarning")


@pytest.fixture(scope="session")
def lsp_folder(coco_folder, tmp_path_factory):
    """The people of the small dataset, with the joints of LSP: those that COCO has, too, and two others."""
    content = json.loads((coco_folder / "people.json").read_text())
    for person in content["annotations"]:
        points = np.array(person["keypoints"]).reshape(17, 3)
        person["keypoints"] = np.concatenate([points[PLACES], points[:2]]).ravel().tolist()
    content["categories"][0] |= {"keypoints": list(LSP.joints), "skeleton": []}
    folder = tmp_path_factory.mktemp("lsp")
    (folder / "people.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def bench(run, lsp_folder, coco_folder):
    """A function that benches a model on people with LSP's joints, and returns the summary and what was printed."""

    def bench_model(model, out, *words, joints=LSP):
        folder = lsp_folder if joints is LSP else coco_folder
        data = ("--annotations", folder / "people.json", "--images", coco_folder / "images")
        code, _, errors = run("bench", "--model", model, *data, *FOG, "--out", out, *words)
        assert code == 0, errors
        return json.loads((out / "summary.json").read_text())

    return bench_model


def keypoints_of(run_folder):
    people = json.loads((run_folder / "predictions" / "clean.json").read_text())
    return np.array([person["keypoints"] for person in people]).reshape(len(people), -1, 3)


def test_a_network_of_17_joints_is_scored_on_those_that_14_joint_data_have(bench, onnx_file, tmp_path):
    summary = bench(f"onnx:{onnx_file}", tmp_path / "run", "--metric", "pck:box@0.2")
    assert any(text.startswith(DOUBT) for text in summary["warnings"])
    assert any("does not name its joints: its 17 are taken for those of coco" in text for text in summary["warnings"])
    about = summary["provenance"]
    assert about["dataset"]["joints_scored"] == "12 of 14"
    assert (about["estimator"]["joints"], about["estimator"]["joints_taken"]) == ("coco", "12 of 17")
    bench(f"onnx:{onnx_file}", tmp_path / "all", "--metric", "pck:box@0.2", joints=COCO)
    np.testing.assert_array_equal(keypoints_of(tmp_path / "run"), keypoints_of(tmp_path / "all")[:, PLACES])


def test_such_a_run_goes_on_and_is_scored_again_to_the_same_bytes(bench, run, onnx_file, tmp_path):
    bench(f"onnx:{onnx_file}", tmp_path / "run")
    before = files_of(tmp_path / "run")
    assert json.loads(before["inputs.json"])["data"]["joints"] == list(SHARED)
    bench(f"onnx:{onnx_file}", tmp_path / "run")
    assert files_of(tmp_path / "run") == before
    code, _, errors = run("score", tmp_path / "run", "--resamples", 40, "--workers", 1)
    assert code == 0, errors
    assert files_of(tmp_path / "run") == before
    bench(f"onnx:{onnx_file}", tmp_path / "asked", "--joints", ",".join(SHARED))
    for name in ("predictions/fog-3.json", "results.jsonl", "inputs.json"):
        assert files_of(tmp_path / "asked")[name] == before[name]


def test_what_names_its_joints_is_matched_by_name_alone(bench, onnx_file, tmp_path):
    summary = bench(
        f"onnx:{onnx_file}", tmp_path / "run", "--model-set", "joints=coco", "--joints", "LHip,nose", joints=COCO
    )
    assert summary["provenance"]["estimator"]["joints_taken"] == "2 of 17"
    assert not [text for text in summary["warnings"] if "scored" in text or "taken" in text]


def test_runs_of_other_joints_are_not_compared(bench, run, onnx_file, tmp_path):
    bench(f"onnx:{onnx_file}", tmp_path / "all", joints=COCO)
    bench(f"onnx:{onnx_file}", tmp_path / "some", "--joints", "nose,left_hip", joints=COCO)
    code, _, errors = run("compare", tmp_path / "all", tmp_path / "some", "--out", tmp_path / "c")
    assert code == 2
    assert "cannot be compared" in errors
    assert "joints" in errors


def test_results_of_17_joints_are_scored_on_the_shared_ones(bench, coco_folder, tmp_path):
    cells = [robustpose.pose.cell.CLEAN, robustpose.pose.cell.Cell("fog", 3)]
    found = write_predictions(tmp_path / "found", coco_folder, 0.0, cells)
    summary = bench(f"results:{found}", tmp_path / "run")
    assert summary["clean"] == pytest.approx(1)
    assert any(text.startswith(DOUBT) for text in summary["warnings"])
    again = bench(f"results:{tmp_path / 'run'}", tmp_path / "again")  # which has the 12 joints that it notes
    assert again["clean"] == summary["clean"]


def test_a_function_says_whose_joints_it_gives(bench, tmp_path):
    summary = bench("tests.outside:guess_from_pixels", tmp_path / "run", "--model-set", "joints=coco")
    assert any(text.startswith(DOUBT) for text in summary["warnings"])
    assert summary["provenance"]["estimator"]["joints"] == "coco"


def test_a_function_of_other_joints_that_does_not_say_so_is_told_how(run, lsp_folder, coco_folder, tmp_path):
    data = ("--annotations", lsp_folder / "people.json", "--images", coco_folder / "images")
    model = ("--model", "tests.outside:guess_from_pixels")
    code, _, errors = run("bench", *model, *data, *FOG, "--out", tmp_path / "run")
    assert code == 2
    assert "must return (2, 14, 3)" in errors
    assert "say whose joints it gives, --model-set joints=coco or ap10k" in errors


@pytest.mark.parametrize("joints", ["coco", COCO.joints])
def test_a_function_may_have_its_joints_as_an_attribute(joints):
    def find(image, boxes):
        return outside.guess_from_pixels(image, boxes)

    find.joints = joints
    with pytest.raises(OtherJoints) as error:
        take(find, "f", LSP, {})
    assert error.value.joints == COCO.joints
    some = Skeleton("some", ("nose", "left_hip"), (), (0.1, 0.1))
    frame = robustpose.Frame("a", lambda: np.full((60, 60, 3), 9, np.uint8), np.array([[5.0, 5, 50, 50]]))
    (found,), (whole,) = (take(find, "f", of, {}).predict([frame]) for of in (some, COCO))
    np.testing.assert_array_equal(found.xy, whole.xy[:, [0, 11]])


def test_an_estimator_of_more_joints_is_picked_from_and_one_of_fewer_shares_its_own():
    some = Skeleton("some", ("tail", "nose"), (), (0.1, 0.1))
    with pytest.raises(OtherJoints) as error:
        take(outside.Centre(COCO), "c", some, {})
    assert error.value.joints == COCO.joints
    picked = take(outside.Centre(COCO), "c", Skeleton("n", ("nose",), (), (0.1,)), {})
    frame = robustpose.Frame("a", lambda: np.zeros((60, 60, 3), np.uint8))
    assert picked.predict([frame])[0].xy.shape == (1, 1, 2)


def test_evaluate_of_python_scores_the_shared_joints(lsp_folder, coco_folder):
    dataset = DataSpec(annotations=lsp_folder / "people.json", images=coco_folder / "images").open()
    assert evaluate(dataset, outside.Centre(COCO))["AP"] >= 0
    figures = robustpose.evaluate(outside.Centre(COCO), dataset, progress=False)
    assert figures["AP"] == evaluate(dataset, outside.Centre(COCO))["AP"]


def test_no_joint_in_common_names_both_lists(run, coco_folder, coco_content, onnx_file, tmp_path):
    coco_content["categories"][0] |= {"keypoints": [f"j{i}" for i in range(17)], "skeleton": []}
    (tmp_path / "people.json").write_text(json.dumps(coco_content))
    data = ("--annotations", tmp_path / "people.json", "--images", coco_folder / "images")
    model = ("--model", f"onnx:{onnx_file}", "--model-set", "joints=coco")
    code, _, errors = run("bench", *model, *data, *FOG, "--out", tmp_path / "run")
    assert code == 2
    assert "have no joint in common, by name: the model finds nose, left_eye" in errors
    assert "annotated are j0, j1" in errors


def test_14_unnamed_joints_have_to_be_said(tmp_path):
    spec = f"onnx:{make_onnx(tmp_path / 'n.onnx', 14)}"
    with pytest.raises(UserError, match=r"finds 14 joints, .* say with --model-set joints=crowdpose, aic or lsp which"):
        estimators.build(spec, COCO, {})
    with pytest.raises(OtherJoints) as error:
        estimators.build(spec, COCO, {"joints": "aic"})
    assert error.value.joints == TABLE["aic"].skeleton.joints
    with pytest.raises(UserError, match=r"must be data or a published skeleton, .*did you mean 'aic'"):
        estimators.build(spec, COCO, {"joints": "aci"})


def test_14_unnamed_joints_on_14_joint_data_are_in_their_order_with_a_doubt(tmp_path):
    spec = f"onnx:{make_onnx(tmp_path / 'n.onnx', 14)}"
    estimator = estimators.build(spec, LSP, {})
    assert estimator.own_skeleton.joints == LSP.joints
    assert "crowdpose and aic have 14 in another one (--model-set joints=crowdpose or aic)" in estimator.warnings[0]
    assert estimators.build(spec, LSP, {"joints": "data"}).warnings == []


def test_17_unnamed_joints_are_doubted_on_animals_and_not_on_people(onnx_file):
    on_animals = estimators.build(f"onnx:{onnx_file}", TABLE["ap10k"].skeleton, {})
    assert "as ap10k has them; coco has 17 in another one (--model-set joints=coco)" in on_animals.warnings[0]
    assert estimators.build(f"onnx:{onnx_file}", COCO, {}).warnings == []


def test_17_unnamed_joints_on_other_data_are_of_whom_they_have_most_in_common_with(onnx_file):
    neck_and_knee = restrict_skeleton(LSP, (4, 12))  # which animals of AP-10K have, too
    with pytest.raises(OtherJoints) as error:
        estimators.build(f"onnx:{onnx_file}", neck_and_knee, {})
    assert error.value.joints == COCO.joints
    animal = TABLE["ap10k"].skeleton
    some = Skeleton("animal", animal.joints[3:], (), (0.1,) * 14)
    assert estimators.build(f"onnx:{onnx_file}", some, {}).own_skeleton.joints == animal.joints


def test_a_number_that_nobody_publishes_is_refused_as_before(tmp_path):
    with pytest.raises(UserError, match="finds 15 joints, but skeleton 'coco' of the annotations has 17"):
        estimators.build(f"onnx:{make_onnx(tmp_path / 'n.onnx', 15)}", COCO, {})


def test_networks_in_memory_are_told_by_their_number_unless_they_name_their_joints(one_thread):
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.AvgPool2d(4), torch.nn.Conv2d(3, 17, 1))
    from robustpose.api.models import make_maker

    nose = Skeleton("n", ("nose",), (), (0.1,))
    estimator = make_maker(network, input="48x64")(nose)
    assert estimator.own_skeleton.joints == COCO.joints
    assert any("its 17 are taken for those of coco" in text for text in estimator.warnings)
    named = make_maker(network, input=InputSpec("mine", (48, 64), COCO.joints))(nose)
    assert not any("taken for" in text for text in named.warnings)
    with pytest.raises(OtherJoints) as error:
        make_maker(network, input="48x64")(MPII)
    assert error.value.joints == COCO.joints
