import json
import shutil
from contextlib import nullcontext
from itertools import count
from pathlib import Path

import pytest

from robustpose.campaign import notes
from robustpose.campaign import run as running
from robustpose.campaign.file import Campaign
from robustpose.campaign.jobs import check_gpus
from robustpose.campaign.named_files import find_files
from robustpose.campaign.notes import begin_note, lock_path, note_path, read_note, write_note
from robustpose.campaign.order import Costs
from robustpose.campaign.run import Wishes, fill_table
from robustpose.campaign.runs import Trained
from robustpose.campaign.table import check_changes, open_table
from robustpose.errors import UserError
from robustpose.locks import open_and_lock, release


class FakeJob:
    """A command that takes no time, and writes what it should."""

    started: list = []  # noqa: RUF012  # the words of all of them
    fails: dict = {}  # noqa: RUF012  # by a part of the folder: the line it fails with
    made_by = "this machine"
    lasts = 0  # looks until it has ended
    most = 0

    def __init__(self, words, log, gpu, lock):
        self.words, self.gpu, self.seconds = words, gpu, 5.0
        FakeJob.started.append(words)
        self.out = Path(words[words.index("--out") + 1])
        self.looks = 0
        self.is_stopped = False

    def ended(self):
        self.looks += 1
        return self.looks > FakeJob.lasts

    @property
    def problem(self):
        for part, line in FakeJob.fails.items():
            if part in str(self.out):
                return line
        self.out.mkdir(parents=True, exist_ok=True)
        is_training = self.words[0] == "train"
        # As trainings of the same words and weights do, it makes the same weights; of others, others.
        taken = (Path(word.rpartition(":")[2]) for word in self.words if word.endswith(".safetensors"))
        text = " ".join([FakeJob.made_by, *map(str, self.words), *(path.read_text() for path in taken)])
        text = text.replace(" --fresh", "")
        if is_training:
            (self.out / "settings.yaml").write_text(text)
            (self.out / "model.safetensors").write_text(text)
        else:
            (self.out / "run.json").write_text(text)
            (self.out / "summary.json").write_text("{}")
        return None

    def stop(self):
        self.is_stopped = True

    def wait(self):
        assert self.is_stopped


@pytest.fixture(autouse=True)
def jobs(monkeypatch):
    """Commands that take no time."""
    monkeypatch.setattr(running, "Job", FakeJob)
    monkeypatch.setattr(notes, "read_summary", lambda folder: {"cells": {}})
    monkeypatch.setattr(notes.RunFolder, "matches_path", lambda self, cell: self.path / "summary.json")
    monkeypatch.setattr(notes, "is_zipfile", Path.is_file)
    monkeypatch.setattr("robustpose.campaign.table.read_summary", lambda folder: {})
    monkeypatch.setattr("robustpose.campaign.table._spell_scores", lambda summary: "mPC 30.0")
    monkeypatch.setattr(running, "LOOK", 0.0)
    monkeypatch.setattr(running, "ELSEWHERE", 0.0)
    monkeypatch.setattr(FakeJob, "started", [])
    monkeypatch.setattr(FakeJob, "fails", {})
    monkeypatch.setattr(FakeJob, "lasts", 0)
    return FakeJob


def table_of(out, **changes):
    values = {"trainings": {"a": {"epochs": 1}, "b": {"from": "a"}}, "seeds": (0, 1), **changes}
    return open_table(Campaign.model_validate(values), out, {name: Trained("small") for name in "ab"})


def fill(table, **wishes):
    fill_table(table, Costs(), "text", Wishes(**wishes))
    return table


def folders(jobs):
    return [str(words[words.index("--out") + 1]).partition("/runs/")[2] for words in jobs.started]


def test_everything_is_done_once_and_in_order(tmp_path, jobs):
    fill(table_of(tmp_path / "c"))
    assert folders(jobs) == [
        f"{name}/seed-{seed}/{what}" for seed in (0, 1) for name in "ab" for what in ("training", "coco-c")
    ]
    jobs.started.clear()
    assert not fill(table_of(tmp_path / "c")).left
    assert jobs.started == []


def test_as_many_runs_are_done_at_once_as_are_asked_for(tmp_path, jobs, monkeypatch):
    monkeypatch.setattr(jobs, "lasts", 3)
    most = []
    show = lambda label, at: most.append(len([name for name in at.note.split("  ") if name]))  # noqa: E731
    fill(table_of(tmp_path / "c", trainings={"a": {}, "b": {"epochs": 2}}), n_jobs=2, show=show)
    assert max(most) == 2


def test_each_job_has_a_gpu_for_itself(tmp_path, jobs, monkeypatch):
    gpus = []
    monkeypatch.setattr(running, "Job", lambda *given: gpus.append(given[2]) or FakeJob(*given))
    fill(table_of(tmp_path / "c", trainings={"a": {}, "b": {"epochs": 2}}), n_jobs=2, gpus=("4", "7"))
    assert set(gpus) == {"4", "7"}


@pytest.mark.parametrize(("gpus", "visible", "fits"), [("0,1", None, True), ("1,3", "1,3", True), ("0", "1,3", False)])
def test_gpus_are_those_that_the_campaign_sees(monkeypatch, gpus, visible, fits):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible or "")
    with nullcontext() if fits else pytest.raises(UserError, match="there is no GPU 0 here, but 1 and 3"):
        assert check_gpus(gpus.split(","), None, lambda: 2) == 2


def test_a_run_that_fails_keeps_back_only_those_that_need_it_and_is_tried_again(tmp_path, jobs):
    jobs.fails["a/seed-0/training"] = "it diverged"
    told = []
    table = fill(table_of(tmp_path / "c"), tell=told.append)
    states = {(one.training, one.seed, one.bench): one.state for one in table.list_states()}
    assert states["a", 0, None] == "failed"
    assert states["b", 0, None] == states["b", 0, "coco-c"] == states["a", 0, "coco-c"] == "waiting"
    assert states["b", 1, "coco-c"] == "done"
    assert told == ["failed: a, seed 0: it diverged"]
    jobs.fails.clear()
    again = table_of(tmp_path / "c")
    assert [one.note for one in again.list_states() if one.state == "failed"] == ["it diverged"]
    assert not fill(again).left


def test_a_bench_that_cannot_be_compared_has_failed_and_is_not_started_over_and_over(tmp_path, jobs, monkeypatch):
    monkeypatch.setattr(notes.RunFolder, "matches_path", lambda self, cell: self.path / "matches.npz")
    table = fill(table_of(tmp_path / "c", seeds=(0,)))
    assert folders(jobs) == [f"{name}/seed-0/{what}" for name in "ab" for what in ("training", "coco-c")]
    assert set(table.failed.values()) == {"it keeps no matches, by which runs are compared: its metric gives none"}


def test_a_failure_of_an_earlier_start_counts_for_nothing_once_its_weights_are_new(tmp_path, jobs):
    jobs.fails["a/seed-0/coco-c"] = "the disk is full"
    assert len(fill(table_of(tmp_path / "c", seeds=(0,))).failed) == 1
    jobs.fails.clear()
    shutil.rmtree(tmp_path / "c/runs/a/seed-0/training")
    jobs.started.clear()
    table = fill(table_of(tmp_path / "c", seeds=(0,)))
    assert not table.left
    assert not table.failed
    assert folders(jobs) == ["a/seed-0/training", "a/seed-0/coco-c"]


@pytest.mark.parametrize(
    ("problem", "is_fresh"), [("the disk is full", False), ("other settings: give the same, or --fresh", True)]
)
def test_fresh_makes_again_what_failed_only_where_that_asks_for_it(tmp_path, jobs, problem, is_fresh):
    jobs.fails["b/seed-0/training"] = problem
    fill(table_of(tmp_path / "c", seeds=(0,)))
    jobs.fails.clear()
    jobs.started.clear()
    assert not fill(table_of(tmp_path / "c", seeds=(0,)), fresh=True).left
    assert ("--fresh" in jobs.started[0]) == is_fresh


def test_what_another_process_does_is_shown_as_running(tmp_path, jobs):
    table = table_of(tmp_path / "c", seeds=(0,))
    run = table.runs[0]
    write_note(run, table.out, begin_note(run, table.out, False))
    lock = open_and_lock(lock_path(run, table.out))
    assert table_of(tmp_path / "c", seeds=(0,)).list_states()[0].state == "running"
    release(lock)
    assert table_of(tmp_path / "c", seeds=(0,)).list_states()[0].state == "waiting"
    assert open_and_lock(lock_path(run, table.out)) is not None  # looking at it holds nothing


def test_folders_that_are_called_as_commands_and_names_are_no_files_of_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("bench", "toy", "coco-c", "photos"):
        (tmp_path / name).mkdir()
    words = ["bench", "--data", "toy", "--suite", "coco-c", "--images", "photos", "--no-report"]
    assert list(find_files(words)) == ["photos"]


def test_a_command_that_makes_nothing_has_failed(tmp_path, jobs, monkeypatch):
    monkeypatch.setattr(jobs, "problem", None)
    table = fill(table_of(tmp_path / "c"))
    assert "is not there" in next(iter(table.failed.values()))


def test_runs_of_other_options_are_refused_and_made_again_with_fresh(tmp_path, jobs):
    fill(table_of(tmp_path / "c"))
    jobs.started.clear()
    table = table_of(tmp_path / "c", trainings={"a": {"set": {"epochs": 2}}, "b": {"from": "a"}})
    with pytest.raises(UserError, match=r"a, seed 0: .*now .*epochs=2.*--fresh"):
        check_changes(table, fresh=False)
    check_changes(table, fresh=True)
    fill(table, fresh=True)
    assert not table.left
    # What took the weights of a run that is made again is made again.
    assert [words[0] for words in jobs.started] == ["train", "bench", "train", "bench"] * 2
    assert all("--fresh" in words for words in jobs.started)


def test_without_fresh_what_took_weights_that_have_changed_is_not_done(tmp_path, jobs, monkeypatch):
    fill(table_of(tmp_path / "c"))
    shutil.rmtree(tmp_path / "c/runs/a/seed-0/training")
    monkeypatch.setattr(jobs, "made_by", "another machine")
    table = table_of(tmp_path / "c")
    assert {run.name for run in table.left} == {"a, seed 0", "a, seed 0, coco-c", "b, seed 0", "b, seed 0, coco-c"}
    fill(table)
    assert "has changed: make it again with --fresh" in table.failed[table.runs[1]]
    assert len(table.done) == 4 + 1


def test_weights_made_again_to_the_bit_leave_the_rest_as_it_is(tmp_path, jobs):
    fill(table_of(tmp_path / "c"))
    shutil.rmtree(tmp_path / "c/runs/a/seed-0/training")
    jobs.started.clear()
    assert not fill(table_of(tmp_path / "c")).left
    assert [words[0] for words in jobs.started] == ["train"]


def test_weights_removed_when_all_that_took_them_is_done_are_made_again_when_needed(tmp_path, jobs):
    trainings = {"a": {}}
    fill(table_of(tmp_path / "c", trainings=trainings))
    for weights in (tmp_path / "c").rglob("model.safetensors"):
        weights.unlink()
    jobs.started.clear()
    table = table_of(tmp_path / "c", trainings=trainings)
    assert not table.left
    assert {run.name for run in table.removed} == {"a, seed 0", "a, seed 1"}
    table = fill(table_of(tmp_path / "c", trainings=trainings, suites=("coco-c", "c-bar")))
    assert folders(jobs) == [f"a/seed-{seed}/{what}" for seed in (0, 1) for what in ("training", "c-bar")]
    assert not table.removed


def test_images_in_folders_of_a_folder_are_watched_and_links_in_a_circle_do_no_harm(tmp_path):
    (tmp_path / "set/fog/1").mkdir(parents=True)
    (tmp_path / "set/fog/again").symlink_to(tmp_path / "set")
    (tmp_path / "set/fog/1/a.png").write_bytes(b"one")
    words = ["bench", "--corrupted-root", str(tmp_path / "set")]
    before = find_files(words)
    (tmp_path / "set/fog/1/b.png").write_bytes(b"")
    assert find_files(words) != before
    assert list(before) == [str(tmp_path / "set")]
    assert find_files(["bench", "--model", "results:~nobody-of-this-name/x"]) == {}


def test_weights_from_another_training_make_a_run_another_one(tmp_path, jobs):
    fill(table_of(tmp_path / "c", trainings={"a": {}, "b": {"from": "a", "strategy": "x"}}))
    table = table_of(tmp_path / "c", trainings={"a": {}, "b": {"strategy": "x"}})
    with pytest.raises(UserError, match=r"b, seed 0: from runs/a/seed-0/training, now from nothing"):
        check_changes(table, fresh=False)


def test_a_fresh_start_that_was_cut_off_begins_fresh_until_the_old_run_is_gone(tmp_path, jobs):
    fill(table_of(tmp_path / "c", seeds=(0,)))
    changed = {"seeds": (0,), "trainings": {"a": {"set": {"epochs": 2}}, "b": {"from": "a"}}}
    table = table_of(tmp_path / "c", **changed)
    write_note(table.runs[0], table.out, begin_note(table.runs[0], table.out, is_fresh=True))  # and it was killed
    jobs.started.clear()
    assert not fill(table_of(tmp_path / "c", **changed), fresh=True).left
    assert "--fresh" in jobs.started[0]
    write_note(table.runs[0], table.out, begin_note(table.runs[0], table.out, is_fresh=False))
    jobs.started.clear()
    fill(table_of(tmp_path / "c", **changed), fresh=True)
    assert "--fresh" not in jobs.started[0]


def test_what_was_done_by_hand_is_looked_at_and_takes_no_time(tmp_path, jobs):
    table = table_of(tmp_path / "c")
    for run in table.runs:
        assert FakeJob(run.command(table.out, table.networks), None, None, None).problem is None
    assert not fill(table_of(tmp_path / "c")).left
    assert {read_note(run, table.out).seconds for run in table.runs} == {0.0}


def test_benches_that_were_swapped_are_refused(tmp_path, jobs):
    out = tmp_path / "c"
    fill(table_of(out))
    (out / "runs/a/seed-0/coco-c").rename(out / "swap")
    (out / "runs/b/seed-0/coco-c").rename(out / "runs/a/seed-0/coco-c")
    (out / "swap").rename(out / "runs/b/seed-0/coco-c")
    with pytest.raises(UserError, match=r"run.json is not what the campaign made of a, seed 0, coco-c"):
        table_of(out)


def test_a_bench_that_lacks_what_is_compared_is_done_again(tmp_path, jobs):
    fill(table_of(tmp_path / "c"))
    (tmp_path / "c/runs/a/seed-0/coco-c/summary.json").unlink()
    table = table_of(tmp_path / "c")
    assert [run.name for run in table.left] == ["a, seed 0, coco-c"]
    assert not fill(table).left


def test_a_file_that_changes_makes_runs_other_ones(tmp_path, jobs):
    data = tmp_path / "people.json"
    data.write_text("1")
    fill(table_of(tmp_path / "c", bench={"annotations": str(data)}))
    data.write_text("2")
    table = table_of(tmp_path / "c", bench={"annotations": str(data)})
    with pytest.raises(UserError, match=r"people.json has changed"):
        check_changes(table, fresh=False)
    assert all(not run.is_training for run in table.other)


def test_weights_that_somebody_changed_are_refused(tmp_path, jobs):
    fill(table_of(tmp_path / "c"))
    (tmp_path / "c/runs/a/seed-0/training/model.safetensors").write_text("others")
    with pytest.raises(UserError, match="is not what the campaign made of a, seed 0"):
        table_of(tmp_path / "c")


def test_more_seeds_trainings_and_suites_add_to_the_table(tmp_path, jobs):
    fill(table_of(tmp_path / "c"))
    jobs.started.clear()
    fill(table_of(tmp_path / "c", seeds=(0, 1, 2), suites=("coco-c", "c-bar")))
    assert len(jobs.started) == 2 * 2 + 2 * 3
    assert not any("seed-0/coco-c" in folder for folder in folders(jobs))


def test_a_run_that_another_process_does_is_left_to_it(tmp_path, jobs, monkeypatch):
    table = table_of(tmp_path / "c", seeds=(0,))
    first = table.runs[0]
    path = lock_path(first, table.out)
    path.parent.mkdir(parents=True)
    lock, looks = open_and_lock(path), count()

    def let_go(runs, look=table.look, **how):
        if next(looks) == 2:  # the other process has ended, and left the run to whoever comes
            release(lock)
        look(runs, **how)

    monkeypatch.setattr(table, "look", let_go)
    fill(table)
    assert not table.left
    assert folders(jobs).count("a/seed-0/training") == 1


def test_stopped_it_stops_its_jobs_and_goes_on_later(tmp_path, jobs, monkeypatch):
    monkeypatch.setattr(jobs, "lasts", 10**6)

    def interrupt(label, progress):
        raise KeyboardInterrupt

    table = table_of(tmp_path / "c")
    with pytest.raises(KeyboardInterrupt):
        fill(table, show=interrupt)
    note = read_note(table.runs[0], table.out)
    assert (note.state, note.seconds) == ("begun", 5.0)
    monkeypatch.setattr(jobs, "lasts", 0)
    assert not fill(table_of(tmp_path / "c")).left
    assert read_note(table.runs[0], table.out).seconds == 10.0


def test_a_damaged_note_is_one_line(tmp_path, jobs):
    table = fill(table_of(tmp_path / "c"))
    note_path(table.runs[0], table.out).write_text(json.dumps({"words": 1}))
    with pytest.raises(UserError, match=r"note .*training.json"):
        table_of(tmp_path / "c")


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match=r"holds no campaign: choose another --out"):
        table_of(tmp_path)
    with pytest.raises(UserError, match="is no folder"):
        table_of(tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_that_settings_name_is_watched(tmp_path):
    file = tmp_path / "people.json"
    file.write_text("one")
    values = {"trainings": {"a": {}}, "seeds": (0,)}
    trained = {"a": Trained("small", (str(file), str(tmp_path / "not there")))}
    fill(open_table(Campaign.model_validate(values), tmp_path / "c", trained))
    file.write_text("two")
    table = open_table(Campaign.model_validate(values), tmp_path / "c", trained)
    with pytest.raises(UserError, match=r"people.json has changed"):
        check_changes(table, fresh=False)


def test_what_another_process_does_is_shown(tmp_path):
    table = table_of(tmp_path / "c", trainings={"a": {}}, seeds=(0,))
    path = lock_path(table.runs[0], table.out)
    path.parent.mkdir(parents=True)
    lock = open_and_lock(path)
    shown = []

    def show(label, at):
        shown.append(at.note)
        if "another process" in at.note and lock not in released:
            released.append(lock)
            release(lock)

    released = []
    write_note(table.runs[0], table.out, begin_note(table.runs[0], table.out, False).change(state="failed"))
    fill(table, show=show)
    assert "a, seed 0 (another process)" in shown
