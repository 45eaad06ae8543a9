"""Torch networks as estimators: a module and its card become the `Network` that `topdown` calls."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from robustpose.errors import UserError
from robustpose.estimators.topdown import Network, TopDown
from robustpose.models.small import SmallNet
from robustpose.models.weights import DEMO, load_weights, read_weights
from robustpose.pose.skeleton import Skeleton

# A convolution library chooses its method by the shape of the whole batch, and methods round differently: heatmaps
# of one crop alone, of 5 and of 16 differ in the last bits. So the network sees one shape only, batches of this many
# crops, the last one filled up with zeros. Where a crop stands in a batch, and what else is in it, changes nothing.
# Eight is where the time per crop of the demo network stops falling.
CROPS_PER_CALL = 8


def build_demo(
    target: str, skeleton: Skeleton, *, batch_size: int = 16, flip_test: bool = True, threads: int = 1
) -> TopDown:
    """Return the estimator of the network that comes with robustpose, trained on drawn people (recipes/demo.yaml).

    Args:
        target: empty: there is one such network.
        skeleton: COCO's, or another that names its 17 joints.
        batch_size: crops handed over at once; never changes a score.
        flip_test: average with the heatmaps of the mirrored crop.
        threads: of one call; several wait for each other where cores are busy.

    Raises:
        UserError: a target is given, or the skeleton has other joints.
    """
    if target:
        raise UserError(f"the demo network brings its own weights: write demo, or small:{target}")
    return build_small(str(DEMO), skeleton, batch_size=batch_size, flip_test=flip_test, threads=threads)


def build_small(
    target: str, skeleton: Skeleton, *, batch_size: int = 16, flip_test: bool = True, threads: int = 1
) -> TopDown:
    """Return the estimator of the small network with weights of one's own training.

    Args:
        target: safetensors file written by training; the card in it says how it wants its crops.
        skeleton: names of the joints to find.
        batch_size: crops handed over at once; never changes a score.
        flip_test: average with the heatmaps of the mirrored crop.
        threads: of one call; several wait for each other where cores are busy.

    Raises:
        UserError: the file cannot be read, or is not of this network or skeleton.
    """
    if not target:
        raise UserError("name the weights: --model small:FILE")
    path = Path(target)
    _, card = read_weights(path)
    network = SmallNet(len(card.joints))
    load_weights(network, path)
    estimator = TopDown(as_callable(network, threads), card, skeleton, batch_size, flip_test)
    estimator.provenance = {
        "kind": "small",
        "name": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "input": f"{card.input_wh[0]}x{card.input_wh[1]}",
        "flip_test": flip_test,
        "torch": torch.__version__,
    }
    return estimator


def as_callable(module: nn.Module, threads: int | None = None) -> Network:
    """Return a function of normalised crops (B, 3, h, w) float32 that gives the module's heatmaps (B, K, h', w').

    It works on a copy, on the device the module is on, in float32 and evaluation mode. A crop's heatmaps do not
    depend on the batch it is in, to the last bit.

    Args:
        module: any network of crops.
        threads: of one call; None leaves it to PyTorch.
    """
    device = next(module.parameters()).device
    frozen = copy.deepcopy(module).float().eval().requires_grad_(False)
    _fold_batch_norms(frozen)
    frozen.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a third less time on a CPU

    @torch.inference_mode()
    def find_heatmaps(crops: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        parts = []
        with limit_threads(threads):
            for start in range(0, len(crops), CROPS_PER_CALL):
                part = crops[start : start + CROPS_PER_CALL]
                batch = torch.zeros(CROPS_PER_CALL, *part.shape[1:]).contiguous(memory_format=torch.channels_last)
                batch[: len(part)] = torch.from_numpy(part)
                parts.append(frozen(batch.to(device))[: len(part)].float().cpu().contiguous().numpy())
        return np.concatenate(parts)

    return find_heatmaps


@contextmanager
def limit_threads(threads: int | None) -> Iterator[None]:
    """Let PyTorch use so many threads within the block; None leaves it as it is."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _fold_batch_norms(module: nn.Module) -> None:
    """Merge each batch norm that follows a convolution in a Sequential into it: a third less time, too."""
    for child in module.modules():
        if isinstance(child, nn.Sequential):
            for i in range(len(child) - 1):
                convolution, norm = child[i], child[i + 1]
                if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    child[i] = fuse_conv_bn_eval(convolution, norm)
                    child[i + 1] = nn.Identity()
