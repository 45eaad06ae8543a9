import signal
import subprocess
import sys

import pytest


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
