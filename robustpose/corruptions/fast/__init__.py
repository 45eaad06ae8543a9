"""Compiled loops in float32 for independent seeds, where the distribution counts and not the last bits."""
