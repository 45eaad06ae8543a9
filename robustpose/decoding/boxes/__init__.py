"""From what a detector's network gives to boxes: rows of boxes with scores of classes, of which overlapping ones go."""

from robustpose.decoding.boxes.rows import Rows, choose_boxes, score_classes

__all__ = ["Rows", "choose_boxes", "score_classes"]
