"""Room: how many workers the nodes of a cluster can have, if nobody else is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

import ray

from robustpose.cluster.messages import Settings
from robustpose.cluster.ray_connecting import answers

NOTHING: Mapping[str, int] = MappingProxyType({})


def count_room(settings: Settings, refused: Collection[str] = (), there: Mapping[str, int] = NOTHING) -> dict[str, int]:
    """Return how many workers each node has room for, by its id, but for those that are `refused`.

    Those that have room for more than are `there` are asked whether they answer.
    """
    room = {}
    for node in ray.nodes():
        if node["Alive"] and node["NodeID"] not in refused:
            free = node["Resources"]
            wanted = {"CPU": settings.n_cpus, "GPU": settings.n_gpus}
            fits = [int(free.get(name, 0.0) / n + 1e-6) for name, n in wanted.items() if n]
            address = f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}"
            if min(fits) and (there.get(node["NodeID"], 0) >= min(fits) or answers(address)):
                room[node["NodeID"]] = min(fits)
    return room


def explain_no_room(settings: Settings, refused: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return why no worker fits anywhere; `refused` says why nodes, by their id, were left out."""
    if refused:
        return next(iter(refused.values()))
    wanted = [f"{settings.n_cpus:g} CPUs"] * bool(settings.n_cpus)
    wanted += [f"{settings.n_gpus:g} GPUs"] * bool(settings.n_gpus)
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    has = ", ".join(f"{one.get('CPU', 0):g} CPUs and {one.get('GPU', 0):g} GPUs" for one in nodes[:4])
    return (
        f"no node of the Ray cluster has room for a worker of {' and '.join(wanted)} (nodes: {has or 'none'}): "
        "choose other --cpus-per-worker and --gpus-per-worker, or add a node"
    )
