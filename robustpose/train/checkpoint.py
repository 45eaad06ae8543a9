"""Checkpoints: everything the rest of a run depends on, in one file that is whole or not there; and the way back.

What a file holds is compared with what the run expects before anything is taken over: a file that is damaged, cut, of
another network or of another program is one line that says what to do.
"""

from __future__ import annotations

import math
import sys
import warnings
import zipfile
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
from pydantic import ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

import robustpose
from robustpose.errors import UserError
from robustpose.files import open_whole
from robustpose.models.weights import read_weights
from robustpose.train.divergence import check_state, find_not_finite
from robustpose.train.identity import check_parts, check_same, has_older_parts
from robustpose.train.recipe_code import check_same_code
from robustpose.train.settings import OLDER_LAST_BATCH, TrainSettings, make_settings_of_run
from robustpose.train.steps import Step

Count = Annotated[int, Field(ge=0, strict=True)]
IN_POSITION = ("epoch", "step", "totals", "best")  # of every version
PARTS = ("settings", "at", "step", "precision")  # of a checkpoint; those of version 0.1.0 have no more


@dataclass(config=ConfigDict(extra="forbid"))
class Position:
    """Where a run is, besides what the step remembers."""

    epoch: Count = 0
    step: Count = 0  # done in this epoch
    totals: dict[str, FiniteFloat] = field(default_factory=dict)  # sums of this epoch's losses
    best: FiniteFloat | None = None
    log: list[str] | None = None  # lines of the epochs that are done; None in checkpoints of version 0.1.0


def write_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write `state` (tensors, numbers, strings, nested), atomically: killed at any moment, the old one is still whole.

    The old file also stays, with NotFinite, where a tensor holds a value that is not finite.
    """
    check_state(state)
    with open_whole(path, sync=True) as file:
        torch.save(_share_words(state), file)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what `write_checkpoint` wrote; runs no code from the file."""
    try:
        _check_archive(path)
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:  # PyTorch does not look at the checksums
                raise ValueError("it is damaged")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes raise whatever they happen to spell
        reason = str(error) if type(error) is ValueError else f"it is cut off, damaged or none, {type(error).__name__}"
        raise _refuse(path, reason) from error
    lacking = [part for part in PARTS if part not in content] if isinstance(content, dict) else list(PARTS)
    if lacking:
        raise _refuse(path, f"it lacks {', '.join(lacking)}")
    return content


def _check_archive(path: Path) -> None:
    """Raise ValueError for a file that is no checkpoint, or would take more memory than it has bytes."""
    if not path.is_file():
        raise ValueError("it is no file")
    if path.stat().st_size == 0:
        raise ValueError("it is empty")
    with zipfile.ZipFile(path) as archive:
        # What is stored as it is, and once, takes no more memory than the file has bytes.
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError("it is compressed, as no checkpoint is")
        if sum(member.file_size for member in members) > path.stat().st_size:
            raise ValueError("it says that it holds more than its bytes")


class Older(NamedTuple):
    """What a run keeps to that an older version began."""

    choices: dict[str, Any]  # settings of what there was no choice of, by name; empty where the version had all
    has_older_parts: bool  # whether it made other parts of a batch


def find_older(path: Path) -> Older:
    """Return what the run of a checkpoint keeps to, of what version 0.1.0 did in another way.

    That one always left out the last incomplete batch, and took a sigma that did not follow the input's size. What
    cannot be read, `resume` refuses.
    """
    try:
        _check_archive(path)
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        before, older_parts = state["settings"], has_older_parts(state)
        sigma = float(before["sigma"])
    except Exception:  # damaged bytes raise whatever they happen to spell
        return Older({}, False)
    if "last_batch" in before or not 0 < sigma < math.inf:
        return Older({}, older_parts)
    return Older({"last_batch": OLDER_LAST_BATCH, "sigma": sigma}, older_parts)


def resume(
    path: Path, settings: TrainSettings, inputs: dict[str, Any], step: Step, precision: Any, n_batches: int
) -> Position:
    """Take over a checkpoint, if there is one, and return where the run is; `n_batches` are the steps of an epoch.

    Raises:
        UserError: it is of a run with other settings or inputs, damaged, of another network, or holds values that are
            not finite.
    """
    if not path.exists():
        return Position(log=[])
    state = read_checkpoint(path)
    check_same_code(state["settings"], settings.model_dump(mode="json"), path.parent)
    try:
        before = make_settings_of_run(state["settings"], "its settings")
    except UserError as error:
        raise _refuse(path, f"{error}{_tell_version(state)}") from error
    check_same(settings, inputs, before, state.get("inputs"), path.parent)
    check_parts(settings, before, has_older_parts(state), path.parent)
    at = _read_position(path, state, settings.epochs, n_batches)
    parts = state["step"]
    if isinstance(parts, dict) and "network" in parts:
        # Version 0.1.0 kept the student's state alone where there was neither teacher nor mixer.
        parts = {"student": parts}
    problem = find_difference(step.describe_state(), parts)
    if problem:
        raise _refuse(path, f"{problem}; has the network changed since?{_tell_version(state)}")
    broken = find_not_finite(parts)
    if broken:
        raise _refuse(path, f"{broken} is not finite: the run had diverged", "with a lower lr")
    try:
        step.restore(parts)
        precision.load_state_dict(state["precision"])
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise _refuse(path, f"its state does not fit, {type(error).__name__}{_tell_version(state)}") from error
    return at


def _read_position(path: Path, state: dict[str, Any], epochs: int, n_batches: int) -> Position:
    said = state["at"]
    lacking = [key for key in IN_POSITION if key not in said] if isinstance(said, dict) else []
    if lacking:
        raise _refuse(path, f"it does not say where the run was ({', '.join(lacking)})")
    try:
        at = TypeAdapter(Position).validate_python(said)
    except ValidationError as error:
        problem = error.errors()[0]
        raise _refuse(path, f"it does not say where the run was ({'.'.join(map(str, problem['loc']))})") from error
    is_done = at.epoch == epochs and at.step == 0
    if not is_done and not (at.epoch < epochs and at.step <= n_batches):
        raise _refuse(
            path,
            f"it is of epoch {at.epoch + 1}, step {at.step}, but the run has {epochs} epochs of {n_batches} steps: "
            "has train_data changed since?",
        )
    if at.log is not None and len(at.log) > at.epoch:
        raise _refuse(path, f"it has the log of {len(at.log)} epochs, but {at.epoch} are done")
    return at


def keeps_best(path: Path, network: nn.Module) -> bool:
    """Return whether the best weights so far are in their file; warn if not, for nobody can make them again."""
    try:
        tensors, _ = read_weights(path)
        problem = find_difference(network.state_dict(), tensors) or find_not_finite(tensors)
    except UserError as error:
        problem = str(error)
    if problem:
        warnings.warn(
            f"the best weights so far are lost ({problem}): of the epochs from here on, the best are kept", stacklevel=2
        )
    return not problem


def find_difference(expected: Any, found: Any, name: str = "") -> str:
    """Return the first thing in which a nested state is not what is expected; empty where it is.

    Tensors are expected by shape and type; None stands for anything. A dict whose keys are whole numbers may have fewer
    of them: parameters without a gradient have no state.
    """
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return f"{name or 'the state'} must be a group, got {type(found).__name__}"
        may_lack = bool(expected) and all(isinstance(key, int) for key in expected)
        lacking = [] if may_lack else [key for key in expected if key not in found]
        unknown = [key for key in found if key not in expected]
        if lacking or unknown:
            what = f"lacks {lacking[0]}" if lacking else f"has {str(unknown[0])[:80]}, which is unknown"
            return f"{name or 'the state'} {what}"
        problems = (find_difference(expected[key], found[key], f"{name}.{key}".lstrip(".")) for key in found)
        return next(filter(None, problems), "")
    if isinstance(expected, Tensor):
        shape = tuple(expected.shape), expected.dtype
        came = (tuple(found.shape), found.dtype) if isinstance(found, Tensor) else type(found).__name__
        return "" if came == shape else f"{name} must be {_spell(shape)}, got {_spell(came)}"
    return "" if expected is None or expected == found else f"{name} must be {expected!r}, got {str(found)[:80]!r}"


def _spell(shape: Any) -> str:
    return shape if isinstance(shape, str) else f"{shape[0]} of {str(shape[1]).removeprefix('torch.')}"


def _refuse(path: Path, reason: str, how: str = "") -> UserError:
    best = path.with_name("best.safetensors")
    keep = f" (--init {best} begins with what was learned)" if best.is_file() else ""
    return UserError(f"cannot read checkpoint {path} ({reason}): delete it to start anew{how and ' '}{how}{keep}")


def _tell_version(state: dict[str, Any]) -> str:
    version = str(state.get("version", ""))[:20]
    return "" if version in ("", robustpose.__version__) else f" (robustpose {version} wrote it)"


def _share_words(value: Any) -> Any:
    """Return the same content with one object for equal words: a file has a reference where it meets an object again.

    Else the bytes of a run that went on would differ from those of one that was not stopped.
    """
    if type(value) is str:
        return sys.intern(value)
    if isinstance(value, dict):
        shared = type(value)((_share_words(key), _share_words(item)) for key, item in value.items())
        if hasattr(value, "_metadata"):  # of a network's state
            shared._metadata = _share_words(value._metadata)  # type: ignore[attr-defined]
        return shared
    return type(value)(map(_share_words, value)) if type(value) in (list, tuple) else value
