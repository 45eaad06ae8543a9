"""harden: make a network hold up under corruption, from Python."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustpose.api.arguments import as_switch
from robustpose.api.hardening_settings import Given, make_start
from robustpose.api.places import find_folder, lend_training_folder
from robustpose.api.several_devices import train_by_command
from robustpose.api.wording import in_python
from robustpose.fresh import StartOver
from robustpose.handed_over import name_shown
from robustpose.results.rows import percent
from robustpose.show.display import choose_display, tell

if TYPE_CHECKING:
    from robustpose.data.spec import DataSpec
    from robustpose.pose.protocols import Dataset
    from robustpose.train.from_memory import TorchModule
    from robustpose.train.settings import TrainSettings


@dataclass(frozen=True, eq=False)
class Hardened:
    """What a training made: the network, and what is known of it.

    Attributes:
        network: a torch module with the last weights, in evaluation mode, on the CPU. Its attribute `input_spec` says
            what its input is, so that `bench(hardened.network)` needs no `input`.
        weights: safetensors file of the same weights, ``model.safetensors`` in `folder`; beside it ``model.pth``.
        figures: those of the last evaluation on clean images by name, 0..1, the score first.
        folder: the run folder.
        log: a dict for each epoch: ``epoch``, ``step``, ``lr``, ``losses`` and, if it was evaluated, ``figures``.

    >>> import robustpose
    >>> two = {"name": "toy", "n_images": 2}
    >>> quick = {"batch_size": 4, "sheet_people": 0, "engine": {"threads": 1, "workers": 0}}
    >>> hardened = robustpose.harden("demo", two, two, strategy="supervised", epochs=1, settings=quick, progress=False)
    >>> next(iter(hardened.figures)), hardened.network.input_spec.input_wh
    ('AP', (96, 128))
    """

    network: TorchModule = field(repr=False)
    weights: Path
    figures: Mapping[str, float]
    folder: Path
    log: list[dict[str, Any]] = field(repr=False)

    def __repr__(self) -> str:
        words = [
            "1 epoch" if len(self.log) == 1 else f"{len(self.log)} epochs",
            *(f"{name} {_percent(value)}" for name, value in _first(self.figures)),
        ]
        return f"Hardened({', '.join(words)}, weights='{self.weights}')"

    def _repr_html_(self) -> str:
        names = [*dict.fromkeys(name for line in self.log for name in line.get("figures", {}))][:6]
        rows = [
            f"<tr><td>{line['epoch']}</td><td>{line['losses'].get('loss', float('nan')):.2e}</td>"
            + "".join(f"<td>{_percent(line.get('figures', {}).get(name))}</td>" for name in names)
            + "</tr>"
            for line in self.log
        ]
        heads = "".join(f"<th>{html.escape(name)}</th>" for name in ("epoch", "loss", *names))
        place = html.escape(str(self.weights))
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table><p>weights: {place}</p>"


def harden(
    model: str | TorchModule,
    train: str | DataSpec | Mapping[str, Any] | Dataset | None = None,
    val: str | DataSpec | Mapping[str, Any] | Dataset | None = None,
    *,
    strategy: str | None = None,
    out: str | Path | None = None,
    recipe: str | Path | None = None,
    epochs: int | None = None,
    settings: Mapping[str, Any] | None = None,
    input: Any = None,
    devices: int | None = None,
    progress: bool = True,
    fresh: bool = False,
    trust: bool = False,
) -> Hardened:
    """Train a copy of a network against corruption, by AdvMix unless said otherwise, and return it with its log.

    It is what the command ``robustpose train`` does with ``--init``. The network that is handed over stays as it is; a
    frozen copy of it is the teacher, where the strategy has one.

    Without a recipe, settings are those of the recipe ``advmix/mobilenet_v2``, which is made for fine-tuning: 20 epochs
    in batches of 32, Adam with lr 5e-4 that falls to a tenth after 60 % and 85 % of them, a small generator that learns
    slowly (width 16, lr 1e-5), evaluated every 5 epochs. With other `epochs`, a recipe's `decay_at` moves along.

    Args:
        model: ``NETWORK:FILE`` such as ``"hrnet_w32:FILE"``, ``"package.module:attr:FILE"``, ``"demo"``; or a torch
            module of heatmaps (B, K, h/4, w/4), or of another family that its `input_spec` names.
        train: data to learn from, as `bench` takes them: ``"toy"``, a `DataSpec` or a mapping of its fields such as
            ``{"annotations": …, "images": …}``, a dataset in memory. May be left out if a recipe names it.
        val: data to evaluate on, likewise.
        strategy: one of ``robustpose list strategies``, such as ``"supervised"`` for plain fine-tuning, or
            ``"package.module:attr"``; by default the recipe's, or ``"advmix"``.
        out: run folder. There, the same call goes on where it was stopped. None: a temporary one, which is removed when
            Python ends.
        recipe: a name of ``robustpose list recipes`` or a YAML file. Its `model` and `start_from` are not used.
        epochs: passes over the data.
        settings: any other settings of ``robustpose list settings`` by dotted name, such as ``{"mixing.alpha": 0.3}``,
            or nested.
        input: input size of a torch module that does not say it, such as ``"192x256"`` (width x height, px): multiples
            of 32; or an `InputSpec`.
        devices: processes, one device each, of the command ``robustpose train``: network and data must have names.
        progress: show how far it is, in a terminal or a notebook.
        fresh: start over in `out`: remove what an earlier training made there.
        trust: run code, ``package.module:attr``, that the recipe names.

    Raises:
        UserError: a mistake in what was given, in one line; or training diverged, the disk is full.
        KeyboardInterrupt: stopped; the same call goes on from the last checkpoint.

    >>> import robustpose
    >>> hardened = robustpose.harden(
    ...     "demo", {"name": "toy", "n_images": 2}, {"name": "toy", "n_images": 2}, epochs=1, progress=False,
    ...     settings={"batch_size": 4, "mixing.generator_width": 1, "sheet_people": 0, "engine": {"threads": 1}},
    ... )
    >>> hardened.weights.name, len(hardened.log), hardened.network.training
    ('model.safetensors', 1, False)
    """
    from robustpose.train.plain_torch import plain_torch

    with in_python(), plain_torch(), ExitStack() as held:
        is_shown, is_fresh = as_switch(progress, "progress"), as_switch(fresh, "fresh")
        trust = as_switch(trust, "trust")
        given = Given(model, train, val, strategy, recipe, epochs, settings, input, devices, trust)
        start = make_start(given, held)
        folder = held.enter_context(
            lend_training_folder(None if out is None else find_folder(out, "out=").absolute(), start.identity)
        )
        from robustpose.train.from_memory import read_network
        from robustpose.train.identity import list_paths
        from robustpose.train.loop import PRODUCT
        from robustpose.train.loop import train as run_training
        from robustpose.train.telling import Teller

        chosen = start.settle(folder, is_fresh)
        over = StartOver(tell if is_shown else lambda line: None, list_paths(chosen)) if is_fresh else None
        teller = Teller()
        if is_shown:
            tell(_describe(chosen, folder))
        if chosen.engine.devices > 1:
            train_by_command(chosen, folder, is_fresh, is_shown)
            weights = folder / PRODUCT
        else:
            with choose_display(is_shown) as show:
                weights = run_training(
                    chosen, folder, lambda now: show("training", teller.tell(now)), over, tell if is_shown else None
                )
        log = [*_read_log(folder)]
        figures: Mapping[str, float] = next((line["figures"] for line in reversed(log) if "figures" in line), {})
        return Hardened(read_network(chosen.model, weights), weights, figures, folder, log)


def _describe(settings: TrainSettings, folder: Path) -> str:
    """Return what a call is going to do, in a line."""
    epochs = "1 epoch" if settings.epochs == 1 else f"{settings.epochs} epochs"
    return (
        f"hardening {name_shown(settings.model)}: {settings.strategy}, {epochs} in batches of "
        f"{settings.batch_size}, lr {settings.lr:g}; run folder {folder}"
    )


def _read_log(folder: Path) -> Iterator[dict[str, Any]]:
    for line in (folder / "log.jsonl").read_text().splitlines():
        yield json.loads(line)


def _first(figures: Mapping[str, float]) -> list[tuple[str, float]]:
    return list(figures.items())[:1]


def _percent(value: float | None) -> str:
    return percent(None if value == -1 else value)
