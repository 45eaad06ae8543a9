"""Any callable: f(image) -> (N, 5 or 6), or an object or class that is a detector already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from robustpose import registry
from robustpose.blame import blaming
from robustpose.decoding.boxes import Rows, choose_boxes
from robustpose.detectors.classes import group_classes
from robustpose.detectors.options import DetectorOptions
from robustpose.errors import UserError
from robustpose.pose.arrays import to_numbers
from robustpose.pose.box_poses import BOX, as_poses
from robustpose.pose.protocols import Estimator, adopt
from robustpose.pose.types import Frame, Poses
from robustpose.states import name_modules

WHAT = "f(image) -> (N, 5 or 6): x1 y1 x2 y2 score, perhaps the number of a class"


class Options(DetectorOptions):
    """Options of a callable."""


class FunctionDetector(Estimator):
    """Find boxes with a callable, which messages call `name`.

    `find` takes an image (H, W, 3) uint8 RGB, its own to change, and gives (N, 5), x1 y1 x2 y2 px and a score, or
    (N, 6), with the number of a class; an array, lists or a tensor. Its attribute `names` may say what the classes are
    called, as a list or as {number: name}. Boxes without a class are of the one category of the data, or of nobody
    knows which.
    """

    needs_boxes = False
    skeleton = BOX

    def __init__(
        self, find: Callable[..., Any], name: str, categories: Sequence[str], options: DetectorOptions
    ) -> None:
        self.provenance: Mapping[str, object] = {
            "kind": "function",
            "name": name,
            **({} if options.classes is None else {"classes": list(options.classes)}),
            "min_score": options.min_score,
            "max_boxes": options.max_boxes,
        }
        self.__wrapped__ = self._find = find
        self._name, self._categories, self._options = name, list(categories), options
        self._names = read_names(getattr(find, "names", None), f"'{name}'.names")
        if options.classes is not None and self._names:  # what is wrong is said before images are looked at
            self._group()

    def predict(self, frames: Sequence[Frame]) -> list[Poses]:
        """Return the boxes found in each frame."""
        return [self._predict_one(frame) for frame in frames]

    def _predict_one(self, frame: Frame) -> Poses:
        with blaming(f"detector '{self._name}'", "f(image)"):
            found = self._find(frame.image.copy())
        rows = self._check_rows(frame, found)
        options = self._options
        has_classes = rows.shape[1] == 6
        labels = rows[:, 5].astype(int) if has_classes else np.zeros(len(rows), int)
        if not has_classes and options.classes is not None and len(rows):
            raise UserError(f"'{self._name}' gives no classes of boxes, (N, 5): leave out classes=, or return (N, 6)")
        groups = self._group() if has_classes else [[0]]
        chosen = choose_boxes(Rows(rows[:, :4], rows[:, 4], labels), groups, options.min_score, None, options.max_boxes)
        is_said = has_classes and len(self._categories) > 1
        return as_poses(frame.image_id, chosen.boxes, chosen.scores, chosen.categories if is_said else None)

    def _group(self) -> list[list[int]]:
        what = f"detector '{self._name}'"
        return group_classes(what, self._names, None, self._categories, self._options.classes)

    def _check_rows(self, frame: Frame, found: Any) -> Any:
        """Return what the callable gave for a frame as an array (N, 5 or 6)."""
        what = f"'{self._name}' must return (N, 5 or 6), x1 y1 x2 y2 score class, for image {frame.image_id}"
        rows = np.array(to_numbers(found, f"{what}: it"), np.float64)  # a copy: theirs may be used again
        if rows.size == 0:
            return np.zeros((0, 5))
        if rows.ndim != 2 or rows.shape[1] not in (5, 6):
            raise UserError(f"{what}, got {rows.shape}")
        problems = (
            ("a value that is not finite", ~np.isfinite(rows).all(1)),
            ("x2 or y2 below x1 or y1: is it x y width height?", (rows[:, 2:4] < rows[:, :2]).any(1)),
            ("a score that is not in 0..1", (rows[:, 4] < 0) | (rows[:, 4] > 1)),
            ("a class that is no whole number", (rows[:, 5:] % 1 != 0).any(1) | (rows[:, 5:] < 0).any(1)),
        )
        for problem, is_wrong in problems:
            if is_wrong.any():
                raise UserError(f"{what}, got {rows[is_wrong][0].tolist()}: {problem}")
        return rows


def read_names(given: Any, what: str) -> tuple[str, ...]:
    """Return the names of classes of a list or of {number: name}; none for None. Messages begin with `what`."""
    if given is None:
        return ()
    if isinstance(given, Mapping):
        numbers = [key for key in given if isinstance(key, int) and 0 <= key < 10_000]
        given = [given.get(i, "") for i in range(max(numbers) + 1)] if len(numbers) == len(given) and given else None
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
        raise UserError(f"{what} must be the names of classes, a list or {{number: name}}")
    return tuple(given)


def build(name: str, target: str, categories: Sequence[str], options: Options) -> Estimator:
    """Return the detector behind ``package.module:attr``."""
    spec = f"{name}:{target}"
    return take(registry.load(spec, kind="detector"), spec, categories, options)


def take(found: Any, name: str, categories: Sequence[str], options: Options) -> Estimator:
    """Return the detector of an object in memory, which messages and results call `name`.

    A callable f(image) is wrapped; an object with `predict` is taken as it is; a class with `predict` is made without
    arguments.
    """
    what = f"detector '{name}'"
    if hasattr(found, "predict"):
        if options.model_fields_set:
            raise UserError(f"{what} has predict(), and so no options: leave out {', '.join(options.model_fields_set)}")
        with blaming(what, f"{getattr(found, '__name__', '')}(): or name an object made of it"):
            made = found() if isinstance(found, type) else found
        detector: Estimator = adopt(made, Estimator, what)
        if detector.skeleton != BOX:
            raise UserError(f"{what} must have robustpose.pose.box_poses.BOX as its skeleton, or be a callable {WHAT}")
    elif isinstance(found, type) or not callable(found):
        came = f"the class {found.__name__}" if isinstance(found, type) else type(found).__name__
        raise UserError(f"{what} must be a callable {WHAT}, got {came}")
    else:
        detector = FunctionDetector(found, name, categories, options)
    name_modules(detector, name)
    return detector
