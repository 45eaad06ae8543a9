"""What `benchmarks/gpu.py` does where a part fails or time is short; parts that need no network to be run."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    import gpu

    yield gpu
    for name in ("gpu", "gpu_sweep"):
        sys.modules.pop(name)


@pytest.fixture
def small(gpu: Any, tmp_path: Path) -> Any:
    return gpu.Run(torch.device("cpu"), True, tmp_path, time.monotonic() + 60, 1)


def test_part_that_fails_is_said_and_the_next_one_begins(gpu: Any, small: Any) -> None:
    def fail() -> None:
        raise RuntimeError("CUDA out of memory.\nTried to allocate")

    gpu.do_part(small, "first", 1, fail)
    gpu.do_part(small, "second", 1, lambda: small.tell("network", "second", "12"))
    assert small.rows == [
        ("failed", "first", "RuntimeError: CUDA out of memory. Tried to allocate"),
        ("network", "second", "12"),
    ]
    assert "| failed | first | RuntimeError: CUDA out of memory. Tried to allocate |\n" in gpu.write_table(small)


def test_part_for_which_there_is_no_time_is_left_out(gpu: Any, small: Any) -> None:
    gpu.do_part(small, "long", 3600, pytest.fail)
    ((part, name, _),) = small.rows
    assert (part, name) == ("left out", "long")


def test_people_that_are_drawn_are_annotated(gpu: Any, small: Any) -> None:
    dataset = gpu.run_data(small).open()
    assert len(dataset) == 4
    assert max(dataset.frame(0).image.shape) == 640
    assert sum(len(dataset.truth(index).xy) for index in range(4)) >= 4


def test_asking_is_timed_and_memory_is_watched(gpu: Any, small: Any) -> None:
    import gpu_sweep

    gpu.time_asking(small)
    ((part, _, milliseconds),) = small.rows
    assert part == "asking"
    assert float(milliseconds) > 0
    assert sum(map(gpu_sweep.measure_process, gpu_sweep.list_family())) > 0


def test_without_a_gpu_one_line_says_what_to_do(gpu: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    assert gpu.main() == 2
    assert capsys.readouterr().err == "no GPU that PyTorch can use: try --device cpu --small\n"
