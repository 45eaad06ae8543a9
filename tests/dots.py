"""Images with one soft dot each, and what finds it: networks made of it know where a joint is."""

import numpy as np

from robustpose import Frame

SIGMA = 7.0  # px


def draw_dot(xy, size_wh=(260, 220), sigma=SIGMA):
    """Return an image (h, w, 3) with a white Gaussian on black."""
    down, across = np.mgrid[: size_wh[1], : size_wh[0]]
    grey = 255 * np.exp(-((across - xy[0]) ** 2 + (down - xy[1]) ** 2) / (2 * sigma**2))
    return np.repeat(np.round(grey).astype(np.uint8)[:, :, None], 3, 2)


def find_dots(x):
    """Return the centres (B, 2), px, of the dots in crops (B, 3, h, w)."""
    weights = x[:, 0].astype(float) ** 2  # squared: the outskirts are rounded to grey levels
    down, across = np.mgrid[: x.shape[2], : x.shape[3]]
    return np.stack([(weights * axis).sum((1, 2)) for axis in (across, down)], 1) / weights.sum((1, 2))[:, None]


def frames_of_dots(n_frames):
    """Return frames with a box each, and where their dots are (N, 2), px, well within the boxes."""
    rng = np.random.default_rng(0)
    frames, truth = [], []
    for image_id in range(n_frames):
        corner, size = rng.uniform(10, 50, 2), rng.uniform(80, 130, 2)
        xy = corner + size * rng.uniform(0.35, 0.65, 2)
        image = draw_dot(xy)
        frames.append(Frame(image_id, lambda image=image: image, np.array([[*corner, *(corner + size)]])))
        truth.append(xy)
    return frames, np.array(truth)
