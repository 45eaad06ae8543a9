"""Models: whatever Python programs hand over becomes what makes an estimator, here and in other processes."""

from __future__ import annotations

import functools
import io
import os
import pickle
import sys
import warnings
from collections.abc import Mapping
from typing import Any

from robustpose import estimators
from robustpose.blame import blaming
from robustpose.carried import Files
from robustpose.errors import UserError
from robustpose.estimators.carrying import NamedModel
from robustpose.estimators.function import take
from robustpose.main_module import MAIN
from robustpose.pose.protocols import Estimator
from robustpose.pose.skeletons import Skeleton

Options = Mapping[str, Any]


def make_maker(model: Any, *, input: Any = None, options: Options | None = None) -> Maker:
    """Return what makes the estimator of a model for the joints of a skeleton. It can be sent where the model can.

    Args:
        model: what ``--model`` takes, such as ``"demo"``; a torch module; a callable f(image, boxes), or of batches if
            it has ``batched = True``; an estimator, or a class of one, which is made with the skeleton.
        input: of a torch module that does not carry an `input_spec`: ``"192x256"`` (width x height, px), a pair, a
            mapping with the fields of an `InputSpec`, or one. Of a network's file: the size alone.
        options: options of the model by name, as ``--model-set`` takes them, words or typed.

    Raises:
        UserError: it is none of these, or an input is named for what has none.
    """
    options = dict(options or {})
    if isinstance(model, str | os.PathLike):
        if input is not None and "input" in options:
            raise UserError("input= and options={'input': …} are the same: leave one of them out")
        return SpecMaker(os.fspath(model), options if input is None else {**options, "input": input})
    if is_network(model):
        return NetworkMaker(model, options, input)
    if input is not None:
        raise UserError(f"input= is for torch modules and files of networks: leave it out for {name_object(model)}")
    if not (callable(model) or hasattr(model, "predict")):
        raise UserError(
            "model must be what --model takes (such as 'demo'), a torch module, a callable f(image, boxes) or an "
            f"object with predict(frames), got {type(model).__name__}"
        )
    return ObjectMaker(model, options)


class Maker:
    """What makes an estimator: a callable of a skeleton."""

    name: str  # of the model, as messages and results call it

    def __call__(self, skeleton: Skeleton) -> Estimator:
        """Return the estimator for the joints of a skeleton."""
        raise NotImplementedError

    def carry(self) -> tuple[Any, Files]:
        """Return what makes the estimator on machines that see no file of this one, and the files that it takes."""
        return self, {}


class SpecMaker(Maker):
    """Make the estimator that a spec names: see `estimators.build`."""

    def __init__(self, spec: str, options: Options) -> None:
        self.name, self.options = spec, options

    def __call__(self, skeleton: Skeleton) -> Estimator:
        """Return the estimator for the joints of a skeleton."""
        return estimators.build(self.name, skeleton, self.options)

    def carry(self) -> tuple[Any, Files]:
        """Return what makes the estimator elsewhere, and the files that it takes."""
        return NamedModel(self.name, self.options).carry()


class ObjectMaker(Maker):
    """Make the estimator of an object in memory, which is sent as bytes: pickled once, for all processes."""

    def __init__(self, model: Any, options: Options) -> None:
        self.name = name_object(model)
        self.options = options
        self._model = model
        self._packed: bytes | None = None
        self._goes_whole = False  # whether whoever sends it packs the model, with code of the main module if need be

    def __call__(self, skeleton: Skeleton) -> Estimator:
        """Return the estimator for the joints of a skeleton."""
        return take(self._open(), self.name, skeleton, self.options)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent: the model as bytes."""
        if self._goes_whole:
            return {**vars(self), "_model": self._find_sent(), "_packed": None}
        self._packed = self._packed or self._pack()
        return {**vars(self), "_model": None}

    def carry(self) -> tuple[ObjectMaker, Files]:
        """Return what makes the estimator elsewhere, and no file."""
        twin: ObjectMaker = object.__new__(type(self))
        vars(twin).update({**vars(self), "_model": self._open(), "_goes_whole": True})
        return twin, {}

    def _open(self) -> Any:
        """Return the model; in another process, unpacked there, where a mistake can be told."""
        if self._model is None:
            assert self._packed is not None
            with blaming(f"model '{self.name}', sent to another process,"):
                self._model = pickle.loads(self._packed)
            self._packed = None
        return self._model

    def _pack(self) -> bytes:
        """Return the model as bytes; UserError where it cannot be sent."""
        return pack(self._find_sent(), self.name)

    def _find_sent(self) -> Any:
        """Return the model as it is sent."""
        return self._model


class NetworkMaker(ObjectMaker):
    """Make the estimator of a torch module; its input spec is found once, where it is asked for first."""

    def __init__(self, model: Any, options: Options, given: Any) -> None:
        from robustpose.estimators.in_memory import unwrap

        super().__init__(unwrap(model), options)
        self._given = getattr(model, "input_spec", None) if given is None else given
        self._found: dict[Skeleton, Any] = {}

    def __call__(self, skeleton: Skeleton) -> Estimator:
        """Return the estimator for the joints of a skeleton."""
        from robustpose.estimators import in_memory

        network = self._open()
        if skeleton not in self._found:
            self._found[skeleton] = in_memory.prepare(network, self._given, skeleton, self.options)
        input_spec, doubts = self._found[skeleton]
        estimator = in_memory.as_estimator(network, input_spec, skeleton, self.options)
        estimator.warnings = [*estimator.warnings, *doubts]
        return estimator

    def _find_sent(self) -> Any:
        """Return the network on the CPU."""
        from robustpose.estimators.in_memory import copy_network

        is_on_cpu = all(tensor.device.type == "cpu" for tensor in self._model.state_dict().values())
        return self._model if is_on_cpu else copy_network(self._model)


class _NotingPickler(pickle.Pickler):
    """A pickler that notes in which modules the classes and functions are that it names."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=5)
        self.modules: dict[str, None] = {}

    def reducer_override(self, value: Any) -> Any:
        module = getattr(value, "__module__", None) or type(value).__module__
        if isinstance(module, str):
            self.modules[module] = None
        return NotImplemented


def pack(model: Any, name: str) -> bytes:
    """Return a model as bytes, by Python's own pickle: PyTorch's for processes would move its tensors elsewhere.

    Raises:
        UserError: it cannot be sent to another process.
    """
    buffer = io.BytesIO()
    pickler = _NotingPickler(buffer)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that hooks of tensors stay behind
            pickler.dump(model)
    except Exception as error:  # whatever its own code raises
        reason = (" ".join(str(error).split()) or type(error).__name__).partition(". ")[0]
        raise UserError(f"model '{name}' cannot be sent to worker processes ({reason[:200]})") from error
    for module in pickler.modules:
        if module != MAIN and not _is_found_elsewhere(module):
            raise UserError(
                f"model '{name}' cannot be sent to worker processes (they do not find the module '{module}': put it "
                "into a file on Python's path)"
            )
    return buffer.getvalue()


def name_object(model: Any) -> str:
    """Return what results call a model in memory: ``module:name``, of an object that of its class."""
    while isinstance(model, functools.partial):
        model = model.func
    named = model if hasattr(model, "__qualname__") else type(model)
    return f"{named.__module__}:{named.__qualname__}"


def is_network(model: Any) -> bool:
    """Return whether it is a torch module, and no estimator; PyTorch is not imported for it."""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    if isinstance(model, type) and issubclass(model, torch.nn.Module) and not hasattr(model, "predict"):
        raise UserError(f"model must be a network, got the class {model.__name__}: write {model.__name__}(…)")
    return isinstance(model, torch.nn.Module) and not (hasattr(model, "predict") and hasattr(model, "skeleton"))


def _is_found_elsewhere(module: str) -> bool:
    """Return whether a new process finds a module, other than the main one."""
    top = module.partition(".")[0]
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]
    with blaming(f"module '{top}'"):
        return any(finder.find_spec(top, None) is not None for finder in finders)
