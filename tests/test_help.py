"""Help: options in groups, one line a command, as wide as the terminal; and what it may load."""

import re
import subprocess
import sys

import pytest
import typer.main

from robustpose.cli import COMMANDS, app
from robustpose.cli.help import REST


def commands():
    """Yield the words of every command."""
    for name in COMMANDS:
        found = typer.main.get_command(app).get_command(None, name)
        yield from ([name, inner] for inner in found.commands) if hasattr(found, "commands") else [[name]]


ALL = list(commands())


@pytest.fixture
def help_of(run, monkeypatch):
    """A function that returns a command's help at a width."""

    def show(words, columns=80):
        monkeypatch.setenv("COLUMNS", str(columns))
        code, output, errors = run(*words, "--help")
        assert (code, errors) == (0, "")
        return output

    return show


def test_each_command_has_one_line_that_80_columns_hold(help_of):
    output = help_of([])
    for name, (_, line) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", output, re.MULTILINE)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_option_is_in_a_group_says_what_it_wants_and_has_two_examples(help_of, words):
    output = help_of(words)
    (rest,) = re.findall(rf"\n{REST}:\n(.*?)\n\n", output, re.DOTALL)
    assert rest.split() == ["-h,", "--help", "Show", "this", "message", "and", "exit."]
    assert not re.findall(r"<\w+>|<list", output)
    examples = re.findall(r"^  robustpose ", output.partition("\nExamples:\n")[2], re.MULTILINE)
    assert len(examples) >= (1 if words == ["frost", "install"] else 2)


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_help_is_as_wide_as_the_terminal_up_to_120_columns(help_of, columns):
    widest = max(map(len, help_of(["bench"], columns).splitlines()))
    assert min(columns, 120) - 25 < widest <= min(columns, 120)


@pytest.mark.parametrize(("words", "most"), [(["--help"], 260), (["bench", "--help"], 360), (["train", "--help"], 360)])
def test_help_loads_little(words, most):
    code = (
        "import sys\nfrom robustpose.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "assert not sys.modules.keys() & {'numpy', 'torch', 'rich.console', 'yaml', 'cv2'}, sorted(sys.modules)\n"
        f"assert len(sys.modules) <= {most}, len(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_import_loads_nothing_that_takes_time():
    code = (
        "import sys\nbefore = set(sys.modules)\nimport robustpose\n"
        "new = {name for name in sys.modules if name not in before and not name.startswith('robustpose')}\n"
        "few = {'__future__', 'importlib', 'importlib._bootstrap', 'importlib._bootstrap_external', 'warnings'}\n"
        "assert new <= few, new\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
