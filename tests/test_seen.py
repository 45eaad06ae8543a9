"""Seen: a training refuses what suites test unless it is told, its weights say what they have seen, results mark it."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from robustpose import models
from robustpose.api.run import load_run
from robustpose.corruptions.suites import COCO_C, SUITES
from robustpose.data.corrupted_set import find_corruptions
from robustpose.errors import UserError
from robustpose.estimators.in_memory import prepare
from robustpose.models.input_spec import InputSpec
from robustpose.models.weights import read_input_spec, save_weights
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.skeletons import COCO
from robustpose.results.about import About
from robustpose.results.doubts import is_fact
from robustpose.results.entries import summarize_entry
from robustpose.results.findings import judge_claims
from robustpose.results.measurement import measure_run
from robustpose.results.published import published_rows
from robustpose.results.recipe import compare_with_published, make_recipe
from robustpose.results.rows import list_rows
from robustpose.results.seen import SEEN_BY_TRAINING, read_seen, seen_by_row, seen_in_run, tell_seen_apart
from robustpose.results.summary import summarize
from robustpose.results.summary_model import check_summary
from robustpose.results.unseen import row_of_unseen, tell_unseen
from robustpose.show.pages.report import render
from robustpose.train.from_memory import read_network, write_start
from robustpose.train.loop import train
from robustpose.train.rows import get_training
from robustpose.train.seen import OF_PAPER, check_unseen, gather_seen, list_seen, note_seen, note_unknown
from robustpose.train.settings import TrainSettings, make_settings
from robustpose.train.strategies import STRATEGIES, Strategy
from robustpose.train.views.table import VIEWS
from tests.test_verdict import make_run

TRANSFER = VIEWS["corrupted"].seen
SHOWN = "gaussian_noise, defocus_blur, snow, contrast"


def settings_of(strategy: str = "supervised", **changes: Any) -> TrainSettings:
    """Return settings of the smallest network on drawn people."""
    two = {"name": "toy", "n_images": 2}
    values = {"model": "small", "input_wh": [32, 64], "train_data": two, "val_data": two, "strategy": strategy}
    if STRATEGIES[strategy].distils if strategy in STRATEGIES else True:
        changes = {"start_from": "demo", **changes}
    return make_settings(values | changes)


def write_weights(path: Path, seen: tuple[str, ...] | None) -> Path:
    save_weights(models.build("small", 17), InputSpec("small", (32, 64), COCO.joints, seen=seen), path)
    return path


def make_seen_run(seen: list[str] | None, **changes: Any) -> dict[str, Any]:
    """Return the summary of a run whose network says what it has seen."""
    summary = make_run(**changes)
    provenance = {
        **summary["provenance"],
        "estimator": {"name": "net"} if seen is None else {"name": "net", "seen": seen},
    }
    cells = [CLEAN, *map(Cell.from_key, summary["cells"])]
    figures = {cell: {"AP": summary["clean"] if cell == CLEAN else summary["cells"][cell.key]} for cell in cells}
    return summarize("AP", figures, cells, provenance, suite=COCO_C)


# The check at training


def test_named_view_that_a_suite_tests_is_refused_unless_it_is_told() -> None:
    views = ["clean", "corrupted"]
    with pytest.raises(UserError) as error:
        check_unseen(settings_of("equalmix", mixing={"views": views}))
    line = str(error.value)
    assert f"view 'corrupted' shows the network what coco-c tests ({SHOWN})" in line
    assert "--set mixing.unseen=coco-c,held-out" in line
    assert "--set mixing.unseen=none" in line
    for unseen in ("none", "held-out", [], ["none"], "fog,saturate"):
        check_unseen(settings_of("equalmix", mixing={"views": views, "unseen": unseen}))
    with pytest.raises(UserError, match=r"what coco-c tests \(gaussian_noise"):
        check_unseen(settings_of("equalmix", mixing={"views": views, "unseen": "held-out, coco-c"}))
    with pytest.raises(UserError, match="view 'corrupted' shows the network snow:"):
        check_unseen(settings_of("equalmix", mixing={"views": views, "unseen": "fog,snow"}))


@pytest.mark.parametrize("unseen", ["coco", "coco-c,none", ["fogg"]])
def test_unseen_that_names_neither_a_suite_nor_a_corruption_is_refused(unseen: Any) -> None:
    with pytest.raises(UserError, match=r"mixing\.unseen must be suites \(coco-c, .*did you mean"):
        settings_of(mixing={"unseen": unseen})


def test_strategies_of_the_paper_are_never_refused_and_tell_what_they_show() -> None:
    assert set(OF_PAPER) <= set(STRATEGIES)
    for strategy in STRATEGIES:
        check_unseen(settings_of(strategy))
    note = note_seen(settings_of("transfer"))
    assert note.startswith(f"strategy 'transfer' shows the network what coco-c tests ({SHOWN})")
    assert note.endswith("results of this network mark these as seen")
    for unseen in ("held-out", "none"):  # results mark them all the same
        assert note_seen(settings_of("transfer", mixing={"unseen": unseen})) == note
        told = note_seen(settings_of("equalmix", mixing={"views": ["clean", "corrupted"], "unseen": unseen}))
        assert told == note.replace("strategy 'transfer'", "view 'corrupted'")
    assert not note_seen(settings_of("supervised"))
    with pytest.raises(UserError, match="view 'corrupted'"):  # which was not asked for by its name
        check_unseen(settings_of("supervised", mixing={"views": ["corrupted"]}))


OWN = Strategy("mine", ("clean", "corrupted"), "robustpose.train.mixing:EqualMix")


def test_strategy_of_ones_own_is_checked_and_a_mixer_gets_the_papers_views() -> None:
    with pytest.raises(UserError, match="view 'corrupted' shows the network what coco-c tests"):
        check_unseen(settings_of(f"{__name__}:OWN"))
    check_unseen(settings_of(f"{__name__}:OWN", mixing={"unseen": "held-out"}))
    check_unseen(settings_of("tests.outside_network:half"))


def test_trainings_of_the_paper_are_known_to_have_seen_what_their_views_show() -> None:
    assert SEEN_BY_TRAINING["Transfer"] == TRANSFER
    for row in published_rows():
        assert SEEN_BY_TRAINING[row.training] == list_seen(STRATEGIES[get_training(row).strategy].views), row.training
        assert seen_by_row(row) == (TRANSFER if row.training == "Transfer" else ())  # of what the paper measures


@pytest.mark.parametrize(("training", "n_seen"), [("Standard", 0), ("AutoAugment", 0), ("Grid-Mask", 1), ("AdvMix", 1)])
def test_official_networks_are_marked_on_other_suites_as_ones_own_are(training: str, n_seen: int) -> None:
    row = next(row for row in published_rows() if row.training == training)
    summary = make_run()
    summary["provenance"]["row"] = {"name": row.name}
    assert seen_in_run(summary) == ()  # of coco-c
    scores = dict.fromkeys(SUITES["c-bar"].corruptions, 0.5)
    assert seen_in_run({**summary, "corruptions": scores}) == ("checkerboard_cutout",)[:n_seen]


def test_corrupted_view_that_leaves_all_crops_clean_shows_nothing() -> None:
    none = {"corrupted_share": 0}
    assert gather_seen(settings_of("transfer", mixing=none)) == ()
    assert not note_seen(settings_of("transfer", mixing=none))
    check_unseen(settings_of("equalmix", mixing={**none, "views": ["clean", "corrupted"]}))
    assert gather_seen(settings_of("transfer", mixing={"corrupted_share": 1e-6})) == TRANSFER


def test_order_of_views_makes_no_difference_to_the_check() -> None:
    for views in (["clean", "autoaugment", "gridmask"], ["clean", "gridmask", "autoaugment"]):
        check_unseen(settings_of("equalmix", mixing={"views": views}))


def write_set(root: Path, layout: str = "release") -> Path:
    """Write the manifest of a corrupted set of fog at two severities and snow at one, and its folders."""
    cells = ["fog/2", "fog/3", "snow/1"]
    content = {"layout": layout, "format": "png", "complete": True, "cells": cells}
    root.mkdir()
    (root / "manifest.json").write_text(json.dumps(content))
    for folder in ("fog/1", "fog/2", "snow/0") if layout == "release" else ("fog-2", "fog-3", "snow-1"):
        (root / folder).mkdir(parents=True)
    return root


def test_manifest_tells_which_corruptions_images_of_a_folder_are_under(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set")
    assert find_corruptions(root) == ("fog", "snow")
    assert find_corruptions(root / "fog") == find_corruptions(root / "fog/1") == ("fog",)
    assert find_corruptions(write_set(tmp_path / "plain", "plain") / "snow-1") == ("snow",)
    assert find_corruptions(tmp_path) == ()
    (tmp_path / "manifest.json").write_text('{"files": 3}')  # of something else
    assert find_corruptions(tmp_path) == ()


def test_images_that_are_learned_from_count_as_seen(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set")
    data = {"annotations": tmp_path / "a.json", "images": root / "fog/1"}
    for train_data, seen in ((data, ["fog"]), ({**data, "images": tmp_path, "style_images": root}, ["fog", "snow"])):
        settings = settings_of(train_data=train_data)
        with pytest.raises(UserError, match=rf"^train_data shows the network what coco-c tests \({', '.join(seen)}\)"):
            check_unseen(settings)
        assert gather_seen(settings) == tuple(seen)
    only = {**data, "style_images": tmp_path, "stylized": "only"}
    check_unseen(settings_of(train_data=only))


# What weights say


def test_weights_say_what_was_seen_and_older_ones_say_nothing(tmp_path: Path) -> None:
    for seen in (("fog", "mask"), (), None):
        found = read_input_spec(write_weights(tmp_path / "a.safetensors", seen))
        assert found is not None
        assert found.seen == seen
    assert b"seen" not in (tmp_path / "a.safetensors").read_bytes()  # as before there was anything to say


VIEWS_OF = {name: STRATEGIES[name].views for name in ("supervised", "transfer")}


@pytest.mark.parametrize(
    ("strategy", "before", "expected"),
    [
        ("supervised", None, None),  # unknown is not nothing
        ("supervised", (), ()),
        ("supervised", ("fog",), ("fog",)),
        ("transfer", None, (*TRANSFER, "what before.safetensors had seen")),
        ("transfer", ("what a.pth had seen",), (*TRANSFER, "what a.pth had seen")),
        ("transfer", ("fog", "snow"), (*TRANSFER, "fog")),
    ],
)
def test_fine_tuning_inherits_what_its_weights_have_seen(
    strategy: str, before: tuple[str, ...] | None, expected: tuple[str, ...] | None, tmp_path: Path
) -> None:
    path = write_weights(tmp_path / "before.safetensors", before)
    assert gather_seen(settings_of(strategy, start_from=path)) == expected
    trunk = gather_seen(settings_of(strategy, backbone=path))
    assert trunk == (expected if before is not None else list_seen(VIEWS_OF[strategy]))


def test_demo_network_has_seen_nothing() -> None:
    assert gather_seen(settings_of("transfer", start_from="demo")) == TRANSFER
    assert gather_seen(settings_of("supervised", start_from="demo")) == ()


def test_name_of_a_file_may_be_long(tmp_path: Path) -> None:
    path = write_weights(tmp_path / f"{'a' * 240}.safetensors", None)
    after = write_weights(tmp_path / "after.safetensors", gather_seen(settings_of("transfer", start_from=path)))
    assert read_input_spec(after) is not None


def test_teacher_counts_where_it_has_a_say(tmp_path: Path) -> None:
    teacher = {"weights": write_weights(tmp_path / "teacher.safetensors", ("fog",))}
    start = write_weights(tmp_path / "start.safetensors", ("frost",))
    assert gather_seen(settings_of("distill", start_from=start, teacher=teacher)) == ("frost", "fog")
    assert gather_seen(settings_of("supervised")) == ()  # from random weights


# Marks in results


def test_run_of_a_network_that_has_seen_some_has_marks_and_a_second_mean() -> None:
    summary = check_summary(make_seen_run([*TRANSFER, "mask"], scores={"snow": 0.5, "fog": 0.1}))
    assert seen_in_run(summary) == tuple(name for name in COCO_C.corruptions if name in TRANSFER)
    unseen = [name for name in COCO_C.corruptions if name not in TRANSFER]
    row = row_of_unseen(summary)
    assert row is not None
    assert row.label == "mean of 11 unseen"
    assert row.value == pytest.approx(sum(summary["corruptions"][name] for name in unseen) / 11)
    assert summary["mean_of_unseen"] == pytest.approx(row.value)
    assert summary["mPC"] == pytest.approx(sum(summary["corruptions"].values()) / 15)  # the published one, as it was
    assert {one.name for one in list_rows(summary) if one.is_seen and one.kind == "corruption"} == set(TRANSFER)
    assert sum(one.is_seen for one in list_rows(summary) if one.kind == "cell") == 20
    (note,) = (text for text in summary["warnings"] if text.startswith("seen in training: "))
    assert is_fact(note)
    with pytest.raises(UserError, match=r"mean_of_unseen is 0\.9"):
        check_summary({**summary, "mean_of_unseen": 0.9})


@pytest.mark.parametrize("seen", [None, [], ["mask"]])
def test_run_of_a_network_of_which_nothing_is_known_says_nothing(seen: list[str] | None) -> None:
    summary = make_seen_run(seen)
    assert row_of_unseen(summary) is None
    assert not summary.keys() & {"mean_of_unseen"}
    assert not any(row.is_seen for row in list_rows(summary))
    assert not any("seen" in text for text in summary["warnings"])
    broken = {"provenance": {"estimator": {"seen": "fog"}}}
    assert read_seen(broken) is None
    assert tell_seen_apart(["a", "b"], [summary, summary]) == []


def test_what_the_start_had_seen_is_not_claimed_where_it_is_not_known() -> None:
    summary = check_summary(make_seen_run([*TRANSFER, "what a.pth had seen"]))
    assert seen_in_run(summary) == seen_in_run(make_seen_run([*TRANSFER]))
    assert row_of_unseen(summary) is None
    assert "mean_of_unseen" not in summary
    (note,) = (text for text in summary["warnings"] if text.startswith("seen in training: at least "))
    assert is_fact(note)
    assert note.endswith("; what a.pth had seen is not known")
    assert tell_unseen(summary)[0].endswith(" were seen in training; what a.pth had seen is not known.")
    assert tell_seen_apart(["a"], [summary])[0].endswith("; what a.pth had seen is not known")
    assert note_unknown(["what a.pth had seen"]).startswith("what a.pth had seen is not known: results of this network")
    assert not note_unknown(TRANSFER)


def test_run_beside_the_papers_transfer_is_marked_unless_its_weights_say_otherwise() -> None:
    transfer = next(row for row in published_rows() if row.training == "Transfer")
    summary = make_run()
    summary["provenance"]["row"] = {"name": transfer.name}
    assert read_seen(summary) == TRANSFER
    lines = [label for label, *_ in compare_with_published(summary, make_recipe(transfer).expected)]
    assert {label.removesuffix(" (seen)") for label in lines if label.endswith(" (seen)")} <= set(TRANSFER)
    assert "HRNet W32 256x192, Transfer, annotated boxes, Table 4, 4 corruptions seen" in render(summary)
    summary["provenance"]["estimator"]["seen"] = []
    assert read_seen(summary) == ()


# From training to results

QUICK: dict[str, Any] = {
    "epochs": 1,
    "batch_size": 2,
    "sheet_people": 0,
    "engine": {"accelerator": "cpu", "threads": 1},
}


@pytest.fixture(scope="module")
def hardened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training of two steps by transfer."""
    out = tmp_path_factory.mktemp("hardened") / "run"
    train(settings_of("transfer", input_wh=[96, 128], **QUICK), out)
    return out


def test_weights_of_a_training_say_what_it_has_shown(hardened: Path, tmp_path: Path) -> None:
    for path in (hardened / "model.safetensors", hardened / "best.safetensors"):
        input_spec = read_input_spec(path)
        assert input_spec is not None
        assert input_spec.seen == TRANSFER
    network = read_network("small", hardened / "model.safetensors")  # as `harden` returns it
    prepared, _ = prepare(network, None, COCO, {})
    assert prepared.seen == TRANSFER
    prepared, _ = prepare(network, "96x128", COCO, {})
    assert prepared.seen == TRANSFER
    path = write_start(network, prepared, tmp_path / "next")  # from which a training in memory starts
    assert gather_seen(settings_of(start_from=path)) == TRANSFER


def test_finished_run_goes_on_whatever_is_said_of_the_unseen_and_notes_it(hardened: Path) -> None:
    said: list[object] = []
    settings = settings_of("transfer", input_wh=[96, 128], **QUICK)
    train(settings, hardened, announce=said.append)
    assert str(said[0]).startswith("note: strategy 'transfer' shows the network what coco-c tests (gaussian_noise")
    told = settings.model_copy(update={"mixing": settings.mixing.model_copy(update={"unseen": ()})})
    train(told, hardened, announce=said.append)
    assert len(said) == 4  # both plans and notes


def test_training_by_command_refuses_before_it_starts_and_notes_what_was_asked_for(run: Any, tmp_path: Path) -> None:
    words = ("train", "--recipe", "advmix/toy", "--init", "demo", "--out", tmp_path / "run")
    code, output, errors = run(*words, "--set", "mixing.views=[clean, corrupted]")
    assert code == 2
    assert not output
    assert errors.startswith("error: view 'corrupted' shows the network what coco-c tests")
    assert not (tmp_path / "run").exists()
    _, _, errors = run(*words, "--strategy", "transfer", "--set", "epochs=0")
    assert "note" not in errors  # other mistakes come first


def test_marks_stand_in_the_terminal_tables_pages_comparisons_and_leaderboards(
    hardened: Path, run: Any, tmp_path: Path
) -> None:
    chosen = ("--data", "toy", "--limit", 4, "--corruptions", "snow,fog", "--severities", "1,2", "--resamples", 50)
    out = tmp_path / "runs/net"
    code, output, errors = run("bench", "--model", f"small:{hardened / 'model.safetensors'}", *chosen, "--out", out)
    assert code == 0, errors
    summary = json.loads((out / "summary.json").read_text())
    assert summary["provenance"]["estimator"]["seen"] == list(TRANSFER)
    assert summary["mean_of_unseen"] == summary["corruptions"]["fog"]
    assert summary["intervals"]["mean_of_unseen"] == summary["intervals"]["corruptions"]["fog"]
    for text in (output, (out / "table.md").read_text()):
        assert re.search(r"snow \(seen\)", text)
        assert "seen in training: snow: the network has learned from" in text.replace("\n", " ")
        assert "mean of 1 unseen: " in text
    page = (out / "report.html").read_text()
    assert "snow (seen)" in page
    assert "fog (seen)" not in page
    assert '<span class="name">mean of 1 unseen</span>' in page
    header, row = csv.reader((out / "table.csv").read_text().splitlines())
    assert dict(zip(header, row, strict=True))["seen"] == "snow"
    assert (out / "table.tex").read_text().count("$^\\dagger$") == 2  # behind the score, and what it means
    code, output, errors = run("bench", "--model", "demo", *chosen, "--out", tmp_path / "runs/demo")
    assert code == 0, errors
    assert "seen" not in output + (tmp_path / "runs/demo/summary.json").read_text()
    _, output, _ = run("compare", tmp_path / "runs/demo", out, "--out", tmp_path / "compared")
    assert "snow (seen)" in output
    assert "note: seen in training by model.safetensors: snow, or the like of them" in output.replace("\n", " ")
    assert "mean of what none has seen" in output.replace("\n", " ")
    compared = json.loads((tmp_path / "compared/comparison.json").read_text())
    assert compared["seen"] == ["snow"]
    of_fog, of_unseen = (row for row in compared["rows"] if row["name"] in ("fog", "mean_of_unseen"))
    assert of_fog["differences"][1]["value"] == of_unseen["differences"][1]["value"]
    assert load_run(out).score("mean_of_unseen") == summary["mean_of_unseen"]
    _, output, _ = run("leaderboard", tmp_path / "runs", "--out", tmp_path / "board")
    assert "1 of 2; mean of 1 unseen" in output
    (board,) = json.loads((tmp_path / "board/leaderboard.json").read_text())["boards"]
    assert {entry["model"]: entry["seen"] for entry in board["entries"]} == {
        "demo.safetensors": None,
        "model.safetensors": ["snow"],
    }
    page = (tmp_path / "board/leaderboard.html").read_text()
    assert 'data-filter="seen"' in page
    assert 'data-seen="some"' in page
    assert 'data-seen="unknown"' in page
    _, output, _ = run("leaderboard", "entry", out, "--out", tmp_path / "entry.json")
    entry = json.loads((tmp_path / "entry.json").read_text())
    assert entry["model"]["seen"] == list(TRANSFER)
    assert row_of_unseen(summarize_entry(entry)) == row_of_unseen(summary)


def test_findings_note_what_was_not_new_to_some() -> None:
    runs = {name: make_run() for name in ("net", "plain")}
    runs["net"]["provenance"]["estimator"]["seen"] = ["fog", "snow"]
    known = {"network": "sbl_r50", "input": "192x256", "boxes": "gt"}
    told = {name: About(**known, training=of) for name, of in (("net", "AdvMix"), ("plain", "Standard"))}
    measured = [measure_run(name, summary, told[name]) for name, summary in runs.items()]
    (note,) = [note for note in judge_claims(measured, resamples=10).notes if "seen" in note]
    assert note.startswith("net learned from corruptions that others are tested on as something new")
    assert "(seen in training: snow and fog)" in note
