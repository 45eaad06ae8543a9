"""ONNX: a detector as one file, run by onnxruntime or OpenVINO."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from robustpose.detectors.files import FileDetector, FileDetectorOptions, build_detector
from robustpose.detectors.function import read_names
from robustpose.errors import UserError
from robustpose.estimators.onnx import OnnxOptions, open_onnx

LONGEST_NOTE = 1_000_000  # letters
# By what Ultralytics calls them, and what to do.
OTHER_TASKS = {
    "pose": "whose boxes come without joints; a one-stage pose model needs no boxes at all: leave out --boxes",
    "segment": "without masks",
    "obb": "whose boxes are upright",
    "classify": "which says where things are",
}


class Options(FileDetectorOptions, OnnxOptions):
    """Options of an ONNX file of a detector."""


def build(name: str, target: str, categories: Sequence[str], options: Options) -> FileDetector:
    """Return the detector of an ONNX file: of the form that its outputs have, or that the options say."""
    opened = open_onnx(name, target, options, may_take_sizes=True)
    names = read_notes(target, opened.notes)
    detector = build_detector(name, opened.file, categories, options, opened.run, names)
    describe = detector.describe
    detector.describe = lambda: {**describe(), **opened.describe()}
    return detector


def read_notes(target: str, notes: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of classes that Ultralytics notes in its files; UserError if their task is another one."""
    task = notes.get("task", "detect")
    if task in OTHER_TASKS:
        raise UserError(f"{target} says that its task is {task}: name a detector, {OTHER_TASKS[task]}")
    try:
        given = ast.literal_eval(notes.get("names", "")[:LONGEST_NOTE])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    try:
        return read_names(given, "names")
    except UserError:
        return ()
