"""What was written to a folder of figures, and a line about each thing that was left out or is not as expected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from robustpose.errors import UserError
from robustpose.show.figures.style import save_figure
from robustpose.show.replacing import check_figures

NAMES = (
    "fig1", "fig2", "fig4", "fig5", "fig5_bars", "fig6", "fig6_truth", "fig1_gain", "fig4a_gain", "fig4b_gain",
    "fig1_gain_published", "fig4a_gain_published", "fig5_bars_published", "fig_suites", "fig_suites_corruptions",
)  # fmt: skip


@dataclass
class Written:
    """The folder, the files in it, and the notes for people."""

    out: Path
    paths: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Raise UserError where files would be lost that are no figures of ours: before any is drawn."""
        check_figures(self.out, NAMES, "--out")

    def save(self, figure: Figure, name: str) -> None:
        """Write a figure as PDF and PNG."""
        assert name in NAMES
        self.paths += save_figure(figure, self.out, name)

    @contextmanager
    def noting(self, loss: str) -> Iterator[None]:
        """Turn a UserError of the block into a note that begins with what is lost."""
        try:
            yield
        except UserError as error:
            self.notes.append(f"{loss}: {error}")
