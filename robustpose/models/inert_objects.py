"""What is made of a pickle that is not run: inert objects, places of tensors; and why a file is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# Far beyond what networks need, and little enough to be harmless: the largest published one has names of up to 50
# characters.
LONGEST_NAME = 200
MOST_DIMENSIONS = 8
STORAGES = {
    f"torch.{kind}Storage": dtype
    for kind, dtype in {
        "Float": torch.float32, "Double": torch.float64, "Half": torch.float16, "BFloat16": torch.bfloat16,
        "Long": torch.int64, "Int": torch.int32, "Short": torch.int16, "Char": torch.int8, "Byte": torch.uint8,
        "Bool": torch.bool,
    }.items()
}  # fmt: skip


class Refusal(Exception):
    """Say why a file is not read: a message that goes on after the file's name."""


class Damaged(Refusal):
    """Refuse a file that makes no sense."""

    def __init__(self, how: str) -> None:
        super().__init__(f"is damaged or made to do harm ({how}), and is refused: download it again")


class WouldCall(Refusal):
    """Refuse a file that can only be read by calling something."""

    def __init__(self, what: str) -> None:
        super().__init__(f"would have to run code to be read (it calls {what}), and is refused")


@dataclass(eq=False, slots=True)
class Global:
    """Stand for what a pickle refers to by name; never looked up."""

    name: str


@dataclass(eq=False, slots=True)
class Inert:
    """Stand for an object of a class that is never looked up, and keep its state."""

    name: str
    state: Any = None


@dataclass(eq=False, slots=True)
class Storage:
    """Name the numbers of one or several tensors: `length` of them under `key`."""

    key: str
    dtype: torch.dtype
    length: int

    @property
    def n_bytes(self) -> int:
        """Return the room that the numbers take."""
        return self.length * self.dtype.itemsize

    def read(self, content: bytes) -> Tensor:
        """Return the numbers that bytes hold, a copy."""
        if len(content) != self.n_bytes:
            raise Damaged(f"storage {show_text(self.key)} must have {self.n_bytes:,} bytes, got {len(content):,}")
        return torch.frombuffer(bytearray(content), dtype=self.dtype) if content else torch.empty(0, dtype=self.dtype)


@dataclass(eq=False, slots=True)
class Place:
    """Say where in a storage a tensor is, in elements: inside, and it has no more of them than the storage."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def view(self, numbers: Tensor) -> Tensor:
        """Return the tensor, a view of the storage's numbers."""
        return numbers.as_strided(self.size, self.stride, self.offset)


def name_of(value: Any) -> str:
    """Return what messages call a value: the name it stands for, or its type."""
    return show_text(value.name) if isinstance(value, (Global, Inert)) else f"an object of type {type(value).__name__}"


def show_text(text: str) -> str:
    """Return the first 80 characters of a file's text as they can be printed anywhere."""
    return ascii(text[:80])[1:-1]


def _place_tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Place:
    if type(storage) is not Storage or type(size) is not tuple or type(stride) is not tuple:
        raise Damaged("a tensor without storage, size and stride")
    if len(size) != len(stride) or len(size) > MOST_DIMENSIONS:
        raise Damaged(f"a tensor of {len(size)} sizes and {len(stride)} strides")
    if not all(type(number) is int and number >= 0 for number in (offset, *size, *stride)):
        raise Damaged("a tensor whose size, stride and offset are no whole numbers from 0")
    n_elements, last = 1, offset
    for side, step in zip(size, stride, strict=True):
        n_elements *= side
        last += (side - 1) * step
    if n_elements > storage.length or (n_elements > 0 and last >= storage.length):
        raise Damaged(f"a tensor that is larger than the {storage.length} numbers of its storage")
    return Place(storage, offset, size, stride)


def _stand_for(kind: Any, base: Any, state: Any) -> Inert:
    """Follow copyreg._reconstructor, which makes an object of a class in the oldest protocols."""
    if type(kind) is not Global or type(base) is not Global or base.name not in OBJECT or state is not None:
        raise WouldCall("copyreg._reconstructor of something other than a plain object")
    return Inert(kind.name)


def _make_size(sides: Any) -> tuple[Any, ...]:
    if type(sides) is not tuple:
        raise Damaged("a size that is none")
    return sides


OBJECT = ("builtins.object", "__builtin__.object")
# All that is ever made by a call, and it is made here. Of the rest, only that it was there is kept: it comes with a
# training's settings, which are not read.
MAKERS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor_v2": _place_tensor,
    "torch._utils._rebuild_parameter": lambda place, *_: place,
    "torch.Size": _make_size,
    "copyreg._reconstructor": _stand_for,
    "copy_reg._reconstructor": _stand_for,
    "torch.device": lambda *_: Inert("torch.device"),
    "numpy.dtype": lambda *_: Inert("numpy.dtype"),
    "numpy.core.multiarray.scalar": lambda *_: Inert("numpy scalar"),
    "numpy._core.multiarray.scalar": lambda *_: Inert("numpy scalar"),
    "_codecs.encode": lambda *_: Inert("bytes"),  # how Python 3 writes bytes for Python 2
}
# Made of one list, by the machine, which counts its items.
COLLECTIONS = {"collections.OrderedDict": dict, "builtins.set": set, "__builtin__.set": set}
