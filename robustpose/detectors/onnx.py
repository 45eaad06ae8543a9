"""ONNX: a detector as one file, run by onnxruntime or OpenVINO."""

from __future__ import annotations

from collections.abc import Sequence

from robustpose.detectors.files import FileDetector, FileDetectorOptions, build_detector
from robustpose.estimators.onnx import OnnxOptions, open_onnx


class Options(FileDetectorOptions, OnnxOptions):
    """Options of an ONNX file of a detector."""


def build(name: str, target: str, categories: Sequence[str], options: Options) -> FileDetector:
    """Return the detector of an ONNX file: of the form that its outputs have, or that the options say."""
    opened = open_onnx(name, target, options)
    detector = build_detector(name, opened.file, categories, options, opened.run)
    describe = detector.describe
    detector.describe = lambda: {**describe(), **opened.describe()}
    return detector
