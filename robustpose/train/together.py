"""Together: what the processes of a training tell each other besides gradients, and how they end when one is lost.

The first process alone reads and writes the run folder, which need not be where the others see it. What goes wrong in
one of them is said once, by the first, and ends all; one that dies is noticed by the others when they next wait for it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, distributed

from robustpose.errors import SaidElsewhere, UserError

Found = TypeVar("Found")
# How PyTorch, in errors of no type of their own, says that another process does not answer.
LOST = re.compile(
    "connection (closed|reset) by peer|connection refused|connection was likely closed|pair closure|broken pipe|"
    "timed out waiting|socket has timed out|failed to (recv|listen)|no route to host|network is unreach|"
    "not enough clients|tcpstore|nccl|gloo",
    re.IGNORECASE,
)


def from_first(fabric: Fabric, find: Callable[[], Found]) -> Found:
    """Return, in every process, what `find` gives in the first; what is wrong there ends all."""
    if fabric.world_size == 1:
        return find()
    found: Any = None
    problem: UserError | None = None
    if fabric.is_global_zero:
        try:
            found = find()
        except UserError as error:
            problem = error
    found, words = fabric.broadcast((found, None if problem is None else str(problem)))
    if problem is not None:
        raise problem
    if words is not None:
        raise SaidElsewhere(words)
    return found


def in_all(
    fabric: Fabric,
    find: Callable[[], Found],
    describe: Callable[[Found], Any] = lambda found: None,
    compare: Callable[[Any, Any], str] = lambda first, other: "",
) -> Found:
    """Return what `find` gives in this process, once all have got there; what is wrong in one ends all.

    What `describe` says of it, which can be sent, has to be the same in all: ``compare(first, other)`` returns words
    for what is not, and an empty string where nothing is.
    """
    if fabric.world_size == 1:
        return find()
    found: Any = None
    mine: dict[str, Any] = {"host": socket.gethostname()}
    try:
        found = find()
        mine["about"] = describe(found)
    except UserError as error:
        mine["problem"] = str(error)
    everybody: list[Any] = [None] * fabric.world_size
    distributed.all_gather_object(everybody, mine)
    for rank, its in enumerate(everybody):
        words = its.get("problem") or ("" if "about" not in its else compare(everybody[0].get("about"), its["about"]))
        if words:
            place = "" if rank == 0 else f"process {rank} on {its['host']}: "
            raise (UserError if fabric.is_global_zero else SaidElsewhere)(f"{place}{words}")
    return found


def gather(fabric: Fabric, item: Found) -> list[Found] | None:
    """Return the items of all processes, in the first; None in the others."""
    found: list[Any] | None = [None] * fabric.world_size if fabric.is_global_zero else None
    distributed.gather_object(item, found)
    return found


def send_state(fabric: Fabric, state: Any) -> Any:
    """Return the first process's `state`, nested dicts and lists of tensors and plain values, in every process."""
    tensors: list[Tensor] = []
    plain = fabric.broadcast(_take_out(state, tensors) if fabric.is_global_zero else None)
    kinds = fabric.broadcast([(tensor.shape, tensor.dtype) for tensor in tensors])
    device, sent = fabric.device, []
    for i, (shape, dtype) in enumerate(kinds):  # one at a time: all at once would take twice the memory
        tensor = (
            tensors[i].to(device).contiguous()
            if fabric.is_global_zero
            else torch.empty(shape, dtype=dtype, device=device)
        )
        distributed.broadcast(tensor, 0)
        sent.append(tensor.cpu())
    return _put_back(plain, sent)


def equalise(fabric: Fabric, network: torch.nn.Module) -> None:
    """Give every process the first one's tensors of a network, statistics of batch norms included."""
    if fabric.world_size > 1:
        for tensor in network.state_dict().values():
            whole = tensor.detach().contiguous()
            distributed.broadcast(whole, 0)
            if whole.data_ptr() != tensor.data_ptr():
                tensor.copy_(whole)


class _Place(int):
    """Where a tensor was, by its number."""


def _take_out(value: Any, tensors: list[Tensor]) -> Any:
    if isinstance(value, Tensor):
        tensors.append(value.detach())
        return _Place(len(tensors) - 1)
    if isinstance(value, Mapping):
        return {key: _take_out(item, tensors) for key, item in value.items()}
    return type(value)(_take_out(item, tensors) for item in value) if type(value) in (list, tuple) else value


def _put_back(value: Any, tensors: list[Tensor]) -> Any:
    if isinstance(value, _Place):
        return tensors[value]
    if isinstance(value, dict):
        return {key: _put_back(item, tensors) for key, item in value.items()}
    return type(value)(_put_back(item, tensors) for item in value) if type(value) in (list, tuple) else value


@contextmanager
def heed_lost_processes(n_processes: int) -> Iterator[None]:
    """Turn what PyTorch raises when another process has ended, or cannot be reached, into a UserError."""
    try:
        yield
    except (RuntimeError, OSError) as error:
        if n_processes == 1 or not _is_of_connection(error):
            raise
        first_line = str(error).partition("\n")[0]
        reason = re.sub(r"^\[[^\]]*\]:?\d* *", "", first_line).partition(". ")[0][:200].rstrip(". ")
        raise UserError(
            f"another of the {n_processes} processes of this training has ended or cannot be reached ({reason}): its "
            "own line says why, if it could; finished work is kept: start the same command again, on all nodes"
        ) from error


def _is_of_connection(error: BaseException) -> bool:
    is_ours = isinstance(error, distributed.DistError)
    return is_ours or (isinstance(error, RuntimeError) and LOST.search(str(error)) is not None)
