"""Other joints: a job whose model lacks some joints of the data becomes one of the joints that both have."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from robustpose.data.joints import choose_shared, open_with_joints, take_joints
from robustpose.data.spec import IMAGES_ALONE
from robustpose.pose.protocols import Dataset
from robustpose.pose.shared_joints import OtherJoints
from robustpose.pose.skeleton_table import find_published

if TYPE_CHECKING:
    from robustpose.benchmark.job import Job


def share_joints(job: Job, dataset: Dataset, other: OtherJoints) -> tuple[Job, Dataset, str]:
    """Return the job that scores the joints of its data that a model finds, too, its dataset, and the warning of that.

    Images alone have the published skeleton whose joints the model names. UserError where no joint is shared.
    """
    inputs = job.inputs
    published = find_published(other.joints)
    if inputs is not None and inputs.data.kind is IMAGES_ALONE and inputs.data.skeleton is None and len(published) == 1:
        name = published[0].skeleton.name
        data = inputs.data.model_copy(update={"skeleton": name})
        doubt = f"joints are those of {name}, by the names that the model gives (--skeleton {name} says so)"
        return replace(job, inputs=inputs.model_copy(update={"data": data}), make_dataset=data.open), data.open(), doubt
    shared = choose_shared(dataset.skeleton.joints, other)
    if inputs is not None:
        inputs = inputs.model_copy(update={"data": inputs.data.model_copy(update={"joints": shared.joints})})
    make_dataset = partial(open_with_joints, job.make_dataset, shared.joints)
    job = replace(job, inputs=inputs, make_dataset=make_dataset)
    return job, take_joints(dataset, shared.joints), shared.doubt
