import json
import shutil
import sys
from pathlib import Path

import pytest

from robustpose.corruptions.suites import COCO_C
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.results_json import write_results
from robustpose.results.inputs import Inputs, write_inputs
from robustpose.results.summary import summarize

pytestmark = pytest.mark.filterwarnings("always:some cells have no images", "always:the page has no gallery")
PLAIN = ["--model", "tests.outside:guess_from_pixels", "--severities", "3", "--workers", "1", "--resamples", "40"]


@pytest.fixture(scope="module")
def benched(tmp_path_factory, coco_folder):
    """The folder of a run under contrast and somebody's own corruption, made by the command."""
    from robustpose.cli import main

    out = tmp_path_factory.mktemp("pictures") / "run"
    data = ["--annotations", str(coco_folder / "people.json"), "--images", str(coco_folder / "images"), "--limit", "4"]
    with pytest.raises(SystemExit) as end:
        main(["bench", *PLAIN, *data, "--corruptions", "contrast,tests.outside:darken", "--out", str(out)])
    assert not end.value.code
    return out


@pytest.fixture
def copy(benched, tmp_path):
    return Path(shutil.copytree(benched, tmp_path / "run"))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Figures are composed, and not rendered."""
    monkeypatch.setattr(
        "robustpose.show.figures.written.save_figure",
        lambda figure, out, name: [out / f"{name}.pdf", out / f"{name}.png"],
    )
    monkeypatch.setattr("robustpose.show.figures.write.draw_severity_grid", lambda frame, source, cells: None)


@pytest.fixture
def named(coco_folder):
    return ["--annotations", coco_folder / "people.json", "--images", coco_folder / "images"]


@pytest.fixture
def stranger(monkeypatch, tmp_path):
    """Be somebody else, who did not make the runs."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another"))


def gallery_of(folder):
    """Return the gallery of a run's page; None where it has none."""
    page = (folder / "report.html").read_text()
    _, found, rest = page.partition('id="data-gallery">')
    return json.loads(rest.partition("</script>")[0]) if found else None


def cells_with_pictures(folder):
    gallery = gallery_of(folder)
    return {gallery["cells"][int(key.split()[1])] for key in gallery["corrupted"]}


def test_bench_then_report_shows_pictures_without_any_option(run, copy):
    before = gallery_of(copy)
    code, _, errors = run("report", copy, "--corruptions", "tests.outside:darken")
    assert (code, errors) == (0, "")
    assert gallery_of(copy) == before
    assert cells_with_pictures(copy) == {"contrast/3", "tests.outside:darken/3"}


def test_own_corruption_is_run_for_pictures_only_if_it_is_named_again(run, copy, monkeypatch):
    monkeypatch.setattr("tests.outside.darken", None)
    code, _, errors = run("report", copy)
    reason = (
        "'tests.outside:darken' is code, and code that a run folder names is not run: name it again "
        "(--corruptions tests.outside:darken)"
    )
    assert (code, errors) == (0, f"warning: some cells have no images on the page: {reason}\n")
    assert cells_with_pictures(copy) == {"contrast/3"}
    assert reason in (copy / "report.html").read_text().replace("&#39;", "'")


@pytest.mark.parametrize("command", ["report", "score", "figures"])
def test_files_that_a_strangers_folder_names_are_not_opened(run, copy, stranger, named, tmp_path, command):
    out = ["--out", tmp_path / "figures"] if command == "figures" else []
    code, output, errors = run(command, copy, *out, *(["--without-images"] if command == "report" else []))
    assert "was not made by you on this machine, and names files outside it, " in errors + output
    assert code == (2 if command == "score" else 0)
    if command == "report":
        assert gallery_of(copy) is None
    more = ["--limit", 4] if command == "score" else []
    for allowed in (["--trust"], [*named, *more]):
        code, output, errors = run(command, copy, *out, *allowed, "--corruptions", "tests.outside:darken")
        assert code == 0, errors
        assert "warning" not in errors
        assert "was not made by you" not in output
        if command != "figures":
            assert cells_with_pictures(copy) == {"contrast/3", "tests.outside:darken/3"}


def test_note_that_was_changed_is_a_strangers(run, copy, coco_folder):
    note = json.loads((copy / "inputs.json").read_text())
    note["data"]["images"] = str(coco_folder)
    (copy / "inputs.json").write_text(json.dumps(note))
    assert "was not made by you on this machine" in run("report", copy)[2]


def test_corrupted_sets_that_a_strangers_folder_names_are_not_opened(run, copy, named, stranger, tmp_path):
    note = json.loads((copy / "inputs.json").read_text())
    note["corrupted_images"] = {"corrupted_root": str(tmp_path / "elsewhere")}
    (copy / "inputs.json").write_text(json.dumps(note))
    code, _, errors = run("report", copy, *named, "--without-images")
    assert code == 0
    assert f"its corrupted images need files outside it, {tmp_path}/elsewhere: say --trust" in errors
    assert cells_with_pictures(copy) == set()


@pytest.mark.parametrize("place", ["/proc/1/nowhere", "/dev/null"])
def test_without_a_place_for_a_key_only_trust_is_lost(run, copy, monkeypatch, named, place):
    monkeypatch.setenv("XDG_CONFIG_HOME", place)
    words = [*PLAIN, *named, "--limit", 4, "--corruptions", "contrast,tests.outside:darken", "--out", copy]
    assert run("bench", *words)[0] == 0
    assert "seal" not in json.loads((copy / "inputs.json").read_text())
    assert "was not made by you on this machine" in run("report", copy)[2]


EVIL = "evil_for_pictures"


@pytest.fixture
def evil(tmp_path, monkeypatch):
    """A function that tells whether a module was imported; every name in a run folder can lead to it."""
    (tmp_path / f"{EVIL}.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'imported')!r})\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return lambda: (tmp_path / "imported").exists() or EVIL in sys.modules


def make_hostile(folder, coco_folder, cells, metric="AP", **names):
    """Write a run folder that has a name of code wherever there is a name."""
    from robustpose.data.coco import read_coco

    dataset = read_coco(coco_folder / "people.json", coco_folder / "images")
    go = f"{EVIL}:go"
    provenance = {
        "dataset": {**dataset.provenance, "metric": "coco_ap"},
        "estimator": {"name": go, "kind": go},
        "profile": go,
        "seed": 5,
        "frost_textures": go,
        "box_protocol": go,
        "row": {"name": go, "differences": [go]},
        "versions": {"robustpose": go},
        **names,
    }
    folder.mkdir()
    summary = summarize(metric, {cell: {metric: 0.5} for cell in cells}, cells, provenance)
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "run.json").write_text(json.dumps(provenance))
    (folder / "predictions").mkdir()
    for cell in cells:
        write_results(folder / f"predictions/{cell.file_stem}.json", [])
    return folder


ALL_COMMANDS = [["report"], ["score"], ["figures", "--out", "figures"], ["leaderboard"], ["compare"]]


@pytest.mark.parametrize("command", ALL_COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("kind", ["cell", "metric", "whole suite"])
def test_no_command_on_finished_runs_imports_what_they_name(run, evil, tmp_path, coco_folder, named, command, kind):
    own = [Cell(f"{EVIL}:go", 1), Cell(f"{EVIL}:other.go", 1)]
    cells = [CLEAN, *own] if kind == "cell" else [*COCO_C.cells] if kind == "whole suite" else [CLEAN, Cell("fog", 1)]
    metric = f"{EVIL}:metric" if kind == "metric" else "AP"
    folder = make_hostile(tmp_path / "run", coco_folder, cells, metric)
    runs = [folder, folder] if command[0] == "compare" else [folder.parent if command[0] == "leaderboard" else folder]
    takes_data = command[0] in ("report", "score", "figures")
    for words in ([], named, ["--trust"]) if takes_data and kind != "whole suite" else ([],):
        code, output, errors = run(command[0], *runs, *command[1:], *words)
        assert code in (0, 2), errors
        assert "internal error" not in errors
        assert not evil(), (output, errors)


@pytest.mark.parametrize("field", ["name", "metric"])
@pytest.mark.parametrize("command", ALL_COMMANDS[:3], ids=lambda words: words[0])
def test_note_of_this_very_user_names_no_code_either(run, evil, tmp_path, coco_folder, command, field):
    from robustpose.data.spec import DataSpec

    folder = make_hostile(tmp_path / "run", coco_folder, [CLEAN, Cell("fog", 1)])
    data = DataSpec(name=f"{EVIL}:go") if field == "name" else DataSpec(name="toy", metric=f"{EVIL}:go")
    write_inputs(folder, Inputs(data=data))
    for words in ([], ["--trust"]):
        code, output, errors = run(command[0], folder, *command[1:], *words)
        assert code == (2 if command[0] == "score" else 0)
        assert f"names code as its data, {EVIL}:go, and code that a run folder names is not run" in output + errors
        assert not evil()


def test_own_corruption_that_changed_since_makes_no_pictures(run, copy):
    path = copy / "summary.json"
    summary = json.loads(path.read_text())
    summary["provenance"]["corruption_code"]["tests.outside:darken"]["tests/outside.py"] = "0" * 64
    path.write_text(json.dumps(summary))
    code, _, errors = run("report", copy, "--corruptions", "tests.outside:darken")
    assert code == 0
    assert "tests/outside.py of 'tests.outside:darken' changed since it was benched" in errors
    assert cells_with_pictures(copy) == {"contrast/3"}
