"""Rows: how the network of a row of the paper was trained, as settings, by the paper's text or by its program.

What differs between rows and between the two accounts is in `rows.yaml`; the rest is what the zoo says of a network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import yaml

from robustpose.config import flatten_values
from robustpose.data.official import SETS
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError, nearest, spell_list
from robustpose.models.families import FAMILIES
from robustpose.models.zoo import ZooNetwork
from robustpose.pose.protocols import Dataset
from robustpose.processes import count_cores
from robustpose.results.published import PublishedRow, get_row, published_rows
from robustpose.train.identity import FREE, without_places
from robustpose.train.recipes import change_values
from robustpose.train.settings import TrainSettings, make_settings
from robustpose.train.settings_groups import Account, RowNote

ACCOUNTS: tuple[Account, ...] = get_args(Account)
# What a run may choose: where and how it is computed, when it is looked at. The rest decides what is learned.
CHOSEN = (
    *(*FREE, "val_data", "evaluate_every", "seed"),
    *("engine.accelerator", "engine.nodes", "engine.devices", "engine.threads"),
)
PLACE = Path()  # stands for every file that is given


@dataclass(frozen=True)
class Training:
    """Say what a training of the paper is, beside the network's own settings."""

    strategy: str
    mixing: Mapping[str, Any] = field(default_factory=dict)
    teacher: Mapping[str, Any] = field(default_factory=dict)
    stylized: str | None = None  # which images are learned from, `both` or `only`, where there are stylised copies
    from_imagenet: bool = False  # whether the trunk starts as an ImageNet network; else from the standard network


def get_training(row: PublishedRow) -> Training:
    """Return what the training of a row is."""
    return Training(**_read()["trainings"][row.training])


def looks_in_boxes(network: ZooNetwork) -> bool:
    """Return whether a network finds joints of one person, in a box, rather than people in whole images."""
    return FAMILIES[network.input_spec.family].in_boxes


def find_network(row: PublishedRow, according_to: Account = "program") -> ZooNetwork:
    """Return the row's network with the training that an account gives it, mixing included."""
    published, training = row.zoo, get_training(row)
    account = _read()["accounts"][according_to]
    if according_to == "program" and (training.from_imagenet or not looks_in_boxes(published)):
        account = {}  # which that program does not train
    mixing = {**account.get("mixing", {}), **training.mixing}
    return replace(published, training={**published.training, **account, "mixing": mixing})


def describe_row(row: PublishedRow, according_to: Account = "program", root: Path | None = None) -> dict[str, Any]:
    """Return settings, nested as in a recipe, beside those of `find_network`. Data are those of the set in `root`.

    People are learned and evaluated in annotated boxes, whatever the row is measured with: that is for bench.
    """
    training, name = get_training(row), _find_data(row)
    data = {"name": name} if root is None else {"name": name, "root": root}
    stylized = {} if training.stylized is None else {"stylized": training.stylized}
    return {
        "strategy": training.strategy,
        "teacher": dict(training.teacher),
        "train_data": {**data, "split": SETS[name].train, **stylized},
        "val_data": {**data, "split": SETS[name].benched, "only_with_people": row.only_with_people},
        "evaluate_every": 5 if looks_in_boxes(row.zoo) else 10,  # whole images take longer
        "engine": {},
        "row": {"name": row.name, "according_to": according_to},
    }


def read_row(
    name: str,
    according_to: str = "program",
    overrides: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    root: Path | None = None,
) -> TrainSettings:
    """Return the settings that train a row, changed like a recipe's (`recipes.read_settings`).

    Raises:
        UserError: there is no such row or account, or it lacks files, which are named all at once.
    """
    row = get_row(name)
    account = next((account for account in ACCOUNTS if account == according_to), None)
    if account is None:
        hint = nearest(according_to, ACCOUNTS)
        raise UserError(f"unknown account '{according_to}'{hint}: --according-to takes {spell_list(ACCOUNTS, 'or')}")
    values = describe_row(row, account, root)
    values["engine"] = {"workers": min(8, count_cores())}  # which make crops
    change_values(values, overrides, options or {})
    if "like" in values:
        raise UserError(f"row {name} says which network it is of: leave out like, or start from a recipe")
    lacking = list(_list_lacking(row, values))
    if lacking:
        raise UserError(f"row {name} needs {'; '.join(lacking)}")
    return make_settings(values, f"row {name}", find_network(row, account))


def note_differences(settings: TrainSettings) -> TrainSettings:
    """Return the same settings, whose note of a row, if there is one, says in what they are not the row's training."""
    note = settings.row
    if note is None:
        return settings
    expected, ours = (_plain(settings) for settings in (_expect(note, settings), settings))
    data, official = _say_data(settings.train_data), _say_data(_expect(note, settings).train_data)
    if data != official:
        expected, ours = ({**plain, "train_data": words} for plain, words in ((expected, official), (ours, data)))
    keys = [key for key in {**expected, **ours} if not key.startswith(CHOSEN)]
    changed = [
        f"{key} {_spell(ours.get(key))} instead of {_spell(expected.get(key))}"
        for key in keys
        if ours.get(key) != expected.get(key) and (data == official or not key.startswith("train_data."))
    ]
    return settings.model_copy(update={"row": note.model_copy(update={"differences": tuple(changed)})})


def doubt_whole(settings: TrainSettings, train: Dataset) -> tuple[str, ...]:
    """Return a sentence, or none, where a row is trained on fewer or more data than the official ones."""
    note = settings.row
    if note is None or any(words.startswith("train_data") for words in note.differences):  # which has been said
        return ()
    name, spec = _find_data(get_row(note.name)), settings.train_data
    has_copies = spec.style_images is not None and spec.stylized == "both"
    ((what, whole),) = _read()["whole"][name].items()
    count = train.provenance.get(what)
    if count in (whole, (1 + has_copies) * whole):
        return ()
    words = f"{count if count else 'other'} {what.removeprefix('n_')}"
    return (f"not the row's training: train_data holds {words} instead of the {whole:,} of {SETS[name].title}",)


def find_standard(row: PublishedRow) -> PublishedRow:
    """Return the row of the standard network that a row's network starts from."""
    return next(one for one in published_rows() if one.zoo == row.zoo and one.training == "Standard")


def _find_data(row: PublishedRow) -> str:
    """Return the official set that a row's network learns from."""
    return str(_read()["learned_from"].get(row.data, row.data))


def _list_lacking(row: PublishedRow, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a row cannot be trained without and is not given, with the option for it."""
    training = get_training(row)
    groups = {name: group if isinstance(group := values.get(name), dict) else {} for name in ("train_data", "val_data")}
    sets = [group for group in groups.values() if group.get("name") in SETS]
    if any(not group.keys() & {"root", "annotations", "images"} for group in sets):
        title = SETS[_find_data(row)].title
        yield f"--root DIR, the folder of {title} (or --annotations, --images, --val-annotations, --val-images)"
    if not values.keys() & {"backbone", "start_from"}:
        standard = find_standard(row)
        file = f"{standard.weights}, or what" if standard.weights else "what"
        if training.from_imagenet:
            yield "--backbone FILE, an ImageNet network for the trunk (--set backbone=null starts from nothing)"
        else:
            yield f"--init FILE, the standard network to start from ({file} train --row {standard.name} made)"
    teacher = values.get("teacher")
    if isinstance(teacher, dict) and teacher.get("model") and "weights" not in teacher:
        yield f"--teacher FILE, weights of its larger teacher {teacher['model']}"
    if training.stylized and "style_images" not in groups["train_data"]:
        yield "--stylized DIR, stylised copies of the images (robustpose stylize makes them)"


def _expect(note: RowNote, settings: TrainSettings) -> TrainSettings:
    """Return the settings of a noted row, with files in all places, on one device."""
    row = get_row(note.name)
    training, values = get_training(row), describe_row(row, note.according_to, PLACE)
    values["backbone" if training.from_imagenet else "start_from"] = PLACE
    if training.teacher:
        values["teacher"]["weights"] = PLACE
    if training.stylized:
        values["train_data"]["style_images"] = PLACE
    return make_settings(values, f"row {row.name}", find_network(row, note.according_to))


def _plain(settings: TrainSettings) -> dict[str, Any]:
    """Return settings by their full names, such as `augment.rotation`; those of official files as those of a root."""
    values = without_places(settings).model_dump(mode="json")
    if settings.train_data.annotations is not None:
        values["train_data"] |= {"annotations": None, "images": None, "root": str(PLACE), "split": None}
    values["train_data"].pop("split")
    # What batch norms see, on any number of devices.
    values["crops of a part"] = settings.batch_size // settings.n_parts
    del values["accumulate"]
    return dict(flatten_values(values))


def _say_data(spec: DataSpec) -> str:
    """Return which annotations are learned from, in a few words: `person_keypoints_train2017.json`, `toy train`."""
    if spec.annotations is not None:
        return spec.annotations.name
    if spec.name in SETS and spec.split is not None:
        official = SETS[spec.name]
        split = official.splits.get(official.short_splits.get(spec.split, spec.split))
        if split is not None:
            return Path(split.places["annotations"].paths[0]).name
    return f"{spec.name} {spec.split or ''}".strip()


def _spell(value: Any) -> str:
    if value is None:
        return "none"
    return "a file" if value == str(PLACE) else str(value)


@cache
def _read() -> dict[str, Any]:
    return dict(yaml.safe_load(resources.files("robustpose.train").joinpath("rows.yaml").read_text()))
