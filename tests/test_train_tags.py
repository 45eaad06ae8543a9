from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.models.small import SmallTagsNet
from robustpose.train.mixing import EqualMix, GeneratorMix, make_generator
from robustpose.train.settings_groups import DistillOn
from robustpose.train.tags import TAG_WEIGHT, TagObjective, pull_and_push
from tests.training import (
    ADVMIX_LOSSES,
    SIZE,
    UPDATES,
    assert_all_but_the_teacher_learn,
    assert_generator_works_against_the_first_loss,
    assert_gradients,
    assert_layout_and_precision_change_rounding_alone,
    assert_losses,
    assert_state_brings_back_every_bit,
    assert_teacher_shares_the_first_loss_alone,
    copy_networks,
    learn_alone,
    make_any_step,
    make_crowd_step,
)

pytestmark = pytest.mark.usefixtures("one_thread")

K = 5  # joints


# Pull and push


def draw_tags(n_images: int = 4, n_people: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return tags (B, K, 8, 9) and joints (B, P, K): images with many people, a few, one, and nobody."""
    rng = np.random.default_rng(seed)
    tags = torch.from_numpy(rng.normal(0, 1, (n_images, K, 8, 9)).astype(np.float32))
    joints = torch.from_numpy(rng.integers(-30, 72, (n_images, n_people, K))).clamp(min=-1)
    for image, count in enumerate((n_people, 3, 1, 0)):
        joints[image, count:] = -1
        joints[image, :count, 0] = joints[image, :count, 0].clamp(min=0)  # everybody has a joint
    joints[0, 2] = -1  # somebody in between of whom nothing is to be seen
    return tags, joints


def pull_and_push_slowly(tags: Tensor, joints: Tensor) -> tuple[float, float]:
    """Return both as Newell et al. define them: image by image, person by person, pair by pair."""
    pulls, pushes = [], []
    for maps, people in zip(tags.double().numpy(), joints.numpy(), strict=True):
        found = []
        for person in people:
            mine = [maps[joint].ravel()[place] for joint, place in enumerate(person) if place >= 0]
            if mine:
                found.append(mine)
        means = [sum(mine) / len(mine) for mine in found]
        spreads = [sum((tag - mean) ** 2 for tag in mine) / len(mine) for mine, mean in zip(found, means, strict=True)]
        near = [np.exp(-((a - b) ** 2)) for i, a in enumerate(means) for j, b in enumerate(means) if i != j]
        pulls.append(sum(spreads) / len(spreads) if spreads else 0.0)
        pushes.append(0.5 * sum(near) / len(near) if near else 0.0)
    return float(np.mean(pulls)), float(np.mean(pushes))


@pytest.mark.parametrize("seed", range(5))
def test_pull_and_push_are_those_of_the_definition(seed: int) -> None:
    tags, joints = draw_tags(seed=seed)
    pull, push = pull_and_push(tags, joints)
    slow_pull, slow_push = pull_and_push_slowly(tags, joints)
    assert (float(pull), float(push)) == pytest.approx((slow_pull, slow_push), rel=1e-5)
    assert pull > 0
    assert push > 0


def test_two_people_of_known_tags() -> None:
    tags = torch.zeros(1, 2, 1, 3)
    tags[0, :, 0, 0], tags[0, :, 0, 2] = torch.tensor([1.0, 3.0]), torch.tensor([2.0, 2.5])
    pull, push = pull_and_push(tags, torch.tensor([[[0, 0], [2, 2], [-1, -1]]]))
    # Means 2 and 2.25; squared distances 1, 1 and 1/16, 1/16.
    assert float(pull) == pytest.approx((1 + 1 / 16) / 2)
    assert float(push) == pytest.approx(0.5 * np.exp(-1 / 16))


def test_one_person_is_pushed_away_from_nobody() -> None:
    tags, joints = draw_tags()
    pull, push = pull_and_push(tags[2:3], joints[2:3])
    assert push == 0
    assert pull > 0


def test_nobody_gives_nothing_and_finite_gradients() -> None:
    tags, joints = draw_tags()
    for some in (joints[3:], joints):  # an image of nobody alone, and beside others
        tags.requires_grad_(True)
        tags.grad = None
        pull, push = pull_and_push(tags[-len(some) :], some)
        (pull + push).backward()
        assert tags.grad is not None
        assert torch.isfinite(tags.grad).all()
        assert not tags.grad[3].any()
    assert pull_and_push(tags[3:], joints[3:]) == (0, 0)
    assert tags.grad[:3].any()


def test_images_count_alike_however_many_people_they_hold() -> None:
    tags, joints = draw_tags()
    together = pull_and_push(tags, joints)
    alone = [pull_and_push(tags[[i]], joints[[i]]) for i in range(4)]
    for i in range(2):
        torch.testing.assert_close(together[i], torch.stack([losses[i] for losses in alone]).mean())


def test_number_added_to_all_tags_and_order_of_people_change_nothing() -> None:
    tags, joints = draw_tags()
    before = pull_and_push(tags, joints)
    for after in (pull_and_push(tags + 3.5, joints), pull_and_push(tags, joints.flip(1)), pull_and_push(-tags, joints)):
        torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-6)


def test_tags_elsewhere_have_no_gradient() -> None:
    tags, joints = draw_tags()
    tags.requires_grad_(True)
    sum(pull_and_push(tags, joints)).backward()  # type: ignore[union-attr]
    assert tags.grad is not None
    used = torch.zeros_like(tags, dtype=torch.bool)
    for image, person, joint in np.argwhere(joints.numpy() >= 0):
        used[image, joint].view(-1)[joints[image, person, joint]] = True
    assert not tags.grad[~used].any()
    assert (tags.grad[used] != 0).float().mean() > 0.9


def test_following_both_gradients_tells_people_apart() -> None:
    tags = (0.1 * draw_tags()[0][:1]).requires_grad_(True)
    optimizer = torch.optim.Adam([tags], 0.05)
    people = torch.arange(15).view(1, 3, K)  # three, no two of whom share a pixel
    for _ in range(200):
        optimizer.zero_grad()
        pull, push = pull_and_push(tags, people)
        (pull + push).backward()
        optimizer.step()
    found = tags.detach().flatten(2).gather(2, people.permute(0, 2, 1))[0]  # (K, 3)
    assert found.std(0).max() < 0.05
    means = found.mean(0).sort().values
    assert means.diff().min() > 1


# The objective


def make_batch(n: int = 4, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    coarse, fine = SIZE // 4, SIZE // 2
    joints = torch.randint(0, coarse**2, (n, 30, K), generator=generator)
    joints[torch.rand(joints.shape, generator=generator) < 0.3] = -1
    for image in range(n):
        joints[image, image + 1 :] = -1  # one person in the first image, two in the second …
    return {
        "views": torch.randn(n, 3, 3, SIZE, SIZE, generator=generator),
        "coarse": torch.rand(n, K, coarse, coarse, generator=generator),
        "fine": torch.rand(n, K, fine, fine, generator=generator),
        "coarse_kept": (torch.rand(n, coarse, coarse, generator=generator) > 0.3).float(),
        "fine_kept": (torch.rand(n, fine, fine, generator=generator) > 0.3).float(),
        "joints": joints,
    }


def draw_outputs(seed: int, n: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(n, 2 * K, SIZE // 4, SIZE // 4, generator=generator)
    return coarse, torch.randn(n, K, SIZE // 2, SIZE // 2, generator=generator)


@pytest.mark.parametrize("loss", ["mse", "smooth_l1"])
def test_heatmap_loss_is_that_of_both_resolutions_over_all_pixels(loss: Any) -> None:
    batch, (coarse, fine) = make_batch(), draw_outputs(0)
    losses = TagObjective(loss).task((coarse, fine), batch)
    expected = 0.0
    for found, name in ((coarse[:, :K], "coarse"), (fine, "fine")):
        apart = ((found - batch[name]) * batch[f"{name}_kept"][:, None]).double().abs()
        one = apart**2 if loss == "mse" else torch.where(apart < 1, 0.5 * apart**2, apart - 0.5)
        expected += float(one.sum() / one.numel())
    assert float(losses["heatmap"]) == pytest.approx(expected, rel=1e-5)
    assert tuple(losses) == TagObjective.names == ("heatmap", "pull", "push")


@pytest.mark.parametrize("weight", [TAG_WEIGHT, 0.25])
def test_pull_and_push_are_of_the_tag_maps_and_weighted(weight: float) -> None:
    batch, (coarse, fine) = make_batch(), draw_outputs(0)
    losses = TagObjective(tag_weight=weight).task((coarse, fine), batch)
    pull, push = pull_and_push(coarse[:, K:], batch["joints"])
    torch.testing.assert_close((losses["pull"], losses["push"]), (weight * pull, weight * push))
    assert TAG_WEIGHT == 1e-3  # as HigherHRNet was trained


def test_pixels_that_are_not_kept_are_not_learned() -> None:
    batch, outputs = make_batch(), draw_outputs(0)
    objective, others = TagObjective(), draw_outputs(1)
    coarse, fine = (output.clone().requires_grad_(True) for output in outputs)
    losses = objective.task((coarse, fine), batch)
    losses["heatmap"].backward()
    for output, name in ((coarse, "coarse"), (fine, "fine")):
        assert output.grad is not None
        kept = batch[f"{name}_kept"][:, None].bool().expand(-1, K, -1, -1)
        assert not output.grad[:, :K][~kept].any()
        assert (output.grad[:, :K][kept] != 0).all()
    assert coarse.grad is not None
    assert not coarse.grad[:, K:].any()  # nor are tags by the heatmaps' loss
    changed = tuple(
        torch.where(batch[f"{name}_kept"][:, None].bool(), mine, other)
        for name, mine, other in zip(("coarse", "fine"), outputs, others, strict=True)
    )
    torch.testing.assert_close(objective.task(changed, batch)["heatmap"], losses["heatmap"].detach())
    assert objective.task(others, batch)["heatmap"] != losses["heatmap"]


def test_pixels_that_are_not_kept_still_count_in_the_mean() -> None:
    batch, outputs = make_batch(), draw_outputs(0)
    whole = {**batch, **{f"{name}_kept": torch.ones_like(batch[f"{name}_kept"]) for name in ("coarse", "fine")}}
    half = {name: tensor.clone() for name, tensor in whole.items()}
    for name in ("coarse", "fine"):
        half[f"{name}_kept"][2:] = 0
    first_half = TagObjective().task(
        tuple(o[:2] for o in outputs), {name: tensor[:2] for name, tensor in whole.items()}
    )
    torch.testing.assert_close(TagObjective().task(outputs, half)["heatmap"], first_half["heatmap"] / 2)


def test_teacher_has_a_say_in_heatmaps_alone() -> None:
    batch, outputs, answers = make_batch(), draw_outputs(0), draw_outputs(1)
    objective = TagObjective()
    coarse, fine = (output.clone().requires_grad_(True) for output in outputs)
    distill = objective.distill((coarse, fine), answers, batch)
    distill.backward()
    assert coarse.grad is not None
    assert not coarse.grad[:, K:].any()
    assert coarse.grad[:, :K].any()
    other_tags = torch.cat([answers[0][:, :K], torch.randn(4, K, SIZE // 4, SIZE // 4)], 1)
    assert objective.distill(outputs, (other_tags, answers[1]), batch) == distill
    as_targets = {**batch, "coarse": answers[0][:, :K], "fine": answers[1]}
    torch.testing.assert_close(distill, objective.task((coarse, fine), as_targets)["heatmap"])
    assert objective.distill(outputs, outputs, batch) == 0


# One step of AdvMix


def make_network(seed: int) -> SmallTagsNet:
    """Return a network whose outputs are not small, so that all losses and their gradients matter."""
    torch.manual_seed(seed)
    network = SmallTagsNet(K)
    with torch.no_grad():
        for head in (network.coarse, network.fine):
            head.weight.normal_(0, 0.3)
    return network


OBJECTIVE = TagObjective(tag_weight=0.5)
make_step = partial(make_crowd_step, make_network, objective=OBJECTIVE)


@pytest.mark.parametrize("update", UPDATES)
def test_student_and_generator_learn_and_the_teacher_stays_as_it_is(update: str) -> None:
    losses = assert_all_but_the_teacher_learn(make_step(update=update, alpha=0.5), make_batch)
    assert set(losses) == {"heatmap", "pull", "push"} | ADVMIX_LOSSES


@pytest.mark.parametrize("distill_on", ["clean", "mixed"])
def test_alternating_loss_shares_the_heatmaps_with_the_teacher_and_keeps_all_of_the_tags(distill_on: DistillOn) -> None:
    assert_teacher_shares_the_first_loss_alone(make_step, OBJECTIVE, make_batch(), distill_on, atol=1e-5)


def test_generator_works_against_the_heatmaps_alone() -> None:
    """Against the student after its step; with the tags' losses in it, its gradient would be another one."""
    step = make_step(lr=0.01)
    mixer, against = assert_generator_works_against_the_first_loss(step, OBJECTIVE, make_batch())
    parameters = list(mixer.parameters())
    expected = torch.autograd.grad(-against["heatmap"], parameters, retain_graph=True)
    everything = torch.autograd.grad(-torch.stack(list(against.values())).sum(), parameters)
    ours = [parameter.grad for parameter in step.mixer.parameters()]
    assert all(gradient is not None for gradient in ours)
    norm = torch.cat([gradient.ravel() for gradient in expected]).norm()
    apart = [
        torch.cat([(a - b).ravel() for a, b in zip(ours, others, strict=True)]).norm()  # type: ignore[operator]
        for others in (expected, everything)
    ]
    assert apart[0] < 1e-3 * norm
    assert apart[1] > 0.01 * norm


def test_simultaneous_loss_is_of_the_targets_for_some_images_and_of_the_teacher_for_the_others() -> None:
    batch, step = make_batch(), make_step(update="simultaneous", alpha=0.5)
    student, teacher, mixer = copy_networks(step)
    torch.manual_seed(3)
    n_taught = int(0.5 * 4 + float(torch.rand(())))
    assert n_taught == 2
    torch.manual_seed(3)
    losses = step(batch)

    outputs = student(mixer(batch["views"])[0].detach())
    learned = {name: tensor[2:] for name, tensor in batch.items()}
    expected = OBJECTIVE.task(tuple(output[2:] for output in outputs), learned)
    taught = {name: tensor[:2] for name, tensor in batch.items()}
    answers = teacher(batch["views"][:2, 0])
    distill = OBJECTIVE.distill(tuple(output[:2] for output in outputs), answers, taught)
    total = 0.5 * torch.stack(list(expected.values())).sum() + 0.5 * distill
    assert_losses(losses, {**expected, "distill": distill, "loss": total, "adversarial": -expected["heatmap"]})
    assert_gradients(step.network, torch.autograd.grad(total, list(student.parameters())), atol=1e-5)


def test_simultaneous_step_with_all_images_for_the_teacher_is_finite() -> None:
    step = make_step(update="simultaneous", alpha=1.0)
    losses = step(make_batch())
    assert (losses["heatmap"], losses["pull"], losses["push"]) == (0, 0, 0)
    torch.testing.assert_close(losses["loss"], losses["distill"])
    assert all(torch.isfinite(parameter).all() for parameter in step.network.parameters())


@pytest.mark.parametrize("update", UPDATES)
def test_without_a_teacher_the_loss_is_the_sum_of_the_objectives(update: str) -> None:
    for options in ({"alpha": 0.0}, {"teacher": False}):
        losses = make_step(update=update, **options)(make_batch())
        torch.testing.assert_close(losses["loss"], losses["heatmap"] + losses["pull"] + losses["push"])
        assert update == "simultaneous" or "distill" not in losses


def test_mixer_without_parameters_trains_the_student_alone() -> None:
    losses = make_step(mixer=EqualMix())(make_batch())
    assert "adversarial" not in losses
    assert float(losses["view2"]) == pytest.approx(1 / 3)


def test_supervised_loss_is_the_sum_of_the_objectives_and_falls() -> None:
    all_losses = learn_alone(make_network(0), TagObjective(), make_batch(), n_steps=8)
    assert all_losses[-1]["loss"] < 0.8 * all_losses[0]["loss"]


class Normless(nn.Module):
    """Without batch norm: the gradient of a batch is the mean of its parts'."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 4, 4)
        self.coarse, self.fine = nn.Conv2d(8, 2 * K, 1), nn.Conv2d(8, K, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.first(x).relu()
        return self.coarse(x), self.fine(F.interpolate(x, scale_factor=2.0))


@pytest.mark.parametrize("distill_on", ["clean", "mixed"])
def test_parts_of_a_batch_add_up_to_it(distill_on: DistillOn) -> None:
    found = []
    for accumulate in (1, 2, 3):
        torch.manual_seed(0)
        student, teacher, mixer = Normless(), Normless(), GeneratorMix(make_generator(3, (SIZE, SIZE), width=4))
        options: dict[str, Any] = {"objective": OBJECTIVE, "accumulate": accumulate}
        step = make_any_step(student, teacher, mixer, distill_on=distill_on, **options)
        losses = step(make_batch(5))
        gradients = [parameter.grad for parameter in student.parameters()]
        found.append((losses, gradients))
    (whole, gradients), *others = found
    for losses, parts in others:
        assert losses.keys() == whole.keys()
        for name, loss in whole.items():
            torch.testing.assert_close(losses[name], loss, rtol=1e-4, atol=1e-6)
        for part, gradient in zip(parts, gradients, strict=True):
            assert part is not None
            torch.testing.assert_close(part, gradient, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("update", UPDATES)
def test_state_brings_back_every_bit(update: str) -> None:
    assert_state_brings_back_every_bit(make_step, make_batch, update=update, alpha=0.5, ema=0.9)


@pytest.mark.parametrize("update", UPDATES)
def test_memory_layout_and_precision_change_the_losses_only_by_rounding(update: str) -> None:
    assert_layout_and_precision_change_rounding_alone(make_network, TagObjective(), make_batch(), update)
