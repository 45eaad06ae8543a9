import json
from pathlib import Path

import pytest
import torch

from robustpose import UserError, models
from robustpose.data.official import SETS
from robustpose.models.zoo import PUBLISHED, PUBLISHED_WHOLE
from robustpose.results.recipe import compare_with_published, find_weights, read_bench_recipe, write_comparison

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*-c/*.yaml"))
NETWORKS = {
    "SBL R50": "sbl_r50",
    "SBL R101": "sbl_r101",
    "SBL R152": "sbl_r152",
    "HRNet W32": "hrnet_w32",
    "HRNet W48": "hrnet_w48",
    "HigherHRNet W32": "higherhrnet_w32",
    "HigherHRNet W48": "higherhrnet_w48",
    "PifPaf ShuffleNetV2": "pifpaf_shufflenetv2x2",
    "PifPaf R50": "pifpaf_resnet50",
    "PifPaf R101": "pifpaf_resnet101",
}
FOLDERS = {"COCO-C": "coco-c", "MPII-C": "mpii-c", "OCHuman-C": "ochuman-c"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_recipe_names_a_network_and_data_that_there_are_and_its_own_command(path):
    recipe = read_bench_recipe(path)
    assert recipe.model in models.TABLE
    assert recipe.data in SETS
    assert f"--recipe recipes/{path.parent.name}/{path.name} " in path.read_text()
    if recipe.weights is not None:
        official = {one.file: f"{one.input_spec.input_wh[0]}x{one.input_spec.input_wh[1]}" for one in PUBLISHED}
        official.update({one.file: f"{one.side}x{one.side}" for one in PUBLISHED_WHOLE})
        assert official[recipe.weights] == recipe.input


def test_recipes_of_table_1_hold_its_figures(shared):
    rows = json.loads((shared / "paper_tables.json").read_text())["table1"]
    rows = [row for row in rows if row["model"] in NETWORKS]
    assert len(rows) == 30
    for row in rows:
        is_pifpaf = row["model"].startswith("PifPaf")
        size = row["input"].split("x")[0] if row["kind"] == "bottom-up" else row["input"]
        name = f"{NETWORKS[row['model']]}.yaml" if is_pifpaf else f"{NETWORKS[row['model']]}_{size}.yaml"
        recipe = read_bench_recipe(RECIPES[0].parents[1] / FOLDERS[row["dataset"]] / name)
        assert recipe.input == "x".join(reversed(row["input"].split("x")))
        assert recipe.only_with_people == is_pifpaf
        expected = recipe.expected
        assert (expected.clean, expected.mPC, expected.rPC) == (row["clean"], row["mPC"], row["rPC"])
        assert expected.corruptions == row["corruptions"]


def test_weights_are_found_by_their_official_name_or_named(tmp_path):
    recipe = read_bench_recipe(RECIPES[0].parents[1] / "mpii-c/sbl_r50_256x256.yaml")
    with pytest.raises(UserError, match=r"there is no pose_resnet_50_256x256\.pth in "):
        find_weights(recipe, tmp_path)
    (tmp_path / "pose_resnet_50_256x256.pth").touch()
    assert find_weights(recipe, tmp_path) == tmp_path / "pose_resnet_50_256x256.pth"
    (tmp_path / "mine.pth").touch()
    assert find_weights(recipe, tmp_path / "mine.pth") == tmp_path / "mine.pth"
    with pytest.raises(UserError, match="there are no weights at"):
        find_weights(recipe, tmp_path / "none.pth")
    with pytest.raises(UserError, match="without an official file name"):
        find_weights(read_bench_recipe(RECIPES[0].parents[1] / "coco-c/sbl_r50_128x96.yaml"), tmp_path)


def test_ours_stand_beside_the_published_row():
    recipe = read_bench_recipe(RECIPES[0].parents[1] / "coco-c/sbl_r50_256x192.yaml")
    summary = {"metric": "AP", "clean": 0.7, "mPC": 0.48, "rPC": 0.685, "corruptions": {"fog": 0.6}}
    text = write_comparison(compare_with_published(summary, recipe.expected), recipe.expected.source, [])
    assert "| AP* | 70.0 | 70.4 | -0.4 |" in text
    assert "| fog | 60.0 | 58.9 | +1.1 |" in text
    assert "| snow | – | 49.1 | – |" in text


def test_recipe_runs_and_says_what_differs_from_it(run, shared, tmp_path):
    network = models.build("sbl_r50", 16)
    torch.save(network.state_dict(), tmp_path / "pose_resnet_50_256x256.pth")
    recipe = RECIPES[0].parents[1] / "mpii-c/sbl_r50_256x256.yaml"
    words = ["bench", "--recipe", recipe, "--weights", tmp_path, "--root", shared / "data/mpii-mini"]
    words += ["--out", tmp_path / "run", "--corruptions", "none", "--limit", 2, "--metric", "pck:box@0.1"]
    code, output, _ = run(*words)
    assert code == 0
    assert "published" in output
    assert "not the same measurement: --limit 2; --metric pck:box@0.1" in output
    assert "| PCK* |" in (tmp_path / "run/comparison.md").read_text()
    assert json.loads((tmp_path / "run/summary.json").read_text())["provenance"]["box_protocol"] == "gt"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "toy"], "name the model (--model demo, onnx:FILE, …) or a published row (--recipe FILE)"),
        (["--recipe", "none.yaml"], "cannot read recipe none.yaml"),
        (["--recipe", "demo.yaml"], "'input' is missing"),
        (["--recipe", "coco-c/sbl_r50_256x192.yaml", "--model", "demo"], "leave out --model"),
        (["--model", "demo", "--weights", "x.pth", "--data", "toy"], "--weights goes with --recipe"),
    ],
)
def test_wrong_words_are_one_line(run, tmp_path, words, message):
    recipes = RECIPES[0].parents[1]
    words = [recipes / word if (recipes / str(word)).is_file() else word for word in words]
    code, _, errors = run("bench", *words, "--out", tmp_path / "run")
    assert code == 2
    assert message in errors
    assert errors.count("\n") == 1
