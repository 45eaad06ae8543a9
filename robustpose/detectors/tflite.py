"""TFLite: a detector as one file, run by LiteRT on the CPU."""

from __future__ import annotations

from collections.abc import Sequence

from robustpose.detectors.files import FileDetector, FileDetectorOptions, build_detector
from robustpose.estimators.tflite import RunOptions, describe_library, open_tflite


class Options(FileDetectorOptions, RunOptions):
    """Options of a TFLite file of a detector."""


def build(name: str, target: str, categories: Sequence[str], options: Options) -> FileDetector:
    """Return the detector of a TFLite file: of the form that its outputs have, or that the options say."""
    file = open_tflite(name, target, options)
    detector = build_detector(name, file, categories, options, file.as_network)
    describe = detector.describe
    detector.describe = lambda: {**describe(), **describe_library()}
    return detector
