"""What is passed around: a Frame to look at, the Truth about it, and the Poses an estimator found in it.

Everything is in pixels of the full image, x right, y down, pixel centres at integers. All three are frozen and
checked when they are made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell

Image = npt.NDArray[np.uint8]  # (H, W, 3) RGB
Floats = npt.NDArray[np.floating]
ImageId = int | str


@dataclass(frozen=True, eq=False)
class Frame:
    """One image in one cell.

    Attributes:
        image_id: the image's id in its dataset.
        read: gives the (H, W, 3) uint8 RGB image; called once, on the first use of `image`.
        boxes: (N, 4) person boxes, xyxy px; None where nobody gives boxes.
        box_scores: (N,) confidence of each box; 1 for ground truth.
        cell: clean, or a corruption and a severity.
        truth_rows: (N,) the row of `Truth` that each box is of; None for boxes that nobody annotated.
        one_pose_per_box: whether the metric wants a pose for every box, near-duplicates included, as PCK does.
        file_name: of the clean image in its dataset's folder; None where images are no files.
    """

    image_id: ImageId
    read: Callable[[], Image] = field(repr=False)
    boxes: Floats | None = None
    box_scores: Floats | None = None
    cell: Cell = CLEAN
    truth_rows: npt.NDArray[np.integer] | None = None
    one_pose_per_box: bool = False
    file_name: str | None = None

    def __post_init__(self) -> None:
        if self.boxes is None:
            return
        n_people = len(self.boxes)
        _expect_shape("Frame.boxes", self.boxes, (n_people, 4))
        if self.truth_rows is not None:
            _expect_shape("Frame.truth_rows", self.truth_rows, (n_people,))
        if self.box_scores is None:
            object.__setattr__(self, "box_scores", np.ones(n_people))
        else:
            _expect_shape("Frame.box_scores", self.box_scores, (n_people,))

    @cached_property
    def image(self) -> Image:
        """Return the (H, W, 3) uint8 RGB image."""
        image = self.read()
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise UserError(f"image {self.image_id} must be (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
        return image


@dataclass(frozen=True, eq=False)
class Truth:
    """What is annotated in one image: N people with K joints.

    Attributes:
        image_id: the image's id in its dataset.
        xy: (N, K, 2) px.
        visible: (N, K): 0 not annotated, 1 annotated but hidden, 2 visible.
        area: (N,) px², the scale of OKS.
        boxes: (N, 4) xyxy px.
        crowd: (N,) bool: regions that are ignored, not scored.
        head_size: (N,) px, or None.
    """

    image_id: ImageId
    xy: Floats
    visible: npt.NDArray[np.integer]
    area: Floats
    boxes: Floats
    crowd: npt.NDArray[np.bool_]
    head_size: Floats | None = None

    def __post_init__(self) -> None:
        _expect_poses("Truth.xy", self.xy)
        n_people, n_joints = self.xy.shape[:2]
        _expect_shape("Truth.visible", self.visible, (n_people, n_joints))
        _expect_shape("Truth.area", self.area, (n_people,))
        _expect_shape("Truth.boxes", self.boxes, (n_people, 4))
        _expect_shape("Truth.crowd", self.crowd, (n_people,))
        if self.head_size is not None:
            _expect_shape("Truth.head_size", self.head_size, (n_people,))

    @cached_property
    def counted(self) -> npt.NDArray[np.bool_]:
        """Return who is to be found (N,): people with an annotated joint who are no crowd."""
        return (self.visible > 0).any(1) & ~self.crowd


@dataclass(frozen=True, eq=False)
class Poses:
    """What an estimator found in one image: N people with K joints, scored and ready to be judged.

    Attributes:
        image_id: the image's id in its dataset.
        xy: (N, K, 2) px.
        confidence: (N, K), per joint.
        score: (N,), per person; final: nothing rescores it later.
        truth_rows: (N,) the row of `Truth` that each pose answers, copied from the frame's boxes; None where people
            were found without boxes, or in boxes that nobody annotated.
    """

    image_id: ImageId
    xy: Floats
    confidence: Floats
    score: Floats
    truth_rows: npt.NDArray[np.integer] | None = None

    def __post_init__(self) -> None:
        _expect_poses("Poses.xy", self.xy)
        n_people, n_joints = self.xy.shape[:2]
        _expect_shape("Poses.confidence", self.confidence, (n_people, n_joints))
        _expect_shape("Poses.score", self.score, (n_people,))
        if self.truth_rows is not None:
            _expect_shape("Poses.truth_rows", self.truth_rows, (n_people,))
        for name in ("xy", "confidence", "score"):
            if not np.isfinite(getattr(self, name)).all():
                raise UserError(f"Poses.{name} of image {self.image_id} holds a value that is not finite")


def no_poses(image_id: ImageId, n_joints: int) -> Poses:
    """Return the Poses of an image in which nobody was found."""
    return Poses(image_id, np.zeros((0, n_joints, 2)), np.zeros((0, n_joints)), np.zeros(0))


def _expect_shape(what: str, array: npt.NDArray[np.generic], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise UserError(f"{what} must be {shape}, got {array.shape}")


def _expect_poses(what: str, xy: Floats) -> None:
    if xy.ndim != 3 or xy.shape[2] != 2:
        raise UserError(f"{what} must be (N, K, 2), got {xy.shape}")
