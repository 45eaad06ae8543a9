import errno
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import robustpose
from robustpose.cli.failures import run_guarded
from robustpose.errors import UserError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def fail(capsys, monkeypatch, tmp_path):
    """A function that runs a command which raises, and returns (exit code, what is on standard error)."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    # Raised in a file of the package: what other code raises is that code's fault.
    raise_it = compile("raise error", str(Path(robustpose.__file__).with_name("raises.py")), "exec")

    def run(error, debug=False):
        return run_guarded(lambda: exec(raise_it, {"error": error}), debug), capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UserError("no \x1b[31m a\nb"), "error: no \\x1b[31m a\\nb\n"),
        (UserWarning("no"), "error: no\n"),
        (MemoryError(), "error: not enough memory (MemoryError): take smaller input, or fewer --workers\n"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "error: not enough memory"),
        (
            ImportError("libtorch_cpu.so: failed to map segment from shared object"),
            "error: not enough memory (libtorch",
        ),
        (RuntimeError("can't start new thread"), "error: not enough memory (can't start new thread)"),
        (ImportError("libGL.so.1: cannot open shared object file"), "error: a library cannot be loaded (libGL.so.1"),
        (RecursionError("maximum recursion depth exceeded"), "error: something in the input is nested too deep"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a\nb"), "error: the system refuses a\\nb: No space left"),
        (OSError("image file is truncated"), "error: a file cannot be read or written: image file is truncated\n"),
        (SystemExit("a\nb"), "error: code that was called has ended the command: sys.exit('a\\nb')\n"),
        (SystemExit(0), "error: code that was called has ended the command: sys.exit(0)\n"),
    ],
)
def test_what_was_given_or_the_machine_ends_with_one_line(fail, error, words):
    code, errors = fail(error)
    assert code == 2
    assert errors.startswith(words)
    assert errors.count("\n") == 1


class Unreadable(Exception):
    def __str__(self):
        raise ValueError


def test_import_that_fails_inside_is_a_fault_of_ours(fail):
    assert fail(ImportError("cannot import name 'a'", name="robustpose.cli"))[0] == 1


def test_fault_without_a_message_is_told_of(fail):
    assert fail(Unreadable())[1].startswith("internal error: Unreadable: (its message cannot be read) (this is a fault")


def test_interrupt_ends_as_shells_have_it(fail):
    assert fail(KeyboardInterrupt())[0] == 130


def test_fault_of_ours_says_where_its_traceback_is(fail, tmp_path):
    code, errors = fail(KeyError("\x1b[2J\nerror: no"))
    assert code == 1
    assert errors.startswith("internal error: KeyError: ")
    assert errors.count("\n") == 1
    path = Path(re.search(r"report it with (\S+);", errors)[1])
    assert path.parent == tmp_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    story = path.read_text()
    assert "raises.py" in story
    assert "\x1b" not in story
    fail(KeyError("again"))
    assert len(list(tmp_path.iterdir())) == 2


def test_fault_is_told_of_where_nothing_can_be_written(fail, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    code, errors = fail(KeyError("a"))
    assert code == 1
    assert "report it with what --debug shows" in errors


def test_debug_shows_the_traceback_without_letting_it_act(fail):
    code, errors = fail(UserError("\x1b[2J"), debug=True)
    assert code == 2
    assert errors.startswith("Traceback")
    assert "\x1b" not in errors


def run_shell(words, before="", **environment):
    command = f'{before} "{sys.executable}" -m robustpose {words}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(["bash", "-c", command], capture_output=True, env=environment, check=False, timeout=60)


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        ("list models >/dev/full", 2, b"error: standard output cannot be written (No space left on device)"),
        ("list models >&-", 2, b"error: standard output is closed"),
        ("list nothing 2>&-", 2, b""),
        ("list models 2>/dev/full <&-", 0, b""),
        ('list rows | head -1; exit "${PIPESTATUS[0]}"', 0, b""),
        ("list 'a\n\x1b[31m'", 2, b"error: nothing is listed as 'a\\n\\x1b[31m'"),
    ],
)
def test_stream_that_refuses_is_one_line_at_most(words, code, error):
    done = run_shell(words)
    assert done.returncode == code
    assert done.stderr.startswith(error)
    assert done.stderr.count(b"\n") == (1 if error else 0)


def test_ascii_terminal_gets_ascii():
    done = run_shell("list networks", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode("ascii").splitlines()[1].split()[:3] == ["sbl_r50_128x96", "coco", "bgr"]


def test_deleted_working_folder_is_one_line(tmp_path):
    done = run_shell("list models", before=f'mkdir "{tmp_path}/a"; cd "{tmp_path}/a"; rmdir "{tmp_path}/a";')
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: the working folder is not there any more")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["bnech"], "error: No such command 'bnech' (did you mean 'bench'?); robustpose --help says more"),
        (["data", "chek"], "error: No such command 'chek' (did you mean 'check'?); robustpose data --help says more"),
        (["xyzxyz"], "error: No such command 'xyzxyz'; robustpose --help says more"),
        (["bench", "--modle", "a"], "error: No such option --modle (did you mean '--model'?); robustpose bench"),
        (["compare", "--zzz"], "error: No such option --zzz; robustpose compare --help says more"),
    ],
)
def test_misspelt_commands_and_options_are_guessed(run, words, line):
    code, _, errors = run(*words)
    assert code == 2
    assert errors.startswith(line)
