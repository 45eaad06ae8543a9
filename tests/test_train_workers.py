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
