"""Metrics: poses and truth in, figures out.

A metric has `primary`, ``update(poses, truth)`` and ``compute()``, and may have ``one_pose_per_box = True``: it wants a
pose for every annotated box, near-duplicates included. A row of `TABLE` makes a fresh one for a skeleton; what follows
the colon of a metric's name is its second argument.
"""

TABLE: dict[str, str] = {
    "coco_ap": "robustpose.metrics.coco_ap:make",
    "pckh": "robustpose.metrics.pckh:make",
    "pck": "robustpose.metrics.pck:make",
}
DESCRIPTIONS: dict[str, str] = {
    "coco_ap": "COCO keypoint AP and AR, OKS .50:.05:.95",
    "pckh": "MPII's PCKh@0.5",
    "pck:NORMALIZER@T": "share of joints within T times head_size, box, or a limb such as left_hip-right_shoulder",
}
