"""Images to test with: smooth waves, hard edges, flat and saturated areas, grain."""

import numpy as np


def draw_scene(height, width, seed=0):
    """Return an (H, W, 3) uint8 image that depends on its arguments only."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    down, across = np.mgrid[0:height, 0:width].astype(float)
    image = np.full((height, width, 3), 120.0)
    for _ in range(4):
        fx, fy, phase = rng.uniform(0.5, 6, 3)
        wave = np.sin(2 * np.pi * (fx * across / width + fy * down / height) + phase)
        image += wave[:, :, None] * rng.uniform(-50, 50, 3)
    for _ in range(8):
        top, left = rng.integers(0, height), rng.integers(0, width)
        size = int(rng.integers(4, max(5, min(height, width) // 2)))
        image[top : top + size, left : left + size] = rng.choice([0, 255, *rng.uniform(0, 255, 3)], 3)
    image += rng.normal(0, 5, (height, width, 1))
    return np.clip(image, 0, 255).astype(np.uint8)
