"""Build what a run trains with: networks and the step. From settings to objects; nothing is trained here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from robustpose import models
from robustpose.blame import blaming, is_of_others
from robustpose.errors import UserError
from robustpose.models.families import FAMILIES, FamilyName
from robustpose.models.input_spec import InputSpec
from robustpose.models.norm_statistics import has_folded_norms, measure_norms
from robustpose.models.weights import load_backbone, load_weights
from robustpose.models.zoo import make_input_spec
from robustpose.pose.joint_names import match_names
from robustpose.pose.skeletons import Skeleton
from robustpose.train.advmix import AdvMixStep
from robustpose.train.divergence import find_not_finite
from robustpose.train.mixing import make_mixer
from robustpose.train.optimisation import Optimisation
from robustpose.train.samples import Samples
from robustpose.train.seeding import make_torch_seed
from robustpose.train.settings import TrainSettings
from robustpose.train.simultaneous import SimultaneousStep
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


def build_network(settings: TrainSettings, joints: tuple[str, ...], samples: Samples) -> nn.Module:
    """Return the network to train, with its first weights; UserError where they are for another one or other joints."""
    torch.manual_seed(make_torch_seed(settings.seed, "weights"))
    network = models.build(settings.model, len(joints))
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise UserError(f"network {settings.model} has no parameters that can be trained")
    if settings.backbone is not None:
        load_backbone(network, settings.backbone)
        check_weights(network, str(settings.backbone))
        if has_folded_norms(network):
            measure_norms(network, samples.draw_views_of_first(0, CROPS_TO_MEASURE)[:, 0])
    if settings.start_from is not None:
        load_learned(network, settings.start_from, samples.source.input_spec)
    check_weights(network, f"network {settings.model}")
    return network


def load_learned(network: nn.Module, path: Path, expected: InputSpec) -> None:
    """Load weights that were learned; UserError where a file says that they are for other joints or other colours."""
    input_spec = load_weights(network, path)
    check_weights(network, str(path))
    if input_spec is None:
        return
    joints = expected.joints
    if input_spec.joints and input_spec.joints != joints:
        is_other = match_names(input_spec.joints, joints) is None
        how = "other joints than" if is_other else "the joints in another order than"
        raise UserError(f"{path} finds {how} train_data has: {', '.join(input_spec.joints)}")
    check_colours(input_spec, expected, str(path))


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
    fabric: Fabric, settings: TrainSettings, family: FamilyName, skeleton: Skeleton, samples: Samples
) -> Step:
    """Return the step of a run's strategy; UserError where networks, weights, targets or mixer do not fit together."""
    network = build_network(settings, skeleton.joints, samples)
    check_outputs(network, family, settings.input_wh, skeleton, f"network {settings.model}")
    if settings.engine.sync_batch_norm:
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    mixing, mixer, teacher = settings.mixing, None, None
    if settings.way.mixer is not None:
        torch.manual_seed(make_torch_seed(settings.seed, "generator"))
        mixer = _make_fast(make_mixer(settings.way.mixer, len(settings.views), settings.input_wh, mixing))
    if settings.distills:
        learned = build_teacher(settings, family, skeleton, samples.source.input_spec)
        teacher = Teacher(learned, mixing.alpha, mixing.distill_on)
    learning = settings.model_dump(include={"lr", "clip", "ema", "accumulate"})
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


def build_teacher(settings: TrainSettings, family: FamilyName, skeleton: Skeleton, input_spec: InputSpec) -> nn.Module:
    """Return the network of the teacher: the student as it starts, or another network with weights of its own.

    It sees the same crops as the student, whose `input_spec` says how they are normalised.
    """
    name = settings.teacher.model or settings.model
    weights = settings.teacher.weights or settings.start_from
    assert weights is not None
    teacher = models.build(name, skeleton.n_joints)
    if not names_code(name):
        check_colours(make_input_spec(name, skeleton, settings.input_wh), input_spec, f"teacher {name}")
    load_learned(teacher, weights, input_spec)
    check_outputs(teacher, family, settings.input_wh, skeleton, f"teacher {name}")
    return _make_fast(teacher)


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
        outputs = network.eval()(torch.zeros(1, 3, height, width))
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
def check_norms(network: nn.Module, settings: TrainSettings, n_fewest: int) -> None:
    """Raise UserError if a batch norm, which needs two values of a channel, ever gets one: a 1×1 map of one crop.

    `n_fewest` crops are the fewest that go through the network at once.
    """
    engine = settings.engine
    if n_fewest > 1 or (engine.sync_batch_norm and engine.devices > 1):
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
