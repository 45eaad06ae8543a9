"""An estimator slow enough to be killed at work."""

import time

from tests.outside import guess_from_pixels


def guess_slowly(image, boxes):
    """Return what guess_from_pixels does, a little later."""
    time.sleep(0.01)
    return guess_from_pixels(image, boxes)
