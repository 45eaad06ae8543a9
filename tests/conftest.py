"""What several test files need: reference data, a small COCO-format dataset, an ONNX network, a finished run."""

import errno
import gc
import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest

from robustpose.data.images import write_image
from robustpose.pose.skeletons import COCO
from tests.scenes import draw_scene

# Helpers that assert tell as much as tests where they fail.
pytest.register_assert_rewrite("tests.crowds", "tests.networks", "tests.people", "tests.runs", "tests.training")

SHARED = Path(os.environ.get("ROBUSTPOSE_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="module", autouse=True)
def set_aside():
    """Set aside what has come to stay, such as modules: a command that fails looks through all else for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def own_key(tmp_path_factory):
    """Keep the key that run folders are sealed with out of the user's home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session")
def shared():
    """The folder of reference numbers and real data that some checkouts have beside them."""
    if not SHARED.is_dir():
        pytest.skip(f"no folder of reference data at {SHARED}")
    return SHARED


def load_module(path):
    """Return a program of the reference data as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def fill(shared):
    """The program that fills networks by the names of their parameters, and draws the images that they are shown."""
    return load_module(shared / "goldens/fill.py")


@pytest.fixture
def one_thread():
    """Keep PyTorch to one thread: several wait for each other where cores are busy."""
    from robustpose.estimators.running.backends import limit_threads

    with limit_threads(1):
        yield


@pytest.fixture
def packed_small(monkeypatch):
    """Let networks be prepared on a small picture, which takes less time."""
    from robustpose.estimators.running import backends

    monkeypatch.setattr(backends, "PACKED_FOR", (2, 3, 64, 64))


def make_person(person_id, image_id, box, rng, **changes):
    """Return a COCO annotation with 17 joints spread over its box (xywh px)."""
    x, y, width, height = box
    xy = rng.uniform(0, 1, (17, 2)) * [width, height] + [x, y]
    points = np.concatenate([np.round(xy, 2), np.full((17, 1), 2)], axis=1)
    return {
        "id": person_id,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": list(box),
        "area": 0.5 * width * height,
        "num_keypoints": 17,
        "keypoints": points.ravel().tolist(),
        **changes,
    }


CATEGORY = {
    "id": 1,
    "name": "person",
    "keypoints": list(COCO.joints),
    "skeleton": [[a + 1, b + 1] for a, b in COCO.limbs],
}


def make_coco_folder(folder):
    """Fill a folder with people.json and images/: nine small images, two people each, of two sizes."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(3)
    images, people = [], []
    for number in range(1, 10):
        height, width = (96, 128) if number % 2 else (120, 90)
        name = f"{number:06d}.jpg"
        write_image(folder / "images" / name, draw_scene(height, width, seed=number))
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        for box in ([5.0, 8.0, 40.0, 70.0], [45.0, 10.0, 38.0, 60.0]):
            people.append(make_person(len(people) + 1, number, box, rng))
    content = {"images": images, "annotations": people, "categories": [CATEGORY]}
    (folder / "people.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="session")
def coco_folder(tmp_path_factory):
    """A folder with people.json and images/: see `make_coco_folder`."""
    return make_coco_folder(tmp_path_factory.mktemp("coco"))


@pytest.fixture
def coco_content(coco_folder):
    """The content of people.json, to be spoilt and written elsewhere."""
    return json.loads((coco_folder / "people.json").read_text())


@pytest.fixture
def read(coco_folder, tmp_path):
    """A function that writes annotations and reads them with the small dataset's images."""
    from robustpose.data.coco import read_coco
    from robustpose.data.coco_reading import Reading

    def read_content(content, **reading):
        (tmp_path / "people.json").write_text(json.dumps(content))
        return read_coco(tmp_path / "people.json", coco_folder / "images", reading=Reading(**reading))

    return read_content


def make_onnx(path, n_joints=17, batch="batch", height=64, width=48, flat=False):
    """Write a network that averages 4 x 4 px and mixes the channels: right in form, wrong about people."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    mix = rng.normal(size=(n_joints, 3, 1, 1)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["image"], ["pooled"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["pooled", "mix"], ["maps"]),
    ]
    shape = [batch, n_joints, height // 4, width // 4]
    if flat:
        nodes.append(helper.make_node("Flatten", ["maps"], ["flat"]))
        shape = [batch, n_joints * (height // 4) * (width // 4)]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, height, width])],
        [helper.make_tensor_value_info("flat" if flat else "maps", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(mix, "mix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))
    return path


@pytest.fixture(scope="session")
def onnx_file(tmp_path_factory):
    """An ONNX network of the right form for COCO's joints."""
    return make_onnx(tmp_path_factory.mktemp("onnx") / "toy.onnx")


@pytest.fixture
def run(capsys):
    """A function that runs the command line and returns (exit code, output, errors)."""

    from robustpose.cli import main

    def run_command(*words):
        code = 0
        try:
            main([str(word) for word in words])
        except SystemExit as end:
            code = end.code or 0
        return code, *capsys.readouterr()

    return run_command


@pytest.fixture
def full_disk(monkeypatch):
    """A function after which the disk takes so many files, and no more."""
    replace = Path.replace

    def fill(room):
        left = iter(range(room))

        def write(part, path):
            if next(left, None) is None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return replace(part, path)

        monkeypatch.setattr(Path, "replace", write)

    return fill


@pytest.fixture(scope="session")
def make_job(coco_folder):
    """A function that makes a bench job on the small dataset with an estimator of your choice."""
    from robustpose.benchmark.job import Job
    from robustpose.data.corrupted import MadeImages
    from robustpose.data.spec import DataSpec
    from robustpose.estimators.carrying import NamedModel

    def make(out, model="tests.outside:guess_from_pixels", seed=5, options=None, corrupted_images=None):
        return Job(
            make_dataset=DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images").open,
            make_estimator=NamedModel(model, options or {}),
            corrupted_images=corrupted_images or MadeImages(seed),
            out=out,
        )

    return make


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory, make_job):
    """The folder of a finished run over clean and four cells."""
    from robustpose.benchmark.run import run_bench
    from robustpose.corruptions.suites import choose_cells

    out = tmp_path_factory.mktemp("runs") / "finished"
    run_bench(make_job(out), choose_cells(["contrast", "gaussian_noise"], [1, 4]))
    return out


@pytest.fixture(scope="session")
def suite_runs(tmp_path_factory, coco_folder):
    """The folders of runs of two models on two suites each: see `bench_on_suites`."""
    from tests.runs import bench_on_suites, run_quietly

    return bench_on_suites(run_quietly, coco_folder, tmp_path_factory.mktemp("suites"))
