"""Several devices: a training of several processes is handed to the command ``robustpose train``.

Each process of such a training runs the program again that started it. A script of somebody's own would do everything
twice, and variables that the processes share would stay behind in it, so the command is started in its place.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from robustpose.config import write_recipe
from robustpose.errors import UserError
from robustpose.show.display import tell
from robustpose.train.settings import TrainSettings

ERROR = "error: "  # how the command begins the line that says what is wrong
LINES_KEPT = 20


def check_named(settings: TrainSettings, held: str) -> None:
    """Raise UserError where settings name something in memory, by names that begin with `held`."""
    named = {"network": settings.model, "train": settings.train_data.name, "val": settings.val_data.name}
    for what, name in named.items():
        if name.startswith(held):
            way_out = "package.module:attr:FILE" if what == "network" else "package.module:attr"
            raise UserError(
                f"devices={settings.engine.devices} starts other processes, which do not find the {what} in memory: "
                f"name it as {way_out}"
            )


def train_by_command(settings: TrainSettings, folder: Path, is_fresh: bool, progress: bool) -> None:
    """Bring a training to its end in processes of its own; UserError with the line that the command ends with."""
    with tempfile.TemporaryDirectory() as place:
        recipe = Path(place) / "settings.yaml"
        recipe.write_text(write_recipe(settings))
        command = [
            sys.executable,
            "-m",
            "robustpose",
            "train",
            "--recipe",
            str(recipe),
            "--trust",
            "--out",
            str(folder),
        ]
        process = subprocess.Popen(
            [*command, *["--fresh"] * is_fresh], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        last: list[str] = []
        try:
            assert process.stderr is not None
            for line in process.stderr:
                last = [*last, line.rstrip()][-LINES_KEPT:]
                if progress and line.startswith("training"):
                    tell(line.rstrip())
            code = process.wait()
        except BaseException:  # Ctrl-C: what is finished is kept
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
    if code:
        told = next((line.removeprefix(ERROR) for line in reversed(last) if line.startswith(ERROR)), "")
        raise UserError(told or f"the processes of the training ended with code {code}: {' '.join(last[-1:])}")
