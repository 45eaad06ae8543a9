"""The blurs written plainly, as the original program computes them: what the fast ones have to equal in every pixel."""

import math

import cv2
import numpy as np
from scipy import ndimage

SEVERITIES = (1, 2, 3, 4, 5)


def to_uint8(x):
    """Clip to 0..1, scale by 255 and truncate."""
    return (np.clip(x, 0, 1) * 255).astype(np.uint8)


def smooth(x, sigma):
    """Smooth the first two axes of (H, W, 3) `x`."""
    return ndimage.gaussian_filter(x, (sigma, sigma, 0), mode="nearest")


def defocus_blur(image, severity):
    """Convolve with a disk of `radius` px, its edge softened."""
    radius, softness = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))[severity - 1]
    half = max(8, radius)
    across, down = np.meshgrid(np.arange(-half, half + 1), np.arange(-half, half + 1))
    disk = (across**2 + down**2 <= radius**2).astype(np.float32)
    disk /= disk.sum()
    size = 3 if radius <= 8 else 5
    kernel = cv2.GaussianBlur(disk, ksize=(size, size), sigmaX=softness)
    x = image / 255.0
    return to_uint8(np.stack([cv2.filter2D(x[:, :, channel], -1, kernel) for channel in range(3)], axis=2))


def glass_blur(image, severity, rng):
    """Shuffle pixels among near neighbours between two Gaussian blurs; `rng` is a RandomState."""
    sigma, delta, rounds = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))[severity - 1]
    height, width = image.shape[:2]
    shuffled = (smooth(image / 255.0, sigma) * 255).astype(np.uint8)
    for _ in range(rounds):
        for h in range(height - delta, delta, -1):
            for w in range(width - delta, delta, -1):
                dx, dy = rng.randint(-delta, delta, size=(2,))
                shuffled[h, w] = shuffled[h + dy, w + dx]
    return to_uint8(smooth(shuffled / 255.0, sigma))


def motion_blur(image, severity, angle):
    """Smear along a line at `angle` degrees."""
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[severity - 1]
    return np.clip(smear(image, radius, sigma, angle), 0, 255).astype(np.uint8)


def smear(image, radius, sigma, angle):
    """Sum copies of (H, W, C) `image`, each shifted further along `angle` (degrees) and weighted less."""
    height, width = image.shape[:2]
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2)) / (np.sqrt(2 * np.pi) * sigma)
    weights = weights / np.sum(weights)
    blurred = np.zeros(image.shape)
    for i, weight in enumerate(weights):
        dy = -math.ceil(i * math.sin(math.radians(angle)) - 0.5)
        dx = -math.ceil(i * math.cos(math.radians(angle)) - 0.5)
        if abs(dy) >= height or abs(dx) >= width:
            break
        rows = np.clip(np.arange(height) - dy, 0, height - 1)
        columns = np.clip(np.arange(width) - dx, 0, width - 1)
        blurred = blurred + weight * image[rows][:, columns]
    return blurred


def zoom_blur(image, severity):
    """Average the image with enlarged copies of itself."""
    stop, step = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))[severity - 1]
    factors = np.arange(1, stop, step)
    height, width = image.shape[:2]
    x = (image / 255.0).astype(np.float32)
    total = np.zeros_like(x)
    for factor in factors:
        layer = enlarge_centre(x, factor)[:height, :width]
        total[: layer.shape[0], : layer.shape[1]] += layer
    return to_uint8((x + total) / (len(factors) + 1))


def enlarge_centre(x, factor):
    """Return the centre of (H, W, C) `x` enlarged by `factor`."""
    height, width = x.shape[:2]
    crop_height, crop_width = math.ceil(height / factor), math.ceil(width / factor)
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    return ndimage.zoom(x[top : top + crop_height, left : left + crop_width], (factor, factor, 1), order=1)


def gaussian_blur(image, severity):
    """Convolve with a Gaussian."""
    return to_uint8(smooth(image / 255.0, (1, 2, 3, 4, 6)[severity - 1]))
