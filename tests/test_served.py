from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import robustpose
from robustpose import network_processes
from robustpose.errors import UserError
from robustpose.estimators.running import served
from robustpose.estimators.running.backends import as_callable, as_image_callable, find_device
from robustpose.estimators.running.batches import CROPS_PER_CALL
from robustpose.estimators.running.served import Overlapped
from robustpose.network_processes import Client, run_networks
from tests.networks import make_lively

pytestmark = pytest.mark.usefixtures("one_thread")


def ask_through(make: Callable[[], Any], use: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what `use` makes of a callable that asks a network process, a thread here, which made it, too."""
    asking, answering = Pipe()
    monkeypatch.setattr(network_processes, "_networks", None)
    server = threading.Thread(target=run_networks, args=(make, [answering]))
    server.start()
    while network_processes._networks is None or not network_processes._networks:
        server.join(0.01)
        assert server.is_alive()
    monkeypatch.setattr(network_processes, "_client", Client(asking))
    try:
        return use(make())
    finally:
        asking.close()
        server.join()


def crops(n: int) -> Any:
    return np.random.default_rng(n).normal(size=(n, 3, 64, 64)).astype(np.float32)


@pytest.mark.parametrize("engine", [{}, {"precision": "bf16"}, {"channels_last": False}])
def test_crops_have_the_same_heatmaps_to_the_last_bit(engine: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    lively = make_lively()

    def make() -> Any:
        return as_callable(lively, 1, (64, 64), **engine)

    expected = [make()(crops(n)) for n in (1, 3, CROPS_PER_CALL + 3)]
    found = ask_through(make, lambda ask: [ask(crops(n)) for n in (1, 3, CROPS_PER_CALL + 3)], monkeypatch)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


class TwoOutputs(nn.Module):
    """Give two outputs of different sizes."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.mean(1), nn.functional.avg_pool2d(x, 4)


def test_whole_images_have_the_same_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), TwoOutputs())

    def make() -> Any:
        return as_image_callable(network, 1)

    images = [crops(2), crops(2)[:, :, :32], crops(1)]
    expected = [make()(image) for image in images]
    found = ask_through(make, lambda ask: [ask(image) for image in images], monkeypatch)
    for one, other in zip(found, expected, strict=True):
        assert len(one) == len(other) == 2
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_worker_of_a_network_process_leaves_the_device_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="device 'meta' cannot be used here"):
        find_device("meta")
    monkeypatch.setattr(network_processes, "_client", Client(Pipe()[0]))
    assert find_device("meta") == torch.device("meta")  # what it is, the network process says


def test_networks_have_a_network_process_for_each_gpu_that_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    lively = make_lively()
    assert as_callable(lively).n_gpus == as_image_callable(lively).n_gpus == 0
    monkeypatch.setattr(network_processes, "_client", Client(Pipe()[0]))  # so nothing goes to a GPU
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    wanted = {name: as_callable(lively, device=torch.device(name)).n_gpus for name in ("cuda", "cuda:1", "cpu", "mps")}
    assert wanted == {"cuda": 4, "cuda:1": 1, "cpu": 0, "mps": 1}


class Event:
    """Stand in for what a GPU is through with when somebody waits for it."""

    def __init__(self) -> None:
        self.is_waited_for = False

    def query(self) -> bool:
        return self.is_waited_for

    def synchronize(self) -> None:
        self.is_waited_for = True


class Stream:
    """Stand in for what a GPU does in turn: it notes who waits for whom."""

    def __init__(self, device: Any = None) -> None:
        self.waits: list[Stream] = []

    def wait_stream(self, other: Stream) -> None:
        self.waits.append(other)

    def record_event(self) -> Event:
        return Event()


def test_batches_on_a_gpu_are_queued_and_two_at_work_do_not_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    computing = Stream()
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: computing)
    monkeypatch.setattr(Tensor, "record_stream", lambda self, stream: None)
    monkeypatch.setattr(served, "pin", lambda shape: torch.full(tuple(shape), torch.nan))
    network = Overlapped(lambda x: [x.sum((1, 2, 3)), x.amax((2, 3))], 4, torch.device("cpu"))
    ones, twos = np.ones((2, 3, 2, 2), np.float32), np.full((3, 3, 2, 2), 2, np.float32)
    first = network.start([ones, twos[:1]])
    second = network.start([twos])
    assert computing.waits  # for the crops to be there
    assert not first.is_ready()
    assert [output.tolist() for output in first.finish()] == [[12, 12, 24, 0], [[1] * 3, [1] * 3, [2] * 3, [0] * 3]]
    assert first.is_ready()
    assert second.finish()[0].tolist() == [24, 24, 24, 0]
    assert network.start([ones]).finish()[0].tolist() == [12, 12, 0, 0]


def read_all(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_bench_with_a_network_process_leaves_the_same_bytes(tmp_path: Path) -> None:
    work: dict[str, Any] = {"limit": 9, "corruptions": "contrast", "severities": 3, "resamples": 40, "progress": False}
    robustpose.bench("demo", "toy", **work, workers=1, out=tmp_path / "alone")
    robustpose.bench("demo", "toy", **work, workers=2, network_processes=1, out=tmp_path / "served")
    assert read_all(tmp_path / "served") == read_all(tmp_path / "alone")


def test_plan_names_network_processes() -> None:
    words: dict[str, Any] = {"limit": 9, "corruptions": "none", "dry_run": True, "workers": 2}
    assert "with 2 workers and 1 network process, " in str(
        robustpose.bench("demo", "toy", **words, network_processes=1)
    )
    assert "with 2 workers, " in str(robustpose.bench("demo", "toy", **words))


def guess(image: Any, boxes: Any) -> Any:
    """Guess that all joints are at the corner of a box."""
    return np.concatenate([np.repeat(boxes[:, None, :2], 17, 1), np.ones((len(boxes), 17, 1))], 2)


@pytest.mark.parametrize(
    ("model", "words", "message"),
    [
        (
            guess,
            {"network_processes": 1, "workers": 2},
            r"^network_processes= is for networks that PyTorch runs.*guess",
        ),
        ("demo", {"network_processes": -1, "workers": 2}, r"^network_processes= must be .* 0.* -1"),
        (
            "demo",
            {"network_processes": 1, "workers": 1},
            r"^network_processes=1 is for several workers, and there is 1",
        ),
    ],
)
def test_network_processes_that_cannot_be_are_one_line(model: Any, words: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        robustpose.bench(model, "toy", limit=2, corruptions="none", progress=False, **words)
    assert "\n" not in str(error.value)
