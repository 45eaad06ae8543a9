from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from robustpose.errors import UserError
from robustpose.models import DEMO
from robustpose.train.recipes import FOLDER, find_recipe_file, list_recipes, read_settings

NAMES = list_recipes()


def message_for(recipe: str) -> str:
    with pytest.raises(UserError) as caught:
        read_settings(recipe)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_list_names_every_recipe_with_its_first_line(run: Any) -> None:
    code, output, errors = run("list", "recipes")
    assert code == 0, errors
    lines = output.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == list(NAMES)
    assert {"demo", "advmix/toy"} <= set(NAMES)
    assert all(len(line) <= 80 and text for line, text in zip(lines, NAMES.values(), strict=False))


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_is_valid_by_its_name(name: str) -> None:
    hardens = name.startswith("advmix/")
    settings = read_settings(name, ["start_from=x.pth"] if hardens else [])
    assert settings.strategy == ("advmix" if hardens else "supervised")
    assert find_recipe_file(name) == FOLDER / f"{name}.yaml"


@pytest.mark.parametrize("name", NAMES)
def test_commands_in_the_head_of_a_recipe_name_recipes_that_are_there(name: str) -> None:
    head = find_recipe_file(name).read_text().partition("\nmodel:")[0].replace("\\\n#", "")
    commands = [shlex.split(line) for line in re.findall(r"^#   (robustpose .*)$", head, re.MULTILINE)]
    named = [words[words.index("--recipe") + 1] for words in commands if "--recipe" in words]
    assert name in named
    assert set(named) <= set(NAMES)


def test_a_path_goes_on_working_and_a_file_comes_before_a_name(tmp_path: Path, monkeypatch: Any) -> None:
    text = find_recipe_file("toy_crowds").read_text()
    for path in (tmp_path / "mine.yaml", tmp_path / "demo", tmp_path / "odd.txt"):
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    for recipe in ("mine.yaml", "./mine.yaml", str(tmp_path / "mine.yaml"), Path("odd.txt"), "./demo", "demo"):
        assert read_settings(recipe).model == "small_tags"


def test_a_folder_of_the_name_of_a_recipe_does_not_hide_it(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_recipe_file("demo") == FOLDER / "demo.yaml"


@pytest.mark.parametrize(
    ("recipe", "near"),
    [
        ("toy", "advmix/toy"),
        ("demmo", "demo"),
        ("Demo", "demo"),
        ("advmix", "advmix/toy"),
        ("recipes/advmix/toy.yaml", "advmix/toy"),
        ("/somewhere/recipes/demo.yaml", "demo"),
        ("./advmix/toy", "advmix/toy"),
        ("toy_crowds.yml", "toy_crowds"),
    ],
)
def test_what_is_no_recipe_is_one_line_with_the_name_that_may_be_meant(recipe: str, near: str) -> None:
    assert f"did you mean '{near}" in message_for(recipe)


@pytest.mark.parametrize("recipe", ["nothing", "", "x" * 5000, "a\x00b", "no\nname"])
def test_what_is_like_no_recipe_says_where_names_are_shown(recipe: str) -> None:
    assert "robustpose list recipes shows the names" in message_for(recipe)


def test_a_path_to_nothing_is_named_as_a_whole(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert message_for("mine.yaml") == f"cannot read the recipe {tmp_path}/mine.yaml: there is no such file"
    assert "it is no file" in message_for(".")


def test_demo_stands_for_the_weights_of_the_demo_network(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_settings("advmix/toy", ["start_from=demo", "teacher.weights=demo"])
    assert settings.start_from == settings.teacher.weights == DEMO
    Path("demo").write_bytes(b"a file of one's own")
    assert read_settings("advmix/toy", ["start_from=demo"]).start_from == Path("demo")


@pytest.mark.parametrize(
    ("overrides", "options", "words"),
    [
        (["bogus=1"], {}, r"^--set bogus=1: unknown key 'bogus'$"),
        (["lr=x", "epochs=3"], {}, r"^--set lr=x: lr must be a number, got 'x'$"),
        (["mixing.alhpa=1"], {}, r"unknown key 'mixing.alhpa' \(did you mean 'mixing.alpha'\?\)$"),
        ([], {"val_data": {"skeleton": "x.yaml"}}, r"^options: val_data: data 'toy' takes no skeleton"),
        ([], {}, r"^recipe advmix/toy: strategy 'advmix' learns from a teacher|^recipe /.*toy.yaml: strategy 'advmix'"),
    ],
)
def test_mistake_of_an_option_is_not_blamed_on_the_recipe(overrides, options, words):
    with pytest.raises(UserError, match=words):
        read_settings("advmix/toy", overrides, options)
