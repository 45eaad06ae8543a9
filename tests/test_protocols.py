import pickle
from dataclasses import replace

import numpy as np
import pytest

from robustpose import estimators, metrics
from robustpose.data.coco import CocoPeople
from robustpose.data.ignored import find_ignored
from robustpose.data.images import write_image
from robustpose.data.mpii import MpiiPeople
from robustpose.data.spec import DataSpec
from robustpose.data.stylized import WithStyles
from robustpose.data.subset import Adjusted, DatasetAround
from robustpose.data.toy import ToyPeople
from robustpose.errors import UserError
from robustpose.evaluation import evaluate
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.protocols import Dataset, Estimator, Matches, Metric, adopt, list_members
from robustpose.pose.skeletons import COCO
from tests.outside import Centre, MeanScore, Squares

FOG = Cell("fog", 2)


class Boxes:
    """A dataset that knows nothing of the package, with every member there is."""

    skeleton = COCO
    metric = "pck:box@0.2"
    provenance = {"name": "boxes", "origin": "somewhere"}  # noqa: RUF012

    def __init__(self):
        self.checked = None

    def __len__(self):
        return 3

    def frame(self, index):
        frame = Squares().frame(index)
        return replace(frame, file_name=f"{index}.png")

    def truth(self, index):
        return Squares().truth(index)

    def ignored(self, index):
        return np.full((64, 64), index == 1)

    def boxes_in(self, frame):
        return replace(frame, boxes=np.array([[frame.cell.severity, 0, 9, 9.0]]))

    def check_cells(self, cells):
        self.checked = list(cells)


class Bare:
    """Nothing at all."""


def test_foreign_dataset_is_completed_with_defaults():
    dataset = adopt(Squares(), Dataset, "dataset 'x'")
    assert len(dataset) == 2
    assert dataset.provenance == {"name": "Squares", "n_images": 2}
    frame = dataset.frame(1)
    assert dataset.boxes_in(frame) is frame
    assert dataset.ignored(0) is None
    assert not find_ignored(dataset, 0).any()
    dataset.check_cells([CLEAN, FOG])


def test_foreign_dataset_keeps_what_it_has():
    found = Boxes()
    dataset = adopt(found, Dataset, "dataset 'x'")
    dataset.check_cells([FOG])
    assert found.checked == [FOG]
    assert dataset.provenance == Boxes.provenance
    assert dataset.ignored(1).all()
    assert dataset.boxes_in(replace(dataset.frame(0), cell=FOG)).boxes[0, 0] == 2


def test_foreign_dataset_that_changes_is_read_anew():
    found = Boxes()
    dataset = adopt(found, Dataset, "dataset 'x'")
    found.metric = "pck:box@0.3"
    assert dataset.metric == "pck:box@0.3"


def test_completed_object_can_be_sent_to_another_process():
    dataset = pickle.loads(pickle.dumps(adopt(Squares(), Dataset, "dataset 'x'")))
    assert (len(dataset), dataset.provenance) == (2, {"name": "Squares", "n_images": 2})


def test_object_of_the_package_is_taken_as_it_is():
    toy = ToyPeople(2)
    assert adopt(toy, Dataset, "toy") is toy


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        (Dataset, "x lacks 'skeleton', 'metric', '__len__', 'frame', 'truth'"),
        (Estimator, "x lacks 'skeleton', 'needs_boxes', 'predict'"),
        (Metric, "x lacks 'primary', 'update', 'compute'"),
        (Matches, "x lacks 'joint_figure', 'table', 'joints_tables', 'quality'"),
    ],
)
def test_object_that_lacks_what_it_must_have_is_one_line(protocol, message):
    with pytest.raises(UserError) as error:
        adopt(Bare(), protocol, "x")
    assert str(error.value) == message


def test_datasets_estimators_and_metrics_are_completed_where_they_are_loaded():
    dataset = DataSpec(name="tests.outside:Squares").open()
    estimator = estimators.build("tests.outside:Centre", COCO, {})
    metric = metrics.make_metric("tests.outside:MeanScore", COCO)
    for whole, protocol, found in (
        (dataset, Dataset, Squares),
        (estimator, Estimator, Centre),
        (metric, Metric, MeanScore),
    ):
        assert protocol in type(whole).__mro__
        assert type(getattr(whole, "inner", whole)).__name__ == found.__name__
    assert estimator.needs_images
    assert estimator.provenance == {"name": "Centre"}
    assert metric.matches() is None
    assert not metric.one_pose_per_box
    assert set(evaluate(dataset, estimator)) >= {"AP", "AR"}
    with pytest.raises(UserError, match=r"^dataset 'tests\.test_protocols:Bare' lacks 'skeleton', 'metric'"):
        DataSpec(name="tests.test_protocols:Bare").open()


@pytest.mark.parametrize("kind", [CocoPeople, MpiiPeople, ToyPeople, DatasetAround])
def test_datasets_of_the_package_are_datasets(kind):
    assert Dataset in kind.__mro__
    assert not kind.__abstractmethods__


# Datasets around another one


@pytest.fixture(params=["adjusted", "styles", "styles around adjusted"])
def around(request, tmp_path):
    """A dataset around `Boxes` with every member, and the index in it of each of its images."""
    dataset = adopt(Boxes(), Dataset, "dataset 'x'")
    for index in range(3):
        write_image(tmp_path / f"{index}.png", 255 - dataset.frame(index).image)
    if request.param == "adjusted":
        return dataset, Adjusted(dataset, indices=[2, 1]), [2, 1]
    if request.param == "styles":
        return dataset, WithStyles(dataset, tmp_path), [0, 1, 2, 0, 1, 2]
    return dataset, WithStyles(Adjusted(dataset, indices=[1, 2]), tmp_path, only=True), [1, 2]


def test_dataset_around_another_one_forwards_every_member(around):
    dataset, outer, indices = around
    assert len(outer) == len(indices)
    assert (outer.skeleton, outer.metric) == (dataset.skeleton, dataset.metric)
    assert outer.provenance.items() >= dataset.provenance.items()
    for index, inner in enumerate(indices):
        assert outer.frame(index).file_name == dataset.frame(inner).file_name
        np.testing.assert_array_equal(outer.truth(index).xy, dataset.truth(inner).xy)
        np.testing.assert_array_equal(outer.ignored(index), dataset.ignored(inner))
        assert outer.boxes_in(replace(outer.frame(index), cell=FOG)).boxes[0, 0] == 2


def test_dataset_around_another_one_checks_the_cells_of_that(tmp_path):
    found = Boxes()
    Adjusted(adopt(found, Dataset, "dataset 'x'"), limit=1).check_cells([FOG])
    assert found.checked == [FOG]


def test_no_member_of_the_protocol_is_left_to_its_default():
    values = vars(DatasetAround(ToyPeople(1)))
    assert set(list_members(Dataset)) <= {*vars(DatasetAround), *values}
