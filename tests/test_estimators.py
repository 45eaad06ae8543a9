import json
from dataclasses import replace

import numpy as np
import pytest

from robustpose import Cell, Frame, Poses, UserError, estimators
from robustpose.data.coco import read_coco
from robustpose.estimators.heatmaps import HeatmapEstimator, Options
from robustpose.evaluation import evaluate, predict
from robustpose.models.input_spec import InputSpec
from robustpose.pose.protocols import Estimator, adopt
from robustpose.pose.results_json import write_results
from robustpose.pose.skeletons import COCO, MPII, Skeleton
from robustpose.pose.types import reorder_joints
from tests.conftest import make_onnx
from tests.people import assert_same_poses
from tests.scenes import draw_scene

THREE = Skeleton("three", ("a", "b", "c"), (), (0.1, 0.1, 0.1))


@pytest.fixture(scope="module")
def people(coco_folder):
    return read_coco(coco_folder / "people.json", coco_folder / "images")


def frames_of(people):
    return [people.frame(i) for i in range(len(people))]


@pytest.mark.parametrize("batch_size", [1, 2, 5, 64])
def test_batch_size_never_changes_a_pose(people, onnx_file, batch_size):
    reference = predict(frames_of(people), estimators.build(f"onnx:{onnx_file}", COCO, {"batch_size": 16}))
    estimator = estimators.build(f"onnx:{onnx_file}", COCO, {"batch_size": batch_size})
    assert_same_poses(predict(frames_of(people), estimator), reference)
    assert_same_poses([predict([frame], estimator)[0] for frame in frames_of(people)], reference)


def test_poses_of_several_categories_are_those_of_the_boxes_of_each_alone(people, onnx_file):
    estimator = estimators.build(f"onnx:{onnx_file}", COCO, {})
    boxes = np.repeat(people.frame(0).boxes[:1], 4, axis=0)  # the same person four times: near-duplicates
    frame, categories = (
        replace(people.frame(0), boxes=boxes, box_scores=np.array([0.9, 0.8, 0.7, 0.6]), truth_rows=None),
        np.array([1, 0, 0, 1]),
    )
    (found,) = predict([replace(frame, box_categories=categories)], estimator)
    assert found.categories.tolist() == [0, 1]
    for category in (0, 1):
        own = categories == category
        alone = replace(frame, boxes=boxes[own], box_scores=frame.box_scores[own])
        (expected,) = predict([alone], estimator)
        of = found.categories == category
        np.testing.assert_array_equal(found.xy[of], expected.xy)
        np.testing.assert_array_equal(found.score[of], expected.score)


def test_poses_that_answer_people_are_of_their_categories(people):
    class Silent:
        skeleton, needs_boxes, categories = COCO, True, None

        def predict(self, frames):
            shape = [(len(frame.boxes), 17, 2) for frame in frames]
            return [
                Poses(f.image_id, np.zeros(s), np.zeros(s[:2]), np.zeros(s[0]), f.truth_rows[::-1], self.categories)
                for f, s in zip(frames, shape, strict=True)
            ]

    frame = people.frame(0)
    frame = replace(frame, box_categories=np.arange(len(frame.boxes)))
    (found,) = predict([frame], adopt(Silent(), Estimator, "it"), n_categories=len(frame.boxes))
    assert found.categories.tolist() == frame.box_categories[::-1].tolist()
    Silent.categories = frame.box_categories + 1
    with pytest.raises(UserError, match=r"Poses\.categories of image 1 must be indices"):
        predict([frame], adopt(Silent(), Estimator, "it"), n_categories=len(frame.boxes))


def test_file_with_a_fixed_batch_size_gives_the_same_poses(people, onnx_file, tmp_path):
    fixed = estimators.build(f"onnx:{make_onnx(tmp_path / 'fixed.onnx', batch=4)}", COCO, {})
    assert_same_poses(
        predict(frames_of(people), fixed), predict(frames_of(people), estimators.build(f"onnx:{onnx_file}", COCO, {}))
    )


def test_open_input_size_has_to_be_given(people, tmp_path):
    path = make_onnx(tmp_path / "open.onnx")
    import onnx

    model = onnx.load(str(path))
    for value in (model.graph.input[0], model.graph.output[0]):
        for dimension, name in zip(value.type.tensor_type.shape.dim[2:], ("h", "w"), strict=True):
            dimension.dim_param = name + value.name
    onnx.save(model, str(path))
    with pytest.raises(UserError, match="with --model-set input=WIDTHxHEIGHT, such as 192x256 of people"):
        estimators.build(f"onnx:{path}", COCO, {})
    assert estimators.build(f"onnx:{path}", COCO, {"input": "32x40"}).input_spec.input_wh == (32, 40)


def test_input_size_and_stride_are_read_from_the_file(onnx_file):
    input_spec = estimators.build(f"onnx:{onnx_file}", COCO, {}).input_spec
    assert input_spec.input_wh == (48, 64)
    assert input_spec.stride == 4


def test_channel_order_and_mean_and_std_reach_the_network(onnx_file, people):
    plain = predict(frames_of(people), estimators.build(f"onnx:{onnx_file}", COCO, {}))
    for options in ({"channels": "bgr"}, {"mean": "0.5,0.5,0.5"}, {"std": "1,1,1"}, {"flip_test": False}):
        other = predict(frames_of(people), estimators.build(f"onnx:{onnx_file}", COCO, options))
        assert any(
            (a.confidence != b.confidence).any()
            for a, b in zip(plain, other, strict=True)
            if len(a.score) == len(b.score)
        )


def onnx_error(message, skeleton=COCO, **form):
    return pytest.param(form, skeleton, message, id=message[:30])


@pytest.mark.parametrize(
    ("form", "skeleton", "message"),
    [
        onnx_error("finds 3 joints, but skeleton 'coco'", n_joints=3),
        onnx_error(r"finds 17 joints \(nose, .*annotations have 3, and lacks a, b, c", THREE),
        onnx_error("is this a top-down heatmap network", flat=True),
    ],
)
def test_network_of_another_form_is_refused(tmp_path, form, skeleton, message):
    path = make_onnx(tmp_path / "x.onnx", **form)
    with pytest.raises(UserError, match=message):
        estimators.build(f"onnx:{path}", skeleton, {})


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("onnx:", {}, "name the ONNX file"),
        ("onnx:none.onnx", {}, r"none\.onnx does not exist"),
        ("onnx:{folder}/people.json", {}, "cannot be loaded as an ONNX network"),
        ("onnx:{onnx}", {"bach_size": 3}, r"there is no option 'bach_size' \(did you mean 'batch_size'\?\)"),
        ("onnx:{onnx}", {"batch_size": "many"}, "'batch_size' must be a whole number, got 'many'"),
        ("onnx:{onnx}", {"threads": 0}, "'threads' must be at least 1, got 0"),
        ("demo:x", {}, "brings its own weights"),
        ("onnx:{onnx}", {"channels": "gbr"}, "'channels' must be rgb or bgr"),
        ("onnx:{onnx}", {"mean": "1,2"}, "'mean' must be three numbers"),
        ("results:", {}, "name the folder"),
        ("results:nowhere", {}, "does not exist"),
        ("results:{folder}/images", {}, r"holds no \.json"),
        ("nonsense", {}, "unknown model 'nonsense'"),
        ("nets/net.onnx", {}, r"unknown model 'nets/net\.onnx' \(did you mean 'onnx:nets/net\.onnx'\?\)"),
        ("hrnet.pth", {}, r"\(did you mean 'NETWORK:hrnet\.pth'\?\)"),
        ("usyd-community/vitpose-base", {}, r"\(did you mean 'hf:usyd-community/vitpose-base'\?\)"),
        ("sbl_r5:x.pth", {}, r"there is no module 'sbl_r5' on the Python path \(did you mean 'sbl_r50'\?\)"),
        ("tests.outside:not_callable", {}, "must be a callable"),
        ("tests.outside:missing", {}, "has no 'missing'"),
    ],
)
def test_wrong_model_is_an_error_that_helps(coco_folder, onnx_file, spec, options, message):
    with pytest.raises(UserError, match=message):
        estimators.build(spec.format(folder=coco_folder, onnx=onnx_file), COCO, options)


def test_demo_says_its_own_name_where_joints_are_others():
    with pytest.raises(
        UserError, match=r"^model 'demo' finds 17 joints .*, but the annotations have 16, and lacks pelvis"
    ):
        estimators.build("demo", MPII, {})


def test_callable_is_an_estimator(people):
    estimator = estimators.build("tests.outside:guess_from_pixels", COCO, {})
    all_poses = predict(frames_of(people), estimator)
    assert [poses.xy.shape for poses in all_poses] == [(2, 17, 2)] * 9
    np.testing.assert_allclose(all_poses[0].score, all_poses[0].confidence.mean(1))


def test_callable_with_another_shape_is_told_what_is_expected(people):
    with pytest.raises(UserError, match=r"must return \(2, 17, 3\) .*got \(2, 3, 3\)"):
        predict(frames_of(people), estimators.build("tests.outside:wrong_shape", COCO, {}))


def test_class_with_predict_is_an_estimator(people):
    figures = evaluate(people, estimators.build("tests.outside:Centre", COCO, {}))
    assert figures["AP"] == 0


def test_results_folder_gives_back_what_was_written_per_cell(people, tmp_path):
    rng = np.random.default_rng(0)
    cell = Cell("fog", 3)
    poses = Poses(2, rng.uniform(0, 90, (2, 17, 2)).round(3), rng.random((2, 17)).round(6), np.array([0.25, 0.5]))
    write_results(tmp_path / "fog-3.json", [poses])
    estimator = estimators.build(f"results:{tmp_path}", COCO, {})
    frames = [Frame(i, lambda: None, cell=cell) for i in (1, 2)]
    nobody, found = predict(frames, estimator)
    assert len(nobody.score) == 0
    assert_same_poses([found], [poses])
    with pytest.raises(UserError, match=r"cell 'snow/1' needs the results file .*snow-1\.json"):
        estimator.predict([Frame(1, lambda: None, cell=Cell("snow", 1))])


def test_results_of_another_skeleton_are_refused(tmp_path):
    (tmp_path / "clean.json").write_text(json.dumps([{"image_id": 1, "score": 1, "keypoints": [0] * 45}]))
    with pytest.raises(UserError, match="must hold 51 keypoint values"):
        estimators.build(f"results:{tmp_path}", COCO, {}).predict([Frame(1, lambda: None)])


def peak_network(crops):
    """Return heatmaps with every joint's peak at the brightest 4 x 4 block of the crop."""
    blocks = crops.mean(1).reshape(len(crops), 16, 4, 12, 4).mean((2, 4))
    return np.repeat(blocks[:, None] - blocks.min() + 0.5, 17, axis=1).astype(np.float32)


INPUT_SPEC = InputSpec("peak", (48, 64), COCO.joints)


def test_topdown_finds_a_bright_spot_where_it_is():
    image = np.zeros((200, 200, 3), np.uint8)
    image[118:123, 78:83] = 255
    frame = Frame(1, lambda: image, np.array([[50.0, 60, 110, 140]]))
    poses = HeatmapEstimator(peak_network, INPUT_SPEC, COCO, Options(flip_test=False)).predict([frame])[0]
    np.testing.assert_allclose(poses.xy[0], np.full((17, 2), [80, 120]), atol=8)


def test_topdown_keeps_one_of_two_equal_boxes_and_multiplies_the_box_score():
    frame = Frame(1, lambda: draw_scene(100, 100), np.array([[5.0, 5, 80, 90]] * 2), np.array([0.3, 0.6]))
    poses = HeatmapEstimator(peak_network, INPUT_SPEC, COCO).predict([frame])[0]
    assert len(poses.score) == 1
    alone = Frame(1, lambda: draw_scene(100, 100), np.array([[5.0, 5, 80, 90]]))
    np.testing.assert_allclose(
        poses.score, 0.6 * HeatmapEstimator(peak_network, INPUT_SPEC, COCO).predict([alone])[0].score
    )


def test_topdown_gives_nobody_where_no_box_is_and_does_not_read_the_image():
    def fail():
        raise AssertionError

    poses = HeatmapEstimator(peak_network, INPUT_SPEC, COCO).predict([Frame(1, fail, np.zeros((0, 4)))])
    assert poses[0].xy.shape == (0, 17, 2)


def test_topdown_refuses_another_skeleton_and_other_heatmaps():
    with pytest.raises(UserError, match="use a model of that skeleton"):
        HeatmapEstimator(peak_network, INPUT_SPEC, THREE)
    frame = Frame(1, lambda: draw_scene(100, 100), np.array([[5.0, 5, 80, 90]]))
    with pytest.raises(UserError, match=r"must give heatmaps \(2, 17, 16, 12\)"):
        HeatmapEstimator(lambda x: peak_network(x)[:, :3], INPUT_SPEC, COCO).predict([frame])


NAMES = ("RKnee", *("nose", "L_Eye", "eye_right"), *COCO.joints[3:14], "left_ankle", "rank")


def test_network_with_joints_in_another_order_gives_those_of_the_annotations(people):
    order = [14, 0, 1, 2, *range(3, 13), 13, 15, 16]  # of COCO's joints in NAMES
    skeleton = COCO.arrange(NAMES)
    frames = frames_of(people)
    own = predict(frames, HeatmapEstimator(seventeen_networks, INPUT_SPEC, COCO))
    found = predict(frames, HeatmapEstimator(seventeen_networks, INPUT_SPEC, skeleton))
    assert_same_poses(found, [reorder_joints(poses, order) for poses in own])


def seventeen_networks(crops):
    """Return heatmaps that differ from joint to joint."""
    return peak_network(crops) * np.random.default_rng(0).random((17, 16, 12), np.float32)


def test_mirror_test_of_joints_whose_sides_nobody_knows_is_an_error_that_says_what_to_do(tmp_path):
    path = make_onnx(tmp_path / "x.onnx", n_joints=3)
    with pytest.raises(UserError, match="flip_test mirrors images, but the names of skeleton 'three' do not say"):
        estimators.build(f"onnx:{path}", THREE, {})
    estimators.build(f"onnx:{path}", THREE, {"flip_test": "no"})
    estimators.build(f"onnx:{path}", replace(THREE, flip_pairs=(), sides_from="given"), {})


def test_predict_checks_what_an_estimator_returns(people):
    class Forgetful:
        skeleton = COCO
        needs_boxes = False

        def predict(self, frames):
            return []

    with pytest.raises(UserError, match="one Poses per frame"):
        predict(frames_of(people)[:1], Forgetful())


def test_real_network_reaches_its_known_score_on_real_images(shared):
    folder = shared / "data/coco-mini"
    people = read_coco(folder / "annotations/person_keypoints_val2017.json", folder / "images/val2017")
    spec = f"onnx:{shared / 'weights/nano_simplepose_256x192.onnx'}"
    assert evaluate(people, estimators.build(spec, people.skeleton, {}))["AP"] == pytest.approx(0.516, abs=0.002)
