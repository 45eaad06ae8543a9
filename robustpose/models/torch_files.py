"""Files that PyTorch saved: tensors by name, taken out without running what a file may contain."""

from __future__ import annotations

import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from robustpose.errors import UserError

# Where training programs keep the network among other things; tried in this order.
WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net")
PARALLEL = "module."  # what DataParallel puts before every name
# Beside the weights there are often scores as NumPy numbers or arrays: building these runs no code of the file's.
# Files name their makers by the old or the new place in NumPy.
_MAKERS = {"scalar": np.float64(0).__reduce__()[0], "_reconstruct": np.zeros(0).__reduce__()[0]}
_NUMPY: list[Any] = [
    *((make, f"numpy.{core}.multiarray.{name}") for name, make in _MAKERS.items() for core in ("core", "_core")),
    np.ndarray,
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "u1", "?")),
]


def read_torch_file(path: Path) -> dict[str, Tensor]:
    """Return the tensors by name, without the wrapper they are in and without ``module.``.

    A file that would have to run code to be read, or holds no tensors by name, is a UserError.
    """
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_NUMPY):
            warnings.simplefilter("ignore")  # about old formats
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(f"{path} {_explain_refusal(str(error))}") from error
    except Exception as error:  # damaged bytes raise whatever they happen to spell
        raise UserError(f"{path} is no PyTorch file, or a damaged one ({type(error).__name__})") from error
    tensors = _find_tensors(content)
    if tensors is None:
        kind = type(content).__name__
        if isinstance(content, dict) and len(content) < 9:
            kind = ", ".join(map(str, content))
        raise UserError(f"{path} must hold tensors by name, or a dict with them in 'state_dict'; it holds: {kind}")
    if all(name.startswith(PARALLEL) for name in tensors):
        tensors = {name.removeprefix(PARALLEL): tensor for name, tensor in tensors.items()}
    return tensors


def _find_tensors(content: Any) -> dict[str, Tensor] | None:
    if not isinstance(content, dict):
        return None
    if content and all(isinstance(value, Tensor) for value in content.values()):
        return {str(name): tensor for name, tensor in content.items()}
    wrapped = (_find_tensors(content.get(wrapper)) for wrapper in WRAPPERS)
    return next((found for found in wrapped if found is not None), None)


def _explain_refusal(message: str) -> str:
    """Return why PyTorch did not read a file, without the advice that it gives: to run what is in the file."""
    named = re.search(r"(?:GLOBAL|[Uu]nsupported class) ([\w.]+)", message)
    if named is not None:
        return (
            f"would have to run code to be read (it refers to {named.group(1)}), and is refused: save the network's "
            "state_dict() from the program that made the file"
        )
    reason = re.search(r"WeightsUnpickler error:\s*(.+)", message)
    return "is no PyTorch file, or a damaged one" + (f" ({reason.group(1)})" if reason else "")
