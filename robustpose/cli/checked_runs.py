"""The runs of a campaign, checked before the first one begins: their options, by their commands; their settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar, cast

from robustpose.campaign.file import Campaign
from robustpose.campaign.runs import list_runs
from robustpose.cli.failures import explain_usage
from robustpose.cli.help import load_command
from robustpose.errors import UserError

Group = TypeVar("Group")


def check_runs(campaign: Campaign) -> dict[str, str]:
    """Return the network of each training by its name; UserError for options that their commands do not take.

    Settings of trainings are read, too: what can be known without their data is known before the first of them begins.
    """
    networks: dict[str, str] = {}
    kinds = {run.kind: run for run in reversed(list_runs(campaign))}
    for run in kinds.values():
        # In the place of what another run makes.
        weights = [] if run.after is None else ["--init", "demo"] if run.is_training else ["--model", "made before"]
        given = parse_command([*run.words, *weights, "--out", str(run.folder)], run.name)
        if run.is_training:
            networks[run.training] = _read_network(given, run.name)
    return networks


def _read_network(given: Mapping[str, Any], what: str) -> str:
    """Return the name of the network that a training makes, by the values of its options."""
    from robustpose.cli.devices import DeviceOptions
    from robustpose.cli.train_options import TrainDataOptions, WeightOptions, WhatToTrain, read_asked

    def gather(group: type[Group]) -> Group:
        return group(**{field.name: given[field.name] for field in fields(cast(Any, group))})

    try:
        return read_asked(
            gather(WhatToTrain), gather(WeightOptions), gather(TrainDataOptions), gather(DeviceOptions), given["set_"]
        ).model
    except UserError as error:
        raise UserError(f"{what}: {error}") from error


def parse_command(words: Sequence[str], what: str) -> dict[str, Any]:
    """Return the values of a command's options; UserError where it knows no such option, or takes no such value."""
    from robustpose.cli import COMMANDS

    name, *others = words
    command = load_command(name, *COMMANDS[name])
    try:
        with command.make_context(name, others) as context:
            return dict(context.params)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        raise UserError(f"{what}: {explain_usage(error)}; robustpose {name} --help says more") from error
