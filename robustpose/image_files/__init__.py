"""Image files from anywhere: looked at before they are decoded, and read as 8-bit RGB or refused by name."""
