"""Jobs: commands that run as processes of their own, and end with the campaign, however that ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from robustpose.errors import UserError, quote, spell_list
from robustpose.files import writing_to
from robustpose.stopping import ENDS_WITH_INPUT

GPU = re.compile(r"[0-9]{1,4}|(MIG-|GPU-|MIG-GPU-)[0-9a-fA-F/-]+")  # as CUDA_VISIBLE_DEVICES has them
PATIENCE = 60.0  # seconds that a command has to stop
LINES = 40  # of a log that are looked at for what went wrong
MAIN = "from robustpose.__main__ import main; main()"  # found where this process found it: -m looks here first
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
                    [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {MAIN}", *self.words],
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
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
        return f"it was ended by signal {-code}" if code < 0 else f"it ended with code {code}: {last}"

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


def check_gpus(gpus: Sequence[str] | None, n_jobs: int | None, count_gpus: Callable[[], int]) -> int:
    """Return how many jobs run at once: as many as are asked for, or one on each of `gpus`, which must be there.

    `count_gpus` says how many this process sees. CUDA hides all GPUs where it does not know the name of one, and
    trainings would be of CPUs without a word.
    """
    if gpus is not None:
        for gpu in gpus or ("",):
            if GPU.fullmatch(gpu) is None:
                raise UserError(f"--gpus takes numbers or UUIDs of GPUs, such as 0,1 or GPU-6f8a, got {quote(gpu)}")
        if twice := [gpu for gpu in gpus if list(gpus).count(gpu) > 1]:
            raise UserError(f"--gpus has {twice[0]} twice: each run has a GPU for itself")
        _check_there(gpus, count_gpus())
    if n_jobs is None:
        return max(1, len(gpus or ()))
    if n_jobs < 1:
        raise UserError(f"--jobs must be at least 1, got {n_jobs}")
    if gpus and n_jobs > len(gpus):
        raise UserError(f"--jobs must be at most the number of --gpus, {len(gpus)}, got {n_jobs}")
    return n_jobs


def _check_there(gpus: Sequence[str], n_seen: int) -> None:
    """Raise UserError for a number of a GPU that this machine, or what CUDA_VISIBLE_DEVICES shows of it, has not."""
    if not n_seen:
        raise UserError(f"--gpus {','.join(gpus)}: there is no GPU here that PyTorch can use; leave it out for CPUs")
    visible = [word.strip() for word in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if word.strip()]
    known = (
        visible if visible and all(word.isdigit() for word in visible) else [str(number) for number in range(n_seen)]
    )
    if lacking := [gpu for gpu in gpus if gpu.isdigit() and gpu not in known]:
        raise UserError(f"--gpus: there is no GPU {lacking[0]} here, but {spell_list(known)}")
