"""Work small enough to be looked through: squares of numbers, written to files; and numbers that make trouble."""

import os
import signal
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from robustpose.carried import Carried
from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.processes import _worker

BAD = -1  # a mistake in the data
DIES = -2  # its process is killed
DIES_SPEAKING = -3  # its process is killed while it sends a result


@dataclass(frozen=True)
class Squares:
    """Write the square of each number of a task to a file, and yield both."""

    out: Path
    cannot_open: bool = False

    def open(self) -> int:
        if self.cannot_open:
            raise UserError("there are no numbers")
        with (self.out / f"opened-{os.getpid()}").open("a") as file:
            file.write("once\n")
        return 2

    def kinds(self, numbers: Sequence[int]) -> list[str]:
        return ["even" if number % 2 == 0 else "odd" for number in numbers]

    def part(self, numbers: Sequence[int], start: int, stop: int) -> Sequence[int]:
        return numbers[start:stop]

    def keep(self, pair: tuple[int, int]) -> tuple[int, int]:
        write_text(self.out / f"{pair[0]}.txt", str(pair[1]))
        return pair

    def carry(self, opened: int) -> Carried:
        return Carried(self, list, {})

    def do(self, opened: int, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
        for number in numbers:
            if number == BAD:
                raise UserError("-1 is no number to square")
            if number == DIES_SPEAKING:
                os.write(_worker["sender"].fileno(), struct.pack("!i", 1000) + b"and then")
            if number in (DIES, DIES_SPEAKING):
                os.kill(os.getpid(), signal.SIGKILL)
            yield number, number**opened
