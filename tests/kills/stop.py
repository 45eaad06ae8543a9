"""Stop a command at a moment of its writing, in one of several ways, and see how it ends and what is left of it."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from robustpose.files import PART
from robustpose.stopping import LINE
from tests.kills.jobs import JOBS, ROOT, Job, begin, command_of
from tests.kills.watch import Watch
from tests.runs import children_of, heed_interrupts

SECONDS = 300.0  # that a start may take
INSIST = 0.6  # seconds to a second Ctrl-C
WAYS = {  # name -> exit code
    "group": -signal.SIGKILL,  # everybody is killed
    "parent": -signal.SIGKILL,  # its workers have to end by themselves
    "worker": 2,
    "first": 2,  # the first process of those that it has started: the one that runs the network, if there is one
    "int": 130,
    "int twice": 130,
    "int and int": 130,  # the second while it cleans up
    "term": 143,
    "hup": 129,
}
KILLS = ("group", "parent")
OF_WORKERS = ("worker", "first")
OTHER_LINE = re.compile(r"(predict|scor|train|corrupt|stylis)ing|warning: |shard \S+: |[\d,]+ [a-z]+( to write| ×|,)")


@dataclass(frozen=True)
class Stopped:
    """A start of a command: in which way it was stopped, at which event, whether before its end, and what was wrong."""

    way: str
    n_events: int
    was_in_time: bool
    problems: tuple[str, ...]


def stop_at(job: Job, inputs: Path, out: Path, way: str, n_events: int) -> Stopped:
    """Start a job, stop it after so many events in its folder, and return how it ended."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with Watch(out.parent) as watch:
        process = subprocess.Popen(
            command_of(job, inputs, out), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True, preexec_fn=heed_interrupts, text=True,
        )  # fmt: skip
        if not watch.wait_for(n_events, lambda: process.poll() is not None, SECONDS) and process.poll() is None:
            raise TimeoutError(f"{process.args} takes longer than {SECONDS} s")
        way = _stop(process, way)
        try:
            _, errors = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            _, errors = process.communicate()
            return Stopped(way, n_events, True, (f"does not end: {errors[-500:]}",))
    if process.returncode == 0:
        return Stopped(way, n_events, False, tuple(list_left(process.pid)))
    problems = list_left(process.pid)
    if process.returncode != WAYS[way]:
        problems.append(f"exit code {process.returncode}")
    if way not in KILLS:
        problems += _check_words(errors, way)
    if way not in (*KILLS, "int twice", "int and int"):
        problems += [f"{path} is left" for path in find_parts(out)]
    problems = [
        f"{problem}: {errors[-800:]}" if "exit code" in problem or "words" in problem else problem
        for problem in problems
    ]
    return Stopped(way, n_events, True, tuple(problems))


def find_parts(out: Path) -> list[Path]:
    """Return the unfinished files in a folder."""
    return [path for path in out.rglob("*") if PART.fullmatch(path.name) or path.name.endswith(".part")]


def find_differences(whole: Path, out: Path) -> list[str]:
    """Return what `diff -r` says of two folders, hidden files included."""
    done = subprocess.run(["diff", "-r", "-q", whole, out], capture_output=True, text=True)
    return done.stdout.splitlines()


def _stop(process: subprocess.Popen[Any], way: str) -> str:
    """Stop a command, and return in which way: without workers, none is killed."""
    workers = find_workers(process.pid) if way in OF_WORKERS else []
    way = "parent" if way in OF_WORKERS and not workers else way
    try:
        if way == "parent":
            process.kill()
        elif way in OF_WORKERS:
            os.kill(workers[-1 if way == "worker" else 0], signal.SIGKILL)
        else:
            signals = {"group": signal.SIGKILL, "term": signal.SIGTERM, "hup": signal.SIGHUP}
            os.killpg(process.pid, signals.get(way, signal.SIGINT))
        if way.startswith("int "):
            time.sleep(INSIST if way == "int twice" else 0.02)
            os.killpg(process.pid, signal.SIGINT)
    except ProcessLookupError:
        pass
    return way


def find_workers(pid: int) -> list[int]:
    """Return the ids of a command's workers, without the process in which Python keeps account of resources."""
    found = []
    for child in children_of(pid):
        try:
            words = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"resource_tracker" not in words:
            found.append(child)
    return found


def _check_words(errors: str, way: str) -> list[str]:
    """Return what is wrong with the lines of a command that was stopped."""
    expected = "error: " if way in OF_WORKERS else LINE
    if "Traceback" in errors or len([line for line in lines_that_matter(errors) if line.startswith(expected)]) != 1:
        return ["other words"]
    return []


def lines_that_matter(errors: str) -> list[str]:
    """Return what a command says on stderr, without its plan, how far it is, and its warnings."""
    return [line for line in errors.splitlines() if not OTHER_LINE.match(line)]


def list_left(session: int) -> list[str]:
    """Return the processes of a session that are there two seconds later."""
    deadline = time.monotonic() + 2
    while found := _of_session(session):
        if time.monotonic() > deadline:
            return [f"process {pid} is left" for pid in found]
        time.sleep(0.05)
    return []


def _of_session(session: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of_session = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of_session) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


class Wholes:
    """The folders that jobs leave when nothing stops them, made when they are asked for, and how much happens there."""

    def __init__(self, inputs: Path) -> None:
        self.inputs = inputs
        self._found: dict[str, tuple[Path, int]] = {}

    def get(self, name: str) -> tuple[Path, int]:
        """Return the folder, and the number of events in it, of a job."""
        job = JOBS[name]
        if job.same_as in JOBS:
            return self.get(job.same_as)
        if name not in self._found:
            out = self.inputs.parent / "whole" / name
            n_events = _count_events(job, self.inputs, out)
            self._found[name] = (self.inputs / job.same_as if job.same_as else out), n_events
        return self._found[name]


def _count_events(job: Job, inputs: Path, out: Path) -> int:
    begin(job, inputs, out)
    with Watch(out.parent) as watch:
        process = subprocess.Popen(
            command_of(job, inputs, out), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        watch.wait_for(1 << 62, lambda: process.poll() is not None, SECONDS)
        _, errors = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{process.args} fails: {errors.decode()}")
        return watch.n_events


def stop_often(
    name: str, wholes: Wholes, folder: Path, n_stops: int, ways: Sequence[str], rng: Random
) -> tuple[list[Stopped], list[str]]:
    """Stop a job so often, and let it end. Return its starts, and what differs from the folder of a whole run."""
    job, out, inputs = JOBS[name], folder / name, wholes.inputs
    whole, n_events = wholes.get(name)
    begin(job, inputs, out)
    stops: list[Stopped] = []
    way_by_way = itertools.cycle(rng.sample(ways, len(ways)))
    for _ in range(2 * n_stops):
        left = n_stops - sum(stop.was_in_time for stop in stops)
        if not left or (job.goes_on and len(stops) > n_stops - left):  # they are made, or it has come to its end
            break
        most = max(n_events // (left + 2), 2) if job.goes_on else n_events
        stops.append(stop_at(job, inputs, out, next(way_by_way), rng.randint(1, most)))
    done = subprocess.run(command_of(job, inputs, out), cwd=ROOT, capture_output=True, text=True)
    problems = [f"exit code {done.returncode}: {done.stderr[-800:]}"] if done.returncode else []
    problems += [f"{path} is left" for path in find_parts(out)]
    return stops, problems + find_differences(whole, out)
