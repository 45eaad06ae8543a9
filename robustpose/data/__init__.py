"""Datasets: what there is to look at, and the truth about it."""
