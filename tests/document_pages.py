"""Pages of the documents, run: block after block, in a folder; the conventions are in `tests/test_documents.py`."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import sys
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from robustpose.campaign.file import read_campaign
from robustpose.cli import main
from robustpose.cli.checked_runs import check_runs
from tests.document_files import Files
from tests.documents import (
    SHELLS,
    Block,
    check_other,
    check_words,
    find_blocks,
    find_command,
    find_words,
    list_options,
    split_commands,
)
from tests.scenes import draw_scene

SMALL = {
    "bench": "--limit 2 --corruptions fog --severities 3 --resamples 40 --workers 1",
    "detect": "--limit 2 --corruptions fog --severities 3 --resamples 40 --workers 1",
    "score": "--resamples 40 --workers 1",
    "merge": "--resamples 40 --workers 1",
    "compare": "--resamples 40",
    "corrupt --annotations": "--limit 2 --corruptions fog --severities 3 --workers 1",
    "train": "--limit 4 --val-limit 2 --set epochs=1 --set batch_size=4 --set engine.workers=0 --set sheet_people=0",
    "stylize": "--limit 1 --workers 1",
}
# Programs that the tests do not run, by their first word, and why.
NOT_RUN = {
    "make": "it runs the tests",
    "pip": "it installs",
    "python3": "it makes an environment",
    ".venv/bin/pip": "it installs",
    ".venv/bin/python": "it runs the tests",
    ".venv/bin/robustpose": "it is robustpose in an environment",
    "parallel": "GNU parallel needs machines; tests/test_slurm_example.py has a stand-in",
    "torchrun": "it needs nodes; tests/test_train_nodes.py starts some",
    "bash": "tests/test_slurm_example.py and test_train_example.py run the scripts",
    "python": "programs of benchmarks/ measure for minutes; or it builds a wheel",
}


def read_training(path: Path) -> None:
    from robustpose.train.recipes import read_settings

    read_settings(path, trust=True)


def read_measured(path: Path) -> None:
    from robustpose.results.recipe import find_recipe

    find_recipe(None, path)


def read_skeleton(path: Path) -> None:
    from robustpose.data.skeleton_file import read_skeleton_file

    names = yaml.safe_load(path.read_text()).get("joints") or ["nose", "left_eye", "right_eye"]
    read_skeleton_file(path, list(names.values()) if isinstance(names, dict) else names)


def read_board_entry(path: Path) -> None:
    from robustpose.results.entries import read_entry

    read_entry(path)


READERS: dict[str, Callable[[Path], Any]] = {
    "entry": read_board_entry,
    "training": read_training,
    "campaign": lambda path: check_runs(read_campaign(path)),
    "bench": read_measured,
    "skeleton": read_skeleton,
    "yaml": lambda path: yaml.safe_load(path.read_text()),
    "json": lambda path: json.loads(path.read_text()),
}


class Page:
    """A page whose blocks run in a folder; `failures` has a line for each that does not."""

    def __init__(self, page: Path, folder: Path, coco: Path, capsys: Any, monkeypatch: Any) -> None:
        self.page, self.folder, self.failures = page, folder, list[str]()
        self._files, self._capsys, self._patch = Files(folder, coco, self._call), capsys, monkeypatch
        self._variables: dict[str, str] = {}
        self._program = ModuleType("page")
        self._program.image = draw_scene(64, 80)
        self._written: dict[str, Block] = {}

    def run(self) -> None:
        """Run all blocks."""
        self._patch.setitem(sys.modules, "page", self._program)
        blocks = find_blocks(self.page)
        for block in blocks:
            if block.file and not block.reason:
                self._write_file(block)
        for block in blocks:
            try:
                self._run_block(block)
            except (Exception, SystemExit) as error:
                self.failures.append(f"{block.place}: {type(error).__name__}: {error}")
        named = " ".join(block.text for block in blocks if block.language in SHELLS)
        for name, block in self._written.items():
            if name.endswith(".py"):
                importlib.import_module(name.removesuffix(".py").replace("/", "."))
            elif name not in named:
                self.failures.append(f"{block.place}: no command reads {name}")

    def _run_block(self, block: Block) -> None:
        self._files.make_runs(block.runs)
        if block.language in SHELLS:
            for command in (commands := split_commands(block)):
                self._run_command(block, command, block.code if command is commands[-1] else 0)
        elif block.reason or block.file:
            return
        elif block.language in ("python", "pycon"):
            self._run_python(block)
        elif block.language in ("yaml", "json"):
            path = self.folder / f"block-{block.line}.{block.language}"
            path.write_text(block.text)
            assert block.kind, f"say what reads it: <!-- run: read {'|'.join(READERS)} -->"
            READERS[block.kind](path)
        else:
            assert block.language == "text", f"'{block.language}' is not known: see tests/test_documents.py"

    def _write_file(self, block: Block) -> None:
        (self.folder / block.file).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / block.file).write_text(block.text)
        self._files.make_named(block.text)
        self._written[block.file] = block

    def _run_python(self, block: Block) -> None:
        self._files.make_named(block.text)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", UserWarning)  # doubts about numbers, of which so small runs have many
            exec(compile("\n" * block.line + block.text, str(block.page), "exec"), vars(self._program))

    def _run_command(self, block: Block, command: str, code: int) -> None:
        if assigned := re.fullmatch(r"(?:export )?(\w+)=(\"[^\"]*\"|'[^']*'|\S*)", command):
            self._variables[assigned[1]] = "".join(shlex.split(assigned[2]))
            return
        for name, value in self._variables.items():
            command = re.sub(rf"\${name}\b|\$\{{{name}\}}", lambda _, value=value: value, command)
        others = [word for word in shlex.split(command) if not re.match(r"\w+=", word)]
        first = others[0]
        words = find_words(command)
        if first == "robustpose" and not block.reason and "…" not in words:
            self._run_robustpose(block, command, words, code)
        elif first == "robustpose" or first in NOT_RUN or block.reason:
            wrong = (check_words(words) if words else "") or ("" if first == "robustpose" else check_other(others))
            if wrong:
                self.failures.append(f"{block.place}: `{command}`: {wrong}")
        else:
            self.failures.append(f"{block.place}: `{command}` is no command: call the block text, or see NOT_RUN")

    def _run_robustpose(self, block: Block, command: str, words: list[str], code: int) -> None:
        for name, value in (word.split("=", 1) for word in shlex.split(command.partition("robustpose")[0])):
            self._patch.setenv(name, value)
        self._files.make(words)
        words = [*words, *find_fitting(words, block.options)]
        got, output, errors = self._call([*words, *find_small(words)])
        if redirected := re.search(r"\s>\s*(\S+)", command):
            (self.folder / redirected[1]).write_text(output)
        if got != code:
            self.failures.append(f"{block.place}: `{command}` ends with {got}, not {code}: {errors.strip()[-600:]}")

    def _call(self, words: list[str]) -> tuple[int, str, str]:
        code = 0
        self._capsys.readouterr()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("default", UserWarning)  # commands show them
                main(list(words))
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *self._capsys.readouterr()


def find_fitting(words: list[str], options: list[str]) -> list[str]:
    """Return those options, with their values, that a command has."""
    starts = [i for i, word in enumerate(options) if word.startswith("--")] + [len(options)]
    known = list_options(find_command(words)[0])
    return [word for start, end in pairwise(starts) if options[start] in known for word in options[start:end]]


def find_small(words: list[str]) -> list[str]:
    """Return the options that make a command small: those that it has and does not say."""
    table = next((text for start, text in SMALL.items() if " ".join(words).startswith(start)), "").split()
    if "--preview" in words:
        table = ["--preview-images", "2", "--workers", "1"]
    if "--shard" in words:  # which scores nothing
        table = [word for word in table if word not in ("--resamples", "40")]
    known, added = list_options(find_command(words)[0]), []
    for name, value in zip(table[::2], table[1::2], strict=True):
        said = {word.partition("=")[0] for word in words} if name == "--set" else set(words)
        if name in known and (value.partition("=")[0] if name == "--set" else name) not in said:
            added += [name, value]
    return added
