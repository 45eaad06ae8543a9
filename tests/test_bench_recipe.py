import json

import pytest
import torch
import yaml

from robustpose import UserError, models
from robustpose.results.published import get_row
from robustpose.results.recipe import (
    apply_row,
    compare_with_published,
    find_alike,
    find_recipe,
    find_weights,
    list_changes,
    make_recipe,
    write_comparison,
)
from tests.kills.stop import find_differences

# As version 0.1.0 shipped it, in recipes/mpii-c/sbl_r50_256x256_advmix.yaml.
OLD_FILE = """\
model: sbl_r50
input: 256x256  # width x height
data: mpii
split: valid
boxes: gt
seed: release
expected:  # percent
  source: Wang et al., CVPR 2021, Table 3
  clean: 88.9
  mPC: 82.0
  rPC: 92.3
"""


def write_recipe(path, **changes):
    path.write_text(yaml.safe_dump({**yaml.safe_load(OLD_FILE), **changes}))
    return path


def test_file_of_version_0_1_0_is_the_row_that_it_describes(tmp_path):
    path = tmp_path / "old.yaml"
    path.write_text(OLD_FILE)
    recipe, name = find_recipe(None, path)
    assert name == "mpii-c/sbl_r50_256x256_advmix"
    assert recipe == make_recipe(get_row(name)) == find_recipe(name, None)[0]


def test_row_of_ones_own_is_no_row_of_the_paper(tmp_path):
    expected = {"source": "our lab, 2026", "clean": 90.0, "mPC": 80.0, "rPC": 88.9}
    recipe, name = find_recipe(None, write_recipe(tmp_path / "own.yaml", weights="best.pth", expected=expected))
    assert name is None
    assert (recipe.weights, recipe.expected.source) == ("best.pth", "our lab, 2026")
    assert find_recipe(None, None) == (None, None)


def test_weights_are_found_by_their_official_name_or_named(tmp_path):
    recipe = make_recipe(get_row("mpii-c/sbl_r50_256x256"))
    with pytest.raises(UserError, match=r"there is no pose_resnet_50_256x256\.pth in "):
        find_weights(recipe, tmp_path)
    (tmp_path / "pose_resnet_50_256x256.pth").touch()
    assert find_weights(recipe, tmp_path) == tmp_path / "pose_resnet_50_256x256.pth"
    (tmp_path / "mine.pth").touch()
    assert find_weights(recipe, tmp_path / "mine.pth") == tmp_path / "mine.pth"
    with pytest.raises(UserError, match="there are no weights at"):
        find_weights(recipe, tmp_path / "none.pth")
    with pytest.raises(UserError, match="have no official file name"):
        find_weights(make_recipe(get_row("coco-c/sbl_r50_128x96")), tmp_path)


def test_what_was_left_out_is_as_the_row_was_measured():
    recipe = make_recipe(get_row("coco-c/pifpaf_resnet50"))
    left_out = dict.fromkeys(("data", "split", "boxes", "seed", "only_with_people"))
    assert apply_row(recipe, left_out) == {
        "data": "coco",
        "split": "val2017",
        "boxes": "gt",
        "seed": "release",
        "only_with_people": True,
    }
    given = {**left_out, "only_with_people": False, "seed": "7"}
    assert apply_row(recipe, given)["only_with_people"] is False
    assert list_changes(recipe, given, ["--limit 5"]) == ["--seed 7 instead of release", "--all-images", "--limit 5"]
    assert list_changes(recipe, {**left_out, "only_with_people": True}) == []


@pytest.mark.parametrize(
    ("row", "given", "alike"),
    [
        ("coco-c/hrnet_w32_256x192", {"boxes": "gt"}, "coco-c/table4/standard"),
        ("coco-c/hrnet_w32_256x192", {"boxes": "gt", "split": "val"}, "coco-c/table4/standard"),
        ("coco-c/hrnet_w32_256x192_advmix", {"boxes": "gt"}, "coco-c/table4/advmix"),
        ("coco-c/table5/standard", {"boxes": "clean-det"}, "coco-c/hrnet_w32_256x192"),
        ("coco-c/table6/advmix", {"boxes": "clean-det:mine.json"}, "coco-c/hrnet_w32_256x192_advmix"),
        ("coco-c/table6/advmix", {"boxes": __file__}, "coco-c/hrnet_w32_256x192_advmix"),
        ("coco-c/higherhrnet_w32_512", {"data": "ochuman"}, "ochuman-c/higherhrnet_w32_512"),
        ("ochuman-c/pifpaf_resnet50", {"data": "coco", "only_with_people": True}, "coco-c/pifpaf_resnet50"),
        # Nothing was changed, or nobody measured it like this.
        ("coco-c/table5/advmix", {}, "coco-c/table5/advmix"),
        ("coco-c/table5/advmix", {"boxes": "gt", "data": "coco"}, "coco-c/table5/advmix"),
        ("coco-c/table5/gridmask", {"boxes": "clean-det"}, "coco-c/table5/gridmask"),
        ("coco-c/sbl_r50_256x192", {"boxes": "gt"}, "coco-c/sbl_r50_256x192"),
        ("coco-c/hrnet_w32_256x192", {"boxes": "corrupt-det:DIR"}, "coco-c/hrnet_w32_256x192"),
        ("coco-c/hrnet_w32_256x192", {"boxes": "gt", "split": "train2017"}, "coco-c/hrnet_w32_256x192"),
        ("coco-c/higherhrnet_w32_512", {"data": "ochuman", "split": "test"}, "coco-c/higherhrnet_w32_512"),
        ("coco-c/pifpaf_resnet50", {"only_with_people": False}, "coco-c/pifpaf_resnet50"),
    ],
)
def test_the_row_measured_alike_takes_the_place_of_one_measured_otherwise(row, given, alike):
    assert find_alike(row, {**dict.fromkeys(("data", "split", "boxes", "only_with_people")), **given}) == alike


def test_ours_stand_beside_the_published_row():
    recipe = make_recipe(get_row("coco-c/sbl_r50_256x192"))
    summary = {"metric": "AP", "clean": 0.7, "mPC": 0.48, "rPC": 0.685, "corruptions": {"fog": 0.6}}
    text = write_comparison(compare_with_published(summary, recipe.expected), recipe.expected.source, [])
    assert "# Ours beside Wang et al., CVPR 2021, Table 1" in text
    assert "| AP* | 70.0 | 70.4 | -0.4 |" in text
    assert "| fog | 60.0 | 58.9 | +1.1 |" in text
    assert "| snow | – | 49.1 | – |" in text


def test_row_runs_and_says_what_differs_from_it(run, shared, tmp_path):
    network = models.build("sbl_r50", 16)
    torch.save(network.state_dict(), tmp_path / "pose_resnet_50_256x256.pth")
    words = ["bench", "--weights", tmp_path, "--root", shared / "data/mpii-mini", "--out", tmp_path / "run"]
    words += ["--corruptions", "none", "--limit", 2, "--metric", "pck:box@0.1"]
    code, output, _ = run(*words, "--row", "mpii-c/sbl_r50_256x256")
    assert code == 0
    assert "published" in output
    assert "not the same measurement: --limit 2; --metric pck:box@0.1" in output
    assert "| PCK* |" in (tmp_path / "run/comparison.md").read_text()
    provenance = json.loads((tmp_path / "run/summary.json").read_text())["provenance"]
    assert provenance["box_protocol"] == "gt"
    differences = ["--limit 2", "--metric pck:box@0.1"]
    assert provenance["row"] == {"name": "mpii-c/sbl_r50_256x256", "differences": differences}


@pytest.fixture
def coco_root(coco_folder, tmp_path):
    """The small dataset as COCO's val2017 in its usual folders, with a detected person in each image."""
    root = tmp_path / "coco"
    for folder in ("annotations", "images", "person_detection_results"):
        (root / folder).mkdir(parents=True)
    content = json.loads((coco_folder / "people.json").read_text())
    (root / "annotations/person_keypoints_val2017.json").write_text(json.dumps(content))
    (root / "images/val2017").symlink_to(coco_folder / "images")
    found = [
        {"image_id": i["id"], "category_id": 1, "bbox": [5, 8, 40, 70], "score": 1 / i["id"]} for i in content["images"]
    ]
    (root / "person_detection_results/COCO_val2017_detections_AP_H_56_person.json").write_text(json.dumps(found))
    return root


def test_results_remember_the_row_but_are_not_claimed_for_it(run, coco_root, tmp_path, packed_small):
    torch.save(models.build("sbl_r50").state_dict(), tmp_path / "mine.pth")
    out = tmp_path / "runs/row"
    words = ["bench", "--corruptions", "none", "--workers", 1, "--resamples", 0, "--out", out, "--root", coco_root]
    code, output, errors = run(*words, "--row", "coco-c/sbl_r50_128x96", "--weights", tmp_path / "mine.pth")
    assert code == 0, errors
    assert "beside Wang et al., CVPR 2021, Table 1" in output
    assert "not the same measurement: not all images of COCO-C" in output
    summary = json.loads((out / "summary.json").read_text())
    assert summary["provenance"]["row"] == {"name": "coco-c/sbl_r50_128x96", "differences": []}
    assert (summary["provenance"]["box_protocol"], summary["provenance"]["estimator"]["input"]) == (
        "clean-det",
        "96x128",
    )
    assert "row" not in json.loads((out / "run.json").read_text())
    page = (out / "report.html").read_text()
    assert "This run was made as coco-c/sbl_r50_128x96" in page
    assert "It is not the same measurement: not all images of COCO-C." in page
    # Who scores the run again, or sorts it among others, need not say it again.
    assert run("score", out, "--workers", 1, "--resamples", 0)[0] == 0
    assert json.loads((out / "summary.json").read_text()) == summary
    assert run("leaderboard", tmp_path / "runs")[0] == 0
    (board,) = json.loads((tmp_path / "runs/leaderboard.json").read_text())["boards"]
    assert board["entries"][0]["row"] == "coco-c/sbl_r50_128x96"
    # The same measurement, not made as a row.
    model = ["--model", f"sbl_r50:{tmp_path / 'mine.pth'}", "--model-set", "input=96x128"]
    assert run(*words, *model, "--data", "coco", "--boxes", "clean-det")[0] == 0
    assert "row" not in json.loads((out / "summary.json").read_text())["provenance"]


def test_merged_shards_stand_beside_the_row_as_a_run_does(run, coco_root, tmp_path, packed_small):
    torch.save(models.build("sbl_r50").state_dict(), tmp_path / "mine.pth")
    words = ["bench", "--corruptions", "none", "--workers", 1, "--root", coco_root, "--row", "coco-c/sbl_r50_128x96"]
    words += ["--weights", tmp_path / "mine.pth", "--limit", 2]
    assert run(*words, "--resamples", 40, "--out", tmp_path / "whole")[0] == 0
    assert run(*words, "--out", tmp_path / "run", "--shard", "1/1")[0] == 0
    code, output, _ = run("merge", tmp_path / "run", "--resamples", 40, "--workers", 1)
    assert code == 0
    assert "beside Wang et al., CVPR 2021, Table 1" in output
    assert "not the same measurement: --limit 2; not all images of COCO-C" in output
    assert find_differences(tmp_path / "whole", tmp_path / "run") == []


def test_other_boxes_are_compared_with_the_row_that_had_them(run, coco_root, tmp_path, packed_small):
    torch.save(models.build("hrnet_w32").state_dict(), tmp_path / "mine.pth")
    words = ["bench", "--corruptions", "none", "--workers", 1, "--resamples", 0, "--root", coco_root, "--limit", 1]
    words += ["--weights", tmp_path / "mine.pth", "--out", tmp_path / "run"]
    code, output, errors = run(*words, "--row", "coco-c/hrnet_w32_256x192", "--boxes", "gt")
    assert code == 0, errors
    assert (
        "note: coco-c/hrnet_w32_256x192 was measured otherwise; measured like this run: coco-c/table4/standard"
        in output
    )
    assert "beside Wang et al., CVPR 2021, Table 4" in output
    row = json.loads((tmp_path / "run/summary.json").read_text())["provenance"]["row"]
    assert row == {"name": "coco-c/table4/standard", "differences": ["--limit 1"]}


def test_what_a_row_says_of_its_data_does_not_hold_of_others(run, tmp_path):
    torch.save(models.build("sbl_r50").state_dict(), tmp_path / "mine.pth")
    words = [
        "bench",
        "--corruptions",
        "none",
        "--workers",
        1,
        "--resamples",
        0,
        "--out",
        tmp_path / "run",
        "--limit",
        2,
    ]
    row = ["--row", "coco-c/sbl_r50_128x96", "--weights", tmp_path / "mine.pth", "--data", "toy"]
    code, output, errors = run(*words, *row)
    assert code == 0, errors
    assert "not the same measurement: --data toy instead of coco; --limit 2" in output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "toy"], "name the model (--model demo, onnx:FILE, …), or a row of the paper (--row NAME"),
        (["--recipe", "none.yaml"], "none.yaml: No such file"),
        (["--recipe", "bad.yaml"], "'input' is missing"),
        (["--row", "coco-c/sbl_r50"], "unknown row 'coco-c/sbl_r50' (did you mean 'coco-c/sbl_r50_"),
        (["--row", "coco-c/sbl_r50_256x192", "--recipe", "own.yaml"], "leave one out"),
        (["--row", "coco-c/sbl_r50_256x192", "--model", "demo"], "leave out --model"),
        (["--recipe", "own.yaml", "--model", "demo"], "leave out --model"),
        (["--model", "demo", "--weights", "x.pth", "--data", "toy"], "--weights goes with --row or --recipe"),
    ],
)
def test_wrong_words_are_one_line(run, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    write_recipe(tmp_path / "own.yaml")
    (tmp_path / "bad.yaml").write_text("model: sbl_r50\ndata: coco\nsplit: val2017\n")
    code, _, errors = run("bench", *words, "--out", tmp_path / "run")
    assert code == 2
    assert message in errors
    assert errors.count("\n") == 1


def test_rows_are_listed_with_their_numbers_in_lines_that_a_terminal_holds(run):
    code, output, _ = run("list", "rows")
    assert code == 0
    assert max(map(len, output.splitlines())) <= 120
    (line,) = (line for line in output.splitlines() if line.startswith("coco-c/hrnet_w32_256x192 "))
    assert " ".join(line.split()) == "coco-c/hrnet_w32_256x192 hrnet_w32_256x192 supervised* clean-det 1 74.4 53.0 71.3"
    assert [line.split(" ROW ")[0] for line in output.splitlines()[-2:]] == [
        "robustpose train --row",
        "robustpose bench --row",
    ]
    code, output, _ = run("list", "rows", "table5")
    assert code == 0
    assert len([line for line in output.splitlines() if line.startswith("coco-c/table5/")]) == 9
    assert "coco-c/table6" not in output
    code, _, errors = run("list", "rows", "tabel5")
    assert code == 2
    assert "none of the rows has 'tabel5' in its name" in errors
