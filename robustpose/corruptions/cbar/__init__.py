"""The ten corruptions of ImageNet-C-bar (Mintun, Kirillov and Xie, NeurIPS 2021), which those of COCO-C are far from.

Each is given a number for every severity, and what the number means does the rest; both are the published ones. They
are defined for squares: `canvas` says what happens to other images. Random numbers come from two generators under
`release`: parameters from the cell's own, and fields from a second one that it seeds.
"""
