"""Protocols: what a dataset, an estimator and a metric are. What is not required has a default here.

Those of this package are subclasses. An object of anybody else need not know this file: `adopt` gives it the defaults
where it is loaded. So no other code has to ask what an object has.
"""

from __future__ import annotations

import json
import operator
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from robustpose.blame import blaming, is_of_others
from robustpose.errors import UserError
from robustpose.pose.cell import Cell
from robustpose.pose.cuts import Cut
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Frame, ImageId, Poses, Truth, list_people

Mask = npt.NDArray[np.bool_]
# What members of others are checked to be, and what their functions are checked to give.
ATTRIBUTES: dict[str, type] = {"skeleton": Skeleton, "metric": str, "primary": str}
RESULTS: dict[str, type] = {"frame": Frame, "boxes_in": Frame, "truth": Truth, "people": Sequence, "compute": Mapping}


class Dataset(Protocol):
    """Images to look at and the truth about them.

    Attributes:
        skeleton: names of the joints.
        metric: what `robustpose.metrics.make_metric` takes.
        warnings: why numbers on these data could be wrong, a line each; results carry them.
        category_ids: COCO's ids of what is looked for; results files carry them.
        category_names: what each of these categories is called; () where nobody says it.
    """

    skeleton: Skeleton
    metric: str
    category_ids: Sequence[ImageId] = (1,)
    category_names: Sequence[str] = ()
    warnings: Sequence[str] = ()

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of images."""

    @abstractmethod
    def frame(self, index: int) -> Frame:
        """Return the clean frame of image `index`."""

    @abstractmethod
    def truth(self, index: int) -> Truth:
        """Return what is annotated in image `index`."""

    @cached_property
    def provenance(self) -> Mapping[str, object]:
        """Return what results say about where the data come from."""
        return {"name": type(self).__name__, "n_images": len(self)}

    def ignored(self, index: int) -> Mask | None:
        """Return where in image `index` there are people who are not annotated (H, W); None for their boxes."""
        return None

    def people(self, index: int) -> Sequence[Floats]:
        """Return where people are in image `index`, for corruptions that are told: joints (M, 2) px of each.

        By default those who are scored, with the joints that can be seen, or the hidden ones of whom none can be seen.
        They are the same whichever joints of the dataset are scored: a corrupted image does not depend on that.
        """
        return list_people(self.truth(index))

    def learning_boxes(self, index: int) -> Floats | None:
        """Return the boxes (N, 4) that the people of image `index` are learned in, one for each row of its truth.

        None for those that people are looked for in when networks are evaluated, the boxes of the frame.
        """
        return None

    def boxes_in(self, frame: Frame) -> Frame:
        """Return a frame with the people's boxes of its cell, for datasets whose boxes differ from cell to cell."""
        return frame

    def check_cells(self, cells: Sequence[Cell]) -> None:
        """Raise UserError if the boxes of a cell are missing."""
        return


class Estimator(Protocol):
    """Image in, poses out.

    Attributes:
        skeleton: names of the joints that it finds.
        needs_boxes: whether every frame must bring the boxes of its people.
        needs_images: False for one that never looks at pixels.
        warnings: why its poses could be wrong, a line each; results carry them.
        n_gpus: how many GPUs its network is on; None where no process can run it for others.
        images_per_group: how many consecutive images, counted from the first one of the data, it has to be handed at
            once (or a multiple of it), because what it finds in one depends on the others.
    """

    skeleton: Skeleton
    needs_boxes: bool
    needs_images: bool = True
    warnings: Sequence[str] = ()
    n_gpus: int | None = None
    images_per_group: int = 1

    @abstractmethod
    def predict(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return the poses found in each frame, in the order of the frames."""

    def check_data(self, dataset: Dataset, cells: Sequence[Cell]) -> None:
        """Raise UserError if it has no poses for these images in these cells. Called before anything is predicted."""
        return

    @cached_property
    def provenance(self) -> Mapping[str, object]:
        """Return what results say about the estimator."""
        return {"name": type(self).__name__}


class Metric(Protocol):
    """Figures in 0..1 from poses and truth, taken in image by image.

    Attributes:
        primary: the figure that summaries are made of.
        one_pose_per_box: True for a metric that wants a pose for every annotated box, near-duplicates included.
        against_clean: True for a metric that holds the poses of a cell against those on the clean images, and not
            against annotations: see `Truth.clean_poses`.
        warnings: why the figures that it computed could be wrong, a line each; results carry those of clean images.
    """

    primary: str
    one_pose_per_box: bool = False
    against_clean: bool = False
    warnings: Sequence[str] = ()

    @abstractmethod
    def update(self, poses: Poses, truth: Truth) -> None:
        """Take in one image."""

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """Return all figures, 0..1; -1 where nobody is there to be found."""

    def matches(self) -> Matches | None:
        """Return the comparison of poses and truth; None for a metric without intervals and slices."""
        return None


class ScoreTable(Protocol):
    """What the score of any weighted set of images is computed from; `save` and `load_score_table` keep it."""

    @property
    def n_images(self) -> int:
        """Return the number of images N."""

    def score(self, weights: npt.NDArray[np.integer] | None = None) -> Floats:
        """Return the figure (R,) of images taken `weights` (R, N) times, by default once each; NaN for nobody."""

    def save(self) -> dict[str, npt.NDArray[Any]]:
        """Return arrays that `load_score_table` takes."""


class Matches(Protocol):
    """The comparison of poses and truth, from which intervals and slices are computed.

    Attributes:
        joint_figure: name of the figure that the tables of `joints_tables` give.
    """

    joint_figure: str

    @abstractmethod
    def table(self, kept: Sequence[Mask] | None = None) -> ScoreTable:
        """Return the table of the primary figure: of everybody, or of the people in `kept`, one mask an image."""

    @abstractmethod
    def joints_tables(self) -> Mapping[str, ScoreTable]:
        """Return the table of each joint, by its name."""

    @abstractmethod
    def quality(self) -> Floats:
        """Return how good the poses of each image are (N,), 0..1; NaN without people."""

    def figures(self) -> Mapping[str, float] | None:
        """Return all figures of what is compared, as `Metric.compute` does; None where there is the primary one."""
        return None

    def restrict(self, cut: Cut) -> Matches | None:
        """Return the comparison of what is cut out alone, as if there were nothing else; None if it cannot be.

        It is of the same N images: in those outside the cut, there is nobody.
        """
        return None

    def confidences(self) -> tuple[Floats, Floats] | None:
        """Return the scores of poses and how right these are; None for a metric that does not look at scores."""
        return None


def adopt(found: Any, protocol: type, what: str) -> Any:
    """Return an object with all members of a protocol: its own ones, and the protocol's defaults for the others.

    What its members raise, or give in the place of what they should, is a UserError that names it.

    Args:
        found: an object of others. One of this package that is of the protocol is returned as it is.
        protocol: `Dataset`, `Estimator`, `Metric` or `Matches`.
        what: messages call the object so.

    Raises:
        UserError: it lacks a member that has no default.
    """
    if protocol in type(found).__mro__ and (not is_of_others(found) or "__wrapped__" in vars(type(found))):
        return found
    members = list_members(protocol)
    with blaming(what):
        own = [name for name in members if getattr(found, name, None) is not None]
    lacking = [name for name, is_required in members.items() if is_required and name not in own]
    if lacking:
        raise UserError(f"{what} lacks {', '.join(map(repr, lacking))}")
    for name, kind in ATTRIBUTES.items():
        if name in own and not isinstance(getattr(found, name), kind):
            came = type(getattr(found, name)).__name__
            raise UserError(f"{what} must have a {kind.__name__} as its '{name}', got {came}")
    # A new class, because methods such as `__len__` are looked up there. Its properties read the object anew each time.
    # It has the name of the object's class, which the default provenance gives.
    namespace: dict[str, Any] = {name: _mirror(found, name, what) for name in own}
    namespace["__module__"] = type(found).__module__
    namespace["__wrapped__"] = property(lambda self: found)
    namespace["__reduce__"] = lambda self: (adopt, (found, protocol, what))  # for other processes
    return type(type(found).__name__, (protocol,), namespace)()


def _mirror(found: Any, name: str, what: str) -> property:
    """Return a property that gives a member of an object; messages call the object `what`."""

    def read(_: object) -> Any:
        with blaming(what):
            member = getattr(found, name)
        if name == "provenance":
            _check_plain(member, f"{what}: provenance")
        if name == "warnings":
            if not isinstance(member, Sequence):
                raise UserError(f"{what}: warnings must be a list of texts, got {type(member).__name__}")
            return [member] if isinstance(member, str) else [str(text) for text in member]
        return call if callable(member) else member

    def call(*arguments: Any, **named: Any) -> Any:
        with blaming(what):
            result = getattr(found, name)(*arguments, **named)
            result = operator.index(result) if name == "__len__" else result
        if name == "__len__" and result < 0:
            raise UserError(f"{what}: the number of images must be at least 0, got {result}")
        if name in ("matches", "restrict") and result is not None:
            return adopt(result, Matches, f"{what}: {name}()")
        expected = RESULTS.get(name)
        if expected is not None and not isinstance(result, expected):
            raise UserError(f"{what}: {name}() must return a {expected.__name__}, got {type(result).__name__}")
        result = replace(result) if isinstance(result, Truth) else result  # checked: it may have been changed since
        if isinstance(result, Truth) and result.xy.shape[1] != found.skeleton.n_joints:
            expected_xy = f"(N, {found.skeleton.n_joints}, 2) for skeleton '{found.skeleton.name}'"
            raise UserError(f"{what}: Truth.xy of image {result.image_id} must be {expected_xy}, got {result.xy.shape}")
        return result

    return property(read)


def _check_plain(provenance: Any, what: str) -> None:
    """Raise UserError unless what results say of an object can be written to them."""
    try:
        json.dumps(dict(provenance), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(f"{what} must be a dict of texts and numbers: {error}") from error


def list_members(protocol: type) -> dict[str, bool]:
    """Return whether each member of a protocol is required, by its name."""
    defined = [name for name in vars(protocol) if not name.startswith("_") or name == "__len__"]
    abstract: frozenset[str] = protocol.__abstractmethods__  # type: ignore[attr-defined]
    return {
        name: name in abstract or name not in vars(protocol)  # an annotation alone has no default
        for name in (*protocol.__annotations__, *defined)
    }
