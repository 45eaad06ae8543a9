"""Training on two nodes, on this machine: what it gives against one node and one process, and what a killed node costs.

    python benchmarks/nodes.py [--keep FOLDER]

For plain training and AdvMix: two nodes of one process each under torchrun, two processes that Fabric starts, two tasks
with the variables of SLURM, and one process that does the same parts. Then, under torchrun, a worker of the second node
and the whole first node are killed, and the run goes on. About four minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from safetensors.numpy import load_file

ROOT = Path(__file__).parents[1]
RECIPE = {
    "model": "small", "input_wh": [32, 64], "sigma": 1.0, "epochs": 2, "batch_size": 8, "lr": 1e-3, "decay_at": [1],
    "train_data": {"name": "toy", "n_images": 12, "seed": 1}, "val_data": {"name": "toy", "n_images": 6},
    "checkpoint_every": 1, "sheet_people": 2, "engine": {"accelerator": "cpu", "threads": 1},
}  # fmt: skip
HARDENING = {**RECIPE, "start_from": "demo", "strategy": "advmix", "mixing": {"generator_width": 4}}
TRAIN = [sys.executable, "-m", "robustpose", "train"]


def start(words: list[str], log: Path, **variables: str) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, whose words go to a file."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **variables}
    with log.open("wb") as file:
        return subprocess.Popen(words, env=environment, stdout=file, stderr=file, start_new_session=True)


def find_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def start_nodes(recipe: Path, out: Path, *words: str) -> list[subprocess.Popen[bytes]]:
    """Start two nodes with torchrun, one process each."""
    port, started = find_port(), []
    for rank in (0, 1):
        place = ["--nnodes", "2", "--node-rank", str(rank), "--nproc-per-node", "1"]
        place += ["--master-addr", "127.0.0.1", "--master-port", port, "-m", "robustpose", "train"]
        command = [sys.executable, "-m", "torch.distributed.run", *place, "--recipe", str(recipe), "--out", str(out)]
        started.append(start([*command, "--nodes", "2", *words], log_of(out, rank)))
    return started


def start_tasks(recipe: Path, out: Path) -> list[subprocess.Popen[bytes]]:
    """Start two tasks as SLURM's srun does, on two nodes."""
    shared = {"SLURM_NTASKS": "2", "SLURM_NNODES": "2", "SLURM_NTASKS_PER_NODE": "1", "SLURM_JOB_NAME": "training"}
    shared |= {"SLURM_LOCALID": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": find_port()}
    words = [*TRAIN, "--recipe", str(recipe), "--out", str(out), "--nodes", "2"]
    own = [{"SLURM_PROCID": rank, "SLURM_NODEID": rank} for rank in ("0", "1")]
    return [start(words, log_of(out, rank), **shared, **own[rank]) for rank in (0, 1)]


def log_of(out: Path, rank: int) -> Path:
    return out.with_name(f"{out.name}.{rank}.log")


def said(out: Path, rank: int) -> str:
    """Return the lines that a node ended with, without those of torchrun."""
    lines = log_of(out, rank).read_text().splitlines()
    return " | ".join(
        line[:150] for line in lines if line.startswith(("error", "internal", "stopped", "weights", "warn"))
    )


def compare(one: Path, other: Path) -> str:
    """Return how the weights, statistics and losses of two runs differ."""
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (one, other))
    if all(ours[name].tobytes() == theirs[name].tobytes() for name in ours):
        words = "same bits"
    else:
        apart = {name: float(abs(ours[name].astype(float) - theirs[name]).max()) for name in ours}
        statistics = max(apart[name] for name in apart if "running" in name)
        weights = max(apart[name] for name in apart if "running" not in name)
        words = f"weights {weights:.0e}, statistics of batch norms {statistics:.0e}"
    logs = [[json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()] for run in (one, other)]
    losses = max(abs(a["losses"][name] - b["losses"][name]) for a, b in zip(*logs, strict=True) for name in a["losses"])
    figures = all(a.get("figures") == b.get("figures") for a, b in zip(*logs, strict=True))
    return f"{words}; losses {losses:.0e}; figures {'the same' if figures else 'differ'}"


def compare_arrangements(name: str, recipe: Path, folder: Path) -> None:
    """Train with every arrangement, and print how it differs from two nodes under torchrun."""
    nodes = folder / f"{name}-torchrun"
    assert [one.wait() for one in start_nodes(recipe, nodes)] == [0, 0], said(nodes, 0) + said(nodes, 1)
    words = [*TRAIN, "--recipe", str(recipe), "--out"]
    for title, more in (("--devices 2", ["--devices", "2"]), ("accumulate=2", ["--set", "accumulate=2"])):
        out = folder / f"{name}-{title.strip('-').replace(' ', '-')}"
        assert start([*words, str(out), *more], log_of(out, 0)).wait() == 0, said(out, 0)
        print(f"{name:10} {title:14} {compare(nodes, out)}")
    out = folder / f"{name}-slurm"
    assert [one.wait() for one in start_tasks(recipe, out)] == [0, 0], said(out, 0) + said(out, 1)
    print(f"{name:10} {'SLURM':14} {compare(nodes, out)}")


def kill_nodes(recipe: Path, folder: Path) -> None:
    """Kill a worker of the second node, then the first node, and print what the other says and what comes of it."""
    out, whole, epochs = folder / "killed", folder / "whole", ["--set", "epochs=6"]
    for whom, victim in (("worker of node 1", 1), ("node 0", 0)):
        nodes = start_nodes(recipe, out, *epochs)
        before = (out / "last.ckpt").stat().st_mtime if (out / "last.ckpt").exists() else 0
        while not (out / "last.ckpt").exists() or (out / "last.ckpt").stat().st_mtime == before:
            time.sleep(0.05)
        children = Path(f"/proc/{nodes[victim].pid}/task/{nodes[victim].pid}/children").read_text().split()
        for pid in [*map(int, children), *([nodes[victim].pid] if victim == 0 else [])]:
            os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        codes = [node.wait(timeout=300) for node in nodes]
        print(f"killed {whom}: ended after {time.monotonic() - began:.1f} s with {codes}; {said(out, 1 - victim)}")
    assert [node.wait() for node in start_nodes(recipe, out, *epochs)] == [0, 0]
    assert [node.wait() for node in start_nodes(recipe, whole, *epochs)] == [0, 0]
    print(f"gone on, against undisturbed: {compare(out, whole)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="folder for the runs, which stay there")
    keep = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) if keep is None else keep
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in (("supervised", RECIPE), ("advmix", HARDENING)):
            recipe = folder / f"{name}.yaml"
            recipe.write_text(json.dumps(values))  # which is YAML, too
            compare_arrangements(name, recipe, folder)
        kill_nodes(folder / "advmix.yaml", folder)


if __name__ == "__main__":
    main()
