"""Datasets: images to look at, and the truth about them. A dataset is a `robustpose.pose.protocols.Dataset`.

`robustpose.data.spec` describes and opens those that there are.
"""
