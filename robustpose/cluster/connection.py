"""The connection to the process that speaks with Ray for this one."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import tempfile
import weakref
from contextlib import suppress
from pickle import dumps, loads
from typing import IO, Any

from robustpose.cluster.messages import Settings
from robustpose.errors import UserError

ANSWERS = 30.0  # seconds that connecting may take
STARTS = 90.0  # seconds that starting a cluster may take, too; on a slow disk it takes 20
ENDS = 15.0  # seconds that closing may take, a cluster of its own included
MODULE = "robustpose.cluster.ray_driver"


class Connection:
    """A process that speaks with Ray. It ends when it is closed, when this process ends, and when this is forgotten."""

    def __init__(self, settings: Settings) -> None:
        self.is_over = False  # an error was said, after which it is of no more use
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  what Ray prints
        ours, theirs = multiprocessing.Pipe()
        code = f"import sys; sys.path[:] = {sys.path!r}; from {MODULE} import main; main({theirs.fileno()})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # Ctrl-C is for this process alone
        )
        theirs.close()
        self._pipe = ours
        self.close = weakref.finalize(self, _close, ours, self._process, self._log)
        self.send(settings)
        patience = STARTS if settings.address in (None, "local") else ANSWERS
        if not self._pipe.poll(patience):
            self._process.kill()
            self.close()
            raise UserError(
                f"Ray has not answered for {patience:g} s: is what runs at {settings.address} a Ray cluster?"
            )
        kind, *about = self.receive()
        if kind == "error":
            self.close()
            raise UserError(str(about[0]))
        self.n_room: int = about[0]
        self.place = str(about[1])  # where the cluster is

    def send(self, message: Any) -> None:
        """Tell the process something."""
        with suppress(BrokenPipeError):  # it has ended: `receive` says why
            self._pipe.send_bytes(dumps(message))

    def receive(self) -> tuple[Any, ...]:
        """Return what the process says next; UserError if it has ended."""
        try:
            message: tuple[Any, ...] = loads(self._pipe.recv_bytes())
        except (EOFError, OSError) as error:
            self.is_over = True
            raise UserError(
                f"Ray has ended on this machine, or its cluster has gone ({self._read_last_words()}); finished work is "
                "kept: the same command goes on from there"
            ) from error
        self.is_over = self.is_over or message[0] == "error"
        return message

    def _read_last_words(self) -> str:
        """Return the last line that Ray has printed."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDS)
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1][-300:] if lines else f"exit code {self._process.returncode}"


def _close(pipe: Any, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    pipe.close()
    try:
        process.wait(ENDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    log.close()
