"""Backends: a torch module becomes a function of crops that runs fast where it is to run.

`torch` is the reference; on a CPU it joins a convolution, its addition and its ReLU to one pass, as `compile` and
`openvino` do, which join more. float32 is the reference; bf16 is several times as fast where the processor multiplies
it (AMX, tensor cores).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from robustpose.errors import UserError
from robustpose.estimators.adapting.network import AdaptiveNetwork
from robustpose.estimators.adapting.options import Adapting
from robustpose.estimators.options import Backend, Precision, WholeImageBackend
from robustpose.estimators.running.batches import CROPS_PER_CALL, CROPS_PER_GPU_CALL, Array, run_in_batches
from robustpose.estimators.running.numerics import PRECISIONS, Numerics, autocast, exact_float32, limit_threads
from robustpose.estimators.running.openvino import convert_module, require_openvino
from robustpose.estimators.running.served import InTurn, Overlapped
from robustpose.models.fast import fold_batch_norms, fuse_convolutions
from robustpose.network_processes import ask_in_parts, find_client, is_server, serve
from robustpose.processes import WORKER_NUMBER

CROPS_PER_IMAGE = 4  # two people, and their mirror images: as many as most images have
# The shape that whole-image networks are prepared for: always the same one, whatever image comes first. A small one:
# larger images are not slower for it.
PACKED_FOR = (2, 3, 128, 128)


def find_device(name: str) -> torch.device:
    """Return the device of a name: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    ``cuda`` stands for all GPUs, at which the processes of a run take turns: see `take_turn`.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        if find_client() is not None:  # which leaves the device, and its memory, to its network process
            return device
        name = str(take_turn(device))
        torch.zeros(1, device=name).cpu()  # nothing comes back from a device such as meta
    except (RuntimeError, AssertionError, NotImplementedError, ValueError, OverflowError, ImportError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"device '{name}' cannot be used here: {reason}") from error
    return device


def take_turn(device: torch.device) -> torch.device:
    """Return the GPU of this process where any GPU is meant, and there are several; else the device that is given."""
    n_gpus = torch.cuda.device_count() if device.type == "cuda" and device.index is None else 0
    return torch.device("cuda", int(os.environ.get(WORKER_NUMBER, 0)) % n_gpus) if n_gpus > 1 else device


def count_gpus(device: torch.device) -> int:
    """Return how many GPUs a run's networks are on: 0 for a CPU."""
    if device.type == "cpu":
        return 0
    return max(torch.cuda.device_count(), 1) if device.type == "cuda" and device.index is None else 1


class NetworkCall:
    """A function of images (B, 3, h, w) that runs a network, or asks a network process to.

    Attributes:
        n_gpus: how many GPUs the networks of a run are on, which is how many network processes it has by default; None
            where none can run it for others.
    """

    n_gpus: int | None

    def __init__(self, function: Callable[[Array], Any], device: torch.device) -> None:
        self._function = function
        self.n_gpus = count_gpus(device)

    def __call__(self, images: Array) -> Any:
        """Return the outputs."""
        return self._function(images)


class AdaptiveCall(NetworkCall):
    """A function of images that runs a network which adapts; each process runs its own, since groups are its own."""

    def __init__(self, function: Callable[[Array], Any], network: AdaptiveNetwork) -> None:
        self._function = function
        self.n_gpus = None
        self.n_images = network.adapting.n_images  # of a group
        self.batch_size = network.batch_size  # of the inputs that `adapt` takes
        self.adapt, self.check_group = network.adapt, network.check_group


def check_backend(backend: Backend, precision: Precision, device: torch.device) -> None:
    """Raise UserError for a backend or a precision that there is not on this device, or that is not installed."""
    if precision == "fp16" and device.type == "cpu":
        raise UserError("precision fp16 is for GPUs: on a CPU use bf16")
    if backend == "openvino" and device.type != "cpu":
        raise UserError(f"backend openvino runs on the CPU, not on {device.type}: add --model-set device=cpu")
    if backend == "openvino":
        require_openvino()


def as_callable(
    module: nn.Module,
    threads: int | None = None,
    input_wh: tuple[int, int] | None = None,
    *,
    backend: Backend = "torch",
    precision: Precision = "float32",
    device: torch.device | None = None,
    channels_last: bool = True,
    adapting: Adapting | None = None,
) -> Callable[[Array], Array]:
    """Return a function of normalised crops (B, 3, h, w) float32 that gives the module's heatmaps (B, K, h', w').

    It works on a copy, in evaluation mode, batch norms folded. A crop's heatmaps do not depend on the batch it is in,
    to the last bit. One call takes so many threads on a CPU, None as many as PyTorch has; without a device, it runs
    where the module is. The backend `openvino` has to know the crops' width and height. Without `channels_last`, images
    are laid out as they come: numbers are those of the module itself, and convolutions take longer. `adapting` makes it
    an `AdaptiveCall`, whose batch norms are not folded.
    """
    wanted = device or next(module.parameters()).device
    if adapting is not None:
        numerics = Numerics(take_turn(wanted), PRECISIONS[precision], threads, channels_last)
        most = CROPS_PER_CALL if wanted.type == "cpu" else CROPS_PER_GPU_CALL
        n_per_call = min(most, CROPS_PER_IMAGE * adapting.n_images)  # a small group would not fill a batch
        network = AdaptiveNetwork(module, adapting, numerics, n_per_call)
        run = _run_adapted(network, numerics)
        return AdaptiveCall(lambda crops: run_in_batches(lambda batch: run(batch)[0], crops, n_per_call), network)
    client = find_client()
    if client is not None:
        ask = client.add_network()
        return NetworkCall(lambda crops: ask_in_parts(ask, crops)[0], wanted)
    device = take_turn(wanted)
    n_per_call = CROPS_PER_CALL if device.type == "cpu" else CROPS_PER_GPU_CALL
    frozen = fold_batch_norms(module).to(device)
    if backend == "openvino":
        assert input_wh is not None
        run = convert_module(frozen, (n_per_call, 3, input_wh[1], input_wh[0]), False, precision, threads)
    else:
        call = _torch_call(frozen, threads, backend == "compile", PRECISIONS[precision], device, None, channels_last)
        run = _from_host(call)
    if is_server() and device.type == "cuda":
        serve(Overlapped(lambda crops: call(crops)[:1], n_per_call, device))
    elif is_server():
        serve(InTurn(lambda batch: run(batch)[:1], n_per_call))
    return NetworkCall(lambda crops: run_in_batches(lambda batch: run(batch)[0], crops, n_per_call), wanted)


def as_image_callable(
    module: nn.Module,
    threads: int | None = None,
    *,
    backend: WholeImageBackend = "torch",
    precision: Precision = "float32",
    device: torch.device | None = None,
    input_wh: tuple[int, int] | None = None,
    as_it_is: bool = False,
    adapting: Adapting | None = None,
) -> Callable[[Array], tuple[Array, ...]]:
    """Return a function of normalised images (B, 3, h, w) float32 of any size that gives the module's outputs.

    It works on a copy, in evaluation mode, batch norms folded. Outputs depend on the batch and nothing before it.
    Arguments are those of `as_callable`; `input_wh` is for modules that OpenVINO can take for one size only. A module
    `as_it_is` is not taken apart: numbers are its own.
    """
    wanted = device or next(module.parameters()).device
    if adapting is not None:
        numerics = Numerics(take_turn(wanted), PRECISIONS[precision], threads)
        network = AdaptiveNetwork(module, adapting, numerics, packed_for=PACKED_FOR)
        return AdaptiveCall(_run_adapted(network, numerics), network)
    client = find_client()
    if client is not None:
        ask = client.add_network()
        return NetworkCall(lambda images: tuple(ask(images)), wanted)
    device = take_turn(wanted)
    frozen = (deepcopy(module).eval() if as_it_is else fold_batch_norms(module)).to(device)
    if backend == "openvino":
        shape = PACKED_FOR if input_wh is None else (1, 3, input_wh[1], input_wh[0])
        run = convert_module(frozen, shape, input_wh is None, precision, threads)
    else:
        packed_for = None if as_it_is else PACKED_FOR
        dtype = PRECISIONS[precision]
        run = _from_host(_torch_call(frozen, threads, False, dtype, device, packed_for, not as_it_is, as_it_is))
    if is_server():
        serve(InTurn(run, None))
    return NetworkCall(run, wanted)


def _torch_call(
    frozen: nn.Module,
    threads: int | None,
    compiled: bool,
    dtype: torch.dtype,
    device: torch.device,
    packed_for: tuple[int, ...] | None = None,
    channels_last: bool = True,
    as_it_is: bool = False,
) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """Return what runs a network on a batch that lies anywhere; outputs, as float32, lie on the device.

    `packed_for` is the shape to prepare it for, None for that of the first batch.
    """
    layout = torch.channels_last if channels_last else torch.contiguous_format
    if channels_last:
        frozen.to(memory_format=layout)  # type: ignore[call-overload]  # a third less time on a CPU
    call: Callable[[Tensor], Any] | None = _compile(frozen) if compiled else frozen if as_it_is else None

    @torch.inference_mode()
    def run(batch: Tensor) -> tuple[Tensor, ...]:
        nonlocal call
        if call is None:
            is_fused = device.type == "cpu" and dtype == torch.float32
            call = fuse_convolutions(frozen, packed_for or batch.shape) if is_fused else frozen
        with limit_threads(threads), exact_float32(device), autocast(device, dtype):
            found = call(batch.to(device, memory_format=layout))
            outputs: Sequence[Tensor] = (found,) if isinstance(found, Tensor) else found
            return tuple(output.float() for output in outputs)

    return run


def _run_adapted(network: AdaptiveNetwork, numerics: Numerics) -> Callable[[Array], tuple[Array, ...]]:
    """Return what runs a network as it was adapted last."""
    how = (numerics.dtype, numerics.device, None, numerics.channels_last)
    return _from_host(_torch_call(network, numerics.threads, False, *how, as_it_is=True))


def _from_host(call: Callable[[Tensor], tuple[Tensor, ...]]) -> Callable[[Array], tuple[Array, ...]]:
    """Return a function of arrays for one of tensors."""

    @torch.inference_mode()
    def run(batch: Array) -> tuple[Array, ...]:
        outputs = call(torch.from_numpy(np.ascontiguousarray(batch)))
        return tuple(output.cpu().contiguous().numpy() for output in outputs)

    return run


def _compile(module: nn.Module) -> Callable[[Tensor], Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler's own
        compiled: Any = torch.compile(module, options={"freezing": True})  # constants are merged into the kernels

    def call(crops: Tensor) -> Tensor:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            return compiled(crops)

    return call
