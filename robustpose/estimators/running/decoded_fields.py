"""Of a network's fields, the parts that are decoded: as one flat tuple, which tracers and OpenVINO want."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from robustpose.errors import UserError

N_DECODED = 2  # heads: of joints, and of the connections that people grow along
N_COMPONENTS = ([4, 5], [4, 3])  # of these, with and without the connections' log-spreads


class DecodedFields(nn.Module):
    """Give what is decoded of a network's first two heads, without log-spreads, as `estimators.fields.FieldNetwork`.

    The network gives a tuple of components per head, as `models.pifpaf.FieldHead` orders them.
    """

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
