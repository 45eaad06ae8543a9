"""Judge: run one case in a process of its own, and say what was wrong with how the program took it."""

from __future__ import annotations

import math
import os
import re
import resource
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

SECONDS = 20
MOST_MEMORY = 4 << 30  # bytes
# What may stand on stderr beside the error: what is going on, and what could be wrong.
ASIDE = re.compile(r"(warning: |note: |[\w ]+: [\d,]+/[\d,]+|[\d,]+ [a-z]+(?: to write| ×|,)|started over: )")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
SECRET = "the-secret-beside-the-case"


@dataclass(frozen=True)
class Verdict:
    """How a case ended; `problem` is empty if that is as it must be."""

    code: int
    seconds: float
    problem: str
    said: str  # the end of stderr


def run_case(folder: Path, words: list[str]) -> Verdict:
    """Run a command in `folder`, in a fork of this process, which has loaded everything, and judge it."""
    out, err = folder / ".stdout", folder / ".stderr"
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _run_child(folder, out, err, words)
    status, seconds, memory = _wait(pid, start)
    said = err.read_bytes().decode("utf-8", "replace")
    printed = out.read_bytes().decode("utf-8", "replace")
    code = os.waitstatus_to_exitcode(status)
    may_run = any("canary:" in word for word in words)  # what the command itself names is run
    problem = _judge(code, seconds, memory, printed, said, (folder / "canary-ran").exists() and not may_run)
    return Verdict(code, seconds, problem, said[-3000:])


def _run_child(folder: Path, out: Path, err: Path, words: list[str]) -> None:
    os.setsid()
    os.chdir(folder)
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    code = 1
    try:
        from robustpose.cli import main

        main(words)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        print(f"it raised {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(pid: int, start: float) -> tuple[int, float, int]:
    """Wait for a process and return its status, the seconds of CPU it took, and its memory in bytes.

    It is ended once it has taken too much time, or waits for something that does not come.
    """
    is_asked = 0.0
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
        waited = time.monotonic() - start
        if waited > is_asked + 1:
            is_asked = waited
            worked = _read_cpu_seconds(pid)
            if worked > SECONDS or (waited > 3 * SECONDS and worked < waited / 20):
                os.killpg(pid, signal.SIGKILL)
                _, status, usage = os.wait4(pid, 0)
                return status, math.inf, usage.ru_maxrss * 1024
        time.sleep(0.005)


def _read_cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _judge(code: int, seconds: float, memory: int, printed: str, said: str, has_run: bool) -> str:
    """Return what is wrong, or an empty string."""
    lines = [line for line in said.splitlines() if line.strip() and not ASIDE.match(line)]
    is_usage = bool(lines) and lines[-1].startswith("Error: ")  # of the command line's parser
    if seconds > SECONDS and re.search(r"training: [\d,]*[1-9]/", said):
        return ""  # it was told to train for long, and does
    if seconds > SECONDS:  # of CPU: other work on the machine is not the program's fault
        return "hangs"
    if code not in (0, 2):
        return f"exit code {code}"
    if memory > MOST_MEMORY:
        return f"takes {memory >> 20} MB"
    if "internal error" in said or "Traceback" in said:
        return "internal error"
    if CONTROL.search(printed + said):
        return f"prints a control character {CONTROL.search(printed + said)!r}"
    if SECRET in printed + said:
        return "tells what stands in a file outside"
    if has_run:
        return "runs code that a file names"
    if code == 2 and not is_usage and [line[:7] for line in lines] != ["error: "]:
        return f"{len(lines)} lines instead of one error"
    if code == 0 and lines:
        return "says something else than warnings, and ends well"
    if max(map(len, lines), default=0) > 4000:
        return "an endless line"
    return ""
