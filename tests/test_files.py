import errno
import io

import numpy as np
import PIL.Image
import pytest

from robustpose import UserError
from robustpose.files import list_differences, open_whole, remove_parts, write_text


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
    with pytest.raises(UserError, match=r"cannot write .*null/a\.txt \(File exists\)"):
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
    ours = [".a.npz.12.part", "deep/er/.last.ckpt.7.part"]
    others = ["a.npz", ".a.part", "a.npz.12.part", ".a.npz.12.parts", ".lock"]
    for name in (*ours, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    remove_parts(tmp_path)
    assert not any((tmp_path / name).exists() for name in ours)
    assert all((tmp_path / name).exists() for name in others)


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
