"""Detecting: a detector's boxes in every cell, alone or in one pass with the poses that are found in them."""
