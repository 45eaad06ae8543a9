"""The runs of a campaign, checked before the first one begins: their options, by their commands; their settings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, cast

from robustpose.campaign.file import Campaign
from robustpose.campaign.named_files import list_ends
from robustpose.campaign.runs import Run, Trained, list_runs
from robustpose.campaign.words import list_keys
from robustpose.cli import COMMANDS
from robustpose.cli.data_options import DataOptions
from robustpose.cli.failures import explain_usage
from robustpose.cli.help import load_command
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError, nearest, quote
from robustpose.results.parts import read_part
from robustpose.results.run_images import find_ids
from robustpose.train.identity import list_paths
from robustpose.train.settings import TrainSettings

Group = TypeVar("Group")
WEIGHTS = (".safetensors", ".onnx", ".tflite", ".pth", ".xml")  # how files of networks end


def check_runs(campaign: Campaign) -> dict[str, Trained]:
    """Return what the settings of each training say, by its name; UserError for options that no command takes.

    Settings of trainings are read, too: what can be known without their data is known before the first of them begins.
    """
    _check_options("train", "train", campaign.train)
    _check_options("bench", "bench", campaign.bench)
    for name, way in campaign.ways.items():
        _check_options(f"ways.{name}", "bench", way)
    for name, training in campaign.trainings.items():
        _check_options(f"trainings.{name}", "train", training.options)
    trained: dict[str, Trained] = {}
    runs = list_runs(campaign)
    kinds = {run.kind: run for run in reversed(runs)}
    for run in reversed(kinds.values()):
        # In the place of what another run makes.
        weights = [] if run.after is None else ["--init", "demo"] if run.is_training else ["--model", "made before"]
        given = parse_command([*run.words, *weights, "--out", str(run.folder)], run.name)
        if run.is_training:
            settings = _read_settings(given, run.name)
            named = {text for word in run.words for text in (word, *list_ends(word))}
            stands_in = {settings.start_from} if run.after is not None else set()
            files = dict.fromkeys(str(path) for path in list_paths(settings) if path not in stands_in)
            trained[run.training] = Trained(settings.model, tuple(file for file in files if file not in named))
    _check_files(runs)
    _check_models(campaign)
    return trained


def describe_data(campaign: Campaign) -> DataSpec | None:
    """Return the data of the benches; None where their options do not say them, as of a recipe."""
    run = next(run for run in list_runs(campaign) if not run.is_training)
    weights = [] if run.after is None else ["--model", "made before"]
    given = parse_command([*run.words, *weights, "--out", str(run.folder)], run.name)
    data = _gather(DataOptions, given)
    if not data.is_given and given["row"] is given["recipe"] is None:
        raise UserError(
            "bench must say what all networks are benched on, such as bench: {data: toy}, or bench: {annotations: "
            "FILE, images: DIR}: got neither"
        )
    try:
        return data.describe() if data.is_given else None
    except UserError as error:
        raise UserError(f"bench: {error}") from error


def check_data(campaign: Campaign, data: DataSpec) -> None:
    """Open the data of the benches, which trials do only where there are weights to begin with.

    UserError where that cannot be done, or where a part names images that they do not have.
    """
    try:
        dataset = data.open()
    except UserError as error:
        raise UserError(f"bench: {error}") from error
    of_all = "limit" not in list_keys(campaign.bench)  # else what a part lacks is said in the notes
    for name, text in campaign.parts.items() if of_all else ():
        try:
            read_part(text, lambda: find_ids(dataset))
        except UserError as error:
            raise UserError(f"parts.{name}: {error}") from error


def _check_options(where: str, command: str, options: Mapping[str, Any]) -> None:
    """Raise UserError for an option that a command has not, and for true and false where it takes a value."""
    known = {
        name.removeprefix("--"): bool(getattr(parameter, "is_flag", False))
        for parameter in load_command(command, *COMMANDS[command]).params
        for name in parameter.opts
    }
    for key, value in zip(list_keys(options), options.values(), strict=True):
        if key not in known:
            is_setting = command == "train" and key.replace("-", "_").partition(".")[0] in TrainSettings.model_fields
            hint = (
                f": settings of a training stand below set, {{set: {{{key}: …}}}}"
                if is_setting
                else nearest(key, known)
            )
            raise UserError(f"{where}.{key}: robustpose {command} has no option --{key}{hint}")
        if isinstance(value, bool) and not known[key]:
            raise UserError(
                f"{where}.{key}: --{key} takes a value, got {str(value).lower()}, which YAML reads yes, no, on and off "
                f"as: put the word in quotes"
            )
        if value not in (None, True, False) and known[key]:
            raise UserError(f"{where}.{key}: --{key} is a switch, true or false, got {quote(value)}")


def _check_files(runs: Sequence[Run]) -> None:
    """Raise UserError where a file or folder is there for the first seed and not for another one."""
    firsts: dict[Any, Run] = {}
    for run in runs:
        first = firsts.setdefault(run.kind, run)
        for of_first, word in zip(first.words, run.words, strict=True):
            for found, sought in zip((of_first, *list_ends(of_first)), (word, *list_ends(word)), strict=False):
                if found != sought and os.path.exists(found) and not os.path.exists(sought):  # noqa: PTH110
                    raise UserError(f"{run.name}: there is no {sought}, which seed {first.seed} has ({found})")


def _check_models(campaign: Campaign) -> None:
    """Raise UserError for files of networks that are not there; those of another form are up to the bench."""
    for name, training in campaign.trainings.items():
        _, _, target = (training.model or "").partition(":")
        for seed in campaign.seeds if target.endswith(WEIGHTS) else ():
            if not Path(path := target.replace("{seed}", str(seed))).expanduser().is_file():
                raise UserError(f"trainings.{name}.model: there is no file {path}")


def _read_settings(given: Mapping[str, Any], what: str) -> TrainSettings:
    """Return the settings of a training by the values of its options, checked as far as that takes no data."""
    from robustpose.cli.devices import DeviceOptions
    from robustpose.cli.train_options import TrainDataOptions, WeightOptions, WhatToTrain, read_asked
    from robustpose.train.seen import check_unseen

    try:
        settings = read_asked(
            _gather(WhatToTrain, given),
            _gather(WeightOptions, given),
            _gather(TrainDataOptions, given),
            _gather(DeviceOptions, given),
            given["set_"],
        )
        check_unseen(settings)
        return settings
    except UserError as error:
        raise UserError(f"{what}: {error}") from error


def _gather(group: type[Group], given: Mapping[str, Any]) -> Group:
    """Return the values of a group of options."""
    return group(**{field.name: given[field.name] for field in fields(cast(Any, group))})


def parse_command(words: Sequence[str], what: str) -> dict[str, Any]:
    """Return the values of a command's options; UserError where it knows no such option, or takes no such value."""
    name, *others = words
    command = load_command(name, *COMMANDS[name])
    try:
        with command.make_context(name, others) as context:
            return dict(context.params)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        raise UserError(f"{what}: {explain_usage(error)}; robustpose {name} --help says more") from error
