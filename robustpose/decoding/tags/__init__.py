"""Heatmaps and tags of a whole image become people (HigherHRNet)."""
