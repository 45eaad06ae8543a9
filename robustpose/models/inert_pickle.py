"""A pickle read without being run: a small machine that makes plain values and inert objects.

It looks no name up and calls nothing of the file's: what it makes is plain values, places of tensors, and inert objects
that keep their state. What would need more is refused. Time and memory are bounded.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# Far beyond what networks need, and little enough to be harmless: an object like the largest published one takes 56,000
# steps, and has names of up to 50 characters.
MOST_STEPS = 1_000_000
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


# What the machine makes.


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
        """Return how much room they take."""
        return self.length * self.dtype.itemsize


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
DICTS = ("collections.OrderedDict",)
SETS = ("builtins.set", "__builtin__.set")


# The machine.

VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8",
}  # fmt: skip
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "EMPTY_SET": set}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class InertUnpickler:
    """Read one pickle from a stream into plain values, `Place`, `Global` and `Inert`.

    Attributes:
        storages: all that the pickle named, by key.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.storages: dict[str, Storage] = {}
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}  # not a list: a file may number its entries as it likes
        self._steps = 0

    def load(self) -> Any:
        """Return the value; the stream is then behind it.

        Raises:
            Refusal: it would have to call something, or it is too much.
            Exception: of any kind, where the pickle is damaged.
        """
        stack, memo = self._stack, self._memo
        argument: Any
        for opcode, argument, _ in pickletools.genops(self.stream):
            self._spend(1)
            match opcode.name:
                case name if name in VALUES:
                    stack.append(argument)
                case name if name in CONSTANTS:
                    stack.append(CONSTANTS[name])
                case name if name in EMPTY:
                    stack.append(EMPTY[name]())
                case name if name in TUPLES:
                    stack.append(tuple(stack.pop() for _ in range(TUPLES[name]))[::-1])
                case "MARK":
                    self._marks.append(len(stack))
                case "TUPLE":
                    stack.append(tuple(self._pop_marked()))
                case "APPEND":
                    value = stack.pop()
                    self._top(list).append(value)
                case "APPENDS":
                    items = self._pop_marked()
                    self._top(list).extend(items)
                case "SETITEM":
                    value, key = stack.pop(), stack.pop()
                    self._top(dict)[_check_key(key)] = value
                case "SETITEMS":
                    items = self._pop_marked()
                    self._top(dict).update(zip(map(_check_key, items[::2]), items[1::2], strict=True))
                case "ADDITEMS":
                    items = self._pop_marked()
                    self._top(set).update(map(_check_key, items))
                case "POP":
                    stack.pop()
                case "POP_MARK":
                    self._pop_marked()
                case "BINPUT" | "LONG_BINPUT":
                    memo[argument] = stack[-1]
                case "MEMOIZE":
                    memo[len(memo)] = stack[-1]
                case "BINGET" | "LONG_BINGET":
                    stack.append(memo[argument])
                case "GLOBAL":
                    stack.append(_refer(*argument.split(" ", 1)))
                case "STACK_GLOBAL":
                    name, module = stack.pop(), stack.pop()
                    stack.append(_refer(module, name))
                case "BINPERSID":
                    stack.append(self._resolve(stack.pop()))
                case "REDUCE":
                    arguments, called = stack.pop(), stack.pop()
                    stack.append(self._reduce(called, arguments))
                case "NEWOBJ":
                    arguments, kind = stack.pop(), stack.pop()
                    if type(kind) is not Global or arguments != ():
                        raise WouldCall(f"the class {name_of(kind)} with arguments")
                    stack.append(Inert(kind.name))
                case "BUILD":
                    state = stack.pop()
                    self._build(stack[-1], state)
                case "PROTO" | "FRAME":
                    pass
                case "STOP":
                    return stack.pop()
                case "INST" | "OBJ" | "NEWOBJ_EX" | "EXT1" | "EXT2" | "EXT4":
                    raise WouldCall(f"something by the opcode {opcode.name}")
                case name:
                    raise ValueError(f"opcode {name}")  # nothing that PyTorch writes
        raise EOFError

    def _spend(self, n_steps: int) -> None:
        self._steps += n_steps
        if self._steps > MOST_STEPS:
            raise Damaged(f"it has more than {MOST_STEPS:,} steps")

    def _pop_marked(self) -> list[Any]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _top(self, kind: type) -> Any:
        top = self._stack[-1]
        if type(top) is not kind:
            raise Damaged(f"it fills {name_of(top)} as if it were a {kind.__name__}")
        return top

    def _make_set(self, items: Any) -> set[Any]:
        if type(items) is not list:
            raise Damaged("a set of something that is no list")
        self._spend(len(items))  # a list can be named again and again
        return set(map(_check_key, items))

    def _make_dict(self, pairs: Any = ()) -> dict[Any, Any]:
        self._spend(len(pairs))
        return {_check_key(key): value for key, value in pairs}

    def _reduce(self, called: Any, arguments: Any) -> Any:
        name = name_of(called)
        if type(called) is not Global or type(arguments) is not tuple:
            raise WouldCall(name)
        self._spend(len(arguments))
        if name in DICTS:
            return self._make_dict(*arguments)
        if name in SETS:
            return self._make_set(*arguments)
        if name in MAKERS:
            return MAKERS[name](*arguments)
        raise WouldCall(name)

    def _build(self, target: Any, state: Any) -> None:
        if type(target) is Inert and target.state is None:
            target.state = state
        elif type(target) is not dict:  # an OrderedDict's attributes are not kept: PyTorch's `_metadata`
            raise WouldCall(f"__setstate__ of {name_of(target)}")

    def _resolve(self, reference: Any) -> Any:
        """Return what stands outside the pickle: a storage, or a class beside its source in the old format."""
        if type(reference) is tuple and len(reference) == 6 and reference[5] is None:
            reference = reference[:5]  # the old format's last entry is for views of other storages
        match reference:
            case ("module", Global() as kind, _, _):
                return kind
            case ("storage", Global(name=name), str() as key, _, int() as length) if (
                name in STORAGES and len(key) <= LONGEST_NAME and length >= 0
            ):
                storage = self.storages.setdefault(key, Storage(key, STORAGES[name], length))
                if (storage.dtype, storage.length) != (STORAGES[name], length):
                    raise Damaged(f"storage {show_text(key)} is named with two kinds or lengths")
                return storage
        raise Damaged("it refers to something outside the pickle that is no storage of tensors")


def _refer(module: Any, name: Any) -> Global:
    if type(module) is not str or type(name) is not str or len(module) + len(name) > LONGEST_NAME:
        raise Damaged("it refers to something without a proper name")
    return Global(f"{module}.{name}")


def name_of(value: Any) -> str:
    return show_text(value.name) if isinstance(value, (Global, Inert)) else f"an object of type {type(value).__name__}"


def _check_key(key: Any) -> Any:
    """Return a dict's key if it is simple: hashes of nested tuples and of huge numbers can be made to take forever."""
    if type(key) in (str, bytes, float, bool, type(None)) or (type(key) is int and abs(key) < 2**63):
        return key
    raise Damaged("it has a key that is neither text nor a number")


def show_text(text: str) -> str:
    return ascii(text[:80])[1:-1]
