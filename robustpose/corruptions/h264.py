"""H.264: images through an encoder and a decoder, in memory; the adapter of PyAV, which is installed on demand.

Encoder: libx264 through FFmpeg, preset `veryfast`, one quantiser for all frames, one key frame followed by frames that
are each predicted from earlier ones alone. One thread, and methods that do not depend on the processor: one version
gives the same bytes anywhere. Colours: 8-bit YCbCr 4:2:0, BT.709, range 16..235, stated in the stream and in both
conversions, which are swscale's exact ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cache
from importlib import metadata
from types import ModuleType
from typing import Any

import numpy as np

from robustpose.errors import UserError
from robustpose.pose.types import Image

CORRUPTIONS = ("h264", "h264_predicted", "h264_small")  # which need it
ENCODER = "libx264"
MOST_SIDE = 16_384  # px, of libx264
PRESET = "veryfast"
# Frame types by their place alone; all frames at the quantiser that is asked for, key frames too (ipratio).
PARAMETERS = (
    "threads=1:sliced-threads=0:cpu-independent=1:keyint=infinite:scenecut=0:bframes=0:rc-lookahead=0:ipratio=1"
)
BT709, LIMITED, FULL = 1, 1, 2  # numbers of the standard's matrix; of FFmpeg's colour ranges
# swscale: bilinear chroma, at full resolution inside; no shortcuts that depend on the processor.
EXACT_SCALING = 0x2 | 0x2000 | 0x4000 | 0x40000 | 0x80000

Frame = Any  # av.VideoFrame, which no stubs are needed for


def check_codec(names: Iterable[str]) -> None:
    """Raise UserError if one of some corruptions needs the codec, and PyAV or the encoder is not installed."""
    if any(name in CORRUPTIONS for name in names):
        _import_av()


def is_installed() -> bool:
    """Return whether there is a codec on this machine."""
    try:
        _import_av()
    except UserError:
        return False
    return True


def list_versions() -> dict[str, str]:
    """Return the versions that decide pixels: of PyAV with FFmpeg's codecs and scaler inside it, and of libx264.

    >>> sorted(list_versions())
    ['av', 'libx264']
    """
    return dict(_read_versions())


def to_frame(image: Image) -> Frame:
    """Return an (H, W, 3) RGB image as a frame for `pass_stream`; odd sides grow by one px, as the edge is."""
    av = _import_av()
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    return _convert(frame, "yuv420p", src_color_range=FULL, dst_color_range=LIMITED, dst_colorspace=BT709)


def pass_stream(frames: Sequence[Frame], quantiser: int) -> Image:
    """Return the last of some frames of one size, as RGB, after all were encoded and decoded.

    `quantiser` is H.264's QP, 1 (fine) to 51 (coarse): quantisation steps double every 6.
    """
    av = _import_av()
    encoder = av.CodecContext.create(ENCODER, "w")
    encoder.width, encoder.height, encoder.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.color_range, encoder.colorspace = LIMITED, BT709
    encoder.thread_count = 1
    encoder.options = {"preset": PRESET, "qp": str(quantiser), "x264-params": PARAMETERS}
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    decoded = [frame for packet in [*_encode(encoder, frames), None] for frame in decoder.decode(packet)]
    rgb = _convert(decoded[-1], "rgb24", src_color_range=LIMITED, dst_color_range=FULL, src_colorspace=BT709)
    return np.asarray(rgb.to_ndarray(), np.uint8)


def _encode(encoder: Any, frames: Sequence[Frame]) -> list[Any]:
    packets = []
    for time, frame in enumerate(frames):
        frame.pts = time
        packets += encoder.encode(frame)
    return [*packets, *encoder.encode(None)]


def _convert(frame: Frame, pixels: str, **colours: int) -> Frame:
    return frame.reformat(format=pixels, interpolation=EXACT_SCALING, threads=1, **colours)


@cache
def _import_av() -> ModuleType:
    try:
        import av
    except ImportError as error:
        if error.name != "av":
            raise
        raise UserError(
            "corruptions of H.264 need PyAV, which is not installed: pip install 'robustpose[video]'"
        ) from error
    if ENCODER not in av.codecs_available:
        raise UserError(
            f"corruptions of H.264 need the encoder {ENCODER}, which the FFmpeg of the installed PyAV lacks: "
            "install PyAV's own wheel, pip install --force-reinstall --only-binary av 'robustpose[video]'"
        )
    return av


@cache
def _read_versions() -> dict[str, str]:
    av = _import_av()
    libraries = [f"{name} {'.'.join(map(str, av.library_versions[name]))}" for name in ("libavcodec", "libswscale")]
    encoder = av.CodecContext.create(ENCODER, "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 32, 32, "yuv420p", Fraction(1, 25)
    stream = b"".join(bytes(packet) for packet in _encode(encoder, [av.VideoFrame(32, 32, "yuv420p")]))
    said = re.search(rb"x264 - core (.*?) - ", stream)  # which it writes into every stream
    build = said.group(1).decode("ascii", "replace") if said else "unknown"
    return {"av": f"{metadata.version('av')} with {' and '.join(libraries)}", ENCODER: build}
