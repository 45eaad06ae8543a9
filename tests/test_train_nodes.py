"""Nodes: processes that torchrun or SLURM has started train together what one would have trained alone."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from robustpose.errors import SaidElsewhere, UserError
from robustpose.models.input_spec import InputSpec
from robustpose.models.weights import read_weights, save_weights
from robustpose.pose.skeletons import COCO
from robustpose.stopping import LINE
from robustpose.train.identity import check_parts
from robustpose.train.launched import check_launch, is_first_process
from robustpose.train.loop import train
from robustpose.train.norms import SyncBatchNorm, synchronise_norms
from robustpose.train.recipes import change_values
from robustpose.train.settings import TrainSettings, make_settings
from robustpose.train.settings_groups import EngineSettings
from robustpose.train.together import heed_lost_processes

pytestmark = pytest.mark.usefixtures("one_thread")
ROOT = Path(__file__).parents[1]
VARIABLES = (
    *("WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE", "TORCHELASTIC_RUN_ID"),
    *("SLURM_NTASKS", "SLURM_NNODES", "SLURM_NTASKS_PER_NODE", "SLURM_PROCID", "SLURM_JOB_NAME", "NODE_RANK"),
)


@pytest.fixture(autouse=True)
def nothing_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


class Normed(nn.Module):
    """A network with a batch norm. A bias before it would have a gradient of 0: Adam would follow its rounding."""

    def __init__(self, n_joints: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 4, 4, bias=False), nn.BatchNorm2d(8), nn.Softplus(), nn.Conv2d(8, n_joints, 3, 1, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.layers(x)
        return found


def settings_of(start: Path, engine: dict[str, Any], **changes: Any) -> TrainSettings:
    values = {
        "model": "tests.test_train_nodes:Normed",
        "family": "heatmaps",
        "input_wh": [32, 64],
        "start_from": str(start),
        "strategy": "advmix",
        "mixing": {"generator_width": 1, "generator_lr": 1e-6},
        "train_data": {"name": "toy", "n_images": 7, "seed": 1},
        "val_data": {"name": "toy", "n_images": 5},
        "epochs": 1,
        "batch_size": 4,
        "lr": 1e-4,
        "decay_at": [],
        "sheet_people": 0,
        "engine": {"accelerator": "cpu", "threads": 1, **engine},
    }
    return make_settings({**values, **changes})


SCRIPT = """
import sys
from pathlib import Path
from tests.test_train_nodes import settings_of, train
folder, start = map(Path, sys.argv[1:3])
for name in ("parts", "sync"):
    engine = {"nodes": 2, "wait_minutes": 1, "sync_batch_norm": name == "sync"}
    train(settings_of(start, engine, last_batch="drop" if name == "sync" else "keep"), folder / name)
"""


def test_two_nodes_train_what_one_process_trains(tmp_path: Path) -> None:
    torch.manual_seed(0)
    start = tmp_path / "start.safetensors"
    save_weights(Normed(17), InputSpec("x", (32, 64), COCO.joints), start)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    for rank in ("0", "1"):  # what torchrun says to the process of a node; the second one has a folder of its own
        said = {"TORCHELASTIC_RUN_ID": "x", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "LOCAL_RANK": "0"}
        said |= {"RANK": rank, "GROUP_RANK": rank, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "1", "GROUP_WORLD_SIZE": "2"}
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / f"of-{rank}"), str(start)]
        environment = {**os.environ, **said, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        processes.append(
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        )
    alone = {
        "parts": settings_of(start, {}, accumulate=2),
        "sync": settings_of(start, {"sync_batch_norm": True}, last_batch="drop"),
    }
    for name, settings in alone.items():
        train(settings, tmp_path / "alone" / name)
    said = [process.communicate(timeout=120)[0].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert said[1] == ""
    assert not (tmp_path / "of-1").exists()
    for name in alone:
        one, two = (read_weights(tmp_path / who / name / "model.safetensors")[0] for who in ("alone", "of-0"))
        assert one.keys() == two.keys()
        for key, tensor in one.items():
            torch.testing.assert_close(two[key], tensor, rtol=1e-5, atol=1e-5, msg=f"{name} {key}")
        logs = [json.loads((tmp_path / who / name / "log.jsonl").read_text()) for who in ("alone", "of-0")]
        assert logs[1]["losses"] == pytest.approx(logs[0]["losses"], rel=1e-5)
        assert logs[1]["figures"].keys() == logs[0]["figures"].keys()


@pytest.mark.parametrize(
    ("variables", "engine", "words"),
    [
        (
            {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"},
            {},
            "torchrun has started 4 processes.*--nodes 2",
        ),
        (
            {"SLURM_NTASKS": "4", "SLURM_NNODES": "2", "SLURM_NTASKS_PER_NODE": "2"},
            {"devices": 4},
            "--nodes 2 --devices 2",
        ),
        (
            {"SLURM_NTASKS": "1"},
            {"devices": 2},
            "SLURM has started 1 process, .*srun --nodes=1 --ntasks-per-node=2, in",
        ),
        ({"SLURM_NTASKS": "2"}, {"devices": 2}, "does not say how many .* --ntasks-per-node=2"),
        ({"SLURM_NTASKS": "two"}, {}, "SLURM_NTASKS must be a whole number, got 'two'"),
        ({"WORLD_SIZE": "3"}, {"devices": 2}, "WORLD_SIZE says that there are 3 processes, but this training is for 2"),
        ({}, {"nodes": 2}, "nothing has started this command on several nodes.*--nnodes 2"),
    ],
)
def test_other_counts_than_were_started_are_refused(
    variables: dict[str, str], engine: dict[str, int], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=words):
        check_launch(EngineSettings(**engine))  # type: ignore[arg-type]


def test_first_process_is_known_and_interactive_jobs_start_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_first_process()
    monkeypatch.setenv("SLURM_NTASKS", "8")
    monkeypatch.setenv("SLURM_JOB_NAME", "interactive")
    check_launch(EngineSettings(devices=2))
    monkeypatch.setenv("SLURM_JOB_NAME", "training")
    monkeypatch.setenv("SLURM_PROCID", "3")
    assert not is_first_process()


def test_run_goes_on_with_as_many_parts_only(tmp_path: Path) -> None:
    def of(devices: int, accumulate: int, sync: bool = False) -> TrainSettings:
        engine = {"devices": devices, "sync_batch_norm": sync}
        return settings_of(tmp_path, engine, accumulate=accumulate, batch_size=8)

    check_parts(of(1, 4), of(2, 2), False, tmp_path)
    check_parts(of(1, 2, sync=True), of(4, 2, sync=True), False, tmp_path)
    for now, then, words in (
        (of(1, 2), of(2, 2), "in 4 parts, .* makes 2 of them: set accumulate=4"),
        (of(4, 1), of(2, 1), "take a number of processes that 2 can be shared by"),
        (of(1, 4, sync=True), of(4, 1, sync=True), "set accumulate=1"),
    ):
        with pytest.raises(UserError, match=words):
            check_parts(now, then, False, tmp_path)
    with pytest.raises(UserError, match="an older version began on 2 processes with accumulate 2: go on with as many"):
        check_parts(of(1, 4), of(2, 2), True, tmp_path)


def test_batch_is_of_all_devices_or_of_each(tmp_path: Path) -> None:
    values = {"batch_size": 4, "engine": {"nodes": 2, "devices": 4}}
    change_values(values, ["batch_size_per_device=32"], {})
    assert "batch_size" not in values
    settings = settings_of(tmp_path, {"nodes": 2, "devices": 4}, batch_size=None, batch_size_per_device=32)
    assert (settings.batch_size, settings.batch_size_per_device, settings.n_parts) == (256, None, 8)
    with pytest.raises(UserError, match=r"batch_size \(4\) and batch_size_per_device \(2\) both say"):
        settings_of(tmp_path, {}, batch_size_per_device=2)
    with pytest.raises(UserError, match=r"unknown key 'engine\.num_nodes'.*'engine\.nodes'"):
        settings_of(tmp_path, {"num_nodes": 2})


def test_norms_in_sync_keep_the_names_of_their_state() -> None:
    network = Normed(3)
    names = network.state_dict().keys()
    synchronise_norms(network, torch.device("cpu"))
    assert isinstance(network.layers[1], SyncBatchNorm)
    assert network.state_dict().keys() == names
    network(torch.zeros(2, 3, 8, 8))  # a process alone has no others to wait for


def test_lost_process_is_one_line_and_a_fault_stays_one() -> None:
    with (
        pytest.raises(
            UserError, match=r"another of the 2 processes .* \(Connection closed by peer \[127\.0\.0\.1\]:9\)"
        ),
        heed_lost_processes(2),
    ):
        raise RuntimeError("[/gloo/pair.cc:534] Connection closed by peer [127.0.0.1]:9. This is typically …")
    with pytest.raises(RuntimeError, match="mat1"), heed_lost_processes(2):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert issubclass(SaidElsewhere, UserError)


WAITING = """
import sys
from robustpose.train import meeting
meeting.SILENT = 0.1
from robustpose.__main__ import main
main()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals are POSIX's")
def test_node_that_waits_for_one_that_never_starts_says_so_and_can_be_stopped(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    values = {"model": "small", "input_wh": [32, 64], "epochs": 1, "batch_size": 4, "decay_at": []}
    data = {"train_data": {"name": "toy", "n_images": 4}, "val_data": {"name": "toy", "n_images": 4}}
    recipe.write_text(json.dumps({**values, **data, "engine": {"accelerator": "cpu", "nodes": 2}}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = {"TORCHELASTIC_RUN_ID": "x", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "LOCAL_RANK": "0"}
    said |= {"RANK": "1", "GROUP_RANK": "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "1", "GROUP_WORLD_SIZE": "2"}
    words = ["train", "--recipe", str(recipe), "--out", str(tmp_path / "out")]
    waiting = subprocess.Popen(
        [sys.executable, "-c", WAITING, *words],
        env={**os.environ, **said, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    first = waiting.stderr.readline()
    assert first.startswith(f"waiting for the first of 2 processes at 127.0.0.1:{port}, for 30 minutes at most"), first
    waiting.send_signal(signal.SIGTERM)
    assert waiting.communicate(timeout=30)[1] == LINE + "\n"
    assert waiting.returncode == 143


def test_process_that_fabric_started_and_that_ended_is_told_of_by_the_first() -> None:
    script = """
import subprocess, sys
from types import SimpleNamespace
from robustpose.train import meeting
meeting.GRACE = 0
children = [subprocess.Popen([sys.executable, "-c", f"import sys, time; {what}"])
            for what in ("time.sleep(60)", "sys.exit(3)")]
children[1].wait()
meeting._end_all(SimpleNamespace(_child_processes=children))
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert re.fullmatch(r"error: process 2 of the 3 of this training has ended \(exit code 3\).*\n", ended.stderr)
