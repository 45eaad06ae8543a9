"""Networks and what has to be known about them. One row per network; imported only when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustpose import registry
from robustpose.errors import UserError
from robustpose.models.families import DEFAULT, FamilyName

if TYPE_CHECKING:
    from torch import nn

# The networks of each family: name -> function of the number of joints K that returns the network.
BY_FAMILY: dict[FamilyName, dict[str, str]] = {
    "heatmaps": {
        "sbl_r50": "robustpose.models.sbl:sbl_r50",
        "sbl_r101": "robustpose.models.sbl:sbl_r101",
        "sbl_r152": "robustpose.models.sbl:sbl_r152",
        "hrnet_w32": "robustpose.models.hrnet:hrnet_w32",
        "hrnet_w48": "robustpose.models.hrnet:hrnet_w48",
        "mobilenet_v2": "robustpose.models.mobilenet:MobileNetPose",
        "small": "robustpose.models.small:SmallNet",
    },
    "tags": {
        "higherhrnet_w32": "robustpose.models.higherhrnet:higherhrnet_w32",
        "higherhrnet_w48": "robustpose.models.higherhrnet:higherhrnet_w48",
        "small_tags": "robustpose.models.small_tags:SmallTagsNet",
    },
    "fields": {
        "pifpaf_shufflenetv2x2": "robustpose.models.pifpaf:pifpaf_shufflenetv2x2",
        "pifpaf_resnet50": "robustpose.models.pifpaf:pifpaf_resnet50",
        "pifpaf_resnet101": "robustpose.models.pifpaf:pifpaf_resnet101",
        "small_fields": "robustpose.models.small_fields:SmallFieldsNet",
    },
}
TABLE: dict[str, str] = {name: make for networks in BY_FAMILY.values() for name, make in networks.items()}


def family_of(name: str) -> FamilyName:
    """Return the family of a network of `TABLE`; that of heatmaps for any other."""
    return next((family for family, networks in BY_FAMILY.items() if name in networks), DEFAULT)


def build(name: str, joints: int = 17) -> nn.Module:
    """Return a fresh network.

    Args:
        name: a row of `TABLE`, or ``package.module:attr``: a function of the number of joints.
        joints: K, the number of joints.

    Raises:
        UserError: there is no such network, it is none, or `joints` is not positive.
    """
    if joints < 1:
        raise UserError(f"a network needs at least 1 joint, got {joints}")
    from torch import nn

    make = registry.load(name, TABLE, kind="network")
    network = make(joints) if callable(make) else make
    if not isinstance(network, nn.Module):
        raise UserError(
            f"network '{name}' must be a function of the number of joints that gives a torch module, "
            f"got {type(network).__name__}"
        )
    return network
