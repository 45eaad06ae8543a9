"""Networks in memory: from somebody's torch module to an estimator; the module itself stays as it is.

What its input has to be, an `InputSpec` says: given, carried as the attribute `input_spec`, known of networks of ours,
or made of a size. What is run is a copy in evaluation mode: hooks are part of what a network does, and stay.
"""

from __future__ import annotations

import copy
import hashlib
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn

from robustpose.blame import blaming
from robustpose.changes import ALL_NAMES
from robustpose.contents import hash_network
from robustpose.errors import UserError, nearest, quote
from robustpose.estimators.adapting.options import NAMES as ADAPT_NAMES
from robustpose.estimators.in_order import doubt_order
from robustpose.estimators.joint_order import find_by_number, tell_by_number
from robustpose.estimators.options import Size, read_options, write_size
from robustpose.estimators.own_layers import describe_own
from robustpose.estimators.running.backends import check_backend, find_device
from robustpose.estimators.running.numerics import limit_threads
from robustpose.models import BUILT_AS
from robustpose.models.families import FAMILIES
from robustpose.models.input_spec import InputSpec
from robustpose.models.value_range import check_range
from robustpose.models.zoo import make_input_spec
from robustpose.pose.protocols import Estimator
from robustpose.pose.skeletons import Skeleton

ATTRIBUTE = "input_spec"  # of a network that carries it
SAY_INPUT = 'give input="192x256" (width x height, px), or input=InputSpec(...)'
ADDRESS = re.compile("0x[0-9a-f]+")  # of an object, in what `repr` says of it

# Packages whose models crop and decode in ways of their own, and what to do with them.
OF_OTHERS = {
    "transformers": "network.save_pretrained(FOLDER), then model='hf:FOLDER'",
    "ultralytics": "network.export(format='onnx'), then model='onnx:FILE'",
    "torchvision": "it finds people by itself: hand over a callable f(image, boxes), or an object with predict(frames)",
}


def unwrap(network: nn.Module) -> nn.Module:
    """Return the network inside those that compile it or share it out over devices."""
    while True:
        inner = getattr(network, "_orig_mod", None)
        if isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = network.module
        if not isinstance(inner, nn.Module):
            return network
        network = inner


def name_network(network: nn.Module) -> str:
    """Return what messages call a network."""
    return str(getattr(network, BUILT_AS, None) or getattr(network, "original_name", None) or type(network).__name__)


def check_weights(network: nn.Module) -> None:
    """Raise UserError for a network without weights, or with weights that are no numbers."""
    what = f"network '{name_network(network)}'"
    for name, parameter in network.named_parameters():
        if parameter.is_meta or isinstance(parameter, nn.parameter.UninitializedParameter):
            where = "is on device meta" if parameter.is_meta else "is not initialised"
            raise UserError(f"{what} has no weights yet: '{name}' {where}: load its weights first")
        if parameter.is_floating_point() and not bool(torch.isfinite(parameter.detach()).all()):
            raise UserError(f"{what} has weights that are not finite: '{name}'")


def copy_network(network: nn.Module) -> nn.Module:
    """Return a copy on the CPU in evaluation mode that needs no gradients."""
    with torch.no_grad(), warnings.catch_warnings(), blaming(f"a copy of network '{name_network(network)}'"):
        warnings.simplefilter("ignore")  # that hooks of tensors stay behind
        try:
            copied = copy.deepcopy(network)
        except RuntimeError:  # of tensors that were computed, as torch.nn.utils.weight_norm leaves them
            copied = pickle.loads(pickle.dumps(network))
        if isinstance(copied, torch.jit.ScriptModule):  # which does not do all that modules do
            copied = nn.Sequential(copied)
        return copied.cpu().eval().requires_grad_(False)


def find_input_spec(network: nn.Module, given: Any, skeleton: Skeleton, options: Mapping[str, Any]) -> InputSpec:
    """Return the input spec of a network: the given one, the one that it carries, or that of a network of ours.

    `given` is an `InputSpec`, a mapping with its fields, or a size: ``192x256``, or (width, height), px. Where it is no
    `InputSpec` and names no joints, they are those that the network carries.
    """
    name, built_as = name_network(network), getattr(network, BUILT_AS, None)
    input_spec = getattr(network, ATTRIBUTE, None) if given is None else given
    size = options.get("input") if built_as is None or built_as in FAMILIES["heatmaps"].networks else None
    if input_spec is None:
        input_spec = size
    elif size is not None:
        raise UserError(f"what the input of network '{name}' is, is said twice: leave out the option input={size!r}")
    if isinstance(input_spec, InputSpec):
        return input_spec
    joints = getattr(getattr(network, ATTRIBUTE, None), "joints", ()) or skeleton.joints
    if isinstance(input_spec, Mapping):
        return _read_fields({"name": name, "joints": joints, **input_spec})
    if input_spec is None and built_as is None:
        raise UserError(f"network '{name}' does not say what its input is: {SAY_INPUT}")
    input_wh = None if input_spec is None else read_size(name, input_spec)
    if built_as is not None:
        return make_input_spec(built_as, skeleton, input_wh)
    assert input_wh is not None
    return InputSpec(name, input_wh, joints, sigma=FAMILIES["heatmaps"].choose_sigma(input_wh))


def prepare(
    network: nn.Module, given: Any, skeleton: Skeleton, options: Mapping[str, Any]
) -> tuple[InputSpec, list[str]]:
    """Return the input spec of a network that fits people of a skeleton, and doubts; UserError where it does not."""
    package = type(network).__module__.partition(".")[0]
    if package in OF_OTHERS:
        raise UserError(f"network '{name_network(network)}' is a model of {package}: {OF_OTHERS[package]}")
    check_weights(network)
    input_spec, doubts = find_input_spec(network, given, skeleton.whole, options), list[str]()
    copied = copy_network(network)
    carried = None if isinstance(given, InputSpec) else getattr(network, ATTRIBUTE, None)
    if input_spec.seen is None:
        input_spec = replace(input_spec, seen=getattr(carried, "seen", None))
    if not (_names_joints(given) or _names_joints(carried)):
        input_spec, doubts = _tell_joints(copied, input_spec, skeleton)
    input_spec.arrange(skeleton)
    is_stride_known = isinstance(given, InputSpec) or (isinstance(given, Mapping) and "stride" in given)
    return _fit(copied, input_spec, skeleton, is_stride_known), doubts


def _names_joints(given: Any) -> bool:
    """Return whether what is said of a network's input names its joints."""
    return bool(given.get("joints") if isinstance(given, Mapping) else getattr(given, "joints", ()))


def _tell_joints(network: nn.Module, input_spec: InputSpec, skeleton: Skeleton) -> tuple[InputSpec, list[str]]:
    """Return the input spec of a network, a copy, with the joints that the number of its heatmaps tells, and doubts.

    With as many as the annotations have, or a number that tells nothing, it stays as it is.
    """
    if input_spec.family != "heatmaps":
        return input_spec, []
    shape: tuple[int, ...] = getattr(_look(network, input_spec.input_wh, input_spec.name), "shape", ())
    n_joints = shape[1] if len(shape) == 4 else skeleton.whole.n_joints
    if n_joints == skeleton.whole.n_joints or find_by_number(skeleton, n_joints) is None:
        return input_spec, []
    own = tell_by_number(f"network '{input_spec.name}'", skeleton, n_joints)
    say = "input=InputSpec(…, joints=(…)) names them"
    return replace(input_spec, joints=own.joints), [f"{own.doubt.partition(' (--model-set')[0]} ({say})"]


def _fit(network: nn.Module, input_spec: InputSpec, skeleton: Skeleton, is_stride_known: bool) -> InputSpec:
    """Return the input spec of a network, a copy, with the stride of its heatmaps; UserError where these do not fit.

    Networks of other families are looked at when they are first run.
    """
    if input_spec.family != "heatmaps":
        return input_spec
    (width, height), n_joints = input_spec.input_wh, len(input_spec.joints) or skeleton.whole.n_joints
    found = _look(network, input_spec.input_wh, input_spec.name)
    expected = (1, n_joints, height // input_spec.stride, width // input_spec.stride)
    what = f"network '{input_spec.name}' must give heatmaps (B, {n_joints}, h, w) of the joints of '{skeleton.name}'"
    if not isinstance(found, torch.Tensor):
        parts = f" of {len(found)}" if isinstance(found, tuple | list | dict) else ""
        raise UserError(f"{what}, got a {type(found).__name__}{parts}: wrap it in a module that returns them")
    shape = tuple(found.shape)
    if len(shape) != 4 or shape[:2] != expected[:2] or 0 in shape:
        raise UserError(f"{what}, got {shape} of a crop (1, 3, {height}, {width}); {_advise(shape, n_joints)}")
    stride = width // shape[3]
    if shape[2:] != (height // stride, width // stride) or (is_stride_known and stride != input_spec.stride):
        known = f"{expected}" if is_stride_known else "one cell for so many px in x and in y"
        raise UserError(f"{what}, {known}, got {shape} of a crop (1, 3, {height}, {width})")
    if not bool(torch.isfinite(found).all()):
        raise UserError(f"network '{input_spec.name}' gives values that are not finite, even of a black crop")
    return replace(input_spec, stride=stride)


def as_estimator(
    network: nn.Module, input_spec: InputSpec, skeleton: Skeleton, options: Mapping[str, Any]
) -> Estimator:
    """Return the estimator of a network; options are words or typed, as `estimators.build` takes them."""
    family = FAMILIES[input_spec.family].estimating
    given = {name: value for name, value in options.items() if name != "input" or input_spec.family != "heatmaps"}
    chosen: Any = read_options(input_spec.name, family.Options, given)
    device = find_device(chosen.device)
    check_backend(chosen.backend, chosen.precision, device)
    copied = copy_network(network)
    engine = {**chosen.engine, "device": device}
    estimator: Any = family.as_estimator(copied, input_spec, skeleton, chosen, **engine)
    own, doubts = describe_own(copied)
    estimator.provenance = {
        **estimator.provenance,  # with `decode` where it is not the usual one
        "state_sha256": hash_network(network),
        "layers_sha256": _hash_layers(network),
        **_describe_input(input_spec),
        **chosen.model_dump(exclude={"threads", "batch_size", "input", "decode", "device", "joints", *ADAPT_NAMES}),
        **chosen.describe_adapting(),
        **({} if getattr(chosen, "input", None) is None else {"input": chosen.input}),
        "device": device.type,
        "torch": str(torch.__version__),
        **own,
    }
    published = doubt_order(skeleton.whole, input_spec.name) if not getattr(network, ATTRIBUTE, None) else []
    estimator.warnings = [*estimator.warnings, *published, *doubts]
    return estimator


def _describe_input(input_spec: InputSpec) -> dict[str, Any]:
    """Return what results say of a network's input and its heatmaps."""
    values = {
        "mean": list(input_spec.mean),
        "std": list(input_spec.std),
        "stride": input_spec.stride,
        "sigma": input_spec.sigma,
    }
    return {"input": write_size(input_spec.input_wh), "channels": input_spec.channels, **values}


def describe_layers(network: nn.Module) -> dict[str, Any]:
    """Return what decides what a network, in evaluation mode, does beside its weights and its code, as hashes."""
    state = describe_own(network)[0].get("state", {})
    return {"layers": _hash_layers(network), **{name: part for name, part in state.items() if name not in ALL_NAMES}}


def _hash_layers(network: nn.Module) -> str:
    """Return the SHA-256 of how layers are set, such as a stride, which the weights do not tell."""
    words = ADDRESS.sub("", repr(network))
    if isinstance(network, torch.jit.ScriptModule):
        words += re.sub("#.*", "", str(network.inlined_graph))
    return hashlib.sha256(words.encode()).hexdigest()


def _look(network: nn.Module, input_wh: tuple[int, int], name: str) -> Any:
    """Return what a network, a copy, gives of one black crop."""
    crop = torch.zeros(1, 3, input_wh[1], input_wh[0], dtype=torch.float32)
    with torch.inference_mode(), limit_threads(1), blaming(f"network '{name}'"):
        return network.float()(crop)


def _advise(shape: tuple[int, ...], n_joints: int) -> str:
    if len(shape) == 4 and shape[1] != n_joints:
        return (
            f"is it a network of {shape[1]} joints, which input=InputSpec(…, joints=(…)) names, or of another family: "
            "input=InputSpec(…, family='tags')?"
        )
    if len(shape) in (2, 3):
        return "coordinates are for a callable f(image, boxes), or export it as ONNX: onnx:FILE"
    return "its last layer must keep the width and height"


def read_size(name: str, size: Any) -> tuple[int, int]:
    """Return the width and height of a network's input, px, from ``192x256`` or a pair."""
    try:
        return TypeAdapter(Size).validate_python(size)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UserError(f"the input of network '{name}' {reason}, got {quote(size)}") from error


def _read_fields(given: Mapping[str, Any]) -> InputSpec:
    what = f"the input of network '{given['name']}'"
    known = [field.name for field in fields(InputSpec)]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UserError(f"{what} has no '{unknown[0]}'{nearest(str(unknown[0]), known)}: expected {', '.join(known)}")
    try:
        input_wh = read_size(str(given["name"]), given.get("input_wh"))
        input_spec = TypeAdapter(InputSpec).validate_python({**given, "input_wh": input_wh})
        check_range(input_spec.mean, input_spec.std)
    except ValidationError as error:
        problem = error.errors()[0]
        place, reason = ".".join(map(str, problem["loc"])), problem["msg"].replace("Input should be", "must be")
        raise UserError(f"{what}: {place} {reason.removeprefix('Value error, ')}") from error
    except ValueError as error:
        raise UserError(f"{what}: {error}") from error
    return input_spec
