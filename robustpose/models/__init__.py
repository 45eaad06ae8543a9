"""Networks and what has to be known about them. One row per network; imported only when asked for."""

# Name -> function of the number of joints K that returns the network: (B, 3, h, w) -> heatmaps (B, K, h/4, w/4).
TABLE: dict[str, str] = {
    "small": "robustpose.models.small:SmallNet",
}
