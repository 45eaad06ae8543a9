"""Estimators of files: whatever opened it, a file of a form becomes the estimator of that form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np

from robustpose.decoding.one_stage import KINDS, Kind
from robustpose.errors import UserError
from robustpose.estimators.coordinates import CoordinateEstimator, CoordinateOptions
from robustpose.estimators.file_options import FileOptions, FormName, resolve_values
from robustpose.estimators.forms import Form, find_form
from robustpose.estimators.heatmaps import HeatmapEstimator
from robustpose.estimators.joint_order import choose_joints
from robustpose.estimators.network_file import NetworkFile
from robustpose.estimators.one_stage import OneStageEstimator, OneStageOptions
from robustpose.estimators.options import CropOptions, HeatmapOptions, ModelOptions, write_size
from robustpose.estimators.running.batches import CROPS_PER_CALL, Array, is_raw
from robustpose.estimators.running.network_estimator import NetworkEstimator
from robustpose.estimators.simcc import SimccEstimator
from robustpose.estimators.values import IMAGENET, RAW, UNIT, Values, check_quantised, choose_quantised
from robustpose.files import name_in_text
from robustpose.models.families import DEFAULT, FAMILIES
from robustpose.models.input_spec import InputSpec
from robustpose.pose.skeletons import Skeleton
from robustpose.sources import hash_once

Built = tuple[NetworkEstimator[Any], dict[str, object]]  # an estimator, and what results say of its form
# A function of a form and the number of crops of a call, that gives a function of crops (B, 3, h, w) with its outputs.
MakeNetwork = Callable[[Form, int], Callable[[Array], list[Array]]]
# Options that only one form has.
OWN_OPTIONS = {
    "heatmaps": HeatmapOptions.model_fields.keys() - CropOptions.model_fields.keys(),
    "coordinates": CoordinateOptions.model_fields.keys() - CropOptions.model_fields.keys(),
    "one-stage": OneStageOptions.model_fields.keys() - CropOptions.model_fields.keys(),
}


@dataclass(frozen=True)
class Parts:
    """What the estimator of a form is made of."""

    model: str  # which library runs the file: onnx, tflite
    file: NetworkFile
    form: Form
    make_network: MakeNetwork
    input_spec: InputSpec
    skeleton: Skeleton
    options: FileOptions


def build_estimator(
    name: str, file: NetworkFile, skeleton: Skeleton, options: FileOptions, make_network: MakeNetwork
) -> NetworkEstimator[Any]:
    """Return the estimator of a file, opened by a library that the model `name` stands for.

    What it says in results leaves out what only that library knows.
    """
    form = find_form(file, skeleton, options)
    if form.name != "one-stage":  # which looks at one image at a time
        file.settle_batch(form.outputs)
    _check_options(form, options, f"model '{name}': {file.path}")
    own = choose_joints(str(file.path), skeleton, options.joints, form.n_joints)
    input_spec = _make_input_spec(name, file, form, own.joints, options)
    estimator, about_form = BUILDERS[form.name](Parts(name, file, form, make_network, input_spec, skeleton, options))
    estimator.warnings = [*own.warnings, *estimator.warnings]
    about_form = {**({"joints": own.name} if own.name else {}), **about_form}
    estimator.describe = partial(_describe, name, file, form, input_spec, about_form)
    return estimator


def _check_options(form: Form, options: FileOptions, what: str) -> None:
    """Raise UserError if options of another form are given: they would change nothing."""
    for of, own in OWN_OPTIONS.items():
        given = [option for option in options.model_fields_set if option in own]
        if given and form.name != of:
            raise UserError(f"{what} is of form {form.name}: leave out {', '.join(sorted(given))}, of form {of}")


def _make_input_spec(
    name: str, file: NetworkFile, form: Form, joints: tuple[str, ...], options: FileOptions
) -> InputSpec:
    """Return what the file wants of crops; UserError if that is not what its numbers can hold."""
    values = resolve_values(options, _usual_values(file, form, options), name)
    check_quantised(values, file.least_most, f"model '{name}': {file.path}")
    mean, std = values.of_unit_range()
    input_spec = InputSpec(
        name=name_in_text(file.path),
        input_wh=file.input_wh,
        joints=joints,
        channels=values.channels,
        mean=mean,
        std=std,
        stride=form.stride or 4,
        sigma=FAMILIES[DEFAULT].choose_sigma(file.input_wh),
    )
    if file.takes_levels and not is_raw(input_spec):
        raise UserError(
            f"model '{name}': {file.path} takes {file.dtype}, which are grey levels as they are: leave out mean, std "
            "and scale"
        )
    return input_spec


def _usual_values(file: NetworkFile, form: Form, options: FileOptions) -> Values:
    """Return what networks of a form are trained on; what a file's numbers stand for comes first."""
    usual = IMAGENET
    if form.name == "one-stage":
        kind = KINDS[form.kind]
        usual = replace(RAW if kind.is_raw else UNIT, channels=kind.channels)
    elif form.kind == "movenet" or (form.name == "coordinates" and options.points == "yx-01"):
        usual = RAW  # y first is MoveNet's
    if file.takes_levels:
        return replace(RAW, channels=usual.channels)
    return choose_quantised(usual, file.least_most)


def _build_heatmaps(parts: Parts) -> Built:
    options = HeatmapOptions(**_choose(parts.options, HeatmapOptions))
    run = parts.make_network(parts.form, parts.file.batch or CROPS_PER_CALL)
    last = parts.form.kind == "joints last"

    def network(crops: Array) -> Array:
        (heatmaps,) = run(crops)
        return np.ascontiguousarray(heatmaps.transpose(0, 3, 1, 2)) if last else heatmaps

    estimator = HeatmapEstimator(network, parts.input_spec, parts.skeleton, options)
    return estimator, {"flip_test": options.flip_test, **options.describe_decoding()}


def _build_simcc(parts: Parts) -> Built:
    options = CropOptions(**_choose(parts.options, CropOptions))
    network = parts.make_network(parts.form, parts.file.batch or CROPS_PER_CALL)
    ratio = parts.form.split_ratio
    estimator = SimccEstimator(network, parts.input_spec, parts.skeleton, options, ratio)
    return estimator, {"split_ratio": ratio, "flip_test": options.flip_test}


def _build_coordinates(parts: Parts) -> Built:
    given = _choose(parts.options, CoordinateOptions)
    if parts.form.kind == "movenet":
        given.setdefault("points", "yx-01")
    options = CoordinateOptions(**given)
    network = parts.make_network(parts.form, parts.file.batch or CROPS_PER_CALL)
    estimator = CoordinateEstimator(network, parts.input_spec, parts.skeleton, options)
    estimator.warnings = _doubt_coordinates(parts, options)
    mask = {} if options.mask is None else {"mask": options.mask}
    return estimator, {"points": options.points, "margin": options.margin, **mask, "flip_test": options.flip_test}


def _doubt_coordinates(parts: Parts, options: CoordinateOptions) -> list[str]:
    """Return why scores of coordinates could mislead, a line each."""
    doubts = []
    if parts.form.is_bare:
        doubts.append(
            f"model '{parts.input_spec.name}' gives no confidences: joints count as sure, and scores are the boxes'"
        )
    if options.mask is not None:
        doubts.append(
            f"mask={options.mask} paints what is outside of a grown box, on corrupted images, too: what corruptions do "
            "there is not measured"
        )
    return doubts


def _build_one_stage(parts: Parts) -> Built:
    kind, given = cast(Kind, parts.form.kind), _choose(parts.options, OneStageOptions)
    given.pop(parts.form.needless, None)
    if parts.model == "tflite" and kind in ("yolo", "yolo-nms"):
        given.setdefault("units", "01")  # Ultralytics divides by the input's sides in these files, not in ONNX's
    options = OneStageOptions(**given)
    network = parts.make_network(parts.form, parts.file.batch or 1)
    estimator = OneStageEstimator(network, parts.input_spec, parts.skeleton, options, kind)
    if parts.form.is_bare:
        estimator.warnings = [f"model '{parts.input_spec.name}' gives no confidences of joints: all count as sure"]
    return estimator, dict(estimator.settings)


BUILDERS: dict[FormName, Callable[[Parts], Built]] = {
    "heatmaps": _build_heatmaps,
    "simcc": _build_simcc,
    "coordinates": _build_coordinates,
    "one-stage": _build_one_stage,
}


def _choose(options: FileOptions, kind: type[ModelOptions]) -> dict[str, Any]:
    """Return the options that are given, of those that a kind has."""
    return options.model_dump(include=options.model_fields_set & kind.model_fields.keys())


def _describe(
    name: str, file: NetworkFile, form: Form, input_spec: InputSpec, about_form: dict[str, object]
) -> dict[str, object]:
    """Return what results say of an estimator of a file, less what only its library knows."""
    return {
        "kind": name,
        "name": name_in_text(file.path),
        "sha256": hash_once(file.path),
        **({} if form.name == "heatmaps" else {"form": form.name}),
        "input": write_size(file.input_wh),
        **({"layout": file.layout} if file.layout_is_said else {}),
        **({"output": ",".join(form.outputs)} if len(file.names) > 1 else {}),
        "channels": input_spec.channels,
        "mean": list(input_spec.mean),
        "std": list(input_spec.std),
        **about_form,
    }
