"""Carrying frames to machines that see none of this one's files: as bytes, with images as they are encoded.

A frame whose image is in a file brings the file's bytes, and nothing is decoded for it. Where somebody's own code gives
the image, it is asked here, and its pixels are brought.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from robustpose.data.readers import Pixels, Reader, Refused
from robustpose.errors import UserError
from robustpose.pose.types import Frame


def pack_frames(groups: Iterable[Iterable[Frame]]) -> bytes:
    """Return groups of frames as bytes. What they have in common is in them once: images, boxes, and clean frames.

    UserError for frames of somebody's own class that hold what cannot be sent.
    """
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, protocol=5)
    for group in groups:
        frames = list(group)
        try:
            pickler.dump(frames)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            kind = next((type(frame) for frame in frames if type(frame) is not Frame), Frame).__name__
            raise UserError(
                f"frames of class {kind} cannot be sent to other machines ({' '.join(str(error).split())[:200]}): "
                "give plain frames (robustpose.Frame)"
            ) from error
    return buffer.getvalue()


def unpack_frames(packed: bytes) -> Iterator[list[Frame]]:
    """Yield the groups that were packed, one after the other."""
    unpickler = pickle.Unpickler(io.BytesIO(packed))
    while True:
        try:
            group = unpickler.load()
        except EOFError:
            return
        yield group
        for frame in group:  # the unpickler holds them: else the images of all cells would stay in memory
            if frame.cell.corruption is not None:
                vars(frame).pop("image", None)


class _Pickler(pickle.Pickler):
    """A pickler of frames and what they hold."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Frame):
            return copyreg.__newobj__, (type(value),), _list_attributes(value)  # type: ignore[attr-defined]
        if isinstance(value, Reader):
            carried = _carry(value)
            # Not as objects are usually pickled: what is carried may be of another class.
            return type(carried), tuple(getattr(carried, field.name) for field in fields(carried))  # type: ignore[arg-type]
        return NotImplemented


def _list_attributes(frame: Frame) -> dict[str, Any]:
    """Return what a frame holds, without the image, which it may have read, and with a reader that can be sent."""
    own = dict(vars(frame))
    if not isinstance(frame.read, Reader):
        try:
            own["read"] = Pixels(frame.image)
        except UserError as error:
            own["read"] = Refused(str(error))
    vars(frame).pop("image", None)  # it is read again where it is looked at: else all images would stay in memory
    own.pop("image", None)
    return own


def _carry(reader: Reader) -> Reader:
    try:
        return reader.carry()
    except UserError as error:
        return Refused(str(error))
