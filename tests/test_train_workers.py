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
