"""Completion: what shells are offered, and that it comes without anything else and without heavy libraries."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from robustpose.cli import app, main
from robustpose.cli.completion import NO_FILES, VARIABLE, answer
from robustpose.corruptions.suites import SUITES


@pytest.fixture
def ask(monkeypatch, capsys):
    """A function that returns what bash is offered for the last word of a line."""

    def ask_for(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv(VARIABLE, "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        with suppress(SystemExit):  # its code is for the shell
            main([])
        output, errors = capsys.readouterr()
        assert errors == ""
        return output.split()

    return ask_for


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("robustpose be", ["bench"]),
        ("robustpose data ch", ["check"]),
        ("robustpose bench --suite ", [*SUITES]),
        ("robustpose bench --corruptions fog,sn", ["fog,snow"]),
        ("robustpose bench --data och", ["ochuman"]),
        ("robustpose bench --model on", ["onnx:"]),
        ("robustpose bench --model demo --model-set fl", ["flip_test="]),
        ("robustpose bench --area b", ["box"]),
        ("robustpose bench --metric pc", ["pckh", "pck:"]),
        ("robustpose bench --resam", ["--resamples"]),
        ("robustpose bench --out r", []),
        ("robustpose train --strategy advmix-", ["advmix-image"]),
        ("robustpose train --row coco-c/table5/advmix_", ["coco-c/table5/advmix_stylized"]),
        ("robustpose train --set mixing.al", ["mixing.alpha="]),
        ("robustpose list se", ["settings"]),
        ("robustpose list rows table5/advmix_", ["table5/advmix_stylized"]),
        ("robustpose bench --fail-under fo", ["fog="]),
        ("robustpose bench --suite held-out --fail-under mPC=0.3,m", ["mPC=0.3,mPH="]),
        ("robustpose bench --corruptions fog --fail-under fog/3", ["fog/3="]),
        ("robustpose compare a b --fail-if-worse clean,mPC", ["clean,mPC", "clean,mPCB"]),
        ("robustpose leaderboard runs --cop", ["--copy-reports"]),
        ("robustpose leaderboard en", ["entry"]),
        ("robustpose bnech --x", []),
    ],
)
def test_bash_is_offered_what_can_come_next(ask, line, offered):
    assert ask(line) == offered


@pytest.mark.parametrize(
    ("line", "has_files"),
    [
        ("robustpose bench ", False),
        ("robustpose bench --model-set ", False),
        ("robustpose bench --limit ", False),
        ("robustpose data ", True),  # no word is begun, and its commands are offered
        ("robustpose bench --out ", True),
        ("robustpose bench --model onnx : ", True),
        ("robustpose compare ", True),
        ("robustpose leaderboard ru", True),
    ],
)
def test_bash_is_told_where_no_file_can_come_next(monkeypatch, line, has_files):
    words = line.split(" ")
    monkeypatch.setenv(VARIABLE, "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    assert (answer(app) != NO_FILES) is has_files


@pytest.mark.parametrize("line", ["robustpose bench --row coco-c/", "robustpose train --set ", "robustpose bench --mo"])
def test_answering_loads_no_library_that_runs_networks(line):
    code = (
        "import sys\nfrom robustpose.cli import main\nmain([])\n"
        "assert not sys.modules.keys() & {'torch', 'onnxruntime', 'transformers', 'matplotlib'}\n"
    )
    words = {VARIABLE: "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, **words}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_of_each_shell_is_shown_and_installed(run, monkeypatch, tmp_path, shell):
    monkeypatch.setenv("SHELL", f"/bin/{shell}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("shellingham.detect_shell", lambda: (shell, f"/bin/{shell}"))
    code, script, _ = run("--show-completion")
    assert code == 0
    assert VARIABLE in script
    assert ("compopt -o nospace" in script) is (shell == "bash")
    code, output, _ = run("--install-completion")
    assert code == 0
    path = output.strip().rpartition(": ")[2]
    assert output.startswith(f"{shell} completes robustpose when it is started again: {tmp_path}")
    written = Path(path).read_text(encoding="utf-8")
    assert VARIABLE in written
    assert ("compopt -o nospace" in written) is (shell == "bash")


def test_unknown_shell_is_one_line(run, monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("tcsh", "/bin/tcsh"))
    code, _, errors = run("--show-completion")
    assert (code, errors) == (2, "error: completion is for bash, zsh, fish, and the shell is tcsh: set SHELL\n")
