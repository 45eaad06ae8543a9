import importlib.metadata
import json
from pathlib import Path

import numpy as np
import pytest

import robustpose
from robustpose.corruptions import SEVERITIES, TABLE, corrupt, h264
from robustpose.corruptions.frost_textures import load_textures
from robustpose.corruptions.suites import COCO_C, HELD_OUT, SUITES
from robustpose.errors import UserError
from tests.conftest import load_module
from tests.goldens.make_corruptions import IMAGES, hash_cell
from tests.scenes import draw_scene

ALL = tuple(TABLE)
CELLS = [(name, severity) for name in ALL for severity in SEVERITIES]
PUBLISHED = (*COCO_C.corruptions, *HELD_OUT.corruptions)  # by imagecorruptions
OWN_GOLDENS = json.loads((Path(__file__).parent / "goldens/corruptions.json").read_text())
EXACT_ON = {"numpy": "2.4.6", "scipy": "1.17.1", "opencv-python-headless": "5.0.0.93", "pillow": "13.0.0"}
X264 = "165"
HAVE_TEXTURES = load_textures().source == "original"


def skip_where_not_exact(name):
    installed = {library: importlib.metadata.version(library) for library in EXACT_ON}
    if installed != EXACT_ON:
        pytest.skip(f"equal to the last bit on {EXACT_ON}, installed are {installed}")
    if name in h264.CORRUPTIONS and not h264.is_installed():
        pytest.skip("needs PyAV: pip install 'robustpose[video]'")
    if name in h264.CORRUPTIONS and h264.list_versions()["libx264"] != X264:
        pytest.skip(f"equal to the last bit on libx264 {X264}, installed are {h264.list_versions()}")
    if name == "frost" and not HAVE_TEXTURES:
        pytest.skip("needs the original frost textures: robustpose frost install")


def seed_for(name):
    return "release" if name != "frost" or HAVE_TEXTURES else 1


def test_there_are_15_names_in_four_groups_and_4_held_out():
    assert len(COCO_C.corruptions) == len(set(COCO_C.corruptions)) == 15
    assert [len(names) for names in COCO_C.groups.values()] == [3, 4, 4, 4]
    assert len(HELD_OUT.corruptions) == 4
    assert set(TABLE) == {name for suite in SUITES.values() for name in suite.corruptions}
    assert robustpose.corrupt is corrupt


@pytest.mark.parametrize(("name", "severity"), [(name, severity) for name in PUBLISHED for severity in SEVERITIES])
@pytest.mark.parametrize("size", ["36x48", "120x160", "240x426", "480x640", "512x333"])
def test_release_pixels_equal_the_original_program(shared, name, severity, size):
    skip_where_not_exact(name)
    image, positions, expected = golden_cell(shared, size, name, severity)
    ours = corrupt(image, name, severity, "release")
    if positions is not None:
        ours = ours.reshape(-1, 3)[positions]
    assert ours.shape == expected.shape
    assert int((ours != expected).sum()) == 0


_loaded = {}


def golden_cell(shared, size, name, severity):
    if size not in _loaded:
        with np.load(shared / f"goldens/corruptions_{size}.npz") as arrays:
            content = {key: arrays[key] for key in arrays if not key.startswith("jpgsha")}
        if "image" not in content:
            content["image"] = load_module(shared / "goldens/scene.py").scene(*content["shape"].tolist())
        _loaded[size] = content
    content = _loaded[size]
    return content["image"], content.get("pos"), content[f"{name}_{severity}"]


@pytest.mark.parametrize(("name", "severity"), CELLS)
@pytest.mark.parametrize("which", IMAGES)
def test_release_pixels_equal_our_own_goldens(which, name, severity):
    skip_where_not_exact(name)
    assert hash_cell(IMAGES[which], name, severity) == OWN_GOLDENS[f"{which}/{name}/{severity}"]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [(32, 32), (33, 117), (130, 32), (64, 65)])
def test_any_size_from_32_px_keeps_its_shape(name, size):
    image = draw_scene(*size)
    for severity in (1, 5):
        corrupted = corrupt(image, name, severity, seed_for(name))
        assert corrupted.shape == image.shape
        assert corrupted.dtype == np.uint8


@pytest.mark.parametrize("name", ALL)
def test_black_white_and_flat_images_are_taken(name):
    for value in (0, 255, 128):
        corrupt(np.full((40, 50, 3), value, np.uint8), name, 3, seed_for(name))


@pytest.mark.parametrize("name", ALL)
def test_input_is_not_changed(name):
    image = draw_scene(40, 50)
    before = image.copy()
    corrupt(image, name, 4, seed_for(name))
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", ALL)
def test_grey_image_is_taken_as_rgb_with_equal_channels(name):
    grey = draw_scene(40, 50)[:, :, 0]
    expected = corrupt(np.stack([grey] * 3, axis=2), name, 2, seed_for(name))
    np.testing.assert_array_equal(corrupt(grey, name, 2, seed_for(name)), expected)
    np.testing.assert_array_equal(corrupt(grey[:, :, None], name, 2, seed_for(name)), expected)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("seed", [3, (3, 77), (3, "image.jpg")])
def test_same_cell_gives_same_pixels_in_any_order(name, seed):
    image = draw_scene(40, 50)
    first = corrupt(image, name, 3, seed)
    corrupt(draw_scene(50, 40), name, 3, seed)
    np.testing.assert_array_equal(corrupt(image, name, 3, seed), first)


@pytest.mark.parametrize("name", ["gaussian_noise", "glass_blur", "motion_blur", "snow", "frost", "fog", "spatter"])
def test_independent_fields_differ_between_images_runs_and_severities(name):
    image = draw_scene(64, 80)
    one = corrupt(image, name, 3, (0, 1))
    assert (one != corrupt(image, name, 3, (0, 2))).any()
    assert (one != corrupt(image, name, 3, (1, 1))).any()


@pytest.mark.parametrize("name", ["gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "zoom_blur", "fog"])
def test_higher_severity_changes_the_image_more(name):
    image = draw_scene(96, 128)
    changes = [abs(corrupt(image, name, s).astype(int) - image).mean() for s in SEVERITIES]
    assert changes == sorted(changes)


@pytest.mark.parametrize("name", COCO_C.corruptions)
def test_independent_noise_has_the_strength_of_release_noise(name):
    image = draw_scene(96, 128)
    if name == "frost":
        pytest.skip("depends on the part of the texture that is drawn")
    release = abs(corrupt(image, name, 3).astype(int) - image).mean()
    independent = np.mean([abs(corrupt(image, name, 3, (0, i)).astype(int) - image).mean() for i in range(8)])
    assert independent == pytest.approx(release, rel=0.35)


@pytest.mark.parametrize(
    ("image", "name", "severity", "seed", "message"),
    [
        (draw_scene(31, 40), "fog", 1, 0, "at least 32 x 32 px, got 40 x 31"),
        (draw_scene(40, 40).astype(float), "fog", 1, 0, "uint8, got .* float64"),
        (np.zeros((40, 40, 4), np.uint8), "fog", 1, 0, r"got \(40, 40, 4\)"),
        (draw_scene(40, 40), "fogg", 1, 0, r"unknown corruption 'fogg' \(did you mean 'fog'\?\)"),
        (draw_scene(40, 40), "fog", 0, 0, "severity must be 1, 2, 3, 4 or 5, got 0"),
        (draw_scene(40, 40), "fog", 6, 0, "got 6"),
        (draw_scene(40, 40), "fog", 1, "random", "seed must be 'release'"),
        (draw_scene(40, 40), "fog", 1, (0.5, 1), "seed must be 'release'"),
        (draw_scene(40, 40), "tests.outside:shrinks", 1, 0, r"must return \(40, 40, 3\) uint8, got \(20, 20, 3\)"),
    ],
)
def test_wrong_call_is_an_error_that_says_what_came(image, name, severity, seed, message):
    with pytest.raises(UserError, match=message):
        corrupt(image, name, severity, seed)


def test_corruption_of_your_own_is_taken_by_its_path():
    image = draw_scene(40, 50)
    corrupted = corrupt(image, "tests.outside:darken", 4, (0, 9))
    assert corrupted.mean() < image.mean()
