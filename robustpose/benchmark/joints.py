"""Other joints: a job whose model lacks some joints of the data becomes one of the joints that both have."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from robustpose.data.joints import Shared, choose_shared, open_with_joints
from robustpose.pose.protocols import Dataset
from robustpose.pose.shared_joints import OtherJoints

if TYPE_CHECKING:
    from robustpose.benchmark.job import Job


def share_joints(job: Job, dataset: Dataset, other: OtherJoints) -> tuple[Job, Shared]:
    """Return the job that scores the joints of its data that a model finds, too; UserError where there are none."""
    shared = choose_shared(dataset.skeleton.joints, other)
    inputs = job.inputs
    if inputs is not None:
        inputs = inputs.model_copy(update={"data": inputs.data.model_copy(update={"joints": shared.joints})})
    make_dataset = partial(open_with_joints, job.make_dataset, shared.joints)
    return replace(job, inputs=inputs, make_dataset=make_dataset), shared
