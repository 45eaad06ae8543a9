"""Parts of pages that the program itself writes: commands, settings, options of models; files of the repository.

A page says where a part goes, `<!-- generated: commands -->`. It is made when the site is built, from what the command
line is parsed with and settings are checked by: nothing is typed twice. Links that lead out of `docs/` lead to copies.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.structure.files import File, Files

from robustpose.cli import COMMANDS, app
from robustpose.cli.described import (
    Described,
    describe_detector_options,
    describe_model,
    describe_options,
    describe_settings,
)
from robustpose.cli.examples import EXAMPLES
from robustpose.cli.help import ARGUMENTS, REST, find_groups, fold_example

ROOT = Path(__file__).parents[2]
MARK = re.compile(r"<!-- generated: (\w+) -->")
LINK = re.compile(r"\]\(((?:\.\./)+)((?:examples|benchmarks)/[\w./-]+)((?:#[\w-]*)?)\)")
RUN_MARK = re.compile(r"^<!-- (?:run|check): .*?-->\n", re.MULTILINE | re.DOTALL)  # of tests/test_documents.py
BLOCK = re.compile(r"^( *)```(.*)\n((?s:.*?)^\1```)$", re.MULTILINE)
# Kinds of models whose options are the same have one table.
MODELS = {
    "onnx": "`onnx:FILE`",
    "tflite": "`tflite:FILE`",
    "hf": "`hf:NAME`",
    "hrnet_w32": "Networks of ours: `hrnet_w32:FILE` and others",
    "demo": "`demo`",
    "higherhrnet_w32": "`higherhrnet_w32:FILE`",
    "pifpaf_resnet50": "`pifpaf_resnet50:FILE` and other PifPafs",
}
DETECTORS = {
    "onnx": "`onnx:FILE`",
    "tflite": "`tflite:FILE`",
    "hf": "`hf:NAME`",
    "package.module:attr": "`package.module:attr`",
}


def write_commands() -> Iterator[str]:
    """Yield the reference of all commands, as the command line has them."""
    from typer.main import get_command

    program: Any = get_command(app)
    for name in COMMANDS:
        command = program.get_command(None, name)
        yield from _write_command(command, name)
        for below in command.list_commands(None) if hasattr(command, "list_commands") else ():
            yield from _write_command(command.get_command(None, below), f"{name} {below}")


def _write_command(command: Any, name: str) -> Iterator[str]:
    if name.count(" ") == 0 and hasattr(command, "default"):  # the command that is meant where none is named
        command = command.commands[command.default]
    context = click.Context(command, info_name=f"robustpose {name}")
    if name.count(" ") == 0 and hasattr(command, "list_commands"):
        yield from (f"## {name}", _spell(command.help), "")
        return
    usage = " ".join(command.collect_usage_pieces(context))
    examples = [line[2:] for example in EXAMPLES.get(name, ()) for line in fold_example(example, 78)]  # no indent
    yield from (f"## {name}", _spell(command.help), "", "```text", f"robustpose {name} {usage}", "```", "")
    yield from ("```bash", *examples, "```", "")
    for title, records in find_groups(command, context).items():
        if records and title != REST:  # --help, which they all have
            yield from (f"**{title}**", "")
            rows = ((_code(names), _escape(text)) for names, text in records)
            yield from _tabulate(("argument" if title == ARGUMENTS else "option", "is"), rows)


def write_settings() -> Iterator[str]:
    """Yield the settings of train, a table for each group of them."""
    groups: dict[str, list[Described]] = {}
    for one in describe_settings():
        groups.setdefault(one.name.partition(".")[0] if "." in one.name else "", []).append(one)
    for group, settings in groups.items():
        yield from (f"## {f'`{group}`' if group else 'Without a group'}", "")
        yield from _tabulate_described(settings)


def write_recipes() -> Iterator[str]:
    """Yield the recipes that come with robustpose, as they are."""
    from robustpose.train.recipes import find_recipe_file, list_recipes

    for name in list_recipes():
        yield from (f"### `{name}`", "", "```yaml", find_recipe_file(name).read_text().rstrip(), "```", "")


def write_measured_recipes() -> Iterator[str]:
    """Yield what a recipe of `bench --recipe` may say."""
    from robustpose.results.recipe import BenchRecipe

    yield from _tabulate_described(describe_model(BenchRecipe))


def write_options() -> Iterator[str]:
    """Yield the options of every kind of model and of detector."""
    from robustpose.estimators.function import Options

    yield from ("## Models", "")
    for kind, title in MODELS.items():
        yield from (f"### {title}", "", *_tabulate_described(describe_options(kind)))
    yield from ("### Callables: `package.module:attr`", "", *_tabulate_described(describe_model(Options)))
    yield from ("## Detectors", "")
    for kind, title in DETECTORS.items():
        yield from (f"### Detectors: {title}", "", *_tabulate_described(describe_detector_options(kind)))


PARTS: dict[str, Callable[[], Iterable[str]]] = {
    "commands": write_commands,
    "settings": write_settings,
    "recipes": write_recipes,
    "measured": write_measured_recipes,
    "options": write_options,
}


def _tabulate_described(described: Iterable[Described]) -> Iterator[str]:
    rows = ((f"`{one.name}`", _escape(one.text), _code(one.default), _list_choices(one.kind)) for one in described)
    return _tabulate(("name", "is", "default", "takes"), rows)


def _tabulate(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield "|---" * len(titles) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _code(words: str) -> str:
    return f"`{words.strip()}`" if words.strip() else ""


def _list_choices(kind: str) -> str:
    return ", ".join(map(_code, [kind] if kind.startswith("[") else kind.split("|")))


def _escape(text: str) -> str:
    """Return plain text as Markdown that shows it, in a cell of a table."""
    escaped = re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", " ".join(text.split()))
    escaped = re.sub(r"(?<![\w-])(--[a-z][a-z-]*\w|robustpose (?:list|data|frost) [a-z]+)", r"`\1`", escaped)
    return re.sub(r"\bdocs/((?:reference|guides)/(\w+)\.md)", r"[\2](../\1)", escaped)


def _spell(text: str | None) -> str:
    return "\n\n".join(_escape(part) for part in (text or "").split("\n\n"))


def on_files(files: Files, config: Any) -> Files:
    """Add what pages link to outside of `docs/`."""
    for folder in ("examples", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
                name = path.relative_to(ROOT).as_posix()
                files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put generated parts into a page, and mend links that lead out of `docs/`."""
    markdown = MARK.sub(lambda mark: "\n".join(PARTS[mark[1]]()), markdown)
    here = posixpath.dirname(page.file.src_uri)

    def mend(link: re.Match[str]) -> str:
        return f"]({posixpath.relpath(link[2], here or '.')}{link[3]})"

    markdown = RUN_MARK.sub("", LINK.sub(mend, markdown))
    return BLOCK.sub(lambda block: f"{block[1]}```{block[2] or 'bash'}\n{block[3]}", markdown)  # plain ones: commands


def on_page_content(html: str, **_: Any) -> str:
    """Make empty headings of columns plain cells: there is nothing in them to be read aloud."""
    return re.sub(r"<th([^>]*)></th>", r"<td\1></td>", html)


def on_post_page(output: str, **_: Any) -> str:
    """Give the theme's search a name."""
    return output.replace('role="dialog"', 'role="dialog" aria-label="Search"', 1)


def on_post_template(output_content: str, template_name: str, **_: Any) -> str:
    """Do the same on the page of addresses that are not there."""
    return on_post_page(output_content) if template_name == "404.html" else output_content
