"""Campaigns by the command line: real runs, killed and resumed, and what comes out."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
import yaml

from robustpose.campaign.file import read_campaign
from robustpose.campaign.notes import read_note
from robustpose.campaign.runs import Trained
from robustpose.campaign.table import open_table
from robustpose.corruptions.suites import SUITES, choose_cells
from robustpose.models import build
from tests.runs import CELLS, ROOT, children_of, heed_interrupts, write_predictions

BENCH = {"corruptions": "fog,contrast", "severities": "1,4", "resamples": 50, "no-report": True}


@pytest.fixture
def found(coco_folder, tmp_path):
    """The file of a campaign of networks that are there: poses of two methods with two seeds."""
    for name, noise in (("good", 0.5), ("bad", 2.0)):
        for seed in (0, 1):
            write_predictions(tmp_path / f"{name}-{seed}", coco_folder, noise, CELLS, seed)
    data = {"annotations": str(coco_folder / "people.json"), "images": str(coco_folder / "images")}
    methods = {name: {"model": f"results:{tmp_path}/{name}-{{seed}}"} for name in ("bad", "good")}
    values = {
        "seeds": [0, 1],
        "trainings": methods,
        "bench": {**data, **BENCH},
        "comparisons": {"better": ["bad", "good"]},
    }
    path = tmp_path / "poses.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def results_of(out):
    """Return what a campaign found, without its folders."""
    return [(out / name).read_text().replace(str(out), "OUT") for name in ("results.json", "campaign.md")]


def start(file, out):
    command = [sys.executable, "-m", "robustpose", "campaign", str(file), "--out", str(out), "--jobs", "2"]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=heed_interrupts
    )


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_killed_five_times_it_goes_on_and_ends_with_the_same_table(found, tmp_path, run):
    code, _, errors = run("campaign", found, "--out", tmp_path / "whole", "--jobs", 2)
    assert code == 0, errors
    rng = random.Random(5)
    started = []
    for _ in range(5):
        process = start(found, tmp_path / "killed")
        time.sleep(rng.uniform(0.8, 3.0))
        started += children_of(process.pid)
        process.kill()
        process.communicate()
    ending = time.monotonic() + 10
    while any(map(is_alive, started)) and time.monotonic() < ending:
        time.sleep(0.1)
    assert not any(map(is_alive, started))  # commands end with the campaign
    process = start(found, tmp_path / "killed")
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    assert results_of(tmp_path / "killed") == results_of(tmp_path / "whole")


def test_ctrl_c_ends_with_one_line_and_stops_what_it_started(found, tmp_path):
    process = start(found, tmp_path / "c")
    while not children_of(process.pid):
        time.sleep(0.05)
    time.sleep(1.0)
    started = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert printed.splitlines()[-1] == "stopped; finished work is kept: the same command goes on from there"
    assert "Traceback" not in printed
    assert not any(map(is_alive, started))


def test_what_it_finds_is_shown_and_written(found, tmp_path, run):
    out = tmp_path / "c"
    code, output, errors = run("campaign", found, "--out", out, "--jobs", 2, "--json", tmp_path / "c.json")
    assert code == 0, errors
    assert "0 trainings, 4 benches: " in errors
    assert "good" in output
    assert f"page: {out}/campaign.html" in output
    told = json.loads((tmp_path / "c.json").read_text())
    assert (told["done"], told["runs"], told["failed"]) == (4, 4, {})
    code, again, errors = run("campaign", found, "--out", out, "--results")
    assert code == 0, errors
    assert again == output
    code, output, errors = run("campaign", found, "--out", out, "--commands")
    assert (code, output) == (0, "")
    code, output, _ = run("campaign", found, "--out", tmp_path / "other", "--commands")
    assert len(output.splitlines()) == 4
    assert all(line.startswith("robustpose bench --model results:") for line in output.splitlines())


def test_of_one_method_the_scores_of_its_runs_are_shown(found, tmp_path, run):
    values = yaml.safe_load(found.read_text())
    values = {**values, "trainings": {"good": values["trainings"]["good"]}, "comparisons": {}}
    found.write_text(yaml.safe_dump(values))
    code, output, errors = run("campaign", found, "--out", tmp_path / "c", "--jobs", 2)
    assert code == 0, errors
    assert "there is one method" in output
    assert output.count("AP*") == (tmp_path / "c/campaign.md").read_text().count("AP*") == 2


def test_a_part_that_is_too_small_is_told_before_the_first_run(found, tmp_path, run):
    values = {**yaml.safe_load(found.read_text()), "parts": {"late": "100:", "early": ":4"}}
    found.write_text(yaml.safe_dump(values))
    code, _, errors = run("campaign", found, "--out", tmp_path / "c")
    assert code == 2
    assert "parts.late: part 100: has none of the 9 images" in errors
    assert not (tmp_path / "c").exists()


def test_parts_may_be_files_of_ids(found, coco_folder, tmp_path, run):
    ids = [image["id"] for image in json.loads((coco_folder / "people.json").read_text())["images"]]
    half = tmp_path / "half.json"
    half.write_text(json.dumps([*ids[1::2], "nobody"]))
    values = {**yaml.safe_load(found.read_text()), "parts": {"half": str(half), "slice": "1::2"}}
    found.write_text(yaml.safe_dump(values))
    code, _, errors = run("campaign", found, "--out", tmp_path / "c")
    assert (code, errors.count("\n")) == (2, 1)
    assert "parts.half:" in errors
    assert "names images that the runs do not have: nobody" in errors
    assert not (tmp_path / "c").exists()
    half.write_text(json.dumps(ids[1::2]))
    code, _, errors = run("campaign", found, "--out", tmp_path / "c")
    assert code == 0, errors
    assert "## Half (half.json)" in (tmp_path / "c/campaign.md").read_text()
    _, of_file, of_slice = json.loads((tmp_path / "c/results.json").read_text())["parts"]
    for one in (of_file["across"], of_slice["across"]):
        one.pop("part"), one.pop("part_sha256")
    assert json.dumps(of_file["across"]).replace("half.json", "1::2") == json.dumps(of_slice["across"])
    half.unlink()
    code, _, errors = run("campaign", found, "--out", tmp_path / "c", "--results")
    assert (code, errors.count("\n")) == (2, 1)
    assert "parts: half: there is no file " in errors


def test_a_network_that_is_there_twice_is_left_out_and_the_others_are_compared(found, tmp_path, run):
    for seed in (0, 1):
        shutil.copytree(tmp_path / f"good-{seed}", tmp_path / f"twin-{seed}")
    values = yaml.safe_load(found.read_text())
    values["trainings"]["twin"] = {"model": f"results:{tmp_path}/twin-{{seed}}"}
    found.write_text(yaml.safe_dump(values))
    code, output, errors = run("campaign", found, "--out", tmp_path / "c", "--jobs", 2)
    assert code == 0, errors
    assert "left out: twin, whose network is used as good is, the same" in " ".join((output + errors).split())
    (part,) = json.loads((tmp_path / "c/results.json").read_text())["parts"]
    assert part["across"]["names"] == ["bad", "good"]


def test_a_network_that_two_seeds_have_is_left_out_and_the_others_are_compared(found, coco_folder, tmp_path, run):
    write_predictions(tmp_path / "alike-0", coco_folder, 1.0, CELLS, 0)
    shutil.copytree(tmp_path / "alike-0", tmp_path / "alike-1")
    values = yaml.safe_load(found.read_text())
    values["trainings"]["alike"] = {"model": f"results:{tmp_path}/alike-{{seed}}"}
    values["comparisons"] = {"first": ["alike", "good"], "second": ["bad", "good"]}
    found.write_text(yaml.safe_dump(values))
    code, output, errors = run("campaign", found, "--out", tmp_path / "c", "--jobs", 2)
    assert code == 0, errors
    printed = " ".join((output + errors).split())
    assert "left out: alike, which has the same network with more than one seed" in printed
    assert "alike, the first method, is left out: differences are to bad as long" in printed
    assert "comparisons left out until both of their methods are there: first" in printed
    (part,) = json.loads((tmp_path / "c/results.json").read_text())["parts"]
    assert part["across"]["names"] == ["bad", "good"]
    assert [pair["name"] for pair in part["pairs"]] == ["second"]


def test_a_bench_whose_matches_are_damaged_is_made_again_or_fails_alone(found, coco_folder, tmp_path, run):
    values = yaml.safe_load(found.read_text())
    values["trainings"]["third"] = values["trainings"].pop("good")
    for seed in (0, 1):
        write_predictions(tmp_path / f"more-{seed}", coco_folder, 1.0, CELLS, seed)
    values["trainings"]["more"] = {"model": f"results:{tmp_path}/more-{{seed}}"}
    values["comparisons"] = {}
    found.write_text(yaml.safe_dump(values))
    out = tmp_path / "c"
    code, _, errors = run("campaign", found, "--out", out, "--jobs", 2)
    assert code == 0, errors
    whole = results_of(out)
    matches = out / "runs/third/seed-1/coco-c/matches/fog-1.npz"
    content = matches.read_bytes()
    matches.write_bytes(content[:300])  # as a full disk leaves it
    code, _, errors = run("campaign", found, "--out", out)
    assert code == 0, errors
    assert results_of(out) == whole
    matches.write_bytes(content[:60] + bytes(200) + content[260:])
    code, output, errors = run("campaign", found, "--out", out)
    assert code == 2
    assert "error: 1 run failed" in errors
    (part,) = json.loads((out / "results.json").read_text())["parts"]
    assert part["across"]["names"] == ["bad", "more"]
    assert "fog-1.npz is damaged" in " ".join((output + errors).split())


def test_results_of_another_setup_are_not_written_over(found, tmp_path, run):
    out = tmp_path / "c"
    assert run("campaign", found, "--out", out, "--jobs", 2)[0] == 0
    whole = results_of(out)
    found.write_text(found.read_text().replace("1,4", "1"))
    for option in ("--results", "--commands"):
        code, _, errors = run("campaign", found, "--out", out, option)
        assert (code, errors.count("\n")) == (2, 1)
        assert "holds runs of another setup" in errors
    assert results_of(out) == whole
    code, output, errors = run("campaign", found, "--out", out, "--commands", "--fresh")
    assert code == 0, errors
    assert [line.endswith(" --fresh") for line in output.splitlines()] == [True] * 4


def test_suites_that_two_methods_have_are_compared_while_others_lack(found, coco_folder, tmp_path, run):
    cells = choose_cells([*SUITES["coco-c"].corruptions, *SUITES["held-out"].corruptions], [4])
    for name in ("good", "bad"):
        for seed in (0, 1):
            write_predictions(tmp_path / f"all-{name}-{seed}", coco_folder, len(name), cells, seed)
    found.write_text(found.read_text().replace(f"{tmp_path}/", f"{tmp_path}/all-"))
    values = {**yaml.safe_load(found.read_text()), "suites": ["coco-c", "held-out"]}
    data = {key: values["bench"][key] for key in ("annotations", "images")}
    values["bench"] = {**data, "severities": 4, "resamples": 50, "no-report": True}
    found.write_text(yaml.safe_dump(values))
    code, output, errors = run("campaign", found, "--out", tmp_path / "c", "--jobs", 2)
    assert code == 0, errors
    for folder in (tmp_path / "c/runs").glob("*/*/held-out"):
        shutil.rmtree(folder)
    code, output, errors = run("campaign", found, "--out", tmp_path / "c", "--results")
    assert code == 0, errors
    printed = " ".join((output + errors).split())
    assert "no two methods have all benches of held-out: compared without" in printed
    (part,) = json.loads((tmp_path / "c/results.json").read_text())["parts"]
    assert part["across"]["names"] == ["bad", "good"]


def test_poses_that_change_make_a_run_another_one_whatever_their_size(found, tmp_path, run):
    out = tmp_path / "c"
    assert run("campaign", found, "--out", out, "--jobs", 2)[0] == 0
    poses = tmp_path / "bad-0/fog-1.json"
    size = poses.stat().st_size
    poses.write_text(poses.read_text().translate(str.maketrans("123456789", "987654321")))
    assert poses.stat().st_size == size
    code, _, errors = run("campaign", found, "--out", out)
    assert (code, errors.count("\n")) == (2, 1)
    assert "bad, seed 0, coco-c: " in errors
    assert "bad-0 has changed" in errors


def test_a_page_of_other_runs_is_not_written_over_by_an_empty_one(found, tmp_path, run):
    out = tmp_path / "c"
    assert run("campaign", found, "--out", out, "--jobs", 2)[0] == 0
    whole = results_of(out)
    values = yaml.safe_load(found.read_text())
    values["trainings"] = {f"{name}s": options for name, options in values["trainings"].items()}
    values["comparisons"] = {}
    found.write_text(yaml.safe_dump(values))
    code, _, errors = run("campaign", found, "--out", out, "--results")
    assert (code, errors.count("\n")) == (2, 1)
    assert f"nothing of {found} is done in" in errors
    assert results_of(out) == whole
    commands = tmp_path / "commands.json"
    assert run("campaign", found, "--out", out, "--commands", "--json", commands)[0] == 0
    assert len(json.loads(commands.read_text())["commands"]) == 4


def test_the_order_of_options_and_a_folder_from_which_their_files_are_not_seen_change_nothing(
    found, tmp_path, run, monkeypatch
):
    out = tmp_path / "c"
    values = yaml.safe_load(found.read_text().replace(f"{tmp_path}/", ""))
    values["bench"]["annotations"] = os.path.relpath(values["bench"]["annotations"], tmp_path)
    found.write_text(yaml.safe_dump(values))
    monkeypatch.chdir(tmp_path)
    assert run("campaign", found, "--out", out, "--jobs", 2)[0] == 0
    values["bench"] = dict(reversed(values["bench"].items()))
    found.write_text(yaml.safe_dump(values, sort_keys=False))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, output, errors = run("campaign", found, "--out", out, "--results")
    assert code == 0, errors
    assert "4 of 4 benches are done" in " ".join((output + errors).split())


@pytest.mark.parametrize(
    ("gpus", "words"),
    [
        ("all", "--gpus takes numbers or UUIDs of GPUs, such as 0,1 or GPU-6f8a, got 'all'"),
        ("-1", "got '-1'"),
        (",", "got ''"),
        ("0,0", "--gpus has 0 twice: each run has a GPU for itself"),
        ("977", "there is no GPU"),
    ],
)
def test_gpus_that_are_not_there_are_refused(found, tmp_path, run, gpus, words):
    code, _, errors = run("campaign", found, "--out", tmp_path / "c", f"--gpus={gpus}")
    assert (code, errors.count("\n")) == (2, 1)
    assert words in errors


def test_runs_are_of_the_code_that_the_campaign_is_of(found, tmp_path, run, monkeypatch):
    (tmp_path / "random.py").write_text("raise SystemError('this is not the library')")
    (tmp_path / "robustpose").mkdir()
    (tmp_path / "robustpose/__init__.py").write_text("raise SystemError('this is not the package')")
    monkeypatch.chdir(tmp_path)
    code, _, errors = run("campaign", found, "--out", tmp_path / "c", "--jobs", 2)
    assert code == 0, errors


@pytest.fixture
def trained(tmp_path):
    """The file of a campaign that trains a network, and another from where that ended."""
    path = tmp_path / "table.yaml"
    settings = {
        "model": "small", "input_wh": [32, 64], "sigma": 1.0, "epochs": 1, "batch_size": 4, "lr": 1e-3, "decay_at": [1],
        "engine": {"accelerator": "cpu", "threads": 1},
        "train_data": {"name": "toy", "n_images": 4, "seed": 1}, "val_data": {"name": "toy", "n_images": 2, "seed": 0},
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings))
    values = {
        "seeds": [3],
        "train": {"recipe": str(tmp_path / "recipe.yaml")},
        "trainings": {"standard": None, "hardened": {"from": "standard", "strategy": "equalmix"}},
        "bench": {"data": "toy", "limit": 4, "corruptions": "fog", "severities": [2], "no-report": True},
    }
    path.write_text(yaml.safe_dump(values))
    return path


def test_networks_are_trained_and_benched(trained, tmp_path, run):
    out = tmp_path / "c"
    code, output, errors = run("campaign", trained, "--out", out, "--jobs", 2)
    assert code == 0, errors
    table = open_table(read_campaign(trained), out, {name: Trained("small") for name in ("standard", "hardened")})
    assert not table.left
    bench = json.loads((out / "runs/hardened/seed-3/coco-c/summary.json").read_text())
    assert bench["provenance"]["estimator"]["seen"]  # equalmix shows some of the corruptions of suites
    assert read_note(table.runs[0], out).words[-1] == "seed=3"
    assert "one training each" in output + errors


def test_weights_that_do_not_say_their_input_may_be_the_first(trained, tmp_path, run):
    torch.save(build("small", 17).state_dict(), tmp_path / "mine.pth")
    values = yaml.safe_load(trained.read_text())
    trained.write_text(yaml.safe_dump({**values, "trainings": {"mine": {"init": str(tmp_path / "mine.pth")}}}))
    code, output, errors = run("campaign", trained, "--out", tmp_path / "c", "--dry-run")
    assert code == 0, errors
    assert "1 training, 1 bench" in output + errors


@pytest.mark.parametrize(
    ("data", "words"),
    [("annotations: nobody.json", "--images"), ("annotations: nobody.json\n  images: .", "nobody.json")],
)
def test_data_that_are_not_there_are_told_before_anything_is_trained(trained, tmp_path, run, data, words):
    trained.write_text(trained.read_text().replace("data: toy", data))
    code, _, errors = run("campaign", trained, "--out", tmp_path / "c")
    assert (code, errors.count("\n")) == (2, 1)
    assert errors.startswith("error: bench: ")
    assert words in errors
    assert not (tmp_path / "c").exists()


def test_a_mistake_in_a_training_is_told_before_anything_is_done(trained, tmp_path, run):
    for before, after, words in (
        ("equalmix", "equalmx", "hardened, seed 3: "),
        ("limit: 4", "limits: 4", "bench.limits: robustpose bench has no option --limits"),
        ("name: toy", "name: toys", "standard, seed 3: "),
    ):
        for file in (trained, tmp_path / "recipe.yaml"):
            file.write_text(file.read_text().replace(before, after))
        code, _, errors = run("campaign", trained, "--out", tmp_path / "c")
        assert code == 2
        assert words in errors
        assert not (tmp_path / "c").exists()
        for file in (trained, tmp_path / "recipe.yaml"):
            file.write_text(file.read_text().replace(after, before))


def test_a_mistake_in_a_bench_is_found_by_trying_it_first(found, tmp_path, run):
    found.write_text(found.read_text().replace("contrast", "contrasts"))
    code, _, errors = run("campaign", found, "--out", tmp_path / "c")
    assert code == 2
    assert "bad, seed 0, coco-c: " in errors
    assert "contrasts" in errors
    assert not (tmp_path / "c").exists()
