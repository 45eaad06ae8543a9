"""Composite fields of a whole image become people (PifPaf). Others import from here only."""

from robustpose.decoding.fields.decode import CELL_THRESHOLD, decode_fields, score_poses

__all__ = ["CELL_THRESHOLD", "decode_fields", "score_poses"]
