"""A network of OpenVINO that another thread frees leaves nothing behind that the next signal would fall over."""

import subprocess
import sys

import pytest

CODE = """
import ctypes, gc, signal, threading
import torch
from robustpose.estimators.running.openvino import convert_module
LINE
networks = [convert_module(torch.nn.Conv2d(3, 2, 1).eval(), (1, 3, 8, 8), False, "float32", 1)]
freeing = threading.Thread(target=networks.clear)
freeing.start()
freeing.join()
gc.collect()
signal.signal(signal.SIGTERM, lambda *_: print("heard"))
signal.raise_signal(signal.SIGTERM)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's alternate signal stacks")
@pytest.mark.parametrize("line", ["", "import faulthandler; faulthandler.enable()"])
def test_signal_after_another_thread_has_freed_a_network_is_heard(line):
    pytest.importorskip("openvino")
    done = subprocess.run([sys.executable, "-c", CODE.replace("LINE", line)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr
