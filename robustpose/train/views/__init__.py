"""Views: the augmented copies of one crop that a strategy learns from."""
