from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from robustpose.config import write_recipe
from robustpose.errors import UserError
from robustpose.files import list_differences
from robustpose.train.recipes import read_settings
from robustpose.train.settings import make_settings

VALUES = {"model": "small", "input_wh": [96, 128], "train_data": {"name": "toy"}, "val_data": {"name": "toy"}}


def message_for(**changes: object) -> str:
    with pytest.raises(UserError) as caught:
        make_settings(VALUES | changes)
    return str(caught.value)


def test_the_published_augmentation_is_the_default() -> None:
    augment = make_settings(VALUES).augment
    assert (augment.rotation, augment.scale) == (45.0, 0.35)
    assert (augment.rotation_probability, augment.mirror_probability, augment.half_body_probability) == (0.6, 0.5, 0.3)


def test_recipes_of_version_0_1_0_name_families_otherwise() -> None:
    for old, new in (("topdown", "heatmaps"), ("bottomup", "tags"), ("fields", "fields"), (None, None)):
        assert make_settings(VALUES | {"family": old}).family == new
    assert "family must be 'heatmaps', 'tags' or 'fields', got 'middleout'" in message_for(family="middleout")


def test_unknown_key_names_the_nearest() -> None:
    assert "unknown key 'epoch' (did you mean 'epochs'?)" in message_for(epoch=3)


def test_unknown_key_in_a_group_names_the_nearest_of_that_group() -> None:
    assert "unknown key 'augment.rotatoin' (did you mean 'augment.rotation'?)" in message_for(augment={"rotatoin": 3})
    assert "unknown key 'train_data.n_image' (did you mean 'train_data.n_images'?)" in message_for(
        train_data={"name": "toy", "n_image": 3}
    )


def test_wrong_type_is_one_line_with_key_and_value() -> None:
    message = message_for(epochs="many")
    assert message.startswith("settings: epochs must be a whole number")
    assert message.endswith("got 'many'")
    assert "\n" not in message


def test_missing_key_is_named() -> None:
    with pytest.raises(UserError, match="'model' is missing"):
        make_settings({key: value for key, value in VALUES.items() if key != "model"})


def test_all_mistakes_are_counted() -> None:
    assert message_for(epochs=-1, lr=0, seed="x", batch_size="y").endswith("4 mistakes in all")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input_wh": [100, 128]}, "multiples of 32"),
        ({"batch_size": 15, "engine": {"devices": 2}}, "multiple of engine.devices"),
        ({"train_data": {"name": "coco"}}, "train_data: data 'coco' needs root (--root)"),
        (
            {"train_data": {"name": "coco", "n_images": 3}},
            "data 'coco' takes no n_images, it takes root (--root), split",
        ),
        ({"augment": {"mirror_probability": 1.5}}, "mirror_probability must be at most 1"),
    ],
)
def test_impossible_values_are_refused(changes: dict[str, object], words: str) -> None:
    assert words in message_for(**changes)


def test_overrides_change_a_recipe_and_are_read_as_yaml(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(VALUES))
    settings = read_settings(recipe, ["augment.rotation=30", "lr=1e-4", "decay_at=[3, 5]", "train_data.n_images=7"])
    assert settings.augment.rotation == 30.0
    assert settings.lr == 1e-4
    assert settings.decay_at == (3, 5)
    assert settings.train_data.n_images == 7


@pytest.mark.parametrize("override", ["lr", "=3", "lr.=3", "lr.first=3", "lr=[1,"])
def test_bad_override_is_one_clear_line(override: str, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(VALUES | {"lr": 0.1}))
    with pytest.raises(UserError, match=r"^--set [^\n]*$"):
        read_settings(recipe, [override])


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [", ""])
def test_recipe_that_is_no_mapping_is_refused(text: str, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(text)
    with pytest.raises(UserError, match="recipe"):
        read_settings(recipe)
    with pytest.raises(UserError, match="cannot read the recipe"):
        read_settings(tmp_path / "absent.yaml")


def test_written_settings_read_back_the_same(tmp_path: Path) -> None:
    settings = read_settings("demo")
    (tmp_path / "settings.yaml").write_text(write_recipe(settings))
    assert read_settings(tmp_path / "settings.yaml") == settings


def test_differences_are_listed_by_their_full_key() -> None:
    old, new = (
        make_settings(VALUES | changes).model_dump(mode="json") for changes in ({}, {"augment": {"rotation": 30}})
    )
    assert list_differences(old, new) == ["augment.rotation: 45.0 there, 30.0 now"]
    assert list_differences(old, old) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"epochs": True},
            "epochs must be something other than true or false, which YAML reads yes and no as, got True",
        ),
        ({"input_wh": [96, True]}, "input_wh must be something other than true or false"),
        ({"lr": float("nan")}, "lr must be a finite number, got nan"),
        ({"sigma": float("inf")}, "sigma must be a finite number, got inf"),
        ({"sigma": ".inf"}, "sigma must be a number, got '.inf'"),
        ({"input_wh": "96x128"}, "input_wh must be a list, got '96x128'"),
        ({"input_wh": [96]}, "'input_wh.1' is missing"),
        ({"input_wh": [96, 128, 3]}, "input_wh must be of at most 2 entries, got [96, 128, 3]"),
        ({"model": 3}, "model must be text, got 3"),
        ({"model": {"a": 1}}, "model must be text, got a group of settings"),
        ({"augment": []}, "augment must be a group (key: value), got []"),
        ({"augment": {1: 2}}, "augment.1 must be named by text, got 1"),
        ({1: 2}, "1 must be named by text"),
        ({"mixing": {"views": ["clean", {}]}}, "mixing.views.1 must be text"),
        ({"train_data": "toy"}, "train_data must be a group (key: value), got 'toy'"),
        ({"train_data": {"name": "toy", "limit": "few"}}, "train_data.limit must be a whole number, got 'few'"),
        ({"seed": 10**7000}, "seed must be of at most 18 digits, got something very long"),
        ({"seed": "x" * 10_000}, "seed must be a whole number, got 'xxx"),
        ({"x" * 10_000: 3}, "unknown key 'xxx"),
        ({"family": []}, "family must be 'heatmaps', 'tags' or 'fields', got []"),
        ({"engine": {"devices": []}}, "engine.devices must be a whole number, got []"),
        ({"engine": {"devices": []}, "like": "sbl_r50_256x192"}, "engine.devices must be a whole number"),
        ({"like": []}, "unknown network '[]'"),
    ],
)
def test_values_of_any_shape_are_one_short_line_in_plain_words(changes: dict[Any, object], words: str) -> None:
    message = message_for(**changes) if all(isinstance(key, str) for key in changes) else message_of(VALUES | changes)
    assert words in message
    assert "\n" not in message
    assert len(message) < 300
    for word in ("valid", "Input", "tuple", "integer", "string", "dictionary"):
        assert word not in message


def message_of(values: Mapping[Any, object]) -> str:
    with pytest.raises(UserError) as caught:
        make_settings(values)
    return str(caught.value)
