import socket
import subprocess
import sys

import pytest
from torch._utils import ExceptionWrapper

from robustpose.errors import UserError
from robustpose.train.workers import heed_lost_workers


def test_mistake_that_a_worker_finds_keeps_its_words():
    try:
        try:
            raise OSError("image file is truncated")
        except OSError as error:
            raise UserError("image a.jpg cannot be read: replace the file") from error
    except UserError:
        found = ExceptionWrapper(sys.exc_info(), "in DataLoader worker process 0")
    with pytest.raises(UserError, match=r"^image a\.jpg cannot be read: replace the file$"), heed_lost_workers():
        found.reraise()


def test_mistake_found_elsewhere_is_left_alone():
    with pytest.raises(UserError, match=r"^Caught a fish$"), heed_lost_workers():
        raise UserError("Caught a fish")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs sockets with names of files")
def test_worker_says_nothing_of_a_process_that_ended_while_it_took_a_sample():
    words = """
import socket, time
from multiprocessing.resource_sharer import DupFd
from robustpose.train.workers import start_worker
start_worker(0)
address, _ = DupFd(0)._id
for _ in range(2):  # the second is taken once the first is done with
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(address)
    peer.recv(1)
    peer.close()
time.sleep(0.2)
"""
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_worker_that_is_lost_is_told_of_once_even_while_its_run_cleans_up():
    words = """
import contextlib, os, signal, sys, time
import torch
from robustpose.errors import UserError
from robustpose.train.workers import heed_lost_workers, start_worker

class Slow(torch.utils.data.Dataset):
    def __len__(self):
        return 64
    def __getitem__(self, index):
        time.sleep(0.05)
        return index

@contextlib.contextmanager
def clean_up():
    try:
        yield
    finally:
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
        end = time.monotonic() + 1
        while time.monotonic() < end:  # signals are heard between two lines of Python
            time.sleep(0.01)

try:
    with heed_lost_workers(), clean_up(), heed_lost_workers():
        loader = iter(torch.utils.data.DataLoader(Slow(), num_workers=2, worker_init_fn=start_worker))
        workers = loader._workers
        os.kill(workers[0].pid, signal.SIGKILL)
        for _ in loader:
            pass
except UserError as error:
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
    assert "a process that draws samples died" in str(error), error
    sys.exit(3)
"""
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (3, "")
