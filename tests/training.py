"""What tests of training share: steps of AdvMix and what holds of them for any objective, and runs on small data."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from robustpose.models.weights import read_weights
from robustpose.train.advmix import AdvMixStep
from robustpose.train.checkpoint import read_checkpoint
from robustpose.train.loop import Progress, train
from robustpose.train.mixing import GeneratorMix, LastView, make_generator
from robustpose.train.objectives import Objective
from robustpose.train.optimisation import Optimisation
from robustpose.train.settings import TrainSettings, make_settings
from robustpose.train.settings_groups import DistillOn
from robustpose.train.simultaneous import SimultaneousStep
from robustpose.train.steps import Step
from robustpose.train.teacher import Teacher

SIZE = 64  # px of the crops of whole images
UPDATES = ["alternating", "simultaneous"]
# What a step of AdvMix reports besides its objective's own losses.
ADVMIX_LOSSES = {"loss", "distill", "adversarial", "view0", "view1", "view2"}

Tensors = dict[str, Tensor]
MakeNetwork = Callable[[int], nn.Module]
MakeStep = Callable[..., Step]
MakeBatch = Callable[..., Tensors]


# States


def copy_state(module: nn.Module) -> Tensors:
    """Return the tensors of a module as they are now."""
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(some: Tensors, others: Tensors) -> bool:
    """Return whether tensors of the same names are the same to the bit."""
    assert some.keys() == others.keys()
    return all(torch.equal(some[name], others[name]) for name in some)


def copy_networks(step: Step) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Return the student, the teacher and the mixer of a step, as they are now."""
    teacher = copy.deepcopy(step.network)
    teacher.load_state_dict(step.state()["teacher"])
    return copy.deepcopy(step.network).train(), teacher.eval().requires_grad_(False), copy.deepcopy(step.mixer)


def assert_gradients(module: nn.Module, expected: Sequence[Tensor], atol: float) -> None:
    """Assert that a module was left with these gradients of its parameters."""
    for parameter, gradient in zip(module.parameters(), expected, strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=atol)


def assert_losses(losses: Tensors, expected: Tensors) -> None:
    """Assert that the expected losses are among those that a step reported."""
    for name, loss in expected.items():
        torch.testing.assert_close(losses[name], loss.detach(), rtol=1e-4, atol=1e-6)


# Steps


def make_any_step(
    student: nn.Module,
    teacher: nn.Module | None,
    mixer: nn.Module,
    update: str = "alternating",
    alpha: float = 0.1,
    distill_on: DistillOn = "clean",
    **options: Any,
) -> Step:
    """Return a step of either update; with `alpha` 0 there is no teacher."""
    chosen = {field.name: options.pop(field.name) for field in fields(Optimisation) if field.name in options}
    taught = None if teacher is None or alpha == 0 else Teacher(teacher, alpha, distill_on)
    make: Any = {"alternating": AdvMixStep, "simultaneous": SimultaneousStep}[update]
    return make(student, taught, mixer, optimisation=Optimisation(**chosen), **options)


def make_crowd_step(
    make_network: MakeNetwork, seed: int = 0, mixer: nn.Module | None = None, teacher: bool = True, **options: Any
) -> Step:
    """Return a step on crops of whole images, with a teacher that is not the student."""
    student, other = make_network(seed), make_network(seed + 100)
    mixer = mixer or GeneratorMix(make_generator(3, (SIZE, SIZE), width=4))
    return make_any_step(student, other if teacher else None, mixer, **options)


def assert_all_but_the_teacher_learn(step: Step, make_batch: MakeBatch) -> Tensors:
    """Do three steps, of which all but the teacher are to learn, and return the last losses."""
    student, mixer = copy_state(step.network), copy_state(step.mixer)
    teacher = {name: tensor.clone() for name, tensor in step.state()["teacher"].items()}
    torch.manual_seed(0)
    for number in range(3):
        losses = step(make_batch(seed=number))
    assert not same(student, step.network.state_dict())
    assert not same(mixer, step.mixer.state_dict())
    assert same(teacher, step.state()["teacher"])
    assert all(loss.ndim == 0 and not loss.requires_grad and torch.isfinite(loss) for loss in losses.values())
    return losses


def assert_teacher_shares_the_first_loss_alone(
    make_step: MakeStep, objective: Objective, batch: Tensors, distill_on: DistillOn, atol: float
) -> None:
    """Assert that an alternating step divides the objective's first loss with the teacher and keeps all of the others.

    `atol` is for the gradients.
    """
    step = make_step(alpha=0.3, distill_on=distill_on)
    student, teacher, mixer = copy_networks(step)
    losses = step(batch)

    mixed, clean = mixer(batch["views"])[0].detach(), batch["views"][:, 0]
    outputs = student(mixed)
    expected = objective.task(outputs, batch)
    shown = student(clean) if distill_on == "clean" else outputs
    distill = objective.distill(shown, teacher(clean), batch)
    shared, *others = (expected[name] for name in objective.names)
    total = 0.7 * shared + 0.3 * distill + torch.stack(others).sum()
    expected = {**expected, "distill": distill, "loss": total}
    assert_losses(losses, expected)
    assert all(loss > 1e-3 for loss in expected.values())
    assert_gradients(step.network, torch.autograd.grad(total, list(student.parameters())), atol)


def assert_generator_works_against_the_first_loss(
    step: Step, objective: Objective, batch: Tensors
) -> tuple[nn.Module, Tensors]:
    """Assert it of a step, and return its mixer as it was and what the student, after its turn, loses on that mix."""
    mixer = copy_networks(step)[2]
    losses = step(batch)
    against = objective.task(copy_networks(step)[0](mixer(batch["views"])[0]), batch)
    assert_losses(losses, {"adversarial": -against[objective.names[0]]})
    return mixer, against


def learn_alone(network: nn.Module, objective: Objective, batch: Tensors, n_steps: int) -> list[Tensors]:
    """Return the losses of supervised steps, the first of which are to be the objective's and their sum."""
    student, batch = copy.deepcopy(network), {**batch, "views": batch["views"][:, -1:]}
    step = AdvMixStep(network, objective=objective, optimisation=Optimisation(lr=0.01))
    all_losses = [step(batch) for _ in range(n_steps)]
    expected = objective.task(student(LastView()(batch["views"])[0]), batch)
    assert set(all_losses[0]) == {"loss", *expected}
    assert_losses(all_losses[0], {**expected, "loss": torch.stack(list(expected.values())).sum()})
    return all_losses


def assert_state_brings_back_every_bit(
    make_step: MakeStep, make_batch: MakeBatch, n_steps: int = 4, **options: Any
) -> None:
    """Assert that another step goes on from the state of one that stopped after two as if there had been no stop."""
    through, stopped = make_step(**options), make_step(**options)

    def run(step: Step, numbers: range) -> None:
        for number in numbers:
            torch.manual_seed(number)
            step(make_batch(seed=number))

    run(through, range(n_steps))
    run(stopped, range(2))
    other = make_step(seed=5, **options)  # another start, another teacher
    other.restore(copy.deepcopy(stopped.state()))
    run(other, range(2, n_steps))
    assert same(other.network.state_dict(), through.network.state_dict())
    assert same(other.mixer.state_dict(), through.mixer.state_dict())
    assert same(other.state()["teacher"], through.state()["teacher"])


def assert_layout_and_precision_change_rounding_alone(
    make_network: MakeNetwork, objective: Objective, batch: Tensors, update: str
) -> Tensors:
    """Do a step in the plain layout, in the fast one and in that with bf16, compare them, and return the plain losses.

    With channels last the teacher is folded and fused: it has all its outputs then, too.
    """
    found = []
    for fast, precision in ((False, "32-true"), (True, "32-true"), (True, "bf16-mixed")):
        networks = make_network(0), make_network(100), GeneratorMix(make_generator(3, (SIZE, SIZE), width=4))
        if fast:
            for network in networks:
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        fabric = Fabric(accelerator="cpu", devices=1, precision=precision)  # type: ignore[arg-type]
        step = make_any_step(*networks, update=update, alpha=0.5, objective=objective, fabric=fabric)
        torch.manual_seed(1)
        found.append(step(batch))
    plain, fast_one, half = found
    for name, loss in plain.items():
        torch.testing.assert_close(fast_one[name], loss, rtol=1e-3, atol=1e-6)
        torch.testing.assert_close(half[name], loss, rtol=0.05, atol=1e-3)
    assert half[objective.names[0]] != fast_one[objective.names[0]]
    return plain


# Whole runs


def settings_for_crowds(**changes: object) -> TrainSettings:
    """Return settings of two steps on crowds."""
    values = {
        "train_data": {"name": "toy-crowds", "n_images": 8},
        "val_data": {"name": "toy-crowds", "n_images": 2},
        "epochs": 1,
        "batch_size": 4,
        "decay_at": [],
        "checkpoint_every": 1,
        "sheet_people": 1,
        "engine": {"accelerator": "cpu", "threads": 1},
    }
    return make_settings(values | changes)


def train_and_note(settings: TrainSettings, out: Path) -> tuple[Path, list[Progress]]:
    """Train, and return the folder of the run and what it reported."""
    seen: list[Progress] = []
    train(settings, out, seen.append)
    return out, seen


def stop_at(step: int) -> Callable[[Progress], None]:
    """Return an `on_progress` that stops a run at a step, as Ctrl-C does."""

    def on_progress(progress: Progress) -> None:
        if progress.step == step:
            raise KeyboardInterrupt

    return on_progress


def assert_stopped_hardening_goes_on(
    settings_for: Callable[..., TrainSettings], start: Path, folder: Path, update: str, losses: set[str]
) -> Path:
    """Assert that hardening that is stopped and started again ends with the same bits; return its weights.

    It reports `losses`, and its teacher stays what it `start`ed from.
    """
    settings = settings_for(
        strategy="advmix", start_from=start, epochs=2, mixing={"generator_width": 4, "update": update, "alpha": 0.5}
    )
    _, seen = train_and_note(settings, folder / "whole")
    assert all(set(progress.losses) == losses for progress in seen)
    with pytest.raises(KeyboardInterrupt):
        train(settings, folder / "run", stop_at(2))
    product = train(settings, folder / "run")
    for name in ("model.safetensors", "best.safetensors", "log.jsonl"):
        assert (folder / "run" / name).read_bytes() == (folder / "whole" / name).read_bytes()
    tensors, _ = read_weights(start)
    assert same(tensors, read_checkpoint(folder / "run/last.ckpt")["step"]["teacher"])
    return product
