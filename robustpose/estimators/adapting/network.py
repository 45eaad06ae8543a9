"""The network that adapts: a copy whose batch norms normalise with what was found in a group of images.

Statistics are found in one pass of the whole group: its batches go through the network together, norm by norm, each
normalised as the norms before were adapted. What is found depends on the group and on nothing else: its images, in
their order, in batches of a fixed size. After that, crops are looked at in batches as always, mirrored ones included.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.errors import UserError
from robustpose.estimators.adapting.entropy import choose_heatmaps, measure_entropy
from robustpose.estimators.adapting.moments import Moments, measure, merge, mix
from robustpose.estimators.adapting.options import Adapting, Sharpening
from robustpose.estimators.adapting.turns import Turn
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.numerics import Numerics
from robustpose.limits import check_limit
from robustpose.models.fast import fuse_convolutions, trace_network
from robustpose.models.norm_statistics import has_folded_norms

Norm = nn.modules.batchnorm._BatchNorm
FORWARD = (Norm.forward, nn.SyncBatchNorm.forward)  # what a norm may do, if nothing else is known of it
HELD = 2  # times what comes to a norm: a network keeps what it adds later on
NO_NORMS = "adapt needs a torch network with batch norms"


Scales = dict[Norm, tuple[Tensor | None, Tensor | None]]  # scale and shift of each norm, where it has them


class _Arrival(NamedTuple):
    """What a batch brings to a norm, by the place of the norm in the pass."""

    place: int
    norm: Norm
    moments: Moments
    n_bytes: int


class AdaptiveNetwork(nn.Module):
    """A copy of a network in evaluation mode, float32, whose batch norms take the statistics of a group of images.

    Before the first group, and after one without anybody, it is the network as it was trained. Batches are of
    `batch_size` people at most. Convolutions are packed for one shape, `packed_for` or that of a full batch, whatever
    comes first: packed otherwise, they would round otherwise.
    """

    def __init__(
        self,
        network: nn.Module,
        adapting: Adapting,
        numerics: Numerics,
        batch_size: int = 1,
        packed_for: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        check_norms(network)
        if numerics.device.type == "mps":
            raise UserError("adapt adds up in float64, which device mps does not have: add --model-set device=cpu")
        self.network = _copy_network(network).to(numerics.device)
        if numerics.channels_last:
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.adapting, self.batch_size = adapting, batch_size
        self._packed_for = packed_for
        self._numerics = numerics
        self._norms = list_norms(self.network)
        for norm in self._norms:
            norm.forward = partial(self._normalise, norm)  # type: ignore[method-assign]
        self._own: Scales = {norm: (norm.weight, norm.bias) for norm in self._norms}
        self._scales = self._own  # which only tent changes
        # By the place in a pass: a norm may be called several times. None: statistics of training.
        self._statistics: list[tuple[Norm, Tensor, Tensor]] | None = None
        # Convolutions are fused when the first images come; there are no gradients of that.
        self._is_to_fuse = numerics.is_exact_on_cpu and adapting.sharpening is None
        self._called: set[Norm] = set()  # so far
        # Of the pass in this thread: its place and, while statistics are found, its turn.
        self._here = threading.local()

    def forward(self, images: Tensor) -> Any:
        """Return the outputs for images (B, 3, h, w), adapted to the last group."""
        return self._look(images, None)

    def _look(self, images: Tensor, turn: Turn | None) -> Any:
        """Return the outputs of a pass; of one in which statistics are found, in its turn."""
        self._here.place, self._here.turn = 0, None
        if self._is_to_fuse:
            self._is_to_fuse, kept = False, self._statistics
            self._statistics = None  # of the norms of a pass that has yet to be made
            self.network = fuse_convolutions(self.network, self._packed_for or (self.batch_size, *images.shape[1:]))
            self._here.place, self._statistics = 0, kept
        self._here.turn = turn
        return self.network(images)

    def adapt(self, batches: Sequence[Callable[[], Array]]) -> None:
        """Adapt to a group of images: the normalised, not mirrored inputs that each of `batches` returns.

        Raises:
            UserError: it takes too much memory, or the order of the norms depends on the images.
        """
        self._statistics, self._scales = None, self._own
        if not batches:
            return
        with ExitStack() as around:
            for context in self._numerics.of_process():
                around.enter_context(context)
            n = self._find_statistics(batches)
            self._check_called()
            if self.adapting.sharpening is not None:
                self._sharpen(batches, n, self.adapting.sharpening)

    def check_group(self, n: int, input_wh: tuple[int, int]) -> tuple[str, ...]:
        """Raise UserError if adapting to `n` people at once would take too much memory, by what one of them takes.

        Returns why the network could adapt in part only.
        """
        seen = [0]

        def note(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            seen.append(_count_bytes(inputs[0]))

        hooks = [norm.register_forward_pre_hook(note) for norm in self._norms]
        try:
            with ExitStack() as around, torch.no_grad():
                for context in (*self._numerics.of_process(), *self._numerics.of_thread()):
                    around.enter_context(context)
                self(self._numerics.bring(np.zeros((1, 3, input_wh[1], input_wh[0]), np.float32)))
        finally:
            for hook in hooks:
                hook.remove()
        _check_memory(n * max(seen), self.adapting.n_images)
        n_norms, n_called = len(self._norms), len(self._called)
        if n_called in (0, n_norms):  # none: nothing will adapt, which is refused
            return ()
        return (
            f"{n_norms - n_called} of the network's {n_norms} batch norms are not called as modules: unless they are "
            "of no use, they do not adapt",
        )

    def _find_statistics(self, batches: Sequence[Callable[[], Array]]) -> int:
        """Find the statistics of all norms in one pass, and return the number of people (or images)."""
        self._statistics, sizes = [], [0] * len(batches)

        def look(number: int, turn: Turn) -> None:
            with ExitStack() as around, torch.no_grad():
                for context in self._numerics.of_thread():
                    around.enter_context(context)
                images = self._numerics.bring(batches[number]())
                sizes[number] = len(images)
                self._look(images, turn)

        turns = [Turn(partial(look, number)) for number in range(len(batches))]
        try:
            while True:
                arrivals = []
                for number, turn in enumerate(turns):
                    arrivals.append(turn.resume())
                    if number == 0 and arrivals[0] is not None:
                        _check_memory(len(batches) * arrivals[0].n_bytes, self.adapting.n_images)
                if all(arrival is None for arrival in arrivals):
                    return sum(sizes)
                self._statistics.append(self._settle(arrivals, sum(sizes)))
        finally:
            for turn in turns:
                turn.stop()

    def _check_called(self) -> None:
        """Raise UserError where no norm was called: then nothing has adapted."""
        if not self._statistics:
            raise UserError(
                f"{NO_NORMS}, and this one calls none of its {len(self._norms)} as a module (F.batch_norm with their "
                "numbers cannot be adapted): leave out adapt"
            )

    def _settle(self, arrivals: Sequence[_Arrival | None], n: int) -> tuple[Norm, Tensor, Tensor]:
        """Return a norm and its statistics, once all batches are there."""
        known = [arrival for arrival in arrivals if arrival is not None]
        norm = known[0].norm
        if len(known) < len(arrivals) or any(arrival.norm is not norm for arrival in known):
            raise UserError("adapt needs a network that calls its batch norms in the same order for all images")
        return (norm, *mix(norm, merge([arrival.moments for arrival in known]), n, self.adapting.prior))

    def _normalise(self, norm: Norm, x: Tensor) -> Tensor:
        """Do what a batch norm does in evaluation mode, with the statistics of the group."""
        place, turn = self._here.place, self._here.turn
        self._here.place += 1
        self._called.add(norm)
        if turn is not None:
            turn.pause(_Arrival(place, norm, measure(x), _count_bytes(x)))
        mean, variance = norm.running_mean, norm.running_var
        if self._statistics is not None:
            if place >= len(self._statistics) or self._statistics[place][0] is not norm:
                raise UserError("adapt needs a network that calls its batch norms in the same order for all images")
            _, mean, variance = self._statistics[place]
        return F.batch_norm(x, mean, variance, *self._scales[norm], False, 0.0, norm.eps)

    def _sharpen(self, batches: Sequence[Callable[[], Array]], n: int, sharpening: Sharpening) -> None:
        """Change scales and shifts so that the heatmaps of a group get sharper; statistics stay those of the group."""
        self._scales = {
            norm: (_copy_to_learn(scale), _copy_to_learn(shift)) for norm, (scale, shift) in self._own.items()
        }
        changed = [of for scales in self._scales.values() for of in scales if of is not None]
        if not changed:
            raise UserError("adapt=tent learns scales and shifts of batch norms, and those of this network have none")
        optimizer = torch.optim.Adam(changed, lr=sharpening.rate)
        for _ in range(sharpening.n_steps):
            optimizer.zero_grad()
            for make in batches:
                with ExitStack() as around, torch.enable_grad():
                    for context in self._numerics.of_thread():
                        around.enter_context(context)
                    images = self._numerics.bring(make())
                    entropy = measure_entropy(choose_heatmaps(self(images)), sharpening.temperature)
                (entropy * (len(images) / n)).backward()
            optimizer.step()
        for of in changed:
            of.requires_grad_(False)


def _copy_network(network: nn.Module) -> nn.Module:
    """Return a frozen float32 copy in evaluation mode, traced where its norms stay what they are: then it is faster."""
    traced = trace_network(network)
    if len(list_norms(traced)) == len(list_norms(network)):
        return traced
    return copy.deepcopy(network).float().eval().requires_grad_(False)


def list_norms(network: nn.Module) -> list[Norm]:
    """Return the batch norms of a network."""
    return [module for module in network.modules() if isinstance(module, Norm)]


def check_norms(network: nn.Module) -> None:
    """Raise UserError for a network without batch norms, or with some that know no statistics of training."""
    scripted = [module.original_name for module in network.modules() if isinstance(module, torch.jit.ScriptModule)]
    if any("BatchNorm" in name for name in scripted) or (scripted and not list_norms(network)):
        raise UserError(
            "adapt changes what batch norms do, and cannot reach into what torch.jit has traced or scripted: hand over "
            "the module that it was made of, or leave out adapt"
        )
    norms = {name: module for name, module in network.named_modules() if isinstance(module, Norm)}
    if not norms:
        kinds = sorted({type(module).__name__ for module in network.modules() if "Norm" in type(module).__name__})
        others = f"only {', '.join(kinds)}" if kinds else "none"
        raise UserError(f"{NO_NORMS}, and this one has {others}: leave out adapt")
    lacking = [name for name, norm in norms.items() if norm.running_mean is None or norm.running_var is None]
    if lacking:
        raise UserError(
            f"adapt mixes statistics of training with those of the images, and '{lacking[0]}' of this network keeps "
            "none (track_running_stats=False): leave out adapt"
        )
    own = [name for name, norm in norms.items() if type(norm).forward not in FORWARD or "forward" in vars(norm)]
    if own:
        raise UserError(
            f"adapt computes batch norms itself, and '{own[0]}' of this network, a {type(norms[own[0]]).__name__}, "
            "does more than a batch norm: leave out adapt"
        )
    if has_folded_norms(network):
        raise UserError(
            f"{NO_NORMS}, and those of this one are folded into its convolutions (means 0): leave out adapt"
        )


def _copy_to_learn(parameter: Tensor | None) -> Tensor | None:
    return None if parameter is None else parameter.clone().requires_grad_()


def _count_bytes(x: Tensor) -> int:
    return x.numel() * x.element_size()


def _check_memory(n_bytes: int, n_images: int) -> None:
    """Raise UserError if what comes to a norm, of a whole group, is too much."""
    megabytes = HELD * n_bytes / 2**20
    check_limit("MEMORY_MB", megabytes, f"adapting to {n_images} images at once (adapt_images)", "MB")
