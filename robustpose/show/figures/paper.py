"""Which of the paper's models stand beside runs in a figure, and what they are called there."""

from __future__ import annotations

from collections.abc import Sequence

from robustpose.errors import UserError, nearest
from robustpose.results.published import PublishedRow, dataset_names, find_dataset, find_row, published_rows
from robustpose.show.figures.runs import Run

NONE = "none"


def check_beside(beside: str | None) -> None:
    """Raise UserError unless `beside` is None, `none` or a dataset of the paper."""
    known = [*dataset_names(), NONE]
    if beside is not None and beside not in known:
        raise UserError(f"--beside must be {', '.join(known[:-1])} or {NONE}, got '{beside}'{nearest(beside, known)}")


def choose_rows(runs: Sequence[Run], beside: str | None = None) -> list[PublishedRow]:
    """Return the rows of standard training and of AdvMix to draw beside runs on the same data.

    Models with annotated boxes, of Table 4, stand beside runs with annotated boxes only: in others they would seem to
    be better models. Tables 5 to 7 print them again, with other ways of training one network: of these, only the rows
    that runs were made to stand beside. `beside` is a dataset of the paper; None for that of the runs, if it is one;
    ``none`` for no rows.
    """
    dataset = find_dataset(runs[0].summary) if beside is None else beside
    if dataset is None:
        return []
    protocols = {run.summary["provenance"].get("box_protocol") for run in runs}
    own = [find_row(run.summary)[0] for run in runs]
    return [
        row
        for row in published_rows(dataset, runs[0].score_name)
        if row in own
        or (row.training in ("Standard", "AdvMix") and (row.table < 4 or (row.table == 4 and row.boxes in protocols)))
    ]


def name_row(row: PublishedRow) -> str:
    """Return, say, `HRNet W32 256×192, AdvMix`."""
    words = [f"{row.model} {row.input.replace('x', '×')}"]
    words += [row.training] if row.training != "Standard" else []
    words += ["gt boxes"] if row.has_annotated_boxes else []
    return ", ".join(words)
