import os
import shutil

import numpy as np
import PIL.Image
import pytest

from robustpose.corruptions import corrupt
from robustpose.corruptions.frost_textures import (
    ORIGINALS,
    _load_textures,
    cache_dir,
    generate_textures,
    install_textures,
    load_textures,
)
from robustpose.data.images import write_image
from robustpose.errors import UserError
from tests.scenes import draw_scene


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ROBUSTPOSE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def originals():
    if load_textures().source != "original":
        pytest.skip("needs the original frost textures: robustpose frost install")
    return cache_dir()


def test_release_frost_without_originals_names_the_command(empty_cache):
    with pytest.raises(UserError, match="robustpose frost install") as error:
        corrupt(draw_scene(40, 40), "frost", 1, "release")
    assert "\n" not in str(error.value)


def test_independent_frost_without_originals_uses_generated_textures_and_says_so(empty_cache):
    assert load_textures().source == "generated"
    corrupted = corrupt(draw_scene(40, 40), "frost", 3, 0)
    assert corrupted.mean() > draw_scene(40, 40).mean() * 0.7


def test_generated_textures_are_bright_bluish_varied_and_always_the_same():
    textures = generate_textures().images
    assert len(textures) == 5
    for texture in textures:
        blue, _, red = texture.reshape(-1, 3).mean(0)
        assert 60 < texture.mean() < 200
        assert blue > red
        assert texture.std() > 20
    generate_textures.cache_clear()
    np.testing.assert_array_equal(generate_textures().images[2], textures[2])


def test_originals_are_known_by_their_hashes(originals):
    textures = load_textures(original=True)
    assert len(textures.images) == 6
    assert {p.name for p in originals.iterdir()} >= set(ORIGINALS)


def test_folder_of_originals_is_as_good_as_the_installed_ones(originals, tmp_path, empty_cache):
    shutil.copytree(originals, tmp_path / "mine")
    assert load_textures(tmp_path / "mine", original=True).source == "original"


def test_damaged_original_is_named(originals, tmp_path):
    shutil.copytree(originals, tmp_path / "damaged")
    (tmp_path / "damaged/frost4.jpg").write_bytes(b"something else")
    with pytest.raises(UserError, match=r"frost4\.jpg has another SHA-256"):
        load_textures(tmp_path / "damaged", original=True)


def test_folder_of_other_images_is_named_by_its_content(tmp_path):
    write_image(tmp_path / "pane.png", draw_scene(60, 90))
    assert load_textures(tmp_path).source.startswith("folder:")
    with pytest.raises(UserError, match="original frost textures"):
        load_textures(tmp_path, original=True)


def test_missing_and_empty_folders_are_errors(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load_textures(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"holds no .png or .jpg"):
        load_textures(tmp_path)


def test_install_does_nothing_where_the_originals_are(originals):
    assert install_textures() == originals


def test_failed_download_is_one_clear_line(empty_cache, monkeypatch):
    monkeypatch.setattr("robustpose.corruptions.frost_textures.DISTRIBUTION", "imagecorruptions==0.0.0.nonsense")
    with pytest.raises(UserError, match="pip could not fetch") as error:
        install_textures()
    assert "\n" not in str(error.value)


def test_cache_that_cannot_be_written_is_one_line_that_names_the_variable(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ROBUSTPOSE_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="set ROBUSTPOSE_CACHE to a folder that can be written"):
        install_textures()


def test_user_without_a_home_has_generated_textures(monkeypatch):
    for name in ("ROBUSTPOSE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert load_textures().source == "generated"
    with pytest.raises(UserError, match=r"no home.*ROBUSTPOSE_CACHE"):
        install_textures()


def test_folder_holds_whatever_it_likes_beside_textures(tmp_path):
    write_image(tmp_path / "pane.png", draw_scene(60, 90))
    expected = load_textures(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "more.png").mkdir()
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    _load_textures.cache_clear()
    assert load_textures(tmp_path).source == expected.source


def test_textures_beyond_the_first_five_are_not_kept(tmp_path):
    for number in range(7):
        write_image(tmp_path / f"{number}.png", draw_scene(60, 90, seed=number))
    assert len(load_textures(tmp_path).images) == 5


@pytest.mark.parametrize("content", [b"", b"no image", "cut"])
def test_texture_that_is_no_image_is_one_line_that_names_it(tmp_path, content):
    write_image(tmp_path / "pane.jpg", draw_scene(60, 90))
    whole = (tmp_path / "pane.jpg").read_bytes()
    (tmp_path / "pane.jpg").write_bytes(whole[:-300] if content == "cut" else content)
    with pytest.raises(UserError, match=r"image .*pane\.jpg cannot be read"):
        load_textures(tmp_path)


def test_16_bit_texture_is_scaled_and_a_darker_one_refused(tmp_path):
    grey = draw_scene(60, 90)[:, :, 1].astype(np.uint16)
    for folder, values in (("deep", grey * 257), ("dark", grey * 16)):
        (tmp_path / folder).mkdir()
        PIL.Image.fromarray(values).save(tmp_path / folder / "pane.png")
    (texture,) = load_textures(tmp_path / "deep").images
    np.testing.assert_array_equal(texture, np.repeat(grey[:, :, None], 3, axis=2))
    with pytest.raises(UserError, match="16-bit values below a quarter"):
        load_textures(tmp_path / "dark")


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (300, 2)])
def test_texture_of_any_size_covers_the_image(tmp_path, size):
    write_image(tmp_path / "pane.png", np.full((*size, 3), 200, np.uint8))
    assert corrupt(draw_scene(40, 50), "frost", 3, 0, frost=tmp_path).shape == (40, 50, 3)
