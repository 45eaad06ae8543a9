"""Options that several kinds of networks have: input sizes in words, and the backend that has to be installed."""

from __future__ import annotations

import importlib.util

from robustpose.errors import UserError


def parse_size(text: str) -> tuple[int, int]:
    """Return width and height, px, of words such as ``192x256``.

    Raises:
        UserError: they are no size.
    """
    try:
        width, height = (int(side) for side in str(text).lower().split("x"))
    except ValueError as error:
        raise UserError(f"input must be WIDTHxHEIGHT such as 192x256, got '{text}'") from error
    return width, height


def write_size(input_wh: tuple[int, int]) -> str:
    """Return `input_wh` as ``192x256``."""
    return f"{input_wh[0]}x{input_wh[1]}"


def require_openvino() -> None:
    """Raise UserError if OpenVINO is not installed."""
    if importlib.util.find_spec("openvino") is None:
        raise UserError("backend openvino needs OpenVINO, which is not installed: pip install 'robustpose[openvino]'")
