"""Documents as tests read them: fenced blocks with what is said of how they run, commands in them, links, anchors."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w+-]*).*?\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
CHECK = re.compile(r"^<!-- check: (?P<claim>.*?) -->$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- run: ((?:(?!-->).)*?) -->\s*\Z", re.DOTALL)
SHELLS = ("", "bash", "sh", "console", "shell")


@dataclass
class Block:
    """A fenced block of a page, and what the comment above it says."""

    page: Path
    line: int  # of the fence
    language: str
    text: str
    options: list[str] = field(default_factory=list)  # added to every command of robustpose
    code: int = 0  # that its last command ends with
    reason: str = ""  # why it is not run
    runs: list[str] = field(default_factory=list)  # finished runs that are made first
    kind: str = ""  # of YAML and JSON: what reads it

    @property
    def place(self) -> str:
        """Return where it is, to be said in messages."""
        return f"{self.page.relative_to(ROOT) if ROOT in self.page.parents else self.page.name}:{self.line}"

    @property
    def file(self) -> str:
        """Return the name of the file that it is, by its first line, such as ``# mymodel.py``; nothing of others."""
        found = re.match(r"(?:#|//) ([\w./-]+\.(?:py|ya?ml|json|sh))\b", self.text)
        return found[1] if found else ""


def find_blocks(page: Path) -> list[Block]:
    """Return the blocks of a page."""
    text, blocks = page.read_text("utf-8"), []
    for fence in FENCE.finditer(text):
        before = text[: fence.start()]
        lines = fence["text"].splitlines(keepends=True)
        body = "".join(line.removeprefix(fence["indent"]) for line in lines)
        block = Block(page, before.count("\n") + 1, fence["language"], body)
        if mark := MARK.search(before):
            read_mark(block, mark[1])
        blocks.append(block)
    for check in CHECK.finditer(text):
        blocks.append(
            Block(
                page, text[: check.start()].count("\n") + 1, "python", f"assert {check['claim']}, {check['claim']!r}\n"
            )
        )
    return sorted(blocks, key=lambda block: block.line)


def read_mark(block: Block, words: str) -> None:
    """Take what the comment above a block says; see the conventions in `tests/test_documents.py`."""
    for item in re.split(r";\s+|\n", words):
        item = item.strip()
        if item.startswith("no: "):
            block.reason = item[4:]
        elif item.startswith("--"):
            block.options += shlex.split(item)
        elif item.startswith("runs "):
            block.runs += item.split()[1:]
        elif found := re.fullmatch(r"exit (\d)", item):
            block.code = int(found[1])
        elif found := re.fullmatch(r"read (\w+)", item):
            block.kind = found[1]
        elif found := re.fullmatch(r"s(\W)(.+?)\1(.*?)\1", item):
            assert found[2] in block.text, f"{block.place}: the block has no '{found[2]}' to replace"
            block.text = block.text.replace(found[2], found[3])
        else:
            raise AssertionError(f"{block.place}: what is 'run: {item}'? tests/test_documents.py says what there is")


def split_commands(block: Block) -> list[str]:
    """Return the commands of a block: lines, those that end with a backslash with the next, without comments."""
    text = re.sub(r"\\\n\s*", " ", block.text)
    lines = [line.strip() for line in text.splitlines()]
    if block.language == "console":  # what does not begin with the prompt is what a command prints
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    commands = [re.sub(r"(?:^|\s+)#\s.*$", "", line).strip() for line in lines]
    return [part.strip() for command in commands for part in re.split(r"\s&&\s", command) if part.strip()]


def find_words(command: str) -> list[str]:
    """Return the words of the command of robustpose in a line: behind it, and before what a shell does with it."""
    words = shlex.split(command)
    starts = [i for i, word in enumerate(words) if word == "robustpose" or word.endswith("/robustpose")]
    if not starts:
        return []
    words = words[starts[0] + 1 :]
    ends = [i for i, word in enumerate(words) if word in (":::", "&&", "|", ">", ";", "&")]
    return words[: ends[0]] if ends else words


@cache
def _program() -> Any:
    from typer.main import get_command

    from robustpose.cli import app

    return get_command(app)


def find_command(words: Sequence[str]) -> tuple[Any, list[str]]:
    """Return the command that words name, and the words behind its name; None where there is no such command."""
    command, rest = _program(), list(words)
    while hasattr(command, "list_commands") and rest and not rest[0].startswith("-"):
        default = getattr(command, "default", None)  # which is meant where no command is named
        command = command.get_command(None, default if default and rest[0] not in command.commands else rest.pop(0))
    return command, rest


def list_options(command: Any) -> set[str]:
    """Return the options of a command, such as ``--out``."""
    every = [name for one in command.params for name in (*one.opts, *one.secondary_opts)]
    return {*every, "--help", "-h", "--debug"}


def check_words(words: Sequence[str]) -> str:
    """Return what is wrong with the words of a command that is not run: it must exist, and so must its options."""
    if any(re.fullmatch(r"[A-Z]+|…", word) for word in words[:1]):
        return ""  # `robustpose COMMAND --help`
    command, rest = find_command(words)
    if command is None:
        return f"there is no command '{words[0]}'"
    known = list_options(command)
    unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]
    if unknown:
        return f"'{words[0]}' has no {', '.join(unknown)}"
    if "…" in rest or hasattr(command, "list_commands") or {"--help", "--version"} & set(rest):
        return ""
    try:
        command.make_context("robustpose", list(rest)).close()
    except Exception as error:
        return str(getattr(error, "message", error))
    return ""


def check_other(words: Sequence[str]) -> str:
    """Return what is wrong with a command of another program: files, extras and goals that it names must be there."""
    for word in words:
        if re.match(r"(tests|examples|benchmarks)/", word) and not (ROOT / word).is_file():
            return f"there is no {word}"
    if words[0] == "make":
        goals = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return next((f"make has no {word}" for word in words[1:] if "=" not in word and word not in goals), "")
    extras = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    named = re.findall(r"(?:robustpose|\.)\[([\w,]+)\]", " ".join(words))
    unknown = [name for names in named for name in names.split(",") if name not in extras]
    if unknown:
        return f"there is no extra {', '.join(unknown)}"
    script = next((word for word in words if word.startswith("benchmarks/")), "")
    source = (ROOT / script).read_text() if script else ""
    options = [word.partition("=")[0] for word in words if word.startswith("--")] if script else []
    return next((f"{script} has no {option}" for option in options if f'"{option}"' not in source), "")


def list_code(page: Path) -> Iterator[str]:
    """Yield what a page has between single backticks."""
    text = FENCE.sub("", page.read_text("utf-8"))
    yield from (" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", text))


def list_links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's links."""
    text = re.sub(r"(?<!`)`[^`]+`(?!`)", "", FENCE.sub("", page.read_text("utf-8")))
    yield from re.findall(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)", text)


@cache
def list_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts and the site make them."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in titles]
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in plain}
