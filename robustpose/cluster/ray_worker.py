"""A worker on a node: an actor that opens the work once, then does tasks.

The class goes to the nodes by value, so that one without this package can still say so. Nothing of this package is
imported before `introduce`.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

BATCH_SECONDS = 0.2  # results that come faster travel together: each journey costs CPU
MOST_TOGETHER = 64
LOOK_SECONDS = 2.0  # between looks whether the cluster's head is there
LOOKS = 5  # that fail one after the other, before it has gone


class Worker:
    """What Ray makes an actor of. All that comes and goes is pickled bytes."""

    def __init__(self, number: int) -> None:
        self._number = number

    def introduce(self, names: Sequence[str], paths: Sequence[str], folder: str | None) -> tuple[str, dict[str, str]]:
        """Return what the node is called, and the versions of its libraries; an empty dict without this package.

        `paths` are looked through for modules, too, and `folder` is worked in, where nodes see the files of the driver.
        """
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Ray's handler raises in whatever is being done
        threading.Thread(target=end_with_cluster, daemon=True).start()
        sys.path += [path for path in paths if path not in sys.path]
        if folder is not None and Path(folder).is_dir():
            os.chdir(folder)
        try:
            from robustpose.processes import WORKER_NUMBER
            from robustpose.versions import versions
        except ImportError:
            return socket.gethostname(), {}
        import platform

        import cv2

        cv2.setNumThreads(1)
        os.environ[WORKER_NUMBER] = str(self._number)
        warnings.simplefilter("ignore")  # the driver has opened the same data and said what there is to say
        return socket.gethostname(), {**versions(names), "python": platform.python_version()}

    def open(self, work: bytes, files: Mapping[str, Any]) -> bytes | None:
        """Open the work, and return what goes wrong; None if nothing does. `files` are references by SHA-256."""
        self._work: Any = None
        self._opened: Any = None  # of the work before: memory for this one
        try:
            if files:
                from robustpose.cluster.brought import bring_files

                bring_files(files)
            self._work = pickle.loads(work)
            self._opened = self._work.open()
        except BaseException as error:
            return pack_error(error)
        return None

    def do(self, task: bytes) -> Iterator[bytes]:
        """Do a task, and yield lists of its results, and last what goes wrong."""
        from robustpose.work import do_timed

        results: list[Any] = []
        since = time.perf_counter()
        try:
            for timed in do_timed(self._work, self._opened, pickle.loads(task)):
                results.append(timed)
                if time.perf_counter() - since > BATCH_SECONDS or len(results) >= MOST_TOGETHER:
                    yield pickle.dumps(results)
                    results, since = [], time.perf_counter()
            if results:
                yield pickle.dumps(results)
        except GeneratorExit:
            raise
        except BaseException as error:
            yield pickle.dumps(results)
            yield pack_error(error)


def end_with_cluster() -> None:
    """End this process soon after the cluster's head has gone: Ray itself leaves it at work for a minute."""
    import ray

    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
    n_failed = 0
    while n_failed < LOOKS:
        time.sleep(LOOK_SECONDS)
        try:
            socket.create_connection((host.strip("[]"), int(port)), LOOK_SECONDS).close()
            n_failed = 0
        except OSError:
            n_failed += 1
    os._exit(1)


def pack_error(error: BaseException) -> bytes:
    """Return an error as bytes: the code of others is blamed here, where the traceback is."""
    from robustpose.blame import find_blame
    from robustpose.errors import UserError

    missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
    is_ours = isinstance(error, UserError) or find_blame(error) is None
    if isinstance(missing, ModuleNotFoundError) and missing.name and is_ours:
        name = missing.name.partition(".")[0]
        error = UserError(
            f"node {socket.gethostname()} has no module {name}: install it there, or bring your code along with "
            "--ship FOLDER"
        )
    error = find_blame(error) or error
    try:
        content = pickle.dumps(error)
        pickle.loads(content)
    except Exception:  # somebody's own class
        content = pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return content
