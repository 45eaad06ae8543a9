"""Options: good commands in which a value is spoilt, an option is added that takes one, or a word is lost."""

from __future__ import annotations

from random import Random
from typing import Any

import typer

from robustpose.cli import app
from tests.fuzz.baseline import FRESH
from tests.fuzz.mutate import NUMBERS, WORDS
from tests.fuzz.surfaces import SURFACES

GOOD = [(command, surface.inputs) for surface in SURFACES for command in surface.commands]
# Where a command may write, and a link or a name that it cannot write to: never outside the folder of the case.
PLACES = ["data", "data/people.json", ".", "a/b/c", "x" * 300, "/dev/null", "a\0b", "\x1b[31m", "run", "set", " "]
MOST_WORKERS = 3  # processes take seconds to start: asked for by thousands, they would only show that this takes time


def draw_words(rng: Random) -> tuple[list[str], set[str]]:
    """Return the words of a command that hardly anybody means, and the inputs that it reads."""
    command, inputs = rng.choice(GOOD)
    words = command.split()
    for _ in range(rng.choice([1, 1, 2])):
        words = _spoil(words, rng)
    return words, inputs


def _spoil(words: list[str], rng: Random) -> list[str]:
    options = list_options(words[0])
    kind = rng.randrange(6)
    places = [i for i, word in enumerate(words[:-1]) if word.startswith("--") and not words[i + 1].startswith("--")]
    if kind < 3 and places:
        place = rng.choice(places)
        return [*words[: place + 1], draw_value(words[place], words[place + 1], rng), *words[place + 2 :]]
    if kind == 3 and len(words) > 2:
        place = rng.randrange(1, len(words))
        return [word for i, word in enumerate(words) if i != place or word == "--out"]
    name, takes_value = rng.choice(sorted(options.items()) or [("--nothing", True)])
    return [*words, name, *([draw_value(name, "", rng)] if takes_value else [])]


def draw_value(name: str, good: str, rng: Random) -> str:
    """Return a value for an option, given a good one."""
    if name == "--out":
        return rng.choice([*PLACES, FRESH])
    if name in ("--workers", "--devices"):
        return rng.choice(["0", "-1", "x", "1.5", "", str(rng.randrange(MOST_WORKERS))])
    if name in ("--set", "--model-set"):
        keys = [
            "epochs",
            "lr",
            "flip_test",
            "batch_size",
            "input",
            "mean",
            "engine.workers",
            "train_data.limit",
            "seed",
            "x",
        ]
        value = rng.choice([*WORDS, *map(str, NUMBERS)])
        return (
            rng.choice([f"{rng.choice(keys)}={value}", value]) if "engine.workers" not in value else "engine.workers=x"
        )
    ways = [lambda: rng.choice(WORDS), lambda: str(rng.choice(NUMBERS)), lambda: good + rng.choice(WORDS)]
    ways += [lambda: good.upper(), lambda: good[: len(good) // 2], lambda: f"{good},{good}", lambda: f"{good}:{good}"]
    return rng.choice(ways)()


def list_options(command: str) -> dict[str, bool]:
    """Return the options of a command, and whether each takes a value."""
    group: Any = typer.main.get_command(app)
    found = group.commands.get(command)
    options = [one for one in getattr(found, "params", []) if one.param_type_name == "option"]
    return {name: not one.is_flag for one in options for name in one.opts if name not in ("--help", "-h")}
