"""Networks in memory that are trained: under which name settings have them, and the file of the first weights."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from robustpose import models
from robustpose.errors import UserError
from robustpose.estimators.in_memory import check_weights, copy_network, describe_layers, name_network
from robustpose.files import hash_file
from robustpose.handed_over import hand_over
from robustpose.models.input_spec import InputSpec
from robustpose.models.weights import load_weights, read_input_spec, save_weights
from robustpose.models.zoo import make_input_spec
from robustpose.pose.skeletons import COCO
from robustpose.train.loop import LAST, START, claim_folder

TorchModule = nn.Module  # for annotations of those who do not import PyTorch


def copy_to_train(network: nn.Module) -> nn.Module:
    """Return a float32 copy on the CPU; layers that do not learn stay so."""
    if isinstance(network, torch.jit.ScriptModule):
        raise UserError(f"network '{name_network(network)}' is compiled by TorchScript: hand over the module itself")
    check_weights(network)
    hooks = [hook for layer in network.modules() for hook in layer._forward_pre_hooks.values()]
    computed = [hook for hook in hooks if type(hook).__module__.startswith("torch.nn.utils.")]
    if computed:
        raise UserError(
            f"network '{name_network(network)}' has weights that a hook computes ({type(computed[0]).__name__}), which "
            "cannot be copied: take the function of the same name in torch.nn.utils.parametrizations"
        )
    copied = copy_network(network).float()
    for own, other in zip(copied.parameters(), network.parameters(), strict=True):
        own.requires_grad_(other.requires_grad)
    return copied


def check_colours_shown(name: str, input_spec: InputSpec) -> None:
    """Raise UserError where a network of a name in settings expects other colours than training shows it."""
    shown = make_input_spec(name, COCO, family=input_spec.family)
    for what in ("channels", "mean", "std"):
        its, ours = getattr(input_spec, what), getattr(shown, what)
        if its != ours:
            raise UserError(
                f"network '{input_spec.name}' expects images with {what} {its}, but is trained with {ours}: put what "
                "converts them into its forward"
            )


@contextmanager
def lend_network(network: nn.Module, n_joints: int) -> Iterator[str]:
    """Give the name of a network for settings: its row if it is one of ours as we build it, or one of its own.

    Its own name tells how its layers are set, so that a run does not go on with another network.
    """
    built_as, about = getattr(network, models.BUILT_AS, None), describe_layers(network)
    if built_as in models.TABLE and about == describe_layers(models.build(built_as, n_joints)):
        yield built_as
        return
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    word = re.sub(r"\W", "_", name_network(network))
    with hand_over(f"{word}_{digest[:8]}", network) as name:
        yield name


def write_start(network: nn.Module, input_spec: InputSpec, folder: Path, is_fresh: bool = False) -> Path:
    """Write the weights that a training starts from into its folder; UserError where a run there has other ones."""
    path, new = folder / START, folder / f".{START}"
    with claim_folder(folder):
        save_weights(network, input_spec, new)
        is_same = path.is_file() and hash_file(path) == hash_file(new)
        if (folder / LAST).is_file() and not is_same and not is_fresh:
            new.unlink()
            raise UserError(
                f"{folder} holds a run that started from other weights: choose another --out, or start over with "
                "--fresh"
            )
        new.replace(path)
    return path


def read_network(name: str, weights: Path) -> nn.Module:
    """Return the network of a name with the weights of a file that training has written, ready to be evaluated.

    Its attribute `input_spec` says what its input is.
    """
    input_spec = read_input_spec(weights)
    assert input_spec is not None
    network = models.build(name, len(input_spec.joints))
    load_weights(network, weights)
    vars(network)["input_spec"] = input_spec
    return network.eval()
