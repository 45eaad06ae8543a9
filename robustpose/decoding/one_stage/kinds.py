"""Kinds of rows that one-stage networks give, and how models of each kind are trained and evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from robustpose.pose.letterbox import Place, Rounding

Kind = Literal["yolo", "yolo-obj", "yolo-nms", "rtmo", "movenet"]
Units = Literal["px", "01"]
GREY = 114  # YOLO's, in all its programs


@dataclass(frozen=True)
class RowKind:
    """Describe a kind of rows; what options say takes the place of its fields."""

    name: Kind
    form: str  # for messages: K joints, N rows, n classes
    channels: Literal["rgb", "bgr"]
    is_raw: bool  # whether the network takes grey levels 0..255, not 0..1
    units: Units  # of positions: px of the input, or shares of its sides
    letterbox: Place
    fill: int  # grey level around the image
    rounding: Rounding  # of the sides of the resized image
    threshold: float  # scores of people must be above it
    iou: float | None  # of boxes, above which the worse is dropped; None where the file has done that
    clips: bool  # whether joints are moved onto the image

    @property
    def std(self) -> tuple[float, float, float]:
        """Return what values in 0..1 are divided by."""
        return (1 / 255, 1 / 255, 1 / 255) if self.is_raw else (1.0, 1.0, 1.0)


# Thresholds are those with which AP is measured, far below those of demonstrations. YOLO: Ultralytics' validation
# (conf 0.001, IoU 0.7) and, with objectness, YOLOv7's test program (0.001, 0.65); both move joints onto the image.
# RTMO: Lu et al., CVPR 2024; its files have suppressed people, and as run by rtmlib they take BGR from the top left
# corner. MoveNet MultiPose keeps all six people above 0.
KINDS: dict[str, RowKind] = {
    kind.name: kind
    for kind in (
        RowKind("yolo", "(1, 4 + n + 3·K, N)", "rgb", False, "px", "center", GREY, "factor", 0.001, 0.7, True),
        RowKind("yolo-obj", "(1, N, 5 + n + 3·K)", "rgb", False, "px", "center", GREY, "factor", 0.001, 0.65, True),
        RowKind("yolo-nms", "(1, N, 6 + 3·K)", "rgb", False, "px", "center", GREY, "factor", 0.001, None, True),
        RowKind("rtmo", "(1, N, 5) and (1, N, K, 3)", "bgr", True, "px", "corner", GREY, "cut", 0.0, None, False),
        RowKind("movenet", "(1, 6, 3·K + 5)", "rgb", True, "01", "corner", 0, "quotient", 0.0, None, False),
    )
}
RAW_KINDS: tuple[Kind, ...] = ("yolo", "yolo-obj")  # everything the network looks at, nothing suppressed
MOVENET_PEOPLE = 6
# Strides of the maps that rows are read off, one row a cell; with objectness, there are three anchors a cell.
STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))
CELLS_TO_ROWS = {"yolo": 1, "yolo-obj": 3}
