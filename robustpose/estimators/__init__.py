"""Estimators: image in, poses out. One file per kind; each optional library in one of them.

An estimator has `skeleton`, `needs_boxes` and ``predict(frames) -> list[Poses]``.
"""
