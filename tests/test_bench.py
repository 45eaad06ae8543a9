import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from robustpose import UserError
from robustpose.benchmark.run import run_bench
from robustpose.corruptions.suites import choose_cells
from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.pose.cell import CLEAN
from robustpose.pose.types import Frame
from robustpose.progress import Forecast
from robustpose.results.run_folder import RunFolder
from robustpose.work import cut_chunks
from tests.runs import (
    Stop,
    assert_interrupt_ends_with_one_line,
    assert_small_files_only_is_one_line,
    children_of,
    damage,
    files_of,
)

CELLS = choose_cells(["contrast", "gaussian_noise"], [1, 4])


def test_run_leaves_results_tables_and_report_and_nothing_else(finished_run):
    expected = {"run.json", "results.jsonl", "summary.json", "slices.json", "slices.npz"}
    expected |= {"table.md", "table.csv", "table.tex", "report.html"}
    expected |= {f"predictions/{cell.file_stem}.json" for cell in CELLS}
    expected |= {f"matches/{cell.file_stem}.npz" for cell in CELLS}
    assert set(files_of(finished_run)) == expected


def test_summary_says_what_was_measured_and_with_what(finished_run):
    summary = json.loads((finished_run / "summary.json").read_text())
    assert summary["metric"] == "AP"
    assert set(summary["cells"]) == {cell.key for cell in CELLS[1:]}
    provenance = summary["provenance"]
    assert provenance["profile"] == "independent"
    assert provenance["seed"] == 5
    assert provenance["dataset"]["boxes"] == "gt"
    assert len(provenance["dataset"]["annotations_sha256"]) == 64
    assert {"numpy", "scipy", "opencv-python-headless", "pillow"} <= set(provenance["versions"])
    rows = [json.loads(line) for line in (finished_run / "results.jsonl").read_text().splitlines()]
    assert [row["cell"] for row in rows] == [cell.key for cell in CELLS]
    assert all(len(row) == 10 + 5 for row in rows)
    assert {row["box_protocol"] for row in rows} == {"gt"}


def test_same_bytes_with_two_workers(tmp_path, make_job, finished_run):
    run_bench(make_job(tmp_path / "run"), CELLS, workers=2)
    assert files_of(tmp_path / "run") == files_of(finished_run)


def test_same_summary_for_any_batch_size(tmp_path, make_job, onnx_file):
    runs = []
    for batch_size in (1, 16):
        job = make_job(tmp_path / str(batch_size), f"onnx:{onnx_file}", options={"batch_size": batch_size})
        run_bench(job, CELLS)
        runs.append(files_of(job.out))
    assert runs[0] == runs[1]


def test_interrupted_after_every_unit_it_goes_on_to_the_same_bytes(tmp_path, make_job, finished_run):
    job = make_job(tmp_path / "run")
    starts = []

    def stop_after_one(what, progress):
        starts.append(progress.done)
        if len(starts) > 1:
            raise Stop

    for expected_done in range(4):
        starts.clear()
        with pytest.raises(Stop):
            run_bench(job, CELLS, on_progress=stop_after_one)
        assert starts == [4 * expected_done, 4 * expected_done + 4]  # images of the first chunk, in another cell
    run_bench(job, CELLS)
    assert files_of(job.out) == files_of(finished_run)


def bench_command(coco_folder, out, *more):
    return [
        sys.executable, "-m", "robustpose", "bench", "--model", "tests.slow:guess_slowly",
        "--annotations", str(coco_folder / "people.json"), "--images", str(coco_folder / "images"),
        "--corruptions", "contrast,gaussian_noise", "--severities", "1,4", "--seed", "5", "--out", str(out), *more,
    ]  # fmt: skip


def count_units(run):
    return len(list(run.glob("units/*/*.npz")))


def test_interrupt_ends_with_one_line_and_keeps_the_work(tmp_path, coco_folder):
    command = bench_command(coco_folder, tmp_path / "run", "--workers", "2")
    assert_interrupt_ends_with_one_line(command, lambda _: count_units(tmp_path / "run"))
    assert count_units(tmp_path / "run") >= 1


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_interrupt_while_workers_start_ends_with_one_line(tmp_path, coco_folder):
    command = bench_command(coco_folder, tmp_path / "run", "--workers", "2")
    assert_interrupt_ends_with_one_line(command, lambda pid: len(children_of(pid)) >= 3)  # and one of Python's own


@pytest.mark.parametrize("workers", ["1", "2"])
def test_file_system_that_refuses_a_file_is_one_line(tmp_path, coco_folder, workers):
    assert_small_files_only_is_one_line(bench_command(coco_folder, tmp_path / "run", "--workers", workers), 1500)
    assert (tmp_path / "run/run.json").is_file()
    assert not list(tmp_path.rglob("*.part"))


def test_cells_can_be_added_to_a_finished_run(tmp_path, make_job, finished_run):
    job = make_job(tmp_path / "run")
    run_bench(job, choose_cells(["contrast"], [1]))
    before = (job.out / "predictions/contrast-1.json").stat().st_mtime_ns
    run_bench(job, CELLS)
    assert (job.out / "predictions/contrast-1.json").stat().st_mtime_ns == before
    assert files_of(job.out) == files_of(finished_run)


def test_folder_of_another_setup_is_refused_and_left_alone(tmp_path, make_job):
    run_bench(make_job(tmp_path / "run"), (CLEAN,))
    before = files_of(tmp_path / "run")
    with pytest.raises(UserError, match=r"another setup \(seed: 5 there, 6 now\)"):
        run_bench(make_job(tmp_path / "run", seed=6), (CLEAN,))
    with pytest.raises(UserError, match="estimator"):
        run_bench(make_job(tmp_path / "run", "tests.outside:Centre"), (CLEAN,))
    assert files_of(tmp_path / "run") == before


def test_folder_with_other_things_is_refused(tmp_path, make_job):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match=r"not empty \(thesis\.tex"):
        run_bench(make_job(tmp_path), (CLEAN,))


def test_two_processes_cannot_write_to_one_run(tmp_path, make_job):
    job = make_job(tmp_path / "run")

    def start_another(what, progress):
        run_bench(job, (CLEAN,))

    with pytest.raises(UserError, match="another process is writing"):
        run_bench(job, (CLEAN,), on_progress=start_another)


def test_results_of_a_run_score_the_same_without_the_model(tmp_path, make_job, finished_run):
    job = make_job(tmp_path / "again", f"results:{finished_run}")
    run_bench(job, CELLS, workers=2)
    ours, theirs = (json.loads((run / "summary.json").read_text()) for run in (job.out, finished_run))
    doubts = [found.pop("warnings")[0].partition(": usual causes are ") for found in (ours, theirs)]
    assert doubts[0][:2] == doubts[1][:2]  # causes are those of the kind of model
    assert {**ours, "provenance": 0} == {**theirs, "provenance": 0}
    for cell in CELLS:
        name = f"predictions/{cell.file_stem}.json"
        assert (job.out / name).read_bytes() == (finished_run / name).read_bytes()


@pytest.mark.parametrize("kind", ["empty", "rubbish", "cut", "flipped", "of other images"])
def test_damaged_units_are_made_again_by_the_next_start(tmp_path, make_job, finished_run, kind):
    job = make_job(tmp_path / "run")

    def stop_before_the_last(what, progress):
        if progress.done == 44:  # of 9 images in 5 cells
            raise Stop

    with pytest.raises(Stop):
        run_bench(job, CELLS, on_progress=stop_before_the_last)
    of_four_images, of_one = (sorted(job.out.glob(f"units/*/{number}.npz")) for number in ("00000", "00002"))
    for unit in of_four_images[:3]:
        unit.write_bytes(of_one[0].read_bytes() if kind == "of other images" else damage(kind, unit.read_bytes()))
    run_bench(job, CELLS, workers=2 if kind == "cut" else 1)
    assert files_of(job.out) == files_of(finished_run)


def test_unit_that_is_damaged_while_it_is_written_is_one_line(tmp_path, make_job, monkeypatch):
    monkeypatch.setattr(RunFolder, "write_unit", lambda self, cell, number, poses: write_rubbish(self, cell, number))

    def write_rubbish(folder, cell, number):
        folder.unit_path(cell, number).parent.mkdir(parents=True, exist_ok=True)
        folder.unit_path(cell, number).write_bytes(b"rubbish")

    with pytest.raises(UserError, match=r"cannot be read again \(clean\): check the disk"):
        run_bench(make_job(tmp_path / "run"), CELLS)


def test_disk_that_fills_up_at_any_file_is_one_line_and_later_starts_end_with_the_same_bytes(
    tmp_path, make_job, finished_run, full_disk
):
    job = make_job(tmp_path / "run")
    for room in range(30):
        full_disk(room)
        try:
            run_bench(job, CELLS)
        except UserError as error:
            assert "No space left on device): finished work is kept" in str(error)  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017
            assert not list(job.out.rglob("*.part"))
        else:
            break
    assert room > 10
    assert files_of(job.out) == files_of(finished_run)


def test_failing_image_is_an_error_and_finished_units_stay(tmp_path, make_job, coco_folder):
    import shutil

    shutil.copytree(coco_folder, tmp_path / "data")
    broken = tmp_path / "data/images/000009.jpg"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-400])
    for n_workers in (1, 2):
        job = make_job(tmp_path / f"run{n_workers}")
        spec = DataSpec(annotations=tmp_path / "data/people.json", images=tmp_path / "data/images")
        job = replace(job, make_dataset=spec.open)
        with pytest.raises(UserError, match=r"000009\.jpg cannot be read"):
            run_bench(job, CELLS, n_workers)
        assert (count_units(job.out) > 0) or n_workers == 2


def test_chunks_cover_every_image_once_whatever_their_number():
    for n_images in (1, 4, 5, 31, 161, 5000, 40000):
        chunks = cut_chunks(n_images)
        assert [i for _, indices in chunks for i in indices] == list(range(n_images))
        assert [number for number, _ in chunks] == list(range(len(chunks)))


def test_forecast_weighs_what_is_left_by_what_each_corruption_costs():
    forecast = Forecast(["slow"] * 3 + ["fast"] * 2, already_done=10, n_workers=2)
    assert forecast.now().seconds_left is None
    forecast.update("slow", 10.0)
    progress = forecast.update("fast", 1.0)
    assert (progress.done, progress.total) == (12, 15)
    assert progress.seconds_left == pytest.approx((2 * 10 + 1) / 2)


def test_image_too_small_to_corrupt_is_named():
    frame = Frame(7, read=lambda: np.zeros((40, 31, 3), np.uint8), file_name="small.jpg")
    corrupted_images, cell = MadeImages(), choose_cells(["contrast"], [2])[-1]
    words = "small.jpg is 31 x 40 px, but corruptions are defined from 32 x 32 px on"
    with pytest.raises(UserError, match=words):
        _ = corrupted_images.frame_in(frame, cell).image
    with pytest.raises(UserError, match=words):
        next(corrupted_images.images(frame, [cell]))
    assert corrupted_images.frame_in(frame, CLEAN).image.shape == (40, 31, 3)
