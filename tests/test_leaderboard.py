import json
import re

import pytest

from robustpose.corruptions.suites import COCO_C
from robustpose.errors import UserError
from robustpose.results.board_identity import tell_boards_apart
from robustpose.results.leaderboard import boards_to_json, read_boards
from robustpose.show.pages.leaderboard import render_leaderboard
from tests.test_entries import write_entry


def write_summary(path, name="net", clean=0.7, mpc=0.5, cells=None, **provenance):
    """Write a summary as bench does."""
    keys = [cell.key for cell in COCO_C.cells[1:]] if cells is None else cells
    path.parent.mkdir(parents=True, exist_ok=True)
    summary = {
        "metric": "AP",
        "clean": clean,
        "mPC": mpc if cells is None else None,
        "rPC": mpc / clean if cells is None else None,
        "groups": {},
        "corruptions": {"fog": mpc},
        "cells": dict.fromkeys(keys, mpc),
        "provenance": {
            "profile": "release",
            "seed": "release",
            "frost_textures": "original",
            "box_protocol": "gt",
            "dataset": {"name": "people.json", "n_images": 9, "annotations_sha256": "0" * 64},
            "estimator": {"name": name},
            "versions": {"robustpose": "0.1.0"},
            **provenance,
        },
    }
    path.write_text(json.dumps(summary))


def test_runs_are_sorted_by_mpc(tmp_path):
    for name, mpc in (("a", 0.3), ("b", 0.5), ("c", 0.4)):
        write_summary(tmp_path / name / "summary.json", name, mpc=mpc)
    boards, left_out = read_boards(tmp_path)
    assert [entry.name for entry in boards[0].entries] == ["b", "c", "a"]
    assert len(boards) == 1
    assert not left_out


@pytest.mark.parametrize(
    "other",
    [
        {"profile": "independent", "seed": 3},
        {"box_protocol": "clean-det"},
        {"frost_textures": "drawn"},
        {"dataset": {"name": "people.json", "n_images": 9, "annotations_sha256": "1" * 64}},
    ],
)
def test_what_was_measured_otherwise_is_on_another_board(tmp_path, other):
    write_summary(tmp_path / "a" / "summary.json")
    write_summary(tmp_path / "b" / "summary.json", **other)
    boards, _ = read_boards(tmp_path)
    assert [len(board.entries) for board in boards] == [1, 1]


@pytest.mark.parametrize(("digest", "n_boards"), [("a", 1), ("b", 2)])
def test_name_of_detections_makes_no_board_but_their_bytes_do(tmp_path, digest, n_boards):
    for name, of_boxes in (("one", "a"), ("other", digest)):
        boxes = {"boxes_file": f"{name}.json", "boxes_sha256": of_boxes}
        write_summary(tmp_path / name / "summary.json", dataset={"name": "people.json", "n_images": 9, **boxes})
    assert len(read_boards(tmp_path)[0]) == n_boards


def test_pck_is_one_metric_however_it_is_spelt_and_titles_say_which(tmp_path, run):
    metrics = ("pck", "pck:head_size@0.5", "pck:head_size@.50", "pck:box@0.2", "coco_ap")
    for number, metric in enumerate(metrics):
        dataset = {"name": "people.json", "n_images": 9, "annotations_sha256": "0" * 64, "metric": metric}
        write_summary(tmp_path / str(number) / "summary.json", dataset=dataset)
    boards, _ = read_boards(tmp_path)
    assert {board.data_name: len(board.entries) for board in boards} == {
        "people.json (pck:head_size@0.5)": 3,
        "people.json (pck:box@0.2)": 1,
        "people.json": 1,
    }
    code, output, _ = run("leaderboard", tmp_path)
    assert code == 0
    assert "AP in percent on people.json (pck:box@0.2), 9 images" in " ".join(output.split())


def test_incomplete_runs_are_kept_apart_and_come_last(tmp_path):
    write_summary(tmp_path / "part" / "summary.json", "part", cells=["fog/1"])
    write_summary(tmp_path / "whole" / "summary.json", "whole")
    boards, _ = read_boards(tmp_path)
    assert [(board.is_complete, board.entries[0].name) for board in boards] == [(True, "whole"), (False, "part")]


def test_other_files_are_ignored_and_damaged_summaries_are_named(tmp_path):
    write_summary(tmp_path / "collected" / "hrnet.json", "hrnet")
    (tmp_path / "notes.json").write_text("[1, 2]")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "summary.json").write_text("{")
    boards, left_out = read_boards(tmp_path)
    assert [entry.name for entry in boards[0].entries] == ["hrnet"]
    assert len(left_out) == 1
    assert "bad/summary.json" in left_out[0]


def test_folder_without_summaries_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"has no summary\.json"):
        read_boards(tmp_path)
    with pytest.raises(UserError, match="is no folder"):
        read_boards(tmp_path / "absent")


def test_command_writes_page_and_json(tmp_path, run):
    write_summary(tmp_path / "a" / "summary.json", "<b>bold</b>")
    code, output, _ = run("leaderboard", tmp_path, "--out", tmp_path / "out")
    assert code == 0
    assert "50.0" in output
    content = json.loads((tmp_path / "out" / "leaderboard.json").read_text())
    assert content["boards"][0]["entries"][0]["mPC"] == 0.5
    page = (tmp_path / "out" / "leaderboard.html").read_text()
    assert "&lt;b&gt;bold" in page
    assert "<b>bold" not in page


def test_board_shows_the_row_of_the_paper_that_a_run_names(tmp_path):
    write_summary(tmp_path / "a" / "summary.json", row={"name": "coco-c/table5/gridmask", "differences": []})
    write_summary(tmp_path / "b" / "summary.json", "advmix.pth")
    boards, _ = read_boards(tmp_path)
    assert [entry["row"] for entry in boards_to_json(boards)["boards"][0]["entries"]] == [
        "coco-c/table5/gridmask",
        None,
    ]
    assert 'title="coco-c/table5/gridmask">54.8</td>' in render_leaderboard(boards)


def test_its_own_json_is_no_summary(tmp_path, run):
    write_summary(tmp_path / "a" / "summary.json")
    assert run("leaderboard", tmp_path)[0] == 0
    boards, left_out = read_boards(tmp_path)
    assert len(boards[0].entries) == 1
    assert not left_out
    assert boards_to_json(boards)["boards"][0]["complete"] is True
    assert "<table>" in render_leaderboard(boards)


def test_runs_without_all_cells_are_beside_those_of_the_same_cells(tmp_path, run):
    for name, cells, mean in (("a", ["fog/3"], 0.3), ("b", ["fog/3"], 0.5), ("c", ["fog/1"], 0.6), ("d", [], 0.5)):
        write_summary(tmp_path / name / "summary.json", name, mpc=mean, cells=cells)
    path = tmp_path / "d/summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "corruptions": {}}))
    boards, _ = read_boards(tmp_path)
    assert [[entry.name for entry in board.entries] for board in boards] == [["b", "a"], ["c"], ["d"]]
    assert [board.covers for board in boards] == ["fog at 3", "fog at 1", "clean only"]
    assert boards_to_json(boards)["boards"][0]["entries"][0]["mean_of_chosen"] == 0.5
    assert [board.corruptions for board in boards] == [["fog"], ["fog"], []]
    assert "incomplete: fog at 3" in " ".join(run("leaderboard", tmp_path)[1].split())


def test_corrupted_sets_of_unknown_origin_are_alike_where_they_are_the_same(tmp_path):
    for name, digest in (("a", "1"), ("b", "2"), ("c", "2")):
        write_summary(tmp_path / name / "summary.json", profile="unknown", corrupted_images={"sha256": digest})
    assert sorted(len(board.entries) for board in read_boards(tmp_path)[0]) == [1, 2]


def test_entries_and_runs_are_on_one_board_and_a_run_counts_once(tmp_path, run):
    write_summary(tmp_path / "runs/a/summary.json", "hrnet.pth", mpc=0.4)
    summary = json.loads((tmp_path / "runs/a/summary.json").read_text())
    (tmp_path / "runs/a/report.html").write_text('<meta name="generator" content="robustpose report">')
    entry = {
        "entry": 1,
        "model": {"name": "hrnet.pth", "parameters": 28_500_000, "input": "192x256"},
        "links": {"paper": "https://example.org/a.pdf", "code": "gone.html"},
        **{key: summary[key] for key in ("metric",)},
        "suite": COCO_C.identity,
        "data": {"images": 9, **summary["provenance"]["dataset"]},
        "setup": {key: summary["provenance"][key] for key in ("profile", "seed", "frost_textures", "box_protocol")},
        "scores": {key: summary[key] for key in ("clean", "cells")},
        "warnings": ["it may be wrong"],
    }
    (tmp_path / "net.json").write_text(json.dumps(entry))
    entry["scores"] = {"clean": 0.8, "cells": dict.fromkeys(summary["cells"], 0.6)}
    (tmp_path / "better.json").write_text(json.dumps({**entry, "model": {"name": "better"}}))
    (tmp_path / "wrong.json").write_text(json.dumps({**entry, "metric": "PCKh", "data": {"name": "x", "images": 0}}))
    (tmp_path / "huge.json").write_text('{"entry": 1, "x": "' + "x" * (5 << 20) + '"}')
    boards, left_out = read_boards(tmp_path, {"runs/a": "Mine"})
    assert [[entry.name for entry in board.entries] for board in boards] == [["better", "Mine"]]
    mine = boards[0].entries[1]
    assert mine.links == {"report": "runs/a/report.html", "paper": "https://example.org/a.pdf"}
    assert mine.values("headline")["mPC"] == pytest.approx(0.4)
    for words in ("links.code leads to no file", "huge.json: it has", "data.images must be at least 1", "links.code"):
        assert any(words in line for line in left_out)
    code, _, errors = run("leaderboard", tmp_path)
    assert code == 0
    assert "warning: hrnet.pth (net.json): it may be wrong" in errors


def test_links_lead_from_the_page_to_reports_and_copies_make_a_site(tmp_path, run):
    name = "a b#c"
    write_summary(tmp_path / f"runs/{name}/summary.json", "net")
    report = tmp_path / f"runs/{name}/report.html"
    report.write_text('<meta name="generator" content="robustpose report">')
    page = tmp_path / "board/leaderboard.html"
    assert run("leaderboard", tmp_path / "runs", "--out", page.parent)[0] == 0
    assert 'href="../runs/a%20b%23c/report.html"' in page.read_text()
    assert run("leaderboard", tmp_path / "runs", "--out", page.parent, "--copy-reports")[0] == 0
    assert 'href="a%20b%23c/report.html"' in page.read_text()
    copy = page.parent / name / "report.html"
    assert copy.read_bytes() == report.read_bytes()
    copy.write_text("mine")
    code, _, errors = run("leaderboard", tmp_path / "runs", "--out", page.parent, "--copy-reports")
    assert code == 2
    assert "choose another --out" in errors


def test_nothing_outside_the_folder_and_no_other_file_than_a_report_is_linked_or_copied(tmp_path, run):
    (tmp_path / "secret.html").write_text("secret")
    folder = tmp_path / "entries"
    write_entry(
        folder / "net.json", links={"a": "../secret.html", "b": "..%2Fsecret.html", "c": "c.pdf", "d": "d.html"}
    )
    (folder / "c.pdf").write_text("a paper")
    (folder / "d.html").symlink_to(tmp_path / "secret.html")
    site = tmp_path / "site"
    code, _, errors = run("leaderboard", folder, "--out", site, "--copy-reports")
    assert code == 0
    assert errors.count("leads out of the folder") == 3
    assert "links.c is no page of robustpose report, and not copied" in errors
    assert sorted(path.name for path in site.iterdir()) == ["leaderboard.html", "leaderboard.json"]
    assert run("leaderboard", folder, "--out", site)[0] == 0
    assert re.findall('<a href="(?!#)([^"]*)"', (site / "leaderboard.html").read_text()) == ["../entries/c.pdf"]


def test_entries_that_say_only_how_many_images_they_used_are_on_boards_by_that(tmp_path):
    for name, n_images in (("a", 161), ("b", 161), ("c", 5), ("d", 1)):
        entry = write_entry(tmp_path / f"{name}.json", name)
        data = {"name": "people.json", "images": n_images, "metric": "coco_ap"}
        (tmp_path / f"{name}.json").write_text(json.dumps({**entry, "data": data}))
    boards = boards_to_json(read_boards(tmp_path)[0])["boards"]
    assert [(board["images"], len(board["entries"])) for board in boards] == [(161, 2), (1, 1), (5, 1)]


@pytest.mark.parametrize(
    "unknown",
    [
        {"box_protocol": "clean-det"},
        {"box_protocol": "corrupt-det"},
        {"dataset": {"name": "people.json"}},
        {"cells": ["my.module:rain/3"]},
    ],
)
def test_what_nobody_says_is_on_a_board_alone_and_the_title_says_so(tmp_path, unknown):
    for name in "ab":
        write_summary(tmp_path / name / "summary.json", name, **unknown)
        path = tmp_path / name / "summary.json"
        summary = json.loads(path.read_text())
        names = {key.rpartition("/")[0] for key in summary["cells"]}
        path.write_text(json.dumps({**summary, "corruptions": dict.fromkeys(names, 0.5)}))
    boards, _ = read_boards(tmp_path)
    assert [len(board.entries) for board in boards] == [1, 1]
    assert all("unknown, those of " in words for words in map(" ".join, tell_boards_apart(boards)))


def test_detected_boxes_that_are_known_and_alike_are_on_one_board(tmp_path):
    dataset = {"name": "people.json", "n_images": 9, "boxes_sha256": "0" * 64}
    for name in "ab":
        write_summary(tmp_path / name / "summary.json", name, box_protocol="clean-det", dataset=dataset)
    assert [len(board.entries) for board in read_boards(tmp_path)[0]] == [2]


@pytest.mark.parametrize("changes", [{"resamples": 1}, {"resamples": 39}, {"n_images": 1}])
def test_intervals_that_say_nothing_are_not_shown(tmp_path, changes):
    write_summary(tmp_path / "summary.json")
    summary = json.loads((tmp_path / "summary.json").read_text())
    summary["intervals"] = {"level": 0.95, "resamples": changes.get("resamples", 1000), "mPC": [0.5, 0.5]}
    summary["provenance"]["dataset"]["n_images"] = changes.get("n_images", 9)
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    assert read_boards(tmp_path)[0][0].entries[0].rows["headline"][1].interval is None


@pytest.mark.parametrize("version", ["1", 1.0, True, None, 2])
def test_an_entry_of_another_form_is_left_out_with_a_line(tmp_path, version):
    write_entry(tmp_path / "good.json", "good")
    entry = write_entry(tmp_path / "other.json", "other")
    entry = {**entry, "entry": version} if version is not None else {k: v for k, v in entry.items() if k != "entry"}
    (tmp_path / "other.json").write_text(json.dumps(entry))
    boards, left_out = read_boards(tmp_path)
    assert [entry.name for board in boards for entry in board.entries] == ["good"]
    assert len(left_out) == 1
    assert f"{tmp_path / 'other.json'}: its form has version" in left_out[0]


@pytest.mark.parametrize("words", [("--out", "board"), (), ("--quiet",)])
def test_options_may_stand_before_the_folder(tmp_path, run, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    write_summary(tmp_path / "runs/a/summary.json")
    assert run("leaderboard", *words, "runs")[0] == 0
    assert run("leaderboard", "build", *words, "runs")[0] == 0
