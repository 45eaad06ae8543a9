"""robustpose train: train a network."""


def train() -> None:
    """Train a network."""
