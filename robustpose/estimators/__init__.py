"""Estimators: image in, poses out. One file per kind, each optional library in one of them.

An estimator has `skeleton`, `needs_boxes` and ``predict(frames) -> list[Poses]``. It may also have `provenance` (a dict
for the results) and ``needs_images = False`` (it never looks at pixels). A row of `TABLE` is a function
``build(target, skeleton, **options) -> estimator`` where target is what follows the colon of ``--model kind:target``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from robustpose import models, registry
from robustpose.errors import UserError, nearest
from robustpose.pose.skeletons import Skeleton

TABLE: dict[str, str] = {
    "onnx": "robustpose.estimators.onnx:build",
    "results": "robustpose.estimators.results_file:build",
    "demo": "robustpose.estimators.network:build_demo",
}
# What makes an estimator of a row of the table of networks, which is its first argument, by the network's family.
FAMILIES: dict[str, str] = {
    "heatmaps": "robustpose.estimators.network:build",
    "tags": "robustpose.estimators.whole_network:build",
    "fields": "robustpose.estimators.field_network:build",
}
DESCRIPTIONS: dict[str, str] = {
    "onnx:FILE": "a top-down heatmap network as ONNX; input size and joints are read from the file",
    "results:DIR": "COCO results, one file per cell (clean.json, fog-3.json, …): scores again without a model",
    "demo": "the small network that comes with robustpose, trained on drawn people",
    "NETWORK:FILE": f"a network of ours with weights: {', '.join(models.TABLE)}; official .pth or .safetensors",
    "package.module:attr:FILE": "your own torch network, trained by robustpose: a function of the number of joints",
    "package.module:attr": "any callable f(image, boxes) -> (N, K, 3), or an object with predict(frames)",
}


def build(spec: str, skeleton: Skeleton, options: Mapping[str, Any]) -> Any:
    """Return the estimator that `spec` names, for the joints of `skeleton`.

    Args:
        spec: ``kind:target`` with a kind of `TABLE`, or ``package.module:attr``.
        skeleton: joints of the dataset.
        options: keyword arguments of the kind's build function, such as `batch_size`. Those set to None are left out.

    Raises:
        UserError: no such kind, target or option.
    """
    kind, target, make = _find(spec)
    options = {name: value for name, value in options.items() if value is not None}
    if make is not None:
        parameters = {
            name: parameter
            for name, parameter in inspect.signature(make).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }
        for name in options:
            if name not in parameters:
                raise UserError(
                    f"model '{kind}' has no option '{name}'{nearest(name, parameters)}: it has {', '.join(parameters)}"
                )
            if parameters[name].annotation in (int, "int"):
                options[name] = _positive(name, options[name])
        return make(target, skeleton, **options)
    known = [*TABLE, *models.TABLE]
    if not target:
        raise UserError(f"unknown model '{spec}'{nearest(spec, known)}: expected one of {', '.join(DESCRIPTIONS)}")
    from robustpose.estimators.function import build as build_function

    try:
        return build_function(spec, skeleton)
    except UserError as error:
        hint = nearest(kind, known) if "." not in kind else ""
        if hint and f"no module '{kind}'" in str(error):  # a kind misspelt, rather than a module
            raise UserError(f"{error}{hint}") from error
        raise


def _find(spec: str) -> tuple[str, str, Callable[..., Any] | None]:
    """Return kind, target and what makes the estimator; None for a user's own object."""
    kind, _, target = spec.partition(":")
    if kind in TABLE:
        return kind, target, registry.load(kind, TABLE)
    if kind in models.TABLE:
        return kind, target, partial(registry.load(FAMILIES[models.family_of(kind)]), kind)
    attribute, colon, file = target.partition(":")
    if colon:
        return f"{kind}:{attribute}", file, partial(registry.load(FAMILIES[_read_family(file)]), f"{kind}:{attribute}")
    return kind, target, None


def _read_family(file: str) -> str:
    """Return the family that a weights file says its network is of; what is wrong with the file is said elsewhere."""
    from robustpose.models.weights import read_input_spec

    input_spec = read_input_spec(Path(file)) if Path(file).is_file() else None
    return "heatmaps" if input_spec is None else input_spec.family


def _positive(name: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise UserError(f"option '{name}' must be a whole number, got '{value}'") from error
    if number < 1:
        raise UserError(f"option '{name}' must be at least 1, got {number}")
    return number
