"""A pickle read without being run: a small machine that makes plain values and inert objects (`inert_objects`).

It looks no name up and calls nothing of the file's: what it makes is plain values, places of tensors, and inert objects
that keep their state. What would need more is refused. Time and memory are bounded.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any

from robustpose.models.inert_objects import (
    COLLECTIONS,
    LONGEST_NAME,
    MAKERS,
    STORAGES,
    Damaged,
    Global,
    Inert,
    Storage,
    WouldCall,
    name_of,
    show_text,
)

MOST_STEPS = 1_000_000  # harmless, and plenty: an object like the largest published network takes 56,000
VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8",
}  # fmt: skip
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "EMPTY_SET": set}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class InertUnpickler:
    """Read one pickle from a stream into plain values, `Place`, `Global` and `Inert`; keep its storages by key."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.storages: dict[str, Storage] = {}
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}  # not a list: a file may number its entries as it likes
        self._steps = 0

    def load(self) -> Any:
        """Return the value; the stream is then behind it.

        A pickle that would have to call something, or is too much, is a Refusal; a damaged one raises anything.
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

    def _reduce(self, called: Any, arguments: Any) -> Any:
        name = name_of(called)
        if type(called) is not Global or type(arguments) is not tuple:
            raise WouldCall(name)
        self._spend(len(arguments))
        if name in MAKERS:
            return MAKERS[name](*arguments)
        if name not in COLLECTIONS:
            raise WouldCall(name)
        (items,) = arguments or ([],)
        if type(items) is not list:
            raise Damaged(f"a {COLLECTIONS[name].__name__} of something that is no list")
        self._spend(len(items))  # a list can be named again and again
        if COLLECTIONS[name] is set:
            return set(map(_check_key, items))
        return {_check_key(key): value for key, value in items}

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


def _check_key(key: Any) -> Any:
    """Return a dict's key if it is simple: hashes of nested tuples and of huge numbers can be made to take forever."""
    if type(key) in (str, bytes, float, bool, type(None)) or (type(key) is int and abs(key) < 2**63):
        return key
    raise Damaged("it has a key that is neither text nor a number")
