"""First bytes of files of networks: whose flag a file belongs to that was named with another."""

from __future__ import annotations

from pathlib import Path

TFLITE, TFLITE_AT = b"TFL3", 4  # what a TFLite file has in its fifth to eighth byte
ONNX = 8  # the first byte of an ONNX file: its version comes first, as a number
MOST_VERSION = 20


def find_flag(path: Path) -> str:
    """Return what runs a file, by its first bytes: tflite, onnx, or empty if nobody knows."""
    with path.open("rb") as file:
        start = file.read(TFLITE_AT + len(TFLITE))
    if start[TFLITE_AT:] == TFLITE:
        return "tflite"
    return "onnx" if len(start) > 1 and start[0] == ONNX and 1 <= start[1] <= MOST_VERSION else ""
