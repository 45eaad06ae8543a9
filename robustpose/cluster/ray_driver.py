"""The driver: a process that speaks with Ray. So Ray's threads, handlers and messages are not those of the command.

It gets tasks as bytes from the command, gives them to actors and passes their results on. It ends, and its actors with
it, when the command does, however that ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pickle import dumps, loads
from types import MappingProxyType
from typing import Any

import ray
from ray import cloudpickle
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from robustpose.cluster import ray_worker
from robustpose.cluster.messages import Request, Settings
from robustpose.cluster.ray_connecting import ANSWERS, answers, compare_versions, connect, explain_failure, explain_loss
from robustpose.errors import UserError

LOOKS = 1.0  # seconds between looks at the nodes
GONE = 20.0  # seconds without an answer, after which a cluster is taken for gone
ROOM = 20.0, 600.0  # seconds without any worker, after which that is said; after which it is given up
LOST = 3  # workers that may be lost while they open the work
WAITING = 4  # results that wait in a worker until they are fetched


class Driver:
    """The command's side of the cluster: its workers, and the tasks that are with them."""

    def __init__(self, connection: Connection, settings: Settings, head: str) -> None:
        self._connection, self._settings, self._head = connection, settings, head
        self._actor = ray.remote(ray_worker.Worker)
        self._number = 0
        self._refused: dict[str, str] = {}  # nodes, by id, and why
        self._n_lost_opening = 0
        self._begin(None, {})

    def _begin(self, request: Request | None, files: Mapping[str, Any]) -> None:
        """Forget the work before."""
        self._request, self._files = request, files
        self._work = None if request is None else ray.put(request.work)
        self._tasks: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._n_left = 0  # tasks that the command has not sent
        self._busy: dict[asyncio.Task[None], str] = {}  # who looks after a worker, and the node of it
        self._n_placed = self._n_ready = 0  # workers that have begun, and those that have opened the work
        self._seen = time.monotonic()  # when there was one, last
        self._is_told = False  # that there is none

    def send(self, *message: Any) -> None:
        """Tell the command something. While it is busy, this process waits: so nothing piles up here."""
        self._connection.send_bytes(dumps(message))

    def count_room(self, there: Mapping[str, int] = MappingProxyType({})) -> dict[str, int]:
        """Return how many workers each node has room for, if nobody else is there.

        Those that have room for more than are `there` are asked whether they answer.
        """
        room = {}
        for node in ray.nodes():
            if node["Alive"] and node["NodeID"] not in self._refused:
                free = node["Resources"]
                wanted = {"CPU": self._settings.n_cpus, "GPU": self._settings.n_gpus}
                fits = [int(free.get(name, 0.0) / n + 1e-6) for name, n in wanted.items() if n]
                address = f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}"
                if min(fits) and (there.get(node["NodeID"], 0) >= min(fits) or answers(address)):
                    room[node["NodeID"]] = min(fits)
        return room

    def explain_no_room(self) -> str:
        """Return why no worker fits anywhere."""
        if self._refused:
            return next(iter(self._refused.values()))
        wanted = [f"{self._settings.n_cpus:g} CPUs"] * bool(self._settings.n_cpus)
        wanted += [f"{self._settings.n_gpus:g} GPUs"] * bool(self._settings.n_gpus)
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        has = ", ".join(f"{one.get('CPU', 0):g} CPUs and {one.get('GPU', 0):g} GPUs" for one in nodes[:4])
        return (
            f"no node of the Ray cluster has room for a worker of {' and '.join(wanted)} (nodes: {has or 'none'}): "
            "choose other --cpus-per-worker and --gpus-per-worker, or add a node"
        )

    async def run(self, inbox: asyncio.Queue[Any]) -> None:
        """Do what the command asks for, until it has gone."""
        looks = asyncio.create_task(self._look())
        while True:
            kind, *content = await inbox.get()
            if kind == "work":
                (request,) = content
                await asyncio.to_thread(self._begin, request, await asyncio.to_thread(_put_files, request.files))
            elif kind == "task":
                number, task, self._n_left = content
                self._tasks.put_nowait((number, task))
            elif kind == "end":  # the work, or what is left of it
                self._request = None
                for task in self._busy:
                    task.cancel()
                self.send("ended")
            if looks.done():
                looks.result()

    async def _look(self) -> None:
        """Have workers where there is room, and notice when the cluster has gone."""
        since = time.monotonic()
        while True:
            try:
                if await asyncio.to_thread(answers, self._head):
                    since = time.monotonic()
                    if self._request is not None:
                        there = Counter(self._busy.values())
                        room = await asyncio.wait_for(asyncio.to_thread(self.count_room, there), GONE)
                        self._add_workers(room)
                        if self._n_placed:
                            self._seen = time.monotonic()
                        alone = time.monotonic() - self._seen
                        if alone > ROOM[0] and not room:
                            self.send("error", self.explain_no_room())
                        elif alone > ROOM[0] and not self._is_told:
                            self._is_told = True
                            self.send("note", "the Ray cluster is in use: waiting until there is room for a worker")
                        elif alone > ROOM[1]:
                            self.send(
                                "error", "the Ray cluster had no room for a worker in 10 minutes: try again later"
                            )
                elif time.monotonic() - since > GONE:
                    self.send("error", f"the Ray cluster at {self._head} has gone")
            except (RayError, TimeoutError):
                if time.monotonic() - since > GONE:
                    self.send("error", f"the Ray cluster at {self._head} does not answer")
            await asyncio.sleep(LOOKS)

    def _add_workers(self, room: Mapping[str, int]) -> None:
        request = self._request
        if request is None:
            return
        there = Counter(self._busy.values())
        places = [(n, node) for node, most in room.items() for n in range(there[node], most)]
        for _, node in sorted(places)[: max(request.n_workers - len(self._busy), 0)]:
            task = asyncio.create_task(self._look_after(node, request))
            self._busy[task] = node
            task.add_done_callback(lambda task: self._busy.pop(task, None))

    async def _look_after(self, node: str, request: Request) -> None:
        """Have a worker on a node, as long as it lives, and pass on what it makes."""
        self._number += 1
        actor = self._actor.options(
            num_cpus=self._settings.n_cpus,
            num_gpus=self._settings.n_gpus,
            max_restarts=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
        ).remote(self._number - 1)
        mine: deque[tuple[int, Any]] = deque()
        is_placed = is_open = False
        try:
            about = await actor.introduce.remote(
                list(self._settings.versions), self._settings.paths, self._settings.folder
            )
            is_placed = True
            self._n_placed += 1
            self._seen = time.monotonic()
            reason = compare_versions(self._settings, *about)
            if reason is not None:
                self._refuse(node, reason)
                return
            failure = await actor.open.remote(self._work, self._files)
            if failure is not None:
                self.send("failed", failure)
                return
            is_open = True
            self._n_ready += 1
            self.send("workers", self._n_ready)
            await self._serve(actor, mine)
        except RayError as error:
            if request is self._request:
                await self._tell_lost(node, mine, error, is_open)
        finally:
            if request is self._request:
                self._n_placed -= is_placed
                self._n_ready -= is_open
                self.send("workers", self._n_ready)
            with suppress(Exception):
                ray.kill(actor)

    def _refuse(self, node: str, reason: str) -> None:
        self._refused[node] = reason
        if any(other["Alive"] and other["NodeID"] not in self._refused for other in ray.nodes()) and self.count_room():
            self.send("note", f"{reason}; it is left out")
        else:
            self.send("error", reason)

    async def _serve(self, actor: Any, mine: deque[tuple[int, Any]]) -> None:
        """Give a worker tasks, one to do and one to go on with, and pass on what it makes."""
        do = actor.do.options(num_returns="streaming", _generator_backpressure_num_objects=WAITING)
        while True:
            while len(mine) < 2:
                are_many = self._n_left + self._tasks.qsize() >= self._n_ready  # else another one is free sooner
                if mine and (self._tasks.empty() or not are_many):
                    break
                number, task = await self._tasks.get()
                mine.append((number, do.remote(task)))
                del task  # the object store has it
            number, results = mine[0]
            async for reference in results:
                self.send("made", number, await reference)
            mine.popleft()
            self.send("done", number)

    async def _tell_lost(self, node: str, mine: deque[tuple[int, Any]], error: RayError, is_open: bool) -> None:
        """Say which tasks are for others now. The first was being done: it may be the cause, if the node is there."""
        is_there = node in await asyncio.to_thread(self.count_room)
        words = " ".join(str(error).split())
        reason = "its node has gone" if not is_there else explain_loss(words)
        for position, (number, _) in enumerate(mine):
            self.send("lost", number, reason, is_there and position == 0)
        self._n_lost_opening += is_there and not is_open
        if self._n_lost_opening >= LOST:
            self.send("error", f"{LOST} workers have ended before they began ({explain_loss(words)})")


def _put_files(files: Mapping[str, str]) -> dict[str, Any]:
    """Put files into the object store, once."""
    references = {}
    for digest, path in files.items():
        with open(path, "rb") as file:  # noqa: PTH123
            references[digest] = ray.put(file.read())
    return references


def main(number: int) -> None:
    """Speak with Ray for the process at the other end of a connection."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    connection = Connection(number)
    settings: Settings = loads(connection.recv_bytes())
    try:
        cloudpickle.register_pickle_by_value(ray_worker)
        head = connect(settings)
        driver = Driver(connection, settings, head)
        room = driver.count_room()
        if not room:
            raise UserError(driver.explain_no_room())
        driver.send("ready", sum(room.values()))
    except (Exception, SystemExit) as error:
        connection.send_bytes(dumps(("error", explain_failure(error, settings))))
        os._exit(1)
    asyncio.run(_run(driver, connection))


async def _run(driver: Driver, connection: Connection) -> None:
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_listen, args=(connection, inbox, loop), daemon=True).start()
    try:
        await driver.run(inbox)
    except BaseException as error:
        with suppress(OSError):
            driver.send("error", explain_failure(error, None))
        end()


def _listen(connection: Connection, inbox: asyncio.Queue[Any], loop: asyncio.AbstractEventLoop) -> None:
    """Take what the command sends. When it has gone, end."""
    with suppress(EOFError, OSError):
        while True:
            loop.call_soon_threadsafe(inbox.put_nowait, loads(connection.recv_bytes()))
    end()


def end() -> None:
    """End this process, and what it has on the cluster, also where the cluster does not answer any more."""
    closing = threading.Thread(target=ray.shutdown, daemon=True)
    closing.start()
    closing.join(ANSWERS)
    os._exit(0)
