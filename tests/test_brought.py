"""Files that are brought to a node are checked, shared by its workers, and gone when no one has used them for days."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace

import pytest

from robustpose import carried
from robustpose.carried import NAMED, bundle_files
from robustpose.cluster import brought
from robustpose.errors import UserError

CONTENT = b"weights of a model"
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the node's folder, in a temporary folder of its own; what Ray would fetch is given itself."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(carried, "_places", {})
    monkeypatch.setattr(brought, "_in_use", [])
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get=lambda content: content))
    yield brought.find_folder()
    for file in brought._in_use:
        os.close(file)


def make_old(path, days=8):
    then = time.time() - days * 86400
    os.utime(path, (then, then))


def make_all_old(folder):
    for path in (folder / NAME, *(folder / NAMED).rglob("*")):
        make_old(path)


def end_worker():
    """Let go of what this process uses, as when a worker ends."""
    while brought._in_use:
        os.close(brought._in_use.pop())


def test_file_is_there_under_its_hash_and_brought_once(folder):
    brought.bring_files({NAME: CONTENT})
    assert (folder / NAME).read_bytes() == CONTENT
    brought.bring_files({NAME: b"is not looked at: it is there"})
    assert carried._places == {"files": folder}


def test_damaged_file_is_brought_again_and_one_that_changed_on_its_way_is_refused(folder):
    (folder / NAME).write_bytes(b"half a mod")
    with pytest.raises(UserError, match=r"^node \S+: a file has changed on its way \(SHA-256 \w{12}…\): try again$"):
        brought.bring_files({NAME: b"another"})
    brought.bring_files({NAME: CONTENT})
    assert (folder / NAME).read_bytes() == CONTENT


def test_what_nobody_has_used_for_days_goes_with_what_killed_workers_left(folder):
    for name in ("a" * 64, "." + "b" * 64 + ".robustpose.part", "c" * 64):
        (folder / name).write_bytes(b"")
    made = folder / NAMED / "tmp-of-a-killed-worker" / "made"
    made.mkdir(parents=True)
    for path in (*folder.glob("*"), made, made.parent):
        make_old(path)
    make_old(folder / ("c" * 64), days=6)
    brought.bring_files({NAME: CONTENT})
    assert sorted(path.name for path in folder.rglob("*")) == sorted([".lock", NAME, "c" * 64, NAMED])


def test_what_a_worker_uses_stays_however_old_it_is_and_its_own_names_with_it(folder, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "net.onnx").write_bytes(CONTENT)
    bundle, _ = bundle_files(tmp_path / "model", ["net.onnx"])
    brought.bring_files({NAME: CONTENT})
    laid = bundle.lay_out()
    make_all_old(folder)
    brought.bring_files({})
    assert (laid / "net.onnx").read_bytes() == (folder / NAME).read_bytes() == CONTENT
    end_worker()
    make_all_old(folder)
    brought.bring_files({})
    assert not (folder / NAME).exists()
    assert not laid.exists()


def test_use_of_a_file_is_no_change_of_it(folder):
    (folder / NAME).write_bytes(CONTENT)
    make_old(folder / NAME)
    before = (folder / NAME).stat().st_mtime_ns
    brought.bring_files({NAME: CONTENT})
    about = (folder / NAME).stat()
    assert about.st_mtime_ns == before
    assert time.time() - about.st_atime < 60


def test_workers_that_start_together_bring_a_file_once(folder, tmp_path):
    code = f"""
import sys, tempfile, time, types
tempfile.tempdir = {str(tmp_path)!r}
def get(content):
    with open({str(tmp_path / "gets")!r}, "a") as file: file.write("once ")
    time.sleep(0.2)
    return content
sys.modules["ray"] = types.SimpleNamespace(get=get)
from robustpose.cluster.brought import bring_files
bring_files({{{NAME!r}: {CONTENT!r}}})
"""
    workers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert (tmp_path / "gets").read_text() == "once "


def test_folder_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"robustpose-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"^node \S+: .*robustpose-\d+ is not a folder of this user: remove it, or set"):
        brought.bring_files({NAME: CONTENT})
