"""A small PifPaf network, for drawn crowds and for tests: `small_tags`' trunk down to 1/64, with PifPaf's two heads."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.errors import UserError
from robustpose.models.pifpaf import Components, FieldHead
from robustpose.models.small import Residual, conv_unit
from robustpose.pose.skeleton import COCO

WIDTHS = (16, 32, 48, 64, 96, 128)  # channels at 1/2, 1/4, … 1/64 of the input: whole images need a wide view
UP_WIDTH = 96
N_UPS = 2  # from 1/64 to 1/16, where heads begin
FIRST_LOGIT = -4.0  # of confidences: hardly a cell sees anything
FIRST_SCALE = 1.0  # cells; below 0, where its ReLU has no gradient, a scale would stay


class SmallFieldsNet(nn.Module):
    """Give the fields of joints and of connections (`pifpaf.FieldHead`), cells 8 px apart.

    Images are (B, 3, h, w) normalised; h and w are multiples of 32, or 16·n + 1, which leaves no pixel without a cell.
    Fields are (⌈h / 16⌉·2 − 1, ⌈w / 16⌉·2 − 1). In training mode confidences are logits.

    Args:
        n_joints: 17, COCO's.

    Raises:
        UserError: another number.
    """

    def __init__(self, n_joints: int = COCO.n_joints) -> None:
        super().__init__()
        if n_joints != COCO.n_joints:
            raise UserError(
                f"network 'small_fields' is for COCO's {COCO.n_joints} joints and their connections, "
                f"got {n_joints} joints"
            )
        self.stem = conv_unit(3, WIDTHS[0], stride=2)  # 1/2
        self.down = nn.ModuleList(
            nn.Sequential(conv_unit(c_in, c_out, stride=2), Residual(c_out)) for c_in, c_out in pairwise(WIDTHS)
        )
        self.skip = nn.ModuleList(conv_unit(channels, UP_WIDTH, size=1) for channels in WIDTHS[-N_UPS - 1 :])
        self.up = nn.ModuleList(conv_unit(UP_WIDTH, UP_WIDTH) for _ in range(N_UPS))
        pif = FieldHead(UP_WIDTH, n_joints, n_vectors=1, has_scale=True)
        paf = FieldHead(UP_WIDTH, len(COCO.limbs), n_vectors=2, has_scale=False)
        self.head_nets = nn.ModuleList([pif, paf])
        for head in (pif, paf):
            for convs, value in ((head.class_convs, FIRST_LOGIT), (head.scale_convs, FIRST_SCALE)):
                for conv in convs:
                    weight, bias = conv.parameters()
                    nn.init.normal_(weight, std=0.01)
                    nn.init.constant_(bias, value)

    def forward(self, x: Tensor) -> tuple[Components, ...]:
        x = self.stem(x)
        features = []  # (B, c, ⌈h / 4⌉, ⌈w / 4⌉), … (B, c, ⌈h / 64⌉, ⌈w / 64⌉)
        for down in self.down:
            x = down(x)
            features.append(x)
        features = features[-N_UPS - 1 :]
        x = self.skip[-1](features[-1])
        for i in reversed(range(N_UPS)):
            skip = self.skip[i](features[i])
            x = self.up[i](F.interpolate(x, skip.shape[2:], mode="nearest") + skip)
        return tuple(head(x) for head in self.head_nets)
