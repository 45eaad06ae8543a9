"""Detectors: image in, boxes out, as poses of `pose.box_poses.BOX`. One file per kind.

So a detector is an estimator without boxes, and whatever runs, keeps and resumes poses takes boxes, too. A module of
`TABLE` has `Options`, a model of what can be set, and ``build(name, target, categories, options)``, where name and
target are the two sides of the colon in ``--model name:target``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from robustpose.config import Settings
from robustpose.errors import UserError
from robustpose.estimators.misnamed import check_target, explain_detector
from robustpose.estimators.options import read_options
from robustpose.pose.protocols import Estimator

TABLE: dict[str, str] = {
    "hf": "robustpose.detectors.huggingface",
    "onnx": "robustpose.detectors.onnx",
    "tflite": "robustpose.detectors.tflite",
}
DESCRIPTIONS: dict[str, str] = {
    "hf:NAME": "a detector of transformers (DETR, RT-DETR, D-FINE, YOLOS, …): its name on the hub, or a folder",
    "onnx:FILE": "a detector as ONNX: YOLO, NanoDet, DETR, SSD, MMDetection, which is found out (form= says it)",
    "tflite:FILE": "a detector as TFLite, of the same forms",
    "package.module:attr": "any callable f(image) -> (N, 5 or 6): x1 y1 x2 y2 score, perhaps the number of a class",
}


def build(spec: str, categories: Sequence[str], options: Mapping[str, Any]) -> Estimator:
    """Return the detector that `spec` names (see `DESCRIPTIONS`), an estimator of poses of `pose.box_poses.BOX`.

    Args:
        spec: what stands behind ``--model`` or ``--boxes detect:``.
        categories: names of what the data look for, in the order of their `category_ids`; boxes say which of them each
            is of where there are several.
        options: values of the kind's `Options`, words or typed; those set to None are left out.

    Raises:
        UserError: no such detector, an option that it does not have, or no class for a category.
    """
    name, target, module = find_kind(spec)
    given = read_options(spec, module.Options, options)
    if name in TABLE:
        check_target(name, target)
        return module.build(name, target, categories, given)
    try:
        return module.build(name, target, categories, given)
    except UserError as error:
        if "." in name or f"no module '{name}'" not in str(error):
            raise
        raise UserError(f"{error}{explain_detector(spec, list(TABLE))}") from error  # a kind, rather than a module


def options_of(spec: str) -> type[Settings]:
    """Return the model of the options that the kind of `spec` has."""
    options: type[Settings] = find_kind(spec)[2].Options
    return options


def find_kind(spec: str) -> tuple[str, str, Any]:
    """Return the name and target of a spec, and the module that makes its detector."""
    kind, _, target = spec.partition(":")
    if kind in TABLE:
        return kind, target, importlib.import_module(TABLE[kind])
    if not target:
        hint = explain_detector(spec, list(TABLE))
        listed = "" if hint.startswith(":") else f": expected one of {', '.join(DESCRIPTIONS)}"
        raise UserError(f"unknown detector '{spec}'{hint}{listed}")
    return kind, target, importlib.import_module("robustpose.detectors.function")
