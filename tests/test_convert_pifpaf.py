from __future__ import annotations

import builtins
import functools
import importlib
import io
import operator
import os
import pickle
import random
import re
import struct
import sys
import tracemalloc
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from robustpose.errors import UserError
from robustpose.models.input_spec import IMAGENET_MEAN, IMAGENET_STD
from robustpose.models.pifpaf import NETWORKS
from robustpose.models.pifpaf_files import MAGIC, InertUnpickler, convert_checkpoint, load_checkpoint, read_checkpoint
from robustpose.models.weights import load_weights, read_weights
from robustpose.pose.skeletons import COCO

FORMATS = {"zip": False, "old": True}
MODULES = ("openpifpaf", "openpifpaf.network", "openpifpaf.network.nets")  # there while something is saved, no longer


@contextmanager
def published_classes() -> Iterator[Callable[[str], type[nn.Module]]]:
    """Give a function that makes a class of the published program, which can be pickled inside the block alone."""
    assert not set(MODULES) & set(sys.modules)
    sys.modules.update({name: ModuleType(name) for name in MODULES})
    module = sys.modules[MODULES[-1]]

    def get_class(name: str) -> type[nn.Module]:
        if not hasattr(module, name):
            setattr(module, name, type(name, (nn.Module,), {"__module__": module.__name__}))
        found: type[nn.Module] = getattr(module, name)
        return found

    try:
        yield get_class
    finally:
        for name in MODULES:
            del sys.modules[name]


def imitate(network: nn.Module, get_class: Callable[[str], type[nn.Module]]) -> nn.Module:
    """Return a network of the same tensors whose own classes are those of the published program."""
    kind = type(network)
    if kind.__module__.startswith("torch.") and not list(network.children()):
        return network
    copy = kind() if kind.__module__.startswith("torch.") else get_class(kind.__name__)()
    for name, child in network.named_children():
        copy.add_module(name, imitate(child, get_class))
    for name, parameter in network.named_parameters(recurse=False):
        copy.register_parameter(name, parameter)
    copy.shortname, copy.stride, copy.process_heads, copy.names = "net", 16, None, {"pif", "paf"}  # type: ignore[assignment]
    return copy


def save(content: Any, path: Path, is_old: bool, protocol: int = 2) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the source of a class is not found
        torch.save(content, path, _use_new_zipfile_serialization=not is_old, pickle_protocol=protocol)
    return path


def with_meta(network: Any) -> dict[str, Any]:
    """Return what the published program saves."""
    args = {"lr": 1e-3, "basenet": None, "headnets": ["pif", "paf"], "device": torch.device("cpu"), "seed": 2**70}
    meta = {"args": args, "version": "0.10.0", "hostname": "a", "loss": np.float64(0.5), "raw": b"\xff"}
    return {"model": network, "epoch": 350, "meta": meta}


def save_published(network: nn.Module, path: Path, is_old: bool, **options: Any) -> Path:
    with published_classes() as get_class:
        return save(with_meta(imitate(network, get_class)), path, is_old, **options)


class Own(nn.Module):
    """A small network with all that a module can hold."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.scale = nn.Parameter(torch.randn(2))
        self.register_parameter("nothing", None)
        self.register_buffer("passing", torch.ones(2), persistent=False)
        self.register_buffer("steady", torch.arange(3))
        self.net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Sequential(nn.Linear(2, 2)))
        self.frozen = nn.Linear(2, 2).requires_grad_(False).half()
        self.flipped = nn.Parameter(torch.randn(3, 4).t())
        self.part = nn.Parameter(torch.randn(9)[3:6])
        self.none = None
        self.size = torch.Size([1, 2])
        self.dtype = torch.float32
        self.constant = torch.zeros(3)


def equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return list(found) == list(expected) and all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.fixture
def own() -> nn.Module:
    return Own()


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[Path], str]:
    """Return a function that reads a file, which must be refused in one line and little memory, and gives the line."""

    def read(path: Path) -> str:
        tracemalloc.start()
        try:
            with pytest.raises(UserError) as error:
                read_checkpoint(path)
            assert tracemalloc.get_traced_memory()[1] < 2e7 + 4 * path.stat().st_size
        finally:
            tracemalloc.stop()
        message = str(error.value)
        assert message.isprintable()
        assert len(message) < 400 + len(str(path))
        assert message.startswith(str(path))
        assert not (tmp_path / "marker").exists()
        return message.removeprefix(f"{path} ")

    return read


# What the published program wrote.


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("pifpaf_shufflenetv2x2", "zip"),
        ("pifpaf_shufflenetv2x2", "old"),
        ("pifpaf_resnet50", "old"),
        ("pifpaf_resnet101", "zip"),
    ],
)
def test_checkpoint_becomes_weights_of_its_network_with_a_card(tmp_path: Path, name: str, form: str) -> None:
    network = NETWORKS[name]()
    path = save_published(network, tmp_path / "a.pkl", FORMATS[form])
    assert convert_checkpoint(path, tmp_path / "b.safetensors") == (name, [])
    other = NETWORKS[name]()
    input_spec = load_weights(other, tmp_path / "b.safetensors")
    assert equal(other.state_dict(), dict(network.state_dict()))
    with safe_open(tmp_path / "b.safetensors", "pt") as file:
        assert set(file.keys()) == set(network.state_dict())
    assert input_spec is not None
    assert (input_spec.name, input_spec.joints, input_spec.input_wh, input_spec.stride) == (
        name,
        COCO.joints,
        (641, 641),
        8,
    )
    assert (input_spec.channels, input_spec.mean, input_spec.std) == ("rgb", IMAGENET_MEAN, IMAGENET_STD)
    path.unlink()


@pytest.fixture(scope="module")
def shufflenet() -> nn.Module:
    return NETWORKS["pifpaf_shufflenetv2x2"]()


def save_tensors(tensors: dict[str, Tensor], path: Path) -> Path:
    return save({"model": tensors, "epoch": 1}, path, is_old=False)


def test_counters_that_old_files_lack_are_filled_in_and_extra_tensors_are_named(
    shufflenet: nn.Module, tmp_path: Path
) -> None:
    state = shufflenet.state_dict()
    older = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    extra = {"loss.log_sigmas": torch.zeros(4), "criterion.weight": torch.zeros(1)}
    path = save_tensors({**older, **extra}, tmp_path / "a.pkl")
    name, network, left_out = load_checkpoint(path)
    assert (name, left_out) == ("pifpaf_shufflenetv2x2", [*extra])
    assert equal(network.state_dict(), dict(state))


@pytest.mark.parametrize("form", FORMATS)
def test_network_in_parallel_training_loses_its_wrapper(own: nn.Module, tmp_path: Path, form: str) -> None:
    path = save(with_meta(nn.DataParallel(nn.DataParallel(own))), tmp_path / "a.pkl", FORMATS[form])
    assert equal(read_checkpoint(path), dict(own.state_dict()))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_tensors_have_the_names_and_order_of_the_state_dict(
    own: nn.Module, tmp_path: Path, form: str, protocol: int
) -> None:
    path = save(with_meta(own), tmp_path / "a.pkl", FORMATS[form], protocol)
    found = read_checkpoint(path)
    assert equal(found, dict(own.state_dict()))
    assert found["frozen.weight"].dtype == torch.float16
    assert equal(read_checkpoint(save(own, tmp_path / "bare.pkl", FORMATS[form], protocol)), dict(own.state_dict()))


@pytest.mark.parametrize("form", FORMATS)
def test_names_to_tensors_are_read_too(own: nn.Module, tmp_path: Path, form: str) -> None:
    content = {"model": own.state_dict(), "epoch": 3}
    assert equal(read_checkpoint(save(content, tmp_path / "a.pkl", FORMATS[form])), dict(own.state_dict()))


def test_every_kind_of_number_is_read(tmp_path: Path) -> None:
    kinds = (
        torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
        torch.uint8, torch.bool,
    )  # fmt: skip
    tensors = {str(kind).partition(".")[2]: torch.tensor([0, 1, 1], dtype=kind) for kind in kinds}
    tensors |= {"empty": torch.zeros(0, 3), "single": torch.tensor(2.0)}
    for form, is_old in FORMATS.items():
        found = read_checkpoint(save({"model": tensors}, tmp_path / form, is_old))
        assert equal(found, tensors)
        assert [tensor.dtype for tensor in found.values()] == [tensor.dtype for tensor in tensors.values()]


def test_shared_parameters_have_both_their_names(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network[1].weight = network[0].weight
    assert equal(read_checkpoint(save(network, tmp_path / "a.pkl", False)), dict(network.state_dict()))


# Networks of somebody else.


def test_other_network_is_one_line(tmp_path: Path) -> None:
    path = save({"model": nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))}, tmp_path / "a.pkl", False)
    with pytest.raises(UserError, match=r"must hold one of pifpaf_shufflenetv2x2, .*; it holds: 0\.weight, 0\.bias, 1"):
        load_checkpoint(path)


def test_deeper_trunk_is_refused_and_not_cut(shufflenet: nn.Module, tmp_path: Path) -> None:
    state = {**shufflenet.state_dict(), "base_net.net.3.4.branch2.0.weight": torch.zeros(1)}
    with pytest.raises(
        UserError, match=r"a\.pkl, which is most like pifpaf_shufflenetv2x2, does not fit PifPaf: 1 unknown"
    ):
        load_checkpoint(save_tensors(state, tmp_path / "a.pkl"))


def test_checkpoint_without_a_head_says_what_is_missing(shufflenet: nn.Module, tmp_path: Path) -> None:
    state = {name: tensor for name, tensor in shufflenet.state_dict().items() if not name.startswith("head_nets.1.")}
    with pytest.raises(UserError, match=r"does not fit PifPaf: 10 missing \(head_nets\.1\.class_convs\.0\.weight; "):
        load_checkpoint(save_tensors(state, tmp_path / "a.pkl"))


@pytest.mark.parametrize("content", [{"epoch": 3}, {"model": None}, [1], {"model": {}}, {"model": {"a": 1}}, "text"])
def test_file_without_a_network_says_what_was_expected(
    refused: Callable[[Path], str], tmp_path: Path, content: Any
) -> None:
    message = refused(save(content, tmp_path / "a.pkl", False))
    assert message == "holds no network: expected a checkpoint of openpifpaf 0.10, a dict with the network in 'model'"


# Files that would do something.


class Call:
    """Call a function when unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


def calls(marker: Path) -> dict[str, tuple[Call, str]]:
    """Return things that do something when unpickled, and what the message must name."""
    code = f"open({str(marker)!r}, 'w')"
    return {
        "command": (Call(os.system, f"touch '{marker}'"), "posix.system"),
        "eval": (Call(builtins.eval, code), "builtin__.eval"),
        "exec": (Call(builtins.exec, code), "builtin__.exec"),
        "open": (Call(builtins.open, str(marker), "w"), "io.open"),
        "partial": (Call(functools.partial, os.system, "true"), "functools.partial"),
        "import": (Call(importlib.import_module, "antigravity"), "importlib.import_module"),
        "attribute": (Call(operator.attrgetter, "system"), "operator.attrgetter"),
        "getattr": (Call(builtins.getattr, nn.Module, "__setstate__"), "builtin__.getattr"),
        "method": (Call(nn.Module.load_state_dict, nn.Module(), {}), "Module.load_state_dict"),
        "load": (Call(torch.load, str(marker)), "torch.serialization.load"),
    }


CALLS = list(calls(Path("marker")))


@pytest.mark.parametrize("form", [*FORMATS, "bare"])
@pytest.mark.parametrize("what", CALLS)
def test_file_that_would_call_something_is_refused_and_calls_nothing(
    refused: Callable[[Path], str], own: nn.Module, tmp_path: Path, what: str, form: str
) -> None:
    call, name = calls(tmp_path / "marker")[what]
    content = with_meta(own)
    content["meta"]["extra"] = call
    path = tmp_path / "a.pkl"
    protocol = 4 if what == "method" else 2  # the older ones have no names with dots
    if form == "bare":
        path.write_bytes(pickle.dumps(content["meta"], protocol))
    else:
        save(content, path, FORMATS[form], protocol)
    assert re.fullmatch(
        rf"would have to run code to be read \(it calls [\w.]*{re.escape(name)}\), and is refused: expected a "
        "checkpoint of openpifpaf 0.10, which needs none",
        refused(path),
    )


def test_refused_command_would_have_worked(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(calls(tmp_path / "marker")["command"][0]))
    assert (tmp_path / "marker").exists()


def write_zip(path: Path, content: bytes, storages: dict[str, bytes] | None = None, **options: Any) -> Path:
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("archive/data.pkl", content)
        for key, numbers in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", numbers)
    return path


def write_old(path: Path, content: bytes, storages: dict[str, bytes] | None = None, item: int = 4) -> Path:
    header = [MAGIC, 1001, {"little_endian": True}]
    numbers = [struct.pack("<q", len(one) // item) + one for one in (storages or {}).values()]
    keys = pickle.dumps([*(storages or {})], 2)
    path.write_bytes(b"".join([*(pickle.dumps(one, 2) for one in header), content, keys, *numbers]))
    return path


WRITE = {"zip": write_zip, "old": write_old}


def opcodes(marker: Path) -> dict[str, bytes]:
    """Return pickles that call os.system, or come near, by every opcode that there is for it."""
    system, command = b"cposix\nsystem\n", b"S'touch " + str(marker).encode() + b"'\n"
    return {
        "REDUCE": system + b"(" + command + b"tR.",
        "REDUCE, name from the stack": b"\x80\x04\x8c\x05posix\x8c\x06system\x93(" + command + b"tR.",
        "INST": b"(" + command + b"iposix\nsystem\n.",
        "OBJ": b"(" + system + command + b"o.",
        "NEWOBJ with arguments": system + b"(" + command + b"t\x81.",
        "NEWOBJ_EX": system + b"(" + command + b"t}\x92.",
        "NEWOBJ of an object": system + b")\x81)\x81.",
        "EXT1": b"\x82\x01.",
        "REDUCE of an object": system + b")\x81(" + command + b"tR.",
        "REDUCE without a tuple": system + command + b"R.",
        "nested name": b"\x80\x04\x8c\x05torch\x8c\x16nn.Module.__setstate__\x93(" + command + b"tR.",
        "BUILD of a function": system + b"}b.",
        "BUILD of an allowed function": b"ctorch._utils\n_rebuild_tensor_v2\n}S'__defaults__'\n)s(N}b.",
        "BUILD of a list": b"]}b.",
        "BUILD twice": system + b")\x81}S'__setstate__'\n" + system + b"sb" + command + b"b.",
        "reconstructor of a list": b"ccopyreg\n_reconstructor\n(cposix\nsystem\nc__builtin__\nlist\n]tR.",
        "reconstructor of an object": b"ccopyreg\n_reconstructor\n(NNNtR.",
    }


@pytest.mark.parametrize("form", WRITE)
@pytest.mark.parametrize("how", opcodes(Path("marker")))
def test_opcode_that_would_call_something_is_refused(
    refused: Callable[[Path], str], tmp_path: Path, how: str, form: str
) -> None:
    path = WRITE[form](tmp_path / "a.pkl", opcodes(tmp_path / "marker")[how])
    assert refused(path).startswith("would have to run code to be read (it calls ")


def test_network_whose_state_names_functions_calls_none(own: nn.Module, tmp_path: Path) -> None:
    own.__dict__["__setstate__"] = own.__dict__["__reduce__"] = os.system
    own.__dict__["forward"] = os.system
    assert equal(read_checkpoint(save(own, tmp_path / "a.pkl", False, 2)), dict(own.state_dict()))


# Files that would take too much.


def make_tensor(storage: bytes = b"", offset: str = "0", size: str = "2", stride: str = "1") -> bytes:
    """Return the pickle of {'model': {'a': a tensor}}, size and stride as numbers with commas."""

    def write_tuple(numbers: str) -> bytes:
        return b"(" + b"".join(f"L{n}L\n".encode() for n in numbers.split(",") if n) + b"t"

    storage = storage or make_storage()
    return (
        b"}S'model'\n}S'a'\nctorch._utils\n_rebuild_tensor_v2\n(" + storage + f"L{offset}L\n".encode()
        + write_tuple(size) + write_tuple(stride) + b"I00\nccollections\nOrderedDict\n)RtRss."
    )  # fmt: skip


def make_storage(kind: str = "torch\nFloatStorage", key: str = "0", length: str = "2", view: bytes = b"N") -> bytes:
    return f"(S'storage'\nc{kind}\nS'{key}'\nS'cpu'\nL{length}L\n".encode() + view + b"tQ"


@pytest.mark.parametrize("form", WRITE)
def test_tensor_made_by_hand_is_read(tmp_path: Path, form: str) -> None:
    path = WRITE[form](tmp_path / "a.pkl", make_tensor(), {"0": struct.pack("<2f", 1, 2)})
    assert read_checkpoint(path)["a"].tolist() == [1, 2]


TENSORS = {
    "too large": make_tensor(size="1000000000000"),
    "much too large": make_tensor(size="1" + 30 * "0"),
    "one too large": make_tensor(size="3"),
    "stretched": make_tensor(size="1000000,2", stride="0,1"),
    "beyond by its stride": make_tensor(stride="2"),
    "beyond by its offset": make_tensor(offset="1"),
    "negative offset": make_tensor(offset="-1"),
    "negative stride": make_tensor(offset="1", stride="-1"),
    "negative size": make_tensor(size="-1"),
    "without a stride": make_tensor(stride=""),
    "of too many dimensions": make_tensor(size=",".join("1" * 9), stride=",".join("1" * 9)),
    "of no storage": make_tensor(storage=b"N"),
    "of another storage": make_tensor(storage=b"cos\nsystem\n"),
    "of a storage of unknown kind": make_tensor(make_storage("torch\nQInt8Storage")),
    "of a storage with a number as its key": make_tensor(b"(S'storage'\nctorch\nFloatStorage\nI0\nS'cpu'\nI2\nNtQ"),
    "of a storage that claims more": make_tensor(make_storage(length="1000000000000")),
    "of a storage that claims less": make_tensor(make_storage(length="1"), size="1"),
    "of a storage of negative length": make_tensor(make_storage(length="-2"), size="0"),
    "of half a storage": make_tensor(make_storage(view=b"(S'1'\nI0\nI2\nt")),
    "of a reference to something else": make_tensor(b"(S'module'\nN(tQ"),
    "of a reference that is text": make_tensor(b"S'0'\nQ"),
    "of a storage with two kinds": make_tensor(make_storage("torch\nIntStorage") + b"0" + make_storage()),
}


@pytest.mark.parametrize("form", WRITE)
@pytest.mark.parametrize("kind", TENSORS)
def test_tensor_that_is_not_in_the_file_is_refused(
    refused: Callable[[Path], str], tmp_path: Path, kind: str, form: str
) -> None:
    path = WRITE[form](tmp_path / "a.pkl", TENSORS[kind], {"0": bytes(8)})
    assert refused(path).startswith("is damaged or made to do harm (")


def module(parameters: bytes = b"}", buffers: bytes = b"}", modules: bytes = b"}") -> bytes:
    state = b"}(S'_parameters'\n" + parameters + b"S'_buffers'\n" + buffers + b"S'_modules'\n" + modules + b"u"
    return b"cnn\nModule\n)\x81" + state + b"b"


def nest_modules(depth: int) -> bytes:
    content = module()
    for _ in range(depth):
        content = module(modules=b"}S'a'\n" + content + b"s")
    return content + b"."


def double_modules(depth: int) -> bytes:
    """Return a module that is two times one that is two times one that …: little to write down, endless to list."""
    content = module() + b"q\x00"
    for level in range(depth):
        twice = b"}(S'a'\nh" + bytes([level]) + b"S'b'\nh" + bytes([level]) + b"u"
        content += b"0" + module(modules=twice) + b"q" + bytes([level + 1])
    return content + b"."


def many_modules(number: int, n_names: int) -> bytes:
    """Return a module of many that share a dict of names of nothing."""
    names = b"}(" + b"".join(b"I%d\nN" % i for i in range(n_names)) + b"uq\x000"
    modules = b"".join(b"S'%d'\n" % i + module(parameters=b"h\x00") for i in range(number))
    return names + module(modules=b"}(" + modules + b"u") + b"."


BOMBS = {
    "modules in modules": nest_modules(200),
    "modules twice in modules": double_modules(30),
    "module in itself": b"cnn\nModule\n)\x81q\x00}(S'_parameters'\n}S'_buffers'\n}S'_modules'\n}S'a'\nh\x00sub.",
    "endless lists": b"]" * 1_100_000 + b".",
    "sets of a long list": b"(" + b"N" * 200_000 + b"t0](" + b"N" * 200_000 + b"eq\x00c__builtin__\nset\nq\x010"
    + b"h\x01h\x00\x85R0" * 100 + b"N.",
    "nested tuple as a key": b")" + b"\x85" * 500_000 + b"q\x000}h\x00Ns.",
    "huge number as a key": b"}L1" + b"0" * 4000 + b"L\nNs.",
    "long names joined": b"\x80\x04X\xe8\x03\x00\x00" + b"a" * 1000 + b"\x8c\x01b\x93.",
    "calls with many arguments": b"(" + b"N" * 200_000 + b"tq\x00ctorch\ndevice\nq\x01" + b"h\x01h\x00R0" * 100 + b"N.",
    "many modules without tensors": many_modules(2000, 100),
    "parameter that is none": module(parameters=b"}S'a'\nI1\ns") + b".",
    "name with a line break": module(parameters=b"}S'a\\nb'\nNs", modules=b"}S'a\\nb'\n" + module() + b"s") + b".",
    "name with a dot": module(modules=b"}S'a.b'\n" + module() + b"s") + b".",
}  # fmt: skip


@pytest.mark.parametrize("form", WRITE)
@pytest.mark.parametrize("kind", BOMBS)
def test_bomb_is_refused(tmp_path: Path, kind: str, form: str) -> None:
    path = WRITE[form](tmp_path / "a.pkl", BOMBS[kind])
    with pytest.raises(
        UserError, match=r"a\.pkl is damaged or made to do harm \(.*\), and is refused: download it again$"
    ) as error:
        read_checkpoint(path)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("form", WRITE)
def test_reference_as_text_is_nothing_that_pytorch_writes(
    refused: Callable[[Path], str], tmp_path: Path, form: str
) -> None:
    assert "is no PyTorch file, or a damaged one" in refused(WRITE[form](tmp_path / "a.pkl", b"Pposix\n."))


def test_object_that_is_no_module_is_named(refused: Callable[[Path], str], tmp_path: Path) -> None:
    inner = module(modules=b"}S'a'\ncos\nsystem\n)\x81s")
    for content, name in ((b"cos\nsystem\n)\x81.", "its object os.system"), (inner + b".", "a.object os.system")):
        message = refused(write_zip(tmp_path / "a.pkl", content))
        assert message == f"holds no network: {name} is no PyTorch module"


def test_number_of_a_memo_entry_takes_no_memory(tmp_path: Path) -> None:
    content = b"]r\xff\xff\xff\xff0" + make_tensor()
    path = write_zip(tmp_path / "a.pkl", content, {"0": bytes(8)})
    tracemalloc.start()
    read_checkpoint(path)
    assert tracemalloc.get_traced_memory()[1] < 1e7
    tracemalloc.stop()


def test_deep_nesting_that_is_not_needed_does_no_harm(tmp_path: Path) -> None:
    deep = b"]" * 300_000 + b"a" * 299_999 + b"0"
    path = write_zip(tmp_path / "a.pkl", deep + make_tensor(), {"0": bytes(8)})
    assert list(read_checkpoint(path)) == ["a"]


@pytest.mark.parametrize("opcode", [b"X\xff\xff\xff\x7f", b"T\xff\xff\xff\x7f", b"\x8d" + b"\xff" * 7 + b"\x7f"])
@pytest.mark.parametrize("form", WRITE)
def test_text_that_claims_to_be_long_takes_no_memory(
    refused: Callable[[Path], str], tmp_path: Path, opcode: bytes, form: str
) -> None:
    assert "is no PyTorch file, or a damaged one" in refused(WRITE[form](tmp_path / "a.pkl", opcode + b"abc"))


def test_compressed_archive_is_refused_unread(refused: Callable[[Path], str], tmp_path: Path) -> None:
    bomb = b"N0" * 10_000_000 + b"N."
    path = write_zip(tmp_path / "a.pkl", bomb, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    assert "its archive is compressed" in refused(path)


def test_archive_whose_entries_overlap_is_refused(refused: Callable[[Path], str], tmp_path: Path) -> None:
    numbers = struct.pack("<2f", 1, 2) * 100_000
    keys = [str(key) for key in range(20)]
    tensors = b"".join(make_storage(key=key, length="200000") + b"0" for key in keys)
    path = write_zip(tmp_path / "a.pkl", tensors + b"N.", {"0": numbers})
    with zipfile.ZipFile(path, "a") as archive:
        first = archive.getinfo("archive/data/0")
        for key in keys[1:]:  # the same bytes under other names
            entry = zipfile.ZipInfo(f"archive/data/{key}")
            entry.file_size, entry.compress_size, entry.CRC = first.file_size, first.compress_size, first.CRC
            entry.header_offset = first.header_offset
            archive.filelist.append(entry)
        archive._didModify = True  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=r"longer than the file|is no PyTorch file, or a damaged one"):
        read_checkpoint(path)


# Files that are damaged.


@pytest.mark.parametrize("form", FORMATS)
def test_cut_file_is_one_line_wherever_it_is_cut(
    refused: Callable[[Path], str], own: nn.Module, tmp_path: Path, form: str
) -> None:
    whole = save(with_meta(own), tmp_path / "a.pkl", FORMATS[form]).read_bytes()
    path = tmp_path / "cut.pkl"
    for length in [0, 1, 2, 10, 100, *range(200, len(whole), len(whole) // 30), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert "download it again" in refused(path)


@pytest.mark.parametrize("form", FORMATS)
def test_changed_file_is_read_or_is_one_line(own: nn.Module, tmp_path: Path, form: str) -> None:
    whole = save(with_meta(own), tmp_path / "a.pkl", FORMATS[form]).read_bytes()
    path, rng = tmp_path / "changed.pkl", random.Random(0)
    messages = []
    for _ in range(100):
        changed = bytearray(whole)
        for _ in range(rng.randint(1, 20)):
            changed[rng.randrange(len(whole))] = rng.randrange(256)
        path.write_bytes(changed)
        try:
            read_checkpoint(path)
        except UserError as error:
            messages.append(str(error))
    assert len(messages) > 50
    assert all(message.isprintable() for message in messages)


@pytest.mark.parametrize("content", [b"<html>404</html>\n", bytes(1000), b"PK\x03\x04" + bytes(100), b"\x89PNG\r\n"])
def test_file_of_something_else_is_one_line(refused: Callable[[Path], str], tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    assert "is no PyTorch file, or a damaged one" in refused(path)


def test_plain_pickle_and_plain_archive_are_no_checkpoints(refused: Callable[[Path], str], tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"model": OrderedDict()}, 2))
    assert "is no PyTorch file" in refused(tmp_path / "a.pkl")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert "is no PyTorch file" in refused(tmp_path / "b.zip")


@pytest.mark.parametrize("form", WRITE)
def test_numbers_in_another_order_of_bytes_are_refused(
    refused: Callable[[Path], str], tmp_path: Path, form: str
) -> None:
    path = WRITE[form](tmp_path / "a.pkl", make_tensor(), {"0": bytes(8)})
    if form == "zip":
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("archive/byteorder", "big")
    else:
        path.write_bytes(path.read_bytes().replace(b"little_endianq\x01\x88", b"little_endianq\x01\x89"))
    assert "was written on a machine with another order of bytes than this one's (little-endian)" in refused(path)


def test_reading_stops_behind_the_pickle() -> None:
    stream = io.BytesIO(pickle.dumps([1, {"a": (None, True)}], 2) + pickle.dumps("next", 2))
    assert InertUnpickler(stream).load() == [1, {"a": (None, True)}]
    assert InertUnpickler(stream).load() == "next"


# The command.


def test_command_writes_beside_the_checkpoint_and_says_what_it_left_out(
    run: Any, shufflenet: nn.Module, tmp_path: Path
) -> None:
    save_tensors({**shufflenet.state_dict(), "loss.sigma": torch.zeros(1)}, tmp_path / "a.pkl")
    code, output, errors = run("convert-pifpaf", tmp_path / "a.pkl")
    assert (code, errors) == (0, "")
    assert output == (
        f"pifpaf_shufflenetv2x2 in {tmp_path / 'a.safetensors'}\n"
        "left out, since the network has no use for them: loss.sigma\n"
    )
    tensors, input_spec = read_weights(tmp_path / "a.safetensors")
    assert set(tensors) == set(shufflenet.state_dict())
    assert input_spec is not None


@pytest.mark.parametrize("out", ["b.pth", "none/b.safetensors"])
def test_out_that_cannot_be_written_is_one_line(run: Any, shufflenet: nn.Module, tmp_path: Path, out: str) -> None:
    save_tensors(dict(shufflenet.state_dict()), tmp_path / "a.pkl")
    code, _, errors = run("convert-pifpaf", tmp_path / "a.pkl", "--out", tmp_path / out)
    assert code == 2
    assert errors.startswith("error: --out must be a .safetensors file in a folder that exists, got")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pkl"]


@pytest.mark.parametrize("name", ["none.pkl", "."])
def test_missing_checkpoint_is_one_line(run: Any, tmp_path: Path, name: str) -> None:
    code, _, errors = run("convert-pifpaf", tmp_path / name)
    assert (code, errors) == (
        2,
        f"error: there is no checkpoint {tmp_path / name}: name a file that openpifpaf 0.10 saved\n",
    )
