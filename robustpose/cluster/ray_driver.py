"""The process that speaks with Ray. So Ray's threads, handlers and messages are not those of the command.

It gets tasks as bytes from the command, gives them to actors and passes their results on. It ends, and its actors with
it, when the command does, however that ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from pickle import dumps, loads
from typing import Any

import ray
from ray import cloudpickle

from robustpose.cluster import ray_worker
from robustpose.cluster.messages import Settings
from robustpose.cluster.ray_connecting import ANSWERS, connect, explain_failure
from robustpose.cluster.ray_room import count_room, explain_no_room
from robustpose.cluster.ray_workers import Workers
from robustpose.errors import UserError


def main(number: int) -> None:
    """Speak with Ray for the process at the other end of a connection."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    connection = Connection(number)
    settings: Settings = loads(connection.recv_bytes())
    try:
        cloudpickle.register_pickle_by_value(ray_worker)
        head, is_new = connect(settings)
        room = count_room(settings)
        if not room:
            raise UserError(explain_no_room(settings))
        workers = Workers(connection, settings, head)
        workers.send("ready", sum(room.values()), "started here" if is_new else head)
    except (Exception, SystemExit) as error:
        connection.send_bytes(dumps(("error", explain_failure(error, settings))))
        os._exit(1)
    asyncio.run(_run(workers, connection))


async def _run(workers: Workers, connection: Connection) -> None:
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_listen, args=(connection, inbox, loop), daemon=True).start()
    try:
        await workers.run(inbox)
    except BaseException as error:
        with suppress(OSError):
            workers.send("error", explain_failure(error, None))
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
