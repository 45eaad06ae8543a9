from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from robustpose.config import read_recipe
from robustpose.errors import UserError
from robustpose.fresh import StartOver
from robustpose.train.batches import Batches, Sharing
from robustpose.train.checkpoint import read_checkpoint, write_checkpoint
from robustpose.train.loop import Progress, train
from robustpose.train.settings import TrainSettings, make_settings
from tests.runs import files_of
from tests.test_train_loop import settings_for
from tests.training import stop_at, train_and_note

pytestmark = pytest.mark.usefixtures("one_thread")


def samples_of(batches: Batches) -> list[list[int]]:
    return [[sample for _, sample in batch] for batch in batches]


@pytest.mark.parametrize(("n_samples", "sizes"), [(12, [4, 4, 4]), (11, [4, 4, 3]), (9, [4, 4, 1]), (3, [3])])
def test_last_batch_holds_what_is_left(n_samples: int, sizes: list[int]) -> None:
    batches = Batches(n_samples, 4, seed=0)
    found = samples_of(batches)
    assert [len(batch) for batch in found] == sizes == [batches.count(step) for step in range(len(batches))]
    assert sorted(sample for batch in found for sample in batch) == list(range(n_samples))
    dropped = Batches(n_samples, 4, seed=0, drop_last=True)
    assert samples_of(dropped) == [batch for batch in found if len(batch) == 4]
    assert len(dropped) == n_samples // 4
    batches.start_at(0, len(sizes) - 1)
    assert samples_of(batches) == found[-1:]


@pytest.mark.parametrize("n_samples", [12, 11, 10, 9, 8, 1])
@pytest.mark.parametrize("n_processes", [2, 4])
def test_crops_of_all_processes_count_alike(n_samples: int, n_processes: int) -> None:
    whole = samples_of(Batches(n_samples, 8, seed=0))
    shared = [Batches(n_samples, 8, 0, Sharing(rank, n_processes)) for rank in range(n_processes)]
    for step, batch in enumerate(whole):
        found = []
        for one in shared:
            own, share = samples_of(one)[step], one.share(step)
            assert own  # every process has something to do
            (part,) = share.parts
            # Of its own mean, in the mean over processes, each crop has this part.
            assert part.weight / len(own) / n_processes == pytest.approx(1 / len(batch) if part.weight else 0)
            found += own if part.weight else []
        assert sorted(found) == sorted(batch)


@pytest.mark.parametrize(
    ("n_samples", "n_processes", "n_parts", "fewest"),
    [
        (16, 1, 1, 8),
        (19, 1, 1, 3),
        (19, 1, 2, 1),
        (16, 1, 2, 4),
        (16, 2, 1, 4),
        (20, 2, 1, 2),
        (19, 2, 1, 1),
        (3, 4, 1, 1),
    ],
)
def test_smallest_part_is_known_before(n_samples: int, n_processes: int, n_parts: int, fewest: int) -> None:
    assert Batches(n_samples, 8, 0, Sharing(n_processes=n_processes, accumulate=n_parts)).find_fewest() == fewest


@pytest.mark.parametrize("n_samples", [24, 21, 11, 9])
@pytest.mark.parametrize("arrangement", [(1, 4), (2, 2), (4, 1)])
def test_parts_of_a_batch_are_the_same_whoever_does_them(n_samples: int, arrangement: tuple[int, int]) -> None:
    def parts_of(n_processes: int, accumulate: int, step: int) -> dict[int, tuple[list[int], int | None]]:
        found = {}
        for rank in range(n_processes):
            batches = Batches(n_samples, 8, 0, Sharing(rank, n_processes, accumulate))
            own, start = samples_of(batches)[step], 0
            for part in batches.share(step).parts:
                if part.number is not None:
                    found[part.number] = own[start : start + part.n_crops], part.seed
                    start += part.n_crops
                else:
                    assert part.weight == 0
        return found

    for step in range(len(Batches(n_samples, 8, 0))):
        one, ours = parts_of(1, 4, step), parts_of(*arrangement, step)
        assert {number: crops for number, (crops, _) in ours.items()} == {
            number: crops for number, (crops, _) in one.items()
        }
        n_rounds = {
            len(Batches(n_samples, 8, 0, Sharing(rank, *arrangement)).share(step).parts)
            for rank in range(arrangement[0])
        }
        assert len(n_rounds) == 1  # processes wait for each other


def test_norms_in_sync_see_at_once_what_one_process_has_in_a_part() -> None:
    one = Batches(16, 8, 0, Sharing(accumulate=2, in_sync=True))
    alone = [samples_of(one)[0][:4], samples_of(one)[0][4:]]
    ours = [samples_of(Batches(16, 8, 0, Sharing(rank, 2, 2, in_sync=True)))[0] for rank in (0, 1)]
    assert [sorted(ours[0][i : i + 2] + ours[1][i : i + 2]) for i in (0, 2)] == [sorted(part) for part in alone]
    assert one.has_for_all()
    assert not Batches(11, 8, 0, Sharing(0, 2, 2, in_sync=True)).has_for_all()


def test_run_of_an_older_version_keeps_its_parts() -> None:
    batches = Batches(16, 8, 0, Sharing(accumulate=2, is_older=True))
    assert samples_of(batches) == samples_of(Batches(16, 8, 0))
    assert [(part.n_crops, part.weight, part.seed) for part in batches.share(0).parts] == [(4, 0.5, None)] * 2


def uneven(**changes: Any) -> TrainSettings:
    """Return settings of two epochs of three steps: 12 people in batches of 5."""
    values = {"batch_size": 5, "epochs": 2, "checkpoint_every": 1, "accumulate": 2, **changes}
    return settings_for(**values)


def test_run_learns_from_the_last_batch_and_goes_on_from_there(tmp_path: Path) -> None:
    _, seen = train_and_note(uneven(), tmp_path / "whole")
    steps = [progress.losses["loss"] for progress in seen if progress.figures is None]
    assert len(steps) == 6
    line = json.loads((tmp_path / "whole/log.jsonl").read_text().splitlines()[0])
    assert line["losses"]["loss"] == pytest.approx((5 * steps[0] + 5 * steps[1] + 2 * steps[2]) / 12)
    with pytest.raises(KeyboardInterrupt):
        train(uneven(), tmp_path / "run", stop_at(3))
    train(uneven(), tmp_path / "run")
    assert files_of(tmp_path / "run") == files_of(tmp_path / "whole")
    _, seen = train_and_note(uneven(last_batch="drop"), tmp_path / "dropped")
    assert [progress.losses["loss"] for progress in seen if progress.figures is None][:2] == steps[:2]
    assert seen[-1].n_steps == 4


def test_fewer_samples_than_a_batch_are_one_batch_unless_it_is_dropped(tmp_path: Path) -> None:
    _, seen = train_and_note(uneven(batch_size=13), tmp_path / "kept")
    assert seen[-1].n_steps == 2
    with pytest.raises(UserError, match=r"12 people to learn from, fewer than batch_size 13: .* last_batch=keep"):
        train(uneven(batch_size=13, last_batch="drop"), tmp_path / "dropped")


def test_single_crop_whose_maps_have_one_pixel_is_refused_before_the_first_step(tmp_path: Path) -> None:
    seen: list[Progress] = []
    changes = {"model": "small", "input_wh": [32, 32], "batch_size": 11, "accumulate": 1}
    with pytest.raises(
        UserError,
        match=r"^the smallest part .* of 32×32 the batch norm \S+ of network small gets .*: set last_batch=drop",
    ):
        train(uneven(**changes), tmp_path / "kept", seen.append)
    with pytest.raises(UserError, match=r"^the smallest part of a batch is one crop.*accumulate"):
        train(uneven(**{**changes, "accumulate": 11}, last_batch="drop"), tmp_path / "parts", seen.append)
    assert not seen
    train(uneven(**changes, last_batch="drop", epochs=1), tmp_path / "dropped", seen.append)
    assert seen


def test_run_that_an_older_version_began_goes_on_as_it_was(tmp_path: Path) -> None:
    """It had no choice of the last batch, which it dropped, and a sigma that did not follow the input's size."""
    begun = uneven(last_batch="drop", sigma=1.5)
    now = make_settings(uneven().model_dump(exclude_unset=True, exclude={"sigma"}))
    assert (now.last_batch, now.sigma) == ("keep", 2.0)
    train(begun, tmp_path / "whole")
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(begun, run, stop_at(2))
    state = read_checkpoint(run / "last.ckpt")
    del state["settings"]["last_batch"]
    write_checkpoint(state, run / "last.ckpt")
    with pytest.raises(KeyboardInterrupt):
        train(now, run, stop_at(4))
    for changes, message in (
        ({"sigma": 2.0}, r"other settings \(sigma: 1\.5 there, 2\.0 now\)"),
        ({"sigma": 1.5, "last_batch": "keep"}, r"other settings \(last_batch: 'drop' there, 'keep' now\)"),
    ):
        with pytest.raises(UserError, match=message):
            train(uneven(**changes), run)
    train(now, run)
    settings = read_recipe(run / "settings.yaml")
    assert (settings["last_batch"], settings["sigma"]) == ("drop", 1.5)
    for name in ("log.jsonl", "model.safetensors", "best.safetensors"):
        assert (run / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    train(now, run, fresh=StartOver(lambda _: None))
    assert read_recipe(run / "settings.yaml")["last_batch"] == "keep"
