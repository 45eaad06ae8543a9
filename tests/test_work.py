import multiprocessing
import os
import time

import pytest

from robustpose import UserError
from robustpose.work import as_engine, do_tasks, split_tasks
from tests.toy_work import BAD, DIES, DIES_SPEAKING, Squares

TASKS = [range(start, start + 3) for start in range(0, 30, 3)]


def ignore(progress):
    pass


def written(out):
    return {path.name: path.read_text() for path in out.glob("*.txt")}


def take_all(found, results):
    """Append results to `found`, which has them even if another one fails."""
    for result in results:
        found.append(result)


def openings(out):
    return [path.read_text() for path in out.glob("opened-*")]


def test_here_and_in_processes_come_the_same_results_and_files(tmp_path):
    found = {}
    for n_workers in (1, 2):
        out = tmp_path / str(n_workers)
        out.mkdir()
        found[n_workers] = sorted(do_tasks(Squares(out), TASKS, n_workers, ignore)), written(out)
    assert found[1] == found[2]
    assert found[1][0] == [(number, number**2) for number in range(30)]


def test_few_tasks_are_split_for_many_workers_and_small_ones_stay(tmp_path):
    work, tasks = Squares(tmp_path), [list(range(1000)), [1], list(range(2000, 2500))]
    parts = split_tasks(work, tasks, 4)
    assert [number for part in parts for number in part] == [number for task in tasks for number in task]
    assert [len(part) for part in parts] == [90, 91, 91, 91, 91, 91, 91, 91, 91, 91, 91, 1, 100, 100, 100, 100, 100]
    assert split_tasks(work, TASKS, 4) == TASKS  # too small
    assert split_tasks(work, tasks, 1) == tasks


def test_here_tasks_are_done_in_their_order(tmp_path):
    assert [number for number, _ in do_tasks(Squares(tmp_path), TASKS, 1, ignore)] == list(range(30))


@pytest.mark.parametrize("n_workers", [1, 2])
def test_work_is_opened_once_a_process(tmp_path, n_workers):
    list(do_tasks(Squares(tmp_path), TASKS, n_workers, ignore))
    assert 1 <= len(openings(tmp_path)) <= n_workers
    assert set(openings(tmp_path)) == {"once\n"}


def test_what_is_open_already_is_not_opened_again_in_this_process(tmp_path):
    assert dict(do_tasks(Squares(tmp_path), [[2, 3]], 1, ignore, opened=3)) == {2: 8, 3: 27}
    assert openings(tmp_path) == []


def test_no_more_processes_than_tasks(tmp_path):
    list(do_tasks(Squares(tmp_path), [[1, 2, 3]], 7, ignore))
    assert [path.name for path in tmp_path.glob("opened-*")] == [f"opened-{os.getpid()}"]


def test_without_tasks_nothing_is_opened(tmp_path):
    seen = []
    assert list(do_tasks(Squares(tmp_path), [], 2, seen.append, n_done=4)) == []
    assert openings(tmp_path) == []
    assert [(progress.done, progress.total) for progress in seen] == [(4, 4)]


@pytest.mark.parametrize("n_workers", [1, 2])
def test_progress_goes_from_what_was_there_to_all(tmp_path, n_workers):
    seen = []
    list(do_tasks(Squares(tmp_path), TASKS, n_workers, seen.append, n_done=4))
    assert [(progress.done, progress.total) for progress in seen] == [(done, 34) for done in range(4, 35)]
    assert seen[0].seconds_left is None
    assert all(progress.seconds_left > 0 for progress in seen[1:-1])
    assert seen[-1].seconds_left == 0


def test_result_is_taken_before_its_progress_is_told(tmp_path):
    taken = []

    def look(progress):
        assert progress.done == len(taken)

    for result in do_tasks(Squares(tmp_path), TASKS, 1, look):
        taken.append(result)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_mistake_in_the_data_ends_the_work_and_what_was_finished_stays(tmp_path, n_workers):
    found = []
    with pytest.raises(UserError, match="-1 is no number"):
        take_all(found, do_tasks(Squares(tmp_path), [range(20), [20, BAD], [21]], n_workers, ignore))
    assert (20, 400) in found
    assert {f"{number}.txt" for number, _ in found} <= set(written(tmp_path))


@pytest.mark.parametrize("n_workers", [1, 2])
def test_mistake_in_opening_is_raised(tmp_path, n_workers):
    with pytest.raises(UserError, match="there are no numbers"):
        list(do_tasks(Squares(tmp_path, cannot_open=True), TASKS, n_workers, ignore))


@pytest.mark.parametrize("how", [DIES, DIES_SPEAKING])
def test_killed_worker_is_one_line_after_what_came_before(tmp_path, how):
    found = []
    with pytest.raises(UserError, match=r"a worker process died.*finished work is kept") as error:
        take_all(found, do_tasks(Squares(tmp_path), [[*range(10), how], [how]], 2, ignore))
    assert "\n" not in str(error.value)
    assert {f"{number}.txt" for number, _ in found} <= set(written(tmp_path))
    assert multiprocessing.active_children() == []


def test_workers_end_when_the_caller_stops(tmp_path):
    results = do_tasks(Squares(tmp_path), [range(start, start + 50) for start in range(0, 5000, 50)], 2, ignore)
    next(results)
    results.close()
    assert multiprocessing.active_children() == []
    left = len(written(tmp_path))
    time.sleep(0.2)
    assert len(written(tmp_path)) == left < 5000


def test_nobody_to_work_is_one_line():
    with pytest.raises(UserError, match="--workers must be at least 1, got 0"):
        as_engine(0)
