"""Ray as the engine: two nodes on this machine, workers that are lost, and mistakes in one line each."""

import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from robustpose.cli.options import WorkerOptions
from robustpose.cluster import Place, RayCluster
from robustpose.cluster.engines import make_engine
from robustpose.cluster.ray_worker import pack_error
from robustpose.errors import UserError
from robustpose.progress import Piece
from robustpose.work import Chunk, Processes, do_tasks, name_task
from tests.toy_work import BAD, DIES, Squares

HERE = Path(__file__).parent
TASKS = [list(range(start, start + 10)) for start in range(0, 60, 10)]


def ignore(progress):
    pass


@dataclass(frozen=True)
class SquaresHere(Squares):
    """Squares whose folder the workers see, for clusters on this machine."""

    def open(self):
        return 2

    def do(self, opened, numbers):
        for number in numbers:
            if number < -10:  # a number that takes its time
                time.sleep(0.2)
            yield from super().do(opened, [number])


class WhoWorks(SquaresHere):
    """The process that did each task, which takes its time."""

    def do(self, opened, numbers):
        for _ in numbers:
            time.sleep(0.5)
            yield os.getpid(), 0

    def keep(self, pair):
        return pair[0]


@pytest.fixture(scope="module")
def cluster():
    """Return a cluster of a node with one core; nodes can be added."""
    pytest.importorskip("ray", reason="needs Ray: pip install 'robustpose[ray]'")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HERE.parent))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        head = {"num_cpus": 2, "object_store_memory": 80 * 2**20, "include_dashboard": False}
        found = Cluster(initialize_head=True, head_node_args=head)
        yield found
        found.shutdown()


@pytest.fixture(scope="module")
def engine(cluster):
    """Return an engine whose nodes see the files of this machine."""
    with RayCluster(Place(address=cluster.address, shared_files=True)) as found:
        yield found


def refusal(*arguments, **fields):
    with pytest.raises(UserError) as caught:
        make_engine(*arguments, Place(**fields)).n_workers  # noqa: B018
    return str(caught.value)


def test_cluster_has_room_for_a_worker_a_core_and_at_most_those_asked_for(engine, cluster):
    assert (engine.n_workers, engine.at_most(1).n_workers, engine.at_most(7).n_workers) == (2, 1, 2)
    assert (engine.name, engine.n_cores) == (f"ray ({cluster.address})", 2)


def test_results_and_files_are_those_of_processes(engine, tmp_path):
    found = {}
    for name, who in {"here": Processes(1), "ray": engine}.items():
        (tmp_path / name).mkdir()
        results = sorted(do_tasks(SquaresHere(tmp_path / name), TASKS, who, ignore))
        found[name] = results, sorted(path.read_text() for path in (tmp_path / name).glob("*.txt"))
    assert found["ray"] == found["here"]


def test_mistake_in_a_task_is_the_same_line_and_what_came_before_is_kept(engine, tmp_path):
    with pytest.raises(UserError, match=r"^-1 is no number to square$"):
        list(do_tasks(SquaresHere(tmp_path), [[1, 2, BAD]], engine, ignore))
    assert sorted(path.name for path in tmp_path.glob("*.txt")) == ["1.txt", "2.txt"]
    assert dict(do_tasks(SquaresHere(tmp_path), [[3]], engine, ignore)) == {3: 9}  # the engine goes on


def test_task_that_kills_its_worker_three_times_ends_the_command_and_is_named(engine, tmp_path):
    with pytest.raises(UserError, match=r"^the task \[.*-2\] has lost its worker 3 times: its process was killed"):
        list(do_tasks(SquaresHere(tmp_path), [*TASKS, [7, DIES]], engine, ignore))


def test_lost_node_costs_what_it_had_and_a_late_one_gets_work(engine, cluster, tmp_path):
    late, seen = cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20), []
    tasks = [[-number] for number in range(11, 71)]
    for number, _ in do_tasks(SquaresHere(tmp_path), tasks, engine, ignore):
        seen.append(number)
        if len(seen) == 25:
            cluster.remove_node(late, allow_graceful=False)
    assert sorted(seen) == sorted(-number for number in range(11, 71))


def test_workers_stay_for_the_next_work_and_another_command_waits_for_them(engine, cluster, tmp_path):
    tell = WhoWorks(tmp_path)
    first = set(do_tasks(tell, [[1], [2]], engine, ignore))
    with RayCluster(Place(address=cluster.address, shared_files=True)) as other:
        waiting = threading.Thread(target=lambda: found.extend(do_tasks(tell, [[3]], other, ignore)))
        found: list[int] = []
        waiting.start()
        second = set(do_tasks(tell, [[1], [2]], engine, ignore))
        assert second & first
        assert not found
        engine.close()
        waiting.join(60)
    assert len(found) == 1
    assert not set(found) & first


def test_bench_is_the_same_to_the_byte_and_nodes_need_no_files(engine, cluster, tmp_path):
    engine.close()  # its workers stay for its next work
    command = [sys.executable, "-m", "robustpose", "bench", "--model", "demo", "--data", "toy", "--limit", "4"]
    command += ["--corruptions", "contrast", "--severities", "3", "--no-report", "--resamples", "40"]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    for name, more in {"here": ["--workers", "1"], "ray": ["--engine", f"ray:{cluster.address}"]}.items():
        words = [*command, *more, "--out", str(tmp_path / name)]
        done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
    assert "on ray" in done.stderr
    assert not [word for word in ("raylet", "Warning") if word in done.stderr]
    files = {path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*") if path.is_file()}
    assert files == {path.relative_to(tmp_path / "ray") for path in (tmp_path / "ray").rglob("*") if path.is_file()}
    assert all((tmp_path / "here" / name).read_bytes() == (tmp_path / "ray" / name).read_bytes() for name in files)


def test_node_with_another_version_is_named_with_both(cluster, monkeypatch, tmp_path):
    from robustpose.cluster import ray_cluster

    known = ray_cluster.versions
    monkeypatch.setattr(ray_cluster, "versions", lambda names: {**known(names), "scipy": "0.1"})
    with (
        RayCluster(Place(address=cluster.address, shared_files=True)) as engine,
        pytest.raises(UserError, match=r"^node \S+ has scipy [\d.]+, and this machine has 0\.1, so results"),
    ):
        list(do_tasks(SquaresHere(tmp_path), TASKS, engine, ignore))


def test_worker_that_fits_on_no_node_is_refused_at_once(cluster):
    word = f"ray:{cluster.address}"
    assert "has room for a worker of 1 CPUs and 0.25 GPUs" in refusal(word, None, gpus_per_worker=0.25)
    assert "has room for a worker of 64 CPUs (nodes: 2 CPUs and 0 GPUs" in refusal(word, 3, cpus_per_worker=64)


def test_address_where_nothing_answers_is_refused_soon():
    pytest.importorskip("ray", reason="needs Ray: pip install 'robustpose[ray]'")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    start = time.monotonic()
    assert refusal(f"ray:{address}", None).startswith(f"no Ray cluster answers at {address}: ")
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    ("word", "fields", "words"),
    [
        (
            "rya",
            {},
            "--engine takes processes, ray, ray:auto, ray:local or ray:HOST:PORT, got 'rya' (did you mean 'ray'?)",
        ),
        ("dask", {}, "got 'dask'; there are no others"),
        ("ray://head:10001", {}, "--engine ray://head:10001: Ray Client is not used; run the command on a node"),
        ("ray:", {}, "--engine takes processes, ray"),
        ("ray:head", {}, "--engine takes processes, ray, ray:auto, ray:local or ray:HOST:PORT, got 'ray:head'"),
        ("ray:ray://head:10001", {}, "Ray Client is not used"),
        ("ray", {"cpus_per_worker": 1.5}, "--cpus-per-worker must be a whole number, or a part of 1"),
        ("ray", {"gpus_per_worker": -1}, "--gpus-per-worker must be a whole number, or a part of 1"),
        ("ray", {"cpus_per_worker": 0}, "a worker needs a CPU or a GPU"),
        ("ray", {"ship": Path("nowhere")}, "--ship must be a folder of code, got nowhere"),
    ],
)
def test_engine_that_cannot_be_meant_is_one_line(word, fields, words):
    assert words in refusal(word, None, **fields)


def test_address_is_no_path_in_the_line_of_a_command():
    words = ["bench", "--model", "demo", "--data", "toy", "--out", "no", "--engine", "ray:h.x"]
    done = subprocess.run([sys.executable, "-m", "robustpose", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: --engine takes processes, ray, ray:auto, ray:local or ray:HOST:PORT, got 'ray:h.x'\n"


def test_number_of_workers_is_checked_as_for_processes():
    assert refusal("ray", 0) == refusal("processes", 0) == "--workers must be at least 1, got 0"


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_module_that_a_node_lacks_is_named_with_what_brings_it(is_wrapped):
    error = ModuleNotFoundError("No module named 'a_module_of_mine'", name="a_module_of_mine.nets")
    if is_wrapped:
        missing, error = error, UserError("model 'a_module_of_mine:net': there is no module")
        error.__cause__ = missing
    assert str(pickle.loads(pack_error(error))) == (
        f"node {socket.gethostname()} has no module a_module_of_mine: install it there, or bring your code along with "
        "--ship FOLDER"
    )


def test_missing_ray_names_what_to_install(monkeypatch):
    monkeypatch.setattr("robustpose.cluster.ray_cluster.find_spec", lambda name: None)
    assert refusal("ray", None) == "--engine ray needs Ray, which is not installed: pip install 'robustpose[ray]'"


def test_token_that_a_cluster_does_not_take_is_said_with_where_tokens_are(monkeypatch, tmp_path):
    pytest.importorskip("ray", reason="needs Ray: pip install 'robustpose[ray]'")
    from robustpose.cluster.ray_connecting import explain_token

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    line = explain_token("head:6379")
    assert "RAY_AUTH_MODE is disabled" in line
    assert f"to {tmp_path}/.ray/auth_token" in line
    assert "\n" not in line


def test_folder_that_goes_to_nodes_is_looked_through_here_and_no_longer_afterwards(tmp_path):
    options, before = WorkerOptions(engine_name="ray", ship=tmp_path), list(sys.path)
    with options:
        assert sys.path == [str(tmp_path), *before]
    assert sys.path == before


def test_task_is_named_by_its_images_and_cells():
    class Named(Squares):
        def kinds(self, task):
            return [Piece("fog", 4, note) for note in task[1]]

    work = Named(Path("nowhere"))
    assert name_task(work, (Chunk(1, range(4, 8)), ["fog/1"])) == "of images 5 to 8 in fog/1"
    assert name_task(work, (0, ["fog/1", "fog/2", "snow/3"])) == "of fog/1 to snow/3"
    assert name_task(Squares(Path("nowhere")), [3, 4]) == "[3, 4]"
