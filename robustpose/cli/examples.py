"""Examples at the end of every command's help. `tests/test_help_examples.py` runs them."""

from __future__ import annotations

from collections.abc import Mapping

# Command -> examples, the simplest first.
EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "bench": (
        "robustpose bench --model demo --data toy --out runs/demo",
        "robustpose bench --model onnx:pose.onnx --annotations people.json --images images --out runs/pose",
        "robustpose bench --model demo --data toy --out runs/gated --fail-under clean=0.30,fog=20%",
    ),
    "detect": (
        "robustpose detect --model onnx:detector.onnx --annotations people.json --images images --out boxes",
        "robustpose detect --model onnx:detector.onnx --data toy --corruptions fog --out boxes",
    ),
    "merge": ("robustpose merge runs/shared", "robustpose merge here there --out runs/all"),
    "report": ("robustpose report runs/demo", "robustpose report runs/demo --without-images"),
    "compare": (
        "robustpose compare runs/standard runs/hardened",
        "robustpose compare runs/standard runs/hardened --fail-if-worse clean,fog --margin 0.01",
        "robustpose compare --group standard=runs/s0,runs/s1,runs/s2 --group hardened=runs/h0,runs/h1,runs/h2",
        "robustpose compare runs/standard runs/hardened --part 1::2",
    ),
    "leaderboard": (
        "robustpose leaderboard runs",
        "robustpose leaderboard entry runs/demo --out entries/demo.json",
        "robustpose leaderboard check entries",
    ),
    "leaderboard build": ("robustpose leaderboard runs", "robustpose leaderboard runs --out board --copy-reports"),
    "leaderboard entry": (
        "robustpose leaderboard entry runs/demo --out entries/demo.json",
        "robustpose leaderboard entry runs/demo --out entries/demo.json --link paper=https://example.org/paper.pdf",
    ),
    "leaderboard check": (
        "robustpose leaderboard check entries/demo.json",
        "robustpose leaderboard check entries/demo.json --run runs/demo",
    ),
    "leaderboard schema": ("robustpose leaderboard schema", "robustpose leaderboard schema --out entry.schema.json"),
    "findings": ("robustpose findings runs --out findings.md", "robustpose findings --published"),
    "figures": (
        "robustpose figures runs/standard runs/hardened --out figures",
        "robustpose figures --published --out figures",
    ),
    "score": ("robustpose score runs/demo", "robustpose score runs/demo --resamples 2000 --workers 4"),
    "corrupt": (
        "robustpose corrupt photo.jpg --corruptions fog,noise --severities 3 --out corrupted",
        "robustpose corrupt --annotations people.json --images images --out people-c",
        "robustpose corrupt photo.jpg --sheet sheet.html",
    ),
    "train": (
        "robustpose train --recipe advmix/toy --init demo --out runs/toy",
        "robustpose train --row coco-c/table5/advmix --root coco --init hrnet_w32.pth --out runs/advmix",
    ),
    "campaign": (
        "robustpose campaign table.yaml --dry-run",
        "robustpose campaign table.yaml --out runs/table --jobs 2",
        "robustpose campaign table.yaml --results",
    ),
    "stylize": (
        "robustpose stylize --annotations people.json --images images --styles paintings --out styled",
        "robustpose stylize --data coco --root coco --split train2017 --styles paintings --out coco/styled",
    ),
    "convert-pifpaf": (
        "robustpose convert-pifpaf resnet50.pkl.epoch100",
        "robustpose convert-pifpaf resnet50.pkl.epoch100 --out weights/pifpaf_resnet50.safetensors",
    ),
    "list": ("robustpose list rows table5", "robustpose list settings mixing"),
    "data check": ("robustpose data check coco --root coco", "robustpose data check mpii --root mpii"),
    "frost install": ("robustpose frost install", "ROBUSTPOSE_CACHE=cache robustpose frost install"),
    "data": ("robustpose data check coco --root coco",),
    "frost": ("robustpose frost install",),
}
