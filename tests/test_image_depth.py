"""Depth: what a file of any depth and kind becomes, and what is refused by name. The image is known in 8 bits."""

import struct

import cv2
import numpy as np
import PIL.Image
import pytest

from robustpose.errors import UserError
from robustpose.image_files.opening import read_content, read_header, read_image
from tests.scenes import draw_scene

RGB = draw_scene(40, 50)
GREY = np.ascontiguousarray(RGB[:, :, 1])
DEEP, DEEP_RGB = GREY.astype(np.uint16) * 257, RGB[:, :, ::-1].astype(np.uint16) * 257  # OpenCV writes BGR


def pillow(array, mode=None, **options):
    """A function that writes an array with Pillow."""
    image = PIL.Image.fromarray(array)
    return lambda path: (image.convert(mode) if mode else image).save(path, **options)


def opencv(array):
    return lambda path: cv2.imwrite(str(path), array)


def tiff(values, bits, photometric=1, **tags):
    """A function that writes grey values (h, w), or packed bytes of them, as an uncompressed TIFF."""
    data = values.tobytes() + b"\0" * (values.nbytes % 2)
    fields = {256: 50, 257: 40, 258: bits, 259: 1, 262: photometric, 273: 8, 277: 1, 278: 40, 279: values.nbytes}
    fields |= {int(tag[1:]): value for tag, value in tags.items()}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(fields.items()))
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    return lambda path: path.write_bytes(head + data + struct.pack("<H", len(fields)) + directory + b"\0" * 4)


def pack_12_bits(values):
    left, right = (values >> 4)[:, 0::2], (values >> 4)[:, 1::2]
    return np.stack([left >> 4, (left & 15) << 4 | right >> 8, right & 255], -1).astype(np.uint8)


def with_alpha(alpha):
    return np.dstack([RGB, np.broadcast_to(alpha, GREY.shape)]).astype(np.uint8)


def netpbm(kind, most, values):
    scaled = np.round(values / 255 * most).astype(">u2").tobytes()
    return lambda path: path.write_bytes(f"{kind} 50 40 {most}\n".encode() + scaled)


def frames(*arrays):
    first, *others = map(PIL.Image.fromarray, arrays)
    return lambda path: first.save(path, save_all=True, append_images=others)


PALETTE = PIL.Image.fromarray(RGB).quantize(16)

READ = {  # what a file is, how it is written, what it looks like
    "16-bit grey.png": (pillow(DEEP), GREY),
    "16-bit grey, upper byte only.png": (opencv(GREY.astype(np.uint16) << 8), GREY),
    "16-bit grey.tif": (tiff(DEEP, 16), GREY),
    "16-bit grey, white is zero.tif": (tiff(65535 - DEEP, 16, 0), GREY),
    "12-bit grey.tif": (tiff(pack_12_bits(DEEP), 12), GREY),
    "16-bit grey.pgm": (opencv(DEEP), GREY),
    "10-bit grey.pgm": (netpbm("P5", 1023, GREY), GREY),
    "10-bit colour.ppm": (netpbm("P6", 1023, RGB), RGB),
    "16-bit colour.png": (opencv(DEEP_RGB), RGB),
    "16-bit colour.tif": (opencv(DEEP_RGB), RGB),
    "16-bit colour.ppm": (opencv(DEEP_RGB), RGB),
    "16-bit black.png": (pillow(0 * DEEP), 0 * GREY),
    "1 bit.png": (pillow(255 * (GREY > 99).astype(np.uint8), "1"), 255 * (GREY > 99)),
    "grey and opaque.png": (pillow(GREY, "LA"), GREY),
    "opaque.png": (pillow(with_alpha(255)), RGB),
    "16-bit opaque.png": (opencv(np.dstack([DEEP_RGB, np.full_like(DEEP, 65535)])), RGB),
    "a colour that is transparent where it occurs.png": (pillow(RGB | 1, transparency=(0, 0, 0)), RGB | 1),
    "an unused transparent entry.png": (lambda path: PALETTE.save(path, transparency=99), PALETTE.convert("RGB")),
    "one frame.gif": (lambda path: PALETTE.save(path), PALETTE.convert("RGB")),
    "CMYK.tif": (pillow(RGB, "CMYK"), RGB),
    "CMYK.jpg": (pillow(RGB, "CMYK", quality=100, subsampling=0), RGB),
    "YCbCr.tif": (pillow(RGB, "YCbCr"), RGB),
    "photograph and preview.mpo": (frames(RGB, RGB[::2, ::2]), RGB),
}
REFUSED = {
    "12 of 16 bits grey.png": (opencv(GREY.astype(np.uint16) << 4), "below a quarter of their range"),
    "12 of 16 bits colour.png": (opencv(DEEP_RGB >> 4), "below a quarter of their range"),
    "12 of 16 bits colour.tif": (opencv(DEEP_RGB >> 4), "below a quarter of their range"),
    "8 of 16 bits.tif": (tiff(GREY.astype(np.uint16), 16), "below a quarter of their range"),
    "12 of 16 bits.ppm": (netpbm("P6", 65535, RGB / 16), "below a quarter of their range"),
    "floats.tif": (pillow(GREY.astype(np.float32)), "floating-point or signed"),
    "32-bit.tif": (pillow(GREY.astype(np.int32)), "signed"),
    "signed.tif": (tiff(DEEP // 2, 16, t339=2), "signed"),
    "floats.pfm": (opencv(GREY.astype(np.float32)), "floating-point"),
    "LAB.tif": (lambda path: PIL.Image.new("LAB", (50, 40)).save(path), "pixels of kind LAB"),
    "half transparent.png": (pillow(with_alpha(GREY)), "transparent pixels"),
    "half transparent.webp": (pillow(with_alpha(GREY), lossless=True), "transparent pixels"),
    "grey transparent.png": (pillow(np.dstack([GREY, GREY])), "transparent pixels"),
    "a transparent colour.png": (pillow(RGB, transparency=tuple(map(int, RGB[0, 0]))), "transparent pixels"),
    "a transparent grey.png": (pillow(DEEP, transparency=int(DEEP[0, 0])), "transparent pixels"),
    "a transparent entry.png": (lambda path: PALETTE.save(path, transparency=1), "transparent pixels"),
    "animated.gif": (frames(RGB, 255 - RGB), "several images"),
    "animated.png": (frames(RGB, 255 - RGB), "several images"),
    "animated.webp": (frames(RGB, 255 - RGB), "several images"),
    "pages.tif": (frames(RGB, 255 - RGB), "several images"),
    "preview.tif": (tiff(GREY, 8, t254=1), "begins with a preview"),
    "radiance.hdr": (opencv(RGB.astype(np.float32)), "none of JPEG, PNG"),
    "program.eps": (pillow(RGB), "none of JPEG, PNG"),
}


@pytest.mark.parametrize("name", READ)
def test_image_is_scaled_by_its_depth(tmp_path, name):
    write, expected = READ[name]
    write(tmp_path / name)
    expected = np.asarray(expected).astype(int)
    image = read_image(tmp_path / name)
    assert image.dtype == np.uint8
    assert image.shape == (40, 50, 3)
    content = read_content(tmp_path / name)
    (tmp_path / name).write_bytes(bytes(len(content.content)))  # nobody looks there again
    np.testing.assert_array_equal(read_image(content), image)
    most = 12 if name.endswith((".jpg", ".mpo")) else 3 if name == "YCbCr.tif" else 0
    if name.endswith(".mpo"):
        assert abs(image.mean() - expected.mean()) < 1
    else:
        assert abs(image - (expected if expected.ndim == 3 else expected[:, :, None])).max() <= most


@pytest.mark.parametrize("name", REFUSED)
def test_image_whose_colours_nobody_says_is_refused_by_name(tmp_path, name):
    write, message = REFUSED[name]
    write(tmp_path / name)
    with pytest.raises(UserError, match=message) as error:
        read_image(tmp_path / name)
    assert name in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(UserError) as of_content:
        read_image(read_content(tmp_path / name))
    assert str(of_content.value) == str(error.value)


@pytest.mark.parametrize("name", ["floats.tif", "animated.gif", "LAB.tif", "program.eps"])
def test_kind_is_refused_before_anything_is_decoded(tmp_path, name):
    write, message = REFUSED[name]
    write(tmp_path / name)
    with pytest.raises(UserError, match=message):
        read_header(tmp_path / name)


def test_tiff_with_smaller_copies_of_itself_is_one_image(tmp_path):
    path = tmp_path / "pyramid.tif"
    small = PIL.Image.fromarray(RGB[::2, ::2])
    small.encoderinfo = {"tiffinfo": {254: 1}}
    PIL.Image.fromarray(RGB).save(path, save_all=True, append_images=[small])
    np.testing.assert_array_equal(read_image(path), RGB)


def test_cmyk_jpeg_that_nobody_marked_is_refused(tmp_path):
    path = tmp_path / "a.jpg"
    PIL.Image.fromarray(RGB).convert("CMYK").save(path)
    whole = path.read_bytes()
    start = whole.index(b"\xff\xee")  # Adobe's marker
    path.write_bytes(whole[:start] + whole[start + 2 + int.from_bytes(whole[start + 2 : start + 4], "big") :])
    with pytest.raises(UserError, match="CMYK without Adobe's marker"):
        read_image(path)


@pytest.mark.parametrize(("mode", "suffix"), [("RGB", "jpg"), ("L", "jpg"), ("RGB", "png"), ("L", "png"), ("P", "png")])
def test_8_bit_files_are_what_pillow_makes_of_them(tmp_path, mode, suffix):
    path = tmp_path / f"a.{suffix}"
    PIL.Image.fromarray(RGB).convert(mode).save(path)
    with PIL.Image.open(path) as image:
        np.testing.assert_array_equal(read_image(path), np.asarray(image.convert("RGB")))
