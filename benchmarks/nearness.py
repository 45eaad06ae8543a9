"""How near is what a view of training does to a crop to what a corruption does to an image?

    python benchmarks/nearness.py
    python benchmarks/nearness.py --images DIR

Both are applied to the same images (drawn people, or the middle of those in DIR), 192x256 px: views with random numbers
of their own, corruptions at every severity. What matters is the difference to the clean image: its energy by octave of
frequency, in grey and in colour, and how much of it follows from the image (blur, contrast) rather than being added to
it (noise). These 36 shares sum to 1, and are averaged over images. The distance of two averages is half the sum of
absolute differences: 0 where they are alike, 1 where they have nothing in common.

The first lines say how far corruptions of the same kind are from each other. Then for each view, its nearest
corruptions and all that its `seen` names, with a star; last, for the fractals of `pixmix` in the place of a grey image,
the fields that are nearest to them there. What spectra do not tell is decided by formula: `tests/test_lowpass.py`
for the kernels of `lowpass`.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import cv2
import numpy as np
import torch

from robustpose.corruptions import SEVERITIES, corrupt
from robustpose.corruptions.suites import SUITES
from robustpose.data.images import read_image
from robustpose.data.toy import ToyPeople
from robustpose.models.input_spec import InputSpec
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Floats, Image
from robustpose.train.seeding import make_rng
from robustpose.train.views.pixmix import cut_fractal
from robustpose.train.views.table import CLEAN, VIEWS, ViewInput, draw_views, finish_views

SHAPE_HW = (256, 192)
PLAIN = InputSpec("any", (192, 256), COCO.joints, mean=(0, 0, 0), std=(1, 1, 1))
FIELDS = ("plasma_noise", "perlin_noise", "brownish_noise", "cocentric_sine_waves", "gaussian_noise", "frost")
PAIRS = (("gaussian_noise", "shot_noise"), ("defocus_blur", "gaussian_blur"), ("brownish_noise", "plasma_noise"))


def read_crops(folder: Path | None, n: int) -> list[Image]:
    """Return n crops (256, 192, 3)."""
    if folder is None:
        people = ToyPeople(n_images=n)
        return [cv2.resize(people.frame(index).image, SHAPE_HW[::-1]) for index in range(n)]
    crops = []
    for path in sorted(folder.iterdir()):
        image = read_image(path)
        top, left = ((have - want) // 2 for have, want in zip(image.shape, SHAPE_HW, strict=False))
        if min(top, left) >= 0 and len(crops) < n:
            crops.append(image[top : top + SHAPE_HW[0], left : left + SHAPE_HW[1]].copy())
    return crops


def find_octaves() -> np.ndarray:
    """Return the octave (h, w) of each frequency: 0 for none, 1 for the coarsest, 8 for the finest."""
    cycles = np.hypot(*np.meshgrid(*(256 * np.fft.fftfreq(side) for side in SHAPE_HW), indexing="ij"))
    return np.where(cycles > 0, 1 + np.floor(np.log2(np.maximum(cycles, 1))), 0).astype(int)


OCTAVES = find_octaves()


def sign(clean: Image, changed: Floats) -> np.ndarray | None:
    """Return the shares (octaves, 2, 3) of a difference's energy.

    Grey or colour; of the image, added by the strongest 2 % of the waves of an octave, added by others.
    """
    images = []
    for values in (clean.astype(float), changed - clean.astype(float)):
        grey = values.mean(2)
        colour = values - grey[..., None]
        images.append(np.fft.fft2(np.dstack([grey, colour]), axes=(0, 1)) * [1, *[1 / np.sqrt(3)] * 3])
    image, difference = images
    shares = np.zeros((OCTAVES.max() + 1, 2, 3))
    for octave in range(len(shares)):
        for i, channels in enumerate((slice(1), slice(1, 4))):
            x, d = (values[octave == OCTAVES][:, channels] for values in (image, difference))
            factor = (x.conj() * d).sum() / max((np.abs(x) ** 2).sum(), 1e-9)
            added = np.sort((np.abs(d - factor * x) ** 2).sum(1))[::-1]
            few = math.ceil(0.02 * len(added))
            shares[octave, i] = np.abs(factor) ** 2 * (np.abs(x) ** 2).sum(), added[:few].sum(), added[few:].sum()
    total = shares.sum()
    return shares / total if total > 1e-6 * np.prod(SHAPE_HW) else None


def sign_all(crops: list[Image], change: Callable[[Image, int], Iterator[Floats]]) -> list[np.ndarray]:
    """Return for each crop the shares (n, octaves, 2, 3) of what `change` makes of it."""
    found = [[sign(crop, changed) for changed in change(crop, i)] for i, crop in enumerate(crops)]
    return [np.array([shares for shares in some if shares is not None]) for some in found]


def measure(views: list[np.ndarray], corruptions: list[np.ndarray]) -> float:
    """Return the mean distance of a corrupted image to the nearest view of it."""
    return float(
        np.mean(
            [
                np.abs(of_view[None] - corrupted[:, None]).sum((2, 3, 4)).min(1).mean() / 2
                for of_view, corrupted in zip(views, corruptions, strict=True)
                if len(of_view) and len(corrupted)
            ]
        )
    )


def draw_view(name: str, crop: Image, draw: tuple[int, int]) -> Floats:
    """Return a view (h, w, 3) of a crop, 0..255."""
    of = ViewInput(crop, lambda image: image, SHAPE_HW, lambda purpose: make_rng(0, purpose, *draw))
    batch = {key: value[None] for key, value in draw_views(of, [name]).items()}
    return 255 * finish_views(batch, [name], PLAIN)["views"][0, 0].permute(1, 2, 0).numpy().astype(float)


def change_by_view(name: str) -> Callable[[Image, int], Iterator[Floats]]:
    """Return what a view makes of a crop, ten times."""

    def change(crop: Image, number: int) -> Iterator[Floats]:
        for draw in range(10):
            yield draw_view(name, crop, (draw, number))

    return change


def change_by_corruption(name: str) -> Callable[[Image, int], Iterator[Floats]]:
    """Return what a corruption makes of an image, at every severity."""

    def change(crop: Image, number: int) -> Iterator[Floats]:
        for severity in SEVERITIES:
            yield corrupt(crop.copy(), name, severity, seed=(0, number)).astype(float)

    return change


def change_to_fractals(crop: Image, number: int) -> Iterator[Floats]:
    """Return parts of fractals."""
    for draw in range(20):
        yield cut_fractal(SHAPE_HW, np.random.default_rng((draw, number))).astype(float)


def print_row(
    name: str, own: list[np.ndarray], others: dict[str, list[np.ndarray]], seen: tuple[str, ...] = ()
) -> None:
    """Print what is nearest to a view, and all that is seen in it."""
    far = {other: measure(own, shares) for other, shares in others.items()}
    near = sorted(far, key=far.__getitem__)
    shown = dict.fromkeys([*near[:4], *(other for other in near if other in seen)])
    words = (f"{other}{'*' * (other in seen)} {far[other]:.2f}" for other in shown)
    print(f"{name:12}", *words, sep="  ", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--n", type=int, default=12, help="images")
    given = parser.parse_args()
    torch.set_num_threads(1)
    crops = read_crops(given.images, given.n)
    names = dict.fromkeys(name for suite in SUITES.values() for name in suite.corruptions)
    corruptions = {}
    for name in names:
        try:
            corruptions[name] = sign_all(crops, change_by_corruption(name))
        except ImportError as error:  # an extra that is not installed
            print(f"without {name}: {error}")
    for one, other in PAIRS:
        print(f"{one} and {other}: {measure(corruptions[one], corruptions[other]):.2f}")
    print(f"\n{len(crops)} images")
    for name, view in VIEWS.items():
        if name == CLEAN:
            continue
        own = sign_all(crops, change_by_view(name))
        print_row(name, own, corruptions, view.seen)
    grey = [np.full((*SHAPE_HW, 3), 128, np.uint8)] * 6
    fields = {name: sign_all(grey, change_by_corruption(name)) for name in FIELDS}
    print_row("fractals", sign_all(grey, change_to_fractals), fields)


if __name__ == "__main__":
    main()
