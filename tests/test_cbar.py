"""The suite c-bar equals the program of its authors to the last bit, on squares and on canvases."""

import hashlib
import json

import numpy as np
import pytest

from robustpose.benchmark.identity import choose_provenance
from robustpose.changes import BY_CORRUPTION
from robustpose.corruptions import SEVERITIES, TABLE, corrupt, corrupt_all, seeding
from robustpose.corruptions.cache import FieldCache
from robustpose.corruptions.exact.steps import find_steps
from robustpose.corruptions.exact.veils import add_veil, find_veil
from robustpose.corruptions.exact.whitening import find_codes, whiten
from robustpose.corruptions.seeding import ReleaseRng
from robustpose.corruptions.suites import SUITES
from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.data.stored import open_stored_images
from robustpose.errors import UserError
from robustpose.export.write import SetJob, write_set
from robustpose.pose.cell import Cell
from robustpose.registry import load
from tests.runs import files_of
from tests.scenes import draw_scene
from tests.test_corruptions import skip_where_not_exact

SUITE = SUITES["c-bar"]
NAMES = SUITE.corruptions


@pytest.fixture
def empty_cache(monkeypatch):
    cache = FieldCache()
    monkeypatch.setattr(seeding, "CACHE", cache)
    return cache


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [75, 224])
def test_pixels_and_numbers_drawn_are_those_of_the_authors_program(shared, empty_cache, name, size):
    skip_where_not_exact(name)
    with np.load(shared / f"goldens/cbar_{size}.npz") as golden:
        for severity in SEVERITIES:
            empty_cache.clear()
            rng = ReleaseRng({})
            ours = load(name, TABLE)(golden["image"], severity, rng)
            assert hashlib.sha256(ours.tobytes()).digest() == golden[f"sha_{name}_{severity}"].tobytes()
            assert rng.random_sample() == golden[f"next_{name}_{severity}"]


@pytest.mark.parametrize("name", NAMES)
def test_image_that_is_no_square_lies_in_the_corner_of_a_black_one(name):
    for shape in ((45, 64), (64, 45)):
        image = draw_scene(*shape)
        canvas = np.zeros((64, 64, 3), np.uint8)
        canvas[: shape[0], : shape[1]] = image
        for severity in (1, 5):
            expected = corrupt(canvas, name, severity)[: shape[0], : shape[1]]
            np.testing.assert_array_equal(corrupt(image, name, severity), expected)


def test_images_of_one_longer_side_share_their_fields(empty_cache):
    cells = [(name, severity) for name in NAMES for severity in SEVERITIES]
    list(corrupt_all(draw_scene(48, 64), cells))
    size = empty_cache.size
    list(corrupt_all(draw_scene(64, 40), cells))
    assert empty_cache.size == size < 65 * 64**2 + 2**15


def test_steps_are_floors_of_the_noise_at_every_amplitude():
    noise, amplitudes = np.random.default_rng(0).normal(size=(50, 50)), np.array([6.4, 12.8, 19.6, 25.6, 98.0])
    steps = find_steps([noise], 50, amplitudes)
    for amplitude, table in zip(amplitudes, steps.tables, strict=True):
        np.testing.assert_array_equal(table[steps.codes[:, :, 0]], np.floor(amplitude * noise))


def test_veil_of_float32_is_that_of_float64_for_every_value():
    scaled, amounts = np.array([[0.77], [0.9]]) * np.arange(256), np.array([58.65, 20.0])
    rng = np.random.default_rng(0)
    near = (rng.integers(-40, 40, 500) - scaled[0, rng.integers(0, 256, 500)]) / amounts[0] % 1  # of a whole number
    noise = np.concatenate([near + rng.normal(0, 1e-9, 500), rng.uniform(-1, 1, 3000)])
    veil = find_veil([noise[None, :, None]], scaled, amounts)
    assert 100 < len(veil.listed) < 600
    image = np.repeat(np.arange(256, dtype=np.uint8)[:, None], len(noise), axis=1)[:, :, None].repeat(3, axis=2)
    tall = veil._replace(
        noise=veil.noise.repeat(256, axis=0),
        rows=np.repeat(np.arange(256, dtype=np.int32), len(veil.rows)),
        columns=np.tile(veil.columns, 256),
        channels=np.tile(veil.channels, 256),
        listed=np.tile(veil.listed, 256),
    )
    for row, amount in zip(scaled, amounts, strict=True):
        out = np.empty_like(image)
        add_veil(image, row, amount, tall, out)
        expected = np.clip(row[:, None] + amount * noise, 0, 255).astype(np.uint8)
        np.testing.assert_array_equal(out, expected[:, :, None].repeat(3, axis=2))


def test_sixteen_bits_whiten_all_values_as_real_numbers_do():
    rng = np.random.default_rng(0)
    near = np.repeat([n / d for d in (1, 2, 3, 100, 254, 255) for n in range(d + 1)], 3)
    kept = np.clip(np.concatenate([near + np.tile([-1e-9, 0, 1e-9], len(near) // 3), rng.uniform(size=3000)]), 0, 1)
    codes, in_doubt = find_codes(kept[None], 1e-12)
    values = np.repeat(np.arange(256, dtype=np.uint8)[:, None], len(kept), axis=1)
    image, out = np.repeat(values[:, :, None], 3, axis=2), np.empty((256, len(kept), 3), np.uint8)
    whiten(image, np.repeat(codes, 256, axis=0), out)
    expected = np.floor(255 - kept * (255.0 - values)).astype(np.uint8)
    sure = ~in_doubt[0]
    assert sure.mean() > 0.7
    np.testing.assert_array_equal(out[:, sure, 0], expected[:, sure])
    assert find_codes(kept[None], 1e-6)[1][0, : len(near)].mean() > 0.98  # but for 0 and 1


def test_sets_of_two_workers_are_those_of_one_and_name_the_canvas(tmp_path, coco_folder):
    data = DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images", limit=3).open
    cells = [Cell(name, 3) for name in (*NAMES, "brightness")]
    for workers, seed in ((1, "release"), (2, "release"), (1, 4)):
        job = SetJob(data, MadeImages(seed), "plain", "png", tmp_path / f"{workers}-{seed}")
        write_set(job, cells, workers=workers)
        assert json.loads((job.out / "manifest.json").read_text())["shape_convention"] == "canvas"
    assert files_of(tmp_path / "2-release") == files_of(tmp_path / "1-release")
    write_set(SetJob(data, MadeImages(4), "plain", "png", tmp_path / "bright"), cells[-1:])
    assert "shape_convention" not in json.loads((tmp_path / "bright/manifest.json").read_text())
    stored, plain = (open_stored_images(tmp_path / name).provenance() for name in ("1-4", "bright"))
    assert stored["shape_convention"] == "canvas"
    assert "shape_convention" not in plain


def test_runs_with_cells_of_the_suite_name_the_canvas_and_others_are_as_before():
    made = {"profile": "release", "seed": "release", "frost_textures": "original", BY_CORRUPTION: {}}
    cells = [Cell("perlin_noise", 1), Cell("fog", 2)]
    assert choose_provenance(made, cells)["shape_convention"] == "canvas"
    assert "shape_convention" not in choose_provenance(made, cells[1:])
    stored = {**made, "corrupted_images": {"manifest": "none"}}
    assert choose_provenance(stored, cells)["shape_convention"] == "unknown"
    told = {**stored, "shape_convention": "canvas"}
    assert choose_provenance(told, cells)["shape_convention"] == "canvas"
    assert "shape_convention" not in choose_provenance(told, cells[1:])


@pytest.mark.parametrize(("name", "seed"), [("blue_noise_sample", "release"), ("brownish_noise", 7)])
def test_canvas_of_a_long_image_is_refused_before_it_is_made(name, seed):
    with pytest.raises(UserError, match=rf"^{name} of an image \(40 x 20000 px\) takes [\d,]+ MB"):
        corrupt(np.zeros((20_000, 40, 3), np.uint8), name, 1, seed)
