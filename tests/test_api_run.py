import builtins
import json
import pickle
import shutil
import sys

import pytest

import robustpose
from robustpose.corruptions.suites import HELD_OUT
from robustpose.data.coco import read_coco
from robustpose.errors import UserError
from robustpose.results.summary import read_summary
from tests.runs import files_of
from tests.summaries import write_run


@pytest.fixture(scope="module")
def finished(finished_run):
    """The run of `finished_run`."""
    return robustpose.load_run(str(finished_run))


def test_run_says_what_its_summary_says(finished, finished_run):
    summary = read_summary(finished_run)
    assert (finished.clean, finished.cells, finished.corruptions) == (
        summary["clean"],
        summary["cells"],
        summary["corruptions"],
    )
    assert finished.interval("contrast/4") == tuple(summary["intervals"]["cells"]["contrast/4"])
    assert finished.interval("clean") == tuple(summary["intervals"]["clean"])
    assert finished.score("contrast") == summary["corruptions"]["contrast"]
    assert finished.metric == "AP"
    assert finished.slices[0].keys() >= {"kind", "name", "n_people", "clean"}
    assert len(finished.joints) == 17
    assert finished.report() == finished_run / "report.html"


def test_scores_have_the_names_that_gates_have(finished):
    for name in ("Clean", "AP*", "ap", " clean "):
        assert finished.interval(name) == finished.interval("clean")
        assert finished.score(name) == finished.clean
    assert finished.score("mean_of_chosen") == finished.summary["mean_of_chosen"]
    low, high = finished.interval("mean_of_chosen")
    assert low <= finished.score("mean_of_chosen") <= high
    assert finished.score("CONTRAST/4") == finished.cells["contrast/4"]
    difference = robustpose.compare(finished, finished, names=["a", "b"]).difference
    assert difference("Clean") == difference("AP*") == difference("clean")
    assert [one.name for one in finished.check({"AP": 0, "Contrast": 0})] == ["AP*", "contrast"]


def test_folders_in_messages_are_whole_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trained").mkdir()
    (tmp_path / "trained" / "settings.yaml").touch()
    with pytest.raises(UserError, match=rf"^{tmp_path}/nope is not there: name a run folder$"):
        robustpose.load_run("nope")
    with pytest.raises(UserError, match=rf"^{tmp_path}/trained has no summary.json: it is the folder of a training: "):
        robustpose.load_run("trained")
    with pytest.raises(UserError, match=r"no name of one has a null character: got '\\x00x'"):
        robustpose.load_run("\0x")


def test_mean_of_a_part_of_the_cells_is_none(finished):
    assert (finished.mPC, finished.rPC, finished.mean, finished.ratio, finished.groups) == (None,) * 4 + ({},)
    assert finished.interval("mPC") is None
    assert "mPC –" in repr(finished)


def test_notebook_shows_the_mean_of_what_there_is_and_a_link_to_the_page(finished):
    page = finished._repr_html_()
    assert finished.verdict in page
    assert f"The mean of these is {100 * finished.summary['mean_of_chosen']:.1f} [" in page
    assert f'<a href="{finished.report().resolve().as_uri()}"' in page


def test_mean_has_the_name_of_its_suite(tmp_path):
    run = robustpose.load_run(write_run(tmp_path / "run", suite=HELD_OUT, cells=HELD_OUT.cells))
    assert run.mPH == run.mean == run.score("mean") is not None
    assert {"mPH", "rPH", "clean", "worst"} <= set(dir(run))
    with pytest.raises(AttributeError, match="suite held-out, whose mean and ratio are mPH and rPH: it has no mPC"):
        _ = run.mPC
    with pytest.raises(AttributeError, match="'Run' has no attribute 'mpc'"):
        _ = run.mpc


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fgo", r"this run has no 'fgo'"),
        ("frost", "this run has no 'frost': it has clean, mPC, rPC, gaussian_noise, contrast, "),
        ("contrast/3", "this run has no 'contrast/3'"),
        (3, "a number is asked for by its name, such as 'mPC' or 'fog/3', got int"),
    ],
)
def test_number_that_the_run_has_not_is_one_line(finished, name, message):
    with pytest.raises(UserError, match=message):
        finished.interval(name)


def test_records_are_all_numbers_and_pandas_takes_them(finished):
    records = finished.to_records()
    assert [record["kind"] for record in records] == ["headline"] * 3 + ["corruption"] * 2 + ["cell"] * 4
    last = records[-1]
    assert (last["corruption"], last["severity"], last["group"]) == ("contrast", 4, "digital")
    assert (last["value"], last["low"]) == (finished.score("contrast/4"), finished.interval("contrast/4")[0])
    frame = finished.to_frame()
    assert frame.set_index("name").loc["contrast/4", "severity"] == 4
    assert frame.query("kind == 'cell'")["value"].mean() == pytest.approx(sum(finished.cells.values()) / 4)


def test_without_pandas_the_table_says_what_to_install(finished, monkeypatch):
    load = builtins.__import__

    def refuse(name, *rest):
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name="pandas")
        return load(name, *rest)

    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UserError, match=r"pip install pandas; to_records\(\) needs nothing"):
        finished.to_frame()


def test_worst_images_lose_most_in_the_cell_where_they_lose_most(finished, coco_folder):
    worst = finished.worst(2)
    assert [one["loss"] for one in worst] == sorted((one["loss"] for one in finished.worst(100)), reverse=True)[:2]
    assert all(one["loss"] == one["clean"] - one["corrupted"] > 0 for one in worst)
    assert {one["cell"] for one in worst} <= set(finished.cells)
    assert [one["image"] for one in worst] == [None, None]  # the run does not note where its data are
    listed = json.loads((coco_folder / "people.json").read_text())["images"]
    dataset = read_coco(coco_folder / "people.json", coco_folder / "images")
    named = robustpose.Run(finished.folder, lambda: dataset).worst(2)
    assert [one["image"] for one in named] == [listed[one["index"]]["file_name"] for one in worst]
    with pytest.raises(UserError, match="n= must be a whole number of at least 1, got 0"):
        finished.worst(0)


def test_pickled_run_is_the_same(finished):
    again = pickle.loads(pickle.dumps(finished))
    assert (again.summary, again.folder, again.worst(1)) == (finished.summary, finished.folder, finished.worst(1))


def test_saved_run_is_whole_and_does_not_overwrite(finished, tmp_path):
    saved = finished.save(tmp_path / "kept")
    assert files_of(saved.folder) == files_of(finished.folder)
    assert saved.folder == tmp_path / "kept"
    with pytest.raises(UserError, match="kept is not empty"):
        finished.save(tmp_path / "kept")
    with pytest.raises(UserError, match="inside is in the run's own folder"):
        saved.save(tmp_path / "kept/inside")


def test_run_whose_folder_is_gone_keeps_its_numbers_and_says_so(finished, tmp_path):
    saved = finished.save(tmp_path / "kept")
    shutil.rmtree(saved.folder)
    assert saved.clean == finished.clean
    uses = (
        saved.report,
        saved.worst,
        lambda: saved.save(tmp_path / "other"),
        lambda: robustpose.compare(saved, finished),
    )
    for use in uses:
        with pytest.raises(UserError, match="kept is not there any more: this run has its numbers, and no files"):
            use()
    assert not (tmp_path / "kept").exists()
    assert not (tmp_path / "other").exists()


def test_page_that_is_gone_is_written_again(finished, tmp_path):
    saved = finished.save(tmp_path / "kept")
    (saved.folder / "report.html").unlink()
    assert saved.report().is_file()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "has no summary.json: it is no run folder"),
        (["run.json"], "has no summary.json: its bench has not finished"),
        (["run.json", "preview.json"], "has no summary.json: it holds a preview"),
        (["summary.json"], "lacks cells, clean"),
    ],
)
def test_folder_without_a_finished_run_says_what_it_is(files, message, tmp_path):
    for name in files:
        (tmp_path / name).write_text("{}")
    with pytest.raises(UserError, match=message):
        robustpose.load_run(tmp_path)


def test_place_that_is_no_folder_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    for place, message in ((tmp_path / "none", "none is not there"), (tmp_path / "file", "file is no folder")):
        with pytest.raises(UserError, match=message):
            robustpose.load_run(place)
    with pytest.raises(UserError, match="load_run takes the path of a folder, got dict"):
        robustpose.load_run({})


def test_page_of_a_notebook_has_the_scores_and_nothing_of_a_file_acts(finished):
    finished = pickle.loads(pickle.dumps(finished))
    finished.summary["provenance"]["estimator"]["name"] = "<script>alert(1)</script>"
    finished.summary["warnings"] = ["<b>doubt</b>"]
    page = finished._repr_html_()
    assert "contrast" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "&lt;b&gt;doubt" in page


def test_run_that_somebody_has_gone_on_with_is_not_taken_for_the_new_one(finished, tmp_path):
    old, new = finished.save(tmp_path / "kept"), finished.save(tmp_path / "other")
    summary = json.loads((old.folder / "summary.json").read_text())
    (old.folder / "summary.json").write_text(json.dumps({"name": "new", **summary}))
    uses = (
        old.report,
        old.worst,
        lambda: old.save(tmp_path / "copy"),
        lambda: robustpose.compare(new, old),
        lambda: pickle.loads(pickle.dumps(old)).worst(),
    )
    line = (
        f"the run in {tmp_path}/kept has changed since this object was made: robustpose.load_run\\('{tmp_path}/kept'\\)"
    )
    for use in uses:
        with pytest.raises(UserError, match=line):
            use()
    assert not (tmp_path / "copy").exists()
    assert old.clean == new.clean
    assert robustpose.load_run(old.folder).name == "new"
    assert robustpose.compare(old.folder, new).names[0] == "new"
    (old.folder / "summary.json").unlink()  # as while it grows
    with pytest.raises(UserError, match=line):
        old.worst()


def test_folder_stays_the_same_wherever_the_program_goes(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(finished.folder.parent)
    run = robustpose.load_run(finished.folder.name)
    monkeypatch.chdir(tmp_path)
    assert run.worst() == finished.worst()
    assert run.save("kept").folder == tmp_path / "kept"
