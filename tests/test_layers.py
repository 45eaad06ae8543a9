"""The import order: a lower layer never imports a higher one, and folders of one layer do not import each other."""

import ast
import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import robustpose

ROOT = Path(robustpose.__file__).parent
LAYERS = [
    {"errors"},
    {"blame", "kernel_cache", "limits", "locks", "main_module", "printing", "stopping", "threads"} | {"shared_arrays"},
    {"reading", "network_processes"},
    {"amounts", "registry", "files", "handed_over", "processes", "progress", "random_state", "versions"}
    | {"config", "image_files", "records"},
    {"changes", "contents", "expected", "fresh", "sources"},
    {"used_names", "carried"},
    {"plain_values"},
    {"claims", "states", "work"},
    {"cluster", "pose"},
    {"corruptions", "models"},
    {"decoding", "metrics"},
    {"data", "estimators"},
    {"evaluation", "detectors"},
    {"results"},
    {"show"},
    {"benchmark", "train", "export", "campaign"},
    {"api"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
# torch may be imported here and nowhere else.
TORCH = {"models", "estimators", "train"}
# Commands that no network takes part in.
LIGHT = [
    ["--help"],
    ["list", "corruptions"],
    ["list", "models"],
    ["list", "datasets"],
    ["list", "networks"],
    ["list", "rows"],
    ["list", "metrics"],
    ["list", "strategies"],
    ["train", "--help"],
    ["corrupt", "IMAGE", "--out", "OUT", "--corruptions", "fog,contrast"],
    ["report", "RUN"],
    ["compare", "RUN", "RUN", "--out", "OUT"],
    ["leaderboard", "RUN", "--out", "OUT"],
    ["findings", "RUN"],
    ["findings", "--published"],
]
# What loads slowly, and only a model needs.
HEAVY = {"torch", "onnxruntime", "openvino", "transformers", "ai_edge_litert"}


@cache
def imports_of(path: Path):
    """Return (part of robustpose or other top-level name, line number) for every import statement in a file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [node.module]
            if node.module == "robustpose":
                names = [f"robustpose.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name.split("."), node.lineno) for name in names]
    return found


def part_of(path: Path) -> str:
    """Return the folder or file directly under the package that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


FILES = [path for path in sorted(ROOT.rglob("*.py")) if part_of(path) not in ("__init__", "__main__")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_imports_lower_layers_only(path):
    here = part_of(path)
    assert here in LEVEL, f"{here} has no layer: give it one in LAYERS and in docs/architecture.md"
    for name, line in imports_of(path):
        if name[0] != "robustpose" or len(name) == 1 or name[1] == here or name[1] not in LEVEL:
            continue
        assert LEVEL[name[1]] < LEVEL[here], f"{path}:{line}: {here} must not import {name[1]}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_torch_is_imported_only_where_networks_are(path):
    if part_of(path) not in TORCH:
        heavy = {"torch", "lightning", "lightning_fabric"}
        assert not [line for name, line in imports_of(path) if name[0] in heavy]


@pytest.fixture(scope="module")
def ends(tmp_path_factory, finished_run):
    """How each light command ends: its exit code, what is loaded by then that should not, and what it printed.

    One process runs them all, each as a new one would: nothing that was loaded is ever unloaded.
    """
    import numpy as np

    from robustpose.data.images import write_image

    folder = tmp_path_factory.mktemp("light")
    write_image(folder / "image.png", np.full((40, 50, 3), 90, np.uint8))
    shutil.copytree(finished_run, folder / "run")
    code = (
        "import json, sys\nfrom robustpose.cli import main\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    try:\n        main(words)\n        code = 0\n    except SystemExit as end:\n        code = end.code or 0\n"
        f"    heavy = sorted(sys.modules.keys() & {HEAVY})\n"
        "    print(json.dumps([code, heavy]), file=sys.stderr, flush=True)\n"
    )
    places = {"IMAGE": str(folder / "image.png"), "RUN": str(folder / "run")}
    commands = [
        [str(folder / f"out{number}") if word == "OUT" else places.get(word, word) for word in words]
        for number, words in enumerate(LIGHT)
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(commands)], capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("[")], done.stderr


@pytest.mark.parametrize("number", range(len(LIGHT)), ids=lambda number: "-".join(LIGHT[number][:2]))
def test_command_loads_no_library_that_runs_networks(number, ends):
    found, errors = ends
    assert found[number] == [0, []], errors
