"""Contents: hashes of arrays, tensors and states of networks, whatever library they are of; none is imported for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.files import hash_file

MOST_FILES = 1000  # of a folder whose bytes are read
MOST_IMAGES = 16  # of a dataset whose pixels are read


def hash_tensors(tensors: Mapping[str, Any]) -> str:
    """Return the SHA-256 of tensors or arrays by name: of names, types, shapes and bytes, in whatever order they are.

    >>> hash_tensors({"a": np.zeros(2), "b": np.ones(2)}) == hash_tensors({"b": np.ones(2), "a": np.zeros(2)})
    True
    """
    digest = hashlib.sha256()
    for name, content in sorted(_list_hashes(tensors)):
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()


def hash_network(network: Any) -> str:
    """Return the SHA-256 of a torch module's state, with the buffers that are not saved."""
    return hash_tensors({**dict(network.named_buffers()), **network.state_dict()})


def hash_content(value: Any) -> bytes | None:
    """Return a digest of an array, a tensor, bytes, or what holds weights; None for anything else."""
    kind = type(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return hashlib.sha256(value).digest()
    if hasattr(kind, "state_dict"):
        whole = hash_network(value) if hasattr(kind, "named_buffers") else hash_tensors(value.state_dict())
        return bytes.fromhex(whole)
    if hasattr(kind, "get_weights"):  # of Keras
        return bytes.fromhex(hash_tensors({str(number): array for number, array in enumerate(value.get_weights())}))
    if hasattr(kind, "dtype") and hasattr(kind, "shape"):
        return _hash_array(value)
    return None


def hash_names_and_sizes(folder: Path, names: Iterable[str]) -> str:
    """Return the SHA-256 of the names of files in a folder and their sizes in bytes: cheap, as no file is read."""
    sizes = (f"{name}:{(folder / name).stat().st_size}" for name in names)
    return hashlib.sha256("\n".join(sizes).encode()).hexdigest()


def hash_some_files(paths: Sequence[Path]) -> str:
    """Return the SHA-256 of the bytes of files, of which `MOST_FILES` are read, spread evenly over all.

    Reading all images of a large set takes longer than working on some of them.
    """
    step = -(-len(paths) // MOST_FILES) or 1
    return hashlib.sha256("".join(hash_file(path) for path in paths[::step]).encode()).hexdigest()


def hash_some_images(n_images: int, read: Callable[[int], Any]) -> str:
    """Return the SHA-256 of the pixels of images, of which `MOST_IMAGES` are read: first, last, and evenly between.

    `read` gives an image (H, W, 3) by its index, and is called once for each.

    >>> hash_some_images(2, lambda index: np.zeros((1, 1, 3))) == hash_some_images(2, lambda index: np.ones((1, 1, 3)))
    False
    """
    n_read = min(n_images, MOST_IMAGES)
    chosen = [number * (n_images - 1) // max(n_read - 1, 1) for number in range(n_read)]
    return hash_tensors({str(index): read(index) for index in chosen})


def _list_hashes(tensors: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for key, value in tensors.items():
        if isinstance(value, Mapping):
            yield from _list_hashes(value, f"{prefix}{key}.")
        elif (content := hash_content(value)) is not None:
            yield f"{prefix}{key}", content


def _hash_array(array: Any) -> bytes | None:
    """Return a digest of an array's or tensor's type, shape and bytes; None if it holds objects."""
    kind = str(array.dtype)
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        try:
            array = array.numpy()
        except (TypeError, RuntimeError):  # bfloat16 and its like, which NumPy lacks: float32 has all their values
            array = array.float().numpy()
    array = np.asarray(array)
    if array.dtype.hasobject:
        return None
    digest = hashlib.sha256(f"{kind}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.digest()
