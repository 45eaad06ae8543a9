"""Ray as an engine: tasks go to actors on the nodes of a cluster, and what they make comes back to be kept here."""

from __future__ import annotations

import os
import pickle
import platform
import re
import sys
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from robustpose.carried import Carried
from robustpose.cluster.connection import Connection
from robustpose.cluster.messages import Request, Settings
from robustpose.errors import UserError, count_own_frames, quote
from robustpose.main_module import names_main
from robustpose.processes import count_cores
from robustpose.threads import VARIABLES
from robustpose.versions import PIXELS, SCORES, versions
from robustpose.work import Timed, Work, name_task

Opened = TypeVar("Opened")
Task = TypeVar("Task")
Made = TypeVar("Made")
Result = TypeVar("Result")

RAY = "ray"
EXPECTED = "processes, ray, ray:auto, ray:local or ray:HOST:PORT"
LOST = 3  # times that a task may lose its worker
LOST_WITH_NODES = 10  # times that it may, its nodes with it
AHEAD = 2  # tasks of a worker that are sent: one to do, one to go on with
NETWORKS = ("torch", "onnxruntime", "openvino", "transformers", "ai-edge-litert", "numba")  # compared where they are
ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}")
KEPT = "finished work is kept: the same command goes on from there"


@dataclass(frozen=True)
class Place:
    """Which cluster, and what a worker is there."""

    address: str | None = None  # HOST:PORT, auto or local; None: one that runs on this machine, or else a new one
    cpus_per_worker: float = 1.0
    gpus_per_worker: float = 0.0
    ship: Path | None = None  # folder of code that goes to all nodes
    shared_files: bool = False  # whether nodes see the files of this machine under the same paths


@dataclass(frozen=True)
class RayCluster:
    """The engine of a Ray cluster, with at most `most` workers, or as many as it has room for.

    It connects when it is first asked for something, and a cluster that it had to start ends with `close`, or with the
    block ``with RayCluster() as engine``.

    >>> from robustpose.cluster import Place, RayCluster
    >>> RayCluster(Place(cpus_per_worker=2), most=8).name
    'ray'
    """

    place: Place = Place()
    most: int | None = None
    _shared: dict[str, Connection] = field(default_factory=dict, repr=False, compare=False)  # with those of `at_most`

    def __post_init__(self) -> None:
        """Raise UserError for what no cluster can do."""
        check_place(self.place)

    def __enter__(self) -> RayCluster:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection, and all workers with it."""
        connection = self._shared.pop("connection", None)
        if connection is not None:
            connection.close()

    @property
    def name(self) -> str:
        """Return ``"ray"``, and where the cluster is once it is connected, as in ``"ray (10.0.0.1:6379)"``."""
        connection = self._shared.get("connection")
        return RAY if connection is None else f"{RAY} ({connection.place})"

    @property
    def n_workers(self) -> int:
        """Return how many workers the cluster has room for now, at most as many as asked for."""
        return self._connection.n_room if self.most is None else min(self.most, self._connection.n_room)

    @property
    def n_cores(self) -> int:
        """Return how many cores the workers have between them."""
        return max(int(self.n_workers * max(self.place.cpus_per_worker, 1)), 1)

    def at_most(self, n_workers: int) -> RayCluster:
        """Return the same cluster with so many workers, or fewer."""
        most = n_workers if self.most is None else min(self.most, n_workers)
        return replace(self, most=max(most, 1))

    @property
    def _connection(self) -> Connection:
        if "connection" not in self._shared:
            self._shared["connection"] = Connection(make_settings(self.place, self.most or 1))
        return self._shared["connection"]

    def do(
        self, work: Work[Opened, Task, Made, Result], tasks: Sequence[Task], opened: Opened | None = None
    ) -> Iterator[Timed[Result]]:
        """Yield the results of tasks, kept here. More workers than were there at first may come while it goes on."""
        connection, carried = self._connection, Carried(work, do_nothing, {})
        if not self.place.shared_files:
            carried = work.carry(work.open() if opened is None else opened)
        paths = {digest: str(path.absolute()) for digest, path in carried.files.items()}
        connection.send(("work", Request(pickle_it(carried.work), paths, self.most or sys.maxsize)))
        try:
            yield from _Sharing(connection, work, tasks, carried.pack).run()
        finally:
            _end(connection)
            if connection.is_over:
                self.close()  # whoever tries again gets a new one


def _end(connection: Connection) -> None:
    """End a work, and forget what is still said of it."""
    with suppress(UserError):  # it has gone, which has been said
        connection.send(("end",))
        while not connection.is_over and connection.receive()[0] != "ended":
            pass


class _Sharing:
    """Tasks that wait, and tasks that were sent, with the number of their results that have come."""

    def __init__(self, connection: Connection, work: Any, tasks: Sequence[Any], pack: Any) -> None:
        self._connection, self._work, self._pack = connection, work, pack
        self._waiting = deque((task, 0, 0) for task in tasks)  # with how often they have lost a worker, or a node
        self._sent: dict[int, tuple[Any, int, int]] = {}
        self._n_made: dict[int, int] = {}
        self._number = 0
        self._n_ready = 0

    def run(self) -> Iterator[Timed[Any]]:
        """Yield all results, kept."""
        while self._waiting or self._sent:
            while self._waiting and len(self._sent) < AHEAD * self._n_ready + 1:
                self._send()
            kind, *content = self._connection.receive()
            if kind == "made":
                yield from self._keep(*content)
            elif kind == "done":
                self._sent.pop(content[0])
            elif kind == "workers":
                (self._n_ready,) = content
            elif kind == "lost":
                self._take_back(*content)
            elif kind == "failed":
                raise pickle.loads(content[0])
            elif kind == "note":
                warnings.warn(content[0], UserWarning, stacklevel=count_own_frames() + 1)
            elif kind == "error":
                raise UserError(f"{content[0]}; {KEPT}")

    def _send(self) -> None:
        self._number += 1
        self._sent[self._number], self._n_made[self._number] = self._waiting.popleft(), 0
        task = pickle_it(self._pack(self._sent[self._number][0]))  # its images are here while it is on its way
        self._connection.send(("task", self._number, task, len(self._waiting)))

    def _keep(self, number: int, content: bytes) -> Iterator[Timed[Any]]:
        results = pickle.loads(content)
        if isinstance(results, BaseException):
            raise results
        for made, kind, seconds in results:
            result = self._work.keep(made)
            self._n_made[number] += 1
            yield result, kind, seconds

    def _take_back(self, number: int, reason: str, is_suspect: bool) -> None:
        """Have a task, whose worker is gone, done by another: what of it has not come."""
        task, n_lost, n_nodes = self._sent.pop(number)
        n_lost, n_nodes = n_lost + is_suspect, n_nodes + (not is_suspect)
        n_made, n_results = self._n_made.pop(number), len(self._work.kinds(task))
        if n_made == n_results:
            return
        task = self._work.part(task, n_made, n_results) if n_made else task
        if n_lost >= LOST or n_nodes >= LOST_WITH_NODES:
            name, n_times = name_task(self._work, task), n_lost if n_lost >= LOST else n_lost + n_nodes
            raise UserError(
                f"the task {name} has lost its worker {n_times} times: {reason}; {KEPT}, "
                "perhaps with more --cpus-per-worker, so that fewer share a node"
            )
        self._waiting.appendleft((task, n_lost, n_nodes))


def do_nothing(task: Any) -> Any:
    """Return a task as it is."""
    return task


def pickle_it(thing: Any) -> bytes:
    """Return something as bytes for workers. What is defined in a script or a notebook goes along."""
    if not names_main(thing):
        return pickle.dumps(thing)
    from ray import cloudpickle

    content: bytes = cloudpickle.dumps(thing)
    return content


def make_settings(place: Place, n_workers: int) -> Settings:
    """Return what the process that speaks with Ray needs to know."""
    found = {"python": platform.python_version(), **versions((*PIXELS, *SCORES, *NETWORKS))}
    return Settings(
        address=find_address(place.address),
        n_cpus=place.cpus_per_worker,
        n_gpus=place.gpus_per_worker,
        n_local_cpus=max(count_cores(), int(n_workers * place.cpus_per_worker)),
        ship=None if place.ship is None else str(place.ship.absolute()),
        variables={name: os.environ.get(name, "1") for name in VARIABLES},
        paths=[str(Path(path or ".").absolute()) for path in sys.path if place.shared_files and is_ours(path)],
        folder=str(Path.cwd()) if place.shared_files else None,
        versions=found,
        decisive=frozenset(found) - set(NETWORKS),
    )


def is_ours(path: str) -> bool:
    """Tell whether a folder of modules is none of Python itself or of its libraries."""
    return not any(str(Path(path).absolute()).startswith(prefix) for prefix in {sys.prefix, sys.base_prefix})


def find_address(word: str | None) -> str | None:
    """Return the address of a cluster: as given, of the one that this process has, or as RAY_ADDRESS has it."""
    if word not in (None, "auto"):
        return word
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        return str(ray.get_runtime_context().gcs_address)
    return os.environ.get("RAY_ADDRESS") or word


def check_place(place: Place) -> None:
    """Raise UserError for a cluster that cannot be meant, and without Ray."""
    address, cpus, gpus = find_address(place.address), place.cpus_per_worker, place.gpus_per_worker
    if address not in (None, "auto", "local"):
        if address.startswith("ray://"):
            raise UserError(
                f"--engine {address}: Ray Client is not used; run the command on a node of the cluster, with "
                "--engine ray:HOST:PORT of its head (port 6379, not 10001)"
            )
        if not ADDRESS.fullmatch(address):
            raise UserError(f"--engine takes {EXPECTED}, got {quote(f'ray:{address}')}")
    for name, number in (("--cpus-per-worker", cpus), ("--gpus-per-worker", gpus)):
        if not 0 <= number < 1e5 or (number > 1 and number != int(number)):
            raise UserError(f"{name} must be a whole number, or a part of 1 such as 0.25, got {number:g}")
    if not cpus and not gpus:
        raise UserError(
            "a worker needs a CPU or a GPU, at least a part of one: --cpus-per-worker and --gpus-per-worker are 0"
        )
    if place.ship is not None and not place.ship.is_dir():
        raise UserError(f"--ship must be a folder of code, got {place.ship}")
    if find_spec("ray") is None:
        raise UserError("--engine ray needs Ray, which is not installed: pip install 'robustpose[ray]'")
