"""Metrics: poses and truth in, figures out."""
