"""Weather: snow, frost, fog, brightness, and the held-out spatter."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from robustpose.corruptions.exact import colors as kernels
from robustpose.corruptions.exact.haze import draw_haze
from robustpose.corruptions.exact.pixels import to_float32, to_uint8
from robustpose.corruptions.exact.snow_layer import draw_flakes, smear_flakes
from robustpose.corruptions.memory import haze_side, pane_wh
from robustpose.corruptions.seeding import Rng
from robustpose.pose.types import Image


def snow(image: Image, severity: int, rng: Rng) -> Image:
    """Whiten the scene and let streaks fall, once as drawn and once turned by 180 degrees."""
    keep = (0.8, 0.7, 0.7, 0.65, 0.55)[severity - 1]
    streaks = rng.draw_once(f"snow {severity}", image.shape[:2], lambda: _draw_streaks(image.shape[:2], severity, rng))
    # OpenCV's own conversion: its sum of three products rounds in its own way.
    grey = rng.once_per_image(
        "grey", lambda: cv2.cvtColor(rng.once_per_image("float32", lambda: to_float32(image)), cv2.COLOR_RGB2GRAY)
    )
    out = np.empty_like(image)
    kernels.add_snow(image, grey, streaks, np.float32(keep), np.float32(1 - keep), out)
    return out


def _draw_streaks(shape_hw: tuple[int, int], severity: int, rng: Rng) -> Image:
    """Draw flakes, enlarge and smear them: (H, W) in 1/255."""
    mean, spread, zoom, threshold, radius, sigma = (
        (0.1, 0.3, 3, 0.5, 10, 4),
        (0.2, 0.3, 2, 0.5, 12, 4),
        (0.55, 0.3, 4, 0.9, 12, 8),
        (0.55, 0.3, 4.5, 0.85, 12, 8),
        (0.55, 0.3, 2.5, 0.85, 12, 12),
    )[severity - 1]
    normals, angle = rng.normals_then_uniform(shape_hw)
    flakes = draw_flakes(normals, mean, spread, zoom, threshold)
    return smear_flakes(flakes, shape_hw, radius, sigma, -135 + 90 * angle)


def frost(image: Image, severity: int, rng: Rng, textures: Sequence[Image]) -> Image:
    """Look through a frosted pane: a random part of one of the first five `textures` ((th, tw, 3) uint8 BGR)."""
    keep, ice = ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))[severity - 1]
    pane = rng.draw_once("frost", image.shape[:2], lambda: _cut_pane(image.shape[:2], rng, textures))
    out = np.empty_like(image)
    kernels.blend(image.reshape(-1), pane.reshape(-1), float(keep), float(ice), out.reshape(-1))
    return out


def _cut_pane(shape_hw: tuple[int, int], rng: Rng, textures: Sequence[Image]) -> Image:
    """Draw a texture and a part of it: (H, W, 3) RGB."""
    height, width = shape_hw
    # The published program draws from 0..4 and so never uses its sixth texture.
    texture = textures[int(rng.integers_below(0, min(5, len(textures)), (1,))[0])]
    pane = cv2.resize(texture, pane_wh(texture.shape, shape_hw), interpolation=cv2.INTER_CUBIC)
    top = int(rng.integers_below(0, pane.shape[0] - height, (1,))[0])
    left = int(rng.integers_below(0, pane.shape[1] - width, (1,))[0])
    return np.ascontiguousarray(pane[top : top + height, left : left + width, ::-1])  # BGR to RGB


def fog(image: Image, severity: int, rng: Rng) -> Image:
    """Add a fractal haze and scale back to the image's own maximum."""
    density, decay = ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))[severity - 1]
    side = haze_side(image.shape)
    haze = rng.draw_once(f"haze {severity}", (side,), lambda: draw_haze(side, decay, rng))
    brightest = rng.once_per_image("brightest", lambda: float(image.max() / 255.0))
    out = np.empty_like(image)
    kernels.add_haze(image, haze, brightest, float(density), out)
    return out


def brightness(image: Image, severity: int, rng: Rng) -> Image:
    """Raise the value of hue-saturation-value."""
    out = np.empty_like(image)
    kernels.shift_hsv(image, 1.0, 0.0, (0.1, 0.2, 0.3, 0.4, 0.5)[severity - 1], out)
    return out


def spatter(image: Image, severity: int, rng: Rng) -> Image:
    """Splash water (severities 1 to 3) or mud (4 and 5) on the lens."""
    mean, spread, sigma, threshold, strength = (
        (0.65, 0.3, 4, 0.69, 0.6),
        (0.65, 0.3, 3, 0.68, 0.6),
        (0.65, 0.3, 2, 0.68, 0.5),
        (0.65, 0.3, 1, 0.65, 1.5),
        (0.67, 0.4, 1, 0.65, 1.5),
    )[severity - 1]
    x = rng.once_per_image("float32", lambda: to_float32(image))
    layer = ndimage.gaussian_filter(rng.normal(size=image.shape[:2], loc=mean, scale=spread), sigma, mode="nearest")
    layer[layer < threshold] = 0
    if severity <= 3:
        drops = _light_on_drops(layer, strength)
        water = (np.array([175, 238, 238]) / 255.0).astype(np.float32)
        return to_uint8(x + drops[:, :, None] * water)
    mud = ndimage.gaussian_filter((layer > threshold).astype(np.float32), strength, mode="nearest")
    mud[mud < 0.8] = 0
    mud = mud[:, :, None]
    return to_uint8(x * (1 - mud) + mud * (np.array([63, 42, 20]) / 255.0))


def _light_on_drops(layer: npt.NDArray[np.float64], strength: float) -> npt.NDArray[np.float32]:
    """Shade the (H, W) liquid layer by the distance to its edges; maximum `strength`."""
    liquid = (layer * 255).astype(np.uint8)
    distance = cv2.distanceTransform(255 - cv2.Canny(liquid, 50, 150), cv2.DIST_L2, 5)
    distance = cv2.blur(np.minimum(distance, 20), (3, 3)).astype(np.uint8)
    distance = cv2.equalizeHist(distance)
    relief = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    distance = cv2.blur(cv2.filter2D(distance, cv2.CV_8U, relief), (3, 3)).astype(np.float32)
    drops = (liquid * distance).astype(np.float32)
    highest = drops.max()
    return drops / highest * strength if highest > 0 else drops
