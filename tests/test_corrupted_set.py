import hashlib
import io
import json
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from robustpose import UserError
from robustpose.benchmark.run import run_bench
from robustpose.corruptions import corrupt, corrupt_all
from robustpose.corruptions.suites import COCO_C, choose_cells
from robustpose.data.corrupted import MadeImages
from robustpose.data.corrupted_set import place_image
from robustpose.data.images import encode_image, read_image
from robustpose.data.spec import DataSpec
from robustpose.data.stored import open_stored_images
from robustpose.export.set_folder import SetFolder
from robustpose.export.verify import verify_set
from robustpose.export.write import SetJob, write_set
from robustpose.files import hash_file, lock_folder
from robustpose.pose.cell import Cell
from tests.runs import Stop, assert_interrupt_ends_with_one_line, assert_small_files_only_is_one_line, files_of
from tests.test_cli import one_line_error

CELLS = choose_cells(["contrast", "gaussian_noise"], [1, 4])  # those of the finished run


@pytest.fixture(scope="module")
def make_set_job(coco_folder):
    """A function that makes the job of a corrupted set of the small dataset."""

    def make(out, layout="release", image_format="png", corrupted_images=None, folder=coco_folder, limit=None):
        data = DataSpec(annotations=folder / "people.json", images=folder / "images", limit=limit).open
        return SetJob(data, corrupted_images or MadeImages(5), layout, image_format, out)

    return make


@pytest.fixture(scope="module")
def png_set(tmp_path_factory, make_set_job):
    """A finished lossless set with run seed 5, laid out as the released benchmark. Not to be changed."""
    out = tmp_path_factory.mktemp("sets") / "png"
    write_set(make_set_job(out), CELLS)
    return out


@pytest.fixture
def own_set(png_set, tmp_path):
    """A copy of it that may be changed."""
    return shutil.copytree(png_set, tmp_path / "own")


# What is written


@pytest.mark.parametrize(
    ("layout", "folders"),
    [
        ("release", {"contrast/0", "contrast/3", "gaussian_noise/0", "gaussian_noise/3"}),
        ("plain", {"contrast-1", "contrast-4", "gaussian_noise-1", "gaussian_noise-4"}),
    ],
)
def test_layout_names_the_folders_of_severities(tmp_path, make_set_job, layout, folders):
    n_images = write_set(make_set_job(tmp_path / "set", layout, "jpg75"), CELLS)
    expected = {f"{folder}/{number:06d}.jpg" for folder in folders for number in range(1, 10)}
    assert set(files_of(tmp_path / "set")) == expected | {"manifest.json", "files.sha256"}
    assert n_images == 36


@pytest.mark.parametrize(
    ("file_name", "jpg75", "png"),
    [
        ("1.jpg", "1.jpg", "1.png"),
        ("1.JPEG", "1.JPEG", "1.png"),
        ("1.bmp", "1.jpg", "1.png"),
        ("val/a.b.PNG", "val/a.b.jpg", "val/a.b.png"),
    ],
)
def test_suffix_follows_the_format(file_name, jpg75, png):
    assert place_image(file_name, Cell("fog", 1), "release", "jpg75") == f"fog/0/{jpg75}"
    assert place_image(file_name, Cell("fog", 5), "plain", "png") == f"fog-5/{png}"


@pytest.mark.parametrize("seed", ["release", 7])
def test_png_holds_the_pixels_of_corrupt(tmp_path, make_set_job, coco_folder, seed):
    write_set(make_set_job(tmp_path / "set", corrupted_images=MadeImages(seed)), [Cell("impulse_noise", 2)])
    for number in (1, 2):
        clean = read_image(coco_folder / f"images/{number:06d}.jpg")
        expected = corrupt(clean, "impulse_noise", 2, seed if seed == "release" else (seed, number))
        written = read_image(tmp_path / f"set/impulse_noise/1/{number:06d}.png")
        np.testing.assert_array_equal(written, expected)


def test_jpeg_is_what_pillow_writes_by_default(tmp_path, make_set_job, coco_folder):
    write_set(make_set_job(tmp_path / "set", image_format="jpg75"), [Cell("contrast", 3)])
    clean = read_image(coco_folder / "images/000004.jpg")
    expected = io.BytesIO()
    PIL.Image.fromarray(corrupt(clean, "contrast", 3)).save(expected, "JPEG")
    assert (tmp_path / "set/contrast/2/000004.jpg").read_bytes() == expected.getvalue()


def test_jpeg_files_are_those_of_the_reference(shared):
    golden = np.load(shared / "goldens/corruptions_120x160.npz")
    cells = COCO_C.cells[1:]
    images = corrupt_all(golden["image"], [(cell.corruption, cell.severity) for cell in cells], "release")
    for cell, image in zip(cells, images, strict=True):
        digest = hashlib.sha256(encode_image(image, "jpg75")).digest()
        assert digest == golden[f"jpgsha_{cell.corruption}_{cell.severity}"].tobytes(), cell.key


def test_corruption_from_outside_has_its_folder(tmp_path, make_set_job):
    write_set(make_set_job(tmp_path / "set", limit=1), [Cell("tests.outside:darken", 2)])
    assert (tmp_path / "set/tests.outside.darken/1/000001.png").is_file()


def test_manifest_says_how_and_from_what_the_set_was_made(png_set, coco_folder):
    manifest = json.loads((png_set / "manifest.json").read_text())
    assert manifest["complete"] is True
    expected = {"profile": "independent", "seed": 5, "frost_textures": "unused", "layout": "release", "format": "png"}
    assert expected.items() <= manifest.items()
    assert manifest["cells"] == [cell.key for cell in CELLS[1:]]
    assert manifest["dataset"]["n_images"] == 9
    digest = hashlib.sha256((coco_folder / "people.json").read_bytes()).hexdigest()
    assert manifest["dataset"]["annotations_sha256"] == digest
    assert {"robustpose", "numpy", "scipy", "opencv-python-headless", "pillow"} == set(manifest["versions"])
    images = {path: content for path, content in files_of(png_set).items() if path.endswith(".png")}
    assert manifest["files"]["count"] == len(images) == 36
    assert manifest["files"]["bytes"] == sum(map(len, images.values()))


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_hashes_can_be_checked_with_sha256sum(png_set):
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "files.sha256"], cwd=png_set, check=True)


def test_two_workers_write_the_same_bytes(tmp_path, make_set_job, png_set):
    write_set(make_set_job(tmp_path / "set"), CELLS, workers=2)
    assert files_of(tmp_path / "set") == files_of(png_set)


def test_estimate_is_told_before_the_work_and_near_the_truth(tmp_path, make_set_job):
    told = []

    def note(estimate):
        told.append(estimate)
        assert not (tmp_path / "set/manifest.json").exists()

    write_set(make_set_job(tmp_path / "set"), CELLS, announce=note)
    (estimate,) = told
    on_disk = sum(-(-path.stat().st_size // 4096) * 4096 for path in (tmp_path / "set").rglob("*.png"))
    assert estimate.n_files == 36
    assert 0.7 < estimate.n_bytes / on_disk < 1.4
    assert estimate.seconds > 0


# Stopped, and started again


def test_stopped_set_goes_on_without_writing_an_image_twice(tmp_path, make_set_job, png_set):
    def stop_after_ten(progress):
        if progress.done == 10:
            raise Stop

    job, told = make_set_job(tmp_path / "set"), []
    with pytest.raises(Stop):
        write_set(job, CELLS, on_progress=stop_after_ten)
    before = {path: path.stat().st_mtime_ns for path in job.out.rglob("*.png")}
    assert len(before) == 10
    write_set(job, CELLS, announce=told.append)
    assert (told[0].n_files, told[0].n_finished) == (26, 10)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert files_of(job.out) == files_of(png_set)


def corrupt_command(coco_folder, out, workers="2"):
    return [
        sys.executable, "-m", "robustpose", "corrupt", "--annotations", coco_folder / "people.json",
        "--images", coco_folder / "images", "--out", out, "--corruptions", "contrast,gaussian_noise",
        "--severities", "1,4", "--seed", "5", "--format", "png", "--workers", workers,
    ]  # fmt: skip


def test_killed_set_holds_whole_files_only_and_goes_on_to_the_same_bytes(tmp_path, coco_folder, png_set):
    command = corrupt_command(coco_folder, tmp_path / "set")
    expected = files_of(png_set)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(tmp_path.glob("set/*/*/*.png"))) < 3:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = files_of(tmp_path / "set")
    images = {path: content for path, content in left.items() if path.endswith(".png")}
    assert 0 < len(images) < 36
    assert all(content == expected[path] for path, content in images.items())
    assert json.loads(left["manifest.json"])["complete"] is False
    subprocess.run(command, check=True, capture_output=True)
    assert files_of(tmp_path / "set") == expected


def test_interrupt_ends_with_one_line_and_keeps_the_images(tmp_path, coco_folder):
    command = corrupt_command(coco_folder, tmp_path / "set")
    assert_interrupt_ends_with_one_line(command, lambda _: list(tmp_path.glob("set/*/*/*.png")))
    assert list(tmp_path.glob("set/*/*/*.png"))


def test_line_half_written_by_a_killed_process_is_done_again(tmp_path, make_set_job, png_set):
    def stop_after_three(progress):
        if progress.done == 3:
            raise Stop

    job = make_set_job(tmp_path / "set")
    with pytest.raises(Stop):
        write_set(job, CELLS, on_progress=stop_after_three)
    journal = job.out / "files.sha256"
    journal.write_bytes(journal.read_bytes()[:-20])
    write_set(job, CELLS)
    assert files_of(job.out) == files_of(png_set)


def test_finished_set_is_left_alone(png_set, make_set_job):
    before = {path: path.stat().st_mtime_ns for path in png_set.rglob("*") if path.name != ".lock"}
    write_set(make_set_job(png_set), CELLS, announce=lambda estimate: pytest.fail("there was nothing to do"))
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_removed_image_is_made_again(own_set, make_set_job, png_set):
    (own_set / "contrast/3/000002.png").unlink()
    write_set(make_set_job(own_set), CELLS)
    assert files_of(own_set) == files_of(png_set)


# What is refused


@pytest.mark.parametrize(
    ("changes", "cells", "message"),
    [
        ({"corrupted_images": MadeImages(6)}, CELLS, "seed: 5 there, 6 now"),
        ({"image_format": "jpg75"}, CELLS, "format: 'png' there, 'jpg75' now"),
        ({"layout": "plain"}, CELLS, "layout: 'release' there, 'plain' now"),
        ({"limit": 3}, CELLS, r"dataset\.n_images: 9 there, 3 now"),
        ({}, CELLS[:2], "cells: "),
    ],
)
def test_folder_of_another_setup_is_refused_and_left_alone(png_set, make_set_job, changes, cells, message):
    before = files_of(png_set)
    with pytest.raises(UserError, match=f"corrupted set of another setup.*{message}"):
        write_set(make_set_job(png_set, **changes), cells)
    assert files_of(png_set) == before


def test_folder_with_other_things_is_refused(tmp_path, make_set_job):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match=r"not empty \(thesis\.tex"):
        write_set(make_set_job(tmp_path), CELLS)


def test_two_processes_cannot_write_one_set(tmp_path, make_set_job):
    with lock_folder(tmp_path / "set"), pytest.raises(UserError, match="another process is writing"):
        write_set(make_set_job(tmp_path / "set"), CELLS)


def test_disk_too_small_is_refused_before_anything_is_written(tmp_path, make_set_job, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 100_000))
    job = make_set_job(tmp_path / "set")
    with pytest.raises(UserError, match=r"has 100 kB free, but the corrupted images need about [1-9]"):
        write_set(job, CELLS)
    assert files_of(job.out) == {}


def test_full_disk_is_named_and_finished_images_stay(tmp_path, make_set_job, monkeypatch):
    n_synced = iter(range(100))

    def fill_up(file):
        if next(n_synced) == 5:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fill_up)
    job = make_set_job(tmp_path / "set")
    with pytest.raises(UserError, match=r"cannot write .*No space left on device\): finished work is kept"):
        write_set(job, CELLS)
    assert len(list(job.out.rglob("*.png"))) == 5


def test_disk_that_fills_up_at_any_file_is_one_line_and_later_starts_end_with_the_same_bytes(
    tmp_path, make_set_job, png_set, full_disk
):
    job = make_set_job(tmp_path / "set")
    for room in range(20):
        full_disk(room)
        try:
            write_set(job, CELLS)
        except UserError as error:
            assert "No space left on device): finished work is kept" in str(error)  # noqa: PT017
        else:
            break
    assert room > 5
    assert files_of(job.out) == files_of(png_set)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_journal_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "files.sha256").symlink_to("/dev/full")
    with pytest.raises(UserError, match=r"cannot write .*files\.sha256 \(No space left on device\)"):
        SetFolder(tmp_path).note_image("fog/0/1.png", "0" * 64)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_file_system_that_refuses_an_image_is_one_line_of_the_command(tmp_path, coco_folder, workers):
    command = corrupt_command(coco_folder, tmp_path / "set", workers)
    assert_small_files_only_is_one_line(command, 8000)  # bytes: the manifest is smaller, the images are larger
    assert json.loads((tmp_path / "set/manifest.json").read_text())["complete"] is False


def test_unfinished_images_of_killed_processes_are_removed(own_set, make_set_job, png_set):
    (own_set / "contrast/3/000002.png").rename(own_set / "contrast/3/.000002.png.123.part")
    write_set(make_set_job(own_set), CELLS)
    assert files_of(own_set) == files_of(png_set)


def test_names_that_would_leave_the_folder_or_meet_are_refused(tmp_path, make_set_job, coco_folder):
    folder = shutil.copytree(coco_folder, tmp_path / "data")
    content = json.loads((folder / "people.json").read_text())
    (folder / "images/000001.png").write_bytes((folder / "images/000002.jpg").read_bytes())
    for name, message in [("../images/000002.jpg", "lead out of the folder"), ("000001.png", "become one file")]:
        content["images"][1]["file_name"] = name
        (folder / "people.json").write_text(json.dumps(content))
        with pytest.raises(UserError, match=message):
            write_set(make_set_job(tmp_path / "set", folder=folder), CELLS)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_broken_image_is_named_and_finished_images_stay(tmp_path, make_set_job, coco_folder, png_set, n_workers):
    folder = shutil.copytree(coco_folder, tmp_path / "data")
    broken = folder / "images/000008.jpg"  # not one of those that the estimate tries
    broken.write_bytes(broken.read_bytes()[:-400])
    job = make_set_job(tmp_path / "set", folder=folder)
    with pytest.raises(UserError, match=r"000008\.jpg cannot be read"):
        write_set(job, CELLS, n_workers)
    written = {path: content for path, content in files_of(job.out).items() if path.endswith(".png")}
    assert len(written) > 0
    assert written.items() <= files_of(png_set).items()


# Verify


def test_verify_passes_a_whole_set(png_set):
    assert verify_set(png_set, n_threads=2) == 36


def test_verify_finds_missing_changed_and_extra_files(own_set):
    (own_set / "contrast/0/000001.png").unlink()
    changed = own_set / "contrast/3/000002.png"
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    (own_set / "contrast/3/notes.txt").write_text("mine")
    expected = "missing contrast/0/000001.png | differing contrast/3/000002.png | extra contrast/3/notes.txt"
    with pytest.raises(UserError) as caught:
        verify_set(own_set)
    assert str(caught.value) == f"{own_set} is not as its manifest says: {expected}"


def test_verify_shows_the_first_few_and_their_number(own_set):
    shutil.rmtree(own_set / "contrast/0")
    with pytest.raises(UserError, match=r"missing contrast/0/000001\.png; .*; … 9 such files in all"):
        verify_set(own_set)


def test_verify_refuses_what_it_cannot_check(own_set, tmp_path):
    with (own_set / "files.sha256").open("a") as file:
        file.write("0" * 64 + "  contrast/0/000001.png\n")
    with pytest.raises(UserError, match=r"files\.sha256 is not the one that manifest\.json names"):
        verify_set(own_set)
    manifest = json.loads((own_set / "manifest.json").read_text())
    (own_set / "manifest.json").write_text(json.dumps({**manifest, "complete": False}))
    with pytest.raises(UserError, match="is unfinished"):
        verify_set(own_set)
    with pytest.raises(UserError, match=r"has no manifest\.json"):
        verify_set(tmp_path)


# Bench from a set


def predictions_of(run_folder):
    return {path.name: path.read_bytes() for path in (run_folder / "predictions").iterdir()}


@pytest.mark.parametrize(("layout", "n_workers"), [("release", 1), ("plain", 2)])
def test_bench_from_a_lossless_set_gives_the_same_predictions(
    tmp_path, make_job, make_set_job, finished_run, layout, n_workers
):
    write_set(make_set_job(tmp_path / "set", layout), CELLS)
    job = make_job(tmp_path / "run", corrupted_images=open_stored_images(tmp_path / "set"))
    summary = run_bench(job, CELLS, n_workers)
    assert predictions_of(job.out) == predictions_of(finished_run)
    assert summary["provenance"]["seed"] == 5
    digest = hashlib.sha256((tmp_path / "set/manifest.json").read_bytes()).hexdigest()
    images = summary["provenance"]["corrupted_images"]
    assert (images["manifest_sha256"], images["format"], images["layout"]) == (digest, "png", layout)


@pytest.mark.parametrize("image_format", ["jpg75", "png"])
def test_set_of_the_papers_program_is_read_without_a_manifest(tmp_path, make_job, make_set_job, image_format):
    write_set(make_set_job(tmp_path / "set", image_format=image_format), CELLS)
    ours = run_bench(make_job(tmp_path / "ours", corrupted_images=open_stored_images(tmp_path / "set")), CELLS)
    for name in ("manifest.json", "files.sha256"):
        (tmp_path / "set" / name).unlink()
    theirs = run_bench(make_job(tmp_path / "theirs", corrupted_images=open_stored_images(tmp_path / "set")), CELLS)
    assert predictions_of(tmp_path / "theirs") == predictions_of(tmp_path / "ours")
    assert theirs["cells"] == ours["cells"]
    assert theirs["provenance"]["profile"] == "unknown"
    assert theirs["provenance"]["corrupted_images"]["manifest"] == "none"


def test_folder_without_manifest_is_known_by_names_and_sizes(own_set):
    (own_set / "manifest.json").unlink()
    before = open_stored_images(own_set).provenance()["corrupted_images"]
    (own_set / "contrast/0/000001.png").write_bytes(b"other")
    after = open_stored_images(own_set).provenance()["corrupted_images"]
    assert before["names_and_sizes_sha256"] != after["names_and_sizes_sha256"]


def test_run_refuses_another_set(tmp_path, make_job, make_set_job, png_set):
    job = make_job(tmp_path / "run", corrupted_images=open_stored_images(png_set))
    run_bench(job, CELLS[:2])
    write_set(make_set_job(tmp_path / "other", "plain"), CELLS)
    for corrupted_images in (MadeImages(5), open_stored_images(tmp_path / "other")):
        with pytest.raises(UserError, match=r"another setup \(.*corrupted_images"):
            run_bench(make_job(tmp_path / "run", corrupted_images=corrupted_images), CELLS[:2])


def test_incomplete_set_is_named_before_the_run_starts(tmp_path, make_job, own_set):
    for number in range(1, 6):
        (own_set / f"contrast/3/{number:06d}.png").unlink()
    job = make_job(tmp_path / "run", corrupted_images=open_stored_images(own_set))
    with pytest.raises(UserError, match=r"run needs: contrast/3/000001\.png; .*; … 5 missing images in all"):
        run_bench(job, CELLS)
    assert not job.out.exists()
    run_bench(job, CELLS[:3])  # those cells are whole


def test_cell_that_the_set_does_not_have_is_named(tmp_path, make_job, png_set):
    job = make_job(tmp_path / "run", corrupted_images=open_stored_images(png_set))
    with pytest.raises(UserError, match=r"run needs: fog/2/000001\.png; .*; … 9 missing images in all"):
        run_bench(job, choose_cells(["fog"], [3]))


def test_corrupted_image_of_another_size_is_refused(tmp_path, make_job, own_set):
    PIL.Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(own_set / "contrast/0/000003.png")
    job = make_job(tmp_path / "run", corrupted_images=open_stored_images(own_set))
    with pytest.raises(UserError, match=r"000003\.png is 50 x 40 px, but its clean image is 128 x 96"):
        run_bench(job, CELLS)


def test_dataset_without_files_has_no_corrupted_set(tmp_path, make_job, make_set_job, png_set):
    from dataclasses import replace

    toy = DataSpec(name="toy", limit=2).open
    with pytest.raises(UserError, match="have no file names"):
        run_bench(
            replace(make_job(tmp_path / "run", corrupted_images=open_stored_images(png_set)), make_dataset=toy), CELLS
        )
    with pytest.raises(UserError, match="is made from image files"):
        write_set(replace(make_set_job(tmp_path / "set"), make_dataset=toy), CELLS)


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["fog/1", "fog/5"], "holds fog/5, but corruption/0 to corruption/4 are severities 1 to 5"),
        (["fog/0", "fog-1"], "it has both fog/0 and fog-1"),
        (["val2017"], "it has neither"),
    ],
)
def test_folder_that_is_no_corrupted_set_is_refused(tmp_path, folders, message):
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(UserError, match=message):
        open_stored_images(tmp_path)


def test_unfinished_and_foreign_manifests_are_refused(tmp_path, own_set):
    manifest = json.loads((own_set / "manifest.json").read_text())
    (own_set / "manifest.json").write_text(json.dumps({**manifest, "complete": False}))
    with pytest.raises(UserError, match="is unfinished"):
        open_stored_images(own_set)
    (own_set / "manifest.json").write_text('{"name": "app"}')
    with pytest.raises(UserError, match="is not the manifest of a corrupted set"):
        open_stored_images(own_set)
    with pytest.raises(UserError, match="does not exist"):
        open_stored_images(tmp_path / "nowhere")


# The command line


@pytest.fixture
def corrupt_coco(run, coco_folder, tmp_path):
    """A function that runs the corrupt command on the small dataset, with further words."""

    def run_corrupt(*words):
        data = ["--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--workers", "1"]
        return run("corrupt", *data, "--corruptions", "contrast", "--severities", "2", *words)

    return run_corrupt


def test_command_writes_and_verifies_a_set(corrupt_coco, run, tmp_path):
    code, output, errors = corrupt_coco("--out", tmp_path / "set", "--limit", "4")
    assert code == 0
    assert output.startswith("4 images in")
    assert "4 images to write: less than 10 s with 1 worker, 16 kB" in errors
    assert run("corrupt", "--verify", tmp_path / "set")[:2] == (
        0,
        f"4 images in {tmp_path / 'set'} are as its manifest says\n",
    )
    (tmp_path / "set/contrast/1/000002.jpg").unlink()
    one_line_error(run("corrupt", "--verify", tmp_path / "set"), "missing contrast/1/000002.jpg")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["a.png", "--out", "x"],
            "name either images, or --annotations FILE and --images DIR, or --data NAME, or --verify DIR",
        ),
        ([], "say where to write: --out DIR"),
        (["--out", "x", "--layout", "flat"], "layout (--layout) must be release or plain, got 'flat'"),
        (["--out", "x", "--format", "bmp"], "format (--format) must be jpg75 or png, got 'bmp'"),
        (["--out", "x", "--corruptions", "none"], "name at least one corruption"),
        (["--out", "x", "--workers", "0"], "--workers must be at least 1"),
    ],
)
def test_wrong_words_for_a_set_are_one_line(corrupt_coco, words, message):
    one_line_error(corrupt_coco(*words), message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name either images, or --annotations FILE and --images DIR, or --data NAME, or --verify DIR"),
        (
            ["--annotations", "a.json", "--out", "x"],
            "annotations (--annotations) came without images (--images): give both",
        ),
        (["a.png", "--out", "x", "--format", "png"], "--format goes with --annotations FILE and --images DIR"),
        (["--verify", "x", "--out", "x"], "leave out --out"),
        (["--verify", "x", "--workers", "0"], "--workers must be at least 1"),
        (["a.png", "--out", "x", "--workers", "2"], "--workers goes with --annotations FILE and --images DIR"),
    ],
)
def test_wrong_words_of_corrupt_are_one_line(run, words, message):
    one_line_error(run("corrupt", *words), message)


def test_bench_command_reads_a_set(run, coco_folder, tmp_path, png_set, finished_run):
    words = ["--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--workers", "1"]
    words += ["--model", "tests.outside:guess_from_pixels", "--corrupted-root", png_set, "--out", tmp_path / "run"]
    one_line_error(run("bench", *words, "--seed", "5"), "leave out --seed and --frost")
    code, _, _ = run("bench", *words, "--corruptions", "contrast,gaussian_noise", "--severities", "1,4")
    assert code == 0
    assert predictions_of(tmp_path / "run") == predictions_of(finished_run)
    assert "read from a folder" in (tmp_path / "run/report.html").read_text()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "must be a group"),
        ("{}", "'layout' is missing"),
        ({"layout": ["release"]}, "layout must be 'release' or 'plain'"),
        ({"format": 3}, "format must be 'jpg75' or 'png'"),
        ({"complete": "yes"}, "complete must be"),
        ({"files": None, "dataset": 7}, "dataset must be"),
        ({"seed": {"a": 1}}, "seed"),
        ("[" * 100_000, "nested too deep"),
        ("\0\xff", "is no JSON"),
    ],
)
def test_manifest_of_any_shape_is_one_line(own_set, content, message):
    path = own_set / "manifest.json"
    text = content if isinstance(content, str) else json.dumps({**json.loads(path.read_text()), **content})
    path.write_bytes(text.encode("latin-1"))
    for read in (open_stored_images, verify_set):
        with pytest.raises(UserError, match="is not the manifest of a corrupted set") as error:
            read(own_set)
        assert message in str(error.value)


def test_complete_manifest_without_hashes_cannot_be_verified(own_set):
    manifest = json.loads((own_set / "manifest.json").read_text())
    (own_set / "manifest.json").write_text(json.dumps({**manifest, "files": None}))
    with pytest.raises(UserError, match=r"files\.sha256 is not the one that manifest\.json names"):
        verify_set(own_set)


@pytest.mark.parametrize("line", ["0" * 64 + "  ../../secret.txt", "0" * 64 + "  /etc/hosts", "\udcff" * 64 + "  x"])
def test_nothing_outside_a_set_is_read_because_its_hashes_name_it(own_set, tmp_path, line, monkeypatch):
    lines = (own_set / "files.sha256").read_bytes() + line.encode("utf-8", "surrogateescape") + b"\n"
    (own_set / "files.sha256").write_bytes(lines)
    manifest = json.loads((own_set / "manifest.json").read_text())
    manifest["files"]["hashes_sha256"] = hashlib.sha256(lines).hexdigest()
    (own_set / "manifest.json").write_text(json.dumps(manifest))
    opened = []
    monkeypatch.setattr("robustpose.export.verify.hash_file", lambda path: opened.append(path) or hash_file(path))
    if "\udcff" in line:  # no line of hashes
        assert verify_set(own_set) == 36
    else:
        with pytest.raises(UserError, match=r"missing .*(secret|hosts)"):
            verify_set(own_set)
    assert all(path.resolve().is_relative_to(own_set) for path in opened)


def test_link_that_leads_in_circles_is_one_line_and_one_that_does_not_is_followed(own_set, tmp_path):
    (own_set / "contrast").rename(tmp_path / "elsewhere")
    (own_set / "contrast").symlink_to(tmp_path / "elsewhere")
    assert verify_set(own_set) == 36
    (own_set / "gaussian_noise/loop").symlink_to(own_set)
    with pytest.raises(UserError, match="loop is a link to a folder that it lies in"):
        verify_set(own_set)


def test_names_that_no_list_can_hold_are_refused(tmp_path, make_set_job, coco_folder):
    name = "a\n.jpg"
    folder = shutil.copytree(coco_folder, tmp_path / "data")
    content = json.loads((folder / "people.json").read_text())
    shutil.copy(folder / "images/000001.jpg", folder / "images" / name)
    content["images"][0]["file_name"] = name
    (folder / "people.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"files\.sha256 cannot list these image file names"):
        write_set(make_set_job(tmp_path / "set", folder=folder), CELLS)
