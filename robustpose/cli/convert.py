"""robustpose convert-pifpaf: a published PifPaf checkpoint as weights that this program reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def convert_pifpaf(
    checkpoint: Annotated[Path, typer.Argument(metavar="FILE", help="Checkpoint that openpifpaf 0.10 saved.")],
    out: Annotated[
        Path | None, typer.Option(help="The .safetensors file to write; by default beside FILE, under its name.")
    ] = None,
) -> None:
    """Take the weights out of a published PifPaf checkpoint, without running what the file contains."""
    from robustpose.models.pifpaf_files import convert_checkpoint

    out = out or checkpoint.parent / f"{checkpoint.stem}.safetensors"
    name, left_out = convert_checkpoint(checkpoint, out)
    print(f"{name} in {out}")
    if left_out:
        print(f"left out, since the network has no use for them: {', '.join(left_out)}")
