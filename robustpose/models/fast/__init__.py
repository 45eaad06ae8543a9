"""Equal and faster: networks folded, fused and rearranged for inference and for one step of training."""
