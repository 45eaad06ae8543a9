"""Settings of a hardening: from what a Python program hands over to the settings of a training.

Settings are those of a recipe, then what the network and its data are, then arguments, then `settings`, the last first.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustpose.api.arguments import as_plain, as_whole_number, name_of, read_data
from robustpose.api.models import is_network
from robustpose.api.several_devices import check_named
from robustpose.config import read_recipe
from robustpose.data.spec import describe_data
from robustpose.errors import UserError, quote
from robustpose.handed_over import hand_over
from robustpose.models import TABLE, find_weights
from robustpose.processes import count_cores
from robustpose.train.recipe_code import check_trust
from robustpose.train.recipes import choose_batch, find_recipe_file
from robustpose.train.settings import TrainSettings, make_settings
from robustpose.train.start import naming

if TYPE_CHECKING:
    from robustpose.models.input_spec import InputSpec
    from robustpose.pose.skeletons import Skeleton

FINE_TUNING = "advmix/mobilenet_v2"  # the recipe whose settings are taken where none is named
TYPED = {"strategy": "strategy", "train_data": "train", "val_data": "val"}  # settings by the arguments that give them
HELD = "robustpose.handed_over:"
OF_ITS_NETWORK = ("model", "family", "input_wh", "sigma", "train_data", "val_data", "engine", "start_from", "backbone")


@dataclass(frozen=True)
class Given:
    """What was handed over: the arguments of `harden`."""

    model: Any
    train: Any
    val: Any
    strategy: Any
    recipe: Any
    epochs: Any
    settings: Any
    input: Any
    devices: Any
    trust: bool


@dataclass(frozen=True)
class Start:
    """What a training starts with."""

    values: dict[str, Any]  # nested settings
    source: str  # where they come from, for messages
    network: Any  # in memory, a copy; None for one that settings name by its weights' file
    input_spec: InputSpec

    @property
    def identity(self) -> dict[str, Any]:
        """Return what determines the run: a stopped one goes on in its temporary folder."""
        of_network = {}
        if self.network is not None:
            from robustpose.contents import hash_network

            of_network = {"state_sha256": hash_network(self.network)}
        return json.loads(json.dumps({**self.values, **of_network}, default=str))

    def settle(self, folder: Path, is_fresh: bool) -> TrainSettings:
        """Return the settings of the run in a folder, where the weights of a network in memory are written."""
        from robustpose.train.loop import START

        first = {} if self.network is None else {"start_from": str(folder / START)}
        settings = make_settings({**self.values, **first}, self.source)
        if settings.engine.nodes > 1:
            raise UserError(
                f"engine.nodes is {settings.engine.nodes}: on several nodes torchrun or srun starts the command "
                "robustpose train, see docs/guides/cluster.md; a Python program trains on the devices of one"
            )
        if settings.engine.devices > 1:
            check_named(settings, HELD)
        if self.network is not None:
            from robustpose.train.from_memory import write_start

            write_start(self.network, self.input_spec, folder, is_fresh)
        return settings


def make_start(given: Given, held: ExitStack) -> Start:
    """Return what a training starts with; what is handed over by a name is there until `held` is closed."""
    values, of_recipe, source = _read_base(given)
    for group, data in (("train_data", given.train), ("val_data", given.val)):
        if data is not None:
            values[group] = _describe_data(data, group, held)
        elif not isinstance(values.get(group), dict):
            what = "learn from" if group == "train_data" else "evaluate on"
            raise UserError(f"say what to {what}: {group.removesuffix('_data')}=")
    values["strategy"] = values.get("strategy", "advmix") if given.strategy is None else given.strategy
    if given.epochs is not None:
        _change_epochs(values, as_whole_number(given.epochs, "epochs", 1))
    typed = ["model", *_change(values, given.settings)]
    typed += [name for name, word in TYPED.items() if getattr(given, word) is not None]
    check_trust(of_recipe, values, typed, source, given.trust)  # before anything of the data is opened
    network, input_spec = _take_network(given, values, held)
    _change(values, given.settings)  # once more: what they say of the input comes first
    _set_engine(values, given.devices)
    return Start(values, source, network, input_spec)


def _read_base(given: Given) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return the settings of a recipe, or those for fine-tuning; what the recipe holds; and the source of settings."""
    recipe = given.recipe
    if recipe is None and isinstance(given.settings, Mapping) and given.settings.get("like") is not None:
        return {}, {}, "settings"  # as the network of the table was trained
    if recipe is None:
        values = read_recipe(find_recipe_file(FINE_TUNING))
        return {key: value for key, value in values.items() if key not in OF_ITS_NETWORK}, {}, "settings"
    if not isinstance(recipe, str | os.PathLike):
        raise UserError(f"recipe= takes a name of robustpose list recipes or a YAML file, got {quote(recipe)}")
    values = read_recipe(find_recipe_file(os.fspath(recipe)))
    return values, copy.deepcopy(values), f"recipe {recipe}"


def _describe_data(data: Any, group: str, held: ExitStack) -> dict[str, Any]:
    """Return a description of data, of a dataset in memory under a name that it has while it is held."""
    spec = read_data(data, {}).spec
    if spec is None:
        return {"name": held.enter_context(hand_over(f"{group}_{name_of(data)}".replace(".", "_"), data))}
    return spec.model_dump(exclude_defaults=True)


def _take_network(given: Given, values: dict[str, Any], held: ExitStack) -> tuple[Any, InputSpec]:
    """Put the network into the settings; return a copy of one in memory, else None, and the input spec."""
    network: Any
    of_recipe = values.pop("input_wh", None), values.pop("sigma", None)
    for name in ("model", "family", "start_from", "backbone"):
        values.pop(name, None)
    if isinstance(given.model, str | os.PathLike):
        network, input_spec = None, _take_file(os.fspath(given.model), given.input, of_recipe[0], values)
    elif is_network(given.model):
        network, input_spec = _take_memory(given, of_recipe[0], values, held)
    else:
        raise UserError(
            "model must be a network to train: NETWORK:FILE such as 'hrnet_w32:FILE', 'demo' or a torch module, got "
            f"{name_of(given.model)}"
        )
    values["input_wh"] = list(input_spec.input_wh)
    values["sigma"] = of_recipe[1] if values["input_wh"] == of_recipe[0] and of_recipe[1] else input_spec.sigma
    return network, input_spec


def _take_file(spec: str, size: Any, of_recipe: Any, values: dict[str, Any]) -> InputSpec:
    """Put a network with a file of weights into the settings, and return its input spec."""
    from robustpose.estimators.heatmaps import find_size_in_name
    from robustpose.estimators.in_memory import read_size
    from robustpose.models.weights import read_input_spec
    from robustpose.models.zoo import make_input_spec

    name, colon, file = ("small", ":", "demo") if spec == "demo" else spec.rpartition(":")[:3]
    if not colon or not file or (name not in TABLE and ":" not in name):
        raise UserError(
            f"model '{spec}' cannot be trained: expected NETWORK:FILE ({', '.join(TABLE)}), package.module:attr:FILE, "
            "'demo' or a torch module"
        )
    path = find_weights(Path(file).expanduser())
    assert path is not None
    if not path.is_file():
        raise UserError(f"there is no weights file {path}")
    values |= {"model": name, "start_from": file if file == "demo" else str(path)}
    found = read_input_spec(path)
    if found is not None and ":" in name:
        values["family"] = found.family
    if size is not None:
        input_wh = read_size(name, size)
        return replace(found, input_wh=input_wh) if found else make_input_spec(name, _open_skeleton(values), input_wh)
    return found or make_input_spec(name, _open_skeleton(values), find_size_in_name(path) or of_recipe)


def _take_memory(given: Given, of_recipe: Any, values: dict[str, Any], held: ExitStack) -> tuple[Any, InputSpec]:
    """Put a network in memory into the settings; return a copy to train, and its input spec."""
    from robustpose.estimators.in_memory import find_input_spec, unwrap
    from robustpose.train.from_memory import check_colours_shown, copy_to_train, lend_network

    network = unwrap(given.model)
    carried = getattr(given.model, "input_spec", None) or getattr(network, "input_spec", None)
    skeleton = _open_skeleton(values)
    said = carried if given.input is None else given.input
    input_spec = find_input_spec(network, of_recipe if said is None else said, skeleton, {})
    copied = copy_to_train(network)
    values["model"] = held.enter_context(lend_network(copied, skeleton.n_joints))
    if ":" in values["model"]:
        values["family"] = input_spec.family
    check_colours_shown(values["model"], input_spec)
    return copied, input_spec if said is carried and carried else replace(input_spec, joints=())


def _open_skeleton(values: Mapping[str, Any]) -> Skeleton:
    """Return the skeleton of the data that are evaluated on, which are fewer than those that are learned from."""
    with naming("val_data"):
        return describe_data(values["val_data"]).open().skeleton


def _change_epochs(values: dict[str, Any], epochs: int) -> None:
    """Change the number of epochs, and with it when the learning rate falls and how rarely there is an evaluation."""
    before, falls = values.get("epochs"), values.get("decay_at")
    values["epochs"] = epochs
    if isinstance(before, int) and before > 0 and isinstance(falls, list | tuple):
        values["decay_at"] = sorted({max(1, round(fall * epochs / before)) for fall in falls})
    if isinstance(values.get("evaluate_every"), int):
        values["evaluate_every"] = min(values["evaluate_every"], epochs)


def _change(values: dict[str, Any], settings: Any) -> list[str]:
    """Change nested values, in place, by settings of dotted or nested names; return the names that were given."""
    if settings is None:
        return []
    if not isinstance(settings, Mapping):
        raise UserError(f"settings= takes settings by name, {{'mixing.alpha': 0.3}}, got {quote(settings)}")
    names = []
    for name, value in settings.items():
        if name in ("model", "start_from", "train_data", "val_data", "strategy", "epochs") and not isinstance(
            value, Mapping
        ):
            word = {"start_from": "model", "train_data": "train", "val_data": "val"}.get(name, name)
            raise UserError(f"settings= cannot say '{name}': that is {word}=")
        names += _set(values, str(name), value)
    choose_batch(values, names)
    return names


def _set(values: dict[str, Any], name: str, value: Any) -> list[str]:
    """Change one of nested values, or the entries of a group of them."""
    if isinstance(value, Mapping):
        return [one for key in value for one in _set(values, f"{name}.{key}", value[key])]
    *groups, key = name.split(".")
    place = values
    for group in groups:
        inner = place.setdefault(group, {})
        if not isinstance(inner, dict):
            raise UserError(f"settings= has '{name}', but '{group}' is one value, not a group of settings")
        place = inner
    place[key] = list(value) if isinstance(value, tuple) else as_plain(value)
    return [name]


def _set_engine(values: dict[str, Any], devices: Any) -> None:
    """Say how many processes train, and how many make samples."""
    engine = values.setdefault("engine", {})
    if not isinstance(engine, dict):
        return  # which is refused where settings are checked
    if devices is not None:
        engine["devices"] = as_whole_number(devices, "devices", 1)
    is_held = any(str(values[group].get("name")).startswith(HELD) for group in ("train_data", "val_data"))
    engine.setdefault("workers", 0 if is_held else min(8, count_cores()))
