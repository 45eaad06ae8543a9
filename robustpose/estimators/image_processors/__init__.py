"""Image processors of transformers' pose models: crops, normalised, and from heatmaps back to joints, as theirs do it.

A file per model; what they read from heatmaps is in `peaks`, compiled loops are in `loops`. None of it needs
torchvision, or transformers.
"""
