"""robustpose train: a network from a recipe or as a row of the paper, with exact resume."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from robustpose.cli.completion import complete, list_settings
from robustpose.cli.devices import DeviceOptions
from robustpose.cli.help import TRAINING
from robustpose.cli.option_groups import with_groups
from robustpose.cli.options import FreshOptions, RunFolderOption
from robustpose.cli.planned import PlanOptions, announcer, tell_plan
from robustpose.cli.printed import PrintedOptions
from robustpose.cli.train_options import TrainDataOptions, WeightOptions, WhatToTrain, naming_options, read_asked
from robustpose.printing import print_aside, print_line
from robustpose.stopping import leave_telling

if TYPE_CHECKING:
    pass


@with_groups
def train(
    out: RunFolderOption,
    what: WhatToTrain,
    weights: WeightOptions,
    data: TrainDataOptions,
    start: FreshOptions,
    planned: PlanOptions,
    shown: PrintedOptions,
    device: DeviceOptions,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            rich_help_panel=TRAINING,
            autocompletion=complete(list_settings),
            help="Change a setting, such as augment.rotation=30; may be repeated. See robustpose list settings.",
        ),
    ] = None,
) -> None:
    """Train or harden a network, or go on with a run that was stopped."""
    from robustpose.results.rows import percent
    from robustpose.show.terminal import progress_display
    from robustpose.train.launched import is_first_on_node, is_first_process
    from robustpose.train.seen import note_seen
    from robustpose.train.start import check_start
    from robustpose.train.telling import Teller

    settings = read_asked(what, weights, data, device, set_)
    with naming_options():
        check_start(settings)  # before PyTorch is loaded, which takes seconds
    is_first = is_first_process()  # which prints for all
    if not is_first_on_node():
        leave_telling()
    if settings.n_processes > 1:  # PyTorch, which reads it when it is loaded, shows a traceback while it waits
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    if settings.row is not None and is_first:
        print_line(f"training row {settings.row.name}, according to: {settings.row.according_to}")
        if settings.row.differences:
            print_line(f"not the row's training: {'; '.join(settings.row.differences)}")
    from robustpose.processes import keep_freed_memory
    from robustpose.train.identity import list_paths
    from robustpose.train.loop import plan_training
    from robustpose.train.loop import train as run_training

    keep_freed_memory()

    fresh = start.start_over(*list_paths(settings))
    if planned.dry_run:
        plan = plan_training(settings, out, fresh)
        if is_first:
            if note := note_seen(settings):
                print_aside(f"note: {note}")
            tell_plan(plan, shown)
        return
    teller = Teller()
    with progress_display() as show:
        product = run_training(
            settings, out, lambda progress: show("training", teller.tell(progress)), fresh, announcer()
        )
    if not is_first:
        return
    if figures := teller.figures:
        # COCO's figures are -1 where there is nobody to find, such as APL without large people.
        print_line("  ".join(f"{name} {percent(None if value == -1 else value)}" for name, value in figures.items()))
    print_line(f"weights: {product} and {product.with_suffix('.pth').name}")
    scores = {name: None if value == -1 else value for name, value in figures.items()}
    shown.write({"folder": out, "weights": product, "scores": scores})
