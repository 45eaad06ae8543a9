"""Training: crops and targets, steps, the loop, checkpoints."""
