from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from robustpose import estimators, models
from robustpose.decoding.tags import merge_outputs
from robustpose.errors import UserError
from robustpose.estimators.heatmaps import HeatmapEstimator
from robustpose.estimators.tags import Options, TagEstimator, place_image
from robustpose.models.input_spec import InputSpec
from robustpose.models.small import SmallTagsNet
from robustpose.models.weights import save_weights
from robustpose.models.zoo import make_input_spec
from robustpose.pose.crop import crop_matrix, crop_person
from robustpose.pose.skeletons import COCO, MPII, Skeleton
from robustpose.pose.types import Poses
from tests.conftest import load_module
from tests.crowds import assert_poses_do_not_depend_on_what_came_before, bench_crowds, frame_of, toy_frames
from tests.networks import error_of, outline
from tests.people import assert_same_poses

pytestmark = pytest.mark.usefixtures("one_thread")

K = COCO.n_joints
Array = np.ndarray
# Grey levels reach the network as they are.
INPUT_SPEC = InputSpec("dots", (256, 256), COCO.joints, mean=(0, 0, 0), std=(1 / 255, 1 / 255, 1 / 255), family="tags")


# The image and its size


@pytest.mark.parametrize("short_side", [128, 512, 640])
@pytest.mark.parametrize(
    "image_wh", [(640, 480), (480, 640), (512, 512), (333, 517), (517, 333), (64, 640), (1001, 33), (1, 1)]
)
def test_short_side_is_as_asked_and_long_side_is_rounded_up_to_a_multiple_of_64(
    image_wh: tuple[int, int], short_side: int
) -> None:
    size_wh, center, scale = place_image(image_wh, short_side)
    width, height = image_wh
    long = math.ceil(short_side * max(image_wh) // min(image_wh) / 64) * 64
    assert size_wh == ((short_side, long) if width < height else (long, short_side))
    assert center.tolist() == [int(width / 2 + 0.5), int(height / 2 + 0.5)]
    np.testing.assert_allclose(scale, np.array(size_wh) / (short_side / min(image_wh)) / 200, rtol=1e-12)


@pytest.mark.parametrize(("least", "short"), [(0.5, 256), (0.25, 128), (1, 512), (0.3, 192)])
@pytest.mark.parametrize("scale", [0.5, 1, 1.5, 2])
@pytest.mark.parametrize("image_wh", [(640, 427), (300, 451), (77, 77)])
def test_sizes_are_multiples_of_that_of_the_least_scale(
    image_wh: tuple[int, int], scale: float, least: float, short: int
) -> None:
    size_wh, center, extent = place_image(image_wh, 512, scale, least)
    long = math.ceil(short * max(image_wh) // min(image_wh) / 64) * 64
    expected = sorted((int(short * scale / least), int(long * scale / least)))
    assert size_wh == (tuple(expected) if image_wh[0] < image_wh[1] else tuple(expected[::-1]))
    base_wh, base_center, _ = place_image(image_wh, 512, 1.0, least)
    assert center.tolist() == base_center.tolist()
    np.testing.assert_allclose(extent[0] / extent[1], size_wh[0] / size_wh[1])
    np.testing.assert_allclose(size_wh, np.array(base_wh) * scale, atol=2)


@pytest.mark.parametrize("image_wh", [(260, 203), (203, 260), (100, 100), (99, 300), (640, 33)])
@pytest.mark.parametrize("scale", [1, 2])
def test_whole_image_is_inside_and_its_short_side_fills_the_input(image_wh: tuple[int, int], scale: float) -> None:
    size_wh, center, extent = place_image(image_wh, 256, scale)
    factor = min(size_wh) / min(image_wh)
    matrix = crop_matrix(center, extent, size_wh)
    np.testing.assert_allclose(matrix[:, :2], factor * np.eye(2), atol=1e-5 * factor)
    corners = np.array([(0, 0), image_wh]) @ matrix[:, :2].T + matrix[:, 2]
    slack = factor + 1e-3  # the centre is a whole pixel, and so off by up to half a pixel
    assert (corners[0] >= -slack).all()
    assert (corners[1] <= np.array(size_wh) + slack).all()
    short = int(np.argmin(image_wh))
    np.testing.assert_allclose(corners[:, short], [0, min(size_wh)], atol=slack)


# The published program


@pytest.fixture(scope="module")
def weights(fill: ModuleType) -> dict[str, Tensor]:
    """The tensors of HigherHRNet-W32, filled by the names of its parameters."""
    filled: dict[str, Tensor] = fill.fill(outline("higherhrnet_w32").state_dict())
    return {name: torch.zeros((), dtype=torch.int64) if t.is_meta else t for name, t in filled.items()}


@pytest.fixture(scope="module")
def official(weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those tensors in a file as the published program writes it."""
    path = tmp_path_factory.mktemp("official") / "pose_higher_hrnet_w32_512.pth"
    torch.save(weights, path)
    return path


def test_outputs_are_those_of_the_published_network(shared: Path, fill: ModuleType, weights: dict[str, Tensor]) -> None:
    network = outline("higherhrnet_w32").to_empty(device="cpu")
    network.load_state_dict(weights)
    with torch.inference_mode():
        outputs = network.eval()(fill.image(4, 192, 256))
    with np.load(shared / "goldens/model_outputs.npz") as golden:
        expected = [golden[f"higherhrnet_w32__{i}"] for i in range(2)]
    assert len(outputs) == 2
    for found, wanted in zip(outputs, expected, strict=True):
        assert error_of(found.numpy(), wanted) <= 1e-5


def test_image_becomes_the_maps_of_the_published_program(shared: Path, official: Path, packed_small: None) -> None:
    """From an official file without input spec, through the image's size, the mirror test and the merging of both."""
    golden = np.load(shared / "goldens/higherhrnet_grouping.npz")
    image = load_module(shared / "goldens/scene.py").scene(*(int(n) for n in golden["e2e_scene"]))
    size_wh, center, scale = place_image((image.shape[1], image.shape[0]), 128)
    assert size_wh == tuple(golden["e2e_base"])
    assert center.tolist() == golden["e2e_center"].tolist()
    np.testing.assert_allclose(scale, golden["e2e_scale"])
    resized = crop_person(image, center, scale, size_wh)
    assert np.abs(resized.astype(int) - golden["e2e_resized"]).max() <= 1

    estimator = estimators.build(f"higherhrnet_w32:{official}", COCO, {"input": "128", "threads": 1})
    assert (estimator.input_spec.channels, estimator.input_spec.input_wh) == ("rgb", (512, 512))
    heatmaps, tags = estimator.find_maps(image)
    assert error_of(heatmaps[None, :, ::4, ::4], golden["e2e_heatmap"]) <= 1e-3
    assert error_of(tags[None, :, ::8, ::8], golden["e2e_tags"]) <= 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stage2.0.branches.0.0.conv1.weight": None}, r"does not fit HigherHRNet: 1 missing \(stage2\.0\.branches"),
        ({"final_layers.1.weight": None}, "carries no input spec: expected a file written by robustpose train, or"),
        (
            {"final_layers.1.weight": torch.zeros(16, 32, 1, 1)},
            r"does not fit HigherHRNet: .*final_layers\.0\.weight must be \(32, 32",
        ),
    ],
)
def test_official_file_that_does_not_fit_is_refused(
    change: dict[str, Tensor | None], message: str, tmp_path: Path
) -> None:
    shapes = {name: torch.zeros(()).expand(t.shape) for name, t in outline("higherhrnet_w32").state_dict().items()}
    tensors = {name: t for name, t in {**shapes, **change}.items() if t is not None}
    torch.save(tensors, tmp_path / "w32.pth")
    with pytest.raises(UserError, match=message) as caught:
        estimators.build(f"higherhrnet_w32:{tmp_path / 'w32.pth'}", COCO, {})
    assert "\n" not in str(caught.value)


# Merging


def draw_outputs(n_images: int = 2, height: int = 6, width: int = 9, n_joints: int = K) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    coarse = rng.normal(size=(n_images, 2 * n_joints, height, width)).astype(np.float32)
    return coarse, rng.normal(size=(n_images, n_joints, 2 * height, 2 * width)).astype(np.float32)


def enlarge(maps: Tensor, size_wh: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size_wh[::-1], mode="bilinear", align_corners=False)


@pytest.mark.parametrize("size_wh", [(36, 24), (18, 12), (72, 48), (40, 31)])
@pytest.mark.parametrize("n_images", [1, 2])
def test_merging_is_bilinear_interpolation_in_two_steps(size_wh: tuple[int, int], n_images: int) -> None:
    coarse, fine = (torch.from_numpy(maps) for maps in draw_outputs(n_images))
    order = list(COCO.flip_order)
    halfway = enlarge(coarse, (18, 12))
    heatmaps, tags = (halfway[:, :K] + fine) / 2, halfway[:, K:]
    if n_images == 2:
        heatmaps[1], tags[1] = heatmaps[1].flip(-1)[order], tags[1].flip(-1)[order]
    expected = enlarge(heatmaps.mean(0, keepdim=True), size_wh)[0]
    found, found_tags = merge_outputs((coarse.numpy(), fine.numpy()), order, size_wh)
    assert found_tags is not None
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    wanted_tags = enlarge(tags, size_wh).permute(1, 2, 3, 0)  # (K, H, W, B)
    np.testing.assert_allclose(found_tags, wanted_tags.numpy(), atol=1e-5)


def test_picture_that_is_its_own_mirror_image_gives_maps_that_are_their_own_mirror_images() -> None:
    coarse, fine = draw_outputs(1)  # the network sees the same picture twice and says the same of it
    outputs = (np.repeat(coarse, 2, 0), np.repeat(fine, 2, 0))
    order = list(COCO.flip_order)
    heatmaps, tags = merge_outputs(outputs, order, (36, 24))
    assert tags is not None
    assert tags.shape == (K, 24, 36, 2)
    np.testing.assert_allclose(heatmaps, heatmaps[order][:, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(tags[..., 1], tags[order][:, :, ::-1, 0], atol=1e-6)
    left, right = COCO.flip_pairs[0]
    assert np.abs(tags[left, ..., 1] - tags[left, :, ::-1, 0]).max() > 0.1  # not the same joint's
    np.testing.assert_allclose(tags[left, ..., 1], tags[right, :, ::-1, 0], atol=1e-6)


def test_mirror_image_alone_is_brought_back_and_its_joints_are_renamed() -> None:
    coarse, fine = draw_outputs()
    coarse[0, :K], fine[0] = 0, 0
    order = list(COCO.flip_order)
    heatmaps, _ = merge_outputs((coarse, fine), order, (36, 24))
    alone, _ = merge_outputs((coarse[1:], fine[1:]), order, (36, 24))
    np.testing.assert_allclose(heatmaps, alone[order][:, :, ::-1] / 2, atol=1e-6)


def test_tags_are_left_out_where_they_are_not_wanted_and_heatmaps_stay_the_same() -> None:
    heatmaps, tags = merge_outputs(draw_outputs(), COCO.flip_order, (36, 24), with_tags=False)
    assert tags is None
    np.testing.assert_array_equal(heatmaps, merge_outputs(draw_outputs(), COCO.flip_order, (36, 24))[0])


# People drawn as dots, and a network that knows how to read them

SPACING = 10  # px between the dots of a person


def draw_dots(n_people: int = 3, portrait: bool = False, seed: int = 0) -> tuple[Array, Array]:
    """Return an image and the joints (N, 17, 2): one dot each, whose red says which joint and green whose it is."""
    rng = np.random.default_rng(seed)
    grid = np.array([(joint % 3, joint // 3) for joint in range(K)]) * SPACING + SPACING // 2
    xy = grid + np.array([3 * SPACING, 0]) * np.arange(n_people)[:, None, None] + rng.integers(-2, 3, (n_people, K, 2))
    image = np.zeros((6 * SPACING, 3 * SPACING * max(n_people, 3), 3), np.uint8)
    for person, joint in np.ndindex(n_people, K):
        x, y = xy[person, joint]
        image[y - 1 : y + 2, x - 1 : x + 2] = (12 * joint + 8, 40 * person + 20, 255)
    return (np.ascontiguousarray(image.transpose(1, 0, 2)), xy[:, :, ::-1]) if portrait else (image, xy)


class DotReader:
    """Give blobs and tags where dots are. In a mirror image it takes left for right, as a network would.

    `shapes` keeps the shapes of what it has seen.
    """

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, x: Array) -> tuple[Array, Array]:
        self.shapes.append(x.shape)
        n_images, _, height, width = x.shape
        coarse = np.zeros((n_images, 2 * K, height // 4, width // 4), np.float32)
        fine = np.zeros((n_images, K, height // 2, width // 2), np.float32)
        for i, levels in enumerate(np.rint(x).astype(int)):
            inside = levels[2] == 255
            for red, green in {(int(r), int(g)) for r, g in levels[:2, inside].T}:
                joint, person = divmod(red - 8, 12), divmod(green - 20, 40)
                assert (joint[1], person[1]) == (0, 0)
                name = joint[0] if i == 0 else COCO.flip_order[joint[0]]
                rows, columns = np.nonzero(inside & (levels[0] == red) & (levels[1] == green))
                at = np.array([columns.mean(), rows.mean()])
                coarse[i, name] = np.maximum(coarse[i, name], paint(at, 4, coarse.shape))
                fine[i, name] = np.maximum(fine[i, name], paint(at, 2, fine.shape))
                coarse[i, K + name][paint(at, 4, coarse.shape) > 0.05] = 3 * person[0] + 1
        return coarse, fine


def paint(input_xy: Array, stride: int, shape: Sequence[int]) -> Array:
    """Return a Gaussian (h, w) around a pixel of the input, in a map with so many of them per pixel."""
    x, y = (input_xy + 0.5) / stride - 0.5
    down, across = np.exp(-((np.arange(shape[2]) - y) ** 2) / 8), np.exp(-((np.arange(shape[3]) - x) ** 2) / 8)
    return (down[:, None] * across).astype(np.float32)


def assert_found(poses: Poses, xy: Array) -> None:
    """Assert that the people found are those at `xy`, in any order, every joint within a pixel."""
    assert poses.xy.shape == xy.shape
    found = poses.xy[np.lexsort(poses.xy[:, 0].T[::-1])]
    wanted = xy[np.lexsort(xy[:, 0].T[::-1])]
    assert np.linalg.norm(found - wanted, axis=2).max() < 1
    assert (poses.confidence > 0.3).all()
    np.testing.assert_allclose(poses.score, poses.confidence.mean(1), rtol=1e-5)


@pytest.mark.parametrize("portrait", [False, True])
@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("scales", [(1.0,), (0.5, 1.0, 2.0)])
def test_drawn_people_are_found_in_pixels_of_the_image(
    portrait: bool, flip_test: bool, scales: tuple[float, ...]
) -> None:
    image, xy = draw_dots(portrait=portrait)
    # 60 x 100 px: with three scales the long side is another multiple of the short one than with one.
    image = np.pad(image, ((0, 10), (0, 0), (0, 0)) if portrait else ((0, 0), (0, 10), (0, 0)))
    reader = DotReader()
    estimator = TagEstimator(reader, INPUT_SPEC, COCO, Options(scales=scales, flip_test=flip_test))
    (poses,) = estimator.predict([frame_of(image)])
    assert_found(poses, xy)
    n_images = 2 if flip_test else 1
    sizes = [(256, 512), (512, 1024), (128, 256)] if len(scales) == 3 else [(256, 448)]
    assert sorted(reader.shapes) == sorted((n_images, 3, *(size[::-1] if portrait else size)) for size in sizes)


def test_square_image_and_short_side_of_ones_own_work_too() -> None:
    image, xy = draw_dots(2)
    square = np.zeros((120, 120, 3), np.uint8)
    square[20:80, 15:105] = image
    (poses,) = TagEstimator(DotReader(), INPUT_SPEC, COCO, Options(input=512)).predict([frame_of(square)])
    assert_found(poses, xy + np.array([15, 20]))


def test_tags_are_those_of_scale_one_with_a_column_for_each_mirror_image() -> None:
    def network(x: Array) -> tuple[Array, Array]:
        n, _, height, width = x.shape
        coarse = np.full((n, 2 * K, height // 4, width // 4), height, np.float32)
        coarse[1:] += 1
        return coarse, np.full((n, K, height // 2, width // 2), height, np.float32)

    image, _ = draw_dots()
    heatmaps, tags = TagEstimator(network, INPUT_SPEC, COCO, Options(input=128, scales="2,0.5,1")).find_maps(image)
    assert heatmaps.shape == (K, 128, 256)  # the long side is rounded up at the least scale: 96 -> 128, of 64
    assert tags.shape == (K, 128, 256, 2)
    np.testing.assert_array_equal(tags[..., 0], 128)
    np.testing.assert_array_equal(tags[..., 1], 129)
    # Heatmaps are the mean over scales; the mirror image's coarse ones, half of the half, are 1 more.
    np.testing.assert_allclose(heatmaps, (64 + 128 + 256) / 3 + 0.25, rtol=1e-6)


def test_poses_do_not_depend_on_other_images_or_on_the_calls_they_come_in() -> None:
    people = [draw_dots(n, portrait, seed=n) for n, portrait in ((3, False), (1, True), (2, False), (2, True))]
    frames = [frame_of(image, number) for number, (image, _) in enumerate(people)]
    together = TagEstimator(DotReader(), INPUT_SPEC, COCO).predict(frames)
    assert [poses.image_id for poses in together] == [0, 1, 2, 3]
    for poses, (_, xy) in zip(together, people, strict=True):
        assert_found(poses, xy)
    estimator = TagEstimator(DotReader(), INPUT_SPEC, COCO)
    for poses in reversed(together):
        assert_same_poses(estimator.predict([frames[int(poses.image_id)]]), [poses])


def test_nobody_found_is_no_poses() -> None:
    frames = [frame_of(np.zeros((60, 90, 3), np.uint8), 7)]
    (poses,) = TagEstimator(DotReader(), INPUT_SPEC, COCO, Options(input=64)).predict(frames)
    assert poses.image_id == 7
    assert (poses.xy.shape, poses.confidence.shape, poses.score.shape) == ((0, K, 2), (0, K), (0,))


def test_frames_need_no_boxes() -> None:
    assert not TagEstimator(DotReader(), INPUT_SPEC, COCO).needs_boxes


@pytest.mark.parametrize("spoil", ["joints", "size", "order"])
def test_outputs_of_another_shape_are_one_clear_line(spoil: str) -> None:
    def network(x: Array) -> tuple[Array, Array]:
        coarse, fine = DotReader()(x)
        return {"joints": (coarse[:, :K], fine), "size": (coarse, coarse[:, :K]), "order": (fine, coarse)}[spoil]

    message = r"model 'dots' must give heatmaps and tags \(2, 34, 16, 32\) and heatmaps \(2, 17, 32, 64\) for skeleton"
    with pytest.raises(UserError, match=message) as caught:
        TagEstimator(network, INPUT_SPEC, COCO, Options(input=64)).predict([frame_of(draw_dots()[0])])
    assert "\n" not in str(caught.value)


def test_network_with_one_output_is_one_clear_line() -> None:
    with pytest.raises(UserError, match=r"must give heatmaps and tags .*, got \(2, 34, 16, 32\)$"):
        TagEstimator(lambda x: DotReader()(x)[:1], INPUT_SPEC, COCO, Options(input=64)).predict(
            [frame_of(draw_dots()[0])]
        )


def test_other_joints_are_one_clear_line() -> None:
    with pytest.raises(UserError, match="use a model of that skeleton") as caught:
        TagEstimator(DotReader(), INPUT_SPEC, MPII)
    assert "\n" not in str(caught.value)


def test_card_without_joints_takes_those_of_the_annotations() -> None:
    six = Skeleton("six", tuple("abcdef"), (), (0.1,) * 6, flip_pairs=())

    def network(x: Array) -> tuple[Array, Array]:
        return tuple(maps[:, :n] for maps, n in zip(DotReader()(x), (12, 6), strict=True))  # type: ignore[return-value]

    input_spec = InputSpec("six", (64, 64), mean=INPUT_SPEC.mean, std=INPUT_SPEC.std, family="tags")
    assert TagEstimator(network, input_spec, six).find_maps(draw_dots()[0])[0].shape == (6, 64, 128)


# Networks with weights, from the command line's words


class OwnTags(SmallTagsNet):
    """Somebody's own network: outside the table, so that only its file says what it looks at."""


@pytest.fixture(scope="module")
def tags_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, of a network that takes a good deal for people."""
    torch.manual_seed(0)
    network = SmallTagsNet(K)
    with torch.no_grad():
        for head, bias in ((network.coarse, 0.0), (network.fine, -0.5)):
            head.weight.normal_(0, 3)
            head.bias.fill_(bias)
    path = tmp_path_factory.mktemp("tags") / "tags.safetensors"
    save_weights(network, make_input_spec("small_tags", COCO, (64, 64)), path)
    return path


Build = Callable[..., TagEstimator]


@pytest.fixture
def build(tags_file: Path, packed_small: None) -> Build:
    """A function of options that makes the estimator of those weights."""
    return partial(build_tags, tags_file)


def build_tags(path: Path, **options: object) -> TagEstimator:
    estimator = estimators.build(f"small_tags:{path}", COCO, options)
    assert isinstance(estimator, TagEstimator)
    return estimator


def test_poses_of_a_real_network_do_not_depend_on_what_came_before(tags_file: Path) -> None:
    assert_poses_do_not_depend_on_what_came_before(partial(build_tags, tags_file, max_people=4))


def test_openvino_gives_nearly_the_same_maps_whatever_came_before(build: Build) -> None:
    pytest.importorskip("openvino")
    frames = toy_frames(3)
    estimator = build(backend="openvino")
    first = [estimator.find_maps(frame.image) for frame in frames]
    for frame, (heatmaps, tags) in reversed(list(zip(frames, first, strict=True))):
        again = estimator.find_maps(frame.image)
        np.testing.assert_array_equal(again[0], heatmaps)
        np.testing.assert_array_equal(again[1], tags)
        expected = build().find_maps(frame.image)
        for found, wanted in zip((heatmaps, tags), expected, strict=True):
            assert error_of(found, wanted) < 1e-4


def test_provenance_says_what_decides_the_poses(build: Build) -> None:
    provenance = build().provenance
    assert provenance["kind"] == "small_tags"
    assert provenance["name"] == "tags.safetensors"
    assert len(str(provenance["sha256"])) == 64
    assert provenance["input"] == "64x64"
    assert (provenance["scales"], provenance["flip_test"], provenance["refine"]) == ("1", True, True)
    others = build(input="128", scales="0.5,1", flip_test=False, refine=False, max_people=3, threshold="0.2")
    changed = {key for key, value in others.provenance.items() if value != provenance[key]}
    assert changed == {"input", "scales", "flip_test", "refine", "max_people", "threshold"}


@pytest.mark.parametrize(
    ("options", "size_hw"),
    [({}, (64, 128)), ({"input": "128"}, (128, 192)), ({"input": 192}, (192, 256)), ({"input": "128x256"}, (128, 192))],
)
def test_input_is_the_short_side(build: Build, options: dict[str, object], size_hw: tuple[int, int]) -> None:
    heatmaps, tags = build(**options).find_maps(np.zeros((75, 100, 3), np.uint8))
    assert heatmaps.shape == (K, *size_hw)
    assert tags.shape == (K, *size_hw, 2)


def test_options_change_what_they_say(build: Build) -> None:
    frames = toy_frames(1)
    image = frames[0].image
    plain = build(max_people=4)
    heatmaps, _ = plain.find_maps(image)
    (poses,) = plain.predict(frames)
    assert build(flip_test=False).find_maps(image)[1].shape[3] == 1
    assert np.abs(build(scales="1,2").find_maps(image)[0] - heatmaps).max() > 0.01
    (fewer,) = build(max_people=1).predict(frames)
    assert 0 < len(fewer.score) < len(poses.score)
    (bare,) = build(max_people=4, refine=False).predict(frames)
    assert (bare.confidence == 0).sum() > (poses.confidence == 0).sum()
    np.testing.assert_array_equal(bare.score, poses.score)
    assert len(build(threshold=str(heatmaps.max())).predict(frames)[0].score) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input": "10"}, "option 'input' must be at least 64, got '10'"),
        ({"input": 10}, "option 'input' must be at least 64, got 10"),
        ({"input": "large"}, "option 'input' must be px of one side such as 512, or 512x512, got 'large'"),
        ({"input": "1x2x3"}, "option 'input' must be px of one side such as 512, or 512x512, got '1x2x3'"),
        ({"input": "nan"}, "option 'input' must be px of one side such as 512, or 512x512, got 'nan'"),
        ({"input": float("inf")}, "option 'input' must be px of one side such as 512, or 512x512, got inf"),
        ({"threshold": "nan"}, "option 'threshold' must be made of finite numbers, got 'nan'"),
        ({"scales": "nan,1"}, "option 'scales' must be made of finite numbers, got 'nan,1'"),
        ({"scales": "1e-9,1"}, r"option 'scales' must be 0\.1 to 10, got '1e-9,1'"),
        ({"scales": "0"}, r"option 'scales' must be 0\.1 to 10, got '0'"),
        ({"scales": "1,-1"}, r"option 'scales' must be 0\.1 to 10, got '1,-1'"),
        ({"scales": "2"}, "option 'scales' must hold 1, whose tags are used, got '2'"),
        ({"scales": (0.5, 2)}, r"option 'scales' must hold 1, whose tags are used, got \(0\.5, 2\)"),
        ({"scales": "1;2"}, "option 'scales' must be made of numbers, got '1;2'"),
        ({"threshold": "x"}, "option 'threshold' must be made of numbers, got 'x'"),
        ({"threshold": "-1"}, "option 'threshold' must be one number, at least 0, got '-1'"),
        ({"threshold": "1,2"}, "option 'threshold' must be one number, at least 0, got '1,2'"),
        ({"max_people": 0}, "option 'max_people' must be at least 1, got 0"),
        ({"backend": "compile"}, "option 'backend' must be torch or openvino, got 'compile'"),
        ({"precision": "half"}, "option 'precision' must be float32, bf16 or fp16, got 'half'"),
        ({"scale": "1"}, r"there is no option 'scale' \(did you mean 'scales'\?\)"),
    ],
)
def test_option_that_makes_no_sense_is_one_clear_line(build: Build, options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        build(**options)
    assert "\n" not in str(caught.value)


def test_scales_whose_sizes_no_network_takes_are_one_clear_line(build: Build) -> None:
    image = np.zeros((100, 130, 3), np.uint8)
    assert build(scales="1,1.5").find_maps(image)[0].shape == (K, 64, 128)  # 96 x 192 px at 1.5
    with pytest.raises(
        UserError, match=r"sides must be multiples of 32: choose multiples of the least scale"
    ) as caught:
        build(scales="0.75,1").find_maps(image)
    assert "\n" not in str(caught.value)


def test_file_of_another_network_or_without_a_card_is_one_clear_line(tags_file: Path, tmp_path: Path) -> None:
    save_weights(models.build("small"), make_input_spec("small", COCO, (64, 64)), tmp_path / "small.safetensors")
    torch.save(SmallTagsNet(K).state_dict(), tmp_path / "bare.pth")
    for spec, skeleton, message in (
        (f"small_tags:{tmp_path / 'small.safetensors'}", COCO, r"small\.safetensors does not fit SmallTagsNet"),
        (f"small:{tags_file}", COCO, "does not fit SmallNet"),
        (
            f"small_tags:{tags_file}",
            MPII,
            "model 'small_tags' finds 17 joints .*and lacks pelvis, .*use a model of that skeleton",
        ),
        (f"small_tags:{tmp_path / 'bare.pth'}", COCO, r"bare\.pth carries no input spec"),
        (f"small_tags:{tmp_path / 'none.pth'}", COCO, r"there is no weights file .*none\.pth"),
        ("small_tags:", COCO, "name the weights: --model small_tags:FILE"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            estimators.build(spec, skeleton, {})
        assert "\n" not in str(caught.value)


def test_card_says_how_somebodys_own_network_is_used(tags_file: Path, build: Build, tmp_path: Path) -> None:
    spec = f"{__name__}:OwnTags:"
    estimator = estimators.build(f"{spec}{tags_file}", COCO, {"max_people": 4})
    assert isinstance(estimator, TagEstimator)
    assert estimator.provenance["kind"] == f"{__name__}:OwnTags"
    frames = toy_frames(1)
    assert_same_poses(estimator.predict(frames), build(max_people=4).predict(frames))
    save_weights(OwnTags(K), make_input_spec("own", COCO, (64, 64), "heatmaps"), tmp_path / "crops.safetensors")
    assert isinstance(estimators.build(f"{spec}{tmp_path / 'crops.safetensors'}", COCO, {}), HeatmapEstimator)


def test_bench_uses_no_boxes_and_gives_the_same_bytes_with_two_workers(tags_file: Path, tmp_path: Path) -> None:
    summary, _ = bench_crowds(f"small_tags:{tags_file}", {"max_people": 3}, tmp_path)
    assert summary["provenance"]["dataset"]["name"] == "toy-crowds"
    rows = [json.loads(line) for line in (tmp_path / "1/results.jsonl").read_text().splitlines()]
    assert [row["box_protocol"] for row in rows] == ["none", "none"]
