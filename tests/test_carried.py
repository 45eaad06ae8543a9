"""Work that is carried: a machine that sees no file of this one leaves the same bytes behind."""

import json
import pickle
import shutil
from dataclasses import dataclass, replace

import numpy as np
import pytest

from robustpose.api.models import make_maker
from robustpose.benchmark.detecting.makers import NamedDetector
from robustpose.benchmark.detecting.prepared import DetectJob
from robustpose.benchmark.detecting.run import run_detect
from robustpose.benchmark.job import Job, no_estimator
from robustpose.benchmark.predict import Predicting
from robustpose.benchmark.run import run_bench
from robustpose.carried import bundle_files, naming_originals, place_files
from robustpose.corruptions.suites import choose_cells
from robustpose.data.carrying import pack_frames, unpack_frames
from robustpose.data.corrupted import MadeImages
from robustpose.data.images import write_image
from robustpose.data.own import adopt_dataset
from robustpose.data.spec import DataSpec
from robustpose.data.stored import open_stored_images
from robustpose.errors import UserError
from robustpose.estimators.carrying import NamedModel
from robustpose.export.stylize import StyleJob, stylize
from robustpose.export.write import SetJob, write_set
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Frame
from tests import outside
from tests.conftest import make_coco_folder, make_onnx
from tests.elsewhere import Elsewhere, Machine
from tests.network_files import make_outputs
from tests.runs import files_of
from tests.scenes import draw_scene

CELLS = choose_cells(["contrast"], [2])
OUTSIDE = "tests.outside:guess_from_pixels"


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    machine = Machine(tmp_path_factory.mktemp("machine"))
    yield machine
    machine.close()


@pytest.fixture
def home(tmp_path):
    """A folder with people.json, images/ and whatever else a test puts there: hidden from the machine."""
    return make_coco_folder(tmp_path / "home")


@pytest.fixture
def bench_both(machine, tmp_path, home):
    """A function that benches here and elsewhere, and asserts that both leave the same."""

    def bench(model=OUTSIDE, data=None, images=None, cells=CELLS, options=None):
        spec = data or DataSpec(annotations=home / "people.json", images=home / "images", limit=3)
        maker = model if callable(model) else NamedModel(model, options or {})
        engine = Elsewhere(machine, (home,))
        for name, workers in (("here", 1), ("elsewhere", engine)):
            job = Job(getattr(spec, "open", spec), maker, images or MadeImages(5), tmp_path / name)
            run_bench(job, cells, workers, n_resamples=40)
        assert files_of(tmp_path / "here") == files_of(tmp_path / "elsewhere")
        assert len(engine.n_bytes) == 2  # predicted and scored
        return engine

    return bench


# Data


def test_run_is_the_same_and_brings_each_image_once(bench_both, home):
    cells = choose_cells(["contrast", "fog", "snow"], [1, 2])
    engine = bench_both(cells=cells)
    n_images = sum((home / f"images/00000{number}.jpg").stat().st_size for number in (1, 2, 3))
    assert n_images < engine.n_bytes[0] < 2 * n_images


def test_people_travel_to_corruptions_that_are_told(bench_both):
    bench_both(cells=choose_cells(["mask"], [5]))


def test_detector_of_a_file_travels(machine, tmp_path, home):
    pytest.importorskip("onnxruntime")
    spec = make_outputs(home / "net.onnx", ("output0", (5, 64), "float32"), most=1)  # 64 cells of 48x64 px
    detector = NamedDetector(spec, {"min_score": 0.3})
    data = DataSpec(annotations=home / "people.json", images=home / "images", limit=3)
    for name, workers in (("here", 1), ("elsewhere", Elsewhere(machine, (home,)))):
        run_detect(DetectJob(Job(data.open, no_estimator, MadeImages(5), tmp_path / name), detector), CELLS, workers)
    assert files_of(tmp_path / "here") == files_of(tmp_path / "elsewhere")
    assert json.loads((tmp_path / "here/clean.json").read_text())


def test_boxes_of_each_cell_travel(bench_both, home):
    (home / "boxes").mkdir()
    for cell in CELLS:
        found = [
            {"image_id": number, "category_id": 1, "bbox": [4 + cell.severity, 8, 50, 70], "score": 0.9}
            for number in (1, 2, 3)
        ]
        (home / f"boxes/{cell.file_stem}.json").write_text(json.dumps(found))
    files = {"annotations": home / "people.json", "images": home / "images", "limit": 3}
    bench_both(data=DataSpec(**files, boxes=f"corrupt-det:{home / 'boxes'}"))


def test_metric_that_wants_a_pose_for_each_box_gets_it(bench_both, home):
    bench_both(data=DataSpec(annotations=home / "people.json", images=home / "images", limit=3, metric="pck:box@0.2"))


def test_corrupted_set_travels_cell_by_cell(bench_both, home):
    open_data = DataSpec(annotations=home / "people.json", images=home / "images", limit=3).open
    write_set(SetJob(open_data, MadeImages(5), "release", "png", home / "set"), CELLS)
    bench_both(images=open_stored_images(home / "set"))


def test_stylised_copies_travel(bench_both, home):
    shutil.copytree(home / "images", home / "styled")
    files = {"annotations": home / "people.json", "images": home / "images", "style_images": home / "styled"}
    bench_both(data=DataSpec(stylized="only", **files))


def test_drawn_images_are_drawn_there(bench_both):
    bench_both(data=DataSpec(name="toy", n_images=2))


def test_pixels_of_somebodys_own_dataset_travel(bench_both):
    bench_both(data=DataSpec(name="tests.outside:Squares", metric="tests.outside:MeanScore"))


def test_somebodys_own_corruption_is_run_there(bench_both):
    bench_both(cells=choose_cells(["tests.outside:darken"], [3]))


@pytest.mark.parametrize("n_textures", [0, 3])
def test_frost_has_the_textures_of_this_machine(bench_both, home, n_textures, monkeypatch, machine):
    monkeypatch.setenv("ROBUSTPOSE_CACHE", str(home / "cache"))  # nothing is installed: without a folder, generated
    for number in range(n_textures):
        (home / "frost").mkdir(exist_ok=True)
        write_image(home / f"frost/{number}.png", draw_scene(150, 160, number))
    bench_both(images=MadeImages(5, home / "frost" if n_textures else None), cells=choose_cells(["frost"], [3]))


# Models


def test_onnx_file_travels_with_its_external_data(bench_both, home):
    onnx = pytest.importorskip("onnx")
    make_onnx(home / "whole.onnx")
    kept = {"save_as_external_data": True, "location": "m.onnx.data", "size_threshold": 0}
    onnx.save_model(onnx.load(home / "whole.onnx"), home / "m.onnx", **kept)
    (home / "whole.onnx").unlink()
    bench_both(f"onnx:{home / 'm.onnx'}")


def test_weights_travel(bench_both, home):
    pytest.importorskip("torch")
    from robustpose import models
    from robustpose.models.input_spec import InputSpec
    from robustpose.models.weights import save_weights

    spec = InputSpec("small", (48, 64), COCO.joints)
    save_weights(models.build("small", 17), spec, home / "small.safetensors")
    bench_both(f"small:{home / 'small.safetensors'}")


def test_estimator_of_a_program_travels(bench_both):
    bench_both(make_maker(outside.Centre))


# Other works


def test_corrupted_set_is_the_same(machine, home, tmp_path):
    data = DataSpec(annotations=home / "people.json", images=home / "images", limit=2).open
    for name, workers in (("here", 1), ("elsewhere", Elsewhere(machine, (home,)))):
        job = SetJob(data, MadeImages(5), "plain", "jpg75", tmp_path / name)
        write_set(job, choose_cells(["fog", "mask", "tests.outside:darken"], [1, 5]), workers)
    assert files_of(tmp_path / "here") == files_of(tmp_path / "elsewhere")


def test_stylised_copies_are_the_same(machine, home, tmp_path):
    for number in range(3):
        (home / "styles").mkdir(exist_ok=True)
        write_image(home / f"styles/{number}.png", draw_scene(70, 90, seed=number))
    data = DataSpec(annotations=home / "people.json", images=home / "images").open
    for name, workers in (("here", 1), ("elsewhere", Elsewhere(machine, (home,)))):
        stylize(StyleJob(data, home / "styles", tmp_path / name, seed=3), workers)
    assert files_of(tmp_path / "here") == files_of(tmp_path / "elsewhere")


# What goes wrong


def test_error_names_the_file_as_it_is_called_here(machine, home, tmp_path):
    data = DataSpec(annotations=home / "people.json", images=home / "images")
    job = Job(data.open, NamedModel(OUTSIDE, {}), MadeImages(5), tmp_path / "run")
    whole = (home / "images/000002.jpg").read_bytes()
    (home / "images/000002.jpg").write_bytes(whole[:-300])
    expected = f"image {home / 'images/000002.jpg'} cannot be read .*: replace the file and start again"
    with pytest.raises(UserError, match=expected):
        run_bench(job, CELLS, Elsewhere(machine, (home,)))


def test_files_have_their_names_and_errors_name_the_originals(tmp_path, monkeypatch):
    (tmp_path / "model/sub").mkdir(parents=True)
    for name in ("a.bin", "sub/b.bin"):
        (tmp_path / "model" / name).write_text(name)
    bundle, files = bundle_files(tmp_path / "model", ["a.bin", "sub/b.bin"])
    (tmp_path / "brought").mkdir()
    for digest, path in files.items():
        shutil.copy(path, tmp_path / "brought" / digest)
    place_files(tmp_path / "brought")
    here = pickle.loads(pickle.dumps(bundle)).lay_out()
    assert here == bundle.lay_out()
    assert [(here / name).read_text() for name in ("a.bin", "sub/b.bin")] == ["a.bin", "sub/b.bin"]
    with pytest.raises(UserError, match=f"^{tmp_path / 'model/a.bin'} is bad$"), naming_originals():
        raise UserError(f"{here / 'a.bin'} is bad")


def test_damaged_and_missing_files_of_a_model_are_noticed(tmp_path):
    (tmp_path / "a.bin").write_text("content")
    bundle, files = bundle_files(tmp_path, ["a.bin"])
    (digest,) = files
    (tmp_path / "brought").mkdir()
    place_files(tmp_path / "brought")
    shutil.copy(tmp_path / "a.bin", tmp_path / "brought" / digest)
    (bundle.lay_out() / "a.bin").unlink()
    assert (bundle.lay_out() / "a.bin").read_text() == "content"
    with pytest.raises(UserError, match=r"/b\.bin cannot be read \(No such file or directory\): put it back, "):
        bundle_files(tmp_path, ["b.bin"])


def test_network_of_a_program_is_packed_by_who_sends_it():
    torch = pytest.importorskip("torch")
    maker = make_maker(torch.nn.Conv2d(3, 17, 4, stride=4), input="48x64", options={"flip_test": False})
    brought = pickle.loads(pickle.dumps(maker.carry()[0]))
    assert brought(COCO).provenance == maker(COCO).provenance


def test_other_versions_elsewhere_are_one_line(make_job, tmp_path):
    job = make_job(tmp_path / "run")
    dataset = job.make_dataset()
    work = Predicting(job, cells=CELLS).carry((dataset, job.make_estimator(COCO))).work
    other = {**work.expected.versions, "numpy": "1.0"}
    with pytest.raises(UserError, match=r"would find other numbers \(numpy: '1\.0' here, '.*' there\): install"):
        replace(work, expected=replace(work.expected, versions=other)).open()
    about = {**work.expected.about, "estimator": {"name": "x", "code": {"outside.py": "0"}}}
    with pytest.raises(UserError, match=r"would find other numbers \(estimator\..* every machine needs the same code"):
        replace(work, expected=replace(work.expected, about=about)).open()


# Frames


def test_frames_are_packed_without_looking_at_their_images(coco_folder, monkeypatch):
    data = DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images").open()
    frames = [data.frame(index) for index in range(3)]
    n_bytes = len(pack_frames([frames]))
    assert frames[0].image.any()
    assert len(pack_frames([frames])) == n_bytes  # nor are those that were looked at brought decoded
    monkeypatch.setattr("robustpose.data.readers.read_image", lambda *_: pytest.fail("an image was decoded"))
    pack_frames([[MadeImages(5).frame_in(frame, CELLS[1]) for frame in frames]])


def test_image_that_cannot_be_read_is_told_to_who_looks_at_it(home):
    data = DataSpec(annotations=home / "people.json", images=home / "images").open()
    (home / "images/000001.jpg").unlink()
    ((lost, there),) = unpack_frames(pack_frames([[data.frame(0), data.frame(1)]]))
    assert there.image.any()
    with pytest.raises(UserError, match=r"000001\.jpg does not exist"):
        lost.image  # noqa: B018


@dataclass(frozen=True, eq=False)
class Marked(Frame):
    """A frame of somebody's own class."""

    mark: object = None


def test_frame_of_somebodys_own_class_travels_unless_it_holds_what_cannot():
    ((marked,),) = unpack_frames(pack_frames([[Marked(1, lambda: np.full((40, 50, 3), 7, np.uint8), mark="x")]]))
    assert (type(marked), marked.mark, marked.image.max()) == (Marked, "x", 7)
    with pytest.raises(UserError, match=r"frames of class Marked cannot be sent to other machines \(.*: give plain"):
        pack_frames([[Marked(1, lambda: np.full((40, 50, 3), 7, np.uint8), mark=lambda: 1)]])


def test_dataset_around_one_of_ours_brings_files_and_no_pixels(coco_folder):
    data = DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images").open()
    assert pack_frames([[adopt_dataset(data, "data").frame(0)]]) == pack_frames([[data.frame(0)]])


def test_images_of_cells_that_are_done_are_not_kept(coco_folder):
    data = DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images").open()
    frame = data.frame(0)
    groups = unpack_frames(pack_frames([[MadeImages(5).frame_in(frame, cell)] for cell in CELLS]))
    ((clean,), (corrupted,)) = next(groups), next(groups)
    assert corrupted.image.shape == clean.image.shape
    assert next(groups, None) is None
    assert "image" in vars(clean)  # for all cells
    assert "image" not in vars(corrupted)
