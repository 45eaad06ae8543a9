"""The sheet: images under corruptions on one page, to look at before a run: a row a corruption, a column a severity."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from robustpose.data.corrupted import MadeImages
from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.pose.cell import Cell
from robustpose.pose.types import Frame, Image
from robustpose.progress import Progress
from robustpose.show.pages.page import render_page

MOST_PICTURES = 2_000
# Longest side of a picture, px, while there are at most so many: a page of tens of megabytes, which browsers open.
SIDES = ((160, 960), (640, 640), (MOST_PICTURES, 320))
QUALITY = 80  # of WebP
# Base64 letters for a pixel of a photograph with people, over the 75 cells of COCO-C: noise takes most, fog least.
BYTES_PER_PIXEL = 0.3
PAGE_BYTES = 20_000  # without pictures


@dataclass(frozen=True)
class Picture:
    """A picture of the page: its content as base64 of WebP, and its size."""

    base64: str
    size_wh: tuple[int, int]


@dataclass(frozen=True)
class SheetPlan:
    """What a sheet will be: how many images and pictures, and how large."""

    n_images: int
    n_pictures: int
    side: int  # px, the longest of a picture
    n_bytes: int  # about
    is_reduced: bool  # whether some are smaller than their images


def plan_sheet(frames: Sequence[Frame], cells: Sequence[Cell]) -> SheetPlan:
    """Return what a sheet of clean `frames` in `cells`, none of them clean, will be; UserError if it is too much."""
    per_image = len(cells) + 1
    n_pictures = len(frames) * per_image
    if n_pictures > MOST_PICTURES:
        raise UserError(
            f"a sheet holds at most {MOST_PICTURES:,} pictures, and {len(frames):,} images x {per_image} cells are "
            f"{n_pictures:,}: take fewer images (--limit {max(MOST_PICTURES // per_image, 1)}), or fewer cells "
            "(--corruptions fog,noise --severities 3)"
        )
    side = next(side for most, side in SIDES if n_pictures <= most)
    sizes = [frame.size_wh or (4, 3) for frame in frames]
    pixels = sum(_shrink(size, side)[0] * _shrink(size, side)[1] for size in sizes) * per_image
    is_reduced = any(max(size) > side for size in sizes)
    return SheetPlan(len(frames), n_pictures, side, PAGE_BYTES + round(BYTES_PER_PIXEL * pixels), is_reduced)


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
        pictures = [make_picture(image, plan.side) for image in made.images(frame, cells)]
        name = Path(frame.file_name or str(frame.image_id)).name
        clean = make_picture(frame.image, plan.side)
        images.append({"name": name, "clean": clean, "pictures": dict(zip(cells, pictures, strict=True))})
        left = (time.perf_counter() - begun) / number * (len(frames) - number)
        on_progress(Progress(number * (len(cells) + 1), plan.n_pictures, left, name))
    names = list(dict.fromkeys(str(cell.corruption) for cell in cells))
    rows = {name: [cell for cell in cells if cell.corruption == name] for name in names}
    text = render_page("sheet.html.j2", images=images, rows=rows, plan=plan, origin=made.provenance(), charts={})
    write_text(path, text)
    return len(text.encode())


def make_picture(image: Image, side: int) -> Picture:
    """Return an (H, W, 3) uint8 RGB image as a picture whose longer side has at most `side` px."""
    import cv2
    import PIL.Image

    size_wh = _shrink((image.shape[1], image.shape[0]), side)
    small = image if size_wh == image.shape[1::-1] else cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    content = io.BytesIO()
    PIL.Image.fromarray(small).save(content, "WEBP", quality=QUALITY, method=2)
    return Picture(base64.b64encode(content.getvalue()).decode(), size_wh)


def _shrink(size_wh: tuple[int, int], side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(size_wh))
    return max(1, round(size_wh[0] * scale)), max(1, round(size_wh[1] * scale))
