import sys
from random import Random

import pytest

from tests.kills.jobs import make_inputs
from tests.kills.stop import Wholes, stop_often

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs inotify and /proc")
KILLED = {
    "bench": ["group", "parent"],
    "bench-2": ["group", "parent", "worker"],
    "corrupt-2": ["group", "parent", "worker"],
    "train-2": ["group", "parent", "worker"],
    "score": ["group", "parent"],
    "report": ["group", "parent"],
    "compare": ["group", "parent"],
}


@pytest.fixture(scope="module")
def wholes(tmp_path_factory):
    """What the commands need, and what they leave when nothing stops them."""
    inputs = tmp_path_factory.mktemp("kills") / "inputs"
    make_inputs(inputs, list(KILLED))
    return Wholes(inputs)


@pytest.mark.parametrize("name", KILLED)
def test_killed_three_times_it_ends_with_the_same_files_and_leaves_nothing(name, wholes):
    folder = wholes.inputs.parent / "killed"
    stops, problems = stop_often(name, wholes, folder, 3, KILLED[name], Random(f"{name} 16"))
    assert not problems
    assert not [problem for stop in stops for problem in stop.problems]
    assert any(stop.was_in_time for stop in stops)  # a killed worker may have had nothing left to do
