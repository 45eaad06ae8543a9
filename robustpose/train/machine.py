"""The machine: accelerators, processes and precision that a run asks for are there, or it is said before it starts."""

from __future__ import annotations

import logging
import warnings
from datetime import timedelta
from inspect import signature
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch.nn.parallel import DistributedDataParallel

from robustpose.errors import UserError
from robustpose.processes import count_cores
from robustpose.train.meeting import tell_of_ended_children
from robustpose.train.settings_groups import EngineSettings

# Lightning tells of its precision and of the devices it finds, which our plan says where somebody wants to hear it.
LIGHTNING = "lightning_fabric"


def make_fabric(engine: EngineSettings) -> Fabric:
    """Return what moves, wraps and differentiates for a run; UserError for what this machine has not."""
    logging.getLogger(LIGHTNING).setLevel(logging.WARNING)
    kind = _find_kind(engine.accelerator)
    _check_devices(engine, kind)
    if engine.precision == "16-mixed" and kind == "cpu":
        raise UserError("engine.precision=16-mixed is for GPUs, this run is on cpu: take bf16-mixed or 32-true")
    if kind == "mps" and engine.nodes > 1:
        raise UserError("engine.nodes is for NVIDIA GPUs and CPUs, this run is on mps: set engine.accelerator=cpu")
    strategy: Any = "auto"
    if engine.nodes * engine.devices > 1:
        # Statistics of batch norms are brought together by `norms`, after a step. Sent around between two passes, they
        # would break the first one's gradient.
        renamed = "forward_sync_buffers" in signature(DistributedDataParallel).parameters  # in PyTorch 2.13
        tell_of_ended_children()
        held_back: Any = {"forward_sync_buffers" if renamed else "broadcast_buffers": False}
        strategy = DDPStrategy(timeout=timedelta(minutes=engine.wait_minutes), **held_back)
    with warnings.catch_warnings():
        # Such as that there is SLURM's srun on this machine, which is not used.
        warnings.filterwarnings("ignore", module=LIGHTNING)
        return Fabric(
            accelerator=kind,
            devices=engine.devices,
            num_nodes=engine.nodes,
            precision=engine.precision,
            strategy=strategy,
        )


def _find_kind(accelerator: str) -> str:
    """Return cuda, mps or cpu."""
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if accelerator == "auto":
        return "cuda" if has_cuda else "mps" if has_mps else "cpu"
    if accelerator == "gpu":
        accelerator = "mps" if has_mps and not has_cuda else "cuda"
    if (accelerator == "cuda" and not has_cuda) or (accelerator == "mps" and not has_mps):
        kind = "NVIDIA GPU" if accelerator == "cuda" else "Apple GPU"
        raise UserError(f"PyTorch finds no {kind} here: set engine.accelerator=cpu or auto")
    return accelerator


def _check_devices(engine: EngineSettings, kind: str) -> None:
    n_cores = count_cores()
    n_there = {"cuda": torch.cuda.device_count(), "mps": 1, "cpu": max(4, n_cores)}[kind]
    if engine.devices > n_there:  # of this node; every other one looks for itself
        have = f"for the {n_cores} cores of this machine: at most {n_there}"
        raise UserError(f"engine.devices is {engine.devices}, {have if kind == 'cpu' else f'but there are {n_there}'}")


def count_gpus() -> int:
    """Return how many GPUs of NVIDIA or AMD this process sees."""
    return torch.cuda.device_count()
