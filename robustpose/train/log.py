"""The log of a run: a line per epoch in log.jsonl, and if wanted every step for TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustpose.errors import UserError
from robustpose.files import write_text, writing_to


class Log:
    """Write down losses and figures of a run, in its folder.

    `n_epochs` and `n_steps` were done before; what was logged of later epochs is dropped, it will be logged again.
    """

    def __init__(self, folder: Path, tensorboard: bool, n_epochs: int, n_steps: int) -> None:
        self._path = folder / "log.jsonl"
        if self._path.exists():
            lines = self._path.read_text().splitlines(keepends=True)
            # A line without its end is one that the process was killed in.
            kept = [line for line in lines if line.endswith("\n") and json.loads(line)["epoch"] <= n_epochs]
            write_text(self._path, "".join(kept))
        self._board: Any = None
        if tensorboard:
            try:
                from tensorboardX import SummaryWriter
            except ImportError as error:
                raise UserError(
                    "engine.tensorboard needs tensorboardX, which is not installed: "
                    "pip install 'robustpose[tensorboard]'"
                ) from error
            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=n_steps + 1 if n_steps else None)

    def write_step(self, step: int, lr: float, losses: Mapping[str, float]) -> None:
        """Note the losses of a step, for TensorBoard alone."""
        if self._board is not None:
            self._board.add_scalar("lr", lr, step)
            for name, loss in losses.items():
                self._board.add_scalar(f"step/{name}", loss, step)

    def write_epoch(self, line: Mapping[str, Any]) -> None:
        """Note an epoch: its number, steps so far, mean losses and, if it was evaluated, figures."""
        with writing_to(self._path), self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        if self._board is not None:
            for group in ("losses", "figures"):
                for name, value in line.get(group, {}).items():
                    self._board.add_scalar(f"epoch/{name}", value, line["step"])
            self._board.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._board is not None:
            self._board.close()
