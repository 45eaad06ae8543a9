"""Surfaces: what comes from outside, and the commands that take it in. A row more here is a surface more."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fuzz.baseline import BENCH, CELLS, COCO_FILES, FRESH


@dataclass(frozen=True)
class Surface:
    """Files that are spoilt, as patterns in the folder of good inputs, and commands of which one is run then."""

    name: str
    files: tuple[str, ...]
    commands: tuple[str, ...]
    needs: tuple[str, ...] = ("data",)  # further inputs that the commands read
    weight: int = 2  # how often it is drawn

    @property
    def inputs(self) -> set[str]:
        """Return the files and folders of the good inputs that a case needs."""
        return {*self.needs, *(file.split("/")[0] for file in self.files)}


_TRAIN = f"train --recipe recipe.yaml --out {FRESH}"
_OVER_RUN = (
    "report run", "score run --workers 1 --resamples 40", f"compare run other --out {FRESH} --resamples 40",
    f"compare other run --out {FRESH} --resamples 40", f"leaderboard . --out {FRESH}",
    f"leaderboard entry run --out {FRESH}/net.json",
    "findings . --resamples 40", f"{BENCH} --model results:run --out {FRESH}",
)  # fmt: skip
SURFACES = (
    Surface(
        "annotations", ("data/people.json",),
        (
            f"{BENCH} --model results:results --out {FRESH}", f"{BENCH} --model own:guess --out {FRESH}",
            f"corrupt {COCO_FILES} --corruptions contrast --severities 1 --workers 1 --seed 5 --out {FRESH}",
            "score run --workers 1 --resamples 40", "report run", _TRAIN,
        ),
        ("data", "results", "run", "recipe.yaml"), weight=6,
    ),
    Surface(
        "detections", ("data/detections/*.json",),
        (
            f"{BENCH} --model own:guess --boxes clean-det:data/detections/clean.json --out {FRESH}",
            f"{BENCH} --model own:guess --boxes corrupt-det:data/detections --out {FRESH}",
        ),
    ),
    Surface("results", ("results/*.json",), (f"{BENCH} --model results:results --out {FRESH}",), ("data",), weight=3),
    Surface(
        "skeleton", ("data/skeleton.yaml",), (f"{BENCH} --model own:guess --skeleton data/skeleton.yaml --out {FRESH}",)
    ),
    Surface(
        "mpii", ("mpii/annot/*",),
        (f"{BENCH.replace(COCO_FILES, '--data mpii --root mpii')} --model onnx:net16.onnx --out {FRESH}",),
        ("net16.onnx",),
    ),
    Surface(
        "run folder",
        ("run/*.json", "run/*.jsonl", "run/*.json", "run/*.npz", "run/predictions/*", "run/matches/*"), _OVER_RUN,
        ("data", "run", "other"), weight=8,
    ),
    Surface("entries", ("entries/net.json",), ("leaderboard check entries", f"leaderboard entries --out {FRESH}"), ()),
    Surface(
        "figures", ("run/summary.json", "run/slices.json", "run/inputs.json", "run/matches/*"),
        (f"figures run --out {FRESH}", f"figures run other --pair run,other --out {FRESH} --beside none"),
        ("data", "run", "other"), weight=1,
    ),
    Surface(
        "unfinished run", ("unfinished/*.json", "unfinished/units/*/*.npz", "unfinished/units/*/*.npz"),
        (f"{BENCH} --model own:guess --out unfinished",), ("data", "unfinished"), weight=4,
    ),
    Surface(
        "finished run goes on", ("run/*.json", "run/predictions/*", "run/matches/*"),
        (f"{BENCH} --model own:guess --out run",), ("data", "run"), weight=2,
    ),
    Surface(
        "corrupted set", ("set/manifest.json", "set/files.sha256", "set/contrast/*/*"),
        (
            "corrupt --verify set --workers 1", f"corrupt {COCO_FILES} {CELLS} --workers 1 --seed 5 --out set",
            f"bench {COCO_FILES} {CELLS} --workers 1 --resamples 0 --corrupted-root set --model own:guess "
            f"--out {FRESH}",
        ),
        ("data", "set"), weight=3,
    ),
    Surface(
        "images", ("data/images/*",),
        (
            "corrupt data/images/000001.jpg data/images/000003.png --corruptions fog,contrast --severities 1 --seed 5 "
            f"--out {FRESH}",
            f"{BENCH} --model own:guess --out {FRESH}",
            f"stylize {COCO_FILES} --styles styles --workers 1 --out {FRESH}", "report run",
        ),
        ("data", "run", "styles"), weight=3,
    ),
    Surface(
        "textures and styles", ("frost/*", "styles/*"),
        (
            f"corrupt data/images/000001.jpg --corruptions frost --severities 1 --seed 5 --frost frost --out {FRESH}",
            f"stylize {COCO_FILES} --styles styles --workers 1 --out {FRESH}",
        ),
        ("data", "frost", "styles"), weight=1,
    ),
    Surface("training recipe", ("recipe.yaml",), (_TRAIN,), ("data", "recipe.yaml"), weight=4),
    Surface(
        "hardening recipe", ("advmix.yaml",), (f"train --recipe advmix.yaml --out {FRESH}",),
        ("data", "trained/model.safetensors"), weight=2,
    ),
    Surface(
        "training folder", ("trained/last.ckpt", "trained/log.jsonl", "trained/settings.yaml", "trained/log.jsonl"),
        ("train --recipe recipe.yaml --out trained",), ("data", "trained", "recipe.yaml"), weight=3,
    ),
    Surface(
        "bench recipe", ("row.yaml",),
        (f"bench --recipe row.yaml --weights weights.safetensors {CELLS} --limit 2 --workers 1 --out {FRESH}",),
        ("weights.safetensors",),
    ),
    Surface(
        "weights", ("weights.safetensors", "weights.pth", "net.onnx"),
        (
            f"{BENCH} --limit 2 --model small:weights.safetensors --out {FRESH}",
            f"{BENCH} --limit 2 --model small:weights.pth --model-set input=32x32 --out {FRESH}",
            f"{BENCH} --limit 2 --model onnx:net.onnx --out {FRESH}",
            f"convert-pifpaf weights.pth --out {FRESH}/w.safetensors",
        ),
        ("data", "weights.safetensors", "weights.pth", "net.onnx"), weight=4,
    ),
)  # fmt: skip
