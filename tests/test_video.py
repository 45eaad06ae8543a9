"""Video: what an H.264 stream does to an image is exact, has no colour of its own, and says what decided it."""

import builtins
import json
import types

import numpy as np
import pytest

from robustpose.corruptions import TABLE, corrupt, corrupt_all, h264
from robustpose.corruptions.suites import SUITES
from robustpose.data.corrupted import MadeImages
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.types import Frame
from tests.scenes import draw_scene

SUITE = SUITES["video"]
HOW = "pip install 'robustpose[video]'"
needs_av = pytest.mark.skipif(not h264.is_installed(), reason=f"needs PyAV: {HOW}")


def distance(one, other):
    return float(((one.astype(float) - other) ** 2).mean())


@needs_av
@pytest.mark.parametrize("name", SUITE.corruptions)
def test_harsher_severities_are_further_from_the_image(name):
    image = draw_scene(96, 128)
    far = [distance(corrupt(image, name, severity), image) for severity in (1, 3, 5)]
    assert far == sorted(far)


@needs_av
@pytest.mark.parametrize("shape", [(32, 32), (33, 47), (90, 32), (61, 80)])
def test_any_size_from_32_px_on_comes_back_and_the_image_is_not_changed(shape):
    image = draw_scene(*shape)
    kept = image.copy()
    for worse in corrupt_all(image, [(name, severity) for name in SUITE.corruptions for severity in (1, 5)]):
        assert worse.shape == image.shape
    np.testing.assert_array_equal(image, kept)


@needs_av
@pytest.mark.parametrize("name", SUITE.corruptions)
def test_pixels_depend_neither_on_the_seed_nor_on_the_cells_before(name):
    image = draw_scene(48, 64)
    alone = corrupt(image, name, 4)
    *_, after_others = corrupt_all(image, [*((one, 2) for one in SUITE.corruptions), (name, 4)], (7, 139))
    np.testing.assert_array_equal(alone, after_others)


@needs_av
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (20, 200, 90), (90, 30, 240)])
def test_fine_quantiser_keeps_colours(colour):
    image = np.full((48, 64, 3), colour, np.uint8)
    assert np.abs(h264.pass_stream([h264.to_frame(image)], 1).astype(int) - colour).max() <= 2


@needs_av
def test_fine_quantiser_shifts_no_channel_of_a_scene():
    image = draw_scene(96, 128)
    seen = h264.pass_stream([h264.to_frame(image)], 1)
    assert np.abs((seen.astype(float) - image).mean((0, 1))).max() < 0.5


@needs_av
def test_odd_edges_are_repeated_before_they_are_encoded():
    image = draw_scene(33, 47)
    even = np.pad(image, ((0, 1), (0, 1), (0, 0)), mode="edge")
    np.testing.assert_array_equal(corrupt(image, "h264", 3), corrupt(even, "h264", 3)[:33, :47])


@needs_av
def test_too_long_a_side_is_one_line():
    frame = Frame(1, lambda: pytest.fail("it was decoded"), file_name="a.jpg", size_wh=(17_000, 40))
    with pytest.raises(UserError, match=r"^h264 takes at most 16,384 px a side, but a.jpg is 17000 x 40 px$"):
        MadeImages().check([Cell("h264", 1)], [frame])


@needs_av
def test_versions_of_the_codec_are_told_of_cells_that_need_it_alone():
    code = MadeImages().code_of([CLEAN, Cell("fog", 1), Cell("h264_small", 1), Cell("h264_small", 5)])
    assert code == {"h264_small": h264.list_versions()}
    assert code["h264_small"]["libx264"][:1].isdigit()


@needs_av
@pytest.mark.parametrize("corruption", ["fog", "h264"])
def test_corrupted_set_says_which_codec_made_it(tmp_path, run, coco_folder, corruption):
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--workers", 1)
    chosen = ("--corruptions", corruption, "--severities", 3)
    code, _, errors = run("corrupt", *data, *chosen, "--out", tmp_path / "set")
    assert code == 0, errors
    manifest = json.loads((tmp_path / "set/manifest.json").read_text())
    assert manifest.get("corruption_code") == ({"h264": h264.list_versions()} if corruption == "h264" else None)


def test_without_the_library_one_line_says_what_to_install_before_any_work(tmp_path, run, monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest, **named):
        if name == "av":
            raise ModuleNotFoundError("No module named 'av'", name="av")
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    h264._import_av.cache_clear()
    try:
        assert not h264.is_installed()
        with pytest.raises(UserError) as error:
            corrupt(draw_scene(32, 32), "h264", 1)
        line = f"corruptions of H.264 need PyAV, which is not installed: {HOW}"
        assert str(error.value) == line
        code, _, errors = run(
            "bench", "--model", "demo", "--data", "toy", "--suite", "video", "--out", tmp_path / "run"
        )
        assert (code, errors.strip()) == (2, f"error: {line}")
        assert not (tmp_path / "run").exists()
        MadeImages().check([Cell("fog", 1)])
        assert "robustpose[video]" in run("list", "suites")[1]
    finally:
        h264._import_av.cache_clear()


def test_codec_without_the_encoder_is_one_line_that_names_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", types.SimpleNamespace(codecs_available={"h264"}))
    h264._import_av.cache_clear()
    try:
        with pytest.raises(UserError, match=r"^corruptions of H.264 need the encoder libx264, which .* lacks: install"):
            h264.check_codec(TABLE)
        h264.check_codec(["fog"])
    finally:
        h264._import_av.cache_clear()
