"""Estimators: image in, poses out. One file per kind, each optional library in one of them.

What an estimator has, `pose.protocols.Estimator` says. A module of `TABLE` has `Options`, a model of what can be set,
and ``build(name, target, skeleton, options)``, where name and target are the two sides of the colon in
``--model name:target``. So have the modules of the families of networks (`models.families`), where the name is a row of
the table of networks, or ``package.module:attr``: a function of the number of joints. They also have
``as_estimator(network, input_spec, skeleton)`` for a network in memory.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustpose import models
from robustpose.config import Settings
from robustpose.errors import UserError
from robustpose.estimators.misnamed import check_target, explain, explain_prefix
from robustpose.estimators.options import ModelOptions, read_options
from robustpose.models.families import DEFAULT, FAMILIES
from robustpose.pose.skeletons import Skeleton
from robustpose.states import name_modules

TABLE: dict[str, str] = {
    "onnx": "robustpose.estimators.onnx",
    "tflite": "robustpose.estimators.tflite",
    "hf": "robustpose.estimators.huggingface",
    "results": "robustpose.estimators.results_file",
    "demo": "robustpose.estimators.demo",
}
DESCRIPTIONS: dict[str, str] = {
    "onnx:FILE": "a network as ONNX: heatmaps, SimCC, coordinates or one-stage, which is found out (form= says it)",
    "tflite:FILE": "a network as TFLite, of the same forms",
    "hf:NAME": "a pose model of transformers (ViTPose, ViTPose++, Sapiens2): its name on the hub, or a folder",
    "results:DIR": "COCO results, one file per cell (clean.json, fog-3.json, …): scores again without a model",
    "demo": "the small network that comes with robustpose, trained on drawn people",
    "NETWORK:FILE": f"a network of ours with weights: {', '.join(models.TABLE)}; official .pth or .safetensors",
    "package.module:attr:FILE": "your own torch network, trained by robustpose: a function of the number of joints",
    "package.module:attr": "any callable f(image, boxes) -> (N, K, 3), or of batches; an object with predict(frames)",
}


def build(spec: str, skeleton: Skeleton, options: Mapping[str, Any]) -> Any:
    """Return the estimator that `spec` names (see `DESCRIPTIONS`), for the joints of `skeleton`.

    `options` are values of the kind's `Options`, words or typed; those set to None are left out.
    """
    name, target, module = find_kind(spec)
    if module is not None:
        if name not in ("results", "demo"):  # which read no file of a network
            check_target(name, target)
        return module.build(name, target, skeleton, read_options(name, module.Options, options))
    known = [*TABLE, *models.TABLE]
    if not target:
        hint = explain(spec, known)
        listed = "" if hint.startswith(":") else f": expected one of {', '.join(DESCRIPTIONS)}"
        raise UserError(f"unknown model '{spec}'{hint}{listed}")
    from robustpose.estimators.function import build as build_own

    try:
        estimator = build_own(spec, skeleton, options)
    except UserError as error:
        if "." in name or f"no module '{name}'" not in str(error):
            raise
        raise UserError(f"{error}{explain_prefix(spec, known)}") from error  # a kind misspelt, rather than a module
    name_modules(estimator, spec)
    return estimator


def options_of(spec: str) -> type[Settings]:
    """Return the model of the options that the kind of `spec` has; one without fields for a user's own object."""
    module = find_kind(spec)[2]
    return ModelOptions if module is None else module.Options


def find_kind(spec: str) -> tuple[str, str, Any]:
    """Return the name and target of a spec, and the module that makes its estimator; None for a user's own object."""
    kind, _, target = spec.partition(":")
    if kind in TABLE:
        return kind, target, importlib.import_module(TABLE[kind])
    if kind in models.TABLE:
        return kind, target, FAMILIES[models.family_of(kind)].estimating
    attribute, colon, file = target.partition(":")
    if colon:
        return f"{kind}:{attribute}", file, FAMILIES[_read_family(file)].estimating
    return kind, target, None


def _read_family(file: str) -> str:
    """Return the family that a weights file says its network is of; what is wrong with the file is said elsewhere."""
    from robustpose.models.weights import read_input_spec

    input_spec = read_input_spec(Path(file)) if Path(file).is_file() else None
    return DEFAULT if input_spec is None else input_spec.family
