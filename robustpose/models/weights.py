"""Weights: safetensors files with the model card inside, so that a file says itself how it wants to be used.

Reading one runs no code. Loading is strict: every tensor of the network, no other, each of the right shape.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from robustpose.errors import UserError, first_few
from robustpose.files import open_whole
from robustpose.models.card import ModelCard

DEMO = Path(__file__).with_name("pretrained") / "demo.safetensors"  # made by recipes/demo.yaml
CARD = TypeAdapter(ModelCard)
KEY = "robustpose"  # a single entry, because the order in which several are written is not fixed


def save_weights(network: nn.Module, card: ModelCard, path: Path) -> None:
    """Write a network's tensors and its card, atomically; the same tensors give the same bytes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with open_whole(path) as file:
        file.write(save(tensors, {KEY: CARD.dump_json(card).decode()}))


def read_weights(path: Path) -> tuple[dict[str, Tensor], ModelCard]:
    """Return the tensors of a file by name, and its card.

    Raises:
        UserError: the file cannot be read, or carries no card.
    """
    if not path.is_file():
        raise UserError(f"there is no weights file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is no safetensors file, or a damaged one: {error}") from error
    if KEY not in metadata:
        raise UserError(f"{path} carries no model card: expected a file written by robustpose train")
    try:
        return tensors, CARD.validate_json(metadata[KEY])
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise UserError(f"the model card in {path} cannot be read: {place} {problem['msg']}") from error


def load_weights(network: nn.Module, path: Path) -> ModelCard:
    """Load a file into `network`, strictly, and return its card.

    Raises:
        UserError: the file cannot be read, or is not of this network: the first few differences.
    """
    tensors, card = read_weights(path)
    expected = network.state_dict()
    problems = [f"{name} is missing" for name in expected if name not in tensors]
    problems += [f"{name} is unknown" for name in tensors if name not in expected]
    problems += [
        f"{name} must be {tuple(expected[name].shape)}, got {tuple(tensor.shape)}"
        for name, tensor in tensors.items()
        if name in expected and tensor.shape != expected[name].shape
    ]
    if problems:
        raise UserError(f"{path} does not fit {type(network).__name__}: {first_few(problems, 'differences')}")
    network.load_state_dict(tensors)
    return card
