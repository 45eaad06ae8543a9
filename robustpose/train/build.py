"""Build what a run trains with: networks and the step. From settings to objects; nothing is trained here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from robustpose import models
from robustpose.blame import blaming, is_of_others
from robustpose.errors import UserError
from robustpose.models import family_of
from robustpose.models.families import FAMILIES, FamilyName
from robustpose.models.input_spec import InputSpec
from robustpose.models.norm_statistics import has_folded_norms, measure_norms
from robustpose.models.weights import load_backbone, load_tensors, read_weights
from robustpose.models.zoo import make_input_spec
from robustpose.pose.joint_names import match_names
from robustpose.pose.skeletons import Skeleton
from robustpose.train.advmix import AdvMixStep
from robustpose.train.batches import Batches
from robustpose.train.divergence import find_not_finite
from robustpose.train.mixing import make_mixer
from robustpose.train.norms import synchronise_norms
from robustpose.train.optimisation import Optimisation
from robustpose.train.samples import Samples
from robustpose.train.seeding import make_torch_seed
from robustpose.train.settings import TrainSettings
from robustpose.train.simultaneous import SimultaneousStep
from robustpose.train.start import naming
from robustpose.train.steps import Step
from robustpose.train.strategies import STRATEGIES
from robustpose.train.teacher import Teacher

CROPS_TO_MEASURE = 128


def make_guard(settings: TrainSettings) -> Callable[[], AbstractContextManager[None]]:
    """Return what makes a guard of a step: failures of somebody's own network or mixer become errors with its line."""
    own = [name for name in (settings.model, settings.strategy) if names_code(name)]
    return partial(blaming, " or ".join(own)) if own else nullcontext


def names_code(name: str) -> bool:
    """Return whether a network or a strategy is somebody's own, ``package.module:attr``."""
    return name not in models.TABLE and name not in STRATEGIES


@dataclass(frozen=True, eq=False)
class Networks:
    """The networks that a run starts with, and what is known of those whose weights they have, by file."""

    student: nn.Module
    teacher: nn.Module | None
    sources: Mapping[Path, InputSpec]


def build_networks(settings: TrainSettings, skeleton: Skeleton) -> Networks:
    """Return the networks with their first weights; UserError where files are of other ones, or outputs do not fit.

    Only how many joints there are is looked at here: `skeleton` may be that of either data, so that mistakes are found
    before both are read.
    """
    expected = make_input_spec(settings.model, skeleton, settings.input_wh, settings.family)
    sources: dict[Path, InputSpec] = {}
    torch.manual_seed(make_torch_seed(settings.seed, "weights"))
    student = models.build(settings.model, skeleton.n_joints)
    if not any(parameter.requires_grad for parameter in student.parameters()):
        raise UserError(f"network {settings.model} has no parameters that can be trained")
    if settings.backbone is not None:
        with naming("backbone"):
            load_backbone(student, settings.backbone)
            check_weights(student, str(settings.backbone))
    if settings.start_from is not None:
        with naming("start_from"):
            sources |= load_learned(student, settings.start_from, expected)
    teacher, name = None, settings.teacher.model or settings.model
    if settings.distills:
        weights = settings.teacher.weights or settings.start_from
        assert weights is not None
        teacher = models.build(name, skeleton.n_joints)
        if not names_code(name):
            check_colours(make_input_spec(name, skeleton, settings.input_wh), expected, f"teacher {name}")
        with naming("teacher.weights" if settings.teacher.weights else "start_from"):
            sources |= load_learned(teacher, weights, expected)
    networks = Networks(student, teacher, sources)
    if not FAMILIES[expected.family].needs_limbs:  # which may be those of the other data
        check_networks(networks, settings, skeleton)
    return networks


def check_networks(networks: Networks, settings: TrainSettings, skeleton: Skeleton) -> None:
    """Raise UserError unless networks give what is learned of a skeleton's people."""
    family = settings.family or family_of(settings.model)
    check_outputs(networks.student, family, settings.input_wh, skeleton, f"network {settings.model}")
    if networks.teacher is not None:
        name = settings.teacher.model or settings.model
        check_outputs(networks.teacher, family, settings.input_wh, skeleton, f"teacher {name}")


def load_learned(network: nn.Module, path: Path, expected: InputSpec) -> dict[Path, InputSpec]:
    """Load weights that were learned, and return what their file says, if it says anything.

    UserError where that is other colours, or where they are of another network.
    """
    tensors, input_spec = read_weights(path)
    try:
        load_tensors(network, tensors, str(path))
    except UserError as error:
        n_joints = len(expected.joints)
        raise UserError(f"{error}: is it of another network, or not of the {n_joints} joints of val_data?") from error
    check_weights(network, str(path))
    if input_spec is None:
        return {}
    check_colours(input_spec, expected, str(path))
    return {path: input_spec}


def check_joints(sources: Mapping[Path, InputSpec], joints: tuple[str, ...]) -> None:
    """Raise UserError where a file of weights says that they are for other joints than `joints`."""
    for path, input_spec in sources.items():
        if input_spec.joints and input_spec.joints != joints:
            is_other = match_names(input_spec.joints, joints) is None
            how = "other joints than" if is_other else "the joints in another order than"
            raise UserError(f"{path} finds {how} train_data has: {', '.join(input_spec.joints)}")


def check_colours(input_spec: InputSpec, expected: InputSpec, source: str) -> None:
    """Raise UserError where a network expects other colours than it is shown."""
    for name in ("channels", "mean", "std"):
        its, shown = getattr(input_spec, name), getattr(expected, name)
        if its != shown:
            raise UserError(f"{source} expects images with {name} {its}, but {expected.name} is trained with {shown}")


def check_weights(network: nn.Module, source: str) -> None:
    """Raise UserError for weights that are infinite or no numbers: nothing can be learned from there."""
    broken = find_not_finite(network.state_dict())
    if broken:
        raise UserError(f"{source} holds values that are not finite ({broken}): it is broken, take another one")


def build_step(
    fabric: Fabric, settings: TrainSettings, networks: Networks, skeleton: Skeleton, samples: Samples
) -> Step:
    """Return the step of a run's strategy; UserError where networks, weights, targets or mixer do not fit together."""
    network, family = networks.student, samples.source.input_spec.family
    check_joints(networks.sources, skeleton.joints)
    if FAMILIES[family].needs_limbs:
        check_networks(networks, settings, skeleton)
    if settings.backbone is not None and has_folded_norms(network):
        measure_norms(network, samples.draw_views_of_first(0, CROPS_TO_MEASURE)[:, 0])
    check_weights(network, f"network {settings.model}")
    if settings.engine.sync_batch_norm:
        network = synchronise_norms(network, fabric.device)
    mixing, mixer, teacher = settings.mixing, None, None
    if settings.way.mixer is not None:
        torch.manual_seed(make_torch_seed(settings.seed, "generator"))
        mixer = _make_fast(make_mixer(settings.way.mixer, len(settings.views), settings.input_wh, mixing))
    if networks.teacher is not None:
        teacher = Teacher(_make_fast(networks.teacher), mixing.alpha, mixing.distill_on)
    learning = settings.model_dump(include={"lr", "clip", "ema", "accumulate"})
    learning["in_sync"] = settings.engine.sync_batch_norm
    learning |= mixing.model_dump(include={"generator_lr", "second_norm_update"})
    simultaneous = mixing.update == "simultaneous" and (mixer is not None or teacher is not None)
    return (SimultaneousStep if simultaneous else AdvMixStep)(
        _make_fast(network),
        teacher,
        mixer,
        objective=FAMILIES[family].training.make_objective(settings),
        optimisation=Optimisation(**learning),
        fabric=fabric,
    )


def _make_fast(network: nn.Module) -> nn.Module:
    """Return the network, its weights in the memory layout that convolutions are faster in."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@torch.no_grad()
def check_outputs(
    network: nn.Module, family: FamilyName, input_wh: tuple[int, int], skeleton: Skeleton, name: str
) -> None:
    """Raise UserError unless a network gives outputs of the sizes that targets of its family have."""
    training = FAMILIES[family].training
    expected = training.expected_shapes(input_wh, skeleton)
    width, height = input_wh
    with blaming(name) if is_of_others(network) else nullcontext():
        outputs = network.eval()(torch.zeros(1, 3, height, width, dtype=torch.float32))
    network.train()
    came = _find_shapes(outputs if len(expected) > 1 and isinstance(outputs, tuple | list) else (outputs,))
    if training.MORE_OUTPUTS:
        came = came[: len(expected)]
    if came != expected:
        needed, shapes = (" and ".join(map(str, shapes)) for shapes in (expected, came))
        shapes = shapes if any(came) else "no tensor"
        raise UserError(
            f"{name} must give {training.OUTPUTS} {needed} of crops (1, 3, {height}, {width}), got {shapes}"
        )
    if find_not_finite(outputs):
        raise UserError(f"{name} gives values that are not finite, even of a black crop")


@torch.no_grad()
def check_norms(network: nn.Module, settings: TrainSettings, batches: Batches) -> None:
    """Raise UserError if a batch norm, which needs two values of a channel, ever gets one: a 1×1 map of one crop.

    In sync it needs crops of every process, too.
    """
    if settings.engine.sync_batch_norm and settings.n_processes > 1:
        if not batches.has_for_all():
            raise UserError(
                f"engine.sync_batch_norm wants crops of all processes, but the last batch has "
                f"{batches.count(len(batches) - 1)} for {settings.n_parts} parts: set last_batch=drop, or another "
                "batch_size"
            )
        return
    if batches.find_fewest() > 1:
        return
    lonely: list[str] = []

    def look(name: str, norm: nn.Module, inputs: tuple[Tensor, ...], _: Any) -> None:
        if inputs[0].numel() == inputs[0].shape[1]:
            lonely.append(name)

    norms = [
        (name, norm) for name, norm in network.named_modules() if isinstance(norm, nn.modules.batchnorm._BatchNorm)
    ]
    hooks = [norm.register_forward_hook(partial(look, name)) for name, norm in norms]
    width, height = settings.input_wh
    parameter = next(network.parameters())
    network.eval()(parameter.new_zeros(1, 3, height, width))
    network.train()
    for hook in hooks:
        hook.remove()
    if lonely:
        raise UserError(
            f"the smallest part of a batch is one crop, and of one of {width}×{height} the batch norm {lonely[0]} of "
            f"network {settings.model} gets a single pixel, from which it cannot learn: set last_batch=drop, or change "
            "batch_size, accumulate or input_wh"
        )


def _find_shapes(outputs: Any) -> Any:
    """Return shapes in the place of tensors, and None in that of anything else."""
    if isinstance(outputs, tuple | list):
        return tuple(_find_shapes(output) for output in outputs)
    return tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else None
