"""Fill the disk that a command writes to, and see how it ends, what is left, and what it does once there is room."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.kills.jobs import JOBS, ROOT, Job, begin, command_of
from tests.kills.stop import SECONDS, find_differences, find_parts, lines_that_matter, list_left
from tests.kills.watch import Watch

SIZE = "20m"
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of what the command needs: so much room it has
# Commands during which the disk fills up, after such a share of what happens in their folder: most of the room that
# bench needs is for its last file, and corrupt looks first whether there is room.
LATE = ("bench", "bench-2", "corrupt", "corrupt-2", "preview", "train", "train-2")
PAGE = 4096
FILLER = "filler"


@dataclass(frozen=True)
class Filled:
    """A start of a command on a disk that became full: whether it met that, what it said, and what was wrong."""

    share: float
    was_hit: bool
    line: str
    problems: tuple[str, ...]


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a small file system in memory for the block. Only the superuser may."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill_often(
    name: str, inputs: Path, whole: Path, n_events: int, disk: Path, shares: Sequence[float]
) -> list[Filled]:
    """Run a job on a disk with each share of the room that it needs; `whole` is what it leaves when there is enough."""
    job = JOBS[name]
    out = disk / name  # as deep as the whole one: runs remember where their data are from there
    needed = 0 if name in LATE else _measure(job, inputs, out)
    found = []
    for share in shares:
        _begin_again(job, inputs, out)
        if name in LATE:
            filled = _start(job, inputs, out, share, round(share * n_events), 0)
        else:
            filled = _start(job, inputs, out, share, 0, int(share * needed))
        (disk / FILLER).unlink(missing_ok=True)
        done = subprocess.run(command_of(job, inputs, out), cwd=ROOT, capture_output=True, text=True)
        problems = [f"then exit code {done.returncode}: {done.stderr[-800:]}"] if done.returncode else []
        problems += [f"then {path} is left" for path in find_parts(disk)] + find_differences(whole, out)
        found.append(Filled(share, filled.was_hit, filled.line, (*filled.problems, *problems)))
    return found


def _start(job: Job, inputs: Path, out: Path, share: float, n_events: int, room: int) -> Filled:
    """Start a job, leave so much room after so many events, and return how it ended."""
    with Watch(out.parent) as watch:
        if not n_events:
            _fill(out.parent, room)
        process = subprocess.Popen(
            command_of(job, inputs, out), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True, text=True,
        )  # fmt: skip
        if n_events:
            watch.wait_for(n_events, lambda: process.poll() is not None, SECONDS)
            with suppress(ProcessLookupError), _halted(process.pid):  # else it could be faster
                _fill(out.parent, room)
        try:
            _, errors = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            _, errors = process.communicate()
            return Filled(share, True, "", (f"does not end: {errors[-500:]}",))
    lines = lines_that_matter(errors)
    problems = [*list_left(process.pid), *(f"{path} is left" for path in find_parts(out.parent))]
    if process.returncode == 0:
        return Filled(share, False, "", tuple(problems))
    if process.returncode != 2 or len(lines) != 1 or not lines[0].startswith("error: "):
        problems.append(f"exit code {process.returncode}: {errors[-800:]}")
    return Filled(share, True, lines[-1] if lines else "", tuple(problems))


@contextmanager
def _halted(session: int) -> Iterator[None]:
    """Let the processes of a session wait during the block."""
    os.killpg(session, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(session, signal.SIGCONT)


def _begin_again(job: Job, inputs: Path, out: Path) -> None:
    """Empty the disk, and begin a job there."""
    subprocess.run(["rm", "-rf", *out.parent.iterdir()], check=True)
    begin(job, inputs, out)


def _free(disk: Path) -> int:
    state = os.statvfs(disk)
    return state.f_bavail * state.f_frsize


def _fill(disk: Path, room: int) -> None:
    """Write a file that leaves so many bytes of a disk, and no more even while others write, too."""
    with (disk / FILLER).open("ab", buffering=0) as file:
        try:
            while (left := _free(disk) - room) > 0:
                file.write(bytes(min(max(left, PAGE), 1 << 20)))
        except OSError:
            return  # another was faster


def _measure(job: Job, inputs: Path, out: Path) -> int:
    """Return how many bytes more than before a job holds at most while it runs to its end."""
    _begin_again(job, inputs, out)
    before = least = _free(out.parent)
    process = subprocess.Popen(
        command_of(job, inputs, out), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        least = min(least, _free(out.parent))
        time.sleep(0.002)
    return before - least
