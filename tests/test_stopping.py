import signal
import subprocess
import sys
import time

import pytest

from robustpose.stopping import LINE, Stopped, end_in_time, heard, heed_signals, hold_signals
from tests.runs import heed_interrupts

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
START = "import os, signal, sys, time\nfrom robustpose.stopping import *\n"
READY = "print('ready', flush=True)\n"
WAIT = READY + "time.sleep(20)\n"


def stop_process(code, *signals, wait=0.0):
    """Run code as a command, send signals when it says that it is ready, and return (exit code, errors)."""
    body = (
        START + "def command():\n" + "".join(f"    {line}\n" for line in code.splitlines()) + "run_and_exit(command)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", body], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=heed_interrupts,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    for number in signals:
        process.send_signal(number)
        time.sleep(wait)
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@pytest.mark.parametrize(("number", "code"), CODES.items())
def test_each_signal_ends_a_command_with_one_line_and_its_exit_code(number, code):
    assert stop_process(WAIT, number) == (code, LINE + "\n")


def test_cleaning_up_is_done_and_the_echo_of_a_signal_does_not_disturb_it():
    code = f"try:\n  {READY}  time.sleep(20)\nfinally:\n  time.sleep(0.1)\n  os.write(2, b'clean\\n')\n"
    assert stop_process(code, signal.SIGINT, signal.SIGINT) == (130, f"clean\n{LINE}\n")


def test_what_was_printed_before_stands_before():
    assert stop_process(f"sys.stderr.write('half a line')\n{WAIT}", signal.SIGINT)[1] == f"half a line{LINE}\n"
    code = f"sys.stderr = open(2, 'w', closefd=False)\nsys.stderr.write('whole\\n')\n{WAIT}"
    assert stop_process(code, signal.SIGINT) == (130, f"whole\n{LINE}\n")


def test_who_insists_is_heard_at_once():
    code = f"try:\n  {READY}  time.sleep(20)\nfinally:\n  time.sleep(20)\n"
    start = time.monotonic()
    assert stop_process(code, signal.SIGINT, signal.SIGINT, wait=0.6) == (130, LINE + "\n")
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("instead", ["raise ValueError('a library')", "return 0", "sys.exit(3)"])
def test_whatever_a_library_makes_of_it_the_command_was_stopped(instead):
    code = f"try:\n  {READY}  time.sleep(20)\nexcept BaseException:\n  {instead}\n"
    code, errors = stop_process(code, signal.SIGTERM)
    assert (code, errors) == (143, LINE + "\n")


def test_signal_in_a_finaliser_which_swallows_exceptions_is_raised_again():
    code = f"class A:\n  def __del__(self):\n    {READY}    time.sleep(20)\nA()\ntime.sleep(20)\n"
    start = time.monotonic()
    assert stop_process(code, signal.SIGINT) == (130, LINE + "\n")
    assert time.monotonic() - start < 15


def test_signal_after_the_end_is_told_and_what_went_wrong_keeps_its_code():
    code = f"import atexit\n@atexit.register\ndef last():\n  {READY}  while True: time.sleep(0.1)\nreturn "
    assert stop_process(code + "0", signal.SIGINT) == (130, LINE + "\n")
    assert stop_process(code + "2", signal.SIGINT) == (2, "")


def test_signal_that_was_ignored_from_the_start_stays_ignored():
    body = START + "run_and_exit(lambda: os.kill(os.getpid(), signal.SIGHUP) or 0)"
    ignore = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    )
    done = subprocess.run([sys.executable, "-c", ignore, sys.executable, "-c", body], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_handlers_are_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with heed_signals():
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGTERM)
        assert heard() == 143
    assert heard() is None
    assert signal.getsignal(signal.SIGTERM) is before


def test_held_signals_are_heard_after_the_block_even_those_that_another_thread_took():
    done = []

    def hold():
        with hold_signals():
            signal.raise_signal(signal.SIGTERM)
            signal.getsignal(signal.SIGTERM)(signal.SIGTERM, None)  # as the interpreter does for other threads
            done.append("held")
        done.append("after")

    with pytest.raises(Stopped), heed_signals():
        hold()
    assert done == ["held"]


@pytest.mark.parametrize("seconds", [0.03, 0.06, 0.09, 0.12])
def test_command_line_is_stopped_with_one_line_while_it_is_imported(seconds):
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "robustpose", "list", "rows"], stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts,
    )  # fmt: skip
    for line in process.stderr:
        if "robustpose.stopping" in line:
            break
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    errors = [line for line in process.stderr if not line.startswith("import time:")]
    process.stderr.close()
    assert (process.wait(), errors) in [(130, [LINE + "\n"]), (0, [])]


def test_shell_that_only_asked_what_may_come_next_is_told_nothing():
    code = f"os.environ[COMPLETING] = 'complete_bash'\n{WAIT}"
    assert stop_process(code, signal.SIGINT) == (130, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_call_that_hears_nothing_is_ended_in_time_with_the_line(number):
    deaf = "import hashlib\n" + READY + "  hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)\n"
    code = "from robustpose import stopping\nstopping.PATIENCE = 0.3\nwith stopping.end_in_time():\n  " + deaf.replace(
        "\nprint", "\n  print"
    )
    start = time.monotonic()
    assert stop_process(code, number) == (CODES[number], LINE + "\n")
    assert time.monotonic() - start < 10


def test_call_that_hears_is_left_to_clean_up_and_who_insists_is_heard_even_there():
    code = "from robustpose import stopping\nstopping.PATIENCE = 0.1\nwith stopping.end_in_time():\n"
    waits = f"  try:\n    {READY}    time.sleep(20)\n  finally:\n"
    assert stop_process(code + waits + "    time.sleep(0.5)\n    os.write(2, b'clean\\n')\n", signal.SIGINT) == (
        130,
        f"clean\n{LINE}\n",
    )
    deaf = "    import hashlib\n    hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)\n"
    assert stop_process(code + waits + deaf, signal.SIGTERM, signal.SIGTERM, wait=0.7) == (143, LINE + "\n")


def test_programs_with_handlers_of_their_own_are_left_alone():
    before = signal.set_wakeup_fd(-1)
    with end_in_time():
        assert signal.set_wakeup_fd(-1) == -1
    signal.set_wakeup_fd(before)
    with heed_signals(), end_in_time():
        assert signal.set_wakeup_fd(-1) != -1
