"""HTML pages: one file each, nothing loaded from the network."""
