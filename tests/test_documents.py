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
They are made small by options that readers do not see (`SMALL` in `document_pages.py`), each where the command has it
and does not say it. Other programs (`NOT_RUN`) are not run: files, extras and goals that they name must be there.
Commands of robustpose in them, and those with `…`, must parse.

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

import re
import sys

import pytest

from robustpose.show.figures.written import Written
from tests.document_pages import Page
from tests.documents import PAGES, ROOT, find_blocks, find_command, list_anchors, list_code, list_links, list_options
from tests.runs import few_images_do


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

    with few_images_do():  # runs of two or three images, in documents of thousands
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


def test_titles_in_the_menu_are_those_of_the_pages():
    menu = re.findall(r"^ +- ([^:\n]+): (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert len(menu) > 30
    titles = {name: (ROOT / "docs" / name).read_text().split("\n", 1)[0] for _, name in menu if name != "index.md"}
    assert titles == {name: f"# {title}" for title, name in menu if name != "index.md"}


@pytest.mark.parametrize("guide", sorted((ROOT / "docs/guides").glob("*.md")), ids=lambda path: path.stem)
def test_guide_begins_with_its_task_and_says_what_can_go_wrong(guide):
    text = guide.read_text()
    assert re.match(r"# .*\n\n\*\*Task:\*\* ", text)
    assert "\n## What can go wrong\n" in text


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
