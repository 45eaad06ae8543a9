"""PifPaf: fields that say where joints are and which belong together (Kreiss et al., CVPR 2019). Official names.

Heads, field order and constants are those of version 0.10 of the published program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.errors import UserError
from robustpose.models.resnet import OUT_CHANNELS, ResNet
from robustpose.models.shufflenet import ShuffleNetV2
from robustpose.pose.skeletons import COCO

STRIDE = 8  # input px per cell of a field
UPSCALE = 2  # of every head: the trunk's maps are at 1/16
NORM_EPS = 1e-4  # of all batch norms
COCO_CONNECTIONS = (19, 25)  # of the published networks: the decoder's, and those of a head for training only
N_DECODED = 2  # heads: of joints, and of the connections that people grow along
N_COMPONENTS = ([4, 5], [4, 3])  # of these, with and without the connections' log-spreads

Components = tuple[Tensor, ...]


class ResNetTrunk(nn.Module):
    """Give features (B, 2048, ⌈h / 16⌉, ⌈w / 16⌉) of images (B, 3, h, w): a `ResNet` without its max-pool."""

    out_channels = OUT_CHANNELS

    def __init__(self, depth: int) -> None:
        super().__init__()
        parts = ResNet(depth)
        stem = nn.Sequential(parts.conv1, parts.bn1, nn.ReLU(inplace=True))
        self.net = nn.Sequential(stem, parts.layer1, parts.layer2, parts.layer3, parts.layer4)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


Trunk = ShuffleNetV2 | ResNetTrunk


class FieldHead(nn.Module):
    """Give the components of K fields, at twice the features' resolution without the last row and column.

    Features (B, c_in, h, w) become a tuple in this order, with H = 2h − 1 and W = 2w − 1, lengths in cells:

    - confidence (B, K, H, W), 0..1; in training mode its logit, which is what losses take;
    - `n_vectors` times a vector (B, K, 2, H, W), x and y from the cell to a joint;
    - `n_vectors` times the logarithm (B, K, H, W) of that vector's spread, hardly below −2;
    - if `has_scale`, the joint's scale (B, K, H, W), at least 0.

    There is one vector for joints, and two for connections: one for each end.
    """

    def __init__(self, c_in: int, n_fields: int, n_vectors: int, has_scale: bool) -> None:
        super().__init__()

        def make_maps(number: int, channels: int) -> nn.ModuleList:
            return nn.ModuleList(nn.Conv2d(c_in, channels * UPSCALE**2, 1) for _ in range(number))

        self.class_convs = make_maps(1, n_fields)
        self.reg_convs = make_maps(n_vectors, 2 * n_fields)
        self.reg_spreads = make_maps(n_vectors, n_fields)
        self.scale_convs = make_maps(1 if has_scale else 0, n_fields)

    def forward(self, x: Tensor) -> Components:
        logits = [_upscale(conv(x)) for conv in self.class_convs]
        confidences = logits if self.training else [torch.sigmoid(logit) for logit in logits]
        vectors = [_upscale(conv(x)).unflatten(1, (-1, 2)) for conv in self.reg_convs]  # channels are (field, xy)
        spreads = [F.leaky_relu(_upscale(conv(x)) + 2.0) - 2.0 for conv in self.reg_spreads]  # slope 0.01 below −2
        scales = [F.relu(_upscale(conv(x))) for conv in self.scale_convs]
        return (*confidences, *vectors, *spreads, *scales)


class PifPaf(nn.Module):
    """Find all people of an image: one field per joint says where it is, one per connection which two belong together.

    Normalised images (B, 3, h, w) become one tuple of components per head (`FieldHead`), maps of
    (⌈h / 16⌉·2 − 1, ⌈w / 16⌉·2 − 1) cells, 8 px apart. The first head is of the joints ("pif"), the others ("paf") are
    of connections: decoding uses the first of these, others help training. In training mode confidences are logits.
    """

    def __init__(self, trunk: Trunk, n_joints: int, n_connections: Sequence[int]) -> None:
        super().__init__()
        self.base_net = trunk
        pif = FieldHead(trunk.out_channels, n_joints, n_vectors=1, has_scale=True)
        pafs = [FieldHead(trunk.out_channels, number, n_vectors=2, has_scale=False) for number in n_connections]
        self.head_nets = nn.ModuleList([pif, *pafs])
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = NORM_EPS
        for module in self.base_net.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def keep_heads(self, n_heads: int) -> None:
        """Drop all heads after the first `n_heads`, weights and all: for decoding, 2 are enough. Names stay."""
        del self.head_nets[n_heads:]

    def forward(self, x: Tensor) -> tuple[Components, ...]:
        features = self.base_net(x)
        return tuple(head(features) for head in self.head_nets)


class DecodedFields(nn.Module):
    """Give what is decoded of a network's first two heads (`FieldHead`) as `estimators.fields.FieldNetwork` does."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        heads: Any = self.network(x)
        sizes = [len(head) if isinstance(head, tuple) else 0 for head in heads] if isinstance(heads, tuple) else []
        if sizes[:N_DECODED] not in N_COMPONENTS:
            raise UserError(
                f"{type(self.network).__name__} must give a tuple of 4 components for joints and one of 5, or 3 "
                f"without log-spreads, for connections: it is no network of the family 'fields'"
            )
        pif, paf = heads[:N_DECODED]
        return pif[0], pif[1], pif[3], paf[0], paf[1], paf[2]


def expect_coco(n_joints: int, who: str, hint: str = "") -> None:
    """Raise UserError if a network for COCO's connections, which `who` names, is asked for other joints than COCO's."""
    if n_joints != COCO.n_joints:
        raise UserError(f"{who} for COCO's {COCO.n_joints} joints and their connections, got {n_joints} joints{hint}")


def _make_published(make_trunk: Callable[[], Trunk], n_joints: int = COCO.n_joints) -> PifPaf:
    hint = ": PifPaf(trunk, n_joints, n_connections) makes one for another skeleton"
    expect_coco(n_joints, "the published PifPaf networks are", hint)
    return PifPaf(make_trunk(), n_joints, COCO_CONNECTIONS)


# Those of which checkpoints were published; functions of the number of joints, COCO's 17.
NETWORKS = {
    "pifpaf_shufflenetv2x2": partial(_make_published, ShuffleNetV2),
    "pifpaf_resnet50": partial(_make_published, partial(ResNetTrunk, 50)),
    "pifpaf_resnet101": partial(_make_published, partial(ResNetTrunk, 101)),
}
pifpaf_shufflenetv2x2, pifpaf_resnet50, pifpaf_resnet101 = NETWORKS.values()


def _upscale(x: Tensor) -> Tensor:
    """Turn channels into 2×2 cells, and cut off the last row and column: (B, 4c, h, w) -> (B, c, 2h − 1, 2w − 1)."""
    return F.pixel_shuffle(x, UPSCALE)[:, :, :-1, :-1]
