"""The three types of the data flow: a Frame to look at, the Truth about it, and the Poses an estimator found in it.

Positions are pixels of the full image, x right, y down, pixel centres at integers. All three types are frozen, and
checked when they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from robustpose.errors import NotFinite, UserError
from robustpose.pose.arrays import to_numbers
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
        size_wh: width and height of the image, px, as far as they are known before it is read.
        boxes_end: what x2 and y2 are: an ``edge``, or the last ``pixel`` in the box, as annotated boxes have it for
            HRNet's program (x + w - 1).
        box_categories: (N,) of which category each box is, as an index into the dataset's `category_ids`; None where
            there is one category, or nobody says it.
        exif: ``apply`` or ``ignore``, if EXIF turns images of the dataset; files in the place of its images are read
            likewise.
        people: where people are, for corruptions that are told: joints (M, 2) px of each. Only frames to be corrupted
            have it; those that an estimator is given have None.

    >>> import numpy as np
    >>> from robustpose import Frame
    >>> frame = Frame("street", lambda: np.zeros((48, 64, 3), np.uint8), boxes=np.array([[8.0, 4.0, 40.0, 44.0]]))
    >>> frame.image.shape, frame.box_scores
    ((48, 64, 3), array([1.]))
    """

    image_id: ImageId
    read: Callable[[], Image] = field(repr=False)
    boxes: Floats | None = None
    box_scores: Floats | None = None
    cell: Cell = CLEAN
    truth_rows: npt.NDArray[np.integer] | None = None
    one_pose_per_box: bool = False
    file_name: str | None = None
    size_wh: tuple[int, int] | None = None
    exif: Literal["apply", "ignore"] | None = None
    boxes_end: Literal["edge", "pixel"] = "edge"
    box_categories: npt.NDArray[np.integer] | None = None
    people: Sequence[Floats] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_id(self)
        if not callable(self.read):
            raise UserError(f"Frame.read must be a function that gives the image, got {type(self.read).__name__}")
        if self.boxes is None:
            return
        _take_arrays(self, "boxes", "box_scores", "truth_rows", "box_categories")
        n_people = len(self.boxes)
        _check_shapes(
            self, boxes=(n_people, 4), truth_rows=(n_people,), box_scores=(n_people,), box_categories=(n_people,)
        )
        if not np.isfinite(self.boxes).all():
            raise UserError(f"Frame.boxes of image {self.image_id} hold a value that is not finite")
        if self.box_scores is None:
            object.__setattr__(self, "box_scores", np.ones(n_people))

    @property
    def edge_boxes(self) -> Floats:
        """Return the boxes (N, 4) whose x2 and y2 are edges, as annotation files have them; (0, 4) without boxes."""
        if self.boxes is None:
            return np.zeros((0, 4))
        return self.boxes + np.array([0, 0, 1, 1]) if self.boxes_end == "pixel" else self.boxes

    @cached_property
    def image(self) -> Image:
        """Return the (H, W, 3) uint8 RGB image."""
        image = self.read()
        if not isinstance(image, np.ndarray):
            raise UserError(f"image {self.image_id} must be (H, W, 3) uint8 RGB, got {type(image).__name__}")
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise UserError(f"image {self.image_id} must be (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
        return np.ascontiguousarray(image)


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
        categories: (N,) of which category each one is, as an index into the dataset's `category_ids`; None where there
            is one category.
        crowd_index: how crowded the image is, 0..1, as CrowdPose has it; None where nobody says it.
        clean_poses: the poses (N people) on the clean image that stand here for annotated people, for metrics that hold
            poses `against_clean` ones; None where people are annotated.
        uncounted: (N,) bool: people who have joints and are not scored, as CrowdPose's of whom nothing can be seen;
            None for nobody.

    >>> import numpy as np
    >>> from robustpose import Truth
    >>> truth = Truth(
    ...     "street", xy=np.full((1, 17, 2), 20.0), visible=np.full((1, 17), 2), area=np.array([1280.0]),
    ...     boxes=np.array([[8.0, 4.0, 40.0, 44.0]]), crowd=np.array([False]),
    ... )
    >>> truth.counted
    array([ True])
    """

    image_id: ImageId
    xy: Floats
    visible: npt.NDArray[np.integer]
    area: Floats
    boxes: Floats
    crowd: npt.NDArray[np.bool_]
    head_size: Floats | None = None
    categories: npt.NDArray[np.integer] | None = None
    crowd_index: float | None = None
    clean_poses: Poses | None = None
    uncounted: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        _check_id(self)
        _take_arrays(self, "xy", "visible", "area", "boxes", "crowd", "head_size", "categories", "uncounted")
        n, n_joints = _count_joints("Truth.xy", self.xy)
        _check_shapes(self, visible=(n, n_joints), area=(n,), boxes=(n, 4), crowd=(n,))
        _check_shapes(self, head_size=(n,), categories=(n,), uncounted=(n,))
        for name, array in (("xy", self.xy[self.visible > 0]), ("area", self.area), ("boxes", self.boxes)):
            if not np.isfinite(array).all():
                raise UserError(f"Truth.{name} of image {self.image_id} holds a value that is not finite")
        if not np.isfinite(self.xy).all():  # of joints that are not annotated: nobody should have to look out for them
            object.__setattr__(self, "xy", np.where(np.isfinite(self.xy), self.xy, 0.0))

    @cached_property
    def counted(self) -> npt.NDArray[np.bool_]:
        """Return whether each person counts (N,): has an annotated joint, is no crowd and not `uncounted`."""
        counted: npt.NDArray[np.bool_] = (self.visible > 0).any(1) & ~self.crowd
        return counted if self.uncounted is None else counted & ~self.uncounted


@dataclass(frozen=True, eq=False)
class Poses:
    """What an estimator found in one image: N people with K joints, ready to be scored.

    Attributes:
        image_id: the image's id in its dataset.
        xy: (N, K, 2) px.
        confidence: (N, K), per joint.
        score: (N,), per person; final: nothing rescores it later.
        truth_rows: (N,) the row of `Truth` that each pose answers, copied from the frame's boxes; None where people
            were found without boxes, or in boxes that nobody annotated.
        categories: (N,) of which category each one is, as an index into the dataset's `category_ids`, copied from the
            frame's boxes; None where there is one category, or nobody says it.

    >>> import numpy as np
    >>> from robustpose import Poses
    >>> poses = Poses("street", xy=np.full((1, 17, 2), 20.0), confidence=np.ones((1, 17)), score=np.array([0.9]))
    >>> poses.xy.shape
    (1, 17, 2)
    """

    image_id: ImageId
    xy: Floats
    confidence: Floats
    score: Floats
    truth_rows: npt.NDArray[np.integer] | None = None
    categories: npt.NDArray[np.integer] | None = None

    def __post_init__(self) -> None:
        _check_id(self)
        _take_arrays(self, "xy", "confidence", "score", "truth_rows", "categories")
        n, n_joints = _count_joints("Poses.xy", self.xy)
        _check_shapes(self, confidence=(n, n_joints), score=(n,), truth_rows=(n,), categories=(n,))
        for name, array in (("xy", self.xy), ("confidence", self.confidence), ("score", self.score)):
            if not np.isfinite(array).all():
                raise NotFinite(f"Poses.{name} of image {self.image_id} holds a value that is not finite")


def reorder_joints(poses: Poses, order: Sequence[int]) -> Poses:
    """Return poses whose joint k is the joint ``order[k]`` of the given ones."""
    return replace(poses, xy=poses.xy[:, list(order)], confidence=poses.confidence[:, list(order)])


def no_poses(image_id: ImageId, n_joints: int) -> Poses:
    """Return the Poses of an image in which nobody was found."""
    return Poses(image_id, np.zeros((0, n_joints, 2)), np.zeros((0, n_joints)), np.zeros(0))


def join_poses(parts: Sequence[Poses]) -> Poses:
    """Return the people of several Poses of one image."""
    xy, confidence, score = (
        np.concatenate([getattr(poses, name) for poses in parts]) for name in ("xy", "confidence", "score")
    )
    return Poses(
        parts[0].image_id,
        xy,
        confidence,
        score,
        _join_known([poses.truth_rows for poses in parts]),
        _join_known([poses.categories for poses in parts]),
    )


def _join_known(parts: Sequence[npt.NDArray[np.integer] | None]) -> npt.NDArray[np.integer] | None:
    """Return one array of what several Poses say; None if one of them does not say it."""
    known = [of for of in parts if of is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def copy_frame(frame: Frame) -> Frame:
    """Return a frame with an image and boxes of its own, for code that may change what it is given."""
    arrays = {name: vars(frame)[name] for name in ("boxes", "box_scores", "truth_rows", "box_categories")}
    copies: dict[str, Any] = {name: None if array is None else array.copy() for name, array in arrays.items()}
    return replace(frame, read=lambda: frame.image.copy(), **copies)


def list_people(truth: Truth) -> list[Floats]:
    """Return the joints (M, 2) px of each person who is scored: those that can be seen, else the hidden ones."""
    people = []
    for row in np.flatnonzero(truth.counted):
        xy, visible = truth.xy[row], truth.visible[row]
        people.append(xy[visible == visible.max()])
    return people


def _check_id(of: Frame | Truth | Poses) -> None:
    """Make an image's id an int or a str, as JSON has it; UserError for anything else."""
    if isinstance(of.image_id, np.integer):
        object.__setattr__(of, "image_id", int(of.image_id))
    elif not isinstance(of.image_id, int | str):
        raise UserError(
            f"{type(of).__name__}.image_id must be a whole number or text, got {type(of.image_id).__name__}"
        )


def _take_arrays(of: Frame | Truth | Poses, *names: str) -> None:
    """Make arrays of lists and tensors in the fields of these names."""
    for name in names:
        value = vars(of)[name]
        if value is not None and not isinstance(value, np.ndarray):
            object.__setattr__(of, name, to_numbers(value, f"{type(of).__name__}.{name}"))
        elif value is not None and value.dtype.kind not in "biuf":
            raise UserError(f"{type(of).__name__}.{name} must be an array of numbers, got {value.dtype}")


def _check_shapes(of: Frame | Truth | Poses, **shapes: tuple[int, ...]) -> None:
    """Raise UserError unless the fields of these names have these shapes, or their default None."""
    for name, shape in shapes.items():
        array = vars(of)[name]
        found = None if array is None else array.shape
        is_default = array is None and name in vars(type(of))  # where a dataclass keeps its defaults
        if found != shape and not is_default:
            raise UserError(f"{type(of).__name__}.{name} must be {shape}, got {found}")


def _count_joints(what: str, xy: Floats) -> tuple[int, int]:
    """Return the numbers of people N and joints K of positions (N, K, 2)."""
    if xy.ndim != 3 or xy.shape[2] != 2:
        raise UserError(f"{what} must be (N, K, 2), got {xy.shape}")
    return xy.shape[0], xy.shape[1]
