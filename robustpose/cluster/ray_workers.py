"""The workers of a command on a cluster, and the tasks that are with them; used in the process that speaks with Ray.

A worker stays from one work of the command to the next, such as from predicting to scoring: else another command that
waits for room would have its place in between.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pickle import dumps
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from robustpose.cluster import ray_worker
from robustpose.cluster.messages import Request, Settings
from robustpose.cluster.ray_connecting import answers, compare_versions, explain_failure, explain_loss
from robustpose.cluster.ray_room import count_room, explain_no_room

LOOKS = 1.0  # seconds between looks at the nodes
GONE = 20.0  # seconds without an answer, after which a cluster is taken for gone
IN_USE = 20.0, 600.0  # seconds without any worker, after which that is said, and then is said again
STAYS = 300.0  # seconds that a worker stays without work: scoring follows predicting, a program may do nothing for long
LOST = 3  # workers that may be lost before they have opened a work
WAITING = 4  # results that wait in a worker until they are fetched


@dataclass(eq=False)
class Held:
    """A worker, from when it is asked for until it has ended."""

    node: str
    has_begun: bool = False
    has_opened: bool = False  # a work, once
    is_ready: bool = False  # it has opened this work
    tasks: deque[tuple[int, Any]] = field(default_factory=deque)  # that are with it, with what yields their results


class Workers:
    """All workers of a command, one after the other for each work that it has."""

    def __init__(self, connection: Connection, settings: Settings, head: str) -> None:
        self._connection, self._settings, self._head = connection, settings, head
        self._actor = ray.remote(ray_worker.Worker)
        self._number = 0
        self._refused: dict[str, str] = {}  # nodes, by id, and why
        self._n_lost_opening = 0
        self._held: dict[asyncio.Task[None], Held] = {}  # by who looks after it
        self._request: Request | None = None  # the work at hand
        self._has_work = asyncio.Event()

    def send(self, *message: Any) -> None:
        """Tell the command something. While it is busy, this process waits: so nothing piles up here."""
        self._connection.send_bytes(dumps(message))

    async def run(self, inbox: asyncio.Queue[Any]) -> None:
        """Do what the command asks for, until it has gone."""
        self._looking = asyncio.create_task(self._say_failure(self._look()))
        while True:
            kind, *content = await inbox.get()
            if kind == "work":
                await self._begin(content[0])
            elif kind == "task":
                number, task, self._n_left = content
                self._tasks.put_nowait((number, task))
            elif kind == "end":  # the work, or what is left of it
                self._end()
                self.send("ended")
            del content

    async def _say_failure(self, doing: Coroutine[Any, Any, None]) -> None:
        """Wait for something; say what goes wrong, since the command waits for a word."""
        try:
            await doing
        except Exception as error:
            with suppress(OSError):  # the command has gone
                self.send("error", explain_failure(error, None))

    async def _begin(self, request: Request) -> None:
        """Begin a work, with the workers that are here and as many more as it may have."""
        self._files = await asyncio.to_thread(_put_files, request.files)
        self._work = await asyncio.to_thread(ray.put, request.work)
        self._tasks: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()  # None: there are no more
        self._n_left = 0  # tasks that the command has not sent
        self._seen = time.monotonic()  # when there was a worker, last
        self._says = IN_USE[0]  # seconds without any, after which that is said
        for task in list(self._held)[request.n_workers :]:
            task.cancel()
        self._request = request
        self._has_work.set()

    def _end(self) -> None:
        """End a work. Workers that are doing something or have not opened it end, the others stay for the next one."""
        self._request = None
        self._has_work.clear()
        for task, held in self._held.items():
            if held.is_ready and not held.tasks:
                held.is_ready = False
                self._tasks.put_nowait(None)
            else:
                task.cancel()

    async def _look(self) -> None:
        """Have workers where there is room, and notice when the cluster has gone."""
        since = time.monotonic()
        while True:
            with suppress(Exception):  # whatever it is, it must not last
                if await asyncio.to_thread(answers, self._head):
                    if self._request is not None:
                        await self._look_for_room()
                    since = time.monotonic()
            if self._request is not None and time.monotonic() - since > GONE:
                self.send("error", f"the Ray cluster at {self._head} has gone, or does not answer")
            await asyncio.sleep(LOOKS)

    async def _look_for_room(self) -> None:
        there = Counter(held.node for held in self._held.values())
        looking = asyncio.to_thread(count_room, self._settings, self._refused, there)
        room = await asyncio.wait_for(looking, GONE)
        self._add_workers(room)
        if any(held.has_begun for held in self._held.values()):
            self._seen, self._says = time.monotonic(), IN_USE[0]
        alone = time.monotonic() - self._seen
        if alone > IN_USE[0] and not room:
            self.send("error", await asyncio.to_thread(explain_no_room, self._settings, self._refused))
        elif alone > self._says:
            since = f", for {alone / 60:.0f} minutes now" if self._says > IN_USE[0] else ""
            self._says += IN_USE[1]
            self.send("note", f"the Ray cluster is in use{since}: waiting until there is room for a worker")

    def _add_workers(self, room: Mapping[str, int]) -> None:
        if self._request is None:
            return
        there = Counter(held.node for held in self._held.values())
        places = [(n, node) for node, most in room.items() for n in range(there[node], most)]
        for _, node in sorted(places)[: max(self._request.n_workers - len(self._held), 0)]:
            held = Held(node)
            task = asyncio.create_task(self._say_failure(self._look_after(held)))
            self._held[task] = held
            task.add_done_callback(self._held.pop)

    async def _look_after(self, held: Held) -> None:
        """Have a worker on a node, as long as it lives and there is work, and pass on what it makes."""
        self._number += 1
        actor = self._actor.options(
            num_cpus=self._settings.n_cpus,
            num_gpus=self._settings.n_gpus,
            max_restarts=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(held.node, soft=False),
        ).remote(self._number - 1)
        try:
            about = await actor.introduce.remote(
                list(self._settings.versions), self._settings.paths, self._settings.folder
            )
            held.has_begun = True
            reason = compare_versions(self._settings, *about)
            if reason is not None:
                await self._refuse(held.node, reason)
                return
            while await self._wait_for_work():
                if not await self._work_with(held, actor):
                    return
        except RayTaskError as error:  # the process is there: something is wrong on its node
            self.send(
                "error", f"a worker has failed: {type(error.cause).__name__}: {' '.join(str(error.cause).split())}"
            )
        except RayError as error:
            if self._request is not None:
                await self._tell_lost(held, error)
        finally:
            held.has_begun = False
            self._set_ready(held, False)
            with suppress(Exception):
                ray.kill(actor)

    async def _wait_for_work(self) -> bool:
        """Wait for a work, and tell whether there is one."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._has_work.wait(), STAYS)
        return self._request is not None

    async def _work_with(self, held: Held, actor: Any) -> bool:
        """Have a worker open the work and do tasks until it ends; tell whether that went well."""
        request = self._request
        failure = await actor.open.remote(self._work, self._files)
        if failure is not None:
            self.send("failed", failure)
            return False
        held.has_opened = True
        self._n_lost_opening = 0
        self._set_ready(held, True)
        await self._serve(held, actor, request)
        return True

    def _set_ready(self, held: Held, is_ready: bool) -> None:
        has_changed, held.is_ready = held.is_ready != is_ready, is_ready
        if has_changed and self._request is not None:
            self.send("workers", self._n_ready)

    @property
    def _n_ready(self) -> int:
        return sum(held.is_ready for held in self._held.values())

    async def _refuse(self, node: str, reason: str) -> None:
        self._refused[node] = reason
        if await asyncio.to_thread(count_room, self._settings, self._refused):
            self.send("note", f"{reason}; it is left out")
        else:
            self.send("error", reason)

    async def _serve(self, held: Held, actor: Any, request: Request | None) -> None:
        """Give a worker tasks, one to do and one to go on with, and pass on what it makes, until the work ends."""
        do = actor.do.options(num_returns="streaming", _generator_backpressure_num_objects=WAITING)
        mine, waiting = held.tasks, self._tasks
        while True:
            while len(mine) < 2:
                are_many = self._n_left + waiting.qsize() >= self._n_ready  # else another one is free sooner
                if mine and (waiting.empty() or not are_many):
                    break
                next_one = await waiting.get()
                if next_one is None or self._request is not request:
                    return
                mine.append((next_one[0], do.remote(next_one[1])))
                del next_one  # the object store has it
            number, results = mine[0]
            async for reference in results:
                self.send("made", number, await reference)
            mine.popleft()
            self.send("done", number)

    async def _tell_lost(self, held: Held, error: RayError) -> None:
        """Say which tasks are for others now. The first was being done: it may be the cause, if the node is there."""
        is_there = held.node in await asyncio.to_thread(count_room, self._settings, self._refused)
        words = " ".join(str(error).split())
        reason = explain_loss(words) if is_there else "its node has gone"
        for position, (number, _) in enumerate(held.tasks):
            self.send("lost", number, reason, is_there and position == 0)
        self._n_lost_opening += is_there and not held.has_opened
        if self._n_lost_opening >= LOST and not self._n_ready:
            self.send("error", f"{LOST} workers have ended before they began (the last one: {explain_loss(words)})")


def _put_files(files: Mapping[str, str]) -> dict[str, Any]:
    """Put files into the object store, once."""
    references = {}
    for digest, path in files.items():
        with open(path, "rb") as file:  # noqa: PTH123
            references[digest] = ray.put(file.read())
    return references
