"""Engines by their names: ``processes`` of this machine, or ``ray`` with the address of a cluster."""

from __future__ import annotations

from dataclasses import replace

from robustpose.cluster.ray_cluster import EXPECTED as EXPECTED
from robustpose.cluster.ray_cluster import RAY, Place, RayCluster
from robustpose.errors import UserError, nearest, quote
from robustpose.processes import count_cores
from robustpose.work import PROCESSES, Engine, Processes


def make_engine(word: str, workers: int | None, place: Place | None = None) -> Engine:
    """Return the engine that a word names, with at most so many workers.

    None: one for each core of this machine, or as many as a cluster has room for.

    >>> make_engine("processes", 2)
    Processes(n_workers=2)
    """
    name, colon, address = word.strip().partition(":")
    if workers is not None and workers < 1:
        raise UserError(f"--workers must be at least 1, got {workers}")
    address = word.strip() if address.startswith("//") else address
    if name == RAY and bool(colon) == bool(address):
        return RayCluster(replace(place or Place(), address=address or None), workers)
    if word != PROCESSES:
        near = nearest(name, [PROCESSES, RAY])
        raise UserError(f"--engine takes {EXPECTED}, got {quote(word)}{near or '; there are no others'}")
    return Processes(count_cores() if workers is None else workers)
