"""The log of a run: a line per epoch in log.jsonl, and if wanted every step for TensorBoard.

Checkpoints hold the lines, too: whatever happens to the file, the next start writes it anew.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustpose.errors import UserError, spell_list
from robustpose.files import write_text
from robustpose.reading import read_text
from robustpose.train.checkpoint import Position

MOST_BYTES = 64 << 20  # of a log that is read


class Log:
    """Write down losses and figures of a run, in its folder.

    What was logged of epochs that are not done, at the position `at`, is dropped: it will be logged again. The run has
    done `n_steps`.
    """

    def __init__(self, folder: Path, tensorboard: bool, at: Position, n_steps: int) -> None:
        self._path = folder / "log.jsonl"
        self._lines = at.log = read_lines(self._path, at.epoch) if at.log is None else at.log
        self._write()
        self._board: Any = None
        if tensorboard:
            from tensorboardX import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=n_steps + 1 if n_steps else None)

    def _write(self) -> None:
        if self._lines or self._path.exists():
            write_text(self._path, "".join(f"{line}\n" for line in self._lines))

    def write_step(self, step: int, lr: float, losses: Mapping[str, float]) -> None:
        """Note the losses of a step, for TensorBoard alone."""
        if self._board is not None:
            self._board.add_scalar("lr", lr, step)
            for name, loss in losses.items():
                self._board.add_scalar(f"step/{name}", loss, step)

    def write_epoch(self, line: Mapping[str, Any]) -> None:
        """Note an epoch: its number, steps so far, mean losses and, if it was evaluated, figures."""
        self._lines.append(json.dumps(line))
        self._write()
        if self._board is not None:
            for group in ("losses", "figures"):
                for name, value in line.get(group, {}).items():
                    self._board.add_scalar(f"epoch/{name}", value, line["step"])
            self._board.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._board is not None:
            self._board.close()


def read_lines(path: Path, n_epochs: int) -> list[str]:
    """Return the lines of the first epochs in a log, with a warning where there are not all: of 0.1.0's runs."""
    found: dict[int, str] = {}
    try:
        text = read_text(path, "log", MOST_BYTES) if path.exists() else ""
    except UserError:  # said below
        text = ""
    for line in text.splitlines():
        try:
            epoch = json.loads(line)["epoch"]
        except (ValueError, TypeError, KeyError, RecursionError):  # one that the process was killed in, or damaged
            continue
        if isinstance(epoch, int) and 1 <= epoch <= n_epochs:
            found.setdefault(epoch, line)
    lacking = [epoch for epoch in range(1, n_epochs + 1) if epoch not in found]
    if lacking:
        some = spell_list(lacking[:3]) if len(lacking) < 4 else f"{spell_list(lacking[:3], ',')} …"
        warnings.warn(
            f"{path} lacks the losses and figures of epoch {some}, or they are damaged: training goes on without them",
            stacklevel=2,
        )
    return [found[epoch] for epoch in sorted(found)]
