"""Bench: cells to do, units of work that resume, tables and the report."""
