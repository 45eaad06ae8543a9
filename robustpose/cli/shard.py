"""--shard of bench: one part of a run, for a machine that knows nothing of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from robustpose.cli.help import CLUSTER
from robustpose.cli.planned import PlanOptions, announcer, tell_plan
from robustpose.cli.printed import PrintedOptions
from robustpose.errors import UserError
from robustpose.printing import print_line

if TYPE_CHECKING:
    from robustpose.benchmark.shards.run import ShardJob
    from robustpose.benchmark.shards.split import Shard
    from robustpose.fresh import StartOver
    from robustpose.work import Engine


@dataclass(frozen=True)
class ShardOptions:
    """Which part of a run."""

    panel: ClassVar[str] = CLUSTER

    shard: Annotated[
        str | None,
        typer.Option(
            metavar="K/N",
            show_default="the whole run",
            help="Do part K of N only, such as 3/32, in a folder below --out, on any machine, with the same N for all; "
            "robustpose merge makes one run of them.",
        ),
    ] = None

    def read(self, is_asked: Mapping[str, bool]) -> Shard | None:
        """Return the shard that is asked for, if one is; UserError beside options that are about a whole run."""
        if self.shard is None:
            return None
        from robustpose.benchmark.shards.split import parse_shard

        shard = parse_shard(self.shard)
        if is_asked.get("--preview"):
            raise UserError("--preview estimates from a few images, and has no shards: leave out --shard or --preview")
        others = [option for option, is_given in is_asked.items() if is_given]
        if others:
            raise UserError(
                f"{others[0]} is about scores, and a shard has none: leave it out, and say it to robustpose merge"
            )
        return shard


def bench_shard(
    wanted: ShardJob, engine: Engine, fresh: StartOver | None, planned: PlanOptions, shown: PrintedOptions
) -> None:
    """Do what bench does for a shard, and say what comes after it."""
    from robustpose.benchmark.shards.run import plan_shard, run_shard
    from robustpose.show.terminal import progress_display

    if planned.dry_run:
        tell_plan(plan_shard(wanted, engine, fresh), shown)
        return
    with progress_display() as on_progress:
        n_units = run_shard(wanted, engine, on_progress, fresh, announcer())
    out = wanted.job.out
    state = "is finished" if n_units else "has nothing to do, since there are more shards than units"
    print_line(f"shard {wanted.shard} {state}: robustpose merge {out}, once all are")
    document: dict[str, Any] = {"shard": str(wanted.shard), "units": n_units, "folder": wanted.place, "run": out}
    shown.write(document)


def refuse_shards(out: Path) -> None:
    """Raise UserError where a run without shards is to be made in a folder that has some."""
    from robustpose.benchmark.shards.folder import list_shard_paths

    if list_shard_paths(out):
        raise UserError(
            f"{out} holds shards of a run: go on with bench --shard K/N, or with robustpose merge {out} once all are "
            "finished; or choose another --out"
        )
