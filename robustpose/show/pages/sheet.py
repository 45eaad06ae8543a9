"""The sheet: images under corruptions on one page, to look at before a run: a row a corruption, a column a severity."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from robustpose.data.corrupted import MadeImages
from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.pose.cell import Cell
from robustpose.pose.types import Frame
from robustpose.progress import Progress
from robustpose.show.pages.page import render_page
from robustpose.show.pages.thumbnail_sizes import guess_corrupted
from robustpose.show.pages.thumbnails import make_thumbnail
from robustpose.show.replacing import check_page, follow

MOST_THUMBNAILS = 2_000
# Longest side of a thumbnail, px, while there are at most so many: a page of tens of megabytes, which browsers open.
SIDES = ((160, 960), (640, 640), (MOST_THUMBNAILS, 320))
QUALITY = 80  # of WebP
OF_QUALITY = 1.9  # times the bytes of thumbnails of other pages, which corrupted ones are guessed by
N_TRIED = 4  # clean images that are made small, for the size of the page
PAGE_BYTES = 20_000  # without thumbnails


@dataclass(frozen=True)
class SheetPlan:
    """What a sheet will be: how many images and thumbnails, and how large."""

    n_images: int
    n_thumbnails: int
    side: int  # px, the longest of a thumbnail
    n_bytes: int  # about
    is_reduced: bool  # whether some are smaller than their images


def plan_sheet(frames: Sequence[Frame], cells: Sequence[Cell]) -> SheetPlan:
    """Return what a sheet of clean `frames` in `cells`, none of them clean, will be; UserError if it is too much."""
    per_image = len(cells) + 1
    n_thumbnails = len(frames) * per_image
    if n_thumbnails > MOST_THUMBNAILS:
        raise UserError(
            f"a sheet holds at most {MOST_THUMBNAILS:,} thumbnails, and {len(frames):,} images x {per_image} cells are "
            f"{n_thumbnails:,}: take fewer images (--limit {max(MOST_THUMBNAILS // per_image, 1)}), or fewer cells "
            "(--corruptions fog,noise --severities 3)"
        )
    side = next(side for most, side in SIDES if n_thumbnails <= most)
    sizes = [frame.size_wh or (4, 3) for frame in frames]
    tried = [
        make_thumbnail(frame.image, side, QUALITY) for frame in frames[:: max(1, len(frames) // N_TRIED)][:N_TRIED]
    ]
    of_clean = sum(len(one.base64) for one in tried) / max(len(tried), 1)
    pixels = sum(math.prod(one.size_wh) for one in tried) / max(len(tried), 1)
    of_corrupted = OF_QUALITY * guess_corrupted(cells, of_clean / OF_QUALITY, pixels)
    n_bytes = PAGE_BYTES + round(len(frames) * (of_clean + len(cells) * of_corrupted))
    is_reduced = any(max(size) > side for size in sizes)
    return SheetPlan(len(frames), n_thumbnails, side, n_bytes, is_reduced)


def write_sheet(
    path: Path,
    frames: Sequence[Frame],
    cells: Sequence[Cell],
    made: MadeImages,
    on_progress: Callable[[Progress], None],
) -> int:
    """Write the page of clean `frames` in `cells`, none of them clean, and return the number of its bytes."""
    plan, begun = plan_sheet(frames, cells), time.perf_counter()
    images = []
    for number, frame in enumerate(frames, 1):
        thumbnails = [make_thumbnail(image, plan.side, QUALITY) for image in made.images(frame, cells)]
        name = Path(frame.file_name or str(frame.image_id)).name
        clean = make_thumbnail(frame.image, plan.side, QUALITY)
        images.append({"name": name, "clean": clean, "thumbnails": dict(zip(cells, thumbnails, strict=True))})
        left = (time.perf_counter() - begun) / number * (len(frames) - number)
        on_progress(Progress(number * (len(cells) + 1), plan.n_thumbnails, left, name))
    names = list(dict.fromkeys(str(cell.corruption) for cell in cells))
    rows = {name: [cell for cell in cells if cell.corruption == name] for name in names}
    text = render_page("sheet.html.j2", images=images, rows=rows, plan=plan, origin=made.provenance(), charts={})
    check_page(path, "sheet", "--sheet")  # it may have come meanwhile
    write_text(follow(path), text)
    return len(text.encode())
