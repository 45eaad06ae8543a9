"""The vocabulary: skeletons, boxes, poses, and how alike two poses are. NumPy only."""
