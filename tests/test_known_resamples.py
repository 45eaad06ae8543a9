"""Known resamples: no table is scored twice on the same resamples, and none that has changed is taken for known."""

import os

import numpy as np
import pytest

from robustpose.pose.cell import CLEAN
from robustpose.results import known_resamples
from robustpose.results.known_resamples import resample_tables, stamp_matches
from robustpose.results.run_folder import RunFolder


class Table:
    """A table that counts how often it is scored."""

    n_images = 3

    def __init__(self):
        self.n_scored = 0

    def score(self, weights):
        self.n_scored += 1
        return weights @ np.array([0.1, 0.2, 0.3])


def resample(folder, tables, weights):
    return resample_tables(stamp_matches(folder, tables), tables, weights)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(known_resamples, "_known", known_resamples.OrderedDict())
    path = RunFolder(tmp_path).matches_path(CLEAN)
    path.parent.mkdir()
    path.write_bytes(b"one")
    return tmp_path


def test_resamples_are_scored_once(folder):
    table, weights = Table(), np.eye(3, dtype=np.uint8)
    first = resample(folder, {CLEAN: table}, weights)[CLEAN]
    again = resample(folder, {CLEAN: table}, weights.copy())[CLEAN]
    assert table.n_scored == 1
    assert again is first
    assert again.tolist() == [0.1, 0.2, 0.3]
    assert resample(folder, {CLEAN: table}, 2 * weights)[CLEAN].tolist() == [0.2, 0.4, 0.6]
    with pytest.raises(ValueError, match="read-only"):
        first += 1


def test_matches_that_were_written_again_are_scored_again(folder):
    table, weights = Table(), np.eye(3, dtype=np.uint8)
    resample(folder, {CLEAN: table}, weights)
    path = RunFolder(folder).matches_path(CLEAN)
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    resample(folder, {CLEAN: table}, weights)
    assert table.n_scored == 2


def test_tables_that_were_read_before_the_file_changed_are_not_taken_for_those_of_the_new_one(folder):
    old, new, weights = Table(), Table(), np.eye(3, dtype=np.uint8)
    stamps = stamp_matches(folder, [CLEAN])
    RunFolder(folder).matches_path(CLEAN).write_bytes(b"another")
    resample_tables(stamps, {CLEAN: old}, weights)
    resample(folder, {CLEAN: new}, weights)
    assert new.n_scored == 1


@pytest.mark.parametrize("most", [1, 100])
def test_memory_is_bounded(folder, monkeypatch, most):
    monkeypatch.setattr(known_resamples, "MOST_BYTES", most)
    table = Table()
    for factor in range(9):
        weights = np.full((3, 3), factor, np.uint8)
        assert resample(folder, {CLEAN: table}, weights)[CLEAN] == pytest.approx(0.6 * factor)
    assert len(known_resamples._known) == max(1, most // 24)
