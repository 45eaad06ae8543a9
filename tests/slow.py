"""An estimator, and a metric, slow enough to be killed at work."""

import os
import time

from tests.outside import MeanScore, guess_from_pixels


def guess_slowly(image, boxes):
    """Return what guess_from_pixels does, a little later."""
    time.sleep(0.01)
    return guess_from_pixels(image, boxes)


class SlowScore(MeanScore):
    """MeanScore, as slow as the environment says."""

    def update(self, poses, truth):
        """Take its time."""
        time.sleep(float(os.environ.get("SECONDS_AN_IMAGE", 0)))
        super().update(poses, truth)
