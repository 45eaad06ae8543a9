"""A small PifPaf network, for drawn crowds and for tests: `small`'s trunk down to 1/64, with PifPaf's two heads."""

from __future__ import annotations

from torch import Tensor, nn

from robustpose.models.pifpaf import Components, FieldHead, expect_coco
from robustpose.models.small import Trunk
from robustpose.pose.skeletons import COCO

WIDTHS = (16, 32, 48, 64, 96, 128)  # channels at 1/2, 1/4, … 1/64 of the input: whole images need a wide view
UP_WIDTH = 96
N_UPS = 2  # from 1/64 to 1/16, where heads begin
FIRST_LOGIT = -4.0  # of confidences: hardly a cell sees anything
FIRST_SCALE = 1.0  # cells; below 0, where its ReLU has no gradient, a scale would stay


class SmallFieldsNet(Trunk):
    """Give the fields of joints and of connections (`pifpaf.FieldHead`), cells 8 px apart.

    Images are (B, 3, h, w) normalised; h and w are multiples of 32, or 16·n + 1, which leaves no pixel without a cell.
    Fields are (⌈h / 16⌉·2 − 1, ⌈w / 16⌉·2 − 1). In training mode confidences are logits. The joints are COCO's 17.
    """

    def __init__(self, n_joints: int = COCO.n_joints) -> None:
        expect_coco(n_joints, "network 'small_fields' is")
        super().__init__(WIDTHS, UP_WIDTH, N_UPS)
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
        x = self.climb(self.stem(x))
        return tuple(head(x) for head in self.head_nets)
