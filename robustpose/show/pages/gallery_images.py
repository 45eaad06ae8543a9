"""Images of a gallery: thumbnails, the truth, regions of people, and poses, packed small.

Poses are one stream of int16 in halves of a thumbnail's pixel, list by list: the number of people, then x and y of
their joints, less those of the same row in the first list if there is one. Low bytes first, then high bytes, deflated,
in base64: a quarter of the numbers as text. `templates/panel.js` unpacks it.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.pose.protocols import Dataset
from robustpose.pose.results_json import group_poses, read_people
from robustpose.pose.types import Floats, Frame, ImageId, Poses, Truth, no_poses
from robustpose.printing import make_visible
from robustpose.show.pages.people import bound_people, frame_people, rate_people
from robustpose.show.pages.thumbnails import Region, Thumbnail, make_thumbnail

MOST_PEOPLE = 20  # per image and cell, best score first, as COCO counts them
UNITS = 2  # per pixel of a thumbnail


@dataclass(frozen=True)
class GalleryImage:
    """One image of a gallery: its place in the dataset, what it is called, its people, and some lists of poses."""

    index: int
    image_id: str
    name: str
    size_wh: tuple[int, int]  # px of the image itself
    thumbnail: Thumbnail
    truth: list[list[int]]  # per person: K times x, y, visible
    regions: list[Region]  # of each person
    ratings: list[Floats]  # of each list of poses: how well each person (N,) is met, 0..1
    poses: str

    @property
    def n_bytes(self) -> int:
        """Return what it takes on the page."""
        return len(self.thumbnail.base64) + len(self.poses) + 5 * sum(map(len, self.truth))

    @property
    def n_pixels(self) -> int:
        """Return the number of pixels of the image itself."""
        return self.size_wh[0] * self.size_wh[1]

    def to_json(self) -> dict[str, Any]:
        """Return what scripts take of it, but for the thumbnail; positions are pixels of that."""
        return {
            "id": self.image_id,
            "name": self.name,
            "size": list(self.thumbnail.size_wh),
            "truth": self.truth,
            "regions": scale_regions(self.regions, self.thumbnail.scale),
            "poses": self.poses,
        }


def make_image(dataset: Dataset, index: int, poses: Sequence[Poses | None]) -> GalleryImage:
    """Return an image of a dataset with some lists of poses; None where nobody was found."""
    frame, truth = dataset.frame(index), dataset.truth(index)
    height, width = frame.image.shape[:2]
    thumbnail, boxes = make_thumbnail(frame.image), bound_people(truth)
    return GalleryImage(
        index=index,
        image_id=make_visible(frame.image_id),
        name=name_image(frame),
        size_wh=(width, height),
        thumbnail=thumbnail,
        truth=pack_truth(truth, thumbnail.scale),
        regions=frame_people(boxes, (width, height)),
        ratings=[rate_people(truth, boxes, found) for found in poses],
        poses=pack_poses([place_poses(found, dataset.skeleton.n_joints, thumbnail.scale) for found in poses]),
    )


def name_image(frame: Frame) -> str:
    """Return what people call an image: its file, or else its id."""
    return make_visible(frame.file_name or frame.image_id)


def read_poses(path: Path, n_joints: int, image_ids: Iterable[ImageId]) -> Mapping[ImageId, Poses]:
    """Return the poses of a predictions file in some images, by their ids."""
    wanted = set(image_ids)
    people = read_people(path, n_joints)
    return group_poses((person for person in people if person["image_id"] in wanted), n_joints)


def place_poses(poses: Poses | None, n_joints: int, scale: float) -> Floats:
    """Return the joints (N, K, 2) of the best `MOST_PEOPLE` poses, px of a thumbnail."""
    found = no_poses(0, n_joints) if poses is None else poses
    best = np.argsort(-found.score, kind="stable")[:MOST_PEOPLE]
    return _to_thumbnail(found.xy[best], scale)


def pack_poses(people: Sequence[Floats]) -> str:
    """Return lists of people (N, K, 2), px of the thumbnail, as the first lines of this file say."""
    first, *others = map(_to_units, people)
    for units in others:
        n_both = min(len(first), len(units))
        units[:n_both] -= first[:n_both]
    stream = [part for units in (first, *others) for part in ([len(units)], units.ravel())]
    # Differences of two numbers that fit may not: they wrap around, and adding wraps them back.
    raw = np.concatenate(stream).astype("<i2").view(np.uint8).reshape(-1, 2)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(deflate.compress(raw.T.tobytes()) + deflate.flush()).decode()


def pack_truth(truth: Truth, scale: float) -> list[list[int]]:
    """Return, for every annotated person, K times x, y in halves of a thumbnail's pixel, and visible (0, 1 or 2)."""
    units, visible = _to_units(_to_thumbnail(truth.xy, scale)), truth.visible[..., None]
    points = np.concatenate([units, visible], axis=2).astype(int)[truth.counted]  # (N, K, 3)
    return [person.ravel().tolist() for person in points]


def scale_regions(regions: Sequence[Region], scale: float) -> list[list[float]]:
    """Return x, y, width and height of each region in a drawing of the thumbnail, whose first pixel begins at -0.5.

    >>> scale_regions([(66, 78, 174, 222)], 0.5)
    [[32.5, 38.5, 54.0, 72.0]]
    """
    sides = [(x0 * scale - 0.5, y0 * scale - 0.5, (x1 - x0) * scale, (y1 - y0) * scale) for x0, y0, x1, y1 in regions]
    return [[round(side, 2) for side in one] for one in sides]


def _to_thumbnail(xy: Floats, scale: float) -> Floats:
    return xy * scale + (scale - 1) / 2  # pixel centres are at integers, here and there


def _to_units(xy: Floats) -> np.ndarray:
    return np.clip(np.round(UNITS * xy), -30_000, 30_000).astype(np.int32)
