"""hf: detectors of transformers, DETR and its family.

Images are prepared, and boxes read, as a model's own image processor does it, which is told by its file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from robustpose.decoding.boxes import Rows, choose_boxes
from robustpose.decoding.boxes.detr import read_queries, take_best
from robustpose.detectors.classes import group_classes
from robustpose.detectors.options import DetectorOptions
from robustpose.errors import UserError
from robustpose.estimators.image_processors.settings import FILE
from robustpose.estimators.image_processors.whole_images import WholeImageProcessor, read_processor
from robustpose.estimators.network_file import first_line
from robustpose.estimators.options import WholeImageOptions
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.network_estimator import NetworkEstimator
from robustpose.models.input_spec import InputSpec
from robustpose.pose.box_poses import BOX, as_poses
from robustpose.pose.types import Frame, Poses

# Images (1, 3, h, w) -> logits (1, Q, classes) and boxes (1, Q, 4) in 0..1.
Network = Callable[[Array], tuple[Array, ...]]


class Options(WholeImageOptions, DetectorOptions):
    """Options of a detector of transformers."""

    revision: Annotated[str, Field(min_length=1)] | None = None
    """Branch, tag or commit of a model of the hub; by default main."""


class HuggingFaceDetector(NetworkEstimator[Network]):
    """Find boxes with a detector that sees one image a call, as its image processor prepares it."""

    needs_boxes = False

    def __init__(
        self,
        network: Network,
        input_spec: InputSpec,
        processor: WholeImageProcessor,
        read: tuple[bool, int | None],
        groups: Sequence[Sequence[int]],
        options: DetectorOptions,
    ) -> None:
        super().__init__(network, input_spec, BOX)
        self._processor, self._groups, self._options = processor, groups, options
        self._with_nothing, self._most = read

    def _find_poses(self, frames: Sequence[Frame]) -> list[Poses]:
        return [self._predict_one(frame) for frame in frames]

    def _predict_one(self, frame: Frame) -> Poses:
        height, width = frame.image.shape[:2]
        logits, boxes = self._look(self._processor.prepare(frame.image))
        rows = read_queries(logits[0], boxes[0], self._with_nothing)
        rows = take_best(rows, self._most or len(rows.boxes))
        sides = np.array([width, height, width, height], float)
        rows = rows._replace(boxes=np.clip(rows.boxes * sides, 0, sides))
        kept = (rows.boxes[:, 2:] > rows.boxes[:, :2]).all(1)  # nothing is left of what lies beside the image
        rows = Rows(rows.boxes[kept], rows.scores[kept], None if rows.labels is None else rows.labels[kept])
        options = self._options
        chosen = choose_boxes(rows, self._groups, options.min_score, None, options.max_boxes)
        categories = chosen.categories if len(self._groups) > 1 else None
        return as_poses(frame.image_id, chosen.boxes, chosen.scores, categories)

    def _look(self, pixels: Array) -> tuple[Array, ...]:
        """Return logits (1, Q, classes) and boxes (1, Q, 4) of the pixels of an image."""
        height, width = pixels.shape[2:]
        try:
            return self._network(pixels)
        except (RuntimeError, ValueError, IndexError, AssertionError) as error:  # whatever its layers have for it
            raise UserError(
                f"model '{self.input_spec.name}' does not run on images of {width}x{height} px, as {FILE} has them: "
                f"{first_line(error)}"
            ) from error


def build(name: str, target: str, categories: Sequence[str], options: Options) -> HuggingFaceDetector:
    """Return the detector in a folder, or on the Hugging Face hub (`target`)."""
    from robustpose.estimators.hub_detectors import (
        KINDS,
        DetectorNetwork,
        check_config,
        count_classes,
        load_detector,
        read_class_names,
    )
    from robustpose.estimators.hub_files import find_files, quiet
    from robustpose.estimators.huggingface import describe
    from robustpose.estimators.running.backends import as_image_callable, check_backend, find_device

    device = find_device(options.device)
    check_backend(options.backend, options.precision, device)
    files = find_files(target, options.revision, check_config)
    kind = KINDS[files.model_type]
    processor, has_file = read_processor(files.folder, kind.processor)
    if options.backend == "openvino" and processor.input_wh is None:
        raise UserError(f"backend openvino needs images of one size, and {files.name} resizes each by its own sides")
    model = load_detector(files)
    names = read_class_names(model, files.name)
    groups = group_classes(f"detector {files.name}", names, count_classes(model), categories, options.classes)
    with quiet():
        network = as_image_callable(
            DetectorNetwork(model),
            options.threads,
            backend=options.backend,
            precision=options.precision,
            device=device,
            input_wh=processor.input_wh,
            as_it_is=True,
        )
    input_wh = processor.input_wh or processor.find_size((640, 480))
    detector = HuggingFaceDetector(
        network, InputSpec(files.name, input_wh), processor, (kind.with_nothing, kind.most), groups, options
    )
    if not has_file:
        detector.warnings = [f"{files.name} has no {FILE}: images are prepared as its class has it by default"]
    about: dict[str, object] = {
        "class": type(model).__name__,
        **({"class_names": [[names[i] for i in group] for group in groups]} if names else {}),
        "class_numbers": [list(group) for group in groups],
        "min_score": options.min_score,
        "max_boxes": options.max_boxes,
        "backend": options.backend,
        "precision": options.precision,
        "device": device.type,
    }
    detector.describe = partial(describe, name, files, about)
    return detector
