"""Datasets: what there is to look at, and the truth about it.

A dataset has `skeleton`, `metric`, `__len__`, ``frame(i)`` and ``truth(i)``; it may have `provenance`, a dict for the
results, ``boxes_in(frame)``, where boxes come cell by cell, and ``ignored(i)``, the (H, W) pixels of people who are
not annotated. `robustpose.data.spec` opens those below.
"""

TABLE: dict[str, str] = {
    "toy": "robustpose.data.toy:ToyPeople",
    "toy-crowds": "robustpose.data.toy:make_crowds",
}
# Official sets, which need a root folder: name -> the split that is benched.
OFFICIAL: dict[str, str] = {
    "coco": "val2017",
    "mpii": "valid",
    "ochuman": "val",
}
DESCRIPTIONS: dict[str, str] = {
    "toy": "drawn people with exact truth; needs no files",
    "toy-crowds": "the same with two to five people in each picture",
    "coco --root DIR": "COCO 2017 keypoints: --split val2017 or train2017",
    "mpii --root DIR": "MPII Human Pose: --split valid or train",
    "ochuman --root DIR": "OCHuman: --split val or test",
    "--annotations FILE --images DIR": "COCO keypoint format, any skeleton",
    "package.module:attr": "anything with skeleton, metric, frame(i), truth(i)",
}
