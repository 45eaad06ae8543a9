"""Checkpoints of PifPaf's published program: the weights of a pickled network, without running what the file contains.

openpifpaf 0.10 saved {'model': the network object, 'epoch': …, 'meta': …} with torch.save, which needs the classes of
that program to be read. Here `inert_pickle` follows the pickle instead, and the names of the parameters are found in
the inert objects that it makes.
"""

from __future__ import annotations

import io
import mmap
import sys
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from robustpose.errors import UserError
from robustpose.models.inert_objects import LONGEST_NAME, Damaged, Inert, Place, Refusal, WouldCall, name_of, show_text
from robustpose.models.inert_pickle import InertUnpickler
from robustpose.models.pifpaf import NETWORKS, PifPaf
from robustpose.models.torch_files import PARALLEL
from robustpose.models.weights import load_tensors, save_weights
from robustpose.models.zoo import make_input_spec
from robustpose.pose.skeletons import COCO

PARTS = ("base_net.", "head_nets.")  # what a network consists of; its object may hold more
MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of the format before PyTorch 1.6
MOST_NAMES = 20_000  # of modules and their tensors: the largest published network has 1,000
MODULE_PARTS = ("_parameters", "_buffers", "_modules")  # where PyTorch keeps what a module consists of
SHOWN = 3  # names in a message


def convert_checkpoint(path: Path, out: Path) -> tuple[str, list[str]]:
    """Write a published checkpoint as safetensors with an input spec; return the network's name and what was left out.

    The checkpoint is in either of torch.save's formats; `out` is replaced if it is there.
    """
    name, network, left_out = load_checkpoint(path)
    if out.suffix != ".safetensors" or not out.parent.is_dir():
        raise UserError(f"--out must be a .safetensors file in a folder that exists, got {out}")
    save_weights(network, make_input_spec(name, COCO), out)
    return name, left_out


def load_checkpoint(path: Path) -> tuple[str, PifPaf, list[str]]:
    """Return the name of a checkpoint's network, the network with its weights, and names of tensors of no use in it."""
    tensors = read_checkpoint(path)
    kept = {name: tensor for name, tensor in tensors.items() if name.startswith(PARTS)}
    fits = {name: _count_fitting(name, kept) for name in NETWORKS}
    nearest = max(fits, key=fits.__getitem__)
    if fits[nearest] == 0:
        raise UserError(
            f"{path} must hold one of {', '.join(NETWORKS)}, with tensors base_net.… and head_nets.…; "
            f"it holds: {', '.join([*tensors][:SHOWN]) or 'no tensors'}{', …' if len(tensors) > SHOWN else ''}"
        )
    network = NETWORKS[nearest]()
    load_tensors(network, kept, f"{path}, which is most like {nearest},")
    return nearest, network, [name for name in tensors if name not in kept]


def _count_fitting(network: str, tensors: dict[str, Tensor]) -> int:
    with torch.device("meta"):
        expected = NETWORKS[network]().state_dict()
    return sum(name in tensors and tensors[name].shape == tensor.shape for name, tensor in expected.items())


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a pickled network by their full names, in the order and with the names of its state_dict().

    The ``module.`` of parallel training is taken off. Names to tensors instead of a network are read as well. A file
    that would have to run code to be read is refused.
    """
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path}: name a file that openpifpaf 0.10 saved")
    try:
        with path.open("rb") as file:
            is_zip = file.read(4) == b"PK\x03\x04"
        content, storages = _read_zip(path) if is_zip else _read_old(path)
        places = _list_places(content)
        while places and all(name.startswith(PARALLEL) for name in places):
            places = {name.removeprefix(PARALLEL): place for name, place in places.items()}
        return {name: place.view(storages[place.storage.key]) for name, place in places.items()}
    except WouldCall as refusal:
        raise UserError(f"{path} {refusal}: expected a checkpoint of openpifpaf 0.10, which needs none") from refusal
    except Refusal as refusal:
        raise UserError(f"{path} {refusal}") from refusal
    except Exception as error:  # damaged bytes raise whatever they happen to spell
        raise UserError(
            f"{path} is no PyTorch file, or a damaged one ({type(error).__name__}): expected a checkpoint of "
            "openpifpaf 0.10; download it again"
        ) from error


# Where tensors are: in archives and streams, and in what the machine has read.


def _read_zip(path: Path) -> tuple[Any, dict[str, Tensor]]:
    """Return what was saved and the numbers of its storages, from the format since PyTorch 1.6."""
    left = path.stat().st_size  # all that is read cannot be more, unless entries are compressed or overlap

    def read_entry(name: str) -> bytes:
        nonlocal left
        entry = archive.getinfo(name)
        left -= entry.file_size
        if entry.compress_type != zipfile.ZIP_STORED or left < 0:
            raise Damaged("its archive is compressed, which PyTorch's are not, or longer than the file")
        return archive.read(entry)

    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        (folder,) = {name.split("/")[0] for name in names if name.count("/") == 1 and name.endswith("/data.pkl")}
        has_order = f"{folder}/byteorder" in names
        _check_byteorder(read_entry(f"{folder}/byteorder").decode() if has_order else "little")
        unpickler = InertUnpickler(io.BytesIO(read_entry(f"{folder}/data.pkl")))
        content = unpickler.load()
        numbers = {key: storage.read(read_entry(f"{folder}/data/{key}")) for key, storage in unpickler.storages.items()}
    return content, numbers


def _read_old(path: Path) -> tuple[Any, dict[str, Tensor]]:
    """Return what was saved and the numbers of its storages, from the format before: pickles, then the numbers."""
    # Mapped, so that a claimed length takes no memory.
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as stream:
        if InertUnpickler(stream).load() != MAGIC:
            raise ValueError("another magic number")
        InertUnpickler(stream).load()  # the number of the format: there was one
        written_by = InertUnpickler(stream).load()
        _check_byteorder("little" if written_by["little_endian"] else "big")
        unpickler = InertUnpickler(stream)
        content = unpickler.load()
        found = {}
        for key in InertUnpickler(stream).load():
            storage = unpickler.storages[key]
            if int.from_bytes(stream.read(8), "little") != storage.length:
                raise Damaged(f"storage {show_text(key)} has another length than it is said to have")
            found[key] = storage.read(stream.read(storage.n_bytes))
    return content, found


def _check_byteorder(order: str) -> None:
    if order != sys.byteorder:
        raise Refusal(f"was written on a machine with another order of bytes than this one's ({sys.byteorder}-endian)")


def _list_places(content: Any) -> dict[str, Place]:
    """Return the tensors of a network by name, as its state_dict() would list them."""
    network = content.get("model") if type(content) is dict else content
    if type(network) is dict and network and all(type(place) is Place for place in network.values()):
        return {_check_name(name, dots=True): place for name, place in network.items()}
    if type(network) is not Inert:
        raise Refusal("holds no network: expected a checkpoint of openpifpaf 0.10, a dict with the network in 'model'")
    places: dict[str, Place] = {}
    pending: list[tuple[str, Any]] = [("", network)]  # last first; one module can be there under several names
    n_names = 0
    while pending:
        prefix, module = pending.pop()
        state = module.state if type(module) is Inert else None
        if type(state) is not dict or not all(type(state.get(part)) is dict for part in MODULE_PARTS):
            raise Refusal(f"holds no network: {prefix or 'its '}object {name_of(module)} is no PyTorch module")
        parameters, buffers, modules = (state[part] for part in MODULE_PARTS)
        n_names += len(parameters) + len(buffers) + len(modules)
        if n_names > MOST_NAMES:
            raise Damaged(f"it has more than {MOST_NAMES:,} modules and tensors")
        passing = state.get("_non_persistent_buffers_set")  # since PyTorch 1.5
        if type(passing) is set:
            buffers = {name: value for name, value in buffers.items() if name not in passing}
        for name, place in {**parameters, **buffers}.items():
            if type(place) is Place:
                places[_check_name(name, prefix)] = place
            elif place is not None:
                raise Damaged(f"{_check_name(name, prefix)} is no tensor")
        children = [(f"{_check_name(name, prefix)}.", child) for name, child in modules.items() if child is not None]
        pending += reversed(children)
    return places


def _check_name(name: Any, prefix: str = "", dots: bool = False) -> str:
    """Return the full name of a tensor or module."""
    if type(name) is not str or not name.isprintable() or ("." in name and not dots):
        raise Damaged("a tensor or module has no proper name")
    if len(prefix) + len(name) > LONGEST_NAME:
        raise Damaged(f"a name has more than {LONGEST_NAME} characters")
    return prefix + name
