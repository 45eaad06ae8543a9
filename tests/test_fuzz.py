"""The fuzzer, some hundred inputs of it: every one ends well or with one line. More by hand: tests/fuzz/run.py."""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZER = Path(__file__).parent / "fuzz" / "run.py"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="each input is tried in a fork")
def test_spoilt_inputs_end_well_or_with_one_line():
    # In a process of its own: pytest has threads and open files that a fork should not inherit.
    done = subprocess.run([sys.executable, FUZZER, "--n", "300"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
