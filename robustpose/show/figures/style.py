"""How every figure looks, and writing it: sizes of paper columns, colours, and files that are the same every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from robustpose.files import open_whole
from robustpose.pose.cell import Cell
from robustpose.printing import make_visible
from robustpose.results.spelling import speak
from robustpose.show.replacing import follow

ONE_COLUMN = 3.25  # inches, of a page with two columns (CVPR); and its full width
TWO_COLUMNS = 6.875
PAGE_HEIGHT = 8.5
DPI = 300

# Okabe and Ito's colours, told apart by colour-blind readers; without the yellow, which is too light for lines.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK = "#E69F00", "#56B4E9", "#000000"
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKERS = ("D", "s", "^", "v", "P", "X", "<", ">")
LINES = ("-", "--", "-.", ":")
HATCHES = ("", "/////", ".....", "xxxxx")
GREY = "0.55"
MOST_LETTERS = 32  # of a name

_SETTINGS = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    **dict.fromkeys(("font.size", "axes.titlesize", "axes.labelsize"), 7),
    **dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize"), 6),
    **dict.fromkeys(("axes.linewidth", "xtick.major.width", "ytick.major.width"), 0.6),
    **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 2.5),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
    "lines.linewidth": 1.0,
    "lines.markersize": 3,
    "legend.handlelength": 2.2,
    "pdf.fonttype": 42,  # TrueType: publishers refuse type 3
    "savefig.dpi": DPI,
    **dict.fromkeys(("figure.constrained_layout.h_pad", "figure.constrained_layout.w_pad"), 0.02),
    "text.parse_math": False,  # a $ in a model's name is a $
}

Place = Literal["outside upper center", "outside lower center"]


@contextmanager
def paper_style() -> Iterator[None]:
    """Have figures look as those of papers inside the block, whatever the user's own settings are."""
    with matplotlib.style.context(["default", _SETTINGS]):
        yield


def line_of_run(number: int) -> dict[str, Any]:
    """Return colour, marker and dashes of a run's line: 28 pairs of colour and dashes before one comes again."""
    return {
        "color": PALETTE[number % len(PALETTE)],
        "linestyle": LINES[number // len(PALETTE) % len(LINES)],
        "marker": MARKERS[number % len(MARKERS)],
    }


def bar_of_pair(number: int) -> dict[str, Any]:
    """Return the look of a pair's bars: 28 pairs of colour and hatching before one comes again."""
    hatch = HATCHES[number // len(PALETTE) % len(HATCHES)]
    return {"facecolor": PALETTE[number % len(PALETTE)], "edgecolor": "white", "hatch": hatch, "lw": 0}


@cache
def _list_letters() -> frozenset[str]:
    """Return the letters that the figures' font has."""
    from matplotlib.font_manager import fontManager, get_font

    font = get_font(fontManager.findfont(str(_SETTINGS["font.family"])))
    return frozenset(map(chr, font.get_charmap()))


def spell(text: str) -> str:
    """Return a text in letters that the figures' font has; others, and those that cannot be seen, are escapes."""
    known = _list_letters()
    return "".join(letter if letter in known else ascii(letter)[1:-1] for letter in make_visible(text))


def shorten(text: str, n_letters: int = MOST_LETTERS) -> str:
    """Return a name with its middle left out where it is too long for a figure."""
    half = (n_letters - 1) // 2
    if len(text) > n_letters:
        text = f"{text[:half]}…{text[-half:]}"
    text = spell(text)  # which makes some letters longer
    return text if len(text) <= n_letters else f"{text[:half]}…{text[-half:]}"


def spell_corruption(name: str) -> str:
    """Return `gaussian_noise` as `Gaussian noise`, and of `package.module:attr` the last part."""
    words = speak(name.rpartition(":")[2]).replace("jpeg", "JPEG")
    return shorten(words[:1].upper() + words[1:])


def spell_gain(gain: float) -> str:
    """Return a gain (0..1) in points with its sign, such as `+2.5`, or `0.0` for what rounds to it."""
    text = f"{100 * gain:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "−")


def tile(n_rows: int, n_columns: int, size: tuple[float, float]) -> tuple[Figure, Any]:
    """Return a figure of a size in inches, and its axes (n_rows, n_columns) for images that lie close to each other."""
    layout = ConstrainedLayoutEngine(w_pad=0.015, h_pad=0.015, wspace=0, hspace=0, compress=True)
    figure = Figure(figsize=size, layout=layout)
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


def title_cell(cell: Cell) -> str:
    """Return `Clean`, or the corruption of a cell as `spell_corruption` has it."""
    return "Clean" if cell.corruption is None else spell_corruption(cell.corruption)


def find_legend_height(labels: Sequence[str], width: float) -> float:
    """Return the height of a legend in a figure of some width, inches."""
    return 0.08 + 0.112 * -(-len(labels) // _count_columns(labels, width)) if labels else 0.0


def put_legend(
    figure: Figure, handles: Sequence[Any], labels: Sequence[str], where: Place = "outside upper center"
) -> None:
    """Put a legend outside the axes, with as many columns as there is room for."""
    n_columns = _count_columns(labels, figure.get_figwidth())
    # matplotlib leaves out labels that begin with an underscore.
    labels = [f" {label}" if label.startswith("_") else label for label in labels]
    figure.legend(list(handles), labels, loc=where, ncols=n_columns, columnspacing=1.2)


def save_figure(figure: Figure, out: Path, name: str) -> list[Path]:
    """Write NAME.pdf and NAME.png, whose bytes depend on the figure alone, and return their paths."""
    metadata: dict[str, dict[str, Any]] = {
        "pdf": {"Creator": "robustpose", "Producer": None, "CreationDate": None},
        "png": {"Software": None},
    }
    for kind, said in metadata.items():
        with open_whole(follow(out / f"{name}.{kind}")) as file:
            figure.savefig(file, format=kind, metadata=said)
    return [out / f"{name}.{kind}" for kind in metadata]


def _count_columns(labels: Sequence[str], width: float) -> int:
    column = 0.42 + 0.048 * max(len(label) for label in labels)  # inches: a line, and letters of 6 points
    return max(1, min(len(labels), int(width / column)))
