"""Richer pages: a report with images is not replaced by one without, only because the images have been moved."""

from __future__ import annotations

from pathlib import Path

from robustpose.errors import UserError
from robustpose.reading import read_bytes

GALLERY = b'id="data-gallery"'
ALL_CLEAN = b'"corrupted":{}'  # of a gallery that shows no corrupted image
WORDS = ("no images", "clean images", "clean and corrupted images")


class RicherPage(UserError):
    """Report that a page was kept, for the new one would show fewer images."""


def check_images_stay(path: Path, page: str) -> None:
    """Raise RicherPage if the page at `path` shows images, or corrupted ones, and the new `page` would show none."""
    if not path.is_file():
        return
    there = read_bytes(path, "page")
    old, new = rate_images(there), rate_images(page.encode())
    if new < old:
        raise RicherPage(
            f"{path} shows {WORDS[old]} and is kept, for a page written now would show {WORDS[new]}: "
            f"robustpose report {path.parent} --without-images writes that one"
        )


def rate_images(page: bytes) -> int:
    """Return which images a page shows: 0 none, 1 clean ones, 2 corrupted ones, too."""
    _, found, gallery = page.partition(GALLERY)
    return 0 if not found else 1 if ALL_CLEAN in gallery.partition(b"</script>")[0] else 2
