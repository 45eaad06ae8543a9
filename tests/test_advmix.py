from __future__ import annotations

import copy
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from robustpose import models
from robustpose.errors import UserError
from robustpose.models.input_spec import InputSpec
from robustpose.models.unet import UNet
from robustpose.pose.skeletons import COCO
from robustpose.train.advmix import AdvMixStep
from robustpose.train.heatmaps import LOSSES, HeatmapObjective, joints_mse, joints_smooth_l1
from robustpose.train.mixing import (
    DirichletMix,
    EqualMix,
    GeneratorMix,
    LastView,
    RandomView,
    make_generator,
    make_random_view,
    mix,
)
from robustpose.train.optimisation import Optimisation
from robustpose.train.settings_groups import MixingSettings
from robustpose.train.sheets import draw_sheet, to_images
from robustpose.train.steps import Step
from robustpose.train.teacher import Teacher
from robustpose.train.views.table import CORRUPTIONS, ViewInput, corrupt_at_random, draw_views, finish_views
from tests.training import (
    ADVMIX_LOSSES,
    UPDATES,
    assert_all_but_the_teacher_learn,
    assert_gradients,
    assert_losses,
    assert_state_brings_back_every_bit,
    copy_networks,
    copy_state,
    make_any_step,
    same,
)

INPUT_SPEC = InputSpec("tiny", (32, 64), COCO.joints)


class Tiny(nn.Module):
    """A network with batch norm: (B, 3, h, w) to (B, 2, h/4, w/4)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 4, 4, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 2, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def make_batch(n: int = 6, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "views": torch.randn(n, 3, 3, 64, 32, generator=generator),
        "target": torch.rand(n, 2, 16, 8, generator=generator),
        "weight": (torch.rand(n, 2, 1, generator=generator) > 0.3).float(),
    }


def make_step(seed: int = 0, mixer: nn.Module | None = None, teacher: bool = True, **options: Any) -> Step:
    torch.manual_seed(seed)
    student = Tiny()
    mixer = mixer or GeneratorMix(make_generator(3, (32, 64), width=4))
    return make_any_step(student, Tiny() if teacher else None, mixer, **options)


def released_step(fill: ModuleType) -> tuple[AdvMixStep, nn.Module, nn.Module, dict[str, Tensor]]:
    """Return the step of the published program, its student and teacher, and its batch."""
    student, teacher, generator = models.build("sbl_r50"), models.build("sbl_r50"), UNet()
    weights = fill.fill(student.state_dict())
    student.load_state_dict(weights)
    smaller = {n: t * 0.9 if t.is_floating_point() and "running" not in n else t for n, t in weights.items()}
    teacher.load_state_dict(smaller)
    generator.load_state_dict(fill.fill(generator.state_dict()))
    views = [np.random.RandomState(100 + k).normal(0, 1, (4, 3, 256, 192)) for k in range(3)]
    batch = {
        "views": torch.from_numpy(np.stack(views, axis=1).astype(np.float32)),
        "target": torch.from_numpy(np.random.RandomState(7).uniform(0, 1, (4, 17, 64, 48)).astype(np.float32)),
        "weight": torch.from_numpy((np.random.RandomState(8).uniform(0, 1, (4, 17, 1)) > 0.3).astype(np.float32)),
    }
    mixer, objective = GeneratorMix(generator), HeatmapObjective("smooth_l1")
    step = AdvMixStep(student, Teacher(teacher, distill_on="mixed"), mixer, objective=objective)
    return step, student, teacher, batch


NAMES = {"heatmap": "loss_heatmap", "distill": "loss_distill_on_mix", "loss": "loss_D", "adversarial": "loss_G"}


def test_two_iterations_are_those_of_the_published_program(shared: Path, fill: ModuleType) -> None:
    golden = json.loads((shared / "goldens/advmix_step_sbl_r50.json").read_text())
    step, student, teacher, batch = released_step(fill)
    with torch.no_grad():
        shown = models.build("sbl_r50")
        shown.load_state_dict(student.state_dict())
        clean = batch["views"][:, 0]
        on_clean = joints_smooth_l1(shown.train()(clean), teacher.eval()(clean), batch["weight"])
    assert float(on_clean) == pytest.approx(golden["loss_distill_on_clean_first_step"], rel=1e-5)
    first, second = golden["steps"]

    losses = step(batch)
    for name, theirs in NAMES.items():
        assert float(losses[name]) == pytest.approx(first[theirs], rel=1e-3 if name == "adversarial" else 1e-5)
    for view in range(3):
        assert float(losses[f"view{view}"]) == pytest.approx(first["mix_weight_mean"][view], abs=1e-5)
    norms = {name: float(p.grad.norm()) for name, p in student.named_parameters() if p.grad is not None}
    for name, norm in first["grad_norm_D"].items():
        assert norms[name] == pytest.approx(norm, rel=2e-2)
    buffers = dict(student.named_buffers())
    assert int(buffers["bn1.num_batches_tracked"]) == first["batches_tracked"]
    # 1.6e-3 here: after the student's first step with Adam, which magnifies rounding.
    for name, norm in first["running_norm_D"].items():
        assert float(buffers[name].norm()) == pytest.approx(norm, rel=3e-3)

    losses = step(batch)
    for name, theirs in NAMES.items():
        assert float(losses[name]) == pytest.approx(second[theirs], rel=1e-1 if name == "adversarial" else 1e-2)
    for view in range(3):
        assert float(losses[f"view{view}"]) == pytest.approx(second["mix_weight_mean"][view], abs=5e-2)


def test_weights_of_every_mixer_sum_to_one_and_make_the_mix() -> None:
    views = make_batch()["views"]
    torch.manual_seed(0)
    generator = make_generator(3, (32, 64), width=4)
    for mixer in (
        LastView(),
        EqualMix(),
        DirichletMix(),
        RandomView(0.5),
        GeneratorMix(generator),
        GeneratorMix(generator, scale=2),
        GeneratorMix(generator, image_head="logits"),
        GeneratorMix(generator, image_head="weights"),
    ):
        mixed, weights = mixer(views)
        torch.testing.assert_close(weights.sum(1), torch.ones_like(weights[:, 0]))
        torch.testing.assert_close(mixed, (weights[:, :, None] * views).sum(1))
        assert (weights >= 0).all()
    assert GeneratorMix(generator)(views)[1].shape == (6, 3, 64, 32)
    assert GeneratorMix(generator, scale=2)(views)[1].shape == (6, 3, 64, 32)
    assert GeneratorMix(generator, image_head="logits")(views)[1].shape == (6, 3, 1, 1)
    pixels = GeneratorMix(generator)(views)[1]
    torch.testing.assert_close(GeneratorMix(generator, image_head="weights")(views)[1], pixels.mean((2, 3), True))


def test_a_random_view_is_one_view_as_it_is_and_clean_in_its_share() -> None:
    views = torch.arange(5.0)[None, :, None, None, None].expand(2000, 5, 1, 1, 1)
    torch.manual_seed(0)
    mixed, weights = RandomView(0.4)(views)
    assert set(weights.unique().tolist()) == {0.0, 1.0}
    shares = torch.bincount(mixed.flatten().long(), minlength=5) / 2000
    torch.testing.assert_close(shares, torch.tensor([0.4, 0.15, 0.15, 0.15, 0.15]), atol=0.03, rtol=0)
    assert RandomView(1.0)(views)[1][:, 0].all()
    assert not RandomView(0.0)(views)[1][:, 0].any()


def test_a_random_view_needs_others_than_the_clean_one() -> None:
    with pytest.raises(UserError, match="takes the clean view and others"):
        make_random_view(1, (32, 64), MixingSettings())


def test_generator_starts_near_an_equal_mix() -> None:
    torch.manual_seed(0)
    weights = GeneratorMix(make_generator(3, (96, 128), width=16))(torch.randn(4, 3, 3, 128, 96))[1]
    assert (weights - 1 / 3).abs().mean() < 0.1


@pytest.mark.parametrize("update", UPDATES)
def test_student_and_generator_learn_and_the_teacher_does_not(update: str) -> None:
    losses = assert_all_but_the_teacher_learn(make_step(update=update), make_batch)
    assert set(losses) == {"heatmap"} | ADVMIX_LOSSES


@pytest.mark.parametrize("update", UPDATES)
def test_generator_makes_the_loss_larger_and_the_student_smaller(update: str) -> None:
    batch = make_batch(12)

    def last_loss(lr: float, generator_lr: float) -> float:
        step = make_step(update=update, lr=lr, generator_lr=generator_lr, alpha=0.0)
        torch.manual_seed(1)
        for _ in range(30):
            losses = step(batch)
        return float(losses["heatmap"])

    still = last_loss(1e-9, 1e-9)
    assert last_loss(1e-9, 3e-3) > still
    assert last_loss(3e-3, 1e-9) < still


def test_simultaneous_gradients_are_those_of_the_losses_it_promises() -> None:
    """The student's is that of target and teacher, crop by crop; the generator's the task loss's, reversed."""
    batch = make_batch(4)
    step = make_step(update="simultaneous", alpha=0.5)
    student, teacher, mixer = copy_networks(step)
    torch.manual_seed(3)
    n_taught = int(0.5 * 4 + float(torch.rand(())))
    assert n_taught == 2
    torch.manual_seed(3)
    step(batch)

    mixed, _ = mixer(batch["views"])
    heatmaps = student(mixed)
    task = joints_mse(heatmaps[2:], batch["target"][2:], batch["weight"][2:])
    answer = teacher(batch["views"][:2, 0])
    total = 0.5 * task + 0.5 * joints_mse(heatmaps[:2], answer, batch["weight"][:2])
    expected = torch.autograd.grad(total, list(student.parameters()), retain_graph=True)
    assert_gradients(step.network, expected, atol=1e-6)

    # Through the student's batch norms, the pictures for the teacher touch the others': that part is the gradient
    # of the total loss, which is what the single pass gives.
    at_mix = torch.autograd.grad(total, mixed, retain_graph=True)[0] * 2
    at_mix[:2] = 0
    assert_gradients(step.mixer, torch.autograd.grad(mixed, list(mixer.parameters()), -at_mix), atol=1e-6)


@pytest.mark.parametrize("update", UPDATES)
def test_mixed_precision_gives_nearly_the_same_first_step(update: str) -> None:
    losses = []
    for precision in ("32-true", "bf16-mixed"):
        torch.manual_seed(3)
        student, teacher, mixer = Tiny(), Tiny(), GeneratorMix(make_generator(3, (32, 64), width=4))
        fabric = Fabric(accelerator="cpu", devices=1, precision=precision)  # type: ignore[arg-type]
        step = make_any_step(student, teacher, mixer, update, fabric=fabric)
        before = copy_state(step.mixer)
        losses.append(float(step(make_batch())["heatmap"]))
        assert not same(before, step.mixer.state_dict())
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert losses[1] != losses[0]


def test_alternating_losses_and_order_are_the_published_ones() -> None:
    batch = make_batch()
    step = make_step(distill_on="clean", lr=0.01)
    student, teacher, mixer = copy_networks(step)
    losses = step(batch)

    mixed, weights = mixer(batch["views"])
    heatmap = joints_mse(student(mixed.detach()), batch["target"], batch["weight"])
    clean = batch["views"][:, 0]
    distill = joints_mse(student(clean), teacher(clean), batch["weight"])
    optimizer = torch.optim.Adam(student.parameters(), 0.01)
    (0.9 * heatmap + 0.1 * distill).backward()
    optimizer.step()
    adversarial = -joints_mse(student(mixed), batch["target"], batch["weight"])
    expected = {"heatmap": heatmap, "distill": distill, "adversarial": adversarial, "view1": weights[:, 1].mean()}
    assert_losses(losses, expected)
    for ours, theirs in zip(step.network.buffers(), student.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("wanted", "n_batches"), [(True, 2), (False, 1)])
def test_second_update_of_batch_norms_can_be_left_out(wanted: bool, n_batches: int) -> None:
    step = make_step(second_norm_update=wanted, distill_on="mixed")
    step(make_batch())
    network: Any = step.network
    assert int(network.layers[1].num_batches_tracked) == n_batches
    assert network.layers[1].track_running_stats


def test_what_is_no_mixer_and_a_teacher_without_weight_are_one_clear_line() -> None:
    with pytest.raises(UserError, match=r"a mixer must be a module .* such as GeneratorMix\(generator\), got UNet"):
        AdvMixStep(Tiny(), Teacher(Tiny()), make_generator(3, (32, 64), width=4))
    for alpha in (0.0, 1.1):
        with pytest.raises(UserError, match=r"alpha must be above 0 and at most 1, got .*: for none, leave it out"):
            Teacher(Tiny(), alpha)


def test_teacher_is_the_network_as_it_was_when_the_teacher_was_made() -> None:
    network = Tiny().eval()
    teacher, clean = Teacher(network), make_batch()["views"][:, 0]
    with torch.no_grad():
        expected = network(clean)
        for parameter in network.parameters():
            parameter.zero_()
    answer: Any = teacher.answer(clean)
    assert torch.equal(answer, expected)
    assert not answer.requires_grad


def test_plain_training_is_the_step_without_teacher_and_mixer() -> None:
    """Adam on the loss of the one view, nothing else."""
    torch.manual_seed(0)
    student, batch = Tiny(), make_batch()
    batch["views"] = batch["views"][:, :1]
    other = copy.deepcopy(student).train()
    losses = AdvMixStep(student)(batch)
    assert set(losses) == {"loss"}
    loss = joints_mse(other(batch["views"][:, 0]), batch["target"], batch["weight"])
    assert torch.equal(losses["loss"], loss.detach())
    optimizer = torch.optim.Adam(other.parameters(), 1e-3)
    loss.backward()
    optimizer.step()
    assert same(copy_state(student), copy_state(other))


def test_without_distillation_there_is_no_teacher() -> None:
    for step in (make_step(alpha=0.0), make_step(teacher=False)):
        assert "teacher" not in step.state()
        losses = step(make_batch())
        torch.testing.assert_close(losses["loss"], losses["heatmap"])
        assert "distill" not in losses


def test_mixers_without_parameters_train_the_student_alone() -> None:
    step = make_step(mixer=EqualMix())
    losses = step(make_batch())
    assert "adversarial" not in losses
    assert "generator" not in step.state()
    assert float(losses["view0"]) == pytest.approx(1 / 3)


def test_one_view_is_distillation_with_one_pass() -> None:
    batch = make_batch()
    batch["views"] = batch["views"][:, :1]
    step = make_step(mixer=LastView())
    step(batch)
    network: Any = step.network
    assert int(network.layers[1].num_batches_tracked) == 1


@pytest.mark.parametrize("update", UPDATES)
def test_state_brings_back_every_bit(update: str) -> None:
    assert_state_brings_back_every_bit(make_step, make_batch, update=update, ema=0.9)


class Plain(nn.Module):
    """Without batch norm: the gradient of a batch is the mean of its parts'."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.ReLU(), nn.Conv2d(8, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def test_parts_of_a_batch_add_up_to_it() -> None:
    found = []
    for accumulate in (1, 3):
        torch.manual_seed(0)
        student = Plain()
        mixer = GeneratorMix(make_generator(3, (32, 64), width=4))
        step = AdvMixStep(student, Teacher(Plain()), mixer, optimisation=Optimisation(accumulate=accumulate))
        losses = step(make_batch(7))
        gradients = [p.grad.clone() for p in (*student.parameters(), *step.mixer.parameters()) if p.grad is not None]
        found.append((losses, gradients))
    (whole, gradients), (parts, others) = found
    for name, loss in whole.items():
        torch.testing.assert_close(parts[name], loss, rtol=1e-4, atol=1e-6)
    assert len(gradients) == len(others) > 8
    # The generator learns against a student that has moved by Adam's first step, whose sign rounding can turn.
    for a, b in zip(gradients[:4], others[:4], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-6)


def test_average_of_the_weights_is_the_product() -> None:
    step = make_step(ema=0.5, lr=0.01)
    first = copy_state(step.network)
    step(make_batch())
    student = step.state()["student"]
    name = "layers.0.weight"
    torch.testing.assert_close(step.network.state_dict()[name], student["network"][name])  # the first one is taken over
    step(make_batch())
    assert not torch.equal(step.network.state_dict()[name], step.state()["student"]["network"][name])
    assert not torch.equal(step.network.state_dict()[name], first[name])


def test_losses_are_those_of_their_formulas() -> None:
    batch = make_batch()
    heatmaps = 3 * torch.randn(6, 2, 16, 8)
    weight = batch["weight"][..., None]
    difference = (heatmaps - batch["target"]) * weight
    torch.testing.assert_close(joints_mse(heatmaps, batch["target"], batch["weight"]), 0.5 * (difference**2).mean())
    smooth = torch.where(difference.abs() < 1, 0.5 * difference**2, difference.abs() - 0.5)
    torch.testing.assert_close(joints_smooth_l1(heatmaps, batch["target"], batch["weight"]), 0.5 * smooth.mean())
    assert set(LOSSES) == {"mse", "smooth_l1"}


def make_crop(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (64, 32, 3), np.uint8)


def make_views(names: tuple[str, ...], seed: int = 0, input_spec: InputSpec = INPUT_SPEC) -> Tensor:
    """Return the views (1, V, 3, h, w) of the crop, drawn with a seed."""
    of = ViewInput(make_crop(), lambda image: image, (64, 32), lambda purpose: np.random.default_rng(seed))
    drawn = draw_views(of, names)
    return finish_views({name: tensor[None] for name, tensor in drawn.items()}, names, input_spec)["views"]


def test_views_are_the_crop_another_colouring_of_it_and_the_crop_with_holes() -> None:
    views = make_views(("clean", "autoaugment", "gridmask"), seed=1)
    assert views.shape == (1, 3, 3, 64, 32)
    np.testing.assert_array_equal(to_images(views[:, 0], INPUT_SPEC)[0], make_crop())
    assert not torch.equal(views[:, 0], views[:, 1])
    holes = (views[0, 2] == 0).all(0)
    assert torch.equal(torch.where(holes, views[0, 0], views[0, 2]), views[0, 0])


def test_normalisation_is_that_of_evaluation_to_the_bit() -> None:
    crop = make_crop()
    for channels in ("rgb", "bgr"):
        input_spec = InputSpec("x", (32, 64), COCO.joints, channels=channels, mean=(0.4, 0.5, 0.6))  # type: ignore[arg-type]
        view = make_views(("clean",), input_spec=input_spec)[0, 0].numpy()
        ordered = crop if channels == "rgb" else crop[:, :, ::-1]
        expected = (ordered.astype(np.float32) / np.float32(255) - np.float32(input_spec.mean)) / np.float32(
            input_spec.std
        )
        np.testing.assert_array_equal(view, expected.transpose(2, 0, 1))


def test_sequential_view_is_both_operations() -> None:
    clean, coloured, masked = make_views(("clean", "autoaugment", "gridmask"), seed=4)[0]
    sequential = make_views(("clean", "sequential"), seed=4)[0, 1]
    kept = (masked != 0).any(0) | (clean == 0).all(0)
    assert torch.equal(sequential, coloured * kept)


def test_views_do_not_change_each_other() -> None:
    """The same numbers are drawn whatever views there are, and the clean one is clean beside a corrupted one."""
    names = ("clean", "autoaugment", "gridmask", "sequential", "corrupted")
    for seed in range(8):
        together = make_views(names, seed)[0]
        for name, view in zip(names, together, strict=True):
            assert torch.equal(make_views((name,), seed)[0, 0], view)
        assert torch.equal(make_views(names[::-1], seed)[0].flip(0), together)


def test_autoaugment_is_not_done_for_views_that_do_not_look_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object, **options: object) -> None:
        raise AssertionError

    monkeypatch.setattr("robustpose.train.views.autoaugment.apply_operations", never)
    make_views(("clean", "gridmask", "corrupted"))
    with pytest.raises(AssertionError):
        make_views(("clean", "sequential"))


def test_transfer_corrupts_half_of_the_images_with_the_four_corruptions() -> None:
    image = np.full((40, 48, 3), 120, np.uint8)
    image[10:20] = 30
    rng = np.random.default_rng(0)
    same = sum(np.array_equal(corrupt_at_random(image, rng), image) for _ in range(200))
    assert 70 < same < 130
    assert all(np.array_equal(corrupt_at_random(image, rng, 0.0), image) for _ in range(20))
    assert not any(np.array_equal(corrupt_at_random(image, rng, 1.0), image) for _ in range(20))
    assert set(CORRUPTIONS) == {"gaussian_noise", "defocus_blur", "snow", "contrast"}


def test_sheet_shows_views_weights_and_mix() -> None:
    batch = make_batch(2)
    names = ("clean", "autoaugment", "gridmask")
    sheet = draw_sheet(batch["views"], EqualMix(), names, INPUT_SPEC)
    assert sheet.shape == (28 + 2 * 66, 7 * 34, 3)
    assert draw_sheet(batch["views"][:, :1], LastView(), names[:1], INPUT_SPEC).shape == (28 + 2 * 66, 34, 3)


def test_mix_is_the_weighted_sum() -> None:
    views = torch.stack([torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)], dim=1)
    weights = torch.tensor([0.25, 0.75])[None, :, None, None]
    assert torch.equal(mix(views, weights)[0], torch.full((1, 3, 4, 4), 0.75))


def make_pair(fast: bool) -> tuple[AdvMixStep, Any, Any]:
    """Return a step, its student and its mixer, in the layout that asks for speed or in the plain one."""
    torch.manual_seed(0)
    student, teacher, mixer = Tiny(), Tiny(), GeneratorMix(make_generator(3, (32, 64), width=4))
    if fast:
        for network in (student, teacher, mixer):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return AdvMixStep(student, Teacher(teacher, distill_on="mixed"), mixer), student, mixer


def test_memory_layout_changes_losses_and_gradients_only_by_rounding() -> None:
    (plain, plain_student, plain_mixer), (fast, fast_student, fast_mixer) = make_pair(False), make_pair(True)
    losses, expected = fast(make_batch()), plain(make_batch())
    for name, loss in expected.items():
        torch.testing.assert_close(losses[name], loss, rtol=1e-4, atol=1e-6)
    for ours, theirs in ((fast_student, plain_student), (fast_mixer, plain_mixer)):
        for (name, came), wanted in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            assert came.grad is not None
            assert (came.grad - wanted.grad).norm() <= 1e-3 * wanted.grad.norm() + 1e-6, name


def test_fast_step_brings_back_every_bit() -> None:
    (first, student, mixer), (second, other_student, other_mixer) = make_pair(True), make_pair(True)
    first(make_batch())
    second.restore(copy.deepcopy(first.state()))
    for step in (first, second):
        step(make_batch(seed=1))
    for ours, theirs in ((student, other_student), (mixer, other_mixer)):
        assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
