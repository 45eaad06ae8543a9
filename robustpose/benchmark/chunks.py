"""Chunks of a run: as the number of its images says, or noted in the folder while units of fewer images are there.

What a unit holds depends on its images alone, so any chunks lead to the same predictions. Units are known by the number
of their chunk: the note is written before the first unit that needs it, and goes after the last one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from robustpose.benchmark.identity import PER_GROUP
from robustpose.changes import as_table
from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.reading import read_json
from robustpose.results.run_folder import RunFolder
from robustpose.work import Chunk, cut_chunks

MOST_BYTES = 1 << 24
_ADVICE = "delete {}, and what is in it is predicted again"


def count_in_group(identity: Mapping[str, Any]) -> int:
    """Return how many consecutive images the estimator of a run has to be handed at once, by what results say of it."""
    found = as_table(identity.get("estimator")).get(PER_GROUP, 1)
    return found if type(found) is int and found > 0 else 1


def find_chunks(folder: RunFolder, n_images: int, images_per_group: int = 1) -> list[Chunk]:
    """Return the chunks of a run of so many images."""
    ends = [end for end in _read_ends(folder) if end <= n_images]
    if not ends:
        return cut_chunks(n_images, images_per_group)
    if ends[-1] != n_images:
        raise UserError(
            f"{folder.chunks_path} is of other images than {n_images}: {_ADVICE.format(folder.path / 'units')}"
        )
    return _cut_at(ends)


def extend_chunks(folder: RunFolder, n_before: int, n_images: int, images_per_group: int = 1) -> list[Chunk]:
    """Note the chunks of a run that goes on with more images, and return those that it has had: they stay."""
    chunks = add_chunks(folder, n_before, n_images, images_per_group)
    write_text(folder.chunks_path, json.dumps([chunk.indices.stop for chunk in chunks]) + "\n", sync=True)
    return [chunk for chunk in chunks if chunk.indices.stop <= n_before]


def add_chunks(folder: RunFolder, n_before: int, n_images: int, images_per_group: int = 1) -> list[Chunk]:
    """Return the chunks of a run of so many images before, and those of the images that it has then."""
    ends = [chunk.indices.stop for chunk in find_chunks(folder, n_before, images_per_group)]
    more = cut_chunks(n_images - n_before, images_per_group)
    return _cut_at([*ends, *(n_before + chunk.indices.stop for chunk in more)])


def _cut_at(ends: list[int]) -> list[Chunk]:
    return [Chunk(number, range(*pair)) for number, pair in enumerate(zip([0, *ends], ends, strict=False))]


def _read_ends(folder: RunFolder) -> list[int]:
    """Return behind which image each chunk ends; nothing where nothing is noted."""
    path = folder.chunks_path
    if not path.is_file():
        return []
    ends, _ = read_json(path, "note of chunks", MOST_BYTES)
    is_list = isinstance(ends, list) and all(type(end) is int for end in ends)
    if not is_list or not ends or any(start >= end for start, end in zip([0, *ends], ends, strict=False)):
        raise UserError(f"{path} is damaged: {_ADVICE.format(path.parent)}")
    return list(ends)
