"""Shards: a run cut into parts that machines make without knowing of each other, and brought together afterwards."""
