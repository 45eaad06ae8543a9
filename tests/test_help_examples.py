"""Examples of the help: each runs, on small files under the names it gives, as far as these files take it."""

import shlex
import shutil

import pytest

from robustpose.cli import main
from robustpose.cli.examples import EXAMPLES
from robustpose.data.images import write_image
from robustpose.show.figures.written import Written
from tests.runs import few_images_do
from tests.scenes import draw_scene

# What is added so that an example takes little time.
SMALL = {
    "bench": "--limit 2 --corruptions fog --severities 1 --resamples 40 --workers 1",
    "score": "--workers 1",
    "merge": "--resamples 40 --workers 1",
    "train --recipe": "--limit 16 --val-limit 2 --set epochs=1 --set engine.workers=0",
    "stylize": "--limit 1 --workers 1",
    "corrupt --annotations": "--limit 1 --corruptions fog --severities 1 --workers 1",
}
# What is said where a file would be needed that cannot be made here: all words were understood, then.
NEEDS = {
    "detect": "detector.onnx",
    "train --row": "there is no weights file",
    "stylize --data": "coco train2017 needs annotations",
    "convert-pifpaf": "resnet50.pkl.epoch100",
    "data check": "not ready for official",
}


def changed(example, table):
    """Return the entry of a table for an example, an empty text for none."""
    return next((text for words, text in table.items() if example.startswith(f"robustpose {words}")), "")


def call(words):
    """Run a command line and return its exit code."""
    try:
        main(words)
    except SystemExit as end:
        return end.code or 0
    return 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory, coco_folder, onnx_file):
    """A folder with the files that examples name."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(coco_folder, folder, dirs_exist_ok=True)
    shutil.copy(onnx_file, folder / "pose.onnx")
    write_image(folder / "photo.png", draw_scene(40, 50))
    (folder / "photo.png").rename(folder / "photo.jpg")
    (folder / "table.yaml").write_text(
        "{seeds: [0], trainings: {demo: {model: demo}}, "
        "bench: {data: toy, limit: 1, corruptions: fog, severities: [1]}}"
    )
    for name in ("paintings", "coco", "mpii"):
        (folder / name).mkdir()
    write_image(folder / "paintings/a.png", draw_scene(64, 64))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert call(shlex.split(f"{EXAMPLES['bench'][0]} {SMALL['bench']}")[1:]) == 0
    bench = "--model tests.outside:guess_from_pixels --data toy --limit 2 --corruptions fog --severities 1 --workers 1"
    for number, name in ((1, "here"), (2, "there")):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            assert call(f"bench {bench} --out {name} --shard {number}/2".split()) == 0
        shutil.copytree(folder / name, folder / "runs/shared", dirs_exist_ok=True)
    for name in ("standard", "hardened", "s0", "s1", "s2", "h0", "h1", "h2"):
        shutil.copytree(folder / "runs/demo", folder / "runs" / name)
    return folder


@pytest.mark.parametrize("example", [one for examples in EXAMPLES.values() for one in examples])
def test_example_runs(example, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("robustpose.corruptions.frost_textures.install_textures", lambda: "here")  # it is downloaded
    # They take half a minute, and have tests of their own.
    monkeypatch.setattr("robustpose.show.figures.write.write_figures", lambda *given: Written(folder))
    monkeypatch.setattr("robustpose.show.figures.paper_form.write_published", lambda out: Written(out))
    words = shlex.split(f"{example} {changed(example, SMALL)}")
    with few_images_do():
        code = call(words[words.index("robustpose") + 1 :])  # behind variables of the shell
    output, errors = capsys.readouterr()
    needed = changed(example, NEEDS)
    assert code == (2 if needed else 0), errors
    assert needed in output + errors
