"""Networks: how many processes of a run are there to run the network for its workers."""

from __future__ import annotations

import os
from dataclasses import replace

from robustpose.benchmark.job import Prepared
from robustpose.errors import UserError
from robustpose.handed_over import name_shown
from robustpose.work import Engine, Processes


def with_networks(engine: Engine, prepared: Prepared) -> Engine:
    """Return the engine that predicts: with as many network processes as are wished, by default one for each GPU.

    A single worker runs the network itself. UserError if they are wished for an estimator whose network they cannot
    run.
    """
    if not isinstance(engine, Processes):
        return engine
    n_gpus = prepared.estimator.n_gpus
    can_share = isinstance(n_gpus, int) and os.name == "posix"  # they pass on descriptors of memory
    if engine.wished and not can_share:
        name = name_shown(str(prepared.identity["estimator"].get("name", "estimator")))
        raise UserError(
            "--network-processes is for networks that PyTorch runs, and that do not adapt, on Linux or macOS; workers "
            f"run model '{name}' themselves: leave it out"
        )
    n_networks = (n_gpus or 0) if engine.wished is None else engine.wished
    return replace(engine, n_networks=n_networks if can_share else 0).at_most(engine.n_workers)
