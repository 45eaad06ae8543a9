"""Video: what an image goes through in an H.264 stream. Ours; the mean of the suite is compared with no paper's.

Nothing is random. All constants are by severity, 1 to 5; `h264` says how frames are encoded.
"""

from __future__ import annotations

import cv2
import numpy as np

from robustpose.corruptions import h264 as codec
from robustpose.corruptions.seeding import Rng
from robustpose.pose.types import Image

N_FRAMES = 8  # of a stream that ends with the image: a third of a second
ZOOM = 0.01  # from frame to frame, about the centre
PAN = (1 / 400, 1 / 1200)  # of the longer side, from frame to frame: right and down
LEAST_SMALL = 16  # px, of a small stream: a macroblock


def h264(image: Image, severity: int, rng: Rng) -> Image:
    """Encode a key frame, with a coarser quantiser at each severity: blocks, bands, lost texture."""
    frame = rng.once_per_image("frame", lambda: codec.to_frame(image))
    return _crop(codec.pass_stream([frame], (32, 36, 40, 44, 48)[severity - 1]), image)


def h264_predicted(image: Image, severity: int, rng: Rng) -> Image:
    """Encode a stream in which a camera comes closer and pans until it sees the image, and keep its last frame.

    That one is predicted from those before it, and few bits are left for what the prediction lacks: it smears.
    """
    frames = rng.once_per_image(
        "stream", lambda: [codec.to_frame(_move(image, left)) for left in range(N_FRAMES)[::-1]]
    )
    return _crop(codec.pass_stream(frames, (30, 35, 40, 44, 48)[severity - 1]), image)


def h264_small(image: Image, severity: int, rng: Rng) -> Image:
    """Encode a key frame of a fraction of the size and enlarge what is decoded, as video calls do on poor lines."""
    fraction = (0.6, 0.5, 0.4, 0.3, 0.25)[severity - 1]
    height, width = image.shape[:2]
    size_wh = [max(LEAST_SMALL, 2 * round(side * fraction / 2)) for side in (width, height)]
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    decoded = codec.pass_stream([codec.to_frame(np.asarray(small, np.uint8))], 34)
    return np.asarray(cv2.resize(decoded, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _move(image: Image, left: int) -> Image:
    """Return what the camera sees when `left` frames are left until it sees the image."""
    if left == 0:
        return image
    height, width = image.shape[:2]
    scale = 1 - left * ZOOM  # from further away
    centre = (np.array([width, height]) - 1) / 2
    shift = (1 - scale) * centre + left * max(height, width) * np.array(PAN)
    there = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    moved = cv2.warpAffine(image, there, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _crop(decoded: Image, image: Image) -> Image:
    """Return what was decoded without the px by which odd sides had grown."""
    return decoded[: image.shape[0], : image.shape[1]]
