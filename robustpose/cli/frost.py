"""robustpose frost: the six textures of the published benchmark."""

from __future__ import annotations

import typer

app = typer.Typer(help="Frost textures of the published benchmark.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _options() -> None:
    """Frost textures of the published benchmark."""


@app.command()
def install() -> None:
    """Fetch the six original frost textures with pip into the user's cache, and check their SHA-256."""
    from robustpose.corruptions.frost_textures import install_textures

    print(f"the six frost textures are in {install_textures()}")
