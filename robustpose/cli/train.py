"""robustpose train: a network from a recipe, with exact resume."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from robustpose.train.loop import Progress


def train(
    recipe: Annotated[Path, typer.Option(help="YAML file with the settings, such as recipes/demo.yaml.")],
    out: Annotated[Path, typer.Option(help="Run folder. The same command goes on where it was stopped.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change a setting, KEY=VALUE such as augment.rotation=30.")
    ] = None,
) -> None:
    """Train a network, or go on with a run that was stopped."""
    from robustpose.cli.show import progress_display
    from robustpose.config import read_settings

    settings = read_settings(recipe, set_ or [])
    from robustpose.train.loop import train as run_training

    figures: dict[str, float] = {}
    started: tuple[float, int] | None = None
    with progress_display() as show:

        def report(progress: Progress) -> None:
            nonlocal started
            if progress.figures is not None:
                figures.update(progress.figures)
            now = time.monotonic()
            started = started or (now, progress.step)
            done = progress.step - started[1]
            left = (now - started[0]) / done * (progress.n_steps - progress.step) if done else None
            losses = "  ".join(f"{name} {loss:.2e}" for name, loss in progress.losses.items())
            scores = f"  AP {100 * figures['AP']:.1f}" if "AP" in figures else ""
            note = f"epoch {progress.epoch}/{progress.n_epochs}  {losses}{scores}"
            show("training", progress.step, progress.n_steps, left, note)

        product = run_training(settings, out, report)
    if figures:
        print("  ".join(f"{name} {100 * value:.1f}" for name, value in figures.items()))
    print(f"weights: {product}")
