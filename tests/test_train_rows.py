"""Rows of the paper as trainings: their settings beside a table written by hand, what they ask for, and short runs."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

from robustpose import UserError, models
from robustpose.models.zoo import make_input_spec
from robustpose.pose.skeletons import COCO
from robustpose.results.published import get_row, published_rows
from robustpose.train.recipes import read_settings
from robustpose.train.rows import ACCOUNTS, doubt_whole, note_differences, read_row
from robustpose.train.settings import TrainSettings

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.* images of val_data are learned from"),
]
EVERYTHING: dict[str, Any] = {
    "start_from": Path("standard.pth"),
    "teacher": {"weights": Path("large.pth")},
    "train_data": {"style_images": Path("styled")},
}

# By network: input (width, height), sigma; epochs and drops of its own program; devices, crops on each; then rotation,
# scale and half body of crops of people, or rotation, least and largest side of crops of whole images.
SBL, HRNET, HIGHER, PIFPAF = (140, 90, 120), (210, 170, 200), (300, 200, 260), (75, 60, 70)
NETWORKS = {
    "sbl_r50_128x96": ((96, 128), 1, SBL, (4, 32), (40, 0.3, 0)),
    "sbl_r50_256x192": ((192, 256), 2, SBL, (4, 32), (40, 0.3, 0)),
    "sbl_r50_384x288": ((288, 384), 3, SBL, (4, 32), (40, 0.3, 0)),
    "sbl_r101_128x96": ((96, 128), 1, SBL, (4, 32), (40, 0.3, 0)),
    "sbl_r101_256x192": ((192, 256), 2, SBL, (4, 32), (40, 0.3, 0)),
    "sbl_r101_384x288": ((288, 384), 3, SBL, (4, 32), (40, 0.3, 0)),
    "sbl_r152_256x192": ((192, 256), 2, SBL, (4, 32), (40, 0.3, 0)),
    "hrnet_w32_128x96": ((96, 128), 1, HRNET, (4, 32), (45, 0.35, 0.3)),
    "hrnet_w32_256x192": ((192, 256), 2, HRNET, (4, 32), (45, 0.35, 0.3)),
    "hrnet_w32_384x288": ((288, 384), 3, HRNET, (4, 32), (45, 0.35, 0.3)),
    "hrnet_w48_128x96": ((96, 128), 1, HRNET, (4, 32), (45, 0.35, 0.3)),
    "hrnet_w48_256x192": ((192, 256), 2, HRNET, (4, 32), (45, 0.35, 0.3)),
    "hrnet_w48_384x288": ((288, 384), 3, HRNET, (4, 24), (45, 0.35, 0.3)),
    "sbl_r50_256x256": ((256, 256), 2, SBL, (4, 32), (30, 0.25, 0)),
    "sbl_r101_256x256": ((256, 256), 2, SBL, (4, 32), (30, 0.25, 0)),
    "sbl_r152_256x256": ((256, 256), 2, SBL, (4, 32), (30, 0.25, 0)),
    "hrnet_w32_256x256": ((256, 256), 2, HRNET, (4, 32), (30, 0.25, 0)),
    "higherhrnet_w32_512": ((512, 512), 2, HIGHER, (4, 12), (30, 0.75, 1.5)),
    "higherhrnet_w32_640": ((640, 640), 2, HIGHER, (4, 12), (30, 0.75, 1.5)),
    "higherhrnet_w48_512": ((512, 512), 2, HIGHER, (4, 12), (30, 0.75, 1.5)),
    "higherhrnet_w48_640": ((640, 640), 2, HIGHER, (4, 12), (30, 0.75, 1.5)),
    "pifpaf_shufflenetv2x2": ((401, 401), 2, PIFPAF, (1, 8), (0, 0.42, 2.1)),
    "pifpaf_resnet50": ((401, 401), 2, PIFPAF, (1, 8), (0, 0.42, 2.1)),
    "pifpaf_resnet101": ((401, 401), 2, PIFPAF, (1, 8), (0, 0.42, 2.1)),
}
# By the last part of the row's name, Standard where it is not here: strategy, alpha, teacher, stylised copies.
TRAININGS = {
    "advmix": ("advmix", 0.1, None, None),
    "advmix_stylized": ("advmix", 0.1, None, "both"),
    "advmix_without_distillation": ("advmix", 0, None, None),
    "advmix_image": ("advmix-image", 0.1, None, None),
    "transfer": ("transfer", 0.1, None, None),
    "fpd": ("distill", 0.5, "hrnet_w48", None),
    "fpd_same_architecture": ("distill", 0.5, None, None),
    "gridmask": ("gridmask", 0.1, None, None),
    "autoaugment": ("autoaugment", 0.1, None, None),
    "stylized_only": ("supervised", 0.1, None, "only"),
    "stylized": ("supervised", 0.1, None, "both"),
    "sequentialmix": ("sequentialmix", 0.1, None, None),
    "equalmix": ("equalmix", 0.1, None, None),
    "dirichletmix": ("dirichletmix", 0.1, None, None),
}


def read_whole_row(name: str, account: str = "program", *overrides: str) -> TrainSettings:
    """Return a row's settings, with whatever files it may need."""
    training = next((key for key in TRAININGS if name.endswith(f"/{key}")), "advmix" * name.endswith("_advmix"))
    options: dict[str, Any] = {"start_from": Path("standard.pth")} if training else {"backbone": Path("imagenet.pth")}
    if training == "fpd":
        options["teacher"] = {"weights": Path("large.pth")}
    if "stylized" in training:
        options["train_data"] = {"style_images": Path("styled")}
    return read_row(name, account, overrides, options, root=Path("data"))


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("row", published_rows(), ids=lambda row: row.name)
def test_every_row_trains_as_published(row: Any, account: str) -> None:
    settings = read_whole_row(row.name, account)
    network = row.zoo.name
    assert network in row.name or (row.name.split("/")[1] in ("table4", "table5", "table6", "table7"))
    input_wh, sigma, schedule, (n_devices, n_crops), vary = NETWORKS[network]
    last = row.name.split("/")[-1]
    training = "advmix" if last == f"{network}_advmix" else last
    strategy, alpha, teacher, stylized = TRAININGS.get(training, ("supervised", 0.1, None, None))
    by_program = account == "program" and training in TRAININGS and network.startswith(("sbl", "hrnet"))
    if by_program:
        n_devices, n_crops = 8, 32
    if account == "paper":
        schedule = (210, 170, 200)
    assert (settings.model, settings.input_wh) == (row.zoo.network, input_wh)
    spec = make_input_spec(settings.model, COCO, settings.input_wh)
    assert getattr(settings, "sigma", None) in (sigma, None)
    assert spec.sigma == sigma
    assert (settings.epochs, *settings.decay_at, settings.lr, settings.decay) == (*schedule, 1e-3, 0.1)
    assert (settings.batch_size, settings.accumulate) == (n_devices * n_crops, n_devices)
    if network.startswith(("higher", "pifpaf")):
        image = settings.image_augment
        assert (image.rotation, *image.scale, image.mirror_probability) == (*vary, 0.5)
    else:
        crops = settings.augment
        assert (crops.rotation, crops.scale, crops.half_body_probability) == vary
        assert (crops.rotation_probability, crops.mirror_probability) == (0.6, 0.5)
    mixing = settings.mixing
    assert (settings.strategy, mixing.alpha, settings.teacher.model) == (strategy, alpha, teacher)
    assert (settings.loss, mixing.distill_on, mixing.policies) == (
        ("smooth_l1", "mixed", "release") if by_program else ("mse", "clean", "paper")
    )
    assert (mixing.corrupted_share, mixing.image_head, mixing.update, mixing.generator_width) == (
        *(0.5, "logits", "alternating"),
        64,
    )
    is_mpii = row.name.startswith("mpii-c/")
    data, val = settings.train_data, settings.val_data
    assert (data.name, data.split) == (("mpii", "train") if is_mpii else ("coco", "train2017"))
    assert (val.name, val.split, val.boxes) == (data.name, "valid" if is_mpii else "val2017", "gt")
    assert (data.style_images is None, data.stylized) == (stylized is None, stylized or "both")
    hardened = training in TRAININGS
    assert (settings.start_from is None, settings.backbone is None) == (not hardened, hardened)
    assert settings.row is not None
    assert (settings.row.name, settings.row.according_to) == (row.name, account)
    assert note_differences(settings) == settings


def test_all_rows_are_written_out() -> None:
    assert {row.zoo.name for row in published_rows()} == set(NETWORKS)
    assert len(published_rows()) == 60
    in_tables = {row.name.split("/")[-1] for row in published_rows() if row.name.count("/") == 2}
    assert in_tables == set(TRAININGS) | {"standard"}


def test_devices_share_the_published_batch() -> None:
    options = {"start_from": Path("x.pth"), "engine": {"devices": 4}}
    settings = read_row("coco-c/table5/advmix", options=options, root=Path("data"))
    assert (settings.batch_size, settings.accumulate) == (256, 2)
    assert 1 <= settings.engine.workers <= 8
    noted = note_differences(settings).row
    assert noted is not None
    assert noted.differences == ()
    more = read_row(
        "coco-c/table5/advmix", options={**options, "engine": {"nodes": 2, "devices": 8}}, root=Path("data")
    )
    noted = note_differences(more).row
    assert noted is not None
    assert noted.differences == ("crops of a part 16 instead of 32",)


X = Path("x")
FROM_X = {"start_from": X}
LACKING = [
    ("coco-c/table5/advmiks", {}, "unknown row 'coco-c/table5/advmiks' (did you mean 'coco-c/table5/advmix'?)"),
    (
        "coco-c/table5/advmix",
        {"according_to": "papre"},
        "(did you mean 'paper'?): --according-to takes program or paper",
    ),
    ("coco-c/table5/advmix", {"options": EVERYTHING}, "needs --root DIR, the folder of COCO 2017 keypoints"),
    ("mpii-c/sbl_r50_256x256", {}, "needs --root DIR, the folder of MPII Human Pose (or --annotations"),
    ("ochuman-c/higherhrnet_w32_512", {}, "the folder of COCO 2017 keypoints (or --annotations"),
    (
        "coco-c/sbl_r50_256x192",
        {"root": X},
        "needs --backbone FILE, an ImageNet network for the trunk (--set backbone=null starts from nothing)",
    ),
    (
        "coco-c/sbl_r50_256x192_advmix",
        {"root": X},
        "needs --init FILE, the standard network to start from (pose_resnet_50_256x192.pth, or what train --row "
        "coco-c/sbl_r50_256x192 made)",
    ),
    ("coco-c/table5/fpd", {"root": X}, "; --teacher FILE, weights of its larger teacher hrnet_w48"),
    ("coco-c/table5/stylized", {"root": X}, "; --stylized DIR, stylised copies of the images (robustpose stylize"),
    (
        "coco-c/table5/advmix",
        {"root": X, "options": FROM_X, "overrides": ["like=hrnet_w48_256x192"]},
        "says which network it is of: leave out like",
    ),
    (
        "coco-c/table5/advmix",
        {"root": X, "overrides": ["start_from=null"]},
        "row coco-c/table5/advmix: strategy 'advmix' learns from a teacher",
    ),
    (
        "coco-c/table5/advmix",
        {"root": X, "options": FROM_X, "overrides": ["lr=fast"]},
        "row coco-c/table5/advmix: lr must be a number, got 'fast'",
    ),
]


@pytest.mark.parametrize(("name", "words", "message"), LACKING)
def test_what_a_row_lacks_is_one_line(name: str, words: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        read_row(name, **words)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def differences_of(settings: TrainSettings) -> tuple[str, ...]:
    """Return what is noted as not the row's training."""
    noted = note_differences(settings).row
    assert noted is not None
    return noted.differences


def test_what_is_changed_beside_a_row_is_noted() -> None:
    name = "coco-c/sbl_r50_256x192_advmix"
    assert differences_of(read_whole_row(name, "program", "engine.workers=0", "seed=3", "evaluate_every=1")) == ()
    changed = read_whole_row(name, "program", "strategy=equalmix", "epochs=20", "augment.rotation=10", "ema=0.9")
    assert set(differences_of(changed)) == {
        "ema 0.9 instead of none",
        "augment.rotation 10.0 instead of 40.0",
        "strategy equalmix instead of advmix",
        "epochs 20 instead of 140",
    }
    scratch = read_row("coco-c/sbl_r50_256x192", overrides=["backbone=null"], root=Path("data"))
    assert differences_of(scratch) == ("backbone none instead of a file",)
    control = read_row("coco-c/sbl_r50_256x192", options={"start_from": Path("x.pth")}, root=Path("data"))
    assert set(differences_of(control)) == {"start_from a file instead of none", "backbone none instead of a file"}


def test_official_files_elsewhere_are_no_difference_and_other_ones_are() -> None:
    def read(annotations: str) -> TrainSettings:
        options = {
            "start_from": Path("x.pth"),
            "train_data": {"annotations": Path(annotations), "images": Path("train")},
            "val_data": {"annotations": Path("val.json"), "images": Path("val")},
        }
        return read_row("coco-c/table6/equalmix", options=options)

    assert differences_of(read("labels/person_keypoints_train2017.json")) == ()
    assert differences_of(read("mine.json")) == ("train_data mine.json instead of person_keypoints_train2017.json",)
    toy = read_whole_row("coco-c/table6/equalmix", "paper", "train_data={name: toy}")
    assert differences_of(toy) == ("train_data toy train instead of person_keypoints_train2017.json",)
    less = read_whole_row("coco-c/table6/equalmix", "paper", "train_data.limit=100")
    assert differences_of(less) == ("train_data.limit 100 instead of none",)


def test_settings_are_read_back_with_their_row(tmp_path: Path) -> None:
    settings = note_differences(read_whole_row("coco-c/table5/stylized", "paper", "epochs=5"))
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    again = read_settings(tmp_path / "settings.yaml", ["epochs=6"])
    assert settings.row is not None
    assert again.row == settings.row
    assert differences_of(again) == ("epochs 6 instead of 210",)


@pytest.mark.parametrize(
    ("name", "counts", "words"),
    [
        ("coco-c/table6/equalmix", {"n_images": 118_287}, None),
        ("coco-c/table5/stylized", {"n_images": 236_574}, None),
        ("coco-c/table6/equalmix", {"n_images": 236_574}, "236574 images instead of the 118,287 of COCO"),
        ("ochuman-c/pifpaf_resnet50", {"n_images": 78}, "78 images instead of the 118,287 of COCO"),
        ("mpii-c/sbl_r50_256x256", {"n_images": 9, "n_people": 22_246}, None),
        ("mpii-c/sbl_r50_256x256", {"n_images": 9, "n_people": 5}, "5 people instead of the 22,246 of MPII"),
        ("mpii-c/sbl_r50_256x256", {}, "other people instead"),
    ],
)
def test_part_of_the_official_data_under_its_name_is_a_doubt(name: str, counts: Any, words: str | None) -> None:
    train = SimpleNamespace(provenance=counts)
    found = doubt_whole(read_whole_row(name, "paper"), train)  # type: ignore[arg-type]
    assert found == () if words is None else words in found[0]


# Runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, coco_folder: Path) -> Path:
    """COCO in its usual folders, drawn; stylised copies; weights of small networks."""
    root = tmp_path_factory.mktemp("rows")
    (root / "annotations").mkdir()
    (root / "images").mkdir()
    for split in ("train2017", "val2017"):
        (root / f"annotations/person_keypoints_{split}.json").write_bytes((coco_folder / "people.json").read_bytes())
        (root / "images" / split).symlink_to(coco_folder / "images")
    torch.manual_seed(0)
    for name in ("small", "small_tags", "small_fields"):
        torch.save(models.build(name, 17).state_dict(), root / f"{name}.pth")
    return root


SMALL = ["input_wh=[64, 64]", "epochs=1", "batch_size=9", "mixing.generator_width=4", "engine.workers=0"]
SMALL += ["engine.accelerator=cpu", "sheet_people=1", "val_data.limit=1"]
ONE_OF_EACH_KIND = {
    "coco-c/sbl_r50_256x192": "small",
    **{f"coco-c/table4/{name}": "small" for name in ("transfer", "advmix_stylized")},
    **{
        f"coco-c/table5/{name}": "small"
        for name in ("fpd", "fpd_same_architecture", "gridmask", "autoaugment", "stylized_only", "advmix")
    },
    **{f"coco-c/table6/{name}": "small" for name in ("sequentialmix", "equalmix", "dirichletmix", "advmix_image")},
    "coco-c/table7/advmix_without_distillation": "small",
    "coco-c/higherhrnet_w32_512_advmix": "small_tags",
    "ochuman-c/pifpaf_resnet50": "small_fields",
}


@pytest.mark.filterwarnings("default:not the row's training. train_data holds 9 images")
@pytest.mark.parametrize(("name", "model"), ONE_OF_EACH_KIND.items(), ids=ONE_OF_EACH_KIND)
def test_row_of_each_kind_trains(run: Any, folder: Path, tmp_path: Path, name: str, model: str) -> None:
    standard = get_row(name).training == "Standard"
    words: list[Any] = ["--row", name, "--root", folder, "--out", tmp_path]
    words += ["--set", "backbone=null"] if standard else ["--init", folder / f"{model}.pth"]
    words += ["--stylized", folder / "images/train2017"] if "stylized" in name else []
    words += ["--teacher", folder / "small.pth", "--set", "teacher.model=small"] if name.endswith("fpd") else []
    sets = [f"model={model}", *SMALL]
    sets += ["batch_size=4", "train_data.limit=8"] * (model != "small")  # images, not people
    code, output, errors = run("train", *words, *(word for value in sets for word in ("--set", value)))
    assert code == 0, errors
    assert f"training row {name}, according to: program\nnot the row's training: model {model} instead of" in output
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == (4 if name.endswith("_stylized") else 2)  # copies are as many images again
    assert all(abs(loss) < 1e3 for loss in lines[-1]["losses"].values())
    noted = yaml.safe_load((tmp_path / "settings.yaml").read_text())["row"]
    assert (noted["name"], noted["according_to"]) == (name, "program")
    assert "epochs 1 instead of" in " ".join(noted["differences"])


ADVMIX, STANDARD = ["--row", "coco-c/table5/advmix"], ["--row", "coco-c/sbl_r50_256x192", "--set", "backbone=null"]
WRONG_WORDS = [
    ([], "say what to train: --recipe NAME (robustpose list recipes), or FILE, or --row NAME"),
    ([*ADVMIX, "--recipe", "x.yaml"], "--row and --recipe both say what to train"),
    (["--recipe", "x.yaml", "--according-to", "paper"], "--according-to goes with --row"),
    ([*ADVMIX, "--root", "none", "--init", "x.pth"], "start_from (--init): there is no weights file"),
    ([*STANDARD, "--root", "none"], "none does not exist"),
    (["--row", "mpii-c/sbl_r50_256x256", *STANDARD[2:], "--root", "."], "mpii train needs annot/train.json"),
    (["--recipe", "demo", "--root", "."], "train_data: data 'toy' takes no root (--root)"),
]


@pytest.mark.parametrize(("words", "message"), WRONG_WORDS)
def test_wrong_words_are_one_line(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, errors = run("train", *words, "--out", tmp_path / "run")
    assert code == 2
    assert message in errors
    assert errors.count("\n") == 1


def test_weights_of_another_network_are_one_line(run: Any, folder: Path, tmp_path: Path) -> None:
    words = ["--row", "coco-c/sbl_r50_256x192_advmix", "--root", folder, "--init", folder / "small.pth"]
    code, _, errors = run("train", *words, "--set", "batch_size=8", "--set", "engine.workers=0", "--out", tmp_path)
    assert code == 2
    assert errors.count("\n") == 1
    assert "small.pth" in errors
