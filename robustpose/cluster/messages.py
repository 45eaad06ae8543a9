"""What a command and the process that speaks with Ray for it tell each other.

From the command: the settings, then ``work, Request``; ``task, number, bytes, n left``; ``end`` of that work. To it:
``ready, n workers there is room for, where``; ``workers, n`` that have opened the work; ``made, number, results or an
error``; ``done, number``; ``lost, number, why, whether the task may be the cause``; ``failed, error``; ``note, text``;
``error, text``, after which the connection is of no more use; ``ended``, after which there is nothing more of a work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Settings(NamedTuple):
    """Which cluster, and what a worker is there."""

    address: str | None  # HOST:PORT; local: a new one on this machine; None: one that runs there, or else a new one
    n_cpus: float  # of a worker
    n_gpus: float
    n_local_cpus: int  # of a new cluster
    ship: str | None  # folder of code that goes to all nodes
    variables: Mapping[str, str]  # of the environment of workers
    paths: list[str]  # where modules are, too, on nodes that see the same files
    folder: str | None  # that workers work in, there
    versions: Mapping[str, str]  # of this machine's libraries
    decisive: frozenset[str]  # those that a node must have


class Request(NamedTuple):
    """A work, and how many may share it."""

    work: bytes
    files: Mapping[str, str]  # paths of this machine, by SHA-256, of what each node needs
    n_workers: int
