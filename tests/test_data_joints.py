"""Some joints of a dataset: the same as annotations that were cut down by hand."""

import json

import numpy as np
import pytest
import yaml

from robustpose import UserError
from robustpose.data.joints import choose_shared, take_joints
from robustpose.data.spec import describe_data
from robustpose.data.subset import Adjusted
from robustpose.pose.shared_joints import OtherJoints
from robustpose.pose.skeletons import COCO

JOINTS = ("left_hip", "right_hip", "nose")  # in another order than the data's
KEPT = [0, 11, 12]


@pytest.fixture
def cut(coco_folder, coco_content, tmp_path):
    """Data with all joints of which three are asked for, and annotations of these three alone, as descriptions.

    One person has none of the three, another nothing at all.
    """
    first, second = (np.array(coco_content["annotations"][i]["keypoints"]).reshape(17, 3) for i in (0, 3))
    first[KEPT] = 0
    second[:] = 0
    for i, points in ((0, first), (3, second)):
        coco_content["annotations"][i] |= {
            "keypoints": points.ravel().tolist(),
            "num_keypoints": int((points[:, 2] > 0).sum()),
        }
    (tmp_path / "whole.json").write_text(json.dumps(coco_content))
    for person in coco_content["annotations"]:
        points = np.array(person["keypoints"]).reshape(17, 3)[KEPT]
        person |= {"keypoints": points.ravel().tolist(), "num_keypoints": int((points[:, 2] > 0).sum())}
    coco_content["categories"][0] |= {"keypoints": [COCO.joints[i] for i in KEPT], "skeleton": []}
    (tmp_path / "cut.json").write_text(json.dumps(coco_content))
    (tmp_path / "cut.yaml").write_text(yaml.safe_dump({"sigmas": [COCO.sigmas[i] for i in KEPT]}))
    images = str(coco_folder / "images")
    whole = {"annotations": str(tmp_path / "whole.json"), "images": images}
    by_hand = {"annotations": str(tmp_path / "cut.json"), "images": images, "skeleton": str(tmp_path / "cut.yaml")}
    return describe_data({**whole, "joints": ", ".join(JOINTS)}), describe_data(by_hand)


def test_some_joints_are_the_same_as_annotations_cut_down_by_hand(cut):
    asked, by_hand = (spec.open() for spec in cut)
    assert asked.skeleton.joints == by_hand.skeleton.joints == tuple(COCO.joints[i] for i in KEPT)
    assert asked.skeleton.sigmas == by_hand.skeleton.sigmas
    for index in range(len(asked)):
        for part in ("truth", "frame"):
            one, two = (getattr(dataset, part)(index) for dataset in (asked, by_hand))
            for name in ("xy", "visible", "area", "boxes", "box_scores", "truth_rows"):
                np.testing.assert_array_equal(getattr(one, name, None), getattr(two, name, None))


def test_results_say_which_joints_are_scored(cut):
    provenance = cut[0].open().provenance
    assert provenance["joints"] == [COCO.joints[i] for i in KEPT]
    assert provenance["joints_scored"] == "3 of 17"


def test_joints_of_joints_are_the_same_as_asked_for_at_once(cut):
    whole = cut[0].model_copy(update={"joints": ()}).open()
    at_once, by_steps = take_joints(whole, ["nose"]), take_joints(take_joints(whole, JOINTS), ["nose"])
    assert by_steps.provenance == at_once.provenance
    assert by_steps.skeleton == at_once.skeleton


def test_a_limit_stays_outside_so_that_runs_can_grow(cut):
    dataset = cut[0].model_copy(update={"joints": (), "limit": 2}).open()
    some = take_joints(dataset, JOINTS)
    assert isinstance(some, Adjusted)
    assert (some.limit, len(some), some.skeleton.n_joints) == (2, 2, 3)
    assert some.provenance == cut[0].model_copy(update={"limit": 2}).open().provenance


def test_all_joints_change_nothing(cut):
    dataset = cut[1].open()
    assert take_joints(dataset, dataset.skeleton.joints[::-1]) is dataset


def test_joints_are_known_in_any_spelling(cut):
    dataset = cut[0].model_copy(update={"joints": ()}).open()
    assert take_joints(dataset, ["LHip", "hip.R", "Nose"]).skeleton.joints == ("nose", "left_hip", "right_hip")


def test_a_joint_that_the_data_lack_is_named_with_what_is_near(cut):
    with pytest.raises(UserError, match=r"no joint 'left_hop' \(did you mean 'left_hip'\?\).*expected some of nose,"):
        cut[0].model_copy(update={"joints": ("nose", "left_hop")}).open()


@pytest.mark.parametrize("joints", ["nose,,left_hip", "", [1]])
def test_names_of_joints_are_texts(joints):
    with pytest.raises(UserError, match="joints"):
        describe_data({"name": "toy", "joints": joints})


def test_where_no_joint_is_shared_both_lists_are_named():
    with pytest.raises(
        UserError, match=r"finds tail, paw; annotated are nose, left_eye.*name them alike: joints: in a"
    ):
        choose_shared(COCO.joints, OtherJoints("", ["tail", "paw"]))


def test_the_doubt_names_what_is_not_scored_on_both_sides():
    doubt = choose_shared(("nose", "tail"), OtherJoints("", ["paw", "Nose"])).doubt
    assert doubt == (
        "only 1 of the 2 annotated joints are scored, those that the model finds: it lacks tail; the model finds paw, "
        "too"
    )


@pytest.fixture
def unknown(coco_folder, coco_content, tmp_path):
    """A description of data with COCO's joints and one more, whose sigmas nobody knows."""
    for person in coco_content["annotations"]:
        person["keypoints"] = [*person["keypoints"], *person["keypoints"][:3]]
    coco_content["categories"][0] |= {"keypoints": [*COCO.joints, "head_top"], "skeleton": []}
    (tmp_path / "more.json").write_text(json.dumps(coco_content))
    return {"annotations": str(tmp_path / "more.json"), "images": str(coco_folder / "images")}


def test_joints_of_coco_have_its_sigmas_where_the_datas_are_unknown(unknown):
    whole = describe_data(unknown).open()
    assert whole.provenance["sigmas_from"] == "1/K"
    assert whole.warnings
    assert all("1/18" in warning for warning in whole.warnings)
    some = describe_data({**unknown, "joints": "left_hip,nose"}).open()
    assert (some.skeleton.sigmas, some.provenance["sigmas_from"], some.warnings) == ((0.026, 0.107), "coco", [])
    others = describe_data({**unknown, "joints": "left_hip,head_top"}).open()
    assert (others.skeleton.sigmas, others.warnings) == ((1 / 18, 1 / 18), whole.warnings)


def test_metrics_without_sigmas_raise_no_doubt_about_them(unknown):
    assert describe_data({**unknown, "metric": "pck:box@0.2"}).open().warnings == []
    limited = describe_data({**unknown, "metric": "pck:box@0.2", "limit": 2}).open()
    assert take_joints(limited, ["left_hip", "head_top"]).warnings == []
    assert describe_data({**unknown, "metric": "coco_ap"}).open().warnings
