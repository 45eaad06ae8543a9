from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor, nn

from robustpose import estimators, models
from robustpose.data.spec import DataSpec
from robustpose.decoding.fields import decode_fields, score_poses
from robustpose.errors import UserError
from robustpose.estimators.fields import (
    FieldEstimator,
    Options,
    apply_openpifpaf,
    as_estimator,
    resize_image,
    scale_size,
)
from robustpose.estimators.running.backends import as_image_callable
from robustpose.models.input_spec import InputSpec
from robustpose.models.pifpaf import DecodedFields, PifPaf
from robustpose.models.pifpaf_files import convert_checkpoint
from robustpose.models.weights import save_weights
from robustpose.models.zoo import make_input_spec
from robustpose.pose.skeletons import COCO, MPII, Skeleton
from robustpose.pose.types import Poses
from tests.conftest import CATEGORY, make_person
from tests.crowds import assert_poses_do_not_depend_on_what_came_before, bench_crowds, frame_of, toy_frames
from tests.people import assert_same_poses
from tests.scenes import draw_scene
from tests.test_field_decoding import BODY, draw_fields, stand

pytestmark = pytest.mark.usefixtures("one_thread")

K = COCO.n_joints
Array = np.ndarray
# Grey levels reach the network as they are.
PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1 / 255, 1 / 255, 1 / 255), "stride": 8, "family": "fields"}
INPUT_SPEC = InputSpec("painter", (641, 641), COCO.joints, **PLAIN)  # type: ignore[arg-type]


# The image and its size


@pytest.mark.parametrize(
    ("image_wh", "size_wh"),
    [
        ((640, 480), (641, 480)),
        ((480, 640), (480, 641)),
        ((640, 427), (641, 427)),
        ((427, 640), (427, 641)),
        ((500, 500), (641, 641)),
        ((641, 641), (641, 641)),
        ((64, 48), (641, 480)),
        ((2000, 1333), (641, 427)),
        ((1, 1), (641, 641)),
        ((5000, 2), (641, 1)),
        ((2, 5000), (1, 641)),
    ],
)
def test_longer_edge_is_641_and_the_other_one_is_cut_off(image_wh: tuple[int, int], size_wh: tuple[int, int]) -> None:
    assert scale_size(image_wh, 641) == size_wh
    short, long = sorted(image_wh)
    assert min(size_wh) == max(1, int(short * (641 / long)))


@pytest.mark.parametrize("image_hw", [(48, 64), (64, 48), (50, 50), (7, 3), (1, 1), (300, 200)])
def test_network_sees_a_bicubic_image_without_padding(image_hw: tuple[int, int]) -> None:
    image = draw_scene(*image_hw, seed=1)
    painter = Painter(np.zeros((0, K, 2)), image.shape[1::-1])
    FieldEstimator(painter, INPUT_SPEC, COCO, Options(input=97)).predict([frame_of(image)])
    width, height = scale_size(image.shape[1::-1], 97)
    expected = PIL.Image.fromarray(image).resize((width, height), PIL.Image.Resampling.BICUBIC)
    (x,) = painter.inputs
    np.testing.assert_allclose(x[0].transpose(1, 2, 0), np.asarray(expected), atol=1e-3)
    np.testing.assert_array_equal(resize_image(image, 97), np.asarray(expected))


def test_image_is_normalised_as_its_card_says() -> None:
    image = draw_scene(30, 40, seed=1)
    painter = Painter(np.zeros((0, K, 2)), (40, 30))
    FieldEstimator(painter, make_input_spec("pifpaf_resnet50", COCO), COCO).predict([frame_of(image)])
    levels = resize_image(image, 641) / 255
    np.testing.assert_allclose(
        painter.inputs[0][0].transpose(1, 2, 0), (levels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225), atol=1e-5
    )


# Drawn people


class Painter:
    """Give the fields of people whose joints are at `xy` (N, 17, 2) px of the image, whatever it looks at.

    `inputs` keeps what it has seen.
    """

    def __init__(self, xy: Array, image_wh: tuple[int, ...], **options: Any) -> None:
        self.xy, self.last_xy, self.options = xy, np.array(image_wh) - 1, options
        self.inputs: list[Array] = []

    def __call__(self, x: Array) -> list[Array]:
        self.inputs.append(x)
        last_xy = np.array(x.shape[:1:-1]) - 1  # of the network's input
        return paint(self.xy / np.maximum(self.last_xy, 1) * last_xy, x.shape, **self.options)


def paint(input_xy: Array, shape: tuple[int, ...], **options: Any) -> list[Array]:
    """Return what a network says that sees people's joints in pixels of its input (1, 3, h, w)."""
    shape_hw = ((shape[2] - 1) // 8 + 1, (shape[3] - 1) // 8 + 1)
    pif, paf = draw_fields(input_xy.reshape(-1, K, 2), shape_hw, **options)
    return [component[None] for component in (pif[0], pif[1], pif[3], *paf[:3])]


def blank(width: int, height: int) -> Array:
    return np.zeros((height, width, 3), np.uint8)


def assert_found(poses: Poses, xy: Array, within: float = 1.0) -> None:
    """Assert that the people found are those at `xy`, in any order, every joint within so many pixels."""
    assert poses.xy.shape == xy.shape
    found = poses.xy[np.argsort(poses.xy[:, 0, 0])]
    assert np.linalg.norm(found - xy[np.argsort(xy[:, 0, 0])], axis=2).max() < within


@pytest.mark.parametrize("image_wh", [(640, 480), (427, 640), (500, 500), (160, 120), (90, 120), (1500, 1200)])
@pytest.mark.parametrize("protocol", ["openpifpaf", "plain"])
def test_drawn_people_are_found_in_pixels_of_the_image(image_wh: tuple[int, int], protocol: str) -> None:
    height = 0.6 * min(image_wh)
    people = np.array([BODY * height + np.array(image_wh) * place for place in ((0.0, 0.3), (0.45, 0.1))])
    estimator = FieldEstimator(Painter(people, image_wh), INPUT_SPEC, COCO, Options(protocol=protocol))
    assert not estimator.needs_boxes
    (poses,) = estimator.predict([frame_of(blank(*image_wh), 7)])
    assert poses.image_id == 7
    assert_found(poses, people, within=max(1.0, max(image_wh) / 641))
    assert (poses.confidence > 0.3).all()


@pytest.mark.parametrize("image_wh", [(300, 200), (200, 300)])
def test_joint_is_where_its_pixels_are(image_wh: tuple[int, int]) -> None:
    center = np.array([90, 60])
    image = blank(*image_wh)
    image[center[1] - 3 : center[1] + 4, center[0] - 3 : center[0] + 4] = 255

    def network(x: Array) -> list[Array]:
        rows, columns = np.nonzero(x[0, 0] > 127)
        nose = np.array([columns.mean(), rows.mean()])
        return paint((BODY - BODY[0]) * 300 + nose, x.shape)

    (poses,) = FieldEstimator(network, INPUT_SPEC, COCO).predict([frame_of(image)])
    assert np.abs(poses.xy[0, 0] - center).max() < 1


@pytest.mark.parametrize("image_wh", [(640, 480), (480, 640), (31, 31), (1500, 900)])
@pytest.mark.parametrize("input_xy", [(0, 0), (160, 240), (470.5, 333.25)])
def test_first_and_last_pixel_of_the_input_are_those_of_the_image(
    image_wh: tuple[int, int], input_xy: tuple[float, float]
) -> None:
    estimator = FieldEstimator(see_nose(input_xy), INPUT_SPEC, COCO, Options(protocol="plain"))
    (poses,) = estimator.predict([frame_of(blank(*image_wh))])
    size_wh = np.array(scale_size(image_wh, 641))
    expected = np.array(input_xy) * (np.array(image_wh) - 1) / (size_wh - 1)
    np.testing.assert_allclose(poses.xy[poses.confidence[:, 0] > 0.1, 0], [expected], atol=1e-3)


@pytest.mark.parametrize("image_wh", [(1, 20), (20, 1), (1, 1), (3, 3)])
@pytest.mark.parametrize("protocol", ["openpifpaf", "plain"])
def test_tiny_images_have_finite_poses_inside(image_wh: tuple[int, int], protocol: str) -> None:
    estimator = FieldEstimator(see_nose((10, 10)), INPUT_SPEC, COCO, Options(protocol=protocol))
    (poses,) = estimator.predict([frame_of(blank(*image_wh))])
    assert (poses.xy >= 0).all()
    assert (poses.xy < np.array(image_wh)).all()


def see_nose(input_xy: tuple[float, float]) -> Callable[[Array], list[Array]]:
    """Return a network that sees a nose at a place of its input, and nothing else."""

    def network(x: Array) -> list[Array]:
        components = paint(np.full((1, K, 2), input_xy), x.shape)
        components[0][:, 1:] = 0
        components[3][:] = 0
        return components

    return network


def test_long_edge_is_that_of_the_card_or_as_asked() -> None:
    painter = Painter(np.zeros((0, K, 2)), (40, 30))
    FieldEstimator(painter, InputSpec("a", (129, 193), COCO.joints, stride=8), COCO).predict([frame_of(blank(40, 30))])
    FieldEstimator(painter, INPUT_SPEC, COCO, Options(input=97)).predict([frame_of(blank(30, 40))])
    assert [x.shape for x in painter.inputs] == [(1, 3, 144, 193), (1, 3, 97, 72)]


# Protocols


def make_poses(n_people: int, value: float = 0.5) -> Poses:
    rng = np.random.default_rng(0)
    values = np.full((n_people, K), value)
    points = np.concatenate([rng.uniform(0, 100, (n_people, K, 2)), values[:, :, None]], axis=2)
    return Poses(3, points[:, :, :2], values, score_poses(points))


def test_twenty_people_of_an_image_are_kept_the_best_ones() -> None:
    poses = make_poses(25)
    kept = apply_openpifpaf(poses)
    assert len(kept.score) == 20
    np.testing.assert_allclose(kept.xy, poses.xy[:20], atol=0.005)


def test_twenty_of_many_people_are_found_in_the_published_protocol() -> None:
    noses = np.array([[(x, y)] for y in (40, 120, 200, 280, 360) for x in (40, 140, 240, 340, 440)])
    pif, paf = draw_fields(noses, (61, 81), limbs=())
    fields = [component[None] for component in (pif[0], pif[1], pif[3], *paf[:3])]
    skeleton = Skeleton("noses", ("nose",), (), (0.1,))
    for protocol, n_people in (("openpifpaf", 20), ("plain", 25)):
        input_spec = InputSpec("noses", (641, 641), stride=8)
        estimator = FieldEstimator(lambda x: fields, input_spec, skeleton, Options(protocol=protocol))
        assert len(estimator.predict([frame_of(blank(640, 480))])[0].score) == n_people


def test_values_and_scores_are_raised_to_a_hundredth_and_what_is_not_found_stays_zero() -> None:
    poses = make_poses(3, 0.5)
    poses.confidence[0, :5] = (0, 1e-5, 0.001, 0.009, 0.011)
    poses.confidence[1, 1:] = 0
    poses.confidence[2] = 0
    poses.confidence[2, 0] = 1e-5
    kept = apply_openpifpaf(poses)
    np.testing.assert_allclose(kept.confidence[0, :5], (0, 0.01, 0.01, 0.01, 0.011))
    np.testing.assert_array_equal(kept.confidence[0, 5:], 0.5)
    np.testing.assert_array_equal(kept.confidence > 0, poses.confidence > 0)
    # The best three joints count three times: 23 shares.
    np.testing.assert_allclose(kept.score, [(12 * 0.5 + 6 * 0.5 + 0.041) / 23, 3 * 0.5 / 23, 0.01])


def test_places_are_rounded_to_hundredths_of_a_pixel() -> None:
    poses = make_poses(2)
    np.testing.assert_array_equal(apply_openpifpaf(poses).xy, np.round(poses.xy, 2))
    assert np.abs(apply_openpifpaf(poses).xy - poses.xy).max() > 0.001


def test_filled_joints_keep_their_small_values_as_decoded_only() -> None:
    people = stand((200, 100), height=300)
    network = Painter(people, (641, 481), missing=[15])
    least = {}
    for protocol in ("openpifpaf", "plain"):
        (poses,) = FieldEstimator(network, INPUT_SPEC, COCO, Options(protocol=protocol)).predict(
            [frame_of(blank(641, 481))]
        )
        least[protocol] = poses.confidence.min()
    assert least["openpifpaf"] == pytest.approx(0.01)
    assert least["plain"] == pytest.approx(1e-5)
    bare = FieldEstimator(network, INPUT_SPEC, COCO, Options(complete=False)).predict([frame_of(blank(641, 481))])[0]
    assert bare.confidence[0, 15] == 0
    np.testing.assert_array_equal(bare.xy[0, 15], 0)


def test_plain_poses_are_what_was_decoded() -> None:
    people = stand((30.3, 20.1), (200, 60), height=300)
    network = Painter(people, (641, 481))
    estimator = FieldEstimator(network, INPUT_SPEC, COCO, Options(protocol="plain"))
    pif, paf = estimator.find_fields(blank(641, 481))
    expected, scores = decode_fields(pif, paf)
    (poses,) = estimator.predict([frame_of(blank(641, 481))])
    np.testing.assert_allclose(poses.xy, expected[:, :, :2])
    np.testing.assert_allclose(poses.confidence, expected[:, :, 2])
    np.testing.assert_array_equal(poses.score, scores)


def test_image_without_anybody_gets_a_pose_of_zeros_in_the_published_protocol() -> None:
    network = Painter(np.zeros((0, K, 2)), (64, 48))
    (poses,) = FieldEstimator(network, INPUT_SPEC, COCO).predict([frame_of(blank(64, 48), 9)])
    assert poses.image_id == 9
    assert (poses.xy.shape, poses.confidence.shape) == ((1, K, 2), (1, K))
    assert not poses.xy.any()
    assert not poses.confidence.any()
    assert poses.score.tolist() == [0.01]
    (plain,) = FieldEstimator(network, INPUT_SPEC, COCO, Options(protocol="plain")).predict(
        [frame_of(blank(64, 48), 9)]
    )
    assert (plain.xy.shape, plain.score.shape) == ((0, K, 2), (0,))


# Bad input


def test_other_joints_are_one_clear_line() -> None:
    network = Painter(np.zeros((0, K, 2)), (64, 48))
    message = "model 'painter' finds 17 joints .*and lacks pelvis, .*use a model of that skeleton"
    with pytest.raises(UserError, match=message) as caught:
        FieldEstimator(network, INPUT_SPEC, MPII)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: [c[0][:, :16], *c[1:]], "model 'painter' gives fields of 16 joints, but skeleton 'coco' has 17"),
        (lambda c: [*c[:3], c[3][:, :18], *c[4:]], "fields of 19 connections must be"),
        (lambda c: [*c[:2], c[2] * np.nan, *c[3:]], "model 'painter' gives values that are not finite"),
    ],
)
def test_fields_of_another_shape_are_one_clear_line(spoil: Callable[[list[Array]], list[Array]], message: str) -> None:
    painter = Painter(stand((60, 30)), (64, 48))
    with pytest.raises(UserError, match=message) as caught:
        FieldEstimator(lambda x: spoil(painter(x)), INPUT_SPEC, COCO).predict([frame_of(blank(64, 48))])
    assert "\n" not in str(caught.value)


def test_connections_are_cocos_whatever_limbs_a_file_lists_and_else_the_skeletons() -> None:
    people = stand((100, 60), height=350)
    reordered = Skeleton("person", COCO.joints, COCO.limbs[::-1][:5], COCO.sigmas)
    (poses,) = FieldEstimator(Painter(people, (641, 481)), INPUT_SPEC, reordered).predict([frame_of(blank(641, 481))])
    assert_found(poses, people)

    limbs = ((0, 1), (1, 2))
    three = Skeleton("three", ("a", "b", "c"), limbs, (0.1,) * 3)
    joints = np.array([[(40, 40), (80, 60), (120, 50)], [(60, 150), (100, 180), (150, 160)]])

    def network(x: Array) -> list[Array]:
        pif, paf = draw_fields(joints, (61, 81), limbs)
        return [component[None] for component in (pif[0], pif[1], pif[3], *paf[:3])]

    input_spec = InputSpec("three", (641, 641), stride=8)
    (poses,) = FieldEstimator(network, input_spec, three).predict([frame_of(blank(641, 481))])
    assert len(poses.xy) == 2


# Networks with weights


class Trunk(nn.Module):
    """Look at 16×16 px."""

    out_channels = 16

    def __init__(self) -> None:
        super().__init__()
        layers = [nn.Conv2d(3, 16, 9, 8, 4), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, 2, 1), nn.ReLU()]
        self.net = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def make_small(joints: int) -> PifPaf:
    """Return somebody's own network: outside the table, so that only its file says what it looks at."""
    return PifPaf(Trunk(), joints, (19, 25))  # type: ignore[arg-type]


class Strange(nn.Module):
    """Give a single head."""

    def __init__(self, joints: int) -> None:
        super().__init__()
        self.heads = nn.Conv2d(3, joints, 1)

    def forward(self, x: Tensor) -> Any:
        return (self.heads(x),)


def draw_weights(network: nn.Module) -> nn.Module:
    """Draw a network's heads anew, so that it takes a good deal for people."""
    heads: Any = network.head_nets
    with torch.no_grad():
        for head in heads:
            head.class_convs[0].weight.normal_(0, 2)
            for conv in head.scale_convs:
                conv.bias.fill_(2)
    return network


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of somebody's own network."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("fields") / "small.safetensors"
    save_weights(draw_weights(make_small(K)), make_input_spec("small", COCO, (97, 97), "fields"), path)
    return path


@pytest.fixture(scope="module")
def shufflenet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a network of the table."""
    torch.manual_seed(0)
    name = "pifpaf_shufflenetv2x2"
    path = tmp_path_factory.mktemp("shufflenet") / "a.safetensors"
    save_weights(draw_weights(models.build(name)), make_input_spec(name, COCO), path)
    return path


Build = Callable[..., FieldEstimator]


@pytest.fixture
def build(small_file: Path, packed_small: None) -> Build:
    """A function of options that makes the estimator of those weights."""
    return partial(build_small, small_file)


def build_small(path: Path, **options: object) -> FieldEstimator:
    estimator = estimators.build(f"{__name__}:make_small:{path}", COCO, options)
    assert isinstance(estimator, FieldEstimator)
    return estimator


def test_poses_do_not_depend_on_other_images_or_on_the_calls_they_come_in(build: Build) -> None:
    assert_poses_do_not_depend_on_what_came_before(build)


def test_fields_are_those_of_the_network(small_file: Path, build: Build) -> None:
    image = toy_frames(1)[0].image
    network = make_small(K)
    models.weights.load_weights(network, small_file)
    resized = torch.from_numpy(resize_image(image, 97).astype(np.float32).transpose(2, 0, 1) / 255)
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    with torch.inference_mode():
        heads = network.eval()(((resized - mean) / std)[None])
    pif, paf = build().find_fields(image)
    for head, components in zip(heads[:2], ([*pif], [*paf]), strict=True):
        for found, expected in zip(components, head, strict=False):
            if found.size:  # log-spreads are left out
                np.testing.assert_allclose(found, expected[0].numpy(), atol=1e-5)


def test_openvino_gives_nearly_the_same_fields_whatever_came_before(build: Build) -> None:
    pytest.importorskip("openvino")
    frames = toy_frames(3)
    estimator = build(backend="openvino")
    first = [estimator.find_fields(frame.image) for frame in frames]
    for frame, (pif, paf) in reversed(list(zip(frames, first, strict=True))):
        again, expected = estimator.find_fields(frame.image), build().find_fields(frame.image)
        for found, same, wanted in zip([*pif, *paf], [*again[0], *again[1]], [*expected[0], *expected[1]], strict=True):
            np.testing.assert_array_equal(same, found)
            np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("name", ["pifpaf_shufflenetv2x2", "pifpaf_resnet50"])
def test_published_networks_are_folded_and_flattened_without_changing_them(name: str, packed_small: None) -> None:
    torch.manual_seed(0)
    network = models.build(name)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            norm: Any = module
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 1.5)
    x = np.random.default_rng(0).normal(size=(1, 3, 49, 65)).astype(np.float32)
    found = as_image_callable(DecodedFields(network))(x)
    assert network.training
    with torch.inference_mode():
        pif, paf, _ = network.eval()(torch.from_numpy(x))
    assert len(found) == 6
    for component, expected in zip(found, (pif[0], pif[1], pif[3], *paf[:3]), strict=True):
        wanted = expected.numpy()
        assert component.shape == wanted.shape
        assert np.abs(component - wanted).max() <= 1e-3 * np.abs(wanted).max()


def test_network_in_memory_becomes_an_estimator_and_stays_as_it_was(small_file: Path, build: Build) -> None:
    network = make_small(K).train()
    models.weights.load_weights(network, small_file)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    estimator = as_estimator(network, make_input_spec("small", COCO, (97, 97), "fields"), COCO)
    assert isinstance(estimator, FieldEstimator)
    frames = toy_frames(2)
    assert_same_poses(estimator.predict(frames), build().predict(frames))
    assert network.training
    assert len(network.head_nets) == 3
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_small_network_of_the_table_looks_at_images_of_any_size(
    backend: str, tmp_path: Path, packed_small: None
) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")
    torch.manual_seed(0)
    save_weights(
        models.build("small_fields"), make_input_spec("small_fields", COCO, (129, 129)), tmp_path / "a.safetensors"
    )
    estimator = estimators.build(f"small_fields:{tmp_path / 'a.safetensors'}", COCO, {"backend": backend})
    for width, height in ((129, 97), (97, 129), (100, 61), (60, 60), (33, 100)):
        scaled_w, scaled_h = scale_size((width, height), 129)
        pif, paf = estimator.find_fields(draw_scene(height, width, seed=1))
        cells = (-(-scaled_h // 16) * 2 - 1, -(-scaled_w // 16) * 2 - 1)
        assert [component.shape for component in paf] == [(19, *cells), (19, 2, *cells), (19, 2, *cells)]
        assert pif[1].shape == (K, 2, *cells)


def test_converted_checkpoint_is_an_estimator(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = models.build("pifpaf_shufflenetv2x2")
    torch.save({"model": network.state_dict(), "epoch": 1}, tmp_path / "a.pkl")
    convert_checkpoint(tmp_path / "a.pkl", tmp_path / "a.safetensors")
    estimator = estimators.build(f"pifpaf_shufflenetv2x2:{tmp_path / 'a.safetensors'}", COCO, {})
    assert isinstance(estimator, FieldEstimator)
    assert (estimator.input_spec.family, estimator.provenance["input"]) == ("fields", "641x641")


def test_heads_for_training_only_are_not_computed(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []
    monkeypatch.setattr(PifPaf, "keep_heads", lambda self, n_heads: kept.append(n_heads))
    build()
    assert kept == [2]


# Options


def test_provenance_says_what_decides_the_poses(build: Build) -> None:
    provenance = build().provenance
    assert provenance["kind"] == f"{__name__}:make_small"
    assert provenance["name"] == "small.safetensors"
    assert len(str(provenance["sha256"])) == 64
    assert (provenance["input"], provenance["complete"], provenance["protocol"]) == ("97x97", True, "openpifpaf")
    others = build(input="129", complete=False, protocol="plain")
    changed = {key for key, value in others.provenance.items() if value != provenance[key]}
    assert changed == {"input", "complete", "protocol"}


@pytest.mark.parametrize(
    ("options", "cells"), [({}, (9, 13)), ({"input": "129"}, (11, 17)), ({"input": "129x65"}, (11, 17))]
)
def test_input_is_the_long_edge(build: Build, options: dict[str, object], cells: tuple[int, int]) -> None:
    pif, paf = build(**options).find_fields(blank(100, 75))
    assert pif[0].shape == (K, *cells)
    assert paf[0].shape == (19, *cells)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input": "10"}, "option 'input' must be at least 33, got '10'"),
        ({"input": "large"}, "option 'input' must be px of one side such as 512, or 512x512, got 'large'"),
        ({"input": "1x2x3"}, "option 'input' must be px of one side such as 512, or 512x512, got '1x2x3'"),
        ({"complete": "maybe"}, "option 'complete' must be true or false, yes or no, on or off, 1 or 0, got 'maybe'"),
        ({"protocol": "pifpaf"}, "option 'protocol' must be openpifpaf or plain, got 'pifpaf'"),
        ({"protocol": "plian"}, r"must be openpifpaf or plain, got 'plian' \(did you mean 'plain'\?\)"),
        ({"backend": "compile"}, "option 'backend' must be torch or openvino, got 'compile'"),
        ({"precision": "half"}, "option 'precision' must be float32, bf16 or fp16, got 'half'"),
        (
            {"flip_test": True},
            "there is no option 'flip_test'.*its options are threads, .*, device, input, complete, p",
        ),
        ({"threads": 0}, "option 'threads' must be at least 1, got 0"),
    ],
)
def test_option_that_makes_no_sense_is_one_clear_line(build: Build, options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        build(**options)
    assert "\n" not in str(caught.value)


def test_file_that_is_published_or_has_no_card_is_one_clear_line(small_file: Path, tmp_path: Path) -> None:
    for name in ("checkpoint.pkl", "checkpoint.pth", "checkpoint.pkl.epoch350"):
        (tmp_path / name).write_bytes(b"\x80")
    save_weights(Strange(K), make_input_spec("strange", COCO, (97, 97), "fields"), tmp_path / "strange.safetensors")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "bare.safetensors")
    for spec, skeleton, message in (
        ("pifpaf_resnet50:checkpoint.pkl", COCO, r"first, robustpose convert-pifpaf .*checkpoint\.pkl; of a training"),
        ("pifpaf_resnet50:checkpoint.pth", COCO, r"first, robustpose convert-pifpaf .*checkpoint\.pth; of a training"),
        (
            "pifpaf_resnet50:checkpoint.pkl.epoch350",
            COCO,
            r"robustpose convert-pifpaf .*checkpoint\.pkl\.epoch350; of a training",
        ),
        ("pifpaf_resnet50:bare.safetensors", COCO, "carries no input spec: expected .* robustpose convert-pifpaf"),
        ("pifpaf_resnet50:none.safetensors", COCO, r"there is no weights file .*none\.safetensors"),
        (f"pifpaf_resnet50:{small_file}", COCO, "does not fit PifPaf: "),
        (
            f"{__name__}:make_small:{small_file}",
            MPII,
            "model 'small' finds 17 joints .*and lacks pelvis, .*use a model of that skeleton",
        ),
        ("pifpaf_resnet50:", COCO, "name the weights: --model pifpaf_resnet50:FILE"),
    ):
        kind, _, file = spec.rpartition(":")
        path = f"{kind}:{tmp_path / file}" if file and not Path(file).is_absolute() else spec
        with pytest.raises(UserError, match=message) as caught:
            estimators.build(path, skeleton, {})
        assert "\n" not in str(caught.value)
    strange = estimators.build(f"{__name__}:Strange:{tmp_path / 'strange.safetensors'}", COCO, {})
    with pytest.raises(
        UserError, match=r"Strange must give a tuple of 4 components .* no network of the family 'fields'"
    ):
        strange.predict([frame_of(blank(40, 30))])


def test_cards_of_networks_with_fields_have_sides_of_sixteen_and_one() -> None:
    input_spec = make_input_spec("pifpaf_resnet50", COCO)
    assert (input_spec.input_wh, input_spec.stride, input_spec.family, input_spec.channels) == (
        (641, 641),
        8,
        "fields",
        "rgb",
    )
    assert make_input_spec("pifpaf_resnet50", COCO, (193, 129)).input_wh == (193, 129)
    assert make_input_spec("pifpaf_resnet50", COCO, (192, 128)).input_wh == (192, 128)
    for family, input_wh, message in (
        ("fields", (193, 100), "multiples of 32, or of 16 plus 1, got 193x100"),
        ("fields", (17, 33), "multiples of 32, or of 16 plus 1, got 17x33"),
        ("tags", (193, 193), "multiples of 32, got 193x193"),
    ):
        with pytest.raises(UserError, match=message):
            make_input_spec("own", COCO, input_wh, family)  # type: ignore[arg-type]


# Bench


def test_bench_uses_no_boxes_and_gives_the_same_bytes_with_two_workers(shufflenet_file: Path, tmp_path: Path) -> None:
    summary, results = bench_crowds(f"pifpaf_shufflenetv2x2:{shufflenet_file}", {"input": "97"}, tmp_path)
    estimator = summary["provenance"]["estimator"]
    assert (estimator["input"], estimator["protocol"]) == ("97x97", "openpifpaf")
    assert len([result for result in results if any(result["keypoints"])]) > 5


# Images without people


@pytest.fixture
def half_empty(coco_folder: Path, coco_content: dict[str, Any], tmp_path: Path) -> Path:
    """Annotations of nine images: two people each in 1 and 2, a crowd in 3, a person without keypoints in 4."""
    rng = np.random.default_rng(0)
    people = [person for person in coco_content["annotations"] if person["image_id"] <= 2]
    nobody = {"keypoints": [0] * 3 * K, "num_keypoints": 0}
    people.append(make_person(101, 3, [5.0, 5.0, 40.0, 60.0], rng, iscrowd=1, **nobody))
    people.append(make_person(102, 4, [5.0, 5.0, 40.0, 60.0], rng, **nobody))
    people.append({**make_person(103, 5, [5.0, 5.0, 40.0, 60.0], rng), "category_id": 2})  # a chair
    path = tmp_path / "people.json"
    path.write_text(
        json.dumps({**coco_content, "annotations": people, "categories": [CATEGORY, {"id": 2, "name": "chair"}]})
    )
    return path


def test_images_without_people_are_left_out_and_the_provenance_says_so(half_empty: Path, coco_folder: Path) -> None:
    spec = DataSpec(annotations=half_empty, images=coco_folder / "images")
    everything = spec.open()
    kept = spec.model_copy(update={"only_with_people": True}).open()
    assert [everything.truth(index).image_id for index in range(len(everything))] == [*range(1, 10)]
    assert [kept.truth(index).image_id for index in range(len(kept))] == [1, 2, 3, 4]
    assert [kept.frame(index).image_id for index in range(len(kept))] == [1, 2, 3, 4]
    assert kept.provenance == {**everything.provenance, "images_with_people": 4}
    limited = spec.model_copy(update={"only_with_people": True, "limit": 3}).open()
    assert [limited.truth(index).image_id for index in range(len(limited))] == [1, 2, 3]
    assert limited.provenance == {**kept.provenance, "limit": 3}


def test_dataset_without_people_is_one_line(half_empty: Path, coco_folder: Path) -> None:
    content = json.loads(half_empty.read_text())
    half_empty.write_text(json.dumps({**content, "annotations": []}))
    with pytest.raises(UserError, match="no image is left by --only-with-people") as caught:
        DataSpec(annotations=half_empty, images=coco_folder / "images", only_with_people=True).open()
    assert "\n" not in str(caught.value)


def test_runs_with_and_without_them_are_two_measurements(
    run: Callable[..., Any], half_empty: Path, coco_folder: Path, tmp_path: Path
) -> None:
    words = ["bench", "--model", "tests.outside:guess_from_pixels", "--annotations", half_empty]
    words += ["--images", coco_folder / "images", "--corruptions", "none", "--workers", 1, "--resamples", 40]
    out = tmp_path / "run"
    assert run(*words, "--out", out, "--only-with-people")[0] == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["provenance"]["dataset"]["images_with_people"] == 4
    code, _, errors = run(*words, "--out", out)
    assert code == 2
    assert "holds results of another setup (dataset.images_with_people" in errors
    assert run(*words, "--out", tmp_path / "all", "--all-images")[0] == 0
    code, _, errors = run("compare", out, tmp_path / "all")
    assert code == 2
    assert errors.count("\n") == 1
    # Who scores a run again says where its data are, and not which of the images were taken.
    named = ["--annotations", half_empty, "--images", coco_folder / "images"]
    assert run("score", out, "--workers", 1, "--resamples", 40, *named)[0] == 0
    assert json.loads((out / "summary.json").read_text()) == summary
    assert run("score", out, "--workers", 1, "--resamples", 40)[0] == 0


def test_row_leaves_them_out_and_what_differs_is_said(
    run: Callable[..., Any], shared: Path, shufflenet_file: Path, tmp_path: Path, packed_small: None
) -> None:
    words = [
        "bench",
        "--row",
        "coco-c/pifpaf_shufflenetv2x2",
        "--weights",
        shufflenet_file,
        "--root",
        shared / "data/coco-mini",
    ]
    words += ["--corruptions", "none", "--limit", 1, "--model-set", "input=97", "--workers", 1, "--resamples", 0]
    code, output, _ = run(*words, "--out", tmp_path / "run")
    assert code == 0
    assert "not the same measurement: --limit 1; --model-set input=97" in output
    dataset = json.loads((tmp_path / "run/summary.json").read_text())["provenance"]["dataset"]
    assert 0 < dataset["images_with_people"] <= dataset["n_images"]
    code, output, _ = run(*words, "--all-images", "--out", tmp_path / "all")
    assert code == 0
    assert "measurement: --all-images; --limit 1; --model-set input=97" in output.replace("\n", " ")
