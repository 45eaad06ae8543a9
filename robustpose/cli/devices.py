"""Devices: on how many machines a training runs, and on how many devices of each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

import typer

from robustpose.cli.help import SPEED


@dataclass(frozen=True)
class DeviceOptions:
    """Nodes, and processes on each of them."""

    panel: ClassVar[str] = SPEED

    nodes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default="the recipe's, or 1",
            help="Machines, on which torchrun or SLURM's srun starts this command. See docs/guides/cluster.md.",
        ),
    ] = None
    devices: Annotated[
        int | None,
        typer.Option(
            metavar="N", show_default="the recipe's, or 1", help="Processes on each machine, one device each."
        ),
    ] = None

    def describe(self) -> dict[str, Any]:
        """Return what is given by the settings that it takes the place of."""
        return {"engine": asdict(self)}
