"""Launched: the processes that torchrun or SLURM has started are those that a training asks for.

Who starts what is up to them and to Lightning Fabric, which finds them by the same variables. Nothing here loads
PyTorch: counts that do not go together are said before anything starts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from robustpose.amounts import count
from robustpose.errors import UserError
from robustpose.train.settings_groups import EngineSettings

BY_HAND = ("bash", "interactive")  # names of SLURM's jobs in which somebody types commands: nothing is started for them
# Fabric knows these, too; what they have started is theirs to count.
OTHERS = ("NODE_RANK", "GROUP_RANK", "LSB_JOBID", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")


@dataclass(frozen=True)
class Launch:
    """What a program has started, as its variables say; None for what they do not say."""

    by: str
    n_processes: int
    n_nodes: int | None
    n_on_node: int | None
    rank: int  # of this process among all, 0 for the first


def find_launch() -> Launch | None:
    """Return what torchrun or SLURM's srun has started; None where neither has."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return Launch(
            "torchrun",
            _read("WORLD_SIZE") or 1,
            _read("GROUP_WORLD_SIZE"),
            _read("LOCAL_WORLD_SIZE"),
            _read("RANK") or 0,
        )
    if "SLURM_NTASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in BY_HAND:
        return Launch(
            "SLURM", _read("SLURM_NTASKS") or 1, _read("SLURM_NNODES"), _read("SLURM_NTASKS_PER_NODE"),
            _read("SLURM_PROCID") or 0,
        )  # fmt: skip
    return None


def is_first_process() -> bool:
    """Return whether this process is the one of a training that prints and writes."""
    launch = find_launch()
    if launch is not None:
        return launch.rank == 0
    return not (_read("LOCAL_RANK") or _read("NODE_RANK") or _read("GROUP_RANK"))


def is_first_on_node() -> bool:
    """Return whether this process is the first one of a training on its node."""
    launch = find_launch()
    return not _read("SLURM_LOCALID" if launch is not None and launch.by == "SLURM" else "LOCAL_RANK")


def check_launch(engine: EngineSettings) -> None:
    """Raise UserError unless as many processes were started as `engine` asks for, or are still to be."""
    launch, asked = find_launch(), engine.nodes * engine.devices
    wanted = f"this training is for {asked} (engine.nodes {engine.nodes} × engine.devices {engine.devices})"
    if launch is None:
        n_started = _read("WORLD_SIZE")
        if n_started is not None and n_started != asked:
            raise UserError(f"the variable WORLD_SIZE says that there are {n_started} processes, but {wanted}")
        if engine.nodes > 1 and not any(name in os.environ for name in OTHERS):
            raise UserError(
                f"engine.nodes is {engine.nodes}, but nothing has started this command on several nodes: start it with "
                f"torchrun --nnodes {engine.nodes} --nproc-per-node {engine.devices} … -m robustpose train …, or with "
                "SLURM's srun"
            )
        return
    known = {"n_nodes": engine.nodes, "n_on_node": engine.devices, "n_processes": asked}
    if any(getattr(launch, name) not in (None, number) for name, number in known.items()):
        each = f", {launch.n_on_node} on each node" if launch.n_on_node else ""
        on = f" on {launch.n_nodes} nodes" if launch.n_nodes and launch.n_nodes > 1 else ""
        started = count(launch.n_processes, "process", "processes")
        raise UserError(f"{launch.by} has started {started}{on}{each}, but {wanted}: {_advise(launch, engine)}")
    if launch.by == "SLURM" and launch.n_processes > 1 and launch.n_on_node is None:
        raise UserError(
            f"SLURM does not say how many of its {launch.n_processes} tasks are on each node (SLURM_NTASKS_PER_NODE): "
            f"give --ntasks-per-node={engine.devices} to sbatch or srun, in the place of --ntasks"
        )


def _advise(launch: Launch, engine: EngineSettings) -> str:
    """Return what to do where another number of processes was started than asked for."""
    on_node = launch.n_on_node or launch.n_processes // (launch.n_nodes or 1)
    nodes = launch.n_nodes or launch.n_processes // max(1, on_node)
    fewer = f"give --nodes {nodes} --devices {on_node}"
    if launch.by == "SLURM":
        here = ", or name the job 'interactive' (SLURM_JOB_NAME) to have them started here" * (engine.nodes == 1)
        srun = f"srun --nodes={engine.nodes} --ntasks-per-node={engine.devices}"
        return f"start it with {srun}, in a job that has as many, or {fewer}{here}"
    return f"{fewer}, or start it with torchrun --nnodes {engine.nodes} --nproc-per-node {engine.devices}"


def _read(name: str) -> int | None:
    """Return the number in a variable; None where it is not set."""
    said = os.environ.get(name)
    if said is None:
        return None
    if not (said.isascii() and said.isdecimal()):
        raise UserError(f"the variable {name} must be a whole number, got {said[:80]!r}")
    return int(said)
