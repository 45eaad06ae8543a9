"""--fresh: a command removes what it made in its folder, and nothing else."""

import json

import pytest

from robustpose import UserError
from robustpose.claims import claim_folder
from robustpose.data.images import write_image
from robustpose.fresh import StartOver
from tests.runs import files_of
from tests.scenes import draw_scene


def ignore(text):
    pass


def remove(folder, made, inputs=(), tell=ignore):
    StartOver(tell, inputs).remove(folder, [folder / name for name in made], "results")


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_files_that_were_made_go_with_the_folders_that_they_leave_empty(tmp_path):
    write(tmp_path, "a/b/one", "a/two", "c/three", "c/mine", "mine")
    told = []
    remove(tmp_path, ["a/b/one", "a/two", "c/three", "not there"], tell=told.append)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["c", "c/mine", "mine"]
    assert told == [f"started over: 3 files of results removed from {tmp_path}"]


def test_nothing_outside_of_the_folder_goes_whatever_names_and_links_say(tmp_path):
    out, other = tmp_path / "out", tmp_path / "other"
    write(other, "one", "two")
    write(out, "own")
    (out / "linked").symlink_to(other)
    (out / "link").symlink_to(other / "two")
    remove(out, ["../other/one", str(other / "one"), "linked/one", "link", "own"])
    assert files_of(other) == {"one": b"one", "two": b"two"}
    assert sorted(path.name for path in out.iterdir()) == ["linked"]


@pytest.mark.parametrize("given", ["predictions", "predictions/clean.json", ""])
def test_what_the_command_reads_stays(tmp_path, given):
    write(tmp_path, "predictions/clean.json")
    with pytest.raises(UserError, match=r"--fresh would remove .*clean\.json, which this command reads"):
        remove(tmp_path, ["predictions/clean.json"], [tmp_path / given])
    assert files_of(tmp_path)
    remove(tmp_path, ["predictions/clean.json"], [tmp_path.parent, tmp_path / "images"])
    assert not files_of(tmp_path)


IDENTITY = {"seed": 1, "data": "a", "model": "b"}


def claim(folder, fresh=None, **changes):
    made = [folder / "one"]
    return claim_folder(folder, "results", "run.json", {**IDENTITY, **changes}, lambda _: made, fresh)


def test_folder_of_another_setup_starts_over_if_it_is_asked_for(tmp_path):
    with claim(tmp_path):
        write(tmp_path, "one", "mine")
    with pytest.raises(UserError, match="choose another --out, or start over with --fresh"), claim(tmp_path, seed=2):
        pass
    with claim(tmp_path, StartOver(ignore), seed=2):
        assert set(files_of(tmp_path)) == {"run.json", "mine"}
        assert json.loads((tmp_path / "run.json").read_text())["seed"] == 2


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (None, "is not empty"),
        ('{"seed": 3, "other": 4}', "is not a note about results: choose another --out; nothing was removed"),
        ("{", "is damaged"),
        ("[]", "is damaged"),
    ],
)
def test_folder_that_is_not_ours_is_left_alone(tmp_path, note, message):
    write(tmp_path, "one")
    if note is not None:
        (tmp_path / "run.json").write_text(note)
    before = files_of(tmp_path)
    with pytest.raises(UserError, match=message), claim(tmp_path, StartOver(ignore)):
        pass
    assert files_of(tmp_path) == before


def test_stopped_while_it_removes_the_folder_is_still_known(tmp_path, monkeypatch):
    with claim(tmp_path):
        write(tmp_path, "one")
    monkeypatch.setattr("pathlib.Path.unlink", lambda path, missing_ok=False: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt), claim(tmp_path, StartOver(ignore), seed=2):
        pass
    assert json.loads((tmp_path / "run.json").read_text()) == IDENTITY


# Commands


def test_bench_starts_over_and_leaves_what_is_not_its_own(run, coco_folder, tmp_path):
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--limit", 1)
    words = ("bench", "--model", "demo", *data, "--workers", 1, "--resamples", 0, "--out", tmp_path / "run")
    assert run(*words, "--corruptions", "contrast", "--severities", "1", "--seed", 1)[0] == 0
    write(tmp_path / "run", "notes.txt", "predictions/notes.txt", "predictions/mine.json")
    code, _, errors = run(*words, "--corruptions", "none", "--seed", 2)
    assert (code, "or start over with --fresh" in errors) == (2, True)
    code, _, errors = run(*words, "--corruptions", "none", "--seed", 2, "--fresh")
    assert code == 0, errors
    assert "started over: 11 files of results removed from" in errors
    left = {name for name in files_of(tmp_path / "run") if name.startswith(("predictions", "matches", "notes"))}
    ours = {"predictions/clean.json", "matches/clean.npz"}
    assert left == {*ours, "notes.txt", "predictions/notes.txt", "predictions/mine.json"}
    other = (
        "bench",
        "--model",
        f"results:{tmp_path / 'run'}",
        *data,
        "--corruptions",
        "none",
        "--out",
        tmp_path / "run",
    )
    code, _, errors = run(*other, "--fresh")
    assert code == 2
    assert "--fresh would remove" in errors
    assert left <= set(files_of(tmp_path / "run"))


def test_mistake_in_the_command_removes_nothing(run, coco_folder, tmp_path):
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--limit", 1)
    words = (*data, "--workers", 1, "--resamples", 0, "--corruptions", "none", "--out", tmp_path / "run")
    assert run("bench", "--model", "demo", *words)[0] == 0
    before = files_of(tmp_path / "run")
    assert run("bench", "--model", "onnx:nothing.onnx", *words, "--fresh")[0] == 2
    assert files_of(tmp_path / "run") == before


@pytest.mark.parametrize("finished", [True, False])
def test_corrupt_starts_over(run, coco_folder, tmp_path, finished):
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--limit", 2)
    words = ("corrupt", *data, "--workers", 1, "--out", tmp_path / "set")
    assert run(*words, "--corruptions", "contrast", "--severities", "1,2")[0] == 0
    if not finished:  # an image that a killed process has not noted
        hashes = tmp_path / "set/files.sha256"
        hashes.write_text("".join(hashes.read_text().splitlines(keepends=True)[:-1]))
    write(tmp_path / "set", "contrast/0/mine.txt")
    code, _, errors = run(*words, "--corruptions", "brightness", "--severities", "1", "--fresh")
    assert code == 0, errors
    assert "started over: 5 files of corrupted set removed from" in errors
    names = {"brightness/0/000001.jpg", "brightness/0/000002.jpg", "contrast/0/mine.txt"}
    assert set(files_of(tmp_path / "set")) == {*names, "files.sha256", "manifest.json"}
    assert run("corrupt", coco_folder / "images/000001.jpg", "--out", tmp_path / "few", "--fresh")[0] == 2


def test_stylize_starts_over_and_tells_styles_apart_by_their_bytes(run, coco_folder, tmp_path):
    (tmp_path / "styles").mkdir()
    style = tmp_path / "styles/one.bmp"
    write_image(style, draw_scene(64, 64, seed=1))
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--limit", 2)
    words = ("stylize", "--styles", tmp_path / "styles", *data, "--workers", 1, "--out", tmp_path / "copies")
    assert run(*words)[0] == 0
    write(tmp_path / "copies", "mine.jpg")
    content = bytearray(style.read_bytes())
    content[-1] ^= 1  # of the same size
    style.write_bytes(content)
    code, _, errors = run(*words)
    assert code == 2
    assert "the style images have changed since this run was begun" in errors
    code, _, errors = run(*words, "--fresh")
    assert code == 0, errors
    assert "started over: 2 files of stylised copies removed" in errors
    assert set(files_of(tmp_path / "copies")) == {"000001.jpg", "000002.jpg", "mine.jpg", "styles.json"}
