import signal
import subprocess
import sys
import threading
import time
from functools import partial

import pytest

from robustpose.processes import run_in_processes


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs signal masks")
def test_processes_start_deaf_even_the_first_ones():
    # Python's own process that keeps account of resources starts with them.
    words = """
import signal
from multiprocessing import get_context
from robustpose.processes import start_processes
with start_processes():
    get_context("spawn").Lock()
    assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
"""
    subprocess.run([sys.executable, "-c", words], check=True)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs signal masks")
def test_semaphores_of_killed_workers_go_without_a_word():
    words = """
import os, signal
from multiprocessing import get_context
from robustpose.processes import start_processes
with start_processes():
    lock = get_context("spawn").Lock()
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")


def _wait(opened, task):
    time.sleep(task)
    yield task


def test_threads_that_work_at_once_do_not_end_each_others_workers():
    made = {}

    def work(seconds):
        made[seconds] = sorted(run_in_processes(partial(int), _wait, [seconds] * 2, 2))

    threads = [threading.Thread(target=work, args=(seconds,)) for seconds in (0.0, 3.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == {0.0: [0.0] * 2, 3.0: [3.0] * 2}
