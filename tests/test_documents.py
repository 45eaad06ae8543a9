"""The README and docs/: every block runs, every command that is named exists, no link is dead.

How blocks run. The blocks of a page run one after the other, in a folder of the page.

- ```python: run as parts of one program (a name `image`, (64, 80, 3) uint8, is there). With a first line such as
  `# mymodel.py` the block is that file: it is written, and imported.
- ```bash, ```sh, ``` without a name: every line is a command (after a backslash at its end it goes on below; `# `
  begins a comment; `A="…"` sets a variable for `$A`). ```console: lines that begin with `$ ` are commands, others their
  output.
- ```yaml, ```json: with a first line `# name.yaml` a file that a command reads; else a comment says what reads it.
- ```text: whatever is not run: output, formulas, plans.

Commands `robustpose …` run in this process. Files that they name are made if they are not there (`document_files.py`):
data for --annotations, --images and --root, networks for onnx:FILE, run folders for compare and report, and so on.
They are made small by options that readers do not see (`SMALL`), each where the command has it and does not say it.
Other programs (`NOT_RUN`) are not run: files, extras and goals that they name must be there. Commands of robustpose in
them, and those with `…`, must parse.

A comment above a block, which neither the site nor code hosts show, says more, items parted by `; `:

    <!-- run: --limit 4 --model-set input=32x64 -->     options for the commands of the block that have them
    <!-- run: s/mPC=0.30/fog=0/ -->                     a text to replace, in blocks of any kind
    <!-- run: exit 3 -->                                the exit code of the last command
    <!-- run: runs runs/old runs/new -->                finished runs that are made first, two models in turns
    <!-- run: read skeleton -->                         what reads a block of YAML or JSON: see `READERS`
    <!-- run: no: it takes a cluster -->                it is not run, and why; its commands must parse

A comment below a block of Python holds what must be true then: <!-- check: run.mPC is None -->
"""

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

import pytest
import yaml

from robustpose.cli import main
from robustpose.show.figures.written import Written
from tests.document_files import Files
from tests.documents import (
    PAGES,
    ROOT,
    SHELLS,
    Block,
    check_other,
    check_words,
    find_blocks,
    find_command,
    find_words,
    list_anchors,
    list_code,
    list_links,
    list_options,
    split_commands,
)
from tests.scenes import draw_scene

SMALL = {
    "bench": "--limit 2 --corruptions fog --severities 3 --resamples 20 --workers 1",
    "detect": "--limit 2 --corruptions fog --severities 3 --resamples 20 --workers 1",
    "score": "--resamples 20 --workers 1",
    "merge": "--resamples 20 --workers 1",
    "compare": "--resamples 20",
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


READERS: dict[str, Callable[[Path], Any]] = {
    "training": read_training,
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
        table = [word for word in table if word not in ("--resamples", "20")]
    known, added = list_options(find_command(words)[0]), []
    for name, value in zip(table[::2], table[1::2], strict=True):
        said = {word.partition("=")[0] for word in words} if name == "--set" else set(words)
        if name in known and (value.partition("=")[0] if name == "--set" else name) not in said:
            added += [name, value]
    return added


@pytest.fixture
def run_page(tmp_path, coco_folder, capsys, monkeypatch):
    """A function that runs the blocks of a page in a folder of its own, and returns a line for each that fails."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("robustpose.cluster.engines.count_cores", lambda: 1)  # processes take seconds to start
    monkeypatch.setattr("robustpose.corruptions.frost_textures.install_textures", lambda: "here")  # it is downloaded
    # They take half a minute, and have tests of their own.
    monkeypatch.setattr("robustpose.show.figures.write.write_figures", lambda *given: Written(tmp_path))
    monkeypatch.setattr("robustpose.show.figures.paper_form.write_published", lambda out: Written(out))
    known = set(sys.modules)

    def run(page):
        running = Page(page, tmp_path, coco_folder, capsys, monkeypatch)
        running.run()
        return running.failures

    yield run
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]  # of the page alone


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_blocks_of_a_page_run(page, run_page):
    failures = run_page(page)
    assert not failures, "\n" + "\n".join(failures)


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("```bash\nrobustpose list rows\n```", ""),
        ("```\nrobustpose list row\n```", "page.md:1: `robustpose list row` ends with 2, not 0: error: nothing"),
        ("<!-- run: exit 2 -->\n```\nrobustpose list row\n```", ""),
        ("<!-- run: s/row/rows/ -->\n```\nrobustpose list row\n```", ""),
        ("<!-- run: s/nothing/else/ -->\n```\nrobustpose list row\n```", "the block has no 'nothing' to replace"),
        ("<!-- run: never -->\n```\nrobustpose list row\n```", "what is 'run: never'?"),
        ("<!-- run: no: it takes years -->\n```\nrobustpose bench --modle x\n```", "'bench' has no --modle"),
        ("<!-- run: no: it is long -->\n```\nrobustpose bench --limit x\n```", "--limit must be a whole number"),
        ("```console\n$ robustpose list suites\nwhat it prints\n```", ""),
        ("```\nrobustpose bench --preview …\n```", ""),
        ("```\nrobustpose bench --forward …\n```", "'bench' has no --forward"),
        ("```\nA=rows\nrobustpose list \\\n  $A  # all\n```", ""),
        ("```\nwget something\n```", "`wget something` is no command"),
        ("```\npython benchmarks/plan.py --nothing\n```", "benchmarks/plan.py has no --nothing"),
        ("```\npython benchmarks/nothing.py\n```", "there is no benchmarks/nothing.py"),
        ("```\nmake nothing\n```", "make has no nothing"),
        ("```\npip install 'robustpose[nothing]'\n```", "there is no extra nothing"),
        ("```\n.venv/bin/robustpose nothing\n```", "there is no command 'nothing'"),
        ("```python\nx = 1 / 0\n```", "page.md:1: ZeroDivisionError: division by zero"),
        ("```python\nx = 1\n```\n<!-- check: x == 1 -->", ""),
        ("```python\nx = 1\n```\n<!-- check: x == 2 -->", "page.md:4: AssertionError"),
        ("```python\n# own_module_of_page.py\nx = 1\n```\n\n```python\nfrom own_module_of_page import x\n```", ""),
        ("```yaml\nsigmas: [0.1, 0.2, 0.3]\n```", "say what reads it"),
        ("<!-- run: read skeleton -->\n```yaml\nsigmas: [0.1, 0.2]\n```", "with 3 numbers"),
        ("```yaml\n# about.yaml\na: 1\n```", "no command reads about.yaml"),
        ("```cpp\nint x;\n```", "'cpp' is not known"),
        ("```text\nanything\n```", ""),
    ],
)  # fmt: skip
def test_block_that_fails_is_named(text, failure, run_page, tmp_path):
    (tmp_path / "page.md").write_text(f"{text}\n")
    try:
        failures = run_page(tmp_path / "page.md")
    except AssertionError as error:  # a comment that says nothing
        failures = [str(error)]
    assert len(failures) == bool(failure), failures
    assert failure in "".join(failures)


def test_readme_is_a_page():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 110


def test_few_blocks_are_not_run_and_each_says_why():
    reasons = [block.reason for page in PAGES for block in find_blocks(page) if block.reason]
    assert len(reasons) <= 8
    assert all(len(reason.split()) > 2 for reason in reasons)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_in_sentences_exist_with_their_options(page):
    wrong = []
    for code in list_code(page):
        words = code.split()
        if words[0] == "robustpose" and len(words) > 1 and words[1] != "@":
            command, rest = find_command(words[1:]) if not re.fullmatch(r"[A-Z]+|…", words[1]) else (None, [])
            if command is None and rest:
                wrong.append(code)
            elif command is not None:
                known = list_options(command) | list_options(find_command([])[0])
                wrong += [code for word in rest if word.startswith("--") and word.partition("=")[0] not in known]
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings(page):
    dead = []
    for link in list_links(page):
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), link
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in list_anchors(target)):
            dead.append(link)
    assert not dead
