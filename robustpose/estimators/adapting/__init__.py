"""Adaptation at test time: batch norms take statistics of the images that are looked at, a group of them at a time."""
