"""Opening: EXIF orientation, sizes beyond the limit, and what is no image, all told before anything is decoded."""

import os
import socket
import struct
import tracemalloc
import zlib

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from robustpose.data.images import read_in_place_of
from robustpose.errors import UserError
from robustpose.image_files.opening import read_header, read_image, turn
from tests.scenes import draw_scene

IMAGE = draw_scene(40, 60)


def write_turned(path, orientation, **options):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    PIL.Image.fromarray(IMAGE).save(path, exif=exif, **options)


def chunk(kind, content=b""):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, *chunks):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND")


# EXIF


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
        ("raw.tif", {"compression": "raw"}),
        ("packed.tif", {"compression": "tiff_lzw"}),
    ],
)
def test_exif_is_applied_as_viewers_do_or_ignored(tmp_path, orientation, name, options):
    path = tmp_path / name
    write_turned(path, orientation, **options)
    header = read_header(path)
    assert header.orientation == orientation
    turned = np.asarray(PIL.ImageOps.exif_transpose(PIL.Image.open(path).copy())) if name != "raw.tif" else None
    turned = turn(IMAGE, orientation) if turned is None or name.endswith("tif") else turned
    for exif, expected in (("ignore", IMAGE), ("apply", turned)):
        np.testing.assert_array_equal(read_image(path, exif), expected)
        assert header.size_wh(exif) == expected.shape[1::-1]


@pytest.mark.parametrize("orientation", [0, 9, 300])
def test_orientation_that_there_is_not_turns_nothing(tmp_path, orientation):
    write_turned(tmp_path / "a.jpg", orientation)
    assert read_header(tmp_path / "a.jpg").orientation == 1
    assert read_image(tmp_path / "a.jpg", "apply").shape == IMAGE.shape


def test_exif_behind_the_pixels_of_a_png_is_found(tmp_path):
    path = tmp_path / "a.png"
    write_turned(path, 3)
    whole = path.read_bytes()
    start = whole.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(whole[start : start + 4], "big")
    rest = whole[:start] + whole[end:]
    path.write_bytes(rest[:-12] + whole[start:end] + rest[-12:])
    assert read_header(path).orientation == 3


def test_header_of_a_png_is_read_without_decoding_it(tmp_path, monkeypatch):
    PIL.Image.fromarray(IMAGE).save(tmp_path / "a.png")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("it was decoded"))
    assert read_header(tmp_path / "a.png") == ((60, 40), 1)


def test_damaged_exif_turns_nothing(tmp_path):
    PIL.Image.fromarray(IMAGE).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + b"\xff" * 30)
    assert read_header(tmp_path / "a.jpg").orientation == 1


def test_file_that_stands_for_an_image_is_turned_as_that_image_was(tmp_path):
    write_turned(tmp_path / "a.png", 3)
    for exif, expected in (("ignore", IMAGE), ("apply", IMAGE[::-1, ::-1])):
        found = read_in_place_of(tmp_path / "a.png", IMAGE, "the clean image", "why", exif)
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(UserError, match=r"a\.png is turned by its EXIF"):
        read_in_place_of(tmp_path / "a.png", IMAGE, "the clean image", "why")


# Sizes


def a_png(width, height):
    return png(width, height, chunk(b"IDAT", zlib.compress(b"\0" * 10_000)))


def a_jpeg(width, height):
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    table = b"\xff\xdb" + struct.pack(">H", 67) + b"\0" + b"\x01" * 64
    return b"\xff\xd8" + table + b"\xff\xc0" + struct.pack(">H", 2 + len(frame)) + frame + b"\xff\xda\0\x02"


def a_gif(width, height):  # of its frame; the screen is of 1 x 1
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02D\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0" * 6 + frame + b";"


def a_bmp(width, height):
    return b"BM" + struct.pack("<IHHI IiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def a_tiff(width, height):
    fields = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: width * height}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields.items())
    return b"II*\0" + struct.pack("<IH", 8, len(fields)) + directory + b"\0" * 4


def a_ppm(width, height):
    return f"P6 {width} {height} 255\n".encode()


@pytest.mark.parametrize("make", [a_png, a_jpeg, a_gif, a_bmp, a_tiff, a_ppm])
@pytest.mark.parametrize(("size", "megapixels"), [((13_000, 13_000), 169), ((65_000, 60_000), "3,900")])
def test_image_beyond_the_limit_is_one_line_before_it_is_decoded(tmp_path, make, size, megapixels):
    path = tmp_path / "a.png"
    path.write_bytes(make(*size))
    tracemalloc.start()
    with pytest.raises(UserError) as error:  # warnings, as Pillow has them of some, are errors
        read_image(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert f"a.png takes {megapixels} megapixels, and the limit is 100" in str(error.value)
    assert "ROBUSTPOSE_MAX_MEGAPIXELS=" in str(error.value)
    assert peak < 20e6


@pytest.mark.parametrize("suffix", ["png", "tif", "gif"])
def test_variable_lifts_the_limit_and_pillows_own(tmp_path, monkeypatch, suffix):
    image = np.zeros((1000, 1000), np.uint8)
    PIL.Image.fromarray(image).save(tmp_path / f"a.{suffix}")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)
    monkeypatch.setattr("robustpose.limits.LIMITS", {"MEGAPIXELS": 0.5})
    with pytest.raises(UserError, match=r"set ROBUSTPOSE_MAX_MEGAPIXELS=1$"):
        read_image(tmp_path / f"a.{suffix}")
    monkeypatch.setenv("ROBUSTPOSE_MAX_MEGAPIXELS", "1")
    assert read_image(tmp_path / f"a.{suffix}").shape == (1000, 1000, 3)
    assert PIL.Image.MAX_IMAGE_PIXELS == 1000


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_text_that_grows_without_bound_is_one_line(tmp_path, kind):
    head = {b"zTXt": b"k\0\0", b"iTXt": b"k\0\1\0\0\0", b"iCCP": b"k\0\0"}[kind]
    bomb = chunk(kind, head + zlib.compress(b"x" * 50_000_000, 9))
    (tmp_path / "a.png").write_bytes(png(4, 4, bomb, chunk(b"IDAT", zlib.compress(b"\0" * 20))))
    with pytest.raises(UserError, match=r"a\.png cannot be read"):
        read_image(tmp_path / "a.png")


# What is no image


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("pipe", "is no file"), ("socket", "is no file"), ("folder", "is no file"), ("device", "is no file"),
        ("circle", "cannot be read"), ("dangling", "does not exist"), ("empty", "it is empty"),
        ("text", "it is none of JPEG"), ("cut", "cannot be read"), ("n" * 300, "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_image_is_one_line_at_once(tmp_path, monkeypatch, name, reason):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    os.mkfifo("pipe")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("socket")
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "dangling").symlink_to("gone")
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("hello")
    PIL.Image.fromarray(IMAGE).save("whole.png")
    (tmp_path / "cut").write_bytes((tmp_path / "whole.png").read_bytes()[:20])
    for read in (read_header, read_image):
        with pytest.raises(UserError, match=reason) as error:
            read(tmp_path / name)
        assert "\n" not in str(error.value)
    listening.close()
