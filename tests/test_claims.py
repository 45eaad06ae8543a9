import json

import pytest

from robustpose import UserError
from robustpose.claims import check_claim, claim_folder
from robustpose.files import lock_folder

IDENTITY = {"seed": 5, "cells": ("fog/1", "fog/2"), "data": {"name": "coco"}}


def test_folder_is_noted_and_the_same_work_goes_on_in_it(tmp_path):
    out = tmp_path / "a/run"
    with claim_folder(out, "results", "run.json", IDENTITY):
        (out / "results.txt").write_text("first")
    before = (out / "run.json").stat().st_mtime_ns
    with claim_folder(out, "results", "run.json", IDENTITY):
        assert (out / "results.txt").read_text() == "first"
    assert (out / "run.json").stat().st_mtime_ns == before
    assert json.loads((out / "run.json").read_text()) == {**IDENTITY, "cells": ["fog/1", "fog/2"]}


def test_folder_of_another_setup_is_refused_with_what_differs(tmp_path):
    with claim_folder(tmp_path, "results", "run.json", IDENTITY):
        pass
    other = {**IDENTITY, "seed": 6, "data": {"name": "mpii"}}
    words = r"holds results of another setup \(seed: 5 there, 6 now; data\.name: 'coco' there, 'mpii' now\)"
    with pytest.raises(UserError, match=words), claim_folder(tmp_path, "results", "run.json", other):
        pass


@pytest.mark.parametrize("note", ["", "{", "[1]"])
def test_folder_with_a_damaged_note_is_refused(tmp_path, note):
    (tmp_path / "run.json").write_text(note)
    with pytest.raises(UserError, match=r"damaged|another setup") as error, claim(tmp_path):
        pass
    assert "\n" not in str(error.value)


def claim(folder):
    return claim_folder(folder, "results", "run.json", IDENTITY)


def test_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    names = ["thesis.tex", ".thesis.tex.77.part"]
    for name in names:
        (tmp_path / name).write_text("precious")
    with pytest.raises(UserError, match=r"not empty \(thesis\.tex, …\) and holds no results"), claim(tmp_path):
        pass
    assert all((tmp_path / name).is_file() for name in names)


def test_folder_that_could_not_be_noted_is_free_for_anyone(tmp_path, full_disk):
    out = tmp_path / "run"
    full_disk(0)
    with pytest.raises(UserError, match=r"cannot write .*run\.json \(No space left on device\)"), claim(out):
        pass
    assert not out.exists()
    full_disk(1)
    with claim_folder(out, "stylised copies", "styles.json", {"seed": 1}):
        assert (out / "styles.json").is_file()


def test_what_killed_processes_left_half_written_keeps_nobody_out_and_is_removed(tmp_path):
    (tmp_path / "units/fog-1").mkdir(parents=True)
    parts = [tmp_path / ".run.json.123.part", tmp_path / "units/fog-1/.00000.npz.4.part"]
    parts[0].write_text("{")
    (tmp_path / "units/fog-1").rmdir()
    (tmp_path / "units").rmdir()
    with claim(tmp_path):
        assert not parts[0].exists()
        parts[1].parent.mkdir(parents=True)
        parts[1].write_text("half")
        (tmp_path / "units/.mine.part").write_text("not ours")
    with claim(tmp_path):
        assert not parts[1].exists()
        assert (tmp_path / "units/.mine.part").exists()


def test_claimed_folder_is_held(tmp_path):
    with claim(tmp_path), pytest.raises(UserError, match="another process is writing"), claim(tmp_path):
        pass
    with lock_folder(tmp_path), pytest.raises(UserError, match="another process is writing"), claim(tmp_path):
        pass


def test_what_stands_beside_the_identity_is_not_compared(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"complete": True, **IDENTITY, "files": {"count": 3}}))
    assert check_claim(tmp_path, "set", "manifest.json", IDENTITY, beside=("complete", "files"))
    with pytest.raises(UserError, match="complete: True there, None now"):
        check_claim(tmp_path, "set", "manifest.json", IDENTITY)
