"""Export: a corrupted set on disk (COCO-C), made in one command, and checked."""
