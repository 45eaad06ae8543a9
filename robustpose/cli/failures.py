"""Failures: what ends a command, as one line on standard error and an exit code."""

from __future__ import annotations

import errno
import gc
import platform
import re
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import robustpose
from robustpose.blame import find_blame
from robustpose.errors import SaidElsewhere, UserError, nearest
from robustpose.printing import ForgivingStream, make_visible, one_line, print_aside, print_lines
from robustpose.stopping import LINE, Stopped, heard, tell

DONE, OURS, YOURS, BELOW, INTERRUPTED = 0, 1, 2, 3, 130  # 130 is what shells have for Ctrl-C
EXIT_CODES = (
    "Exit codes: 0 done; 1 a fault of robustpose; 2 a mistake in what was given, or a disk, memory or stream that "
    "refuses; 3 done, but a score is below what --fail-under or --fail-if-worse asks for; 130 stopped with Ctrl-C, "
    "143 by SIGTERM, 129 by a terminal that closed."
)
# What libraries say, in errors of no type of their own, when they get no memory.
NO_MEMORY = (
    *("out of memory", "allocate memory", "insufficient memory", "bad_alloc", "failed to map segment"),
    *("can't start new thread", "resource temporarily unavailable"),
)


def run_guarded(command: Callable[[], Any], debug: bool) -> int:
    """Run a command and return its exit code. What ends it is said in one line, with `debug` below its traceback."""
    failure: BaseException | None = None
    code = DONE
    try:
        code = int(command() or DONE)
    except (Exception, KeyboardInterrupt, SystemExit, Stopped) as error:
        failure = error
    stopped = heard()
    if stopped is not None:  # whatever has become of it on its way here
        tell()
        return stopped
    if failure is None:
        return code
    if debug:
        print_lines("".join(traceback.format_exception(failure)))
    code = tell_failure(failure)
    failure = None
    gc.collect()  # what the failure kept alive, such as a loader's processes, ends here and not while Python does
    return code


def check_surroundings(output: ForgivingStream) -> None:
    """Raise UserError where no command could work: without standard output, or in a folder that is gone."""
    if output.refusal is not None:
        raise UserError("standard output is closed: let it go to a file, or to /dev/null")
    try:
        Path.cwd()
    except OSError as error:
        raise UserError(f"the working folder is not there any more ({error.strerror}): go to another one") from error


def tell_refusal(output: ForgivingStream) -> int:
    """Say why standard output did not take all that was printed, if so, and return the exit code of it."""
    output.flush()
    refusal = output.refusal
    if refusal is None or isinstance(refusal, BrokenPipeError):  # its reader has seen enough
        return DONE
    reason = refusal.strerror if isinstance(refusal, OSError) else refusal
    print_aside(f"error: standard output cannot be written ({reason}); the work itself is done")
    return YOURS


def tell_failure(error: BaseException) -> int:
    """Say in one line what has ended a command, and return its exit code."""
    error = find_blame(error) or error
    if isinstance(error, SystemExit):
        return _read_exit(error)
    if isinstance(error, SaidElsewhere):
        return YOURS
    if isinstance(error, KeyboardInterrupt):
        return _tell_interrupted()
    if hasattr(error, "format_message"):  # of typer, or of click, on which older versions of typer stand
        return _tell_usage(error)
    line = explain(error)
    if line is not None:
        print_aside(f"error: {line}")
        return YOURS
    print_aside(
        f"internal error: {type(error).__name__}: {one_line(_read_words(error), 1000)} ({_ask_for_report(error)})"
    )
    return OURS


def explain(error: BaseException) -> str | None:
    """Return what to say of an error that is not a fault of ours; None for one that is."""
    words = _read_words(error)
    if isinstance(error, UserError | Warning):  # a warning, if Python was told to raise them
        return words
    if isinstance(error, MemoryError) or any(phrase in words.lower() for phrase in NO_MEMORY):
        return f"not enough memory ({words or 'MemoryError'}): take smaller input, or fewer --workers"
    if isinstance(error, ImportError) and not (error.name or "").startswith("robustpose"):
        return f"a library cannot be loaded ({words}): install what robustpose needs again"
    if isinstance(error, RecursionError):
        return f"something in the input is nested too deep ({words})"
    if isinstance(error, RuntimeError) and "no locator available" in words:  # of numba
        return "compiled loops can be kept nowhere: set NUMBA_CACHE_DIR to a folder that can be written"
    if isinstance(error, OSError) and error.errno is None:  # as Pillow raises them
        return f"a file cannot be read or written: {words}"
    if isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else ""
        return (
            f"the system refuses{where}: {error.strerror}; finished work is kept: the same command goes on from there"
        )
    return None


def _read_words(error: BaseException) -> str:
    """Return the message of an error; somebody's own may have none that can be read."""
    try:
        return str(error)
    except Exception:
        return "(its message cannot be read)"


def _tell_interrupted() -> int:
    print_aside(LINE)
    return INTERRUPTED


def _tell_usage(error: Any) -> int:
    """Say what is wrong with the words of the command line."""
    message = str(error.format_message())
    if message.startswith("Usage:"):  # without any words: the help, as asked for
        print_lines(message)
    else:
        path = error.ctx.command_path if error.ctx is not None else "robustpose"
        print_aside(f"error: {explain_usage(error)}; {path} --help says more")
    return YOURS


def explain_usage(error: Any) -> str:
    """Return what is wrong with the words of a command line, in one line, given what typer, or click, raised."""
    words = _guess_name(error) or " ".join(str(error.format_message()).split())  # choices come with line breaks
    return words.rstrip(".")


def _guess_name(error: Any) -> str | None:
    """Return what to say of an option or a command that there is not; None for other mistakes."""
    command: Any = getattr(error.ctx, "command", None)
    option = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption" and command is not None and option:
        known = [name for one in command.get_params(error.ctx) for name in (*one.opts, *one.secondary_opts)]
        return f"No such option {option}{nearest(option, [name for name in known if name.startswith('--')])}"
    found = re.fullmatch(r"No such command '(.*?)'\..*", str(error.format_message()), re.DOTALL)
    if found is None or not hasattr(command, "list_commands"):
        return None
    return f"No such command '{found[1]}'{nearest(found[1], command.list_commands(error.ctx))}"


def _read_exit(error: SystemExit) -> int:
    """Return the exit code where somebody's code ends the process, or typer does when nobody reads its help."""
    if isinstance(error.__context__, OSError) and error.__context__.errno == errno.EPIPE:
        return DONE
    print_aside(f"error: code that was called has ended the command: sys.exit({error.code!r})")
    return YOURS


def _ask_for_report(error: BaseException) -> str:
    """Write the traceback to a file of its own, which nobody else can read, and return what to do with it."""
    story = "".join(traceback.format_exception(error))
    where = f"robustpose {robustpose.__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="robustpose-error-", suffix=".txt", delete=False
        ) as file:
            path = Path(file.name)
            try:
                file.write(where + make_visible(f"{sys.argv}\n{story}", keep="\n"))
                file.flush()
            except OSError:
                path.unlink()
                raise
    except OSError:
        return "this is a fault of robustpose: please report it with what --debug shows"
    return f"this is a fault of robustpose: please report it with {path}; --debug shows the traceback"
