"""Composite fields of a whole image become people (PifPaf)."""
