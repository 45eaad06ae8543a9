"""What a run found: its folder, its scores, their intervals and slices, and runs beside each other."""
