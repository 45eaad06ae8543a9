from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robustpose import network_processes
from robustpose.errors import UserError
from robustpose.network_processes import Client, ask_in_parts, run_networks, serve
from robustpose.processes import run_in_processes
from robustpose.work import Processes, wish_networks
from tests.toy_networks import BROKEN, DEADLY, REFUSED, Sums, add_up, images, open_nothing, open_sums

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs descriptors that are passed on")


class Served:
    """Workers of this process, a thread each if they ask at once, and the network process as a thread."""

    def __init__(self, n_workers: int, *networks: Sums) -> None:
        pipes = [Pipe() for _ in range(n_workers)]
        self.ends = [asking for asking, _ in pipes]
        self.clients = list(map(Client, self.ends))
        self._thread = threading.Thread(
            target=run_networks, args=(lambda: [serve(one) for one in networks], [answering for _, answering in pipes])
        )

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        for end in self.ends:
            end.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture(autouse=True)
def nobody_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_processes, "_networks", None)


def ask_at_once(served: Served, questions: list[Any]) -> list[Any]:
    """Return the answers to questions of a worker each, which are all there when the network process begins."""
    answers: list[Any] = [None] * len(questions)

    def ask(number: int) -> None:
        answers[number] = served.clients[number].add_network()(questions[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(questions))]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    served.begin()
    for thread in threads:
        thread.join()
    return answers


def test_crops_of_several_workers_fill_batches_and_everybody_gets_their_own() -> None:
    network = Sums()
    served = Served(3, network)
    answers = ask_at_once(served, [images(1, 2, 3), images(4, 5, 6), images(7, 8)])
    served.end()
    assert [(sums / 30).tolist() for sums, _ in answers] == [[1, 2, 3], [4, 5, 6], [7, 8]]
    assert network.batches == [4, 4]  # not one of them filled up


def test_lone_crops_do_not_wait_for_others() -> None:
    network = Sums()
    served = Served(2, network)
    ((sums, _),) = ask_at_once(served, [images(5)])
    served.end()
    assert sums.tolist() == [150]
    assert network.batches == [1]


def test_images_of_whole_image_networks_are_not_put_together() -> None:
    network = Sums(None)
    served = Served(2, network)
    ask_at_once(served, [images(1, 2), images(3, 4)])
    served.end()
    assert network.batches == [2, 2]


def test_images_of_other_sizes_and_networks_have_their_own_batches() -> None:
    first, second = Sums(), Sums()
    served = Served(3, first, second)
    served.clients[2].add_network()  # the second network is asked by this one
    answers = ask_at_once(served, [images(1, 2), images(3)[..., :2], images(4)])
    served.end()
    assert [sums.tolist() for sums, _ in answers] == [[30, 60], [36], [120]]
    assert (sorted(first.batches), second.batches) == ([1, 2], [1])


def test_answer_stays_when_the_next_one_comes() -> None:
    served = Served(1, Sums())
    served.begin()
    ask = served.clients[0].add_network()
    (one, _), (other, _) = ask(images(1, 2)), ask(images(3, 4))
    served.end()
    assert (one.tolist(), other.tolist()) == ([30, 60], [90, 120])


def test_many_crops_are_asked_for_in_parts_of_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_processes, "MOST_BYTES", 3 * images(0).nbytes)
    asked = []

    def ask(crops: Any) -> list[Any]:
        asked.append(len(crops))
        return [crops.sum((1, 2, 3)), crops]

    given = images(*range(8))
    sums, same = ask_in_parts(ask, given)
    assert asked == [3, 3, 2]
    np.testing.assert_array_equal(sums, given.sum((1, 2, 3)))
    np.testing.assert_array_equal(same, given)


def test_what_a_network_raises_reaches_the_worker_and_others_go_on() -> None:
    served = Served(2, Sums(None))
    served.begin()
    one, other = (client.add_network() for client in served.clients)
    with pytest.raises(UserError, match=r"^this image is refused$"):
        one(images(REFUSED))
    with pytest.raises(UserError, match=r"^your code raised RuntimeError: something is broken \(tests/toy_n") as error:
        one(images(BROKEN))
    assert "Traceback" in str(error.value.__cause__)  # there
    assert other(images(2))[0].tolist() == one(images(2))[0].tolist() == [60]
    served.end()


def test_worker_that_ends_leaves_its_place_to_others() -> None:
    network = Sums()
    served = Served(3, network)
    pipe = served.clients[0]._pipe
    (place,) = pipe.place([((3, 3, 2, 5), np.dtype("float32"))])
    place[:] = 9
    pipe.send(0)
    served.ends[0].close()  # it asked, and does not wait
    answers = ask_at_once(served, [images(1)] * 0)
    for client in served.clients[1:]:
        answers.append(client.add_network()(images(1, 2)))
    served.end()
    assert [sums.tolist() for sums, _ in answers] == [[30, 60]] * 2


def test_network_that_is_not_there_is_said() -> None:
    served = Served(1, Sums())
    served.begin()
    served.clients[0].add_network()
    with pytest.raises(RuntimeError, match="there are 1 networks in the network process: none has number 1"):
        served.clients[0].add_network()(images(1))
    served.end()


TASKS = [[float(number), number + 1.0, number + 2.0] for number in range(12)]


@pytest.mark.parametrize("n_networks", [1, 2])
def test_workers_with_network_processes_give_what_they_give_without(n_networks: int) -> None:
    found = sorted(run_in_processes(open_sums, add_up, TASKS, 3, n_networks))
    assert found == sorted(tuple(30 * value for value in task) for task in TASKS)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (REFUSED, "^this image is refused$"),
        (DEADLY, "^the network process died, perhaps for lack of memory; finished work is kept: start the same"),
        (-1, "^a worker process died"),
    ],
)
def test_trouble_is_one_line_and_nobody_is_left(trouble: float, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        list(run_in_processes(open_sums, add_up, [*TASKS[:4], [trouble], *TASKS[4:]], 2, 1))
    assert "\n" not in str(error.value)
    assert multiprocessing.active_children() == []


def test_network_that_cannot_be_made_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^device 'cuda:7' cannot be used here$"):
        list(run_in_processes(open_nothing, add_up, TASKS, 2, 1))


KILLED = """
import os, signal, sys
from robustpose.processes import run_in_processes
from tests.toy_networks import add_up, open_sums
if __name__ == "__main__":
    found = run_in_processes(open_sums, add_up, [[1.0, 2.0]] * 500, 2, 1)
    next(found)
    import multiprocessing
    print(*[child.pid for child in multiprocessing.active_children()], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_network_processes_end_with_their_parent_even_if_it_is_killed(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    (tmp_path / "killed.py").write_text(KILLED)
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, tmp_path / "killed.py"], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    children = [int(word) for word in done.stdout.split()]
    assert len(children) == 3
    until = time.monotonic() + 10
    while (alive := [pid for pid in children if is_alive(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.is_file() or state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("n_workers", "wished", "message"),
    [
        (2, -1, "--network-processes must be at least 0, got -1"),
        (1, 1, "--network-processes 1 is for several workers, and there is 1, which runs the network itself"),
    ],
)
def test_number_of_network_processes_that_cannot_be_is_one_line(n_workers: int, wished: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        wish_networks(n_workers, wished)


def test_single_worker_has_no_network_process_and_none_has_more_than_workers() -> None:
    engine = Processes(4, n_networks=3)
    assert [engine.at_most(n).n_networks for n in (9, 3, 2, 1)] == [3, 3, 2, 0]
    assert wish_networks(2, 0) == Processes(2, wished=0)
    assert wish_networks(2, None) == Processes(2)


def test_other_engine_is_refused_before_a_cluster_is_asked_for_anything() -> None:
    class Unasked:
        name = "ray"

        @property
        def n_workers(self) -> int:
            raise AssertionError("a cluster starts")

    with pytest.raises(UserError, match="those of ray run the network themselves: leave it out"):
        wish_networks(Unasked(), 1)  # type: ignore[arg-type]
