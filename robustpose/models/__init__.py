"""Networks and what has to be known about them; imported only when asked for. `families` has one row per network."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

from robustpose import registry
from robustpose.blame import blaming
from robustpose.errors import UserError
from robustpose.models.families import DEFAULT, FAMILIES, FamilyName

if TYPE_CHECKING:
    from torch import nn

# Name -> function of the number of joints K that returns the network.
TABLE: dict[str, str] = {
    name: f"robustpose.models.{make}" for family in FAMILIES.values() for name, make in family.networks.items()
}
DEMO = Path(__file__).with_name("pretrained") / "demo.safetensors"  # made by the recipe `demo`
BUILT_AS = "built_as"  # attribute of a network of `TABLE`: its row, which says what its input has to be


def family_of(name: str) -> FamilyName:
    """Return the family of a network of `TABLE`; that of heatmaps for any other."""
    return next((family.name for family in FAMILIES.values() if name in family.networks), DEFAULT)


def find_weights(path: Path | None) -> Path | None:
    """Return the path of weights; the word `demo` stands for the demo network's, unless a file is called so."""
    return DEMO if path == Path("demo") and not path.is_file() else path


def build(name: str, joints: int = 17) -> nn.Module:
    """Return a fresh network of `joints` joints.

    The name is a row of `TABLE`, or ``package.module:attr``: a function of the number of joints.
    """
    if joints < 1:
        raise UserError(f"a network needs at least 1 joint, got {joints}")
    from torch import nn

    make = registry.load(name, TABLE, kind="network")
    if isinstance(make, nn.Module):
        network = copy.deepcopy(make)  # it may be trained
    else:
        with blaming(f"network '{name}'", "a function of the number of joints"):
            network = make(joints) if callable(make) else make
    if not isinstance(network, nn.Module):
        raise UserError(
            f"network '{name}' must be a function of the number of joints that gives a torch module, "
            f"got {type(network).__name__}"
        )
    if name in TABLE:
        vars(network)[BUILT_AS] = name
    return network
