"""A fuzzer of our own: every file and option that comes from outside, spoilt in every way that we can think of."""
