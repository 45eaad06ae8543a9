import errno
import io
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from robustpose import UserError
from robustpose.files import (
    list_differences,
    lock_folder,
    name_in_text,
    open_whole,
    remove_parts,
    write_text,
    writing_to,
)


def test_file_is_there_when_the_block_ends_and_not_before(tmp_path):
    path = tmp_path / "new/folder/a.txt"
    with open_whole(path) as file:
        file.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError, OSError(errno.ENOSPC, "No space left on device")])
def test_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises((KeyboardInterrupt, ValueError, UserError)):
        write_some_and_fail(path, failure)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def write_some_and_fail(path, failure):
    with open_whole(path) as file:
        file.write(b"new")
        raise failure


def test_refusal_of_the_file_system_is_one_line_that_names_the_file(tmp_path, full_disk):
    full_disk(0)
    words = r"cannot write .*a\.txt \(No space left on device\): finished work is kept"
    with pytest.raises(UserError, match=words) as error:
        write_text(tmp_path / "a.txt", "new")
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match=r"cannot write .*null/a\.txt \(/dev/null is no folder\)"):
        write_text(type(tmp_path)("/dev/null/a.txt"), "new")


def test_images_are_written_through_pythons_file(tmp_path):
    # With the file's number, Pillow writes past it, and does not see that a full disk took only a part.
    with open_whole(tmp_path / "a.bin") as file:
        with pytest.raises(io.UnsupportedOperation):
            file.fileno()
        PIL.Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(file, "PNG")
    with PIL.Image.open(tmp_path / "a.bin") as image:
        assert image.size == (40, 40)


def test_unfinished_files_are_removed_from_all_folders_and_no_others(tmp_path):
    ours = [".a.npz.robustpose.part", "deep/er/.last.ckpt.7.part"]
    others = ["a.npz", ".a.part", "a.npz.12.part", ".a.npz.12.parts", ".lock", ".robustpose.part"]
    for name in (*ours, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    remove_parts(tmp_path)
    assert not any((tmp_path / name).exists() for name in ours)
    assert all((tmp_path / name).exists() for name in others)


def test_what_a_killed_process_left_of_a_file_goes_when_it_is_written_again(tmp_path):
    (tmp_path / ".a.txt.robustpose.part").write_text("much more than the new file holds")
    write_text(tmp_path / "a.txt", "new")
    assert names_in(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "new"


def names_in(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_file_that_another_process_is_writing_is_waited_for_and_not_removed(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    with open_whole(path) as file:
        file.write(b"first")
        remove_parts(tmp_path)
        monkeypatch.setattr("robustpose.files.PATIENCE", 0.1)
        with pytest.raises(UserError, match=r"another process is writing .*a\.txt: wait for it"):
            write_text(path, "second")
        monkeypatch.setattr("robustpose.files.PATIENCE", 10.0)
        second = threading.Thread(target=write_text, args=(path, "second"))
        second.start()
        time.sleep(0.05)
        assert not path.exists()
    second.join()
    assert path.read_text() == "second"
    assert names_in(tmp_path) == ["a.txt"]


def test_killed_process_holds_no_file_even_while_a_process_that_it_forked_lives(tmp_path):
    code = (
        "import os, pathlib, sys, time\nfrom robustpose.files import lock_folder, open_whole\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "with lock_folder(folder), open_whole(folder / 'a.txt') as file:\n"
        "    come, go = os.pipe()\n"
        "    if os.fork() == 0:\n        os.write(go, b'.')\n        time.sleep(30)\n        os._exit(0)\n"
        "    os.read(come, 1)\n    print('ready', flush=True)\n    time.sleep(30)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(UserError, match="another process is writing"), lock_folder(tmp_path):
            pass
        process.kill()
        process.wait()
        with lock_folder(tmp_path):
            write_text(tmp_path / "a.txt", "new")
            assert names_in(tmp_path) == [".lock", "a.txt"]
    finally:
        process.stdout.close()
        os.killpg(process.pid, signal.SIGKILL)


def test_neither_devices_nor_what_a_planted_link_leads_to_are_written(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".a.txt.robustpose.part").symlink_to(victim)
    write_text(tmp_path / "a.txt", "new")
    assert (victim.read_text(), (tmp_path / "a.txt").read_text()) == ("precious", "new")
    (tmp_path / "null").symlink_to("/dev/null")
    for path, what in {tmp_path / "null": "no file", tmp_path: "a folder"}.items():
        with pytest.raises(UserError, match=rf"cannot write {path} \(it is {what}\): "):
            write_text(path, "new")
    assert (tmp_path / "null").is_symlink()


@pytest.mark.parametrize(("length", "is_fine"), [(200, True), (255, True), (256, False)])
def test_name_of_any_length_that_the_file_system_takes(tmp_path, length, is_fine):
    path = tmp_path / ("ö" * (length // 2) + "o" * (length % 2))
    if is_fine:
        write_text(path, "new")
        assert names_in(tmp_path) == [path.name]
    else:
        with pytest.raises(UserError, match=r"\(File name too long\): .*choose a shorter name"):
            write_text(path, "new")


def test_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for out in ("file", "file/run", "file/a/run", "link", "link/run"):
        words = "file is no folder" if "file" in out else "link is a link to nothing"
        with pytest.raises(UserError, match=rf"cannot write .*{out} \(.*{words}\)"), lock_folder(tmp_path / out):
            pass
    assert names_in(tmp_path) == ["file", "link"]


def test_refused_folder_is_left_without_a_lock_and_a_new_one_is_gone(tmp_path):
    (tmp_path / "theirs").mkdir()
    for out in ("theirs", "new/er"):
        with pytest.raises(ValueError, match="refused"), lock_folder(tmp_path / out):
            raise ValueError("refused")
    assert names_in(tmp_path) == ["theirs"]
    assert names_in(tmp_path / "theirs") == []


def test_write_that_fails_at_any_byte_is_one_line_and_leaves_what_was_there(tmp_path):
    import torch  # it makes an error of its own of a write that fails

    path, content = tmp_path / "a.pth", {"a": torch.zeros(10_000), "b": torch.ones(3000)}
    whole = io.BytesIO()
    torch.save(content, whole)
    size = len(whole.getvalue())
    write_text(path, "old")
    for limit in (0, 1, 100, 5000, 40_500, size - 1):
        with file_size_limit(limit), pytest.raises(UserError) as error, open_whole(path) as file:
            torch.save(content, file)
        assert str(error.value) == (
            f"cannot write {path} (File too large): finished work is kept; choose another place"
        )
        assert (names_in(tmp_path), path.read_text()) == (["a.pth"], "old")
    with file_size_limit(size), open_whole(path) as file:
        torch.save(content, file)
    assert torch.equal(torch.load(path)["b"], content["b"])


@contextmanager
def file_size_limit(n_bytes):
    """Let the system take no file above so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "make room there"),
        (errno.EDQUOT, "your share of that disk is used up"),
        (errno.EMFILE, r"allow more open files \(ulimit -n\)"),
        (errno.EIO, "check that disk"),
        (errno.EROFS, "choose another place"),
    ],
)
def test_refusal_says_what_to_do(tmp_path, code, advice):
    words = rf"cannot write {tmp_path}/a \({os.strerror(code)}\): finished work is kept; {advice}"
    with pytest.raises(UserError, match=words), writing_to(tmp_path / "a"):
        raise OSError(code, os.strerror(code))


def test_differences_are_of_what_would_be_read_back():
    old = {"cells": ["fog/1"], "data": {"name": "coco", "gone": 1}, "long": "x" * 30}
    new = {"cells": ("fog/1",), "data": {"name": "mpii", "more": True}, "long": "y" * 30}
    assert list_differences(old, old) == []
    assert list_differences(old, new) == [
        "data.name: 'coco' there, 'mpii' now",
        "data.gone: 1 there, None now",
        "data.more: None there, True now",
        f"long: '{'x' * 20}…' there, '{'y' * 20}…' now",
    ]


def test_name_that_is_no_text_can_be_written_down():
    assert name_in_text(Path(os.fsdecode(b"runs/a\xe9.json"))) == "a\\udce9.json"
    assert name_in_text(Path("runs/é.json")) == "é.json"
