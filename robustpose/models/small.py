"""Small networks, one per family, for the demo, for drawn people and for tests: a millisecond per crop on one CPU core.

Halvings and doublings with skip connections, plain 3×3 convolutions throughout: on a CPU they are faster than depthwise
ones with a third of the arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.models.pifpaf import Components, FieldHead, expect_coco
from robustpose.models.resnet import conv_norm, start_near_zero
from robustpose.pose.skeletons import COCO

WIDTHS = (16, 32, 48, 64, 96)  # channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input
UP_WIDTH = 32
DEEP_WIDTHS = (*WIDTHS, 128)  # down to 1/64: whole images need a wide view
TAGS_UP_WIDTH = 48
TAGS_FINE_WIDTH = 24
FIELDS_UP_WIDTH = 96
FIRST_LOGIT = -4.0  # of confidences: hardly a cell sees anything
FIRST_SCALE = 1.0  # cells; below 0, where its ReLU has no gradient, a scale would stay


class Trunk(nn.Module):
    """Halve an image several times, and double the last map `n_ups` times, with what was seen on the way down.

    Maps have `widths` channels at 1/2, 1/4, … of the input, and `up_width` on the way up.
    """

    def __init__(self, widths: Sequence[int], up_width: int, n_ups: int) -> None:
        super().__init__()
        self.stem = conv_norm(3, widths[0], stride=2)  # 1/2
        self.down = nn.ModuleList(
            nn.Sequential(conv_norm(c_in, c_out, stride=2), Residual(c_out)) for c_in, c_out in pairwise(widths)
        )
        self.skip = nn.ModuleList(conv_norm(channels, up_width, size=1) for channels in widths[-n_ups - 1 :])
        self.up = nn.ModuleList(conv_norm(up_width, up_width) for _ in range(n_ups))

    def climb(self, stem: Tensor) -> Tensor:
        """Return features (B, up_width, h', w') after the last doubling of what `self.stem` gave (B, c, h/2, w/2)."""
        x, features = stem, []
        for down in self.down:
            x = down(x)
            features.append(x)
        *seen, last = features[-len(self.skip) :]
        x = self.skip[-1](last)
        for up, skip, feature in reversed(list(zip(self.up, self.skip, seen, strict=False))):
            beside = skip(feature)
            x = up(F.interpolate(x, beside.shape[2:], mode="nearest") + beside)
        return x


class SmallNet(Trunk):
    """Give heatmaps (B, K, h/4, w/4) for normalised crops (B, 3, h, w), h and w multiples of 32."""

    def __init__(self, n_joints: int) -> None:
        super().__init__(WIDTHS, UP_WIDTH, n_ups=3)
        self.head = nn.Conv2d(UP_WIDTH, n_joints, 1)
        start_near_zero(self.head)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.climb(self.stem(x)))


class Residual(nn.Module):
    """Add two 3×3 convolutions to the identity (He et al., CVPR 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv_norm(channels, channels)
        self.second = conv_norm(channels, channels, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class SmallTagsNet(Trunk):
    """Give heatmaps and tags (B, 2K, h/4, w/4), and heatmaps (B, K, h/2, w/2), of images as `SmallNet` takes crops."""

    def __init__(self, n_joints: int) -> None:
        super().__init__(DEEP_WIDTHS, TAGS_UP_WIDTH, n_ups=4)  # to 1/4
        self.coarse = nn.Conv2d(TAGS_UP_WIDTH, 2 * n_joints, 1)
        self.narrow = conv_norm(TAGS_UP_WIDTH + 2 * n_joints, TAGS_FINE_WIDTH, size=1)
        self.fine_skip = conv_norm(DEEP_WIDTHS[0], TAGS_FINE_WIDTH, size=1)
        self.refine = conv_norm(TAGS_FINE_WIDTH, TAGS_FINE_WIDTH)
        self.fine = nn.Conv2d(TAGS_FINE_WIDTH, n_joints, 1)
        start_near_zero(self.coarse, self.fine)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        stem = self.stem(x)
        x = self.climb(stem)
        coarse = self.coarse(x)
        x = F.interpolate(self.narrow(torch.cat([x, coarse], 1)), scale_factor=2.0, mode="nearest")
        return coarse, self.fine(self.refine(x + self.fine_skip(stem)))


class SmallFieldsNet(Trunk):
    """Give the fields of joints and of connections (`pifpaf.FieldHead`), cells 8 px apart.

    Images are (B, 3, h, w) normalised; h and w are multiples of 32, or 16·n + 1, which leaves no pixel without a cell.
    Fields are (⌈h / 16⌉·2 − 1, ⌈w / 16⌉·2 − 1). In training mode confidences are logits. The joints are COCO's 17.
    """

    def __init__(self, n_joints: int = COCO.n_joints) -> None:
        expect_coco(n_joints, "network 'small_fields' is")
        super().__init__(DEEP_WIDTHS, FIELDS_UP_WIDTH, n_ups=2)  # to 1/16, where heads begin
        pif = FieldHead(FIELDS_UP_WIDTH, n_joints, n_vectors=1, has_scale=True)
        paf = FieldHead(FIELDS_UP_WIDTH, len(COCO.limbs), n_vectors=2, has_scale=False)
        self.head_nets = nn.ModuleList([pif, paf])
        for head in (pif, paf):
            for convs, value in ((head.class_convs, FIRST_LOGIT), (head.scale_convs, FIRST_SCALE)):
                for conv in convs:
                    weight, bias = conv.parameters()
                    nn.init.normal_(weight, std=0.01)
                    nn.init.constant_(bias, value)

    def forward(self, x: Tensor) -> tuple[Components, ...]:
        x = self.climb(self.stem(x))
        return tuple(head(x) for head in self.head_nets)
