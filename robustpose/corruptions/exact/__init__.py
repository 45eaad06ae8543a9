"""The compiled loops behind the corruptions, bit for bit those of the published program."""
