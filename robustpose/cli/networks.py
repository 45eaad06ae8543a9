"""The option of who runs a torch network: each worker, or processes that run it for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from robustpose.cli.help import SPEED

if TYPE_CHECKING:
    from robustpose.work import Engine, Workers


@dataclass(frozen=True)
class NetworkOptions:
    """Who runs the network."""

    panel: ClassVar[str] = SPEED

    network_processes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default="one per GPU, for several workers",
            help="Processes that run the network for all workers, on full batches; 0: each worker runs it itself, as "
            "ONNX and TFLite files are.",
        ),
    ] = None

    def join(self, workers: Workers) -> Engine:
        """Return the engine of workers and these processes."""
        from robustpose.work import wish_networks

        return wish_networks(workers, self.network_processes)
