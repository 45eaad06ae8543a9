"""Jobs: commands that run as processes of their own, and end with the campaign, however that ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from robustpose.errors import UserError
from robustpose.files import writing_to
from robustpose.stopping import ENDS_WITH_INPUT

PATIENCE = 60.0  # seconds that a command has to stop
LINES = 40  # of a log that are looked at for what went wrong
ERROR = "error: "  # how a command begins the line that says it


@dataclass
class Job:
    """A command that runs."""

    words: Sequence[str]
    log: Path
    gpu: str | None = None  # that it sees alone, as CUDA_VISIBLE_DEVICES has it
    lock: int | None = None  # an open file that is locked as long as it runs, whatever becomes of this process
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Start it."""
        given = {} if self.gpu is None else {"CUDA_VISIBLE_DEVICES": self.gpu}
        with writing_to(self.log):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self._offset = self.log.stat().st_size if self.log.is_file() else 0
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "robustpose", *self.words],
                    stdin=subprocess.PIPE,  # whose end, when this process ends, ends the command
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, ENDS_WITH_INPUT: "yes", **given},
                    pass_fds=() if self.lock is None or os.name != "posix" else (self.lock,),
                )

    @property
    def seconds(self) -> float:
        """Return how long it has run."""
        return time.monotonic() - self.began

    def ended(self) -> bool:
        """Tell whether it has ended."""
        return self._process.poll() is not None

    @property
    def problem(self) -> str | None:
        """Return why it failed, in one line; None where it did what it should."""
        code = self._process.wait()
        if code == 0:
            return None
        with self.log.open("rb") as log:
            log.seek(self._offset)
            lines = log.read().decode(errors="replace").splitlines()[-LINES:]
        told = next((line.removeprefix(ERROR) for line in reversed(lines) if line.startswith(ERROR)), None)
        if told is not None:
            return told
        return f"it was ended by signal {-code}" if code < 0 else f"it ended with code {code}: {self.log} says more"

    def stop(self) -> None:
        """Ask it to stop, as it does when this process ends."""
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def wait(self) -> None:
        """Wait until it has stopped; one that does not stop is killed."""
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def stop_all(jobs: Sequence[Job]) -> None:
    """Stop jobs, all at once, and wait for them."""
    for job in jobs:
        job.stop()
    for job in jobs:
        job.wait()


def check_gpus(gpus: Sequence[str], n_jobs: int | None) -> int:
    """Return how many jobs run at once: as many as are asked for, or one on each of `gpus`."""
    if n_jobs is None:
        return max(1, len(gpus))
    if n_jobs < 1:
        raise UserError(f"--jobs must be at least 1, got {n_jobs}")
    if gpus and n_jobs > len(gpus):
        raise UserError(f"--jobs must be at most the number of --gpus, {len(gpus)}, got {n_jobs}")
    return n_jobs
