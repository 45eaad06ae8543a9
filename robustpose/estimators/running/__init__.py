"""What runs networks: backends, batches of one shape, normalised pixels."""
