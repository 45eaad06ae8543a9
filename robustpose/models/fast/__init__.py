"""Equal and faster: networks folded, fused and rearranged for inference and for one step of training.

Others import from here only. `fold_batch_norms`, then `fuse_convolutions` make a network fast to look with;
`fast_input_gradient` makes it fast to learn through; the rest are parts of a U-Net that learns fast.
"""

from robustpose.models.fast.fold import fold_batch_norms, trace_network
from robustpose.models.fast.fuse import fuse_convolutions
from robustpose.models.fast.input_gradient import fast_input_gradient
from robustpose.models.fast.norms import SLOPE, NormAndLeakyReLU, NormBesideAndReLU
from robustpose.models.fast.shuffle import convolve_transposed

__all__ = [
    "SLOPE", "NormAndLeakyReLU", "NormBesideAndReLU", "convolve_transposed", "fast_input_gradient", "fold_batch_norms",
    "fuse_convolutions", "trace_network",
]  # fmt: skip
