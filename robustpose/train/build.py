"""Build what a run trains with: networks and the step. From settings to objects; nothing is trained here."""

from __future__ import annotations

from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from robustpose import models
from robustpose.errors import UserError
from robustpose.models.families import FamilyName
from robustpose.models.norm_statistics import has_folded_norms, measure_norms
from robustpose.models.weights import load_backbone, load_weights
from robustpose.train.advmix import AdvMixStep
from robustpose.train.field_targets import count_cells
from robustpose.train.fields import FieldObjective
from robustpose.train.objectives import HeatmapObjective, Objective
from robustpose.train.samples import Samples, draw_views_of_first
from robustpose.train.seeding import make_torch_seed
from robustpose.train.settings import TrainSettings
from robustpose.train.steps import Step, SupervisedStep
from robustpose.train.strategies import STRATEGIES, make_mixer
from robustpose.train.tags import TagObjective

CROPS_TO_MEASURE = 128


def build_network(settings: TrainSettings, joints: tuple[str, ...], samples: Samples) -> nn.Module:
    """Return the network to train, with its first weights.

    Raises:
        UserError: the weights are of another network, or of other joints.
    """
    torch.manual_seed(make_torch_seed(settings.seed, "weights"))
    network = models.build(settings.model, len(joints))
    if settings.backbone is not None:
        load_backbone(network, settings.backbone)
        if has_folded_norms(network):
            measure_norms(network, draw_views_of_first(samples, 0, CROPS_TO_MEASURE)[:, 0])
    if settings.start_from is not None:
        input_spec = load_weights(network, settings.start_from)
        if input_spec and input_spec.joints and input_spec.joints != joints:
            raise UserError(
                f"{settings.start_from} finds other joints than train_data has: {', '.join(input_spec.joints)}"
            )
    return network


def make_objective(family: FamilyName, settings: TrainSettings) -> Objective:
    """Return what networks of a family learn."""
    if family == "fields":
        return FieldObjective(settings.confidence_weight)
    return HeatmapObjective(settings.loss) if family == "heatmaps" else TagObjective(settings.loss)


def build_step(
    fabric: Fabric, settings: TrainSettings, family: FamilyName, joints: tuple[str, ...], samples: Samples
) -> Step:
    """Return the step of a run's strategy.

    Raises:
        UserError: weights do not fit, or the networks give outputs of another size than the targets.
    """
    network = build_network(settings, joints, samples)
    # As many as the targets have: the joints alone do not tell.
    n_connections = len(samples[0, 0]["paf_confidence"]) if family == "fields" else 0
    check_outputs(network, family, settings.input_wh, len(joints), f"network {settings.model}", n_connections)
    objective = make_objective(family, settings)
    if settings.engine.sync_batch_norm:
        if fabric.device.type != "cuda":
            raise UserError(f"engine.sync_batch_norm is for GPUs, this run is on {fabric.device.type}")
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    strategy, mixing = STRATEGIES[settings.strategy], settings.mixing
    if strategy.mixer == "last" and not settings.distills:
        return SupervisedStep(
            fabric,
            network,
            settings.lr,
            objective=objective,
            clip=settings.clip,
            ema=settings.ema,
            accumulate=settings.accumulate,
        )
    torch.manual_seed(make_torch_seed(settings.seed, "generator"))
    mixer = make_mixer(strategy, settings.input_wh, mixing.generator_width, mixing.generator_scale)
    mixer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return AdvMixStep(
        network,
        build_teacher(settings, family, len(joints), n_connections) if settings.distills else None,
        mixer,
        alpha=mixing.alpha,
        objective=objective,
        distill_on=mixing.distill_on,
        update=mixing.update,
        second_norm_update=mixing.second_norm_update,
        lr=settings.lr,
        generator_lr=mixing.generator_lr,
        clip=settings.clip,
        ema=settings.ema,
        accumulate=settings.accumulate,
        fabric=fabric,
    )


def build_teacher(settings: TrainSettings, family: FamilyName, n_joints: int, n_connections: int = 0) -> nn.Module:
    """Return the teacher: the student as it starts, or another network with weights of its own.

    Raises:
        UserError: the weights are of another network, or its outputs are of another size than the student's.
    """
    name = settings.teacher.model or settings.model
    weights = settings.teacher.weights or settings.start_from
    assert weights is not None
    teacher = models.build(name, n_joints)
    load_weights(teacher, weights)
    check_outputs(teacher, family, settings.input_wh, n_joints, f"teacher {name}", n_connections)
    return teacher


@torch.no_grad()
def check_outputs(
    network: nn.Module, family: FamilyName, input_wh: tuple[int, int], n_joints: int, name: str, n_connections: int = 0
) -> None:
    """Raise UserError unless a network gives outputs of the sizes that targets of its family have."""
    width, height = input_wh
    expected: tuple[Any, ...] = ((1, n_joints, height // 4, width // 4),)
    what = "heatmaps"
    if family == "tags":
        expected = ((1, 2 * n_joints, height // 4, width // 4), (1, n_joints, height // 2, width // 2))
        what = "heatmaps with tags, and finer heatmaps,"
    elif family == "fields":
        columns, rows = count_cells(input_wh)
        (pif, to_joint), (paf, to_end) = (
            ((1, number, rows, columns), (1, number, 2, rows, columns)) for number in (n_joints, n_connections)
        )
        expected = ((pif, to_joint, pif, pif), (paf, to_end, to_end, paf, paf))
        what = "fields of joints and connections (confidence, vectors, log-spreads, scale)"
    outputs = network.eval()(torch.zeros(1, 3, height, width))
    network.train()
    outputs = outputs if isinstance(outputs, tuple | list) else (outputs,)
    came = _find_shapes(outputs)
    if family == "fields":
        came = came[: len(expected)]  # further heads are for training only
    if came != expected:
        needed, shapes = (" and ".join(map(str, shapes)) for shapes in (expected, came))
        shapes = shapes if any(came) else "no tensor"
        raise UserError(f"{name} must give {what} {needed} of crops (1, 3, {height}, {width}), got {shapes}")


def _find_shapes(outputs: Any) -> Any:
    """Return shapes in the place of tensors, and None in that of anything else."""
    if isinstance(outputs, tuple | list):
        return tuple(_find_shapes(output) for output in outputs)
    return tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else None
