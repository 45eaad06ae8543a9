import zipfile

import numpy as np
import pytest

from robustpose import CLEAN, Cell, UserError
from robustpose.metrics import make_metric
from robustpose.pose.skeletons import COCO
from robustpose.results.resampling import draw_weights
from robustpose.results.run_folder import RunFolder
from tests.people import draw_people, fill
from tests.runs import damage

CELL = Cell("fog", 3)


@pytest.fixture(params=["coco_ap", "pck:box@0.1"])
def matches(request):
    return fill(make_metric(request.param, COCO), draw_people(0, 40)).matches()


@pytest.fixture
def written(tmp_path, matches):
    RunFolder(tmp_path).write_matches(CELL, matches.table(), matches.quality())
    return RunFolder(tmp_path)


def test_table_that_was_written_scores_the_same(written, matches):
    table = written.read_table(CELL)
    assert type(table) is type(matches.table())
    weights = draw_weights(40, 5)
    np.testing.assert_array_equal(table.score(weights), matches.table().score(weights))
    for name, array in matches.table().save().items():
        np.testing.assert_array_equal(table.save()[name], array)


def test_quality_is_read_back_to_single_precision(written, matches):
    found = written.read_quality([CELL])
    assert list(found) == [CELL]
    np.testing.assert_allclose(found[CELL], matches.quality(), atol=1e-7)
    assert np.isnan(found[CELL]).any()


def test_same_matches_are_the_same_bytes(written, matches, tmp_path):
    before = written.matches_path(CELL).read_bytes()
    written.write_matches(CELL, matches.table(), matches.quality())
    assert written.matches_path(CELL).read_bytes() == before
    assert [path.name for path in (tmp_path / "matches").iterdir()] == ["fog-3.npz"]


def test_matches_that_are_not_there_are_one_line(written):
    with pytest.raises(UserError, match=r"has no matches of clean: .*start its bench command again") as error:
        written.read_table(CLEAN)
    assert "\n" not in str(error.value)
    assert written.read_quality([CELL, CLEAN]) is None


@pytest.mark.parametrize("kind", ["empty", "rubbish", "cut", "flipped"])
def test_damaged_matches_are_one_line_that_names_the_file(written, kind):
    path = written.matches_path(CELL)
    path.write_bytes(damage(kind, path.read_bytes()))
    with pytest.raises(UserError, match=r"fog-3\.npz is damaged: start the bench command") as error:
        written.read_table(CELL)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["empty", "rubbish", "cut"])
def test_damaged_quality_is_none(written, kind):
    path = written.matches_path(CELL)
    path.write_bytes(damage(kind, path.read_bytes()))
    assert written.read_quality([CELL]) is None


def test_file_without_a_table_is_damaged(written):
    path = written.matches_path(CELL)
    np.savez(path, quality=np.zeros(40))
    with pytest.raises(UserError, match=r"fog-3\.npz is damaged"):
        written.read_table(CELL)
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(UserError, match=r"fog-3\.npz is damaged"):
        written.read_table(CELL)
    assert written.read_quality([CELL]) is None
