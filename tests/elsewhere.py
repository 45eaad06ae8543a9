"""Elsewhere: an engine whose worker starts in an empty folder, while folders of data and models have other names."""

import os
import pickle
import struct
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from robustpose.carried import place_files
from robustpose.estimators.carrying import NamedModel
from robustpose.files import hash_file
from robustpose.work import do_timed

ROOT = Path(__file__).parents[1]


class Machine:
    """A process that sees no file of this one but Python's and what is brought to it."""

    def __init__(self, folder: Path):
        self.files, self.home = folder / "brought", folder / "empty"
        for made in (self.files, self.home):
            made.mkdir(parents=True)
        places = {"HOME": str(self.home), "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(self.home / "cache")}
        environment = {**os.environ, **places}
        environment.pop("ROBUSTPOSE_CACHE", None)
        command = [sys.executable, "-m", "tests.elsewhere"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, cwd=self.home, env=environment, **pipes)

    def do(self, sent: bytes):
        """Return what the work made of each task, with kinds and seconds, and what it raised, or None."""
        write(self.process.stdin, sent)
        return pickle.loads(read(self.process.stdout))

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


@dataclass
class Elsewhere:
    """The engine: everything is packed here, then done there, then kept here."""

    machine: Machine
    hidden: tuple[Path, ...] = ()  # what has another name while the machine works
    n_bytes: list[int] = field(default_factory=list)  # of the tasks of each work, packed
    name = "elsewhere"
    n_workers = n_cores = 2

    def at_most(self, n_workers):
        return self

    def do(self, work, tasks, opened=None):
        carried = work.carry(work.open() if opened is None else opened)
        packed = [carried.pack(task) for task in tasks]
        self.n_bytes.append(sum(len(pickle.dumps(one)) for one in packed))
        for task, one in zip(tasks, packed, strict=True):
            assert list(carried.work.kinds(one)) == list(work.kinds(task))
        for digest, path in carried.files.items():
            (self.machine.files / digest).write_bytes(path.read_bytes())
            assert hash_file(self.machine.files / digest) == digest
        sent = pickle.dumps((carried.work, packed, self.machine.files))
        with renamed(self.hidden):
            made, error = self.machine.do(sent)
        for thing, kind, seconds in made:
            yield work.keep(thing), kind, seconds
        if error is not None:
            raise error


def bring_model(spec: str, options: dict, folder: Path, *hidden: Path):
    """Return what makes an estimator of a model's files as they are brought to a folder.

    What is `hidden` has another name from then on.
    """
    maker, files = NamedModel(spec, options).carry()
    for digest, path in files.items():
        (folder / digest).write_bytes(path.read_bytes())
    for one in hidden:
        one.rename(one.with_name(f"{one.name}-elsewhere"))
    place_files(folder)
    return pickle.loads(pickle.dumps(maker))


@contextmanager
def renamed(folders):
    """Call folders by other names within the block."""
    with ExitStack() as back:
        for folder in folders:
            other = folder.with_name(f"{folder.name}-elsewhere")
            folder.rename(other)
            back.callback(other.rename, folder)
        yield


def write(file, content: bytes):
    file.write(struct.pack("!q", len(content)) + content)
    file.flush()


def read(file) -> bytes:
    return file.read(*struct.unpack("!q", head)) if (head := file.read(8)) else b""


def main():
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed is no answer
    while sent := read(sys.stdin.buffer):
        made, error = [], None
        try:
            work, tasks, folder = pickle.loads(sent)
            place_files(folder)
            opened = work.open()
            for task in tasks:
                made += do_timed(work, opened, task)
        except Exception as raised:
            error = raised
        write(out, pickle.dumps((made, error)))


if __name__ == "__main__":
    main()
