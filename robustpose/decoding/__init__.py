"""Decoding: from what a network gives to joints."""
