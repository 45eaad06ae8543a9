from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from robustpose.errors import UserError
from robustpose.models.families import FAMILIES
from robustpose.models.input_spec import InputSpec
from robustpose.models.pifpaf import FieldHead
from robustpose.models.small import SmallFieldsNet
from robustpose.models.weights import read_weights
from robustpose.pose.skeletons import COCO
from robustpose.train.build import check_outputs
from robustpose.train.fields import CELLS, FieldObjective, diverge_vectors, draw_field_targets
from robustpose.train.loop import Progress, train
from robustpose.train.mixing import EqualMix
from robustpose.train.settings_groups import DistillOn
from robustpose.train.teacher import Teacher
from robustpose.train.whole_images import PeopleInCrop
from tests.training import (
    ADVMIX_LOSSES,
    SIZE,
    UPDATES,
    assert_all_but_the_teacher_learn,
    assert_generator_works_against_the_first_loss,
    assert_layout_and_precision_change_rounding_alone,
    assert_state_brings_back_every_bit,
    assert_stopped_hardening_goes_on,
    assert_teacher_shares_the_first_loss_alone,
    learn_alone,
    make_crowd_step,
    settings_for_crowds,
    train_and_note,
)

pytestmark = pytest.mark.usefixtures("one_thread")

K, L, CELLS_WIDE = 17, 19, 7  # joints, connections, cells of the crops
Head = tuple[Tensor, ...]


def make_batch(n: int = 4, seed: int = 0) -> dict[str, Tensor]:
    """Return random views, and targets of nobody in the first image, one person in the second, two in the third …"""
    rng = np.random.default_rng(seed)
    input_spec = InputSpec("fields", (SIZE, SIZE), COCO.joints, family="fields")
    ignored = np.zeros((SIZE, SIZE), bool)
    ignored[40:, :20] = True
    samples = []
    for image in range(n):
        xy, visible = rng.uniform(-5, SIZE + 5, (image, K, 2)), rng.integers(0, 3, (image, K))
        targets = draw_field_targets(PeopleInCrop(xy, visible, ignored, np.eye(2, 3)), input_spec)
        samples.append({name: torch.from_numpy(target) for name, target in targets.items()})
    batch: dict[str, Tensor] = torch.utils.data.default_collate(samples)
    views = torch.randn(n, 3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))
    return {"views": views, **batch}


def draw_outputs(seed: int, n: int = 4, probabilities: bool = False) -> tuple[Head, Head]:
    """Return outputs of a network in training mode, or in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> Tensor:
        return torch.randn(n, *shape, CELLS_WIDE, CELLS_WIDE, generator=generator)

    pif = (noise(K), noise(K, 2), noise(K) * 0.5, noise(K).relu())
    paf = (noise(L), noise(L, 2), noise(L, 2), noise(L) * 0.5, noise(L) * 0.5)
    if probabilities:
        return (pif[0].sigmoid(), *pif[1:]), (paf[0].sigmoid(), *paf[1:])
    return pif, paf


def with_gradients(outputs: tuple[Head, ...]) -> tuple[Head, ...]:
    return tuple(tuple(part.clone().requires_grad_(True) for part in head) for head in outputs)


def gradients(outputs: tuple[Head, ...]) -> list[list[Tensor | None]]:
    return [[part.grad for part in head] for head in outputs]


# Losses


def compute_slowly(outputs: tuple[Head, Head], batch: dict[str, Tensor], weight: float) -> dict[str, float]:
    """Return the losses cell by cell, as the paper has them."""
    fields, scale = 0.0, 0.0
    (logits, vector, spread, size), (paf_logits, *ends) = ([part.double().numpy() for part in head] for head in outputs)
    found: list[tuple[Any, Any, list[tuple[Any, Any, Any]]]] = [
        (logits, batch["pif_confidence"].numpy(), [(vector, spread, batch["pif_vector"].numpy())]),
        (
            paf_logits,
            batch["paf_confidence"].numpy(),
            [(ends[end], ends[2 + end], batch["paf_vectors"][:, end].numpy()) for end in (0, 1)],
        ),
    ]
    for logit, target, vectors in found:
        for cell in np.ndindex(logit.shape):
            image, field, row, column = cell
            if np.isnan(target[cell]):
                continue
            probability = 1 / (1 + np.exp(-logit[cell]))
            fields -= weight * np.log(probability if target[cell] == 1 else 1 - probability)
            if target[cell] == 1:
                for guess, log_b, truth in vectors:
                    apart = guess[image, field, :, row, column] - truth[image, field, :, row, column]
                    b = np.exp(log_b[cell])
                    fields += np.sqrt((apart**2).sum()) / b + np.log(2 * b)
    wanted = batch["pif_scale"].numpy()
    for cell in np.argwhere(wanted > 0):
        truth = wanted[tuple(cell)]
        scale += abs(size[tuple(cell)] - truth) / (1 + truth)
    n_images = len(wanted)
    return {"fields": float(fields) / n_images / 1000, "scale": float(scale) / n_images / 1000}


@pytest.mark.parametrize("weight", [1.0, 0.3, 10.0])
def test_losses_are_those_computed_cell_by_cell(weight: float) -> None:
    batch, outputs = make_batch(), draw_outputs(0)
    losses = FieldObjective(weight).task(outputs, batch)
    expected = compute_slowly(outputs, batch, weight)
    assert tuple(losses) == FieldObjective.names == tuple(expected)
    for name, loss in losses.items():
        assert float(loss) == pytest.approx(expected[name], rel=1e-4)
        assert loss > 0


def test_weight_of_confidences_is_a_setting() -> None:
    batch, outputs = make_batch(), draw_outputs(0)
    for weight in (0.3, 4.0):
        objective = FAMILIES["fields"].training.make_objective(settings_for(confidence_weight=weight))
        expected = FieldObjective(weight).task(outputs, batch)["fields"]
        torch.testing.assert_close(objective.task(outputs, batch)["fields"], expected)


def test_right_answers_cost_little_and_widths_are_learned_from_errors() -> None:
    batch = make_batch()
    sure = [20.0 * (2 * batch[f"{name}_confidence"].nan_to_num() - 1) for name in ("pif", "paf")]
    ends = (batch["paf_vectors"][:, 0], batch["paf_vectors"][:, 1])

    def lose(off: float, log_b: float = -2.0) -> float:
        spreads = [torch.full_like(confidence, log_b) for confidence in sure]
        pif = (sure[0], batch["pif_vector"] + off, spreads[0], batch["pif_scale"])
        losses = FieldObjective().task((pif, (sure[1], *ends, spreads[1], spreads[1])), batch)
        assert losses["scale"] == 0
        return float(losses["fields"])

    n_cells = int((batch["pif_confidence"] == 1).sum() + 2 * (batch["paf_confidence"] == 1).sum())
    assert lose(0) == pytest.approx(n_cells * (np.log(2) - 2) / CELLS / 4, rel=1e-4)
    assert lose(1) > lose(0.5) > lose(0)
    assert lose(2, log_b=0.5) < lose(2)  # who is wrong had better say so


def test_what_is_not_known_and_vectors_of_background_are_not_learned() -> None:
    batch, outputs = make_batch(), with_gradients(draw_outputs(0))
    losses = FieldObjective().task(outputs, batch)
    (losses["fields"] + losses["scale"]).backward()
    (logits, vector, spread, scale), (paf_logits, *others) = gradients(outputs)
    for confidence, name in ((logits, "pif_confidence"), (paf_logits, "paf_confidence")):
        assert confidence is not None
        assert torch.equal(confidence != 0, ~batch[name].isnan())
        assert batch[name].isnan().any()
    seen, paf_seen = (batch[f"{name}_confidence"] == 1 for name in ("pif", "paf"))
    for part, where in ((spread, seen), (others[2], paf_seen), (others[3], paf_seen)):
        assert part is not None
        assert not part[~where].any()
        assert (part[where] != 0).float().mean() > 0.99
    for part, where in ((vector, seen), (others[0], paf_seen), (others[1], paf_seen)):
        assert part is not None
        assert torch.equal((part != 0).any(2), where)
    assert scale is not None
    assert torch.equal(scale != 0, batch["pif_scale"] > 0)


def test_nobody_gives_finite_gradients_and_nothing_but_background() -> None:
    batch = {name: tensor[:1] for name, tensor in make_batch().items()}
    outputs = with_gradients(draw_outputs(0, n=1))
    losses = FieldObjective().task(outputs, batch)
    assert losses["scale"] == 0
    (losses["fields"] + losses["scale"]).backward()
    for head in gradients(outputs):
        for number, gradient in enumerate(head):
            assert gradient is not None
            assert torch.isfinite(gradient).all()
            assert gradient.any() == (number == 0)
    assert all((gradient >= 0).all() for gradient in (gradients(outputs)[0][0], gradients(outputs)[1][0]))  # type: ignore[operator]


def test_vector_that_is_exactly_right_has_a_finite_gradient() -> None:
    batch = make_batch()
    (logits, _, spread, scale), paf = draw_outputs(0)
    outputs = with_gradients(((logits, batch["pif_vector"], spread, scale), paf))
    FieldObjective().task(outputs, batch)["fields"].backward()
    gradient = gradients(outputs)[0][1]
    assert gradient is not None
    assert torch.isfinite(gradient).all()


def test_images_count_alike_and_their_losses_add_up() -> None:
    batch, outputs, answers = make_batch(), draw_outputs(0), draw_outputs(1, probabilities=True)
    objective = FieldObjective()

    def lose(part: slice) -> Tensor:
        some, its = (tuple(tuple(c[part] for c in head) for head in whole) for whole in (outputs, answers))
        taken = {name: tensor[part] for name, tensor in batch.items()}
        return torch.stack([*objective.task(some, taken).values(), objective.distill(some, its, taken)])

    together, alone = lose(slice(None)), [lose(slice(i, i + 1)) for i in range(4)]
    torch.testing.assert_close(together, torch.stack(alone).mean(0))


def test_further_heads_cost_nothing_and_have_a_gradient_of_zero() -> None:
    batch, outputs, answers = make_batch(), draw_outputs(0), draw_outputs(1, probabilities=True)
    third = tuple(part[:, :5] for part in draw_outputs(2)[1])
    objective = FieldObjective()
    more = with_gradients((*outputs, third))
    losses = {**objective.task(more, batch), "distill": objective.distill(more, answers, batch)}
    expected = {**objective.task(outputs, batch), "distill": objective.distill(outputs, answers, batch)}
    torch.testing.assert_close(losses, expected)
    for name in ("fields", "distill"):  # either alone, as in a step without targets
        (gradient,) = torch.autograd.grad(losses[name], more[2][0], retain_graph=True)
        assert not gradient.any()
    assert objective.distill(outputs, (*answers, third), batch) == expected["distill"]


# A teacher


def test_distillation_is_zero_where_student_and_teacher_agree_and_positive_elsewhere() -> None:
    batch, objective = make_batch(), FieldObjective()
    for seed in range(3):
        outputs, same = with_gradients(draw_outputs(seed)), draw_outputs(seed, probabilities=True)
        loss = objective.distill(outputs, same, batch)
        assert float(loss.detach()) == pytest.approx(0, abs=1e-5)
        loss.backward()
        (_, _, _, scale), (_, *_) = gradients(outputs)
        assert scale is None
        for head in gradients(outputs):
            for gradient in head:
                assert gradient is None or gradient.abs().max() < 1e-6
        for part in range(3):  # of either head: confidence, vector, spread
            for head_number in (0, 1):
                other = [list(head) for head in draw_outputs(seed)]
                index = part if head_number == 0 or part < 2 else 3
                other[head_number][index] = other[head_number][index] + 0.3
                assert objective.distill(tuple(map(tuple, other)), same, batch) > 1e-3


def test_teacher_has_no_say_in_scales_nor_where_nothing_is_known() -> None:
    batch, objective = make_batch(), FieldObjective()
    outputs, answers = with_gradients(draw_outputs(0)), draw_outputs(1, probabilities=True)
    objective.distill(outputs, answers, batch).backward()
    (logits, vector, spread, scale), (paf_logits, *others) = gradients(outputs)
    assert scale is None
    for part, name in ((logits, "pif"), (spread, "pif"), (paf_logits, "paf"), (others[2], "paf"), (others[3], "paf")):
        assert part is not None
        unknown = batch[f"{name}_confidence"].isnan()
        assert not part[unknown].any()
        assert (part[~unknown] != 0).float().mean() > 0.99
    for part, name in ((vector, "pif"), (others[0], "paf"), (others[1], "paf")):
        assert part is not None
        assert torch.equal((part == 0).all(2), batch[f"{name}_confidence"].isnan())


def test_answer_that_is_certain_is_as_good_as_the_truth() -> None:
    """Up to a number that depends on the teacher alone: gradients of everything but scales are the same."""
    batch, objective = make_batch(), FieldObjective()
    confidence = [batch[f"{name}_confidence"].nan_to_num() for name in ("pif", "paf")]
    sure = [torch.full_like(one, -12.0) for one in confidence]
    ends = (batch["paf_vectors"][:, 0], batch["paf_vectors"][:, 1])
    answers = (
        (confidence[0], batch["pif_vector"], sure[0], batch["pif_scale"]),
        (confidence[1], *ends, sure[1], sure[1]),
    )
    one, other = with_gradients(draw_outputs(0)), with_gradients(draw_outputs(0))
    objective.task(one, batch)["fields"].backward()
    objective.distill(other, answers, batch).backward()
    for head, other_head in zip(gradients(one), gradients(other), strict=True):
        for ours, theirs in zip(head, other_head, strict=True):
            assert (ours is None) == (theirs is None)
            if ours is not None and theirs is not None:
                torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("size", [1e2, 1e5, 1e20, float("inf")])
def test_losses_and_gradients_are_finite_whatever_an_untrained_network_gives(size: float) -> None:
    """In evaluation mode, as a teacher is, random weights multiply numbers layer by layer: 1e5 for ResNet-101."""
    batch, objective = make_batch(), FieldObjective()
    teacher = tuple(tuple(part * size for part in head[1:]) for head in draw_outputs(1))
    answers = tuple((head[0].sigmoid(), *parts) for head, parts in zip(draw_outputs(1), teacher, strict=True))
    student = with_gradients(draw_outputs(0))
    if size < 1e20:  # in training mode batch norms keep numbers small
        student = with_gradients(tuple(tuple(part * size for part in head) for head in draw_outputs(0)))
    loss = objective.distill(student, answers, batch) + sum(objective.task(student, batch).values())
    loss.backward()
    assert torch.isfinite(loss)
    for head in gradients(student):
        assert all(part is None or torch.isfinite(part).all() for part in head)


@pytest.mark.parametrize(("apart", "log_b", "log_beta"), [(0, 0, 0), (1.5, 0.3, -0.4), (0.2, -1, 1), (4, -0.5, -2)])
def test_divergence_of_vectors_is_that_of_laplace_distributions(apart: float, log_b: float, log_beta: float) -> None:
    b, beta = np.exp(log_b), np.exp(log_beta)
    x = np.linspace(-60, 60, 2_400_001)
    teacher = np.exp(-np.abs(x) / beta) / (2 * beta)
    ratio = np.log(2 * b) + np.abs(x - apart) / b - np.log(2 * beta) - np.abs(x) / beta
    expected = float((teacher * ratio).sum() * (x[1] - x[0]))
    one = torch.ones(1, 1, 1, 1)
    vector = apart * torch.tensor([0.6, -0.8]).view(1, 1, 2, 1, 1)
    found = diverge_vectors(vector, log_b * one, 0 * vector, log_beta * one, one)
    assert float(found) * CELLS == pytest.approx(expected, abs=1e-4)


# One step


def make_network(seed: int) -> SmallFieldsNet:
    """Return a network that is not sure that there is nothing, so that all losses and their gradients matter."""
    torch.manual_seed(seed)
    network = SmallFieldsNet()
    with torch.no_grad():
        for head in network.head_nets:
            assert isinstance(head, FieldHead)
            weight, bias = head.class_convs[0].parameters()
            weight.normal_(0, 0.1)
            bias.zero_()
    return network


make_step = partial(make_crowd_step, make_network, objective=FieldObjective())


@pytest.mark.parametrize("update", UPDATES)
def test_student_and_generator_learn_and_the_teacher_stays_as_it_is(update: str) -> None:
    losses = assert_all_but_the_teacher_learn(make_step(update=update, alpha=0.5), make_batch)
    assert set(losses) == {"fields", "scale"} | ADVMIX_LOSSES


@pytest.mark.parametrize("distill_on", ["clean", "mixed"])
def test_alternating_loss_shares_the_fields_with_the_teacher_and_keeps_all_of_the_scales(distill_on: DistillOn) -> None:
    assert_teacher_shares_the_first_loss_alone(make_step, FieldObjective(), make_batch(), distill_on, atol=1e-4)


def test_generator_works_against_the_fields_alone() -> None:
    assert_generator_works_against_the_first_loss(make_step(), FieldObjective(), make_batch())


@pytest.mark.parametrize("update", UPDATES)
def test_without_a_teacher_the_loss_is_the_sum_of_the_objectives(update: str) -> None:
    for options in ({"alpha": 0.0}, {"teacher": False}, {"teacher": False, "mixer": EqualMix()}):
        losses = make_step(update=update, **options)(make_batch())  # type: ignore[arg-type]
        torch.testing.assert_close(losses["loss"], losses["fields"] + losses["scale"])


@pytest.mark.parametrize("update", UPDATES)
def test_memory_layout_and_precision_change_the_losses_only_by_rounding(update: str) -> None:
    plain = assert_layout_and_precision_change_rounding_alone(make_network, FieldObjective(), make_batch(), update)
    assert plain["distill"] > 0.1


def test_fast_teacher_answers_as_the_teacher_does() -> None:
    network = make_network(100).eval()
    clean = make_batch()["views"][:, 0]
    with torch.no_grad():
        expected = network(clean)
    teacher = Teacher(network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
    answers: Any = teacher.answer(clean)
    assert isinstance(teacher._fast, torch.fx.GraphModule)
    torch.testing.assert_close(answers, expected, rtol=1e-3, atol=1e-4)
    assert all(head[0].min() >= 0 and head[0].max() <= 1 for head in expected)  # it gives probabilities


def test_supervised_loss_is_the_sum_of_the_objectives_and_falls() -> None:
    all_losses = learn_alone(make_network(0), FieldObjective(), make_batch(), n_steps=12)
    assert all_losses[-1]["fields"] < 0.5 * all_losses[0]["fields"]
    assert all_losses[-1]["scale"] < all_losses[0]["scale"]


@pytest.mark.parametrize("update", UPDATES)
def test_state_brings_back_every_bit(update: str) -> None:
    assert_state_brings_back_every_bit(make_step, make_batch, n_steps=3, update=update, alpha=0.5, ema=0.9)


# The network


@pytest.mark.parametrize("size_hw", [(64, 96), (65, 97), (257, 33)])
def test_small_network_gives_two_heads_of_cells_eight_pixels_apart(size_hw: tuple[int, int]) -> None:
    rows, columns = (-(-side // 16) * 2 - 1 for side in size_hw)
    network = SmallFieldsNet()
    for training in (True, False):
        with torch.no_grad():
            pif, paf = network.train(training)(torch.randn(2, 3, *size_hw))
        assert [part.shape[1:-2] for part in pif] == [(K,), (K, 2), (K,), (K,)]
        assert [part.shape[1:-2] for part in paf] == [(L,), (L, 2), (L, 2), (L,), (L,)]
        assert {part.shape[-2:] for part in (*pif, *paf)} == {(rows, columns)}
        for head in (pif, paf):
            assert (head[0] < 0).all() if training else ((head[0] > 0) & (head[0] < 0.5)).all()
        assert (pif[3] > 0).all()  # where a scale can be learned


def test_small_network_is_for_cocos_joints() -> None:
    with pytest.raises(UserError, match=r"small_fields.* is for COCO's 17 joints .*, got 16 joints"):
        SmallFieldsNet(16)


# Whole runs


settings_for = partial(settings_for_crowds, model="small_fields", input_wh=[65, 65])


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Progress]]:
    """The folder of a supervised run, and what it reported."""
    return train_and_note(settings_for(), tmp_path_factory.mktemp("runs") / "first")


def test_run_leaves_weights_whose_card_says_what_they_look_at(first: tuple[Path, list[Progress]]) -> None:
    out, seen = first
    _, input_spec = read_weights(out / "model.safetensors")
    assert input_spec is not None
    assert (input_spec.family, input_spec.input_wh, input_spec.joints) == ("fields", (65, 65), COCO.joints)
    assert isinstance(FAMILIES[input_spec.family].training.make_objective(settings_for()), FieldObjective)
    assert all(set(progress.losses) == {"loss", "fields", "scale"} for progress in seen)
    assert seen[-1].figures is not None
    assert "AP" in seen[-1].figures


@pytest.mark.parametrize("update", UPDATES)
def test_stopped_hardening_goes_on_with_the_same_bits(
    update: str, tmp_path: Path, first: tuple[Path, list[Progress]]
) -> None:
    start, losses = first[0] / "model.safetensors", {"fields", "scale"} | ADVMIX_LOSSES
    assert_stopped_hardening_goes_on(settings_for, start, tmp_path, update, losses)


def test_diverged_fields_are_not_blamed_on_cells_of_which_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robustpose.train.fields.compare_scales", lambda scale, _: scale.sum() * float("nan"))
    with pytest.raises(UserError, match=r"^training has diverged: loss is nan, .* at step 1; there is no checkpoint"):
        train(settings_for(), tmp_path / "run")


class TwoHeads(nn.Module):
    """Fields of any numbers, a third head perhaps."""

    def __init__(self, n_joints: int, n_connections: int, third: bool = False) -> None:
        super().__init__()
        self.trunk = nn.Conv2d(3, 4, 16, 16)
        pafs = [FieldHead(4, number, 2, False) for number in ([n_connections, 25] if third else [n_connections])]
        self.heads = nn.ModuleList([FieldHead(4, n_joints, 1, True), *pafs])

    def forward(self, x: Tensor) -> tuple[Head, ...]:
        return tuple(head(self.trunk(x)) for head in self.heads)


def test_outputs_that_are_no_fields_of_the_targets_are_one_clear_line() -> None:
    for third in (False, True):
        check_outputs(TwoHeads(K, L, third), "fields", (64, 96), COCO, "network own")
    wanted = r"must give fields of joints and connections .* \(1, 17, 11, 7\), .*\(1, 19, 11, 7\)\) of crops"
    for network, came in (
        (TwoHeads(16, L), r"got \(\(1, 16, 11, 7\), .*"),
        (TwoHeads(K, 18), r"got \(\(1, 17, 11, 7\), .* and \(\(1, 18, 11, 7\), .*"),
        (nn.Conv2d(3, 17, 8, 8), r"got \(1, 17, 12, 8\)"),
    ):
        with pytest.raises(UserError, match=f"network own {wanted} .*, {came}") as caught:
            check_outputs(network, "fields", (64, 96), COCO, "network own")
        assert "\n" not in str(caught.value)


def test_network_of_another_family_is_one_clear_line(tmp_path: Path) -> None:
    for changes, message in (
        ({"model": "small", "family": "fields", "input_wh": [64, 64]}, "network small must give fields of joints"),
        ({"family": "tags", "input_wh": [64, 64]}, "network small_fields must give heatmaps with tags"),
        ({"family": "heatmaps", "input_wh": [64, 64]}, r"network small_fields must give heatmaps \(1, 17, 16, 16\)"),
    ):
        with pytest.raises(UserError, match=message):
            train(settings_for(**changes), tmp_path / str(changes["family"]))


@pytest.mark.parametrize("side", [64, 257, 385])
def test_sides_of_crops_may_end_on_a_cell(side: int) -> None:
    assert settings_for(input_wh=[side, 64]).input_wh == (side, 64)
    with pytest.raises(UserError, match=r"multiples of 32, .* or for fields 16·n \+ 1"):
        settings_for(input_wh=[side + 7, 64])
