"""Any callable: f(image, boxes) -> (N, K, 3), or of batches, or an object or class that is an estimator already."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from robustpose import registry
from robustpose.blame import blaming
from robustpose.errors import UserError, spell_list
from robustpose.estimators.in_order import doubt_order, put_in_order
from robustpose.estimators.joint_order import DATA, JointOrder
from robustpose.estimators.options import Crops, ModelOptions, Switch, read_options
from robustpose.pose.arrays import to_numbers
from robustpose.pose.joint_names import find_names
from robustpose.pose.protocols import Estimator, adopt
from robustpose.pose.shared_joints import make_own_skeleton
from robustpose.pose.skeleton_table import get_published, list_by_size
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Frame, Poses, no_poses

PLAIN, BATCHED = "f(image, boxes)", "f(images, boxes_per_image)"
SAY_BATCHED, SAY_PLAIN = "say --model-set batched=true", "say --model-set batched=false"


class Options(ModelOptions):
    """Options of a callable."""

    batched: Switch | None = None
    """Whether it is called as f(images, boxes_per_image); by default what its attribute `batched` says."""
    batch_size: Crops = 32
    """People at most in one call of f(images, boxes_per_image), unless a single image has more."""
    joints: JointOrder | None = None
    """Whose joints it gives: data's, or of a skeleton such as coco; by default what its attribute `joints` says."""


class Function(Estimator):
    """Estimate poses with a callable, which messages call `name`.

    `find` takes an image (H, W, 3) uint8 RGB and boxes (N, 4) xyxy px, both its own to change, and gives (N, K, 3): x
    px, y px, confidence; an array, lists or a tensor; for one person also (K, 3). A person's score is the mean
    confidence of the joints times the box score.

    With a `batch_size`, `find` takes a list of such images and a list of the boxes of each, and gives a list of what it
    finds in each. The people of an image always come together, and images without boxes never come. As many images are
    handed over at once as have `batch_size` people together, or one that has more by itself.

    `joints` names the K that it gives, in its order: those of the skeleton, or more; by default those of the
    annotations.
    """

    needs_boxes = True

    def __init__(
        self,
        find: Callable[..., Any],
        skeleton: Skeleton,
        name: str,
        batch_size: int | None = None,
        joints: Sequence[str] = (),
    ) -> None:
        self.skeleton = skeleton
        own = make_own_skeleton(joints or skeleton.whole.joints, skeleton, f"model '{name}'").joints
        self._n_joints, self._order = len(own), find_names(own, skeleton.joints)
        taken = {"joints_taken": f"{skeleton.n_joints} of {len(own)}"} if len(own) > skeleton.n_joints else {}
        self.provenance = {"kind": "function", "name": name, **taken}
        self.__wrapped__ = self._find = find
        self.warnings = [] if joints else doubt_order(skeleton.whole, name)
        self._name = name
        self._batch_size = batch_size
        self._has_answered = False

    def predict(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return the poses in the boxes of each frame."""
        n_people = [0 if frame.boxes is None else len(frame.boxes) for frame in frames]
        found: list[Floats | None] = [None] * len(frames)
        calls = [[i] for i, n in enumerate(n_people) if n]
        if self._batch_size is not None:
            calls = share_out(n_people, self._batch_size)
        for call in calls:
            for i, points in zip(call, self._find_points([frames[i] for i in call]), strict=True):
                found[i] = points
        return [self._make_poses(frame, points) for frame, points in zip(frames, found, strict=True)]

    def _make_poses(self, frame: Frame, points: Floats | None) -> Poses:
        if points is None or frame.box_scores is None:
            return no_poses(frame.image_id, self.skeleton.n_joints)
        if self._order not in (None, tuple(range(self._n_joints))):
            points = points[:, list(self._order or ())]
        confidence = points[:, :, 2]
        scores = confidence.mean(-1) * frame.box_scores
        return Poses(frame.image_id, points[:, :, :2], confidence, scores, frame.truth_rows, frame.box_categories)

    def _find_points(self, frames: Sequence[Frame]) -> list[Floats]:
        """Return what one call finds in frames that have boxes, checked: (N, K, 3) for each."""
        images = [frame.image.copy() for frame in frames]
        boxes = [np.array(frame.boxes) for frame in frames]
        if self._batch_size is None:
            found = [self._call(images[0], boxes[0])]
        else:
            answer = self._call(images, boxes)
            if inspect.iscoroutine(answer):
                answer.close()  # which Python would warn of
            found = self._take_list(answer, frames)
        checked = [self._check_points(frame, points) for frame, points in zip(frames, found, strict=True)]
        self._has_answered = True
        return checked

    def _call(self, *arguments: Any) -> Any:
        try:
            with blaming(f"estimator '{self._name}'", PLAIN if self._batch_size is None else BATCHED):
                return self._find(*arguments)
        except UserError as error:
            if self._has_answered or not _is_of_other_arguments(error.__cause__):
                raise
            raise UserError(f"{error}; {self._tell_call()}") from error

    def _tell_call(self) -> str:
        """Return how the callable is called, and what to say if it wants to be called the other way."""
        if self._batch_size is None:
            return f"it was called as {PLAIN}, an image at a time: if it takes several images, {SAY_BATCHED}"
        return f"it was called as {BATCHED}, several images at a time: if it takes one, {SAY_PLAIN}"

    def _take_list(self, found: Any, frames: Sequence[Frame]) -> list[Any]:
        """Return what the callable gave for a batch if it is a list with an entry for each image."""
        what = f"'{self._name}' must return a list with (people, joints, x y confidence) of each image"
        n_people = sum(len(frame.boxes) for frame in frames if frame.boxes is not None)
        given = f"for {len(frames)} images with {n_people} people"
        if isinstance(found, list):
            if len(found) != len(frames):
                raise UserError(f"{what}, {given} it returned a list of {len(found)}")
            return found
        hint = ""
        if hasattr(found, "shape"):
            hint = f" of shape {tuple(found.shape)}: split it by the number of people in each image"
        elif isinstance(found, tuple):
            hint = f" of {len(found)}: put keypoints and confidence of an image into one array"
        raise UserError(f"{what}, {given} it returned a {type(found).__name__}{hint}")

    def _check_points(self, frame: Frame, found: Any) -> Floats:
        """Return what the callable gave for the boxes of a frame as an array (N, K, 3)."""
        n_people = 0 if frame.boxes is None else len(frame.boxes)
        expected = (n_people, self._n_joints, 3)
        what = f"'{self._name}' must return {expected} (people, joints, x y confidence) for image {frame.image_id}"
        points = np.array(to_numbers(found, f"{what}: it"), np.float64)  # a copy: theirs may be used again
        if n_people == 1 and points.shape == expected[1:]:
            points = points[None]
        if points.shape != expected:
            is_of_batches = self._batch_size is None and points.ndim == 4 and not self._has_answered
            hint = f"; {self._tell_call()}" if is_of_batches else self._advise(points.shape)
            raise UserError(f"{what}, got {points.shape}{hint}")
        if not np.isfinite(points).all():
            person, joint, _ = np.argwhere(~np.isfinite(points))[0].tolist()
            raise UserError(f"{what}, got {points[person, joint].tolist()} for joint {joint} of person {person}")
        return points

    def _advise(self, shape: tuple[int, ...]) -> str:
        """Return what to say where it gives another number of joints, such as a published one."""
        n_joints = shape[-2] if len(shape) in (2, 3) and shape[-1] == 3 else self._n_joints
        names = list_by_size(n_joints) if n_joints != self._n_joints else []
        return f": say whose joints it gives, --model-set joints={spell_list(names, 'or')}" if names else ""


def _is_of_other_arguments(error: BaseException | None) -> bool:
    """Return whether a callable raises it that is handed one image in the place of several, or the other way round."""
    if type(error) is ValueError:  # Python's and NumPy's own
        return re.search("to unpack|inhomogeneous|broadcast", str(error)) is not None
    return isinstance(error, IndexError | TypeError | AttributeError)


def share_out(n_people: Sequence[int], most: int) -> list[list[int]]:
    """Return the indices of the images of each call, at most `most` people in each but for images that have more.

    The images with most people are placed first, each in the first call that has room: that fills calls nearly as well
    as cutting images apart would (Johnson, 1973: first fit decreasing).

    >>> share_out([1, 3, 0, 2, 9], 4)
    [[0, 1], [3], [4]]
    """
    calls: list[list[int]] = []
    taken: list[int] = []  # people in each call
    for i in sorted((i for i, n in enumerate(n_people) if n), key=lambda i: -n_people[i]):
        place = next((place for place, n in enumerate(taken) if n + n_people[i] <= most), len(calls))
        if place == len(calls):
            calls.append([])
            taken.append(0)
        calls[place].append(i)
        taken[place] += n_people[i]
    return sorted(sorted(call) for call in calls)


def build(spec: str, skeleton: Skeleton, options: Mapping[str, Any]) -> Estimator:
    """Return the estimator behind ``package.module:attr``. `options` are as `estimators.build` takes them."""
    found = registry.load(spec, kind="model")
    if isinstance(found, type) and hasattr(found, "load_state_dict") and not hasattr(found, "predict"):
        raise UserError(f"model '{spec}' is a torch network: name its weights, too, --model {spec}:FILE")
    return take(found, spec, skeleton, options)


def take(found: Any, name: str, skeleton: Skeleton, options: Mapping[str, Any]) -> Estimator:
    """Return the estimator of an object in memory, which messages and results call `name`.

    A callable f(image, boxes), or f(images, boxes_per_image), is wrapped; an object with `predict` is taken as it is; a
    class with `predict` is made with the skeleton as its argument.
    """
    if hasattr(found, "predict"):
        how = f"{getattr(found, '__name__', '')}(skeleton)"
        with blaming(f"estimator '{name}'", f"{how}: give it __init__(self, skeleton), or name an object made of it"):
            made = found(skeleton.whole) if isinstance(found, type) else found
        read_options(name, ModelOptions, options)
        return put_in_order(adopt(made, Estimator, f"estimator '{name}'"), skeleton, f"estimator '{name}'")
    if isinstance(found, type) or not callable(found):
        came = f"the class {found.__name__}" if isinstance(found, type) else type(found).__name__
        raise UserError(f"model '{name}' must be a callable {PLAIN} or have predict(), got {came}")
    return _wrap(name, found, skeleton, read_options(name, Options, options))


def _wrap(spec: str, find: Callable[..., Any], skeleton: Skeleton, options: Options) -> Function:
    """Return the estimator of a callable, which says by itself whether it takes batches, or whose options say it."""
    with blaming(f"estimator '{spec}'"):
        declared = getattr(find, "batched", False)
    if not isinstance(declared, bool | np.bool_):
        raise UserError(f"'{spec}'.batched must be True or False, got {declared!r} ({type(declared).__name__})")
    is_batched = bool(declared) if options.batched is None else options.batched
    if not is_batched and "batch_size" in options.model_fields_set:
        raise UserError(
            f"model '{spec}' is called as {PLAIN}, an image at a time: leave out batch_size, or if it is {BATCHED}, "
            f"{SAY_BATCHED}"
        )
    joints = _read_joints(find, spec, skeleton, options)
    estimator = Function(find, skeleton, spec, options.batch_size if is_batched else None, joints)
    if options.joints is not None:
        estimator.provenance = {**estimator.provenance, "joints": options.joints}
    if is_batched != declared:  # what its own code says, its code's hash tells
        estimator.provenance = {**estimator.provenance, "batched": is_batched}
    return estimator


def _read_joints(find: Callable[..., Any], spec: str, skeleton: Skeleton, options: Options) -> tuple[str, ...]:
    """Return the joints that a callable gives: those of the skeleton that the options name, or what itself says.

    Its attribute `joints` is a list of names, or the name of a published skeleton; none are those of the annotations.
    """
    if options.joints == DATA:
        return skeleton.whole.joints
    with blaming(f"estimator '{spec}'"):
        said = options.joints or getattr(find, "joints", None)
    if said is None:
        return ()
    if isinstance(said, str):
        row = get_published(said)
        return row.spell_as(skeleton.whole.joints)
    if not isinstance(said, Sequence) or not said or not all(isinstance(name, str) and name for name in said):
        raise UserError(
            f"'{spec}'.joints must be names of joints, or the name of a skeleton such as coco, got {said!r}"
        )
    return tuple(said)
